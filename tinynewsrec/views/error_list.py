"""Teacher right or wrong by student right or wrong, and the impressions of a cell, most different first."""

from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from tinynewsrec.analysis.quadrants import UNSIGNED, click_rank, difference, most_apart, quadrants, right
from tinynewsrec.analysis.slices import slices
from tinynewsrec.evaluation.bootstrap import Interval
from tinynewsrec.views.comparison import Comparison
from tinynewsrec.views.workspace import Workspace

CELLS = ("both", "teacher", "student", "neither")
ROWS = 12  # impressions on one page of the list


def cells_of(found: Comparison, rule: str, k: int) -> Int[np.ndarray, " M"]:
    return quadrants(*(right(found.base.compared, name, rule, k) for name in (found.teacher, found.student)))


def quadrant_of(workspace: Workspace, found: Comparison, rule: str, k: int) -> dict[str, Any]:
    """How many impressions stand in each cell, and each model's share of right ones, with intervals."""

    def compute() -> dict[str, Any]:
        judged = [right(found.base.compared, name, rule, k) for name in (found.teacher, found.student)]
        counts = np.bincount(quadrants(*judged)[found.members], minlength=4)
        shares = 100.0 * np.stack(judged, axis=-1)
        (numbers,) = slices(shares, 0, 1, found.readers, found.members[:, None])
        return {
            "counts": dict(zip(CELLS, counts.tolist(), strict=True)),
            "right": numbers and [list(interval) for interval in numbers.values],
            "apart": numbers and list(numbers.difference),
            "metrics": [[metric, *ahead(found, metric)] for metric in ("AUC", "nDCG@10") if numbers],
        }

    return workspace.results.of(("errors", "quadrant", *found.key, rule, k), compute)


def ahead(found: Comparison, metric: str) -> Interval:
    """The teacher's mean less the student's, on the impressions of the slice."""
    values = [found.base.compared.metrics[name][metric] for name in (found.teacher, found.student)]
    (numbers,) = slices(np.stack(values, axis=-1), 0, 1, found.readers, found.members[:, None])
    return numbers.difference


def list_of(
    workspace: Workspace,
    found: Comparison,
    inside: Bool[np.ndarray, " M"],
    measure: str,
    better: str,
    page: int,
) -> dict[str, Any]:
    """One page of the impressions, those furthest apart first."""

    def compute() -> Float[np.ndarray, " M"]:
        return difference(found.base.compared, found.teacher, found.student, measure)

    key = ("errors", "apart", id(found.base.given), found.teacher, found.student, measure)
    apart = workspace.results.of(key, compute)
    order = most_apart(towards(apart, better, measure))
    order = order[inside[order]]
    pages = max(1, -(-len(order) // ROWS))
    page = min(max(page, 0), pages - 1)
    shown = order[page * ROWS : (page + 1) * ROWS]
    return {
        "total": len(order),
        "page": page,
        "pages": pages,
        "signed": measure not in UNSIGNED,
        "rows": rows_of(workspace, found, shown, apart),
    }


def towards(apart: Float[np.ndarray, " M"], better: str, measure: str) -> Float[np.ndarray, " M"]:
    """What to sort by, so that the largest stands first."""
    if measure in UNSIGNED or better == "teacher":
        return apart
    return -apart if better == "student" else np.abs(apart)


def rows_of(
    workspace: Workspace, found: Comparison, shown: Int[np.ndarray, " R"], apart: Float[np.ndarray, " M"]
) -> list[dict[str, Any]]:
    compared = found.base.compared.take(np.isin(np.arange(len(found.members)), shown))
    back = np.argsort(np.argsort(shown))
    lists = compared.impressions.candidates
    places = [compared.ranks[name] for name in (found.teacher, found.student)]
    clicks = [click_rank(compared, name) for name in (found.teacher, found.student)]
    rows = []
    for row, value in zip(back.tolist(), apart[shown].tolist(), strict=True):
        impression = compared.impressions[row]
        start, end = lists.offsets[row : row + 2]
        teacher, student = (place[start:end] for place in places)
        clicked = impression.candidates[np.argmin(np.where(impression.clicked, teacher, len(teacher) + 1))]
        rows.append(
            {
                "impression": impression.id,
                "reader": impression.reader,
                "clicked": story_of(workspace, int(clicked)),
                "first": story_of(workspace, int(impression.candidates[np.argmin(student)])),
                "candidates": len(impression.candidates),
                "ranks": [int(click[row]) for click in clicks],
                "apart": None if np.isnan(value) else value,
            }
        )
    return rows


def story_of(workspace: Workspace, row: int) -> dict[str, str]:
    columns = workspace.split.news.columns
    return {name: columns[name][row].as_py() for name in ("id", "title", "category")}
