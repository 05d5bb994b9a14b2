"""Gathers impressions into batches of tensors."""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Int
from torch import Tensor

from tinynewsrec.data.tables import Ragged
from tinynewsrec.data.tokens import Stories

EMPTY = -1  # marks a slot of history or candidates that holds no story


class Batch(NamedTuple):
    """The distinct stories of a batch, and where B readers meet them.

    `history` and `candidates` count within the batch, from 0 to N - 1;
    `stories` leads back to the news table, and to whatever else is kept per story.
    """

    stories: Int[Tensor, " N"]
    tokens: Stories
    history: Int[Tensor, "B H"]
    candidates: Int[Tensor, "B C"]
    clicked: Bool[Tensor, "B C"]


def collate(
    history: Int[np.ndarray, "B H"],
    candidates: Int[np.ndarray, "B C"],
    clicked: Bool[np.ndarray, "B C"],
    tokens: Stories,
) -> Batch:
    """Names each story by its place in the batch: it is encoded once, however many readers meet it."""
    named = np.concatenate([history.ravel(), candidates.ravel()])
    distinct, places = np.unique(named, return_inverse=True)
    empty = int(distinct[0] == EMPTY)
    distinct, places = torch.from_numpy(distinct[empty:].astype(np.int64)), torch.from_numpy(places - empty)
    return Batch(
        distinct,
        tokens.take(distinct),
        places[: history.size].view(history.shape),
        places[history.size :].view(candidates.shape),
        torch.from_numpy(clicked),
    )


def pad(rows: Ragged, width: int | None = None) -> Int[np.ndarray, "B L"]:
    """The last `width` items of each row (all, if None), at the start, with EMPTY behind them."""
    lengths = rows.lengths if width is None else np.minimum(rows.lengths, width)
    columns = np.arange(max(1, lengths.max(initial=0)))
    kept = columns < lengths[:, None]
    places = np.where(kept, (rows.offsets[1:] - lengths)[:, None] + columns, 0)
    values = rows.values if len(rows.values) else np.full(1, EMPTY)
    return np.where(kept, values[places], EMPTY).astype(np.int64)
