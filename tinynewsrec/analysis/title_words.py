"""The words of a title as people see them, and the pieces of them that a model reads."""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int

from tinynewsrec.data.tokens import Tokens
from tinynewsrec.model.recommender import Recommender


class Title(NamedTuple):
    """T pieces of W words. Words stand between spaces, with their punctuation, as in the title."""

    words: tuple[str, ...]
    """Those a model reads, all or a part of each."""
    unread: tuple[str, ...]
    """Those behind the last piece that a model reads."""
    tokens: Tokens
    """One story."""
    places: tuple[tuple[int, int], ...]
    """Where each piece begins and ends in the title; at the same character for the model's own marks."""
    word_of: Int[np.ndarray, " T"]
    """The word of each piece; -1 for the model's own marks around the title."""

    def by_word(self, pieces: Float[np.ndarray, " T"]) -> Float[np.ndarray, " W"]:
        """The sum over the pieces of each word."""
        inside = self.word_of >= 0
        sums = np.bincount(self.word_of[inside], pieces[inside], minlength=len(self.words))
        return sums.astype(pieces.dtype)  # without any word they would be integers

    def keeping(self, kept: Bool[np.ndarray, "K W"]) -> Tokens:
        """The title as it would be read with only some of its words, K times."""
        stay = np.column_stack([kept, np.ones(len(kept), bool)])[:, self.word_of]  # the marks always do
        order = np.argsort(~stay, axis=-1, kind="stable")
        mask = torch.from_numpy(np.take_along_axis(stay, order, -1)).to(self.tokens.ids.device)
        return Tokens(self.tokens.ids[0][torch.from_numpy(order)], mask)


def read_title(recommender: Recommender, title: str) -> Title:
    tokens = recommender.tokens([title])
    encoded = recommender.tokenizer(
        title, truncation=True, max_length=recommender.config.title_length, return_offsets_mapping=True
    )
    word_at = words_by_character(title)
    # A piece may begin with the space before its word, so its last character decides.
    places = tuple(encoded["offset_mapping"])
    word_of = np.array([word_at[end - 1] if end > start else -1 for start, end in places])
    words, read = title.split(), int(word_of.max(initial=-1)) + 1
    device = next(recommender.parameters()).device
    return Title(tuple(words[:read]), tuple(words[read:]), tokens.to(device), places, word_of)


def words_by_character(title: str) -> list[int]:
    """The number of the word that each character stands in or, for a space, behind."""
    number, inside, found = -1, False, []
    for character in title:
        number += not character.isspace() and not inside
        inside = not character.isspace()
        found.append(number)
    return found
