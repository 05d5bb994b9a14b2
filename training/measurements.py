"""What systems that were trained several times have in common: means over seeds, and paired differences."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from tinynewsrec.checkpoints import Checkpoint
from tinynewsrec.data.tables import Split
from tinynewsrec.evaluation.bootstrap import Interval, mean_intervals
from tinynewsrec.evaluation.report import Report, System, checkpoint_system, evaluate

SHOWN = ("AUC", "MRR", "nDCG@10")


@dataclass(frozen=True, eq=False)
class Runs:
    """One system, trained and measured once for each seed, on the same M impressions."""

    reports: dict[int, Report]

    @cached_property
    def values(self) -> Float[np.ndarray, "M K"]:
        """Of each impression, averaged over seeds."""
        return np.mean([report.values for report in self.reports.values()], axis=0)

    @property
    def readers(self) -> Int[np.ndarray, " M"]:
        return self.any.readers

    @property
    def any(self) -> Report:
        return next(iter(self.reports.values()))

    def mean(self, metric: str) -> float:
        return float(np.mean(self.by_seed(metric)))

    def deviation(self, metric: str) -> float | None:
        """Standard deviation over seeds; None for a single one."""
        found = self.by_seed(metric)
        return float(np.std(found, ddof=1)) if len(found) > 1 else None

    def shown(self, metric: str) -> str:
        deviation = self.deviation(metric)
        return f"{self.mean(metric):.2f}" + ("" if deviation is None else f" ± {deviation:.2f}")

    def by_seed(self, metric: str) -> list[float]:
        return [float(report.metrics[metric].mean()) for report in self.reports.values()]

    def lead(self, other: "Runs", metric: str = "AUC") -> Interval:
        """The paired difference of what the seeds give on average, with its 95 % interval over readers."""
        column = list(self.any.metrics).index(metric)
        return mean_intervals(self.values - other.values, self.readers)[column]

    def only(self, seeds: Collection[int]) -> "Runs":
        return Runs({seed: report for seed, report in self.reports.items() if seed in seeds})


def measured(folders: dict[int, Sequence[Path]], split: Split) -> Runs:
    """By seed the checkpoint of a system, or several whose scores are averaged (Ensemble-Teacher)."""
    return Runs({seed: evaluate(averaged(places, split), split) for seed, places in folders.items()})


def averaged(places: Sequence[Path], split: Split) -> System:
    """Raw scores averaged; of a single checkpoint its own."""
    systems = [checkpoint_system(place.name, Checkpoint.open(place), split) for place in places]
    scores = np.mean([system.scores for system in systems], axis=0)
    return systems[0]._replace(scores=scores)
