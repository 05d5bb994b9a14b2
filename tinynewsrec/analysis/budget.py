"""What a model would cost in service: how much of a machine the news and the visits of an hour take."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

HOUR = 3600.0  # seconds


class Load(NamedTuple):
    """Seconds of computing for an hour's work, on one machine like the one that was timed."""

    encoding: float
    ranking: float

    @property
    def share(self) -> float:
        """Of an hour; above 1 the machine cannot keep up."""
        return (self.encoding + self.ranking) / HOUR


def load(
    encode: float, rank: float, stories: float, visits: float, candidates: float, cached: bool = True
) -> Load:
    """`encode` is seconds for a title, `rank` for a visit with its vectors at hand.

    With cached vectors each story of the hour is encoded once; without, each candidate of each visit.
    """
    titles = stories if cached else visits * candidates
    return Load(encode * titles, rank * visits)


def front(cost: Float[np.ndarray, " M"], quality: Float[np.ndarray, " M"]) -> Bool[np.ndarray, " M"]:
    """Which models none beats: no other is at most as costly and at least as good, and better in one."""
    no_worse = (cost[:, None] <= cost) & (quality[:, None] >= quality)
    better = (cost[:, None] < cost) | (quality[:, None] > quality)
    return ~(no_worse & better).any(axis=0)
