"""Which reader is looked at: one worth a look, one by id, or any."""

import random
from collections import Counter
from dataclasses import replace
from typing import Any

from tinynewsrec.analysis.lookup import find, is_story, rows_of_reader
from tinynewsrec.analysis.pickers import Pick
from tinynewsrec.data.tables import Impressions
from tinynewsrec.views import reader_options
from tinynewsrec.views.case import Case, named_row
from tinynewsrec.views.preparation import TOPIC
from tinynewsrec.views.state import Page
from tinynewsrec.views.words import Words, figure, words
from tinynewsrec.views.workspace import Workspace

LONGEST_ID = 80  # characters that can be typed


def choice_of(workspace: Workspace, page: Page, case: Case) -> dict[str, Any]:
    """What can be chosen from, what is chosen, and what is said of a choice that could not be met."""
    said, impressions = words(page.shared.language, reader_options.NAME), workspace.split.impressions
    kind = kind_of(workspace, page)
    picks = workspace.picks.get(kind) or []
    others = rows_of_reader(impressions, int(impressions.readers[case.row])).tolist()
    return {
        "kind": kind,
        "kinds": {name: text.format(**extremes(workspace)) for name, text in said["kinds"].items()},
        "readers": [
            [id_of(impressions, pick.row), label_of(workspace, page.shared.language, kind, pick)]
            for pick in picks
        ],
        "impression": case.original.id,
        "impressions": [[id_of(impressions, row), time_of(impressions, row)] for row in others],
        "longest": LONGEST_ID,
    } | message_of(workspace, page, said, kind)


def kind_of(workspace: Workspace, page: Page) -> str:
    """A page just opened shows the first reader of the first kind that has one."""
    chosen = page.of(reader_options).kind
    if chosen or page.shared.impression:
        return chosen
    return next((kind for kind, picks in workspace.picks.items() if picks), "")


def message_of(workspace: Workspace, page: Page, said: Words, kind: str) -> dict[str, str]:
    asked = page.of(reader_options).asked
    if asked:
        story = is_story(workspace.split.news, asked)
        text = said["is a story" if story else "unknown"].format(data=workspace.split.name, id=asked)
        return {"message": text, "near": find(workspace.split.impressions, asked).near or ""}
    if page.shared.impression and named_row(workspace, page) < 0:
        text = said["unknown"].format(data=workspace.split.name, id=printable(page.shared.impression))
        return {"message": text, "near": ""}
    if kind and not workspace.picks.get(kind):
        awaited = kind not in workspace.picks and not workspace.finished
        return {
            "message": said["not yet" if awaited else "none"].format(data=workspace.split.name),
            "near": "",
        }
    return {"message": "", "near": ""}


def label_of(workspace: Workspace, language: str, kind: str, pick: Pick) -> str:
    """The reader, and what that reader was picked for."""
    said = words(language, reader_options.NAME)
    impression = workspace.split.impressions[pick.row]
    topics = workspace.split.news.columns[TOPIC].take(impression.history).to_pylist()
    topic, most = Counter(topics).most_common(1)[0] if topics else ("", 0)
    return said["evidence"][kind].format(
        reader=impression.reader,
        evidence=figure(language, pick.evidence),
        signed=figure(language, pick.evidence, 2, signed=True),
        topic=topic,
        most=most,
        clicks=len(topics),
        candidates=len(impression.candidates),
        **extremes(workspace),
    )


def extremes(workspace: Workspace) -> dict[str, str]:
    """The names of the largest and the smallest model that is loaded."""
    names = [model.name for model in workspace.models] or ["–"]
    return {"largest": names[0], "smallest": names[-1]}


def id_of(impressions: Impressions, row: int) -> str:
    return impressions.ids[row].as_py()


def time_of(impressions: Impressions, row: int) -> str:
    """As ISO 8601 writes it, for the script to put into words; empty where it is unknown."""
    found = str(impressions.times[row])
    return "" if found == "NaT" else found


def pick(workspace: Workspace, page: Page, values: dict[str, Any]) -> Page:
    """The first reader of a kind; a kind without readers leaves the reader that is shown."""
    kind = str(values["kind"])
    known = words(page.shared.language, reader_options.NAME)["evidence"]
    if kind not in known:
        raise ValueError(words(page.shared.language, "page")["none of"].format(known=", ".join(known)))
    picks = workspace.picks.get(kind)
    shown = id_of(workspace.split.impressions, picks[0].row) if picks else page.shared.impression
    return meet(page, shown, kind)


def visit(workspace: Workspace, page: Page, values: dict[str, Any]) -> Page:
    """Another reader of the kind, or another impression of the reader."""
    return meet(page, str(values["impression"]), kind_of(workspace, page))


def look_up(workspace: Workspace, page: Page, values: dict[str, Any]) -> Page:
    text = str(values["id"]).strip()
    if not text:
        said = words(page.shared.language, reader_options.NAME)
        return replace(page, notice=said["type an id"])
    found = find(workspace.split.impressions, text)
    if found.row is None:
        return page.set(reader_options, asked=printable(text[:LONGEST_ID]))
    return meet(page, id_of(workspace.split.impressions, found.row))


def printable(text: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in text)


def surprise(workspace: Workspace, page: Page, values: dict[str, Any]) -> Page:
    """Any impression but the one that is shown."""
    impressions = workspace.split.impressions
    shown = page.shared.impression or id_of(impressions, first_row(workspace))
    row = random.randrange(len(impressions))
    if id_of(impressions, row) == shown:
        row = (row + 1) % len(impressions)
    return meet(page, id_of(impressions, row))


def first_row(workspace: Workspace) -> int:
    return next((picks[0].row for picks in workspace.picks.values() if picks), 0)


def meet(page: Page, impression: str, kind: str = "") -> Page:
    """Another reader, looked at from the start."""
    fresh = {"kind": kind, "asked": "", "whole": False, "clicks": False}
    return page.select(impression=impression).set(reader_options, **fresh)


ACTIONS = {"pick": pick, "visit": visit, "find": look_up, "surprise": surprise}
