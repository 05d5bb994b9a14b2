"""Readers worth looking at, found by rule: each function returns impressions, the most telling first."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from tinynewsrec.data.tables import Impressions, Ragged

FEWEST_CANDIDATES = 5  # fewer give no ranking to speak of
FEWEST_CLICKS = 5  # fewer show no habit


class Pick(NamedTuple):
    row: int
    """An impression."""
    evidence: float
    """What it was picked for; its unit is that of the picker."""


def short_history(impressions: Impressions, count: int = 20) -> list[Pick]:
    """One to three clicks; the evidence is their number."""
    clicks = impressions.history.lengths
    rows = np.flatnonzero((clicks >= 1) & (clicks <= 3) & long_enough(impressions))
    return best(impressions, rows, -clicks[rows].astype(float), clicks[rows].astype(float), count)


def newcomers(impressions: Impressions, count: int = 20) -> list[Pick]:
    """No clicks at all; the evidence is the number of candidates."""
    rows = np.flatnonzero((impressions.history.lengths == 0) & long_enough(impressions))
    shown = impressions.candidates.lengths[rows].astype(float)
    return best(impressions, rows, shown, shown, count)


def one_topic(impressions: Impressions, topics: Int[np.ndarray, " N"], count: int = 20) -> list[Pick]:
    """Clicks of one topic; the evidence is the share of the commonest one. Many clicks go before few.

    `topics` numbers the topic of each story.
    """
    clicks = impressions.history.lengths
    shares = largest_share(impressions.history, topics)
    rows = np.flatnonzero((clicks >= FEWEST_CLICKS) & long_enough(impressions))
    return best(impressions, rows, shares[rows] + clicks[rows] / 1e6, shares[rows], count)


def disagreement(
    impressions: Impressions,
    reference: Float[np.ndarray, " total"],
    others: Float[np.ndarray, "M total"],
    count: int = 20,
) -> list[Pick]:
    """The reference ranks unlike the others; the evidence is the mean rank correlation with them (Spearman).

    Scores are aligned with `impressions.candidates.values`.
    """
    lists = impressions.candidates
    agreements = [rank_correlation(ranks(reference, lists), ranks(other, lists), lists) for other in others]
    agreement = np.mean(agreements, axis=0)
    rows = np.flatnonzero(long_enough(impressions) & (impressions.history.lengths > 0))
    return best(impressions, rows, -agreement[rows], agreement[rows], count)


def right_and_wrong(
    impressions: Impressions,
    right: Float[np.ndarray, " total"],
    wrong: Float[np.ndarray, " total"],
    count: int = 20,
) -> list[Pick]:
    """One model puts a clicked story first, the other does not; the evidence is where the other has it."""
    if impressions.clicked is None:
        return []
    lists, clicked = impressions.candidates, impressions.clicked
    first, second = (first_click(ranks(scores, lists), clicked, lists) for scores in (right, wrong))
    rows = np.flatnonzero((first == 1) & (second > 1) & np.isfinite(second) & long_enough(impressions))
    return best(impressions, rows, second[rows], second[rows], count)


def best(
    impressions: Impressions,
    rows: Int[np.ndarray, " R"],
    worth: Float[np.ndarray, " R"],
    evidence: Float[np.ndarray, " R"],
    count: int,
) -> list[Pick]:
    """The worthiest rows, one of each reader."""
    order = np.argsort(-worth, kind="stable")
    _, first = np.unique(impressions.readers[rows[order]], return_index=True)
    kept = order[np.sort(first)[:count]]
    return [Pick(int(row), float(value)) for row, value in zip(rows[kept], evidence[kept], strict=True)]


def long_enough(impressions: Impressions) -> Bool[np.ndarray, " R"]:
    return impressions.candidates.lengths >= FEWEST_CANDIDATES


def owners(lists: Ragged) -> Int[np.ndarray, " total"]:
    """Which row each value belongs to."""
    return np.repeat(np.arange(len(lists)), lists.lengths)


def ranks(scores: Float[np.ndarray, " total"], lists: Ragged) -> Int[np.ndarray, " total"]:
    """From 1 within each row; equal scores keep their order."""
    order = np.lexsort((-scores, owners(lists)))
    places = np.empty(len(scores), dtype=np.int64)
    places[order] = np.arange(len(scores)) - np.repeat(lists.offsets[:-1], lists.lengths) + 1
    return places


def rank_correlation(
    one: Int[np.ndarray, " total"], other: Int[np.ndarray, " total"], lists: Ragged
) -> Float[np.ndarray, " R"]:
    """Spearman's, for ranks without ties; 1 for rows of fewer than two."""
    squared = np.bincount(owners(lists), (one - other) ** 2.0, minlength=len(lists))
    size = np.maximum(lists.lengths, 2)
    return 1 - 6 * squared / (size * (size**2 - 1.0))


def first_click(
    places: Int[np.ndarray, " total"], clicked: Bool[np.ndarray, " total"], lists: Ragged
) -> Float[np.ndarray, " R"]:
    """The best rank of a clicked candidate; infinite for a row without one."""
    found = np.full(len(lists), np.inf)
    np.minimum.at(found, owners(lists)[clicked], places[clicked])
    return found


def largest_share(lists: Ragged, topics: Int[np.ndarray, " N"]) -> Float[np.ndarray, " R"]:
    """The share of the commonest topic among each row's stories; 0 for an empty row."""
    width = int(topics.max(initial=0)) + 1
    pairs, counts = np.unique(owners(lists) * width + topics[lists.values], return_counts=True)
    largest = np.zeros(len(lists))
    np.maximum.at(largest, pairs // width, counts)
    return largest / np.maximum(lists.lengths, 1)
