"""Where the student errs and the teacher does not: counted, listed, cut into slices, searched and tagged."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from threading import Event
from typing import Any, Literal

import numpy as np

from tinynewsrec.analysis.annotations import LARGEST, LONGEST, MOST
from tinynewsrec.analysis.quadrants import MEASURES, RULES, Measure, Rule
from tinynewsrec.analysis.slice_finder import Against
from tinynewsrec.analysis.slices import FEWEST
from tinynewsrec.views.comparison import Comparison, comparison_of, told, written
from tinynewsrec.views.error_list import CELLS, cells_of, list_of, quadrant_of
from tinynewsrec.views.error_notes import answer_of, answered
from tinynewsrec.views.error_slices import run_search, searched, slices_of
from tinynewsrec.views.roles import roles_of
from tinynewsrec.views.state import Page
from tinynewsrec.views.turns import Progress
from tinynewsrec.views.words import Words, words
from tinynewsrec.views.workspace import Workspace

NAME = "errors"
SCRIPTS = ("error_list", "error_slices", "error_notes", "error_agreement")
METRICS = ("AUC", "MRR", "nDCG@5", "nDCG@10")
MOST_K = 20


@dataclass(frozen=True)
class Options:
    teacher: str = ""
    """Name of a model; empty: the largest."""
    student: str = ""
    """Empty: the smallest."""
    rule: Rule = "first"
    k: int = 5
    """For the rule "top"."""
    cell: Literal["all", "both", "teacher", "student", "neither"] = "teacher"
    """Who is right in the impressions listed."""
    sort: Measure = "rank of the click"
    better: Literal["teacher", "student", "either"] = "teacher"
    """Where a difference counts most: where the teacher does better, the student, or either."""
    page: int = 0
    """Of the list, from 0."""
    slice: tuple[str, ...] = ()
    """Conditions as `written` writes them; all must hold."""
    stories: tuple[str, ...] = ()
    """Ids, such as a lasso on the map gives: one of them was clicked. Empty: whichever was."""
    feature: str = "category"
    metric: Literal["AUC", "MRR", "nDCG@5", "nDCG@10"] = "nDCG@10"
    drawn: Literal["difference", "models"] = "difference"
    against: Against = "nothing"
    answer: str = ""
    """Token of what came of notes that were sent."""


def payload(workspace: Workspace, page: Page) -> dict[str, Any]:
    said = words(page.shared.language, NAME)
    if workspace.finished and len(workspace.models) < 2:
        return {"empty": said["one model" if workspace.models else "none"]}
    if workspace.compared is None:
        return {"empty": said["awaited"]}
    if workspace.compared.clicked is None:
        return {"empty": said["unlabelled"].format(data=workspace.split.name)}
    return shown(workspace, page)


def shown(workspace: Workspace, page: Page) -> dict[str, Any]:
    said, options = words(page.shared.language, NAME), page.options.get(NAME, Options())
    found = found_by(workspace, options)
    if not len(found.members):
        return {"empty": said["nothing judged"].format(data=workspace.split.name)}
    k, roles = min(max(options.k, 1), MOST_K), roles_of(workspace)
    inside = found.members
    if options.cell != "all":
        inside = inside & (cells_of(found, options.rule, k) == CELLS.index(options.cell))
    return {
        "options": vars(options) | {"k": k, "teacher": found.teacher, "student": found.student},
        "choices": {
            "models": [[name, roles[name]] for name in found.models],
            "rules": RULES,
            "sorts": MEASURES,
            "metrics": METRICS,
            "most k": MOST_K,
        },
        "invented": bool(workspace.notice),
        "source": source_of(workspace, found),
        "slice": slice_of(found, said, options),
        "quadrant": quadrant_of(workspace, found, options.rule, k),
        "list": list_of(workspace, found, inside, options.sort, options.better, options.page),
        "features": [
            [feature.name, said["features"][feature.name]["name"]] for feature in found.base.features
        ],
        "slices": slices_of(
            workspace, found, said, options.feature, options.metric, options.drawn == "models"
        ),
        "search": searched(workspace, found, said, options.metric, options.against),
        "answer": answer_of(workspace, options.answer),
        "longest": LONGEST | {"file": LARGEST, "notes": MOST},
    }


def found_by(workspace: Workspace, options: Options) -> Comparison:
    return comparison_of(workspace, options.teacher, options.student, options.slice, options.stories)


def source_of(workspace: Workspace, found: Comparison) -> dict[str, Any]:
    """What is compared, and what of the data is not."""
    judged, given = len(found.members), len(found.base.given)
    return {
        "data": workspace.split.name,
        "all": len(workspace.split.impressions),
        "given": given,
        "judged": judged,
        "readers": len(np.unique(found.readers)),
    }


def slice_of(found: Comparison, said: Words, options: Options) -> dict[str, Any]:
    count = int(found.members.sum())
    return {
        "conditions": [
            {"text": told(said, *condition), "condition": written(condition)}
            for condition in found.conditions
        ],
        "unknown": list(found.unknown),
        "stories": len(options.stories),
        "impressions": count,
        "readers": len(np.unique(found.readers[found.members])),
        "small": count < FEWEST,
        "fewest": FEWEST,
    }


def search_slices(
    workspace: Workspace, page: Page, values: dict[str, Any], stop: Event
) -> Iterator[Progress]:
    """Raises ValueError before the models have ranked."""
    said, options = words(page.shared.language, NAME), page.options.get(NAME, Options())
    if workspace.compared is None or workspace.compared.clicked is None:
        raise ValueError(said["awaited"])
    found = found_by(workspace, options)
    yield from run_search(workspace, found, said, options.metric, options.against, stop)


def notes(name: str, workspace: Workspace, page: Page, values: dict[str, Any]) -> Page:
    token = answered(workspace, page.shared.language, name, values)
    return page.set(VIEW, answer=token)


VIEW = sys.modules[__name__]
ACTIONS = {name: partial(notes, name) for name in ("export", "import", "agree")}
SLOW = {"search": search_slices}
