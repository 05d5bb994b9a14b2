"""One impression, ranked by every model: what a reader would see first, and where the models part."""

from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from tinynewsrec.data.tables import Impression

Gap = Literal["no labels", "none clicked", "all clicked"]


class Ranking(NamedTuple):
    """M models on the C candidates of one impression; the others are held against the first."""

    ranks: Int[np.ndarray, "M C"]
    """From 1, which is shown first."""
    standardised: Float[np.ndarray, "M C"]
    """Scores in standard deviations from the model's own mean: raw scores share no scale."""
    shifts: Int[np.ndarray, "M C"]
    """Places gained against the first model; positive means shown earlier."""


def compare(scores: Float[np.ndarray, "M C"]) -> Ranking:
    ranks = np.stack([ranks_of(row) for row in scores])
    return Ranking(ranks, np.stack([standardise(row) for row in scores]), ranks[:1] - ranks)


def ranks_of(scores: Float[np.ndarray, " C"]) -> Int[np.ndarray, " C"]:
    """1 for the highest score; equal scores keep the order of the file."""
    ranks = np.empty(len(scores), dtype=np.int64)
    ranks[np.argsort(-scores, kind="stable")] = np.arange(1, len(scores) + 1)
    return ranks


def standardise(scores: Float[np.ndarray, " C"]) -> Float[np.ndarray, " C"]:
    """Zero mean and unit deviation; all zero where every score is the same."""
    centred = scores - scores.mean()
    spread = centred.std()
    negligible = 1e-6 * np.abs(scores).max(initial=0)
    return centred / spread if spread > negligible else np.zeros_like(centred)


def why_not_measured(impression: Impression) -> Gap | None:
    """Why ranking metrics mean nothing for an impression, None where they do."""
    if impression.clicked is None:
        return "no labels"
    if not impression.clicked.any():
        return "none clicked"
    return "all clicked" if impression.clicked.all() else None
