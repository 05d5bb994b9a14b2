"""Turns texts into token ids, once."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Int
from torch import Tensor
from transformers import PreTrainedTokenizerBase


class Tokens(NamedTuple):
    """N stories of up to T tokens, padded at the end."""

    ids: Int[Tensor, "N T"]
    mask: Bool[Tensor, "N T"]

    @property
    def lengths(self) -> Int[Tensor, " N"]:
        return self.mask.sum(-1)

    def take(self, rows: Int[Tensor, " M"]) -> "Tokens":
        """The named stories, without the columns in which all of them are padded."""
        mask = self.mask[rows]
        width = int(mask.sum(-1).amax()) if len(rows) else 1
        return Tokens(self.ids[rows, :width], mask[:, :width])

    def to(self, device: torch.device) -> "Tokens":
        return Tokens(self.ids.to(device), self.mask.to(device))


@runtime_checkable
class Stories(Protocol):
    """A news table in a form that an encoder reads: Tokens, or what frozen layers made of them."""

    def take(self, rows: Int[Tensor, " M"]) -> "Stories": ...


def tokenize(texts: Sequence[str], tokenizer: PreTrainedTokenizerBase, length: int) -> Tokens:
    """Titles or bodies as token ids, cut to `length` tokens, the special ones included.

    Raises ValueError where the language model cannot read as many.
    """
    if length > tokenizer.model_max_length:
        raise ValueError(
            f"Expected texts of at most {tokenizer.model_max_length} tokens, as long as this language model "
            f"reads; got a length of {length}. Lower title_length or body_length."
        )
    encoded = tokenizer(
        list(texts) or [""],
        truncation=True,
        max_length=length,
        padding=True,
        padding_side="right",
        return_tensors="pt",
    )
    kept = slice(len(texts))
    return Tokens(encoded["input_ids"][kept], encoded["attention_mask"][kept].bool())
