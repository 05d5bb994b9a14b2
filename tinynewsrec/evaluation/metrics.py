"""Ranking metrics of each impression, in percent, of all impressions at once.

AUC, MRR and nDCG as MIND's evaluation script counts them: MRR is the mean of 1/rank over all clicked
candidates; `MRR (first)`, for comparison with other papers, looks only at the one ranked highest. Where
candidates share a score, every metric is its exact expectation over a random order among them (AUC's half
for a tie is the same rule), so the order of a file decides nothing.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from tinynewsrec.data.tables import Ragged

NAMES = ("AUC", "MRR", "MRR (first)", "nDCG@5", "nDCG@10")


class Measured(NamedTuple):
    """M impressions: those with both a clicked candidate and one that was not."""

    rows: Int[np.ndarray, " M"]
    values: dict[str, Float[np.ndarray, " M"]]  # percent, one entry for each of NAMES


def measure(
    scores: Float[np.ndarray, " total"],
    clicked: Bool[np.ndarray, " total"],
    offsets: Int[np.ndarray, " ends"],
) -> Measured:
    """The metrics of each impression that has both kinds of candidates. Raises ValueError for a NaN score."""
    if np.isnan(scores).any():
        row = int(np.searchsorted(offsets, np.isnan(scores).argmax(), side="right")) - 1
        raise ValueError(f"Expected numbers as scores; impression {row}, counted from 0, has a NaN.")
    rows = judged(clicked, offsets)
    ranking = rank(Ragged(scores, offsets).take(rows), Ragged(clicked, offsets).take(rows).values)
    values = {
        "AUC": auc(ranking),
        "MRR": mrr(ranking),
        "MRR (first)": first_mrr(ranking),
        "nDCG@5": ndcg(ranking, 5),
        "nDCG@10": ndcg(ranking, 10),
    }
    return Measured(rows, {name: 100 * value for name, value in values.items()})


def log_losses(
    scores: Float[np.ndarray, " total"],
    clicked: Bool[np.ndarray, " total"],
    offsets: Int[np.ndarray, " ends"],
) -> Float[np.ndarray, " M"]:
    """In nats, of the impressions that `measure` measures: how unlikely a model held what was clicked.

    Minus the logarithm of the share that a softmax over all candidates gives a clicked one, their mean.
    """
    rows = judged(clicked, offsets)
    shown = Ragged(scores.astype(float), offsets).take(rows)
    hits = Ragged(clicked, offsets).take(rows).values
    if not len(rows):
        return np.empty(0)
    above = shown.values - np.repeat(np.maximum.reduceat(shown.values, shown.offsets[:-1]), shown.lengths)
    wholes = np.log(sums(np.exp(above), shown.offsets))
    return wholes - sums(np.where(hits, above, 0.0), shown.offsets) / sums(hits, shown.offsets)


def judged(clicked: Bool[np.ndarray, " total"], offsets: Int[np.ndarray, " ends"]) -> Int[np.ndarray, " M"]:
    """The impressions with both a clicked candidate and one that was not."""
    hits = sums(clicked, offsets)
    return np.flatnonzero((hits > 0) & (hits < np.diff(offsets)))


def sums(values: np.ndarray, offsets: Int[np.ndarray, " ends"]) -> np.ndarray:
    """The sum of each row, 0 for an empty one."""
    return np.diff(np.concatenate([[0], np.cumsum(values)])[offsets])


@dataclass(frozen=True, eq=False)
class Ranking:
    """The candidates of M impressions, best first, in G groups that share a score."""

    impression: Int[np.ndarray, " G"]
    before: Int[np.ndarray, " G"]
    """Candidates of the impression that are ranked above the group."""
    size: Int[np.ndarray, " G"]
    clicked: Int[np.ndarray, " G"]
    """How many of the group were clicked."""
    lengths: Int[np.ndarray, " M"]
    hits: Int[np.ndarray, " M"]
    """How many of the impression were clicked."""


def rank(scores: Ragged, clicked: Bool[np.ndarray, " total"]) -> Ranking:
    impressions = np.repeat(np.arange(len(scores)), scores.lengths)
    order = np.lexsort((-scores.values, impressions))
    ordered = scores.values[order]
    starts = np.flatnonzero(
        (np.diff(impressions, prepend=-1) > 0) | (ordered != np.concatenate([ordered[:1], ordered[:-1]]))
    )
    ends = np.append(starts, len(ordered))
    impression = impressions[starts]
    return Ranking(
        impression,
        starts - scores.offsets[impression],
        np.diff(ends),
        sums(clicked[order], ends),
        scores.lengths,
        sums(clicked, scores.offsets),
    )


def expected(ranking: Ranking, weights: Float[np.ndarray, " longest"]) -> Float[np.ndarray, " M"]:
    """The weights of the clicked candidates' ranks, summed; a group shares those of its ranks evenly."""
    totals = np.concatenate([[0.0], np.cumsum(weights)])
    shares = (totals[ranking.before + ranking.size] - totals[ranking.before]) / ranking.size
    return np.bincount(
        ranking.impression, weights=shares * ranking.clicked, minlength=len(ranking.hits)
    ).astype(float)


def ranks(ranking: Ranking) -> Float[np.ndarray, " longest"]:
    return np.arange(1.0, ranking.lengths.max(initial=0) + 1)


def auc(ranking: Ranking) -> Float[np.ndarray, " M"]:
    """How often a clicked candidate outscores one that was not; ties count half."""
    hits, misses = ranking.hits, ranking.lengths - ranking.hits
    lost = expected(ranking, ranks(ranking)) - hits * (hits + 1) / 2
    return 1 - lost / (hits * misses)


def mrr(ranking: Ranking) -> Float[np.ndarray, " M"]:
    return expected(ranking, 1 / ranks(ranking)) / ranking.hits


def ndcg(ranking: Ranking, k: int) -> Float[np.ndarray, " M"]:
    places = ranks(ranking)
    discounts = np.where(places <= k, 1 / np.log2(places + 1), 0)
    ideal = np.concatenate([[0.0], np.cumsum(discounts)])[ranking.hits]
    return expected(ranking, discounts) / ideal


def first_mrr(ranking: Ranking) -> Float[np.ndarray, " M"]:
    """1/rank of the clicked candidate ranked highest, which stands in the first group that has one.

    Among `size` candidates in random order the first of `clicked` is number j with probability
    C(size - j, clicked - 1) / C(size, clicked).
    """
    groups = np.flatnonzero(ranking.clicked)
    first = groups[np.diff(ranking.impression[groups], prepend=-1) > 0]
    size, clicked, before = ranking.size[first], ranking.clicked[first], ranking.before[first]
    last = size - clicked + 1
    rows = np.repeat(np.arange(len(first)), last)
    j = np.arange(len(rows)) - np.repeat(np.cumsum(last) - last, last) + 1
    logs = np.concatenate([[0.0], np.cumsum(np.log(ranks(ranking)))])  # of the factorials

    def log_choose(n: np.ndarray, k: np.ndarray) -> np.ndarray:
        return logs[n] - logs[k] - logs[n - k]

    chances = np.exp(log_choose(size[rows] - j, clicked[rows] - 1) - log_choose(size, clicked)[rows])
    return np.bincount(rows, weights=chances / (before[rows] + j), minlength=len(first)).astype(float)
