"""What the models with heads read off one headline: category, tone and names, and which words say so."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pyarrow.compute as pc

from tinynewsrec.views.case import Case, case_of
from tinynewsrec.views.sentences import sentence
from tinynewsrec.views.state import Page
from tinynewsrec.views.words import words
from tinynewsrec.views.workspace import Model, Workspace

NAME = "headline"
TASKS = ("category", "subcategory", "sentiment", "entities")
EXAMPLES = 12  # stories of the impression that can be read at a click


@dataclass(frozen=True)
class Options:
    text: str = ""
    """The headline; empty: that of story A."""
    task: Literal["category", "subcategory", "sentiment", "entities"] = "category"
    """The head whose words are coloured."""
    label: str = ""
    """The label that is asked about; empty: the likeliest."""


def payload(workspace: Workspace, page: Page) -> dict[str, Any]:
    said = words(page.shared.language, NAME)
    models = [model for model in workspace.models if model.recommender.heads]
    if not models:
        awaited = words(page.shared.language, "common")["models awaited"]
        return {"empty": said["no heads"] if workspace.finished else awaited}
    options, case = page.options.get(NAME, Options()), case_of(workspace, page)
    row = asked_row(case, page)
    text = options.text.strip() or case.title_of(row)
    tasks = [task for task in TASKS if any(task in model.recommender.heads for model in models)]
    task = options.task if options.task in tasks else tasks[0]
    return {
        "text": text,
        "tasks": tasks,
        "task": task,
        "gold": gold_of(workspace, text),
        "models": [read_by(workspace, model, page, text, task) for model in models],
        "examples": [
            {"id": case.id_of(other), "title": case.title_of(other)}
            for other in case.impression.candidates.tolist()[:EXAMPLES]
        ],
        "data": workspace.split.name,
    }


def asked_row(case: Case, page: Page) -> int:
    return int(case.impression.candidates[case.place_of(page.shared.story) or 0])


def gold_of(workspace: Workspace, text: str) -> dict[str, Any] | None:
    """What the data says of a story with that very title; None for any other headline."""
    from tinynewsrec.data.entities import apart, locate

    news = workspace.split.news
    row = pc.index(news.columns["title"], text).as_py()
    if row < 0:
        return None
    story = news[row]
    found = {"category": story.category, "subcategory": story.subcategory}
    found["sentiment"] = story.sentiment
    stated, searched, _ = locate(text, story.title_entities)
    return found | {"entities": [text[start:end] for start, end in apart(stated + searched)], "id": story.id}


def read_by(workspace: Workspace, model: Model, page: Page, text: str, task: str) -> dict[str, Any]:
    label, language = page.options.get(NAME, Options()).label, page.shared.language
    key = (NAME, model.name, text, task, label)
    sources = {name: spec.source for name, spec in model.recommender.heads.specs.items()}
    return workspace.results.of(key, lambda: read_now(model, text, task, label)) | {
        "sources": {name: source and sentence(language, source) for name, source in sources.items()}
    }


def read_now(model: Model, text: str, task: str, label: str) -> dict[str, Any]:
    from tinynewsrec.analysis.headline import best, head_words, names_in
    from tinynewsrec.analysis.title_words import read_title

    title = read_title(model.recommender, text)
    predictions = model.recommender.predict([text])
    tags = predictions.pop("entities", None)
    found = {
        "name": model.name,
        "words": list(title.words),
        "unread": list(title.unread),
        "guesses": {
            name: [guess._asdict() for guess in best(prediction)] for name, prediction in predictions.items()
        },
        "parts": parts_of(text, names_in(text, title, tags)) if tags and title.words else [],
        "quality": model.checkpoint.metrics.get("heads", {}).get("tasks", {}),
        "label": "",
        "values": [],
    }
    if task in model.recommender.heads and title.words:
        labels = model.recommender.heads.specs[task].labels
        likeliest = "B" if task == "entities" else found["guesses"][task][0]["label"]
        found["label"] = label if label in labels else likeliest
        scores = head_words(model.recommender, title, task, found["label"])
        found["values"] = scores.values.tolist()
    return found


def parts_of(text: str, names: Sequence[tuple[int, int, float]]) -> list[tuple[str, float | None]]:
    """The headline from left to right, names apart from what lies between them, each with its probability."""
    found, end = [], 0
    for start, stop, probability in names:
        found += [(text[end:start], None), (text[start:stop], probability)]
        end = stop
    return [part for part in (*found, (text[end:], None)) if part[0]]


ACTIONS: dict[str, Any] = {}
SLOW: dict[str, Any] = {}
