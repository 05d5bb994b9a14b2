"""How the models were taught: losses, teachers, layers, pulling tasks, adapters, and tables of results."""

from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from tinynewsrec.analysis.reader import ranks_of
from tinynewsrec.analysis.training_logs import Lessons, Table, read_curves, read_lessons, read_tables
from tinynewsrec.model.folder import read_json
from tinynewsrec.views.case import Case, case_of, source
from tinynewsrec.views.state import Page
from tinynewsrec.views.workspace import Model, Workspace

NAME = "training"
SCRIPTS = ("training_curves", "training_conflicts", "surgery_explorer")
MOST_CASES = 40  # of the recorded ones that are shown
LAYER_SIMILARITY = "layer_similarity.json"

Section = Literal["losses", "teachers", "layers", "conflicts", "surgery", "lora", "results"]


@dataclass(frozen=True)
class Options:
    section: Section = "losses"
    model: str = ""
    """Whose log is shown; empty: the first that has one."""
    table: str = ""
    scale: float = 1.0
    """How much of an adapter is used."""
    angle: int = 120
    """Degrees between the gradients of the explorer."""
    ratio: float = 1.0
    """Length of the auxiliary gradient over the main one."""
    weight: float = 0.3
    strategy: Literal["none", "aux_only", "mtrec", "pcgrad"] = "mtrec"


def payload(workspace: Workspace, page: Page) -> dict[str, Any]:
    options = page.options.get(NAME, Options())
    return {"options": vars(options), "data": workspace.split.name} | SECTIONS[options.section](
        workspace, page, options
    )


def with_log(workspace: Workspace, options: Options, read: Any) -> dict[str, Any]:
    """Which models have that log, and the chosen one's."""
    logs = {
        model.name: found
        for model in workspace.models
        if (
            found := workspace.results.of(
                (NAME, read.__name__, model.name), lambda model=model: logged(read, model)
            )
        )
    }
    name = options.model if options.model in logs else next(iter(logs), "")
    return {"models": list(logs), "model": name, "log": logs.get(name)}


def logged(read: Any, model: Model) -> Any:
    return read(model.checkpoint.folder) or ()


def losses(workspace: Workspace, page: Page, options: Options) -> dict[str, Any]:
    found = with_log(workspace, options, read_curves)
    curves = found.pop("log")
    if not curves:
        return found
    record = next(
        model for model in workspace.models if model.name == found["model"]
    ).recommender.training_record
    return found | {
        "steps": curves.steps.tolist(),
        "losses": {name: values.tolist() for name, values in curves.losses.items()},
        "stage": record.get("stage", ""),
        "trained on": record.get("data", {}).get("name", ""),
        "command": record.get("command", ""),
    }


def teachers(workspace: Workspace, page: Page, options: Options) -> dict[str, Any]:
    found = with_log(workspace, options, read_lessons)
    states: list[Lessons] = found.pop("log") or []
    if not states:
        return found
    last = states[-1]
    return found | {
        "steps": [state.step for state in states],
        "means": [state.weights.mean(0).tolist() for state in states],
        "effective": [state.effective_teachers for state in states],
        "trusted": last.trusted.tolist(),
        "count": len(last.weights),
        "cases": [
            {
                "clicked": title_of(workspace, stories[0]) if stories else "",
                "clicks": len(history),
                "weights": weights.tolist(),
                "losses": teacher_losses.tolist(),
                "student": float(student),
            }
            for stories, history, weights, teacher_losses, student in zip(
                last.candidates[:MOST_CASES],
                last.history,
                last.weights,
                last.losses,
                last.student,
                strict=False,
            )
        ],
        "topics": by_topic(workspace, last),
    }


def by_topic(workspace: Workspace, lessons: Lessons) -> list[dict[str, Any]]:
    """The mean weight of each teacher on the recorded cases, by the category of the clicked story."""
    news = workspace.split.news
    rows = news.rows_of(pa.array([stories[0] if stories else "" for stories in lessons.candidates]))
    topics = defaultdict(list)
    for row, weights in zip(rows.tolist(), lessons.weights, strict=True):
        topics[news.columns["category"][row].as_py() if row >= 0 else ""].append(weights)
    means = {topic: np.mean(weights, axis=0).tolist() for topic, weights in topics.items()}
    return [
        {"topic": topic, "count": len(topics[topic]), "weights": means[topic]}
        for topic in sorted(topics, key=lambda topic: -len(topics[topic]))
    ]


def title_of(workspace: Workspace, story: str) -> str:
    """Its id where this data does not have it."""
    news = workspace.split.news
    row = int(news.rows_of(pa.array([story]))[0])
    return news.columns["title"][row].as_py() if row >= 0 else story


