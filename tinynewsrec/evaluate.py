"""Measures trained models on the impressions of a split, side by side and beside simple baselines.

python -m tinynewsrec.evaluate --data MINDsmall_dev --checkpoints checkpoints/teacher checkpoints/student-4
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tinynewsrec.checkpoints import Checkpoint, open_checkpoints
from tinynewsrec.commands import readable_errors
from tinynewsrec.data.read import read_split
from tinynewsrec.data.tables import Split
from tinynewsrec.evaluation import vectors
from tinynewsrec.evaluation.baselines import chance, newest_first, popularity, zero_shot
from tinynewsrec.evaluation.bootstrap import RESAMPLES
from tinynewsrec.evaluation.predictions import write_predictions
from tinynewsrec.evaluation.report import (
    System,
    checkpoint_system,
    comparison_record,
    evaluate,
    unlabelled_record,
)
from tinynewsrec.evaluation.table import comparison_table, heading
from tinynewsrec.model.card import model_card
from tinynewsrec.model.folder import write_json

COLUMNS = (
    TextColumn("{task.description}", markup=False),
    BarColumn(),
    MofNCompleteColumn(),
    TimeRemainingColumn(),
)


@dataclass(frozen=True)
class Arguments:
    data: Path
    """Folder of the split to measure on."""
    checkpoints: tuple[str, ...]
    """Checkpoints, folders of them, or hub ids; all are compared with the first (the largest in a folder)."""
    train: Path | None = None
    """Folder of the split to count popularity and age on; the folder `train` beside `data` if not given."""
    baselines: bool = True
    """Also measure chance, popularity, newest first and the untrained language model."""
    json: Path | None = None
    """File to write the numbers to: a list with one object for each system."""
    predictions: Path | None = None
    """Folder for prediction.txt of each checkpoint, as MIND's competition takes it; needs no labels."""
    write_metrics: bool = False
    """Record the numbers in each checkpoint's metrics.json and model card."""
    resamples: int = RESAMPLES
    """Draws of readers behind each interval."""
    seed: int = 0
    """Of the resamples and of the random baseline."""

    def __post_init__(self):
        if self.resamples < 1:
            raise ValueError(f"resamples must be 1 or more, got {self.resamples}.")


