"""A reader made up by clicking headlines, and headlines made up for a reader; all tabs see both."""

from dataclasses import replace
from typing import Any

from tinynewsrec.analysis.title_search import search
from tinynewsrec.views import reader_options
from tinynewsrec.views.case import Case, case_of
from tinynewsrec.views.state import LONGEST_TEXT, MOST_VALUES, Page
from tinynewsrec.views.words import words
from tinynewsrec.views.workspace import Workspace

MOST_FOUND = 8  # stories that a search shows
MOST_HEADLINES = 8  # typed ones at a time


def found_of(workspace: Workspace, page: Page, case: Case) -> dict[str, Any] | None:
    """Stories to click; None while no reader is being made up."""
    options = page.of(reader_options)
    if not options.build:
        return None
    found = search(workspace.split.news, options.search, MOST_FOUND)
    taken = set(case.impression.history.tolist())
    stories = [case.story(row) | {"taken": row in taken} for row in found.rows.tolist()]
    return {"search": options.search, "stories": stories, "total": found.total}


def history_ids(workspace: Workspace, page: Page) -> list[str]:
    case = case_of(workspace, page)
    return [case.id_of(row) for row in case.impression.history.tolist()]


def add(workspace: Workspace, page: Page, values: dict[str, Any]) -> Page:
    """One more click, the latest; of a very long history the earliest clicks make room."""
    clicked = [*history_ids(workspace, page), str(values["story"])]
    return page.select(history=tuple(clicked[-MOST_VALUES:]))


def remove(workspace: Workspace, page: Page, values: dict[str, Any]) -> Page:
    """Takes one click back, named by its place from the oldest."""
    clicked, place = history_ids(workspace, page), int(values["place"])
    kept = clicked[:place] + clicked[place + 1 :] if 0 <= place < len(clicked) else clicked
    return page.select(history=tuple(kept[-MOST_VALUES:]))


def clear(workspace: Workspace, page: Page, values: dict[str, Any]) -> Page:
    """A reader who clicked nothing yet."""
    return page.select(history=()).set(reader_options, build=True)


def restore(workspace: Workspace, page: Page, values: dict[str, Any]) -> Page:
    """The reader's own history."""
    return page.select(history=None)


def headline(workspace: Workspace, page: Page, values: dict[str, Any]) -> Page:
    """One more candidate, in the visitor's own words."""
    said = words(page.shared.language, reader_options.NAME)
    text = " ".join(str(values["text"]).split())[:LONGEST_TEXT]
    if not text:
        return replace(page, notice=said["type a headline"])
    if text in page.shared.headlines:
        return replace(page, notice=said["headline is there"])
    if len(page.shared.headlines) >= MOST_HEADLINES:
        return replace(page, notice=said["headlines full"].format(most=MOST_HEADLINES))
    return page.select(headlines=(*page.shared.headlines, text))


def drop(workspace: Workspace, page: Page, values: dict[str, Any]) -> Page:
    """Forgets a typed headline, named by its place."""
    place = int(values["place"])
    kept = tuple(text for number, text in enumerate(page.shared.headlines) if number != place)
    return page.select(headlines=kept, story="", other="")


ACTIONS = {
    "add": add,
    "remove": remove,
    "clear": clear,
    "restore": restore,
    "headline": headline,
    "drop": drop,
}
