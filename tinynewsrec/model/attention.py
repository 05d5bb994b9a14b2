import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn


def masked_softmax(scores: Float[Tensor, "*any L"], mask: Bool[Tensor, "*any L"]) -> Float[Tensor, "*any L"]:
    """Softmax over what the mask keeps. A row that keeps nothing gets zeros, not NaN."""
    lowest = torch.finfo(scores.dtype).min
    return scores.masked_fill(~mask, lowest).softmax(-1).masked_fill(~mask, 0.0)


class AttentionPooling(nn.Module):
    """A weighted mean of a sequence, with learnt weights; untrained it is the plain mean."""

    def __init__(self, size: int, query_size: int):
        super().__init__()
        self.key = nn.Linear(size, query_size)
        self.query = nn.Linear(query_size, 1)
        nn.init.zeros_(self.query.weight)

    def forward(self, items: Float[Tensor, "B L D"], mask: Bool[Tensor, "B L"]) -> Float[Tensor, "B D"]:
        return torch.einsum("bl,bld->bd", self.weights(items, mask), items)

    def weights(self, items: Float[Tensor, "B L D"], mask: Bool[Tensor, "B L"]) -> Float[Tensor, "B L"]:
        """What each item counts for: sums to 1 over the items of a row, all zero for an empty row."""
        return masked_softmax(self.query(self.key(items).tanh()).squeeze(-1), mask)


class MeanPooling(nn.Module):
    def forward(self, items: Float[Tensor, "B L D"], mask: Bool[Tensor, "B L"]) -> Float[Tensor, "B D"]:
        return torch.einsum("bl,bld->bd", self.weights(items, mask), items)

    def weights(self, items: Float[Tensor, "B L D"], mask: Bool[Tensor, "B L"]) -> Float[Tensor, "B L"]:
        return mask / mask.sum(-1, keepdim=True).clamp(min=1).to(items.dtype)


class FirstPooling(nn.Module):
    """The first item alone: the [CLS] token of a title."""

    def forward(self, items: Float[Tensor, "B L D"], mask: Bool[Tensor, "B L"]) -> Float[Tensor, "B D"]:
        return items[:, 0]


class SelfAttention(nn.Module):
    """Multi-head self-attention over what the mask keeps (NRMS: Wu et al., 2019)."""

    def __init__(self, size: int, heads: int):
        super().__init__()
        self.attend = nn.MultiheadAttention(size, heads, batch_first=True)

    def forward(self, items: Float[Tensor, "B L D"], mask: Bool[Tensor, "B L"]) -> Float[Tensor, "B L D"]:
        # A row that keeps nothing would be NaN; it may look at anything, for pooling drops it.
        visible = mask | ~mask.any(-1, keepdim=True)
        return self.attend(items, items, items, key_padding_mask=~visible, need_weights=False)[0]
