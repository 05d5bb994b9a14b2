"""Why a model scores a story as it does: which clicks, which words, and how much of it anybody would get."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from threading import Event
from typing import Any, Literal

from tinynewsrec.views.case import case_of, source
from tinynewsrec.views.state import Page
from tinynewsrec.views.turns import Progress
from tinynewsrec.views.why_question import Method, Question, question_of
from tinynewsrec.views.words import words
from tinynewsrec.views.workspace import Workspace

NAME = "why"
SCRIPTS = ("why_clicks", "why_words", "why_anybody")


@dataclass(frozen=True)
class Options:
    part: Literal["clicks", "words", "anybody"] = "clicks"
    above: bool = False
    """What puts A above B, rather than what A's score is made of."""
    latest: bool = False
    """Clicks by time, rather than those that count most first."""
    whole: bool = False
    """All clicks, rather than the first of them."""
    title: Literal["story", "other"] = "story"
    """Whose words: A's or B's."""
    method: Method = "gradient"
    steps: int = 20
    """Of integrated gradients."""


def payload(workspace: Workspace, page: Page) -> dict[str, Any]:
    if not workspace.models:
        common = words(page.shared.language, "common")
        return {"empty": common["no models" if workspace.finished else "models awaited"]}
    question, options = asked_on(workspace, page)
    return {
        "options": asdict(options),
        "source": source(workspace.split, question.case),
        "sample": bool(workspace.notice),
        "edited": question.case.edited,
        "models": [{"name": asked.model.name, "layers": asked.model.layers} for asked in question.models],
        "stories": [question.story, question.other],
        "ranks": [asked.ranks for asked in question.models],
        "candidates": question.candidates,
        "shown": part_of(workspace, options, question),
    }


def asked_on(workspace: Workspace, page: Page) -> tuple[Question, Options]:
    question = question_of(workspace, page, case_of(workspace, page))
    return question, page.options.get(NAME) or Options()


def swap(workspace: Workspace, page: Page, values: dict[str, Any]) -> Page:
    """A and B change places."""
    question, _ = asked_on(workspace, page)
    return page.select(story=question.other["id"], other=question.story["id"])


def part_of(workspace: Workspace, options: Options, question: Question) -> dict[str, Any]:
    # Imported here, for they import torch, which takes longer than the whole first page.
    from tinynewsrec.views.why_anybody import anybody
    from tinynewsrec.views.why_clicks import clicks
    from tinynewsrec.views.why_words import words_of

    parts = {"clicks": clicks, "words": words_of, "anybody": anybody}
    return parts[options.part](workspace, options, question)


def compute(workspace: Workspace, page: Page, values: dict[str, Any], stop: Event) -> Iterator[Progress]:
    from tinynewsrec.views.why_explain import compute

    yield from compute(workspace, *asked_on(workspace, page), words(page.shared.language, NAME), stop)


def check(workspace: Workspace, page: Page, values: dict[str, Any], stop: Event) -> Iterator[Progress]:
    from tinynewsrec.views.why_explain import check

    yield from check(workspace, *asked_on(workspace, page), words(page.shared.language, NAME), stop)


ACTIONS = {"swap": swap}
SLOW = {"compute": compute, "check": check}
