"""Labels given to stories by hand, kept in a file beside the data or one folder above.

labels.jsonl holds a line for each story that has one: {"id": "N1", "sentiment": "neutral"}. Stories of other
parts are passed over; a story without a line is unknown.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from tinynewsrec.data.labels import SENTIMENTS
from tinynewsrec.data.tables import DataError, News

LABELS = "labels.jsonl"


def find_labels(folder: Path) -> Path | None:
    places = (folder / LABELS, folder.resolve().parent / LABELS)
    return next((path for path in places if path.is_file()), None)


def with_labels(news: News, path: Path) -> News:
    """The stories with the sentiments of a file, in place of others. Raises DataError, naming the line."""
    sentiment = dict(read_labels(path))
    found = pa.array([sentiment.get(id, "") for id in news.texts("id")], pa.string())
    columns = news.columns
    if "sentiment" in columns.column_names:
        columns = columns.drop_columns(["sentiment"])
    sources = {**news.sources, "sentiment": f"gold labels of {path.name}"}
    return replace(news, columns=columns.append_column("sentiment", found), sources=sources)


def read_labels(path: Path) -> Iterator[tuple[str, str]]:
    known: dict[str, str] = {}
    with open(path, encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                label = json.loads(line)
                id, sentiment = label["id"], label["sentiment"]
                SENTIMENTS.names.index(sentiment)
            except (ValueError, KeyError, TypeError):
                raise DataError(
                    f'{path}, line {number}: expected {{"id": "N1", "sentiment": "neutral"}} with one of '
                    f"{', '.join(SENTIMENTS.names)}, found {line.strip()[:60]!r}. Correct the line."
                ) from None
            if known.setdefault(str(id), sentiment) != sentiment:
                raise DataError(
                    f"{path}, line {number}: story {id} is {sentiment} here and {known[str(id)]} above. "
                    f"Remove one of the lines."
                )
            yield str(id), sentiment
