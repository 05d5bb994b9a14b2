"""Measures trained models on the impressions of a split, side by side and beside simple baselines.

python -m tinynewsrec.evaluate --data MINDsmall_dev --checkpoints checkpoints/teacher checkpoints/student-4
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import tyro
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tinynewsrec.checkpoints import Checkpoint
from tinynewsrec.commands import readable_errors
from tinynewsrec.data import ebnerd_behaviors, mind_behaviors
from tinynewsrec.data.read import read_split
from tinynewsrec.data.tables import Split
from tinynewsrec.evaluation import vectors
from tinynewsrec.evaluation.baselines import chance, newest_first, popularity, zero_shot
from tinynewsrec.evaluation.beyond_report import (
    DEPTHS,
    Yardstick,
    beyond_record,
    beyond_table,
    contents_table,
    yardstick,
)
from tinynewsrec.evaluation.bootstrap import RESAMPLES
from tinynewsrec.evaluation.named import from_hub, open_named
from tinynewsrec.evaluation.predictions import in_blocks, write_predictions
from tinynewsrec.evaluation.report import (
    System,
    checkpoint_system,
    comparison_record,
    evaluate,
    streamed_system,
    unlabelled_record,
)
from tinynewsrec.evaluation.rerank import check_relevance, reranked
from tinynewsrec.evaluation.table import comparison_table, heading, log_loss_lines
from tinynewsrec.model.card import model_card
from tinynewsrec.model.folder import write_json

LOST = {
    getattr(reader, name)
    for reader in (ebnerd_behaviors, mind_behaviors)
    for name in ("NO_CANDIDATE", "UNKNOWN_CANDIDATE")
}
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
    beyond_accuracy: bool = False
    """Also measure diversity, serendipity, novelty, coverage, categories and tone of the first stories."""
    depths: tuple[int, ...] = DEPTHS
    """How many stories those are; the screen shows the last, --json all."""
    mmr: float | None = None
    """Also re-rank each checkpoint for diversity; the weight of the score, from 1 (as it was) to 0."""
    json: Path | None = None
    """File to write the numbers to: a list with one object for each system."""
    predictions: Path | None = None
    """Folder for each checkpoint's ranking, as the data set's competition takes it; needs no labels."""
    write_metrics: bool = False
    """Record the numbers in each checkpoint's metrics.json and model card."""
    resamples: int = RESAMPLES
    """Draws of readers behind each interval."""
    seed: int = 0
    """Of the resamples and of the random baseline."""

    def __post_init__(self):
        if self.resamples < 1:
            raise ValueError(f"resamples must be 1 or more, got {self.resamples}.")
        if min(self.depths, default=0) < 1:
            raise ValueError(f"depths must be 1 or more, and one at least; got {self.depths}.")
        if self.mmr is not None:
            check_relevance(self.mmr)


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
    if "beyond_accuracy" in records[0]:
        console.print(beyond_table(records))
        console.print(contents_table(records))
    for note in (*log_loss_lines(records), *notes):
        console.print(note, markup=False, highlight=False)


def check_writable(arguments: Arguments, checkpoints: dict[str, Checkpoint]) -> None:
    """Raises ValueError for metrics that would go to the hub's cache, where files are links to others.

    And for predictions that would go to a file.
    """
    if arguments.predictions is not None and arguments.predictions.is_file():
        raise ValueError(f"--predictions expects a folder, found the file {arguments.predictions}.")
    for name, checkpoint in checkpoints.items():
        linked = (checkpoint.folder / "config.json").is_symlink()
        if arguments.write_metrics and (linked or from_hub(checkpoint)):
            raise ValueError(
                f"--write-metrics expects checkpoints in folders of their own, found {name} in the hub's "
                f"cache, {checkpoint.folder}. Copy it to a folder and name that, or use --json."
            )


def check_labels(arguments: Arguments, split: Split) -> None:
    """Raises ValueError where nothing that was asked for can be done without labels."""
    useful = arguments.predictions is not None or arguments.beyond_accuracy
    if split.impressions.clicked is None and (not useful or arguments.write_metrics):
        raise ValueError(
            f"{split.name} has no labels, so nothing can be measured on it. To rank it, pass "
            f"--predictions FOLDER or --beyond-accuracy, without --write-metrics."
        )


