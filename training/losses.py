"""What a model is taught with. Each loss is a mean over the clicks of a batch."""

from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F


def click_loss(
    scores: Float[Tensor, "B C"], clicked: Bool[Tensor, "B C"], shown: Bool[Tensor, "B C"]
) -> Float[Tensor, ""]:
    """Cross-entropy of the one clicked candidate among those shown (Wu et al., 2019)."""
    return F.cross_entropy(scores.masked_fill(~shown, float("-inf")), clicked.float().argmax(-1))
