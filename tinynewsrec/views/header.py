"""The line above all tabs: which data, which models, what is being prepared, what went wrong."""

from typing import Any

import numpy as np

from tinynewsrec.data.tables import Split
from tinynewsrec.views.roles import role_of
from tinynewsrec.views.sentences import sentence
from tinynewsrec.views.state import Page
from tinynewsrec.views.words import Words, counted, figure, words
from tinynewsrec.views.workspace import Progress, Workspace

SCRIPTS = ("menu", "header")


def payload(workspace: Workspace, page: Page) -> dict[str, Any]:
    language = page.shared.language
    said, state = words(language, "header"), "none" if workspace.finished else "awaited"
    split, models = workspace.split, [told(language, workspace, model) for model in workspace.models]
    return {
        "language": language,
        "words": said,
        "notice": workspace.notice and sentence(language, workspace.notice),
        "data": describe(language, said, split) if split else said["data"][state],
        "skipped": skipped(language, said, split) if split else "",
        "count": counted(language, len(models), said["counted models"]) if models else said["models"][state],
        "models": models,
        "problems": [sentence(language, problem) for problem in workspace.problems],
        "progress": None if workspace.finished else report(language, said, workspace.progress),
    }


def describe(language: str, said: Words, split: Split) -> str:
    return said["counts"].format(
        name=split.name,
        impressions=counted(language, len(split.impressions), said["impressions"]),
        readers=counted(language, len(np.unique(split.impressions.readers)), said["readers"]),
        stories=counted(language, len(split.news), said["stories"]),
    )


def skipped(language: str, said: Words, split: Split) -> str:
    """What was left out or put right while reading."""
    lines = [
        said["skipped"].format(
            count=figure(language, entry.count),
            what=sentence(language, entry.what),
            first=sentence(language, entry.first),
        )
        for entry in split.skipped
    ]
    return "; ".join(lines) or said["nothing skipped"]


def told(language: str, workspace: Workspace, model: Any) -> dict[str, str]:
    said = words(language, "header")
    return {
        "name": model.name,
        "size": said["size"].format(
            role=words(language, "common")["roles"][role_of(workspace, model)],
            layers=counted(language, model.layers, said["layers"]),
            millions=figure(language, model.parameters / 1e6, 1),
        ),
    }


def report(language: str, said: Words, progress: Progress) -> dict[str, Any]:
    figures = {name: figure(language, getattr(progress, name)) for name in ("done", "total")}
    return {
        "text": said["stages"][progress.stage].format(model=progress.model, **figures),
        "done": progress.done,
        "total": progress.total,
    }
