"""Whether the words that an explanation names are those that a model goes by.

The measures of DeYoung et al. (2020) with words taken out of the title, and one for ranked lists. W words.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from tinynewsrec.analysis.deletions import Deletions
from tinynewsrec.analysis.rank_agreement import tau_b
from tinynewsrec.evaluation.vectors import Progress, unseen

SEEDS = 10  # of the random baseline
LARGEST = 0.5  # share of the words taken out, or left, at most


class Faithfulness(NamedTuple):
    """Means over the first 1, 2, ... words, up to half. Scores are in standard deviations of the list's."""

    comprehensiveness: float
    """How far the score falls when the first words go; the higher, the better."""
    sufficiency: float
    """How far it falls when only the first words stay; the lower, the better."""
    agreement: float
    """Kendall's tau with leaving out one word at a time; NaN where one of the two tells no words apart."""
    rank_drop: float
    """Places that the story loses in its list when the first words go; the higher, the better."""


class Baseline(NamedTuple):
    """Of explanations drawn at random."""

    mean: Faithfulness
    deviation: Faithfulness
    seeds: int


def faithfulness(
    values: Float[np.ndarray, " W"], deletions: Deletions, others: Float[np.ndarray, " C"]
) -> Faithfulness:
    """Of an explanation by the words' values, the highest first; `others` are the list's other scores."""
    whole, first = deletions.whole(), tops(values)
    without, only = deletions.scores(~first), deletions.scores(first)
    unit = np.append(others, whole).std() or 1.0
    places = (others[:, None] > without).sum(0) - (others > whole).sum()
    return Faithfulness(
        float((whole - without).mean() / unit),
        float((whole - only).mean() / unit),
        float(tau_b(values[None], deletions.leave_one_out()[None])[0]),
        float(places.mean()),
    )


def random_baseline(
    deletions: Deletions, others: Float[np.ndarray, " C"], seeds: int = SEEDS, progress: Progress = unseen
) -> Baseline:
    """The mean over the seeds and their standard deviation; what `progress` raises ends it."""
    drawn = [np.random.default_rng(seed).random(len(deletions.title.words)) for seed in range(seeds)]
    wanted = [part for values in drawn for part in (~tops(values), tops(values))]
    deletions.scores(np.concatenate(wanted), progress)
    found = np.array([faithfulness(values, deletions, others) for values in drawn])
    return Baseline(Faithfulness(*found.mean(0).tolist()), Faithfulness(*found.std(0).tolist()), seeds)


def tops(values: Float[np.ndarray, " W"]) -> Bool[np.ndarray, "K W"]:
    """The first word, the first two, ...; at least one row, equal values in the order of the title."""
    places = np.empty(len(values), dtype=int)
    places[np.argsort(-values, kind="stable")] = np.arange(len(values))
    return places < np.arange(1, 1 + max(1, int(LARGEST * len(values))))[:, None]
