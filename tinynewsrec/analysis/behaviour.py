"""What behavioural tests find: how far stories move when a reader or a headline changes, and how many pass.

A test states an expectation: the watched candidates stay where they are, but for a tolerated number of
places; or they do not fall; or they do not rise.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from tinynewsrec.analysis.behaviour_examples import TESTS, Example
from tinynewsrec.analysis.pickers import ranks
from tinynewsrec.data.tables import Impressions, Ragged, Split
from tinynewsrec.evaluation.scores import score_impressions
from tinynewsrec.evaluation.vectors import encode_news
from tinynewsrec.model.recommender import Recommender

CERTAIN = 1.96  # standard deviations of a 95 % interval


class Share(NamedTuple):
    """How many of n passed, with Wilson's 95 % interval in percent."""

    passed: int
    n: int
    low: float
    high: float


def places_moved(
    recommender: Recommender,
    vectors: Float[np.ndarray, "N D"],
    split: Split,
    test: str,
    found: Sequence[Example],
) -> Float[np.ndarray, " E"]:
    """What each example does: the most places a watched candidate moves, or the mean of places they climb."""
    if not found:
        return np.empty(0)
    before = split.impressions.take(np.array([example.row for example in found]))
    titles = [example.title for example in found]
    new = encode_news(recommender, recommender.tokens(titles)) if any(titles) else vectors[:0]
    after = changed(before, found, len(vectors))
    old_ranks = ranks(score_impressions(recommender, vectors, before), before.candidates)
    extended = np.concatenate([vectors, new])
    new_ranks = ranks(score_impressions(recommender, extended, after), before.candidates)
    climbs = Ragged(old_ranks - new_ranks, before.candidates.offsets)
    moved = [climbs[place][list(example.watched)] for place, example in enumerate(found)]
    if TESTS[test].expects == "stay":
        return np.array([np.abs(climb).max() for climb in moved], dtype=float)
    return np.array([climb.mean() for climb in moved])


def changed(before: Impressions, found: Sequence[Example], first: int) -> Impressions:
    """The impressions after their changes; the rewritten headline of example k is story `first` + k."""
    histories, candidates = [], []
    for place, example in enumerate(found):
        history = before.history[place] if example.history is None else np.array(example.history, int)
        renamed = first + place
        histories.append(np.where(history == example.story, renamed, history))
        listed = before.candidates[place]
        candidates.append(np.where(listed == example.story, renamed, listed))
    return replace(before, history=Ragged.stack(histories), candidates=Ragged.stack(candidates))


def passes(
    test: str,
    moved: Float[np.ndarray, " E"],
    candidates: Int[np.ndarray, " E"],
    tolerance: float,
) -> Bool[np.ndarray, " E"]:
    """`tolerance` is the share of a list's places that may be moved, one place at least, where all should
    stay; a direction has none."""
    allowed = np.maximum(1, tolerance * (candidates - 1))
    return {"stay": moved <= allowed, "not fall": moved >= 0, "not rise": moved <= 0}[TESTS[test].expects]


def share(passed: Bool[np.ndarray, " E"]) -> Share:
    """Wilson (1927); from 0 to 100 where nothing was tested."""
    n, count = len(passed), int(passed.sum())
    if not n:
        return Share(0, 0, 0.0, 100.0)
    rate, squared = count / n, CERTAIN**2 / n
    centre = rate + squared / 2
    margin = CERTAIN * np.sqrt(rate * (1 - rate) / n + squared / (4 * n))
    low, high = (100 * (centre + side * margin) / (1 + squared) for side in (-1, 1))
    return Share(count, n, max(0.0, float(low)), min(100.0, float(high)))
