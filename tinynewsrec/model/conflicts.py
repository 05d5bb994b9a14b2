"""How the gradients of tasks pulled on one another while a recommender was trained: conflicts.jsonl.

One line a logged step, each an object of

step      the optimiser step, from 1, as in losses.jsonl
removed   how far surgery moved the gradient: the length of the change over that of the plain sum
tasks     by name, "main" first; of each task's gradient on the shared weights, the task's weight included:
              norm      its length
              cosine    with the main task's; below 0 the two are in conflict
              conflict  whether they are
              before    cosine with the plain sum of all tasks: how well a plain step would serve the task
              after     cosine with what surgery made of it: how well the step that was taken serves it
layers    by name, from the first, and by task: norm, cosine and conflict in that layer alone
pairs     by auxiliary task: its cosine with each that comes after it; not in older files

Layers are "embeddings", "layer 0" and so on as the language model counts them, "pooling", "projection" and
"other". A cosine is null where a gradient is zero.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

CONFLICTS = "conflicts.jsonl"


class LayerPull(NamedTuple):
    norm: float
    cosine: float | None
    conflict: bool


class TaskPull(NamedTuple):
    norm: float
    cosine: float | None
    conflict: bool
    before: float | None
    after: float | None


class Conflicts(NamedTuple):
    """One line."""

    step: int
    removed: float
    tasks: dict[str, TaskPull]
    layers: dict[str, dict[str, LayerPull]]
    pairs: Mapping[str, dict[str, float | None]] = MappingProxyType({})


def conflict_line(conflicts: Conflicts) -> str:
    return json.dumps(plain(conflicts))


def plain(conflicts: Conflicts) -> dict[str, Any]:
    """As the file and the app's script have it."""
    layers = {name: named(pulls) for name, pulls in conflicts.layers.items()}
    return conflicts._asdict() | {
        "tasks": named(conflicts.tasks),
        "layers": layers,
        "pairs": dict(conflicts.pairs),
    }


def named(pulls: Mapping[str, LayerPull] | Mapping[str, TaskPull]) -> dict[str, dict[str, Any]]:
    return {task: pull._asdict() for task, pull in pulls.items()}


def read_conflicts(folder: Path) -> list[Conflicts]:
    """Those of a checkpoint, none where no surgery was done. Raises ValueError, naming file and line."""
    path = folder / CONFLICTS
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return [conflicts_of(line, f"{path}, line {number}") for number, line in enumerate(lines, start=1)]


def conflicts_of(line: str, place: str) -> Conflicts:
    try:
        found = json.loads(line)
        tasks = {name: TaskPull(**task) for name, task in found["tasks"].items()}
        layers = {
            name: {task: LayerPull(**pull) for task, pull in pulls.items()}
            for name, pulls in found["layers"].items()
        }
        return Conflicts(**found | {"tasks": tasks, "layers": layers})
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise ValueError(f"{place}: not a line of conflicts as training writes it: {error!r}.") from error
