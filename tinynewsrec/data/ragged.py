"""Rows of different lengths: histories and lists of candidates."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True, eq=False)
class Ragged:
    """Rows of different lengths, stored end to end."""

    values: np.ndarray  # [total]
    offsets: np.ndarray  # [rows + 1], int64

    @classmethod
    def stack(cls, rows: Sequence, dtype=np.int32) -> "Ragged":
        arrays = [np.asarray(row, dtype=dtype) for row in rows]
        values = np.concatenate(arrays) if arrays else np.empty(0, dtype)
        return cls(values, np.cumsum([0, *map(len, arrays)], dtype=np.int64))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, row: int) -> np.ndarray:
        return self.values[self.offsets[row] : self.offsets[row + 1]]

    @property
    def lengths(self) -> np.ndarray:
        return np.diff(self.offsets)

    @property
    def named(self) -> np.ndarray:
        """Each value once, sorted."""
        return np.unique(self.values)

    def take(self, rows: np.ndarray) -> "Ragged":
        """The named rows, in that order."""
        starts = self.offsets[:-1][rows]
        lengths = self.offsets[1:][rows] - starts
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        shifts = np.repeat(starts - offsets[:-1], lengths)
        return Ragged(self.values[np.arange(offsets[-1]) + shifts], offsets)

    def select(self, rows: np.ndarray) -> "Ragged":
        """The named rows, held as these are: rows that are alike may be held once."""
        return self.take(rows)


class SharedRagged(Ragged):
    """Rows of which many are alike, held once; asking for `values` or `offsets` writes all of them out."""

    def __init__(self, distinct: Ragged, rows: np.ndarray):
        vars(self).update(distinct=distinct, rows=rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, row: int) -> np.ndarray:
        return self.distinct[int(self.rows[row])]

    @property
    def lengths(self) -> np.ndarray:
        return self.distinct.lengths[self.rows]

    @cached_property
    def offsets(self) -> np.ndarray:
        return np.concatenate([[0], np.cumsum(self.lengths)])

    @cached_property
    def values(self) -> np.ndarray:
        return self.distinct.take(self.rows).values

    @property
    def named(self) -> np.ndarray:
        return np.unique(self.distinct.take(np.unique(self.rows)).values)

    def take(self, rows: np.ndarray) -> Ragged:
        return self.distinct.take(self.rows[rows])

    def select(self, rows: np.ndarray) -> "SharedRagged":
        return SharedRagged(self.distinct, self.rows[rows])
