"""What each model costs on this machine: time, memory, and how well it ranks for that."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from threading import Event
from typing import Any, Literal

import numpy as np

from tinynewsrec.analysis.budget import front, load
from tinynewsrec.analysis.latency import Stopped, interleaved, this_machine
from tinynewsrec.views.measurement import Measurement, measurement_of, some_titles
from tinynewsrec.views.precisions import compare_precisions, find_parts, kept_precisions
from tinynewsrec.views.reference import reference_rows
from tinynewsrec.views.state import Page
from tinynewsrec.views.turns import Progress
from tinynewsrec.views.words import words
from tinynewsrec.views.workspace import Model, Workspace

NAME = "speed"
LIMITS = {"titles": (1, 256), "batch": (1, 128), "rounds": (3, 50)}


@dataclass(frozen=True)
class Options:
    titles: int = 64
    """Titles that each model encodes in a round."""
    batch: int = 32
    """Titles that are encoded at once."""
    rounds: int = 10
    """One more, the first, is dropped."""
    cost: Literal["memory", "parameters", "time"] = "memory"
    """Against what quality is drawn."""
    quality: Literal["AUC", "MRR", "nDCG@5", "nDCG@10"] = "AUC"
    stories: int = 500
    """New stories in an hour, for the budget."""
    visits: int = 100_000
    """Visits of readers in an hour."""
    cached: bool = True
    """Whether the vectors of stories are kept."""


def payload(workspace: Workspace, page: Page) -> dict[str, Any]:
    options = page.options.get(NAME, Options())
    measured = measurement_of(workspace, options)
    models = [facts_of(model, options.quality) for model in workspace.models]
    return {
        "options": vars(options),
        "limits": LIMITS,
        "ready": workspace.finished and bool(workspace.models),
        "data": workspace.split.name,
        "models": models,
        "measured": measured and measured.told(),
        "front": front_of(options, models, measured),
        "budget": budget_of(options, workspace, measured),
        "precisions": kept_precisions(workspace),
        "parts": workspace.results.get((NAME, "parts")),
        "reference": reference_rows(workspace.models),
    }


def facts_of(model: Model, metric: str) -> dict[str, Any]:
    """What is known of a model without timing it; the metric with the data it was measured on."""
    metrics = model.checkpoint.metrics
    embeddings = model.recommender.news_encoder.language_model.get_input_embeddings().weight.numel()
    return {
        "name": model.name,
        "layers": model.layers,
        "parameters": model.parameters,
        "word parameters": embeddings,
        "megabytes": 4 * model.parameters / 1e6,
        "quality": metrics.get("metrics", {}).get(metric),
        "measured on": {
            name: metrics[name] for name in ("data", "impressions", "readers") if name in metrics
        },
    }


def front_of(options: Options, models: list[dict[str, Any]], measured: Measurement | None) -> list[bool]:
    """Which models no other beats in cost and quality; empty where one of the two is unknown."""
    if not models or any(not model["quality"] for model in models):
        return []
    if options.cost == "time":
        if measured is None:
            return []
        cost = np.array([timing.median for timing in measured.encoding])
    else:
        cost = np.array(
            [model["parameters" if options.cost == "parameters" else "megabytes"] for model in models]
        )
    return front(cost.astype(float), np.array([model["quality"]["value"] for model in models])).tolist()


def budget_of(options: Options, workspace: Workspace, measured: Measurement | None) -> dict[str, Any] | None:
    """The share of this machine that an hour's news and visits would take, by model."""
    if measured is None:
        return None
    candidates = float(workspace.split.impressions.candidates.lengths.mean())
    loads = [
        load(
            (encoding.median + tokenising.median) / 1000,
            ranking.median / 1000,
            options.stories,
            options.visits,
            candidates,
            options.cached,
        )
        for tokenising, encoding, ranking in zip(
            measured.tokenising, measured.encoding, measured.ranking, strict=True
        )
    ]
    return {
        "candidates": candidates,
        "loads": [
            {"encoding": found.encoding, "ranking": found.ranking, "share": found.share} for found in loads
        ],
    }


def measure(workspace: Workspace, page: Page, values: dict[str, Any], stop: Event) -> Iterator[Progress]:
    """Times tokenising, encoding and ranking of every model in turn. Raises ValueError for other settings."""
    said, options = words(page.shared.language, NAME), page.options.get(NAME, Options())
    refuse(said, options)
    titles = some_titles(workspace, options.titles)
    jobs = [
        job for model in workspace.models for job in jobs_of(workspace, model, titles, options.batch, stop)
    ]
    yield Progress(said["warming up"], 0, options.rounds)
    seconds = np.empty((0, len(jobs)))
    try:
        for seconds in interleaved(jobs, options.rounds):
            yield Progress(
                said["round"].format(done=len(seconds), rounds=options.rounds), len(seconds), options.rounds
            )
    except Stopped:
        pass
    finally:
        keep(workspace, options, len(titles), seconds)


def keep(workspace: Workspace, options: Options, titles: int, seconds: np.ndarray) -> None:
    """What was measured, also when it was stopped; nothing where no round was finished."""
    if len(seconds):
        found = Measurement.of(options, titles, seconds, this_machine(threads()), workspace.split.name)
        workspace.results.put((NAME, "measured"), found)


def refuse(said: dict[str, Any], options: Options) -> None:
    for name, (least, most) in LIMITS.items():
        value = getattr(options, name)
        if not least <= value <= most:
            raise ValueError(said["limits"].format(name=said[name], least=least, most=most, value=value))


def jobs_of(
    workspace: Workspace, model: Model, titles: list[str], batch_size: int, stop: Event
) -> tuple[Callable[[], object], ...]:
    """Tokenising the titles, encoding them, and ranking one impression from vectors; raise Stopped."""
    from tinynewsrec.evaluation.vectors import encode_news

    def watch(_done: int, _total: int) -> None:
        if stop.is_set():
            raise Stopped

    tokens = model.recommender.tokens(titles)
    return (
        partial(model.recommender.tokens, titles),
        partial(encode_news, model.recommender, tokens, watch, batch_size),
        partial(model.score, typical(workspace)),
    )


def typical(workspace: Workspace) -> Any:
    """An impression with the median number of candidates."""
    lengths = workspace.split.impressions.candidates.lengths
    return workspace.split.impressions[int(np.argsort(lengths, kind="stable")[len(lengths) // 2])]


def threads() -> int:
    import torch

    return torch.get_num_threads()


SLOW = {"measure": measure, "precisions": compare_precisions, "parts": find_parts}
ACTIONS: dict[str, Any] = {}
