"""One reader at a time: what they clicked before, and what every model would show them next."""

import random
from collections import Counter
from functools import partial
from typing import Any

import gradio as gr

from tinynewsrec.analysis.lookup import find, is_story, rows_of_reader
from tinynewsrec.analysis.pickers import Pick
from tinynewsrec.views.drawn import drawn
from tinynewsrec.views.header import AT_ONCE, EVERY
from tinynewsrec.views.impression import history_of, ranking_of, time_of
from tinynewsrec.views.preparation import TOPIC
from tinynewsrec.views.workspace import Workspace

TITLE = "Reader"
KINDS = {
    "one topic": "Follows one topic",
    "short history": "Short history",
    "newcomer": "New, no history",
    "disagreement": "Models disagree most",
    "right and wrong": "Largest right, smallest wrong",
}
EVIDENCE = {
    "one topic": "{reader}: {most} of {clicks} clicks on {topic}",
    "short history": "{reader}: {evidence:.0f} clicked before",
    "newcomer": "{reader}: no clicks, {evidence:.0f} candidates",
    "disagreement": "{reader}: rank correlation with {largest} {signed}",
    "right and wrong": "{reader}: rank 1 in {largest}, {evidence:.0f} of {candidates} in {smallest}",
}
PICK, PICKED, IMPRESSION, SEARCH = "Readers worth a look", "Reader", "Impression", "Reader or impression id"
FIND, SURPRISE = "Find", "Surprise me"
NOT_YET = "These readers are known once the models have ranked the impressions; see the line above."
NONE_OF_THIS_KIND = "{data} has no reader of this kind."
UNKNOWN = "No reader and no impression in {data} has the id '{id}'."
STORY = "'{id}' is the id of a story, not of a reader or an impression."
EMPTY_ID = "Type the id of a reader or of an impression."
OFFER = "Show {id}"
IMPRESSION_LABEL = "{number} of {count}: {time}"
LONGEST_ID = 80  # characters that can be typed

Update = Any  # what Gradio takes as a new state of a component


def first_row(workspace: Workspace) -> int:
    """The first reader of the first kind that has one."""
    return next((picks[0].row for picks in workspace.picks.values() if picks), 0)


def show(workspace: Workspace, row: int) -> tuple[int, Update, Update, Update, Update]:
    """The impression of that row, on every component that shows it."""
    split = workspace.split
    if split is None:
        return (-1, *[gr.skip()] * 4)
    row = min(max(int(row), 0), len(split.impressions) - 1)
    impression = split.impressions[row]
    length = max((model.history_length for model in workspace.models), default=50)
    return (
        row,
        impressions_of(workspace, row),
        history_of(impression, split.news, length),
        ranking_of(impression, split, workspace.models, bool(workspace.notice), workspace.finished),
        {},
    )


def impressions_of(workspace: Workspace, row: int) -> Update:
    impressions = workspace.split.impressions
    rows = rows_of_reader(impressions, int(impressions.readers[row]))
    choices = [
        (
            IMPRESSION_LABEL.format(
                number=number,
                count=len(rows),
                time=time_of(impressions[other]),
            ),
            other,
        )
        for number, other in enumerate(rows.tolist(), start=1)
    ]
    return gr.update(choices=choices, value=row, interactive=len(rows) > 1)


def say(text: str, near: str | None = None) -> dict[str, str | None]:
    return {"text": text, "near": near, "offer": OFFER.format(id=near)}


def stay(message: dict[str, Any]) -> tuple[Update, ...]:
    """The view as it is, and a message."""
    return (*[gr.skip()] * 4, message)


def choose_kind(workspace: Workspace, kind: str) -> tuple[Update, ...]:
    picks = workspace.picks.get(kind)
    if not picks:
        text = NOT_YET if picks is None and not workspace.finished else none_of_this_kind(workspace)
        return gr.update(choices=[], value=None), *stay(say(text))
    return picked(workspace, kind, picks), *show(workspace, picks[0].row)


def none_of_this_kind(workspace: Workspace) -> str:
    return NONE_OF_THIS_KIND.format(data=workspace.split.name if workspace.split else workspace.data)


def picked(workspace: Workspace, kind: str, picks: list[Pick]) -> Update:
    choices = [(label_of(workspace, kind, pick), pick.row) for pick in picks]
    return gr.update(choices=choices, value=picks[0].row)


