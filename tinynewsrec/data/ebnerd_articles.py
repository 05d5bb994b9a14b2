"""EB-NeRD's articles.parquet -> News."""

import json
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Int

from tinynewsrec.data.labels import SENTIMENTS
from tinynewsrec.data.parquet_columns import (
    INTEGER,
    INTEGERS,
    NO_ID,
    TEXT,
    TEXTS,
    TIME,
    Block,
    as_flags,
    read_blocks,
)
from tinynewsrec.data.tables import DataError, News, Skipped

COLUMNS = {"article_id": INTEGER, "title": TEXT}
OPTIONAL = {
    "subtitle": TEXT,
    "category": INTEGER,
    "category_str": TEXT,
    "subcategory": INTEGERS,
    "ner_clusters": TEXTS,
    "entity_groups": TEXTS,
    "sentiment_label": TEXT,
    "published_time": TIME,
}
SOURCES = {"sentiment": "sentiment_label", "published": "published_time"}

REPEATED_ARTICLE = "article listed again with the same content, left out"
NO_TITLE = "article without a title, read as an empty one"
OTHER_SENTIMENT = "sentiment other than positive, neutral or negative, read as unknown"
NO_TIME = "article without a time of publication, read as unknown"


@dataclass(frozen=True, eq=False)
class Articles:
    news: News
    ids: Int[np.ndarray, " N"]

    @cached_property
    def order(self) -> Int[np.ndarray, " N"]:
        return np.argsort(self.ids).astype(np.int32)

    def rows_of(self, ids: Int[np.ndarray, " M"]) -> Int[np.ndarray, " M"]:
        """The row of each id, -1 for an unknown one."""
        ordered = self.ids[self.order]
        places = np.searchsorted(ordered, ids).clip(max=len(ordered) - 1)
        return np.where(ordered[places] == ids, self.order[places], np.int32(-1))


def read_articles(path: Path) -> tuple[Articles, tuple[Skipped, ...]]:
    """The stories in the order of the file. Raises DataError as tinynewsrec.data.ebnerd says."""
    blocks = list(read_blocks(path, COLUMNS, OPTIONAL))
    table = pa.Table.from_batches([block.columns for block in blocks]).combine_chunks()
    block = Block(path, table.to_batches()[0], 1)
    block, skipped = drop_repeated(block)
    columns, about_columns = story_columns(block)
    found = {name: f"{of} of {path.name}" for name, of in SOURCES.items() if name in columns}
    news = News(pa.table(columns), found, language="da")
    return Articles(news, block.numbers("article_id")), skipped + about_columns


def drop_repeated(block: Block) -> tuple[Block, tuple[Skipped, ...]]:
    """Raises DataError for an article that is listed twice with different content."""
    ids = block.numbers("article_id")
    first_rows = np.unique(ids, return_index=True)[1]
    firsts = first_rows[np.searchsorted(ids[first_rows], ids)]
    again = firsts != np.arange(len(ids))
    for row in np.flatnonzero(again):
        if not block.columns.slice(row, 1).equals(block.columns.slice(firsts[row], 1)):
            raise DataError(
                f"{block.path}, column article_id, row {row + 1}: article {ids[row]} is another one in row "
                f"{firsts[row] + 1}. Remove one of them."
            )
    kept = replace(block, columns=block.columns.filter(pa.array(~again))) if again.any() else block
    return kept, block.counted(REPEATED_ARTICLE, again)


def story_columns(block: Block) -> tuple[dict[str, pa.Array], tuple[Skipped, ...]]:
    """The columns of News, and what was put right in them."""
    columns = {
        "id": block.columns["article_id"].cast(pa.string()),
        "category": named_else(texts(block, "category_str"), texts(block, "category")),
        "subcategory": first_of(block, "subcategory"),
        "title": texts(block, "title"),
        "abstract": texts(block, "subtitle"),
        "title_entities": entities(block),
        "abstract_entities": pa.array([""] * len(block)),
    }
    skipped = block.counted(NO_TITLE, as_flags(block.columns["title"].is_null()))
    if block.has("sentiment_label"):
        columns["sentiment"], unread = sentiments(block)
        skipped += unread
    if block.has("published_time"):
        times = block.times("published_time")
        columns["published"] = pa.array(times)
        skipped += block.counted(NO_TIME, np.isnat(times))
    return columns, skipped


def texts(block: Block, name: str) -> pa.Array:
    """A column as text; "" for null and for a column that is not there."""
    if not block.has(name):
        return pa.array([""] * len(block), pa.string())
    return block.columns[name].cast(pa.string()).fill_null("")


def named_else(names: pa.Array, numbers: pa.Array) -> pa.Array:
    return pc.if_else(pc.equal(names, ""), numbers, names)


def first_of(block: Block, name: str) -> pa.Array:
    """The first of each list, as text; "" for an empty one, and for a null."""
    if not block.has(name):
        return texts(block, name)
    values, lengths = block.lists(name)
    starts = np.concatenate([[0], np.cumsum(lengths)])[:-1]
    places = pa.array(starts, mask=lengths == 0)
    return pa.array(values, mask=values == NO_ID).take(places).cast(pa.string()).fill_null("")


def sentiments(block: Block) -> tuple[pa.Array, tuple[Skipped, ...]]:
    found = pc.utf8_lower(texts(block, "sentiment_label"))
    known = pc.is_in(found, pa.array(SENTIMENTS.names))
    odd = pc.and_not(pc.not_equal(found, ""), known)
    return pc.if_else(known, found, ""), block.counted(OTHER_SENTIMENT, as_flags(odd))


def entities(block: Block) -> pa.Array:
    """MIND's JSON, for names without a place; "" where they are not known."""
    if not block.has("ner_clusters"):
        return pa.array([""] * len(block))
    clusters = block.columns["ner_clusters"].to_pylist()
    groups = block.columns["entity_groups"].to_pylist() if block.has("entity_groups") else [()] * len(block)
    return pa.array([entities_json(*names) for names in zip(clusters, groups, strict=True)])


def entities_json(names: list[str | None] | None, groups: list[str | None] | None) -> str:
    if names is None:
        return ""
    groups = [*(groups or ()), *[""] * len(names)]
    types = {name: group or "" for name, group in zip(names, groups, strict=False) if name}
    found = [{"Label": name, "Type": group, "SurfaceForms": [name]} for name, group in types.items()]
    return json.dumps(found, ensure_ascii=False)
