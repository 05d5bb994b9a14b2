"""What the frozen layers of a language model make of each story: computed once, then read at every step.

Exact, for frozen layers have their dropout off (NewsEncoder.train).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence
from transformers import PreTrainedModel

from tinynewsrec.data.tokens import Tokens
from tinynewsrec.model.language_models import layers_of


@dataclass(frozen=True)
class FrozenWords:
    """N stories as the vectors of their word pieces after `layers` layers; stands where Tokens stand."""

    words: Float[Tensor, "N T W"]
    mask: Bool[Tensor, "N T"]
    layers: int

    @property
    def lengths(self) -> Int[Tensor, " N"]:
        return self.mask.sum(-1)

    def take(self, rows: Int[Tensor, " M"]) -> "FrozenWords":
        mask = self.mask[rows]
        width = int(mask.sum(-1).amax()) if len(rows) else 1
        return FrozenWords(self.words[rows, :width], mask[:, :width], self.layers)

    def to(self, device: torch.device) -> "FrozenWords":
        return FrozenWords(self.words.to(device), self.mask.to(device), self.layers)


class FrozenStories:
    """The frozen words of a whole news table, kept without padding; `take` pads what a batch asks for."""

    def __init__(self, stories: dict[int, Float[Tensor, "T W"]], layers: int):
        self.stories, self.layers = stories, layers

    def take(self, rows: Int[Tensor, " M"]) -> FrozenWords:
        taken = [self.stories[row] for row in rows.tolist()]
        lengths = torch.tensor([len(words) for words in taken])
        words = pad_sequence(taken, batch_first=True)
        return FrozenWords(words, torch.arange(words.shape[1]) < lengths[:, None], self.layers)


@torch.no_grad()
def freeze_stories(
    model: PreTrainedModel, layers: int, tokens: Tokens, rows: Int[Tensor, " M"], batch_size: int = 256
) -> FrozenStories:
    """Runs the first `layers` layers over the named stories of a news table."""
    model.eval()
    device, stories = next(model.parameters()).device, {}
    for part in rows[tokens.lengths[rows].argsort()].split(batch_size):
        ids, mask = tokens.take(part).to(device)
        words = words_behind(model, layers, ids, mask).cpu()
        lengths = mask.sum(-1).tolist()
        stories |= {row: w[:n].clone() for row, w, n in zip(part.tolist(), words, lengths, strict=True)}
    return FrozenStories(stories, layers)


@torch.no_grad()
def can_freeze(model: PreTrainedModel, layers: int, tokens: Tokens) -> bool:
    """Whether these stories come out alike in one go and in two; some families mix layers further."""
    model.eval()
    ids, mask = tokens.to(next(model.parameters()).device)
    whole = model(ids, attention_mask=mask.long()).last_hidden_state
    frozen = FrozenWords(words_behind(model, layers, ids, mask), mask, layers)
    return torch.allclose(thaw(model, frozen)[mask], whole[mask], atol=1e-4, rtol=1e-4)


def words_behind(
    model: PreTrainedModel, layers: int, ids: Int[Tensor, "N T"], mask: Bool[Tensor, "N T"]
) -> Float[Tensor, "N T W"]:
    """What stands between the first `layers` layers and the next; of all layers, what the model gives."""
    if layers == len(layers_of(model)):
        return model(ids, attention_mask=mask.long()).last_hidden_state
    caught: list[Tensor] = []
    last = layers_of(model)[max(layers, 1) - 1]
    hook = (
        last.register_forward_hook(lambda _, given, made: caught.append(words_of(made)))
        if layers
        else last.register_forward_pre_hook(lambda _, given: caught.append(given[0]))
    )
    with hook, only(model, slice(max(layers, 1))):
        model(ids, attention_mask=mask.long())
    return caught[0]


def words_of(made: Tensor | tuple[Tensor | None, ...]) -> Tensor:
    """The words among what a layer gives, which in some families is more."""
    return made[0] if isinstance(made, tuple) else made


def thaw(model: PreTrainedModel, frozen: FrozenWords) -> Float[Tensor, "N T W"]:
    """What the whole model would give: runs the layers behind the frozen ones."""
    if frozen.layers == len(layers_of(model)):
        return frozen.words
    with only(model, slice(frozen.layers, None)), given_words(model):
        return model(inputs_embeds=frozen.words, attention_mask=frozen.mask.long()).last_hidden_state


@contextmanager
def only(model: PreTrainedModel, kept: slice) -> Iterator[None]:
    """For a while, a model of some of its layers."""
    stack = layers_of(model)
    whole = stack._modules
    stack._modules = {str(place): layer for place, layer in enumerate(list(whole.values())[kept])}
    try:
        yield
    finally:
        stack._modules = whole


@contextmanager
def given_words(model: PreTrainedModel) -> Iterator[None]:
    """For a while, a model whose embeddings hand on what they are given."""
    replaced = {name: part for name, part in model.named_children() if name.startswith("embeddings")}
    for name in replaced:
        setattr(model, name, HandOn())
    try:
        yield
    finally:
        for name, part in replaced.items():
            setattr(model, name, part)


class HandOn(nn.Module):
    def forward(self, *given: Tensor | None, **named: object) -> Tensor:
        """The one vector for each word piece among what embeddings are called with."""
        values = (*given, *named.values())
        return next(value for value in values if isinstance(value, Tensor) and value.is_floating_point())
