"""Files of EB-NeRD's shape, of invented rows: what the tests of reading, training and ranking share."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

LARGE = 2**31  # the first number that 32 bits with a sign do not hold
ARTICLES = pa.schema(
    {
        "article_id": pa.int64(),
        "title": pa.large_string(),
        "subtitle": pa.large_string(),
        "published_time": pa.timestamp("us"),
        "ner_clusters": pa.large_list(pa.large_string()),
        "entity_groups": pa.large_list(pa.large_string()),
        "category": pa.int16(),
        "subcategory": pa.large_list(pa.int16()),
        "category_str": pa.large_string(),
        "sentiment_label": pa.large_string(),
    }
)
BEHAVIORS = pa.schema(
    {
        "impression_id": pa.uint32(),
        "article_id": pa.int32(),
        "impression_time": pa.timestamp("us"),
        "article_ids_inview": pa.large_list(pa.int64()),
        "article_ids_clicked": pa.large_list(pa.int64()),
        "user_id": pa.uint32(),
        "is_beyond_accuracy": pa.bool_(),
    }
)
HISTORY = pa.schema(
    {
        "user_id": pa.uint32(),
        "impression_time_fixed": pa.large_list(pa.timestamp("us")),
        "article_id_fixed": pa.large_list(pa.int64()),
    }
)


def article(number: int, **changed: Any) -> dict[str, Any]:
    row = {
        "article_id": number,
        "title": f"Havnens bro {number}",
        "subtitle": f"Broen ved havnen {number}",
        "published_time": datetime(2023, 5, 20, number % 24),
        "ner_clusters": [],
        "entity_groups": [],
        "category": 118 + number % 2,
        "subcategory": [196 + number % 2],
        "category_str": ("nyheder", "sport")[number % 2],
        "sentiment_label": ("Negative", "Neutral", "Positive")[number % 3],
    }
    return row | changed


def visit(id: int, reader: int, in_view: list, clicked: list | None, **changed: Any) -> dict[str, Any]:
    row = {
        "impression_id": id,
        "article_id": None,
        "impression_time": datetime(2023, 5, 25, 7, 30, id % 60, 500_000),
        "article_ids_inview": in_view,
        "article_ids_clicked": clicked,
        "user_id": reader,
    }
    return row | changed


def clicks(reader: int, articles: list | None) -> dict[str, Any]:
    times = None if articles is None else [datetime(2023, 5, 1)] * len(articles)
    return {"user_id": reader, "impression_time_fixed": times, "article_id_fixed": articles}


STORIES = [article(number) for number in range(8)]
VISITS = [
    visit(LARGE + 7, LARGE + 1, [3, 4, 5], [4]),
    visit(12, 2, [7, 6, 0, 1], [6, 1]),
    visit(11, LARGE + 1, [5, 2], [2]),
]
HISTORIES = [clicks(LARGE + 1, [0, 1, 2]), clicks(2, [3])]


def write_ebnerd(
    folder: Path,
    articles: list[dict] = STORIES,
    behaviors: list[dict] = VISITS,
    history: list[dict] = HISTORIES,
    without: tuple[str, ...] = (),
) -> Path:
    """A part, with the articles one folder above; `without` leaves columns out. Returns the part's folder."""
    folder.mkdir(parents=True, exist_ok=True)
    files = [
        (folder.parent / "articles.parquet", articles, ARTICLES),
        (folder / "behaviors.parquet", behaviors, BEHAVIORS),
        (folder / "history.parquet", history, HISTORY),
    ]
    said = any("is_beyond_accuracy" in row for row in behaviors)
    left_out = without if said else (*without, "is_beyond_accuracy")
    for path, rows, schema in files:
        table = pa.Table.from_pylist(rows, schema)
        pq.write_table(table.drop_columns([name for name in left_out if name in schema.names]), path)
    return folder


def as_test_set(behaviors: list[dict]) -> list[dict]:
    """The rows as they are, then some of the beyond-accuracy task, which all have the id 0."""
    task = [visit(0, reader, [*range(8)], None, is_beyond_accuracy=True) for reader in (2, 9)]
    return [*({"is_beyond_accuracy": False, **row} for row in behaviors), *task]