def label_of(workspace: Workspace, kind: str, pick: Pick) -> str:
    """The reader, and what that reader was picked for."""
    impression = workspace.split.impressions[pick.row]
    topics = workspace.split.news.columns[TOPIC].take(impression.history).to_pylist()
    topic, most = Counter(topics).most_common(1)[0] if topics else ("", 0)
    names = [model.name for model in workspace.models] or [""]
    return EVIDENCE[kind].format(
        reader=impression.reader,
        evidence=pick.evidence,
        signed=f"{pick.evidence:+.2f}".replace("-", "−"),
        topic=topic,
        most=most,
        clicks=len(topics),
        candidates=len(impression.candidates),
        largest=names[0],
        smallest=names[-1],
    )


def choose(workspace: Workspace, row: int | None) -> tuple[Update, ...]:
    return stay({}) if row is None else show(workspace, row)


def search(workspace: Workspace, text: str) -> tuple[Update, ...]:
    if workspace.split is None or not text.strip():
        return *[gr.skip()] * 2, *stay(say(EMPTY_ID))
    found = find(workspace.split.impressions, text)
    if found.row is not None:
        return show_elsewhere(workspace, found.row)
    words = STORY if is_story(workspace.split.news, text) else UNKNOWN
    typed = printable(text.strip()[:LONGEST_ID])
    message = say(words.format(data=workspace.split.name, id=typed), found.near)
    return *[gr.skip()] * 2, *stay(message)


def printable(text: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in text)


def surprise(workspace: Workspace, row: int) -> tuple[Update, ...]:
    if workspace.split is None:
        return *[gr.skip()] * 2, *stay({})
    count = len(workspace.split.impressions)
    return show_elsewhere(workspace, (row + random.randrange(1, count)) % count if count > 1 else 0)


def show_elsewhere(workspace: Workspace, row: int) -> tuple[Update, ...]:
    """An impression that was not picked from a kind, so no kind and no picked reader stays chosen."""
    return gr.update(value=None), gr.update(value=None), *show(workspace, row)


def refresh(workspace: Workspace, row: int, version: int) -> tuple[Update, ...]:
    """Shows what has become ready since `version`; a reader that is on the page stays."""
    timer = gr.update(value=EVERY, active=not workspace.finished)
    if version == workspace.version:
        return version, gr.skip(), timer, *[gr.skip()] * 5
    seen = workspace.version
    if row >= 0 or workspace.split is None:
        return seen, gr.skip(), timer, *show(workspace, row)
    kind = next((kind for kind, picks in workspace.picks.items() if picks), None)
    readers = picked(workspace, kind, workspace.picks[kind]) if kind else gr.skip()
    return seen, readers, timer, *show(workspace, first_row(workspace))


def build(workspace: Workspace) -> None:
    row, version, timer = gr.State(-1), gr.State(-1), gr.Timer(AT_ONCE)
    choices = [(label, kind) for kind, label in KINDS.items()]
    kind = gr.Radio(choices, value=next(iter(KINDS)), label=PICK, elem_classes="kinds")
    with gr.Row(elem_classes="pickers"):
        reader = gr.Dropdown([], label=PICKED, filterable=False, scale=3, min_width=200)
        impression = gr.Dropdown([], label=IMPRESSION, filterable=False, scale=3, min_width=200)
        text = gr.Textbox(
            label=SEARCH, max_lines=1, max_length=LONGEST_ID, submit_btn=FIND, scale=3, min_width=200
        )
        lucky = gr.Button(SURPRISE, scale=1, min_width=130)
    message = drawn("message", {})
    with gr.Row(elem_classes="impression"):
        with gr.Column(scale=3, min_width=260):
            history = drawn("history", None)
        with gr.Column(scale=8, min_width=280):
            ranking = drawn("ranking", None)
    shown = [row, impression, history, ranking, message]
    elsewhere = [kind, reader, *shown]
    wire = partial(gr.on, show_progress="hidden", api_visibility="private", concurrency_limit=None)
    ready = [version, reader, timer, *shown]
    wire([timer.tick], partial(refresh, workspace), [row, version], ready, queue=False)
    wire([kind.input], partial(choose_kind, workspace), kind, [reader, *shown])
    wire([reader.input], partial(choose, workspace), reader, shown)
    wire([impression.input], partial(choose, workspace), impression, shown)
    wire([text.submit], partial(search, workspace), text, elsewhere)
    wire([lucky.click], partial(surprise, workspace), row, elsewhere)

    def accept(event: gr.EventData) -> tuple[Update, ...]:
        """The id offered in a message; it comes back from the browser, so it is looked up as if typed."""
        return str(event.id), *search(workspace, str(event.id))

    message.accept(
        accept, None, [text, *elsewhere], show_progress="hidden", api_visibility="private", queue=False
    )
