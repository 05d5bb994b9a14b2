"""What several models did on the same impressions, as the error analysis takes it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from tinynewsrec.analysis.pickers import ranks
from tinynewsrec.data.tables import Impressions, Ragged
from tinynewsrec.evaluation.metrics import judged, measure, sums


class ByModel(dict[str, Any]):
    """Worked out for a model when it is first asked for."""

    def __init__(self, work: Callable[[str], Any]) -> None:
        super().__init__()
        self.work = work

    def __missing__(self, model: str) -> Any:
        self[model] = self.work(model)
        return self[model]


@dataclass(frozen=True, eq=False)
class Compared:
    """M impressions that have both clicked and unclicked candidates, and each model's scores on them."""

    rows: Int[np.ndarray, " M"]
    """Where they stood among the impressions given."""
    impressions: Impressions
    scores: dict[str, Float[np.ndarray, " total"]]
    """By model, aligned with `impressions.candidates.values`."""

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def metrics(self) -> Mapping[str, dict[str, Float[np.ndarray, " M"]]]:
        """By model and metric, in percent."""
        clicked, offsets = self.impressions.clicked, self.impressions.candidates.offsets
        return ByModel(lambda model: measure(self.scores[model], clicked, offsets).values)

    @cached_property
    def ranks(self) -> Mapping[str, Int[np.ndarray, " total"]]:
        """By model, from 1 in each impression; candidates with equal scores keep the file's order."""
        return ByModel(lambda model: ranks(self.scores[model], self.impressions.candidates))

    @cached_property
    def clicked_stories(self) -> Ragged:
        """The rows of the stories that were clicked, of each impression at least one."""
        lists, clicked = self.impressions.candidates, self.impressions.clicked
        return Ragged(lists.values[clicked], np.concatenate([[0], np.cumsum(sums(clicked, lists.offsets))]))

    def take(self, members: Bool[np.ndarray, " M"]) -> "Compared":
        """The impressions that are members."""
        kept, lists = np.flatnonzero(members), self.impressions.candidates
        scores = {name: Ragged(row, lists.offsets).take(kept).values for name, row in self.scores.items()}
        return replace(self, rows=self.rows[kept], impressions=self.impressions.take(kept), scores=scores)


def compared_on(impressions: Impressions, scores: Mapping[str, Float[np.ndarray, " total"]]) -> Compared:
    """Leaves out the impressions that say nothing about a ranking; `rows` tells which are left.

    Raises ValueError for impressions without labels, or for scores that belong to others.
    """
    if impressions.clicked is None:
        raise ValueError("These impressions have no labels, so nothing on them is right or wrong.")
    for name, row in scores.items():
        if len(row) != len(impressions.candidates.values):
            raise ValueError(
                f"Expected a score of {name} for each of {len(impressions.candidates.values)} candidates, "
                f"found {len(row)}."
            )
    rows = judged(impressions.clicked, impressions.candidates.offsets)
    lists = impressions.candidates
    kept = {name: Ragged(np.asarray(row), lists.offsets).take(rows).values for name, row in scores.items()}
    return Compared(rows, impressions.take(rows), kept)
