"""Behavioural tests of all models: run when asked, kept, and each failure there to be opened."""

from collections.abc import Iterator
from threading import Event
from typing import Any

import numpy as np

from tinynewsrec.analysis.behaviour_examples import TESTS, Example, examples, readers
from tinynewsrec.views.changed import NAME, Options, options_of
from tinynewsrec.views.state import Page
from tinynewsrec.views.turns import Progress
from tinynewsrec.views.words import words
from tinynewsrec.views.workspace import Workspace

LIMITS = {"readers": (10, 500), "seed": (0, 9_999), "tolerance": (0, 50)}
MOST_LISTED = 30  # failures of a test

Kept = dict[str, Any]  # by test: its examples, and by model how far each moved


def run_tests(workspace: Workspace, page: Page, values: dict[str, Any], stop: Event) -> Iterator[Progress]:
    """Every test on every model; what was measured before is not measured again."""
    from tinynewsrec.analysis.behaviour import places_moved

    said, options = words(page.shared.language, NAME), options_of(page)
    count, seed = limited(options, "readers"), limited(options, "seed")
    rows = readers(workspace.split, count, seed)
    kept: Kept = workspace.results.get(key_of(workspace, options)) or {}
    looked_at = min(model.history_length for model in workspace.models)
    done, total = 0, len(TESTS) * len(workspace.models)
    for test in TESTS:
        found, moved = kept.get(test) or (examples(test, workspace.split, rows, seed, looked_at), {})
        for model in workspace.models:
            yield Progress(said["testing"].format(test=said["tests"][test], model=model.name), done, total)
            if model.name not in moved:
                vectors = np.asarray(model.vectors, dtype=np.float32)
                moved = moved | {
                    model.name: places_moved(model.recommender, vectors, workspace.split, test, found)
                }
                kept = kept | {test: (found, moved)}
                workspace.results.put(key_of(workspace, options), kept)
            done += 1


def limited(options: Options, name: str) -> int:
    """An option that came in a link, as a number that can be used."""
    least, most = LIMITS[name]
    return min(max(getattr(options, name), least), most)


def key_of(workspace: Workspace, options: Options) -> tuple:
    names = tuple(model.name for model in workspace.models)
    return NAME, "tests", workspace.split.name, names, limited(options, "readers"), limited(options, "seed")


def tests_of(workspace: Workspace, options: Options) -> dict[str, Any]:
    """Passes by test and model under the tolerance chosen, and the failures of the cell that is open."""
    kept: Kept = workspace.results.get(key_of(workspace, options)) or {}
    rows = [
        {
            "test": test,
            "expects": expected.expects,
            "cells": [cell_of(workspace, options, kept, test, model.name) for model in workspace.models],
        }
        for test, expected in TESTS.items()
    ]
    return {
        "limits": LIMITS,
        "measured": bool(kept),
        "rows": rows if kept else [],
        "data": workspace.split.name,
        "failures": failures_of(workspace, options, kept),
    }


def cell_of(
    workspace: Workspace, options: Options, kept: Kept, test: str, model: str
) -> dict[str, Any] | None:
    """None where the run was stopped before."""
    from tinynewsrec.analysis.behaviour import share

    if test not in kept or model not in kept[test][1]:
        return None
    return share(passed(workspace, options, kept, test, model))._asdict()


def passed(workspace: Workspace, options: Options, kept: Kept, test: str, model: str) -> np.ndarray:
    from tinynewsrec.analysis.behaviour import passes

    examples, moved = kept[test]
    rows = np.array([example.row for example in examples], dtype=int)
    candidates = workspace.split.impressions.candidates.lengths[rows]
    return passes(test, moved[model], candidates, limited(options, "tolerance") / 100)


def failures_of(workspace: Workspace, options: Options, kept: Kept) -> list[dict[str, Any]]:
    """Those of the chosen test and model, the furthest moved first."""
    test, model = options.test, options.model
    if test not in kept or model not in kept[test][1]:
        return []
    examples, moved = kept[test]
    failed = np.flatnonzero(~passed(workspace, options, kept, test, model))
    order = failed[np.argsort(-np.abs(moved[model][failed]), kind="stable")]
    return [
        failure_of(workspace, examples[place], float(moved[model][place]))
        for place in order[:MOST_LISTED].tolist()
    ]


def failure_of(workspace: Workspace, example: Example, moved: float) -> dict[str, Any]:
    impression = workspace.split.impressions[example.row]
    story = int(impression.candidates[example.watched[0]])
    return {
        "row": example.row,
        "impression": impression.id,
        "reader": impression.reader,
        "title": workspace.split.news.columns["title"][story].as_py() if example.title else "",
        "changed": example.title,
        "moved": moved,
        "candidates": len(impression.candidates),
    }


def example_of(workspace: Workspace, options: Options, test: str, row: int) -> Example | None:
    """None where the tests were not run, or the example is none of theirs."""
    kept: Kept = workspace.results.get(key_of(workspace, options)) or {}
    return next((example for example in kept.get(test, ((), {}))[0] if example.row == row), None)
