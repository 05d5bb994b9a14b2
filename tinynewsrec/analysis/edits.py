"""Edits of a reader's history, and what differs between two lists."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from difflib import SequenceMatcher
from typing import Literal, NamedTuple, get_args

import numpy as np
from jaxtyping import Int

Kind = Literal[
    "remove", "earlier", "later", "again", "add", "empty", "reverse", "double", "shuffle", "latest"
]
KINDS: tuple[Kind, ...] = get_args(Kind)
AT_A_CLICK: tuple[Kind, ...] = ("remove", "earlier", "later", "again")


def edited(history: Int[np.ndarray, " H"], kind: Kind, number: int = 0) -> Int[np.ndarray, " left"]:
    """The history, stories by their row in the news table, oldest first, after one edit.

    `number` is the place of a click, 0 the oldest; for add the story's row, for shuffle the seed, for latest
    how many clicks stay. Raises ValueError for a click that is not there.
    """
    if kind in AT_A_CLICK and not 0 <= number < len(history):
        raise ValueError(f"Expected a click from 0 to {len(history) - 1} to {kind}, found {number}.")
    return DO[kind](history, number)


def swapped(history: Int[np.ndarray, " H"], one: int, other: int) -> Int[np.ndarray, " H"]:
    """The same for a place outside of the history, where there is nothing to change places with."""
    order = np.arange(len(history))
    if 0 <= other < len(history):
        order[[one, other]] = other, one
    return history[order]


def shuffled(history: Int[np.ndarray, " H"], seed: int) -> Int[np.ndarray, " H"]:
    return np.random.default_rng(abs(seed)).permutation(history)


DO: dict[Kind, Callable[[np.ndarray, int], np.ndarray]] = {
    "remove": np.delete,
    "earlier": lambda history, place: swapped(history, place, place - 1),
    "later": lambda history, place: swapped(history, place, place + 1),
    "again": lambda history, place: np.insert(history, place, history[place]),
    "add": lambda history, story: np.append(history, np.asarray(story, history.dtype)),
    "empty": lambda history, _: history[:0],
    "reverse": lambda history, _: history[::-1].copy(),
    "double": lambda history, _: np.repeat(history, 2),
    "shuffle": shuffled,
    "latest": lambda history, count: history[len(history) - min(max(count, 0), len(history)) :],
}


class Piece(NamedTuple):
    kind: Literal["same", "gone", "new"]
    items: tuple[Hashable, ...]


def differences(before: Sequence[Hashable], after: Sequence[Hashable]) -> list[Piece]:
    """`same` and `gone` are the items of `before` in order, `same` and `new` those of `after`."""
    return [piece for piece in pieces(before, after) if piece.items]


def pieces(before: Sequence[Hashable], after: Sequence[Hashable]) -> Iterable[Piece]:
    for kind, a, b, c, d in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind == "equal":
            yield Piece("same", tuple(before[a:b]))
        else:
            yield Piece("gone", tuple(before[a:b]))
            yield Piece("new", tuple(after[c:d]))
