"""EB-NeRD's behaviors.parquet -> Impressions."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from jaxtyping import Bool, Int, Shaped

from tinynewsrec.data.ebnerd_articles import Articles
from tinynewsrec.data.ebnerd_history import Histories
from tinynewsrec.data.parquet_columns import FLAG, INTEGER, INTEGERS, TIME, Block, read_blocks
from tinynewsrec.data.ragged import Ragged, SharedRagged
from tinynewsrec.data.tables import Impressions, Skipped
from tinynewsrec.data.text_columns import concatenate_ragged, count_per_row

COLUMNS = {
    "impression_id": INTEGER,
    "user_id": INTEGER,
    "impression_time": TIME,
    "article_ids_inview": INTEGERS,
}
CLICKS = "article_ids_clicked"
BEYOND = "is_beyond_accuracy"

NO_CANDIDATE = "impression without candidates, left out"
UNKNOWN_CANDIDATE = "impression with a candidate that articles.parquet does not have, left out"
REPEATED_CANDIDATE = "impression that shows a story twice, read as two candidates"
UNSEEN_CLICK = "click on a story that was not in view, left out"
NO_CLICKS = "impression whose clicks are null, read as without a click"
NO_HISTORY = "impression of a reader whom history.parquet does not have, read as without history"
NO_TIME = "impression without a time, read as unknown"


class Part(NamedTuple):
    """The impressions of one block, readers still by number."""

    ids: pa.Array
    readers: Int[np.ndarray, " R"]
    times: Shaped[np.ndarray, " R"]
    histories: Int[np.ndarray, " R"]
    candidates: Ragged
    clicked: Bool[np.ndarray, " T"] | None  # None in a file without clicks
    beyond: Bool[np.ndarray, " R"] | None  # None in a file that does not say
    skipped: tuple[Skipped, ...]


def read_impressions(
    path: Path, articles: Articles, histories: Histories
) -> tuple[Impressions, tuple[Skipped, ...]]:
    """The impressions in the order of the file. Raises DataError as tinynewsrec.data.ebnerd says."""
    blocks = read_blocks(path, COLUMNS, {CLICKS: INTEGERS, BEYOND: FLAG})
    parts = [parse_block(block, articles, histories) for block in blocks]
    return join_parts(parts, histories), tuple(entry for part in parts for entry in part.skipped)


def parse_block(block: Block, articles: Articles, histories: Histories) -> Part:
    candidates, complete, skipped = parse_candidates(block, articles)
    clicked = None
    if block.has(CLICKS):
        clicked, about_clicks = parse_clicks(block, articles, candidates, complete)
        skipped += about_clicks
    readers, times = block.numbers("user_id"), block.times("impression_time")
    rows = histories.rows_of(readers)
    skipped += block.counted(NO_HISTORY, complete & (rows == len(histories.clicks) - 1))
    skipped += block.counted(NO_TIME, complete & np.isnat(times))
    kept = np.flatnonzero(complete)
    return Part(
        pa.array(block.numbers("impression_id")[kept]).cast(pa.string()),
        readers[kept],
        times[kept],
        rows[kept],
        candidates.take(kept),
        None if clicked is None else Ragged(clicked, candidates.offsets).take(kept).values,
        block.flags(BEYOND)[kept] if block.has(BEYOND) else None,
        skipped,
    )


def parse_candidates(
    block: Block, articles: Articles
) -> tuple[Ragged, Bool[np.ndarray, " R"], tuple[Skipped, ...]]:
    """The stories in view, -1 for an unknown one, and which impressions have some and know them all."""
    ids, lengths = block.lists("article_ids_inview")
    candidates = Ragged(articles.rows_of(ids), np.concatenate([[0], np.cumsum(lengths)]))
    empty, unknown = lengths == 0, count_per_row(candidates.values < 0, candidates.offsets) > 0
    complete = ~(empty | unknown)
    skipped = block.counted(NO_CANDIDATE, empty) + block.counted(UNKNOWN_CANDIDATE, unknown)
    skipped += block.counted(REPEATED_CANDIDATE, repeating(candidates, articles) & complete)
    return candidates, complete, skipped


def repeating(candidates: Ragged, articles: Articles) -> Bool[np.ndarray, " R"]:
    """Whether one story is there twice."""
    shown = pairs(np.repeat(np.arange(len(candidates)), candidates.lengths), candidates.values, articles)
    again = np.ones(len(shown), bool)
    again[np.unique(shown, return_index=True)[1]] = False
    return count_per_row(again, candidates.offsets) > 0


def parse_clicks(
    block: Block, articles: Articles, candidates: Ragged, complete: Bool[np.ndarray, " R"]
) -> tuple[Bool[np.ndarray, " T"], tuple[Skipped, ...]]:
    """Which candidates were clicked; clicks are counted in the impressions that are complete."""
    ids, lengths = block.lists(CLICKS)
    owners = np.repeat(np.arange(len(block)), lengths)
    clicks = pairs(owners, articles.rows_of(ids), articles)
    shown = pairs(np.repeat(np.arange(len(block)), candidates.lengths), candidates.values, articles)
    unseen = np.bincount(owners[~np.isin(clicks, shown)], minlength=len(block)) * complete
    null = block.columns[CLICKS].is_null().to_numpy(zero_copy_only=False) & complete
    skipped = block.counted(UNSEEN_CLICK, unseen) + block.counted(NO_CLICKS, null)
    return np.isin(shown, clicks), skipped


def pairs(
    owners: Int[np.ndarray, " T"], rows: Int[np.ndarray, " T"], articles: Articles
) -> Int[np.ndarray, " T"]:
    """One number for each impression and story."""
    return owners * (len(articles.ids) + 1) + rows


def join_parts(parts: list[Part], histories: Histories) -> Impressions:
    readers, numbers = np.unique(np.concatenate([part.readers for part in parts]), return_inverse=True)
    labelled, tasked = parts[0].clicked is not None, parts[0].beyond is not None
    return Impressions(
        ids=pa.concat_arrays([part.ids for part in parts]),
        readers=numbers.astype(np.int32),
        reader_ids=pa.array(readers).cast(pa.string()),
        times=np.concatenate([part.times for part in parts]),
        history=SharedRagged(histories.clicks, np.concatenate([part.histories for part in parts])),
        candidates=concatenate_ragged([part.candidates for part in parts]),
        clicked=np.concatenate([part.clicked for part in parts]) if labelled else None,
        beyond=np.concatenate([part.beyond for part in parts]) if tasked else None,
    )
