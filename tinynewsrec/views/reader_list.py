"""The candidates of one case as every model ranks them, and all stories if asked for."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from tinynewsrec.analysis.reader import compare, ranks_of, standardise, why_not_measured
from tinynewsrec.data.tables import Ragged
from tinynewsrec.evaluation.metrics import measure
from tinynewsrec.views import reader_options
from tinynewsrec.views.case import Case, vectors_of
from tinynewsrec.views.state import Page
from tinynewsrec.views.workspace import Model, Workspace

METRICS = ("AUC", "MRR", "nDCG@5", "nDCG@10")
TOP = 10  # candidates that are shown at first; also the length of the list whose diversity is measured
DIVERSITY = f"ILD@{TOP}"
RETRIEVED = 20  # of all stories


class Scored(NamedTuple):
    """One model on the candidates of a case."""

    model: Model
    history: Float[np.ndarray, "H D"]
    vectors: Float[np.ndarray, "C D"]
    scores: Float[np.ndarray, " C"]
    placed: Float[np.ndarray, " C"]
    """What decides the order: the scores, or minus the rank that re-ranking gave."""


def scored(workspace: Workspace, page: Page, case: Case) -> list[Scored]:
    relevance = 1 - min(1.0, max(0.0, page.of(reader_options).diversity))
    found = []
    for model in workspace.models:
        history, vectors = vectors_of(workspace, model, case)
        scores = model.score_vectors(history, vectors)
        found.append(Scored(model, history, vectors, scores, placed(scores, vectors, relevance)))
    return found


def placed(
    scores: Float[np.ndarray, " C"], vectors: Float[np.ndarray, "C D"], relevance: float
) -> Float[np.ndarray, " C"]:
    if relevance == 1:
        return scores
    from tinynewsrec.evaluation.rerank import mmr_order

    places = np.empty(len(scores))
    places[mmr_order(scores, vectors, relevance)] = -np.arange(1.0, len(scores) + 1)
    return places


def ranking_of(workspace: Workspace, page: Page, case: Case, models: Sequence[Scored]) -> dict[str, Any]:
    names = [each.model.name for each in models]
    sort = page.of(reader_options).sort
    return {
        "models": [{"name": each.model.name, "layers": each.model.layers} for each in models],
        "sort": names.index(sort) if sort in names else 0,
        "candidates": candidates_of(case, models),
        "clicked": None if case.original.clicked is None else int(case.original.clicked.sum()),
        "top": TOP,
        "metrics": metrics_of(case, models),
        "gap": why_not_measured(case.original),
        "undecided": [each.model.name for each in models if undecided(each.scores)],
    }


def candidates_of(case: Case, models: Sequence[Scored]) -> list[dict[str, Any]]:
    ranking = compare(np.stack([each.placed for each in models])) if models else None
    spread = [standardise(each.scores).round(2).tolist() for each in models]
    clicked = case.impression.clicked
    return [
        case.story(row)
        | {
            "clicked": clicked is not None and bool(clicked[place]),
            "ranks": [] if ranking is None else ranking.ranks[:, place].tolist(),
            "shifts": [] if ranking is None else ranking.shifts[:, place].tolist(),
            "scores": [scores[place] for scores in spread],
        }
        for place, row in enumerate(case.impression.candidates.tolist())
    ]


def metrics_of(case: Case, models: Sequence[Scored]) -> list[dict[str, Any]]:
    """For each metric, each model's value; where the list was re-ranked, also the value before.

    Accuracy in percent, of the candidates that the reader was shown: a typed headline is no miss. Diversity
    of the list on the page, by the first model's vectors, so that the models can be compared.
    """
    rows = []
    if models and why_not_measured(case.original) is None:
        after, before = both(models, partial(accuracy, case))
        rows = [row_of(name, 1, [v[name] for v in after], [v[name] for v in before]) for name in METRICS]
    if models and len(models[0].scores) > 1:
        rows.append(row_of(DIVERSITY, 2, *both(models, partial(diversity, models[0].vectors))))
    return rows


def both(models: Sequence[Scored], measured: Callable[[Float[np.ndarray, " C"]], Any]) -> tuple[list, list]:
    """Of each model's list as it is shown, and by score alone."""
    before = [measured(each.scores) for each in models]
    if all(each.placed is each.scores for each in models):
        return before, before
    return [measured(each.placed) for each in models], before


def row_of(name: str, digits: int, after: list[float], before: list[float]) -> dict[str, Any]:
    return {
        "name": name,
        "digits": digits,
        "values": [round(value, digits) for value in after],
        "before": [round(value, digits) for value in before],
    }


def accuracy(case: Case, scores: Float[np.ndarray, " C"]) -> dict[str, float]:
    shown = len(case.original.candidates)
    values = measure(scores[:shown], case.original.clicked, np.array([0, shown])).values
    return {name: float(values[name][0]) for name in METRICS}


def diversity(vectors: Float[np.ndarray, "C D"], scores: Float[np.ndarray, " C"]) -> float:
    from tinynewsrec.evaluation.beyond_accuracy import intra_list_diversity, unit

    first = np.argsort(ranks_of(scores))[:TOP]
    return float(intra_list_diversity(Ragged.stack([first]), unit(vectors))[0])


def undecided(scores: Float[np.ndarray, " C"]) -> bool:
    return len(scores) > 1 and not standardise(scores).any()


def corpus_of(page: Page, case: Case, models: Sequence[Scored]) -> dict[str, Any] | None:
    """The best of all stories by every model, without what the reader clicked; None unless asked for."""
    if not page.of(reader_options).corpus or not models:
        return None
    from tinynewsrec.analysis.corpus import best_of, reader_vector

    clicked = case.impression.history
    best = [
        best_of(
            each.model.vectors, reader_vector(each.model.recommender, each.history), RETRIEVED, clicked
        ).rows.tolist()
        for each in models
    ]
    shown = set(case.impression.candidates.tolist())
    return {
        "count": RETRIEVED,
        "stories": len(case.news),
        "models": [
            {
                "name": each.model.name,
                "same": len(set(rows) & set(best[0])),
                "stories": [
                    case.story(row) | {"shared": row in best[0], "candidate": row in shown} for row in rows
                ],
            }
            for each, rows in zip(models, best, strict=True)
        ],
    }