def measure_all(
    arguments: Arguments, checkpoints: dict[str, Checkpoint], split: Split, bar: Progress
) -> tuple[list[dict[str, Any]], list[str]]:
    """A record for each system, checkpoints first, and notes for people."""
    against = yardstick_of(arguments, checkpoints, split)
    systems = checkpoint_systems(arguments, checkpoints, split, bar)
    if arguments.mmr is not None:
        systems = list(systems)
        systems = [*systems, *reranked_systems(arguments, systems, checkpoints, split, bar)]
    baselines, notes = baseline_systems(arguments, checkpoints, split, bar)
    if arguments.predictions is not None:
        notes += [
            f"The rankings are in {arguments.predictions}, a folder for each system.",
            *incomplete(split),
        ]
    return list(records_of(arguments, chain(systems, baselines), split, against)), notes


def incomplete(split: Split) -> list[str]:
    """What a competition that counts lines would refuse."""
    return [
        f"The predictions lack {entry.count:,} line{'s' * (entry.count > 1)}: {entry.what} (first in "
        f"{entry.first}). A competition expects them all: complete the data, and rank again."
        for entry in split.skipped
        if entry.what in LOST
    ]


def records_of(
    arguments: Arguments, systems: Iterable[System], split: Split, against: Yardstick | None
) -> Iterator[dict[str, Any]]:
    """Accuracy where there are labels, compared with the first system, and what was asked for besides."""
    draws, first = (arguments.resamples, arguments.seed), None
    for system in systems:
        if split.impressions.clicked is None:
            record = unlabelled_record(system, split)
        else:
            report = evaluate(system, split)
            first = first or report
            record = comparison_record(report, first, split, *draws)
        if against is not None:
            record["beyond_accuracy"] = beyond_record(system, split, against, *draws, arguments.depths)
        yield record


def yardstick_of(arguments: Arguments, checkpoints: dict[str, Checkpoint], split: Split) -> Yardstick | None:
    """The first checkpoint's vectors measure all systems."""
    if not arguments.beyond_accuracy:
        return None
    name, first = next(iter(checkpoints.items()))
    found = vectors.news_vectors(first, split.news.texts("title"))
    return yardstick(split, found, f"news vectors of {name}")


def checkpoint_systems(
    arguments: Arguments, checkpoints: dict[str, Checkpoint], split: Split, bar: Progress
) -> Iterator[System]:
    """Each checkpoint's scores, with its predictions written where they were asked for."""
    for name, checkpoint in checkpoints.items():
        if needs_scores(arguments, split):
            system = checkpoint_system(name, checkpoint, split, watched(bar, name))
            scores = in_blocks(system.scores, split.impressions)
        else:
            system, scores = streamed_system(name, checkpoint, split, watched(bar, name))
        if arguments.predictions is not None:
            write_predictions(scores, split.impressions, arguments.predictions / name / split.predictions)
        yield system


def reranked_systems(
    arguments: Arguments,
    systems: Sequence[System],
    checkpoints: dict[str, Checkpoint],
    split: Split,
    bar: Progress,
) -> Iterator[System]:
    """Each checkpoint re-ranked for diversity, with predictions of its own where they were asked for."""
    for system, (name, checkpoint) in zip(systems, checkpoints.items(), strict=True):
        found = reranked(system, checkpoint, split, arguments.mmr, watched(bar, "re-ranking"))
        if arguments.predictions is not None:
            folder = arguments.predictions / f"{name}-mmr-{arguments.mmr:g}"
            scores = in_blocks(found.scores, split.impressions)
            write_predictions(scores, split.impressions, folder / split.predictions)
        yield found


def needs_scores(arguments: Arguments, split: Split) -> bool:
    """Whether more is done with them than writing predictions, for which one block at a time is enough."""
    return split.impressions.clicked is not None or arguments.beyond_accuracy or arguments.mmr is not None


def baseline_systems(
    arguments: Arguments, checkpoints: dict[str, Checkpoint], split: Split, bar: Progress
) -> tuple[list[System], list[str]]:
    """The baselines, and what to know about them."""
    measured = split.impressions.clicked is not None or arguments.beyond_accuracy
    if not (arguments.baselines and measured):
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
    if "heads" in checkpoint.metrics:  # measured when they were trained: it takes the training data
        metrics["heads"] = checkpoint.metrics["heads"]
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