def main(arguments: Arguments) -> None:
    checkpoints = open_named(arguments.checkpoints)
    check_writable(arguments, checkpoints)
    split = read_split(arguments.data)
    check_labels(arguments, split)
    with Progress(*COLUMNS, console=Console(stderr=True), transient=True) as bar:
        records, notes = measure_all(arguments, checkpoints, split, bar)
    if arguments.json is not None:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(records, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    if arguments.write_metrics:
        for record, checkpoint in zip(records, checkpoints.values(), strict=False):  # baselines come after
            write_metrics(record, checkpoint)
    show(split, records, notes)


def show(split: Split, records: Sequence[dict[str, Any]], notes: Sequence[str]) -> None:
    console = Console()
    console.print(heading(split, records), markup=False, highlight=False)
    console.print(comparison_table(records))
    for note in notes:
        console.print(note, markup=False, highlight=False)


def open_named(names: Sequence[str]) -> dict[str, Checkpoint]:
    """Checkpoints by name, each once: the first that was named, then the others, largest first."""
    opened = [*open_checkpoints(names[:1])[:1], *open_checkpoints(names)]
    if not opened:
        raise ValueError("Expected at least one folder or hub id after --checkpoints, found none.")
    checkpoints = list({checkpoint.folder.resolve(): checkpoint for checkpoint in opened}.values())
    return dict(zip(told_apart(checkpoints), checkpoints, strict=True))


def told_apart(checkpoints: Sequence[Checkpoint]) -> list[str]:
    """Their names; folders of one name by as much of their paths as tells them apart.

    Each is a way down from a folder of predictions. Raises ValueError where paths tell nothing apart.
    """
    names = [name_within(checkpoint, 1) for checkpoint in checkpoints]
    for depth in range(2, 2 + max(len(checkpoint.folder.resolve().parts) for checkpoint in checkpoints)):
        names = [
            name_within(checkpoint, depth) if names.count(name) > 1 else name
            for name, checkpoint in zip(names, checkpoints, strict=True)
        ]
    if len(set(names)) < len(names):
        raise ValueError(f"Expected checkpoints of different names, found {', '.join(names)}; rename one.")
    return names


def name_within(checkpoint: Checkpoint, depth: int) -> str:
    """A hub id whole; of a folder, the last parts of its path."""
    below_root = checkpoint.folder.resolve().parts[1:]
    parts = checkpoint.name.split("/") if from_hub(checkpoint) else below_root[-depth:]
    return "/".join(part for part in parts if part not in ("", ".", "..")) or "checkpoint"


def from_hub(checkpoint: Checkpoint) -> bool:
    return checkpoint.name != checkpoint.folder.resolve().name


def check_writable(arguments: Arguments, checkpoints: dict[str, Checkpoint]) -> None:
    """Raises ValueError for metrics that would go to the hub's cache, where files are links to others."""
    for name, checkpoint in checkpoints.items():
        linked = (checkpoint.folder / "config.json").is_symlink()
        if arguments.write_metrics and (linked or from_hub(checkpoint)):
            raise ValueError(
                f"--write-metrics expects checkpoints in folders of their own, found {name} in the hub's "
                f"cache, {checkpoint.folder}. Copy it to a folder and name that, or use --json."
            )


def check_labels(arguments: Arguments, split: Split) -> None:
    """Raises ValueError where nothing that was asked for can be done without labels."""
    if split.impressions.clicked is None and (arguments.predictions is None or arguments.write_metrics):
        raise ValueError(
            f"{split.name} has no labels, so nothing can be measured on it. To rank it, pass "
            f"--predictions FOLDER, without --write-metrics."
        )


def measure_all(
    arguments: Arguments, checkpoints: dict[str, Checkpoint], split: Split, bar: Progress
) -> tuple[list[dict[str, Any]], list[str]]:
    """A record for each system, checkpoints first, and notes for people."""
    ranked = checkpoint_systems(arguments, checkpoints, split, bar)
    if split.impressions.clicked is None:
        return [unlabelled_record(system, split) for system in ranked], []
    reports = [evaluate(system, split) for system in ranked]
    baselines, notes = baseline_systems(arguments, checkpoints, split, bar)
    reports += [evaluate(system, split) for system in baselines]
    records = [
        comparison_record(report, reports[0], split, arguments.resamples, arguments.seed)
        for report in reports
    ]
    return records, notes


def checkpoint_systems(
    arguments: Arguments, checkpoints: dict[str, Checkpoint], split: Split, bar: Progress
) -> Iterator[System]:
    """Each checkpoint's scores, with its predictions written where they were asked for."""
    for name, checkpoint in checkpoints.items():
        system = checkpoint_system(name, checkpoint, split, watched(bar, name))
        if arguments.predictions is not None:
            write_predictions(system.scores, split.impressions, arguments.predictions / name)
        yield system


def baseline_systems(
    arguments: Arguments, checkpoints: dict[str, Checkpoint], split: Split, bar: Progress
) -> tuple[list[System], list[str]]:
    """The baselines, and what to know about them."""
    if not arguments.baselines:
        return [], []
    train = training_split(arguments)
    systems = [chance(split, arguments.seed), popularity(split, train), newest_first(split, train)]
    language_model = next(iter(checkpoints.values())).config.language_model
    left_out = []
    try:
        systems.append(zero_shot(split, language_model, watched(bar, "zero-shot")))
    except (ValueError, OSError) as error:
        left_out.append(f"zero-shot is left out. {error}")
    return systems, [f"{system.name}: {system.note}" for system in systems] + left_out


def training_split(arguments: Arguments) -> Split | None:
    """Raises ValueError for the evaluated split itself: its clicks are what is to be predicted."""
    evaluated = arguments.data.resolve()
    folder = arguments.train or evaluated.parent / "train"
    if folder.resolve() != evaluated:
        return read_split(folder) if arguments.train or folder.is_dir() else None
    if arguments.train:
        raise ValueError(f"--train must be another split than --data; both are {evaluated}.")
    return None


def write_metrics(record: dict[str, Any], checkpoint: Checkpoint) -> None:
    metrics = {name: record[name] for name in ("data", "impressions", "readers", "skipped", "metrics")}
    write_json(metrics, checkpoint.folder / "metrics.json")
    card = model_card(checkpoint.config, record["parameters"], metrics, checkpoint.training)
    (checkpoint.folder / "README.md").write_text(card, encoding="utf-8")


def watched(bar: Progress, what: str) -> vectors.Progress:
    """A line of the progress bar, shown from its first news on."""
    task = bar.add_task(what, visible=False)
    return lambda done, total: bar.update(task, completed=done, total=total, visible=True)


if __name__ == "__main__":
    with readable_errors():
        main(tyro.cli(Arguments, prog="python -m tinynewsrec.evaluate", description=__doc__))
