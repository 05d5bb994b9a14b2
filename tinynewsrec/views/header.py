"""The line above all tabs: which data, which models, what is being prepared, what went wrong."""

from typing import Any

import numpy as np

from tinynewsrec.data.tables import Split
from tinynewsrec.views.state import Page
from tinynewsrec.views.words import Words, counted, words
from tinynewsrec.views.workspace import Progress, Workspace


def payload(workspace: Workspace, page: Page) -> dict[str, Any]:
    said = words(page.shared.language, "header")
    state = "none" if workspace.finished else "awaited"
    models = [
        {"name": model.name, "size": size(said, model.layers, model.parameters)} for model in workspace.models
    ]
    return {
        "words": said,
        "notice": workspace.notice,
        "data": describe(said, workspace.split) if workspace.split else said["data"][state],
        "models": models or [{"name": "", "size": said["models"][state]}],
        "problems": list(workspace.problems),
        "progress": None if workspace.finished else report(said, workspace.progress),
    }


def describe(said: Words, split: Split) -> str:
    skipped = "; ".join(said["skipped"].format(**entry._asdict()) for entry in split.skipped)
    return said["counts"].format(
        name=split.name,
        impressions=counted(len(split.impressions), said["impressions"]),
        readers=counted(len(np.unique(split.impressions.readers)), said["readers"]),
        stories=counted(len(split.news), said["stories"]),
        skipped=skipped or said["nothing skipped"],
    )


def size(said: Words, layers: int, parameters: int) -> str:
    return said["size"].format(layers=counted(layers, said["layers"]), millions=parameters / 1e6)


def report(said: Words, progress: Progress) -> dict[str, Any]:
    return {
        "text": said["stages"][progress.stage].format(**progress._asdict()),
        "done": progress.done,
        "total": progress.total,
    }
