"""The slow questions of the Speed tab: what fewer bits change, and where the time goes."""

from collections.abc import Iterator
from functools import partial
from threading import Event
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from tinynewsrec.analysis.latency import interleaved, summarise
from tinynewsrec.views.measurement import some_titles
from tinynewsrec.views.state import Page
from tinynewsrec.views.turns import Progress
from tinynewsrec.views.words import words
from tinynewsrec.views.workspace import Model, Workspace

IMPRESSIONS = 40  # whose rankings are compared
ROUNDS = 3
TITLES, BATCH = 32, 32  # that are timed


def compare_precisions(
    workspace: Workspace, page: Page, values: dict[str, Any], stop: Event
) -> Iterator[Progress]:
    """Every model in every precision: time for a title, and rank agreement with fp32."""
    from tinynewsrec.analysis.precision import PRECISIONS, some

    said = words(page.shared.language, "speed")
    chosen, rows = some(workspace.split.impressions, IMPRESSIONS)
    total = len(workspace.models) * len(PRECISIONS)
    for place, model in enumerate(workspace.models):
        scores: dict[str, Float[np.ndarray, " total"]] = {}
        for number, precision in enumerate(PRECISIONS):
            text = said["precision"].format(model=model.name, precision=precision)
            yield Progress(text, place * len(PRECISIONS) + number, total)
            found = in_that_precision(workspace, model, precision, chosen, rows, scores)
            workspace.results.put(("speed", "precision", model.name, precision), found)


def in_that_precision(
    workspace: Workspace,
    model: Model,
    precision: str,
    chosen: Any,
    rows: Int[np.ndarray, " N"],
    scores: dict[str, Float[np.ndarray, " total"]],
) -> dict[str, Any]:
    from tinynewsrec.analysis.precision import agreement, in_precision
    from tinynewsrec.evaluation.scores import score_impressions
    from tinynewsrec.evaluation.vectors import encode_news

    made = in_precision(model.recommender, precision)
    titles = workspace.split.news.texts("title")
    vectors = np.zeros_like(model.vectors, dtype=np.float32)
    vectors[rows] = encode_news(made, made.tokens([titles[row] for row in rows.tolist()]))
    scores[precision] = score_impressions(model.recommender, vectors, chosen)
    tokens = made.tokens(some_titles(workspace, TITLES))
    *_, seconds = interleaved([partial(encode_news, made, tokens, batch_size=BATCH)], ROUNDS)
    timing = summarise(1000 * seconds[:, 0] / len(tokens.ids))
    alike = agreement(scores["fp32"], scores[precision], chosen.candidates)
    return {"milliseconds": timing.median, "rounds": ROUNDS, "titles": len(tokens.ids)} | alike._asdict()


def kept_precisions(workspace: Workspace) -> list[dict[str, Any]]:
    """What is known by now, in the order of the models."""
    from tinynewsrec.analysis.precision import PRECISIONS

    found = []
    for model in workspace.models:
        for precision in PRECISIONS:
            row = workspace.results.get(("speed", "precision", model.name, precision))
            found += [{"model": model.name, "precision": precision} | row] if row else []
    return found


def find_parts(workspace: Workspace, page: Page, values: dict[str, Any], stop: Event) -> Iterator[Progress]:
    """Where each model spends its time on some titles."""
    from tinynewsrec.analysis.parts import parts_of

    said, found = words(page.shared.language, "speed"), []
    titles = some_titles(workspace, TITLES)
    for place, model in enumerate(workspace.models):
        yield Progress(said["parting"].format(model=model.name), place, len(workspace.models))
        parts = parts_of(model.recommender, model.recommender.tokens(titles))
        found.append({"model": model.name, "titles": len(titles)} | parts._asdict())
    workspace.results.put(("speed", "parts"), found)
