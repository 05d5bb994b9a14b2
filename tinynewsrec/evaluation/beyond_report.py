"""Systems held against one yardstick beyond accuracy: the same vectors, popularity and labels for all."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from rich import box
from rich.markup import escape
from rich.table import Table

from tinynewsrec.data.batches import EMPTY
from tinynewsrec.data.labels import IGNORE, category_space
from tinynewsrec.data.sentiment import sentiment_labels
from tinynewsrec.data.tables import Impressions, News, Ragged, Split
from tinynewsrec.evaluation.beyond_accuracy import (
    coverage,
    dispersion,
    first_of,
    intra_list_diversity,
    means,
    novelty,
    serendipity,
    shares,
    unit,
)
from tinynewsrec.evaluation.bootstrap import RESAMPLES, mean_intervals
from tinynewsrec.evaluation.report import System, rounded

DEPTHS = (5, 10)  # lengths of lists; what people read is of the last
LATEST = 50  # clicks of a history that a list is held against
TONES = {"negative": -1.0, "neutral": 0.0, "positive": 1.0}
NO_TONES = "how the stories sound is not known"
COLUMNS = ("ILD", "serendipity", "novelty", "polarity")
COMMONEST = 3  # categories that people read


@dataclass(frozen=True, eq=False)
class Yardstick:
    """What lists of the N stories are measured with, and where each part comes from."""

    units: Float[np.ndarray, "N D"]
    vectors: str
    counts: Float[np.ndarray, " N"]
    """How well known each story is."""
    popularity: str
    categories: Int[np.ndarray, " N"]
    """Into category_names, EMPTY where unknown."""
    category_names: tuple[str, ...]
    tones: Int[np.ndarray, " N"]
    """Into TONES, EMPTY where unknown."""
    sentiment: str

    @property
    def polarities(self) -> Float[np.ndarray, " N"]:
        """-1, 0 or 1; NaN where the tone is unknown."""
        return np.where(self.tones == EMPTY, np.nan, np.array([*TONES.values()])[self.tones])


def yardstick(split: Split, vectors: Float[np.ndarray, "N D"], source: str) -> Yardstick:
    counts, popularity = known_by(split)
    space = category_space(split.news, "category")
    codes = space.codes(split.news.texts("category"))
    categories = np.where(codes == IGNORE, EMPTY, codes)
    tones, sentiment = tones_of(split.news)
    return Yardstick(unit(vectors), source, counts, popularity, categories, space.names, tones, sentiment)


def known_by(split: Split) -> tuple[Float[np.ndarray, " N"], str]:
    """Clicks on each story as a candidate of the measured split itself: to measure with, not to rank by.

    Without clicks how often it was shown, but in a task of its own, where all readers are shown the same.
    """
    shown, clicked = split.impressions.candidates.values, split.impressions.clicked
    if clicked is None:
        beyond, source = split.impressions.beyond, f"times shown in {split.name}"
        if beyond is not None and beyond.any():
            shown = split.impressions.take(np.flatnonzero(~beyond)).candidates.values
            source += ", without that task"
        return np.bincount(shown, minlength=len(split.news)).astype(float), source
    counts = np.bincount(shown[clicked], minlength=len(split.news)).astype(float)
    return counts, f"clicks on the candidates of {split.name}"


def tones_of(news: News) -> tuple[Int[np.ndarray, " N"], str]:
    """As the data set says, else as a lexicon of its language guesses; and which, or why neither."""
    try:
        found, source = sentiment_labels(news)
    except (ValueError, ImportError) as error:
        return np.full(len(news), EMPTY, dtype=np.int64), f"{NO_TONES}: {error}"
    places = {name: place for place, name in enumerate(TONES)}
    return np.array([places.get(text.lower(), EMPTY) for text in found], dtype=np.int64), source


def beyond_record(
    system: System,
    split: Split,
    against: Yardstick,
    resamples: int = RESAMPLES,
    seed: int = 0,
    depths: Sequence[int] = DEPTHS,
) -> dict[str, Any]:
    """Means per list with 95 % intervals over readers, and what all lists of each depth together hold.

    Where a data set has a beyond-accuracy task, as EB-NeRD's test set, it is of that task's impressions.
    """
    impressions, scores = of_the_task(split.impressions, system.scores)
    record = {
        "impressions": len(impressions),
        "depths": list(depths),
        "task": impressions.beyond is not None and bool(impressions.beyond.all()),
        "vectors": against.vectors,
        "history": LATEST,
        "popularity": against.popularity,
        "sentiment": against.sentiment,
    }
    record |= {"metrics": {}, "coverage": {}, "categories": {}, "sentiments": {}}
    for k in depths:
        lists = first_of(scores, impressions.candidates, k)
        for name, values in per_list(lists, impressions.history, against).items():
            if measured := interval_of(values, impressions.readers, resamples, seed):
                record["metrics"][f"{name}@{k}"] = measured
        record["coverage"][f"@{k}"] = coverage(lists, impressions.candidates)._asdict()
        if against.category_names:
            record["categories"][f"@{k}"] = distribution(lists, against.categories, against.category_names)
        if (against.tones != EMPTY).any():
            record["sentiments"][f"@{k}"] = distribution(lists, against.tones, tuple(TONES))
    return record


def of_the_task(
    impressions: Impressions, scores: Float[np.ndarray, " total"]
) -> tuple[Impressions, Float[np.ndarray, " some"]]:
    """Of the beyond-accuracy task, where the data set has one; otherwise all."""
    if impressions.beyond is None or not impressions.beyond.any():
        return impressions, scores
    rows = np.flatnonzero(impressions.beyond)
    return impressions.take(rows), Ragged(scores, impressions.candidates.offsets).take(rows).values


def per_list(lists: Ragged, history: Ragged, against: Yardstick) -> dict[str, Float[np.ndarray, " R"]]:
    return {
        "ILD": intra_list_diversity(lists, against.units),
        "serendipity": serendipity(lists, history, against.units, LATEST),
        "novelty": novelty(lists, against.counts),
        "polarity": means(lists, against.polarities),
    }


def interval_of(
    values: Float[np.ndarray, " R"], readers: Int[np.ndarray, " R"], resamples: int, seed: int
) -> dict[str, float] | None:
    """Of the impressions where the value means something, with their number; None where there are none."""
    rows = np.flatnonzero(~np.isnan(values))
    if not len(rows):
        return None
    interval = mean_intervals(values[rows, None], readers[rows], resamples, seed)[0]
    return rounded(interval) | {"impressions": len(rows)}


def distribution(lists: Ragged, labels: Int[np.ndarray, " N"], names: Sequence[str]) -> dict[str, Any]:
    found = shares(lists, labels, len(names))
    order = np.argsort(-found, kind="stable")
    return {
        "dispersion": round(dispersion(found), 4),
        "shares": {names[place]: round(float(found[place]), 4) for place in order},
    }


def beyond_table(records: Sequence[dict[str, Any]]) -> Table:
    """Beside the table of accuracy, one row for each system, of the last depth."""
    sources = records[0]["beyond_accuracy"]
    table = system_table(
        f"of the first {sources['depths'][-1]} stories of {sources['impressions']:,} impressions"
        f"{', the beyond-accuracy task' * sources['task']}, with 95 % intervals over readers; distances "
        f"between {escape(sources['vectors'])}, serendipity to the latest {sources['history']} clicks; "
        f"novelty in bits, from {escape(sources['popularity'])}; polarity from -1 to 1, "
        f"{escape(sources['sentiment'])}"
    )
    for name in (*COLUMNS, "coverage"):
        table.add_column(name, justify="right", no_wrap=True)
    for record in records:
        table.add_row(escape(record["checkpoint"]), *cells(record["beyond_accuracy"]))
    return table


def contents_table(records: Sequence[dict[str, Any]]) -> Table:
    """What the same lists are about, and how that sounds."""
    sources = records[0]["beyond_accuracy"]
    table = system_table(
        f"percent of the first {sources['depths'][-1]} stories, the {COMMONEST} commonest categories; "
        f"dispersion is 0 where all are of one category and 1 where all categories are alike"
    )
    for name in ("categories", "dispersion", "negative, neutral, positive"):
        table.add_column(name)
    for record in records:
        table.add_row(escape(record["checkpoint"]), *contents(record["beyond_accuracy"]))
    return table


def system_table(caption: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), caption=caption)
    table.add_column("system", overflow="fold", min_width=10)
    return table


def cells(record: dict[str, Any]) -> list[str]:
    depth = f"@{record['depths'][-1]}"
    covered = record["coverage"][depth]
    return [
        *(measured(record["metrics"].get(f"{column}{depth}")) for column in COLUMNS),
        f"{100 * covered['shown'] / max(1, covered['offered']):.1f} %\n{covered['shown']:,}",
    ]


def contents(record: dict[str, Any]) -> list[str]:
    depth = f"@{record['depths'][-1]}"
    categories, tones = record["categories"].get(depth), record["sentiments"].get(depth)
    if categories is None:
        about = ["-", "-"]
    else:
        commonest = list(categories["shares"].items())[:COMMONEST]
        shown = ", ".join(f"{escape(name)} {100 * share:.1f}" for name, share in commonest)
        about = [shown, f"{categories['dispersion']:.2f}"]
    sounds = ", ".join(f"{100 * tones['shares'][tone]:.1f}" for tone in TONES) if tones else "-"
    return [*about, sounds]


def measured(interval: dict[str, float] | None) -> str:
    if interval is None:
        return "-"
    value, low, high = (f"{interval[part]:z.3f}" for part in ("value", "low", "high"))
    return f"{value}\n{low}-{high}"
