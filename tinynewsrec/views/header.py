"""The line above all tabs: which data, which models, what is being prepared, what went wrong."""

from functools import partial
from typing import Any

import gradio as gr
import numpy as np

from tinynewsrec.data.tables import Split
from tinynewsrec.views.drawn import counted, drawn
from tinynewsrec.views.workspace import Progress, Workspace

NAME = "Tiny-NewsRec"
TAGLINE = "What a large news recommender and its small students show a reader"
DATA, MODELS = "Data", "Models"
NOTICE = "Invented sample."
NO_DATA, NO_MODELS = "none read", "none loaded"
DATA_AWAITED, MODELS_AWAITED = "being read", "being loaded"
COUNTS = "{name}: {impressions} of {readers}, {stories}; {skipped}"
NOTHING_SKIPPED = "nothing skipped"
SKIPPED = "{count:,} × {what} (first: {first})"
SIZE = "{layers}, {millions:.1f} M parameters"
STAGES = {
    "reading": "Reading the data",
    "opening": "Looking for checkpoints",
    "loading": "Loading {model}",
    "encoding": "Encoding {total:,} titles with {model}: {done:,} done",
    "comparing": "Comparing the models: {model} has ranked {done:,} of {total:,} impressions",
}
AT_ONCE, EVERY = 0.05, 0.5  # seconds to the first look at what is ready, and between two later ones


def facts(workspace: Workspace) -> dict[str, Any]:
    no_data, no_models = (NO_DATA, NO_MODELS) if workspace.finished else (DATA_AWAITED, MODELS_AWAITED)
    return {
        "title": NAME,
        "tagline": TAGLINE,
        "notice": workspace.notice,
        "notice_label": NOTICE,
        "data_label": DATA,
        "data": describe(workspace.split) if workspace.split else no_data,
        "models_label": MODELS,
        "models": [
            {"name": model.name, "size": size(model.layers, model.parameters)} for model in workspace.models
        ]
        or [{"name": "", "size": no_models}],
        "problems": list(workspace.problems),
        "progress": None if workspace.finished else report(workspace.progress),
    }


def describe(split: Split) -> str:
    skipped = "; ".join(SKIPPED.format(**entry._asdict()) for entry in split.skipped)
    return COUNTS.format(
        name=split.name,
        impressions=counted(len(split.impressions), "impression", "impressions"),
        readers=counted(len(np.unique(split.impressions.readers)), "reader", "readers"),
        stories=counted(len(split.news), "story", "stories"),
        skipped=skipped or NOTHING_SKIPPED,
    )


def size(layers: int, parameters: int) -> str:
    return SIZE.format(layers=counted(layers, "layer", "layers"), millions=parameters / 1e6)


def report(progress: Progress) -> dict[str, Any]:
    return {
        "text": STAGES[progress.stage].format(**progress._asdict()),
        "done": progress.done,
        "total": progress.total,
    }


def look(workspace: Workspace) -> tuple[dict[str, Any], dict[str, Any]]:
    finished = workspace.finished  # before the facts are read, so that the last look sees them all
    return facts(workspace), gr.update(value=EVERY, active=not finished)


def build(workspace: Workspace) -> None:
    header = drawn("header", facts(workspace))
    timer = gr.Timer(AT_ONCE)
    gr.on(
        [timer.tick],
        partial(look, workspace),
        None,
        [header, timer],
        show_progress="hidden",
        api_visibility="private",
        queue=False,
    )
