"""What if a reader had clicked otherwise, or a headline said something else: before, after, and tests."""

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from tinynewsrec.analysis.edits import KINDS, differences, edited
from tinynewsrec.analysis.rewrites import Rewrite, names_of, rewrites
from tinynewsrec.analysis.title_search import search
from tinynewsrec.data.tables import Story
from tinynewsrec.views import behaviour_tests, flip_search
from tinynewsrec.views.case import Case, case_of, source
from tinynewsrec.views.changed import (
    NAME,
    Changed,
    candidates_of,
    changed_of,
    history_of,
    options_of,
    same_clicks,
    title_of,
)
from tinynewsrec.views.changed import Options as Options
from tinynewsrec.views.rewritten import row_of, with_title
from tinynewsrec.views.state import MOST_VALUES, Page
from tinynewsrec.views.words import words
from tinynewsrec.views.workspace import Workspace

FOUND = 12  # stories that a search offers to add


def payload(workspace: Workspace, page: Page) -> dict[str, Any]:
    if not workspace.models:
        said = words(page.shared.language, "common")
        return {"empty": said["no models" if workspace.finished else "models awaited"]}
    changed, options = changed_of(workspace, page), options_of(page)
    return {
        "options": vars(options),
        "models": [model.name for model in workspace.models],
        "source": source(workspace.split, changed.case),
        "invented": bool(workspace.notice),
        "edited": changed.edited,
        "read": max(model.history_length for model in workspace.models),
        "history": history_of(changed),
        "same clicks": same_clicks(changed),
        "found": found_of(changed.case, options.search),
        "candidates": candidates_of(changed),
        "first": changed.first,
        "second": changed.second,
        "headline": headline_of(workspace, changed),
        "flips": flip_search.flips_of(workspace, changed),
        "sweep": flip_search.sweep_of(workspace, changed),
        "tests": behaviour_tests.tests_of(workspace, options),
    }


def found_of(case: Case, text: str) -> list[dict[str, str]]:
    if not text.strip():
        return []
    return [case.story(row) | {"row": row} for row in search(case.news, text, FOUND).rows.tolist()]


def headline_of(workspace: Workspace, changed: Changed) -> dict[str, Any]:
    """Story A: its headline, what was made of it, and what could be."""
    row = int(changed.case.impression.candidates[changed.first])
    original, now = changed.case.title_of(row), title_of(changed, row)
    names = workspace.results.of((NAME, "names"), lambda: names_of(workspace.split.news))
    parts = differences(original.split(), now.split())
    return {
        "original": original,
        "now": now,
        "diff": [[part.kind, " ".join(part.items)] for part in parts],
        "suggestions": [told(rewrite, now) for rewrite in rewrites(story_of(changed.case, row, now), names)],
    }


def story_of(case: Case, row: int, title: str) -> Story:
    if row < len(case.news):
        return case.news[row]._replace(title=title)
    return Story("", "", "", title, "", (), ())


def told(rewrite: Rewrite, title: str) -> dict[str, str]:
    return {
        "rule": rewrite.rule,
        "old": rewrite.old.strip(),
        "new": rewrite.new.strip(),
        "title": rewrite.of(title),
    }


def pinned(workspace: Workspace, page: Page) -> Page:
    """Stories A and B stay who they are, whatever an edit does to their ranks."""
    changed = changed_of(workspace, page)
    rows = changed.case.impression.candidates
    first, second = (changed.case.id_of(int(rows[place])) for place in (changed.first, changed.second))
    return page.select(story=first, other=second)


def with_history(workspace: Workspace, page: Page, rows: np.ndarray) -> Page:
    """With these clicks; a link holds so many and no more. Raises ValueError for more."""
    if len(rows) > MOST_VALUES:
        raise ValueError(words(page.shared.language, NAME)["too many"].format(most=MOST_VALUES))
    case = case_of(workspace, page)
    own = np.array_equal(rows, case.original.history)
    history = None if own else tuple(case.id_of(row) for row in rows.tolist())
    return pinned(workspace, page).select(history=history)


def edit(workspace: Workspace, page: Page, values: dict[str, Any]) -> Page:
    if values["kind"] not in KINDS:
        raise ValueError(words(page.shared.language, "page")["none of"].format(known=", ".join(KINDS)))
    history = case_of(workspace, page).impression.history
    rows = edited(history, values["kind"], int(values.get("number", 0)))
    return with_history(workspace, page, rows[-MOST_VALUES:] if len(rows) <= len(history) + 1 else rows)


def add(workspace: Workspace, page: Page, values: dict[str, Any]) -> Page:
    """A story becomes the latest click, or comes back to the place named."""
    case = case_of(workspace, page)
    row, history = row_of(case, str(values["id"])), case.impression.history
    if row is None or row >= len(case.news):
        raise ValueError(words(page.shared.language, NAME)["no story"].format(id=str(values["id"])[:80]))
    place = min(max(int(values.get("place", len(history))), 0), len(history))
    return with_history(workspace, page, np.insert(history, place, row)[-MOST_VALUES:])


def remove(workspace: Workspace, page: Page, values: dict[str, Any]) -> Page:
    """Several clicks at once: those that a flip takes away."""
    history = case_of(workspace, page).impression.history
    places = [int(place) for place in values["places"] if 0 <= int(place) < len(history)]
    return with_history(workspace, page, np.delete(history, places)[-MOST_VALUES:])


def rewrite(workspace: Workspace, page: Page, values: dict[str, Any]) -> Page:
    """Another headline for story A; an empty one takes the rewriting back."""
    changed = changed_of(workspace, page)
    row = int(changed.case.impression.candidates[changed.first])
    headlines = with_title(changed.case, options_of(page).headlines, row, str(values["title"]).strip())
    return pinned(workspace, page).set(VIEW, headlines=headlines)


def restore(workspace: Workspace, page: Page, values: dict[str, Any]) -> Page:
    """The reader and the headlines as the data has them."""
    return page.select(history=None).set(VIEW, headlines=())


def swap(workspace: Workspace, page: Page, values: dict[str, Any]) -> Page:
    kept = pinned(workspace, page).shared
    return page.select(story=kept.other, other=kept.story)


def open_failure(workspace: Workspace, page: Page, values: dict[str, Any]) -> Page:
    """The example of a test, as this tab shows it: its reader, with what the test changed."""
    example = behaviour_tests.example_of(workspace, options_of(page), str(values["test"]), int(values["row"]))
    if example is None:
        raise ValueError(words(page.shared.language, NAME)["no example"])
    impression = workspace.split.impressions[example.row]
    ids = workspace.split.news.known_ids
    story = ids[int(impression.candidates[example.watched[0]])].as_py()
    history = None if example.history is None else ids_of(ids, example.history[-MOST_VALUES:])
    shown = page.select(impression=impression.id, story=story, other="", history=history)
    return shown.set(VIEW, headlines=(f"{story} {example.title}",) if example.title else ())


def ids_of(ids: pa.Array, rows: Sequence[int]) -> tuple[str, ...]:
    return tuple(ids.take(pa.array(rows, pa.int32())).to_pylist())


VIEW = sys.modules[__name__]
ACTIONS = {
    "edit": edit,
    "add": add,
    "remove": remove,
    "rewrite": rewrite,
    "restore": restore,
    "swap": swap,
    "open": open_failure,
}
SLOW = {"words": flip_search.search_words, "tests": behaviour_tests.run_tests}
