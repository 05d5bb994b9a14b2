"""What works on whichever tab is open: language, link, export, presenting, prepared stories, help, tour."""

import os
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Any

import tinynewsrec.views as views
from tinynewsrec.views.state import LONGEST_LINK, Page, page_from, query_of
from tinynewsrec.views.words import LANGUAGES, words
from tinynewsrec.views.workspace import Workspace

NAME = "toolbar"
SCRIPTS = ("menu", "export", "present", "tour", "keys", "toolbar")


@dataclass(frozen=True)
class Options:
    """None: what is saved here is saved in the browser."""


def payload(workspace: Workspace, page: Page, tabs: tuple[Any, ...]) -> dict[str, Any]:
    language = page.shared.language
    query = query_of(page, tabs)
    said = words(language, NAME)
    return {
        "words": said,
        "language": language,
        "languages": [[name, words(name, NAME)["name"]] for name in LANGUAGES],
        "tab": page.shared.tab,
        "tabs": [[view.NAME, words(language, view.NAME)["tab"]] for view in tabs],
        "query": query,
        "long": len(query) > LONGEST_LINK,
        "space": os.environ.get("SPACE_ID", ""),
        "reproduce": reproduce(workspace, said),
        "stories": [story_of(workspace, page, tabs, story) for story in said["stories"]],
    }


def reproduce(workspace: Workspace, said: dict[str, Any]) -> str:
    """How to see the same numbers again: data, models by what is in them, and version."""
    models = ", ".join(f"{model.name} ({model.checkpoint.content_hash[:8]})" for model in workspace.models)
    data = workspace.split.name if workspace.split else ""
    return said["reproduce"].format(version=version("tinynewsrec"), data=data, models=models)


def story_of(
    workspace: Workspace, page: Page, tabs: tuple[Any, ...], story: dict[str, Any]
) -> dict[str, Any]:
    """A prepared story: a text and a link for each step, about the first reader that fits."""
    picks = workspace.picks.get(story["reader"])
    impression = workspace.split.impressions[picks[0].row].id if picks else ""
    steps = []
    for step in story["steps"]:
        shown = Page().select(language=page.shared.language, tab=step["tab"], impression=impression)
        steps.append({"text": step["text"], "query": query_of(shown, tabs)})
    return {"title": story["title"], "steps": steps}


def follow(workspace: Workspace, page: Page, values: dict[str, Any]) -> Page:
    """The page of a link, in the language that is spoken now and over the data that is looked at now."""
    found = page_from(str(values["query"]), views.VIEWS)
    return replace(found.select(language=page.shared.language), room=page.room)


ACTIONS = {"open": follow}
