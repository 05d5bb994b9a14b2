"""Where a teacher and a student are right and wrong, and how far apart they are on each impression."""

from typing import Literal, get_args

import numpy as np
from jaxtyping import Bool, Float, Int

from tinynewsrec.analysis import rank_agreement
from tinynewsrec.analysis.compared import Compared
from tinynewsrec.analysis.pickers import first_click
from tinynewsrec.evaluation.metrics import NAMES

Rule = Literal["first", "top", "AUC"]
RULES: tuple[Rule, ...] = get_args(Rule)
"""A clicked story stands first; one stands among the first k; the AUC is above 50 percent."""
BOTH, TEACHER, STUDENT, NEITHER = range(4)
"""Who is right: the cells of the quadrant."""
Measure = Literal[
    "AUC", "MRR", "MRR (first)", "nDCG@5", "nDCG@10", "rank of the click", "RBO", "Kendall", "first story"
]
MEASURES: tuple[Measure, ...] = get_args(Measure)
"""What impressions can be sorted by."""
UNSIGNED: tuple[Measure, ...] = ("RBO", "Kendall", "first story")
"""Those that do not say which model is better."""


def right(compared: Compared, model: str, rule: Rule = "first", k: int = 5) -> Bool[np.ndarray, " M"]:
    """Whether a model is right on each impression; candidates with equal scores keep the file's order."""
    if rule == "AUC":
        return compared.metrics[model]["AUC"] > 50
    return click_rank(compared, model) <= (1 if rule == "first" else k)


def click_rank(compared: Compared, model: str) -> Float[np.ndarray, " M"]:
    """The best rank of a clicked story."""
    return first_click(compared.ranks[model], compared.impressions.clicked, compared.impressions.candidates)


def quadrants(teacher: Bool[np.ndarray, " M"], student: Bool[np.ndarray, " M"]) -> Int[np.ndarray, " M"]:
    """The cell of each impression: BOTH, TEACHER, STUDENT or NEITHER is right."""
    return 2 * (~teacher).astype(np.int64) + ~student


def difference(compared: Compared, teacher: str, student: str, measure: str) -> Float[np.ndarray, " M"]:
    """How far the two models are apart on each impression by one of MEASURES; 0 means not at all.

    Metrics and ranks are signed, and positive where the teacher is better: in percentage points, and in
    places. The others run from 0 for the same ranking to 1 (RBO, first story) or 2 (Kendall). Raises
    ValueError for another measure.
    """
    if measure not in MEASURES:
        raise ValueError(f"Expected one of {', '.join(MEASURES)} to sort by, found '{measure}'.")
    if measure in NAMES:
        return compared.metrics[teacher][measure] - compared.metrics[student][measure]
    if measure == "rank of the click":
        return click_rank(compared, student) - click_rank(compared, teacher)
    lists = compared.impressions.candidates
    if measure == "Kendall":
        return 1 - rank_agreement.kendall(compared.scores[teacher], compared.scores[student], lists)
    places = compared.ranks[teacher], compared.ranks[student]
    if measure == "RBO":
        return 1 - rank_agreement.overlap(*places, lists)
    return rank_agreement.flipped(*places, lists).astype(float)


def most_apart(differences: Float[np.ndarray, " M"]) -> Int[np.ndarray, " M"]:
    """The order by difference, largest first; NaN last."""
    return np.argsort(np.where(np.isnan(differences), np.inf, -differences), kind="stable")
