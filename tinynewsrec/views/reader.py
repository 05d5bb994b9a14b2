"""One reader at a time: what they clicked before, and what every model would show them next."""

from typing import Any

from tinynewsrec import views
from tinynewsrec.views import reader_choice, reader_edits, reader_options
from tinynewsrec.views.case import Case, case_of, source
from tinynewsrec.views.reader_choice import choice_of, time_of
from tinynewsrec.views.reader_edits import found_of
from tinynewsrec.views.reader_list import corpus_of, ranking_of, scored
from tinynewsrec.views.reader_options import NAME, Options
from tinynewsrec.views.state import Page
from tinynewsrec.views.workspace import Workspace

SCRIPTS = ("story", "history", "ranking", "bump", "corpus")
LATEST = 8  # clicks that are shown at first
LONGEST = 50  # clicks that are shown while no model says how many it looks at
ACTIONS = reader_choice.ACTIONS | reader_edits.ACTIONS

__all__ = ["ACTIONS", "NAME", "SCRIPTS", "Options", "payload"]


def payload(workspace: Workspace, page: Page) -> dict[str, Any]:
    case, options = case_of(workspace, page), page.of(reader_options)
    models = scored(workspace, page, case)
    return {
        "options": vars(options),
        "finished": workspace.finished,
        "invented": bool(workspace.notice),
        "edited": page.shared.history is not None,
        "source": source(workspace.split, case),
        "choice": choice_of(workspace, page, case),
        "history": history_of(workspace, case),
        "builder": found_of(workspace, page, case),
        "ranking": ranking_of(workspace, page, case, models),
        "corpus": corpus_of(page, case, models),
        "tabs": [view.NAME for view in views.VIEWS],
    }


def history_of(workspace: Workspace, case: Case) -> dict[str, Any]:
    """The clicks that the models look at, newest first, each with its place from the oldest."""
    length = max((model.history_length for model in workspace.models), default=LONGEST)
    rows = case.impression.history.tolist()
    seen = list(enumerate(rows))[-length:][::-1]
    return {
        "time": time_of(workspace.split.impressions, case.row),
        "stories": [case.story(row) | {"place": place} for place, row in seen],
        "clicks": len(rows),
        "older": max(0, len(rows) - length),
        "length": length,
        "latest": LATEST,
    }
