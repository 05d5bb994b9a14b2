"""Gathers impressions into batches of tensors."""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from tinynewsrec.data.tables import Ragged
from tinynewsrec.data.tokens import Stories

EMPTY = -1  # marks a slot of history or candidates that holds no story


class Batch(NamedTuple):
    """The distinct stories of a batch, and where B readers meet them.

    `history` and `candidates` count within the batch, from 0 to N - 1;
    `stories` leads back to the news table, and to whatever else is kept per story. Where it is a part of a
    larger batch, `whole` are the rows of all stories of that, and `shares` say which share of the slots
    that a story fills there are here.
    """

    stories: Int[Tensor, " N"]
    tokens: Stories
    history: Int[Tensor, "B H"]
    candidates: Int[Tensor, "B C"]
    clicked: Bool[Tensor, "B C"]
    whole: Int[Tensor, " W"]
    shares: Float[Tensor, " N"]


def collate(
    history: Int[np.ndarray, "A H"],
    candidates: Int[np.ndarray, "A C"],
    clicked: Bool[np.ndarray, "A C"],
    tokens: Stories,
    part: slice = slice(None),
) -> Batch:
    """Names each story by its place in the batch: it is encoded once, however many readers meet it.

    With `part`, the batch holds those readers alone, and knows what the others meet.
    """
    whole, held = slots_of(history, candidates)
    history, candidates, clicked = history[part], candidates[part], clicked[part]
    stories, filled = slots_of(history, candidates)
    shares = filled / held[np.searchsorted(whole, stories)]
    distinct = torch.from_numpy(stories)
    return Batch(
        distinct,
        tokens.take(distinct),
        torch.from_numpy(places_among(stories, history)),
        torch.from_numpy(places_among(stories, candidates)),
        torch.from_numpy(clicked),
        torch.from_numpy(whole),
        torch.from_numpy(shares.astype(np.float32)),
    )


def slots_of(
    history: Int[np.ndarray, "B H"], candidates: Int[np.ndarray, "B C"]
) -> tuple[Int[np.ndarray, " N"], Int[np.ndarray, " N"]]:
    """The distinct stories, in order, and how many slots each fills."""
    named = np.concatenate([history.ravel(), candidates.ravel()])
    stories, filled = np.unique(named[named != EMPTY], return_counts=True)
    return stories.astype(np.int64), filled


def places_among(stories: Int[np.ndarray, " N"], slots: Int[np.ndarray, "B S"]) -> Int[np.ndarray, "B S"]:
    return np.where(slots == EMPTY, EMPTY, np.searchsorted(stories, slots)).astype(np.int64)


def pad(rows: Ragged, width: int | None = None) -> Int[np.ndarray, "B L"]:
    """The last `width` items of each row (all, if None), at the start, with EMPTY behind them."""
    lengths = rows.lengths if width is None else np.minimum(rows.lengths, width)
    columns = np.arange(max(1, lengths.max(initial=0)))
    kept = columns < lengths[:, None]
    places = np.where(kept, (rows.offsets[1:] - lengths)[:, None] + columns, 0)
    values = rows.values if len(rows.values) else np.full(1, EMPTY)
    return np.where(kept, values[places], EMPTY).astype(np.int64)
