"""How a system ranks the impressions of a split: per impression, and as means with intervals."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int

from tinynewsrec.checkpoints import Checkpoint
from tinynewsrec.data.tables import Split
from tinynewsrec.evaluation.bootstrap import RESAMPLES, Interval, mean_intervals
from tinynewsrec.evaluation.metrics import log_losses, measure
from tinynewsrec.evaluation.scores import score_blocks, score_impressions
from tinynewsrec.evaluation.vectors import Progress, news_vectors, unseen
from tinynewsrec.model.recommender import Recommender, parameter_count


class System(NamedTuple):
    """Something that ranks, and the score it gives each candidate of a split."""

    name: str
    scores: Float[np.ndarray, " total"]  # aligned with impressions.candidates.values
    layers: int | None = None  # None for a baseline, as the next
    parameters: int | None = None
    note: str = ""
    learnt: bool = False  # the scores are what training put into a softmax over candidates


@dataclass(frozen=True, eq=False)
class Report:
    """A system on a split, measured on the M impressions that have both clicked and unclicked candidates."""

    system: System
    rows: Int[np.ndarray, " M"]
    """The impressions measured."""
    readers: Int[np.ndarray, " M"]
    """Whose they are."""
    metrics: dict[str, Float[np.ndarray, " M"]]
    """Percent, per impression measured."""
    skipped: int
    """Impressions with all or none of their candidates clicked, which say nothing about a ranking."""

    @cached_property
    def values(self) -> Float[np.ndarray, "M K"]:
        return np.stack(list(self.metrics.values()), axis=-1)

    def intervals(self, resamples: int = RESAMPLES, seed: int = 0) -> dict[str, Interval]:
        """The mean of each metric, in percent, with its 95 % interval over readers."""
        found = mean_intervals(self.values, self.readers, resamples, seed)
        return dict(zip(self.metrics, found, strict=True))

    def lead(self, other: "Report", resamples: int = RESAMPLES, seed: int = 0) -> dict[str, Interval]:
        """The paired difference to another system on the same impressions, in percentage points.

        Raises ValueError where the impressions are others.
        """
        if not np.array_equal(self.rows, other.rows) or not np.array_equal(self.readers, other.readers):
            raise ValueError(
                f"{self.system.name} and {other.system.name} were measured on different impressions; "
                f"use one split for both."
            )
        found = mean_intervals(self.values - other.values, self.readers, resamples, seed)
        return dict(zip(self.metrics, found, strict=True))


def evaluate(system: System, split: Split) -> Report:
    """Raises ValueError for a split without labels, without an impression to measure, or for a NaN score."""
    impressions = split.impressions
    if impressions.clicked is None:
        raise ValueError(f"{split.name} has no labels, so nothing can be measured on it.")
    rows, metrics = measure(system.scores, impressions.clicked, impressions.candidates.offsets)
    if not len(rows):
        raise ValueError(
            f"Nothing to measure in {split.name}: expected impressions with clicked and unclicked "
            f"candidates, found none among {len(impressions)}."
        )
    return Report(system, rows, impressions.readers[rows], metrics, len(impressions) - len(rows))


def recommender_system(
    name: str,
    recommender: Recommender,
    vectors: Float[np.ndarray, "N D"],
    split: Split,
    progress: Progress = unseen,
) -> System:
    scores = score_impressions(recommender, vectors, split.impressions, progress)
    return System(name, scores, recommender.config.layers, parameter_count(recommender), learnt=True)


def checkpoint_system(name: str, checkpoint: Checkpoint, split: Split, progress: Progress = unseen) -> System:
    recommender, vectors = opened(checkpoint, split, progress)
    return recommender_system(name, recommender, vectors, split, progress)


def streamed_system(
    name: str, checkpoint: Checkpoint, split: Split, progress: Progress = unseen
) -> tuple[System, Iterator[Float[np.ndarray, " some"]]]:
    """A system without its scores, and those in blocks of impressions: more than fit into memory."""
    recommender, vectors = opened(checkpoint, split, progress)
    system = System(name, np.empty(0), recommender.config.layers, parameter_count(recommender))
    return system, score_blocks(recommender, vectors, split.impressions, progress)


def opened(
    checkpoint: Checkpoint, split: Split, progress: Progress
) -> tuple[Recommender, Float[np.ndarray, "N D"]]:
    """News vectors are read from beside the checkpoint or the cache where they are there."""
    recommender = checkpoint.load().to(device())
    return recommender, news_vectors(checkpoint, split.news.texts("title"), lambda: recommender, progress)


def device() -> str:
    """A GPU where there is one."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def metrics_record(report: Report, split: Split, resamples: int = RESAMPLES, seed: int = 0) -> dict[str, Any]:
    """What a checkpoint's metrics.json holds."""
    intervals = report.intervals(resamples, seed)
    return {
        "data": split.name,
        "impressions": len(report.rows),
        "readers": len(np.unique(report.readers)),
        "skipped": report.skipped,
        "metrics": {name: rounded(interval) for name, interval in intervals.items()},
    }


def rounded(interval: Interval) -> dict[str, float]:
    """For files: more digits than any of these numbers deserves."""
    return {name: round(number, 4) for name, number in interval._asdict().items()}


def comparison_record(
    report: Report, first: Report, split: Split, resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, Any]:
    """What the evaluation command writes about one system: its metrics, and how far it is from the first."""
    lead = report.lead(first, resamples, seed)
    return {
        **system_record(report.system),
        **metrics_record(report, split, resamples, seed),
        **({"log_loss": log_loss_record(report, split, resamples, seed)} if report.system.learnt else {}),
        "difference": {"to": first.system.name} | {name: rounded(points) for name, points in lead.items()},
        "resamples": resamples,
        "seed": seed,
    }


def log_loss_record(report: Report, split: Split, resamples: int, seed: int) -> dict[str, float]:
    """In nats, with its interval, and what guessing evenly among the candidates has."""
    candidates = split.impressions.candidates
    losses = log_losses(report.system.scores, split.impressions.clicked, candidates.offsets)
    (interval,) = mean_intervals(losses[:, None], report.readers, resamples, seed)
    return rounded(interval) | {"even": round(float(np.log(candidates.lengths[report.rows]).mean()), 4)}


def unlabelled_record(system: System, split: Split) -> dict[str, Any]:
    """The same for a split that has nothing to measure."""
    readers = len(np.unique(split.impressions.readers))
    counts = {"data": split.name, "impressions": len(split.impressions), "readers": readers, "skipped": 0}
    return {**system_record(system), **counts, "metrics": {}, "difference": None}


def system_record(system: System) -> dict[str, Any]:
    record = {"checkpoint": system.name, "layers": system.layers, "parameters": system.parameters}
    return record | ({"note": system.note} if system.note else {})
