"""What training wrote down beside a checkpoint: losses, and whom it trusted on some recorded cases."""

import csv
import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

LOSSES, WEIGHTS = "losses.jsonl", "teacher_weights.jsonl"


class Curves(NamedTuple):
    """Of S steps."""

    steps: Int[np.ndarray, " S"]
    losses: dict[str, Float[np.ndarray, " S"]]


class Lessons(NamedTuple):
    """Of one state of the student: L recorded training cases, T teachers."""

    step: int
    candidates: list[list[str]]
    """Ids of the stories of each case; the first is the clicked one."""
    history: list[list[str]]
    weights: Float[np.ndarray, "L T"]
    losses: Float[np.ndarray, "L T"]
    student: Float[np.ndarray, " L"]

    @property
    def trusted(self) -> Int[np.ndarray, " T"]:
        """How many cases trusted each teacher most."""
        return np.bincount(self.weights.argmax(1), minlength=self.weights.shape[1])

    @property
    def effective_teachers(self) -> float:
        """The mean over cases of exp(entropy) of the weights: all alike is T, one alone is 1."""
        safe = np.maximum(self.weights, 1e-12)
        return float(np.exp(-(safe * np.log(safe)).sum(1)).mean())


class Table(NamedTuple):
    name: str
    source: str
    """On what it was measured, in the words of the command that made it."""
    rows: list[dict[str, str]]


def read_lines(path: Path) -> list[Any]:
    """None where there is no file. Raises ValueError, naming file and line."""
    found = []
    for number, line in enumerate(path.read_text("utf-8").splitlines() if path.is_file() else [], start=1):
        try:
            found.append(json.loads(line))
        except ValueError as error:
            raise ValueError(f"{path}, line {number}: expected a JSON object. {error}") from error
    return found


def read_curves(folder: Path) -> Curves | None:
    """Raises ValueError where the file is no log of losses."""
    lines = read_lines(folder / LOSSES)
    if not lines:
        return None
    try:
        names = lines[0]["losses"].keys()
        losses = {name: np.array([line["losses"][name] for line in lines], float) for name in names}
        return Curves(np.array([line["step"] for line in lines]), losses)
    except (LookupError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{folder / LOSSES} is not a log of losses, lines of step and losses: {error!r}"
        ) from error


def read_lessons(folder: Path) -> list[Lessons]:
    """One for each recorded state, the earliest first. Raises ValueError where the file is no such log."""
    lines = read_lines(folder / WEIGHTS)
    try:
        steps = sorted({line["step"] for line in lines})
        return [lessons_of(step, [line for line in lines if line["step"] == step]) for step in steps]
    except (LookupError, TypeError, ValueError) as error:
        raise ValueError(f"{folder / WEIGHTS} is not a log of teachers' weights: {error!r}") from error


def lessons_of(step: int, lines: list[dict[str, Any]]) -> Lessons:
    return Lessons(
        step,
        [[str(story) for story in line.get("candidates", [])] for line in lines],
        [[str(story) for story in line.get("history", [])] for line in lines],
        np.array([line["teacher_weights"] for line in lines], float),
        np.array([line["teacher_losses"] for line in lines], float),
        np.array([line["student_loss"] for line in lines], float),
    )


def read_tables(folder: Path) -> list[Table]:
    """The tables that `training.table` wrote into a folder `tables`."""
    return [
        Table(
            path.stem, source_of(path.with_suffix(".md")), list(csv.DictReader(path.open(encoding="utf-8")))
        )
        for path in sorted((folder / "tables").glob("*.csv"))
    ]


def source_of(path: Path) -> str:
    return path.read_text("utf-8").partition("\n")[0] if path.is_file() else ""
