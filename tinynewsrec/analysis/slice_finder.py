"""Looks through all slices of one and two features for those where a student is worse than its teacher.

The test turns the sign of all of a reader's differences at random, as if teacher and student had changed
places for that reader: one-sided, and exact where nothing tells the two apart. Many slices are tried, so the
false discovery rate is held by Benjamini and Hochberg (1995); slices overlap, and correlate as that allows
(Benjamini and Yekutieli, 2001).
"""

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from tinynewsrec.analysis.features import Feature
from tinynewsrec.analysis.slices import FEWEST

FLIPS = 10_000
AT_ONCE = 500  # flips of all readers held at a time
Against = Literal["nothing", "the rest"]
Condition = tuple[str, int]  # a feature's name, and the place of a bin


class Slice(NamedTuple):
    conditions: tuple[Condition, ...]
    members: Bool[np.ndarray, " M"]


class Tested(NamedTuple):
    conditions: tuple[Condition, ...]
    impressions: int
    readers: int
    difference: float
    """Teacher less student, the mean over the slice; against the rest, less the mean over the rest."""
    p: float
    q: float
    """The false discovery rate at which this slice is still found."""


def search(
    differences: Float[np.ndarray, " M"],
    readers: Int[np.ndarray, " M"],
    features: Sequence[Feature],
    against: Against = "nothing",
    fewest: int = FEWEST,
    flips: int = FLIPS,
    seed: int = 0,
) -> Iterator[tuple[int, list[Tested]]]:
    """How many flips are done, and every slice of at least `fewest` impressions by these flips.

    The surest comes first, then the largest difference. `differences` are teacher less student. The same
    arguments give the same results; the last is that of all flips.
    """
    tried = list(candidates(features, fewest))
    if not tried:
        yield flips, []
        return
    counts = [(int(one.members.sum()), len(np.unique(readers[one.members]))) for one in tried]
    contributions = by_reader(differences, readers, tried, against)
    observed = contributions.sum(0)
    for done, p in flip_test(contributions, flips, seed):
        numbers = zip(observed.tolist(), p.tolist(), adjusted(p).tolist(), strict=True)
        tested = [
            Tested(one.conditions, *count, *row)
            for one, count, row in zip(tried, counts, numbers, strict=True)
        ]
        yield done, sorted(tested, key=lambda one: (one.q, -one.difference))


def candidates(features: Sequence[Feature], fewest: int) -> Iterator[Slice]:
    """Slices of one feature, then of two; none that holds the same impressions as a simpler one."""
    singles = [
        [
            Slice(((feature.name, place),), members)
            for place in range(len(feature.bins))
            if fewest <= (members := feature.members(place)).sum() < len(members)
        ]
        for feature in features
    ]
    yield from (one for slices in singles for one in slices)
    for some, others in combinations(singles, 2):
        for one in some:
            for other in others:
                both = one.members & other.members
                size = both.sum()
                if fewest <= size < min(one.members.sum(), other.members.sum()):
                    yield Slice(one.conditions + other.conditions, both)


def by_reader(
    differences: Float[np.ndarray, " M"],
    readers: Int[np.ndarray, " M"],
    tried: Sequence[Slice],
    against: Against,
) -> Float[np.ndarray, "R S"]:
    """What each reader adds to the statistic of each slice; the columns sum to the differences of means."""
    _, owners = np.unique(readers, return_inverse=True)
    centred = differences if against == "nothing" else differences - differences.mean()
    columns = []
    for one in tried:
        weights = one.members / one.members.sum()
        if against == "the rest":
            weights = weights - ~one.members / (~one.members).sum()
        columns.append(np.bincount(owners, weights * centred))
    return np.stack(columns, axis=-1)


def flip_test(
    contributions: Float[np.ndarray, "R S"], flips: int, seed: int
) -> Iterator[tuple[int, Float[np.ndarray, " S"]]]:
    """The one-sided p of each column's sum among random signs of the rows, as the flips go on.

    It is never below 1 / (flips + 1).
    """
    random = np.random.default_rng(seed)
    single = contributions.astype(np.float32)
    # What equals the observed sum must count, whatever the order in which it was rounded.
    observed = single.sum(0) - 1e-5 * np.abs(single).sum(0)
    reached = np.ones(contributions.shape[1])
    for start in range(0, flips, AT_ONCE):
        count = min(AT_ONCE, flips - start)
        signs = 2 * random.integers(2, size=(count, len(single)), dtype=np.int8) - 1
        reached += (signs.astype(np.float32) @ single >= observed).sum(0)
        yield start + count, reached / (start + count + 1)


def adjusted(p: Float[np.ndarray, " S"]) -> Float[np.ndarray, " S"]:
    """Benjamini and Hochberg's q: the smallest rate at which each hypothesis would be rejected."""
    order = np.argsort(p)
    scaled = p[order] * len(p) / np.arange(1, len(p) + 1)
    q = np.empty(len(p))
    q[order] = np.minimum.accumulate(scaled[::-1])[::-1].clip(max=1)
    return q
