"""How sure a mean over impressions is: percentile bootstrap over readers (Efron and Tibshirani, 1993).

A reader's impressions are alike, so readers are drawn with replacement, each with all of their impressions.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

RESAMPLES = 1000
COVERAGE = 95  # percent


class Interval(NamedTuple):
    value: float
    low: float
    high: float


def mean_intervals(
    values: Float[np.ndarray, "I K"],
    readers: Int[np.ndarray, " I"],
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> list[Interval]:
    """The mean of each of K columns over I impressions, with its 95 % interval.

    The same readers and seed give the same resamples: pass the differences of two systems, impression by
    impression, for a paired comparison. Raises ValueError where there is nothing to average.
    """
    if not len(values):
        raise ValueError("Expected at least one impression to average over, found none.")
    means = resampled_means(values, readers, resamples, seed)
    tail = (100 - COVERAGE) / 2
    low, high = np.percentile(means, (tail, 100 - tail), axis=0)
    return [Interval(*map(float, numbers)) for numbers in zip(values.mean(0), low, high, strict=True)]


def resampled_means(
    values: Float[np.ndarray, "I K"], readers: Int[np.ndarray, " I"], resamples: int, seed: int
) -> Float[np.ndarray, "S K"]:
    """In each of S resamples, the sum of the drawn readers' sums by the sum of their counts."""
    distinct, places = np.unique(readers, return_inverse=True)
    columns = [*values.T, np.ones(len(values))]
    sums = np.stack([np.bincount(places, weights=column) for column in columns], axis=-1)
    random = np.random.default_rng(seed)
    totals = np.empty((resamples, sums.shape[1]))
    # One resample at a time: all of them as one matrix would be a gigabyte on MIND-large.
    for resample in range(resamples):
        drawn = np.bincount(random.integers(len(distinct), size=len(distinct)), minlength=len(distinct))
        totals[resample] = drawn.astype(float) @ sums
    return totals[:, :-1] / totals[:, -1:]