def layers(workspace: Workspace, page: Page, options: Options) -> dict[str, Any]:
    """Only of the very models that are loaded."""
    found = read_json(workspace.data / LAYER_SIMILARITY)
    loaded = {model.checkpoint.content_hash: model.name for model in workspace.models}
    known = {entry["name"] for entry in found.get("models", []) if entry["sha256"] in loaded}
    pairs = [pair for pair in found.get("pairs", []) if pair["model"] in known and found["teacher"] in known]
    students = [pair["model"] for pair in pairs if pair["model"] != found["teacher"]]
    name = options.model if options.model in students else next(iter(students), "")
    pair = next((pair for pair in pairs if pair["model"] == name), None)
    return {"models": students, "model": name, "pair": pair} | (
        {"teacher": found["teacher"], "stories": found["stories"], "measured on": found["data"]}
        if pair
        else {}
    )


def conflicts(workspace: Workspace, page: Page, options: Options) -> dict[str, Any]:
    from tinynewsrec.model.conflicts import plain, read_conflicts

    found = with_log(workspace, options, read_conflicts)
    log = found.pop("log") or []
    return found | {"lines": [plain(line) for line in log]}


def surgery(workspace: Workspace, page: Page, options: Options) -> dict[str, Any]:
    """Drawn by the script alone: two arrows need no model."""
    return {}


def lora(workspace: Workspace, page: Page, options: Options) -> dict[str, Any]:
    """The candidates of the impression, ranked without the adapter, as released, and at a scale."""
    from tinynewsrec.model.lora import Adapter

    adapters = {
        model.name: adapter
        for model in workspace.models
        if (
            adapter := workspace.results.of(
                (NAME, "adapter", model.name), lambda model=model: loaded(Adapter, model)
            )
        )
    }
    name = options.model if options.model in adapters else next(iter(adapters), "")
    found = {"models": list(adapters), "model": name}
    if not name:
        return found
    model, adapter, case = (
        next(m for m in workspace.models if m.name == name),
        adapters[name],
        case_of(workspace, page),
    )
    scale = round(min(max(options.scale, 0.0), 2.0), 2)
    scores = {at: scores_at(workspace, model, adapter, at, case) for at in (0.0, 1.0, scale)}
    ranks = {at: ranks_of(values).tolist() for at, values in scores.items()}
    clicked = case.impression.clicked
    return found | {
        "scale": scale,
        "rank": adapter.rank,
        "parameters": adapter.parameters,
        "whole": model.parameters,
        "source": source(workspace.split, case),
        "candidates": [
            case.story(row)
            | {
                "clicked": clicked is not None and bool(clicked[place]),
                "ranks": [ranks[0.0][place], ranks[1.0][place], ranks[scale][place]],
            }
            for place, row in enumerate(case.impression.candidates.tolist())
        ],
    }


def loaded(kind: Any, model: Model) -> Any:
    return kind.load(model.checkpoint.folder) or ()


def scores_at(workspace: Workspace, model: Model, adapter: Any, scale: float, case: Case) -> np.ndarray:
    """Titles of the case are read anew, by the model with that much of its adapter."""
    history, candidates = case.impression.history[-model.history_length :], case.impression.candidates
    titles = tuple(case.title_of(row) for row in [*history.tolist(), *candidates.tolist()])

    def compute() -> np.ndarray:
        scaled = replace(model, recommender=adapter.used(model.recommender, scale))
        vectors = scaled.encode(titles)
        return scaled.score_vectors(vectors[: len(history)], vectors[len(history) :])

    return workspace.results.of((NAME, "scaled", model.name, scale, titles), compute)


def results(workspace: Workspace, page: Page, options: Options) -> dict[str, Any]:
    tables = [
        table for place in workspace.places if Path(place).is_dir() for table in read_tables(Path(place))
    ]
    shown: Table | None = next((table for table in tables if table.name == options.table), None) or next(
        iter(tables), None
    )
    return {
        "tables": [table.name for table in tables],
        "table": shown.name if shown else "",
        "measured on": shown.source if shown else "",
        "columns": list(shown.rows[0]) if shown and shown.rows else [],
        "rows": [list(row.values()) for row in shown.rows] if shown else [],
    }


SECTIONS = {
    "losses": losses,
    "teachers": teachers,
    "layers": layers,
    "conflicts": conflicts,
    "surgery": surgery,
    "lora": lora,
    "results": results,
}
ACTIONS: dict[str, Any] = {}
SLOW: dict[str, Any] = {}
