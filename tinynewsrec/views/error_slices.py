"""Slices by one feature, and the search for those where the student is worse."""

from collections.abc import Iterator
from threading import Event
from typing import Any

import numpy as np

from tinynewsrec.analysis.slice_finder import FLIPS, Tested, search
from tinynewsrec.analysis.slices import SliceNumbers, slices
from tinynewsrec.views.comparison import Comparison, bin_text, told, written
from tinynewsrec.views.turns import Progress
from tinynewsrec.views.words import Words
from tinynewsrec.views.workspace import Workspace

RATE = 0.05  # of false discoveries among all that is found
MOST_SHOWN = 15  # slices that a search shows


def slices_of(
    workspace: Workspace, found: Comparison, said: Words, feature: str, metric: str, every: bool
) -> dict[str, Any]:
    """Each bin of a feature within the chosen slice, by every model or by the two alone."""
    chosen = found.base.feature(feature)
    models = found.models if every else [found.teacher, found.student]

    def compute() -> list[SliceNumbers | None]:
        values = np.stack([found.base.compared.metrics[name][metric] for name in models], axis=-1)
        columns = models.index(found.teacher), models.index(found.student)
        return slices(values, *columns, found.readers, chosen.table & found.members[:, None])

    key = ("errors", "slices", *found.key, chosen.name, metric, every)
    numbers = workspace.results.of(key, compute)
    return {
        "feature": chosen.name,
        "models": models,
        "bins": [
            {"text": bin_text(said, bin), "condition": written((chosen, place)), **numbers_of(one)}
            for place, (bin, one) in enumerate(zip(chosen.bins, numbers, strict=True))
            if one is not None
        ],
    }


def numbers_of(numbers: SliceNumbers) -> dict[str, Any]:
    return {
        "impressions": numbers.impressions,
        "readers": numbers.readers,
        "small": numbers.small,
        "values": [list(interval) for interval in numbers.values],
        "apart": list(numbers.difference),
    }


def search_key(found: Comparison, metric: str, against: str) -> tuple[object, ...]:
    return "errors", "search", id(found.base.given), found.teacher, found.student, metric, against


def searched(
    workspace: Workspace, found: Comparison, said: Words, metric: str, against: str
) -> dict[str, Any] | None:
    """What the latest search over all impressions said; None where there was none."""
    result = workspace.results.get(search_key(found, metric, against))
    if result is None:
        return None
    flips, tested = result
    sure = [one for one in tested if one.q <= RATE]
    return {
        "flips": flips,
        "all flips": FLIPS,
        "tried": len(tested),
        "found": len(sure),
        "rate": RATE,
        "rows": [row_of(found, said, one) for one in sorted_rows(tested, sure)],
    }


def sorted_rows(tested: list[Tested], sure: list[Tested]) -> list[Tested]:
    """What was found, the largest difference first; then what came nearest, to look at with care."""
    found = sorted(sure, key=lambda one: -one.difference)
    return (found + tested[len(sure) :])[:MOST_SHOWN]


def row_of(found: Comparison, said: Words, one: Tested) -> dict[str, Any]:
    named = [(found.base.feature(name), place) for name, place in one.conditions]
    return {
        "text": said["and"].join(told(said, *condition) for condition in named),
        "conditions": [written(condition) for condition in named],
        **{name: getattr(one, name) for name in ("impressions", "readers", "difference", "p", "q")},
    }


def run_search(
    workspace: Workspace, found: Comparison, said: Words, metric: str, against: str, stop: Event
) -> Iterator[Progress]:
    """Keeps what is known after each part of the flips, so that a stopped search has something to show."""
    teacher, student = (found.base.compared.metrics[name][metric] for name in (found.teacher, found.student))
    key = search_key(found, metric, against)
    for done, tested in search(teacher - student, found.readers, found.base.features, against):
        workspace.results.put(key, (done, tested))
        yield Progress(said["searching"].format(done=done, total=FLIPS), done, FLIPS)
        if stop.is_set():
            return
