"""A case before and after the edits of a page: another history, other headlines, and every model's scores."""

from collections import Counter
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from jaxtyping import Float

from tinynewsrec.analysis.edits import differences
from tinynewsrec.data.tables import Impression
from tinynewsrec.views.case import Case, case_of
from tinynewsrec.views.rewritten import Titles, titles_of, vectors_of
from tinynewsrec.views.state import Page
from tinynewsrec.views.workspace import Model, Workspace

NAME = "whatif"


@dataclass(frozen=True)
class Options:
    headlines: tuple[str, ...] = ()
    """Rewritten headlines: a story's id, a space and the new text."""
    search: str = ""
    """Words of a story to add to the history."""
    curve: Literal["rank", "agreement", "auc"] = "rank"
    """What the sweep over the history's length draws."""
    readers: int = 100
    """Impressions that the behavioural tests are run on."""
    seed: int = 0
    """Which ones."""
    tolerance: int = 10
    """Percent of a list's places that a story may move where it should stay."""
    test: str = ""
    """The test whose failures are listed."""
    model: str = ""
    """Of which model."""


def options_of(page: Page) -> Options:
    return page.options.get(NAME) or Options()


class Changed(NamedTuple):
    """A case before and after the edits of this page; candidates are the same, and in the same order."""

    case: Case
    before: Impression
    titles: Titles
    scores_before: list[Float[np.ndarray, " C"]]
    scores_after: list[Float[np.ndarray, " C"]]
    first: int
    """Place of story A among the candidates."""
    second: int

    @property
    def edited(self) -> bool:
        same = np.array_equal(self.before.history, self.case.impression.history)
        return bool(self.titles) or not same


def changed_of(workspace: Workspace, page: Page) -> Changed:
    case = case_of(workspace, page)
    before = case.impression._replace(history=case.original.history)
    titles = titles_of(case, options_of(page).headlines)
    old = [scores_of(workspace, model, case, before, {}) for model in workspace.models]
    new = [scores_of(workspace, model, case, case.impression, titles) for model in workspace.models]
    first, second = case.chosen(page, np.argsort(-old[0], kind="stable").tolist())
    return Changed(case, before, titles, old, new, first, second)


def scores_of(
    workspace: Workspace, model: Model, case: Case, impression: Impression, titles: Titles
) -> Float[np.ndarray, " C"]:
    history = impression.history[-model.history_length :]
    return model.score_vectors(
        vectors_of(workspace, model, case, history, titles),
        vectors_of(workspace, model, case, impression.candidates, titles),
    )


def history_of(changed: Changed) -> list[dict[str, Any]]:
    """The clicks as edited, oldest first, those that are gone where they were; `place` counts the rest."""
    case = changed.case
    parts = differences(changed.before.history.tolist(), case.impression.history.tolist())
    gone = Counter(row for part in parts if part.kind == "gone" for row in part.items)
    new = Counter(row for part in parts if part.kind == "new" for row in part.items)
    moved = gone & new
    left, place, entries = Counter(moved), 0, []
    for part in parts:
        for row in part.items:
            if part.kind == "gone" and left[row] > 0:
                left[row] -= 1
                continue
            state = "moved" if part.kind == "new" and moved[row] > 0 else part.kind
            moved[row] -= state == "moved"
            entries.append(
                case.story(row) | {"place": place, "state": state, "title": title_of(changed, row)}
            )
            place += part.kind != "gone"
    return entries


def same_clicks(changed: Changed) -> bool:
    """Whether the history was put in another order, and nothing else."""
    before, after = changed.before.history, changed.case.impression.history
    return not np.array_equal(before, after) and np.array_equal(np.sort(before), np.sort(after))


def title_of(changed: Changed, row: int) -> str:
    return changed.titles.get(row) or changed.case.title_of(row)


def candidates_of(changed: Changed) -> list[dict[str, Any]]:
    from tinynewsrec.analysis.rescoring import effect

    pairs = zip(changed.scores_before, changed.scores_after, strict=True)
    effects = [effect(before, after) for before, after in pairs]
    impression = changed.case.impression
    return [
        changed.case.story(row)
        | {
            "title": title_of(changed, row),
            "rewritten": row in changed.titles,
            "clicked": impression.clicked is not None and bool(impression.clicked[place]),
            "before": [int(found.before[place]) for found in effects],
            "after": [int(found.after[place]) for found in effects],
            "change": [float(found.scores_after[place] - found.scores_before[place]) for found in effects],
        }
        for place, row in enumerate(impression.candidates.tolist())
    ]
