"""How much of a history a model needs: the same reader with only the latest clicks."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from tinynewsrec.analysis.pickers import rank_correlation
from tinynewsrec.analysis.reader import ranks_of
from tinynewsrec.analysis.rescoring import scores_of_each
from tinynewsrec.data.tables import Ragged
from tinynewsrec.evaluation.metrics import measure
from tinynewsrec.model.recommender import Recommender

LENGTHS = (0, 1, 2, 5, 10, 20, 50)


class Sweep(NamedTuple):
    """One model, and the latest clicks of one reader: L lengths of history, C candidates."""

    ranks: Int[np.ndarray, "L C"]
    agreement: Float[np.ndarray, " L"]
    """Rank correlation (Spearman's) with the whole history."""
    auc: Float[np.ndarray, " L"] | None
    """In percent; None where the impression has not both kinds of candidates."""


def lengths_of(clicks: int) -> list[int]:
    """The lengths worth a look: those of LENGTHS below the whole history, and all of it."""
    return [*(length for length in LENGTHS if length < clicks), clicks]


def sweep(
    recommender: Recommender,
    history: Float[np.ndarray, "H D"],
    candidates: Float[np.ndarray, "C D"],
    clicked: Bool[np.ndarray, " C"] | None,
    lengths: Sequence[int],
) -> Sweep:
    """Ranks and quality by how many of the latest clicks are left; the last length is the whole history."""
    kept = [np.arange(len(history) - length, len(history)) for length in lengths]
    scores = scores_of_each(recommender, history, kept, candidates)
    lists = Ragged(scores.ravel(), np.arange(len(lengths) + 1) * len(candidates))
    ranks = np.stack([ranks_of(row) for row in scores])
    whole = np.tile(ranks[-1], len(lengths))
    agreement = rank_correlation(ranks.ravel(), whole, lists)
    return Sweep(ranks, agreement, auc_of(lists, clicked))


def auc_of(lists: Ragged, clicked: Bool[np.ndarray, " C"] | None) -> Float[np.ndarray, " L"] | None:
    if clicked is None or clicked.all() or not clicked.any():
        return None
    return measure(lists.values, np.tile(clicked, len(lists)), lists.offsets).values["AUC"]
