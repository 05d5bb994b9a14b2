"""What the tab Why asks: why these models score story A, and story B, as they do for this reader."""

from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from jaxtyping import Float

from tinynewsrec.analysis.reader import ranks_of
from tinynewsrec.views.case import Case, vectors_of
from tinynewsrec.views.state import Page
from tinynewsrec.views.workspace import Model, Workspace

Method = Literal["gradient", "integrated", "attention", "deletion"]
METHODS: tuple[Method, ...] = get_args(Method)


class Asked(NamedTuple):
    """One model, with its vectors of the clicks it looks at and of all candidates."""

    model: Model
    history: Float[np.ndarray, "H D"]
    stories: Float[np.ndarray, "C D"]
    scores: Float[np.ndarray, " C"]
    ranks: list[int]
    """Of A and of B, from 1."""


class Question(NamedTuple):
    case: Case
    models: list[Asked]
    places: tuple[int, int]
    """Of A and B among the candidates; the same one where there is only one."""
    story: dict[str, Any]
    other: dict[str, Any]
    candidates: list[dict[str, Any]]
    """As the first model ranks them."""

    def key(self, model: Model, *what: Any) -> tuple[Any, ...]:
        """Under which a result for this reader and this model is kept."""
        return ("why", *what, model.name, self.case.impression.history.tobytes())


def question_of(workspace: Workspace, page: Page, case: Case) -> Question:
    vectors = [vectors_of(workspace, model, case) for model in workspace.models]
    scores = [model.score_vectors(*given) for model, given in zip(workspace.models, vectors, strict=True)]
    order = np.argsort(-scores[0], kind="stable").tolist()
    places = case.chosen(page, order)
    models = [
        Asked(model, *given, row, ranks_of(row)[list(places)].tolist())
        for model, given, row in zip(workspace.models, vectors, scores, strict=True)
    ]
    return Question(case, models, places, *stories_of(case, places, order))


def stories_of(
    case: Case, places: tuple[int, int], order: list[int]
) -> tuple[dict[str, Any], dict[str, Any], list[dict[str, Any]]]:
    candidates, clicked = case.impression.candidates, case.impression.clicked
    told = [
        case.story(int(row)) | {"clicked": clicked is not None and bool(clicked[place])}
        for place, row in enumerate(candidates)
    ]
    named = [{name: told[place][name] for name in ("id", "title", "clicked")} for place in order]
    return told[places[0]], told[places[1]], named
