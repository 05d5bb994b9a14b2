"""One impression as the page shows it: the history, and the candidates as every model ranks them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from tinynewsrec.analysis.reader import Ranking, compare, standardise, why_not_measured
from tinynewsrec.data.tables import Impression, News, Split
from tinynewsrec.evaluation.metrics import measure
from tinynewsrec.views.drawn import counted
from tinynewsrec.views.workspace import Model

TOP = 10  # candidates that are shown at first
LATEST = 8  # clicks that are shown at first
METRICS = ("AUC", "MRR", "nDCG@5", "nDCG@10")
UNKNOWN_TIME = "time unknown"
HISTORY = {
    "title": "Clicked before",
    "order": "Newest first",
    "all": "Show all {count}",
    "top": "Show the latest {count}",
    "empty": "No clicks before this impression: every model falls back on what it learnt about new readers.",
}
OLDER = "{older}, not shown: the models look at the latest {length} only."
RANKING = {
    "title": "Candidates",
    "caption": "Candidates of this impression, as each model ranks them",
    "story": "Story",
    "clicked": "clicked",
    "sort": "Sort by the rank of {model}",
    "all": "Show all {count}",
    "top": f"Show the top {TOP}",
    "up": "{places} higher than {model}",
    "down": "{places} lower than {model}",
    "same": "same as {model}",
    "hidden": "Clicked, but below the top {top} of {model}: rank {ranks}.",
    "metrics": "Metrics of this one impression, in percent",
}
NOT_RANKED = "Not ranked: no model is loaded."
NOT_RANKED_YET = "Not ranked yet: the models are being loaded."
LEGEND = (
    "Large: the rank, 1 is shown first. ▲ ▼: places higher or lower than {reference}. Bar and small number: "
    "the score in standard deviations from the model's own mean over these candidates; raw scores of "
    "different models share no scale."
)
UNDECIDED = "{models}: every candidate has the same score, so the order shown is that of the file."
SOURCE = "{data}: impression {id} of reader {reader}, {count}."
CLICKED, CLICKS_UNKNOWN = "{} clicked", "clicks unknown"
SAMPLE = " Readers, clicks and stories are invented."
NOT_MEASURED = {
    "no labels": "No metrics: this data does not say what was clicked.",
    "none clicked": "No metrics: nothing was clicked in this impression, so any order is as good.",
    "all clicked": "No metrics: everything was clicked in this impression, so any order is as good.",
}


def history_of(impression: Impression, news: News, length: int) -> dict[str, Any]:
    """The latest `length` clicks, newest first."""
    older = len(impression.history) - length
    return HISTORY | {
        "reader": impression.reader,
        "count": counted(len(impression.history), "click", "clicks"),
        "time": time_of(impression),
        "stories": [story_of(news, row) for row in impression.history[::-1][:length].tolist()],
        "latest": LATEST,
        "older": OLDER.format(older=counted(older, "earlier click", "earlier clicks"), length=length)
        if older > 0
        else "",
    }


def ranking_of(
    impression: Impression, split: Split, models: Sequence[Model], sample: bool, finished: bool = True
) -> dict[str, Any]:
    """What `ranking.js` draws; `finished` says whether no further model is to come."""
    scores = [model.score(impression) for model in models]
    gap = why_not_measured(impression)
    return {
        "words": RANKING,
        "waiting": NOT_RANKED if finished else NOT_RANKED_YET,
        "impression": impression.id,
        "count": count_of(impression),
        "models": [
            {"name": model.name, "layers": counted(model.layers, "layer", "layers")} for model in models
        ],
        "candidates": candidates_of(impression, split.news, compare(np.stack(scores)) if models else None),
        "top": TOP,
        "metrics": [] if gap else metrics_of(impression, scores),
        "gap": NOT_MEASURED[gap] if gap else "",
        "undecided": undecided(models, scores),
        "legend": LEGEND.format(reference=models[0].name) if models else "",
        "source": source_of(impression, split) + SAMPLE * sample,
    }


def candidates_of(impression: Impression, news: News, ranking: Ranking | None) -> list[dict[str, Any]]:
    return [
        story_of(news, row)
        | {
            "clicked": impression.clicked is not None and bool(impression.clicked[place]),
            "ranks": [] if ranking is None else ranking.ranks[:, place].tolist(),
            "shifts": [] if ranking is None else ranking.shifts[:, place].tolist(),
            "scores": [] if ranking is None else ranking.standardised[:, place].round(2).tolist(),
        }
        for place, row in enumerate(impression.candidates.tolist())
    ]


def metrics_of(impression: Impression, scores: Sequence[Float[np.ndarray, " C"]]) -> list[dict[str, Any]]:
    """One row for each metric: its value for each model, in percent."""
    ends = np.array([0, len(impression.candidates)])
    measured = [measure(row, impression.clicked, ends).values for row in scores]
    return [
        {"name": name, "values": [round(float(values[name][0]), 1) for values in measured]}
        for name in METRICS
    ]


def undecided(models: Sequence[Model], scores: Sequence[Float[np.ndarray, " C"]]) -> str:
    names = [
        model.name
        for model, row in zip(models, scores, strict=True)
        if len(row) > 1 and not standardise(row).any()
    ]
    return UNDECIDED.format(models=", ".join(names)) if names else ""


def count_of(impression: Impression) -> str:
    clicked = CLICKS_UNKNOWN if impression.clicked is None else CLICKED.format(impression.clicked.sum())
    return f"{counted(len(impression.candidates), 'candidate', 'candidates')}, {clicked}"


def source_of(impression: Impression, split: Split) -> str:
    count = count_of(impression)
    return SOURCE.format(data=split.name, id=impression.id, reader=impression.reader, count=count)


def story_of(news: News, row: int) -> dict[str, str]:
    return {name: news.columns[name][row].as_py() for name in ("title", "category", "subcategory")}


def time_of(impression: Impression) -> str:
    if np.isnat(impression.time):
        return UNKNOWN_TIME
    return impression.time.item().strftime("%d %b %Y, %H:%M")
