"""How models do on parts of the impressions: each mean with its interval over readers, and how many.

Readers are drawn from all that are compared, whichever slice they are in, so one round of drawing serves all
slices; a slice's mean is the ratio of its sum to its count in each resample.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from tinynewsrec.evaluation.bootstrap import COVERAGE, RESAMPLES, Interval, resampled_means

FEWEST = 50  # impressions: fewer make a slice small, and its interval hardly worth a look


class SliceNumbers(NamedTuple):
    impressions: int
    readers: int
    values: tuple[Interval, ...]
    """The mean of each model, in the unit of what was measured."""
    difference: Interval
    """Teacher less student, on the same impressions."""

    @property
    def small(self) -> bool:
        return self.impressions < FEWEST


def slices(
    values: Float[np.ndarray, "M K"],
    teacher: int,
    student: int,
    readers: Int[np.ndarray, " M"],
    members: Bool[np.ndarray, "M B"],
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> list[SliceNumbers | None]:
    """Of K models' values on each of B slices; None for a slice without impressions.

    `teacher` and `student` are columns of `values`.
    """
    if not members.any():
        return [None] * members.shape[1]
    means = slice_means(values, readers, members, resamples, seed)
    ends = quantiles(means)
    apart = quantiles(means[..., teacher] - means[..., student])
    found: list[SliceNumbers | None] = []
    for member, own, difference in zip(members.T, ends.swapaxes(0, 1), apart.T, strict=True):
        if not member.any():
            found.append(None)
            continue
        mean = values[member].mean(0)
        intervals = tuple(Interval(*map(float, numbers)) for numbers in zip(mean, *own, strict=True))
        lead = Interval(float(mean[teacher] - mean[student]), *map(float, difference))
        found.append(SliceNumbers(int(member.sum()), len(np.unique(readers[member])), intervals, lead))
    return found


def slice_means(
    values: Float[np.ndarray, "M K"],
    readers: Int[np.ndarray, " M"],
    members: Bool[np.ndarray, "M B"],
    resamples: int,
    seed: int,
) -> Float[np.ndarray, "S B K"]:
    """In each of S resamples; NaN for a slice that has none of the readers drawn."""
    count, slices = members.shape
    inside = (members[:, :, None] * values[:, None]).reshape(count, -1)
    drawn = resampled_means(np.hstack([inside, members]), readers, resamples, seed)
    sums, sizes = drawn[:, :-slices].reshape(resamples, slices, -1), drawn[:, -slices:, None]
    return np.divide(sums, sizes, np.full_like(sums, np.nan), where=sizes > 0)


def quantiles(means: Float[np.ndarray, "S ..."]) -> Float[np.ndarray, "2 ..."]:
    """The ends of the interval; NaN where no resample has a mean."""
    tail = (100 - COVERAGE) / 2
    known = np.isfinite(means).any(0)
    found = np.full((2, *means.shape[1:]), np.nan)
    found[:, known] = np.nanpercentile(means[:, known], (tail, 100 - tail), axis=0)
    return found
