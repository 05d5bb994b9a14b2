"""EB-NeRD's history.parquet: what each reader clicked before the days of a part."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int

from tinynewsrec.data.ebnerd_articles import Articles
from tinynewsrec.data.parquet_columns import INTEGER, INTEGERS, Block, as_flags, read_blocks
from tinynewsrec.data.ragged import Ragged
from tinynewsrec.data.tables import DataError, Skipped
from tinynewsrec.data.text_columns import concatenate_ragged, count_per_row, offsets_of_kept

COLUMNS = {"user_id": INTEGER, "article_id_fixed": INTEGERS}

UNKNOWN_CLICK = "history click on a story that articles.parquet does not have, left out"
REPEATED_CLICK = "history click on a story that the reader clicked again later, left out"
NO_CLICKS = "reader whose history is null, read as without history"
REPEATED_READER = "reader listed again with the same history, left out"


class Histories(NamedTuple):
    """One for each reader; the last is empty, for readers without any."""

    readers: Int[np.ndarray, " H"]  # sorted
    places: Int[np.ndarray, " H"]  # of each reader's history
    clicks: Ragged

    def rows_of(self, readers: Int[np.ndarray, " R"]) -> Int[np.ndarray, " R"]:
        """Where each reader's history is; the last row for an unknown reader."""
        found = np.searchsorted(self.readers, readers).clip(max=len(self.readers) - 1)
        known = self.readers[found] == readers
        return np.where(known, self.places[found], len(self.clicks) - 1).astype(np.int32)


def read_histories(path: Path, articles: Articles) -> tuple[Histories, tuple[Skipped, ...]]:
    """Raises DataError as tinynewsrec.data.ebnerd says."""
    readers, parts, skipped = [], [], ()
    for block in read_blocks(path, COLUMNS, {}):
        readers.append(block.numbers("user_id"))
        clicks, left_out = known_clicks(block, articles)
        parts.append(clicks)
        skipped += left_out
    clicks = concatenate_ragged([*parts, Ragged.stack([[]])])
    histories, repeated = by_reader(np.concatenate(readers), clicks, path)
    return histories, skipped + repeated


def known_clicks(block: Block, articles: Articles) -> tuple[Ragged, tuple[Skipped, ...]]:
    """Each story once in a history, where it was clicked last, and what was left out."""
    ids, lengths = block.lists("article_id_fixed")
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    rows = articles.rows_of(ids)
    known = rows >= 0
    kept = known & last_of_each(np.repeat(np.arange(len(block)), lengths), rows, len(articles.ids))
    skipped = block.counted(NO_CLICKS, as_flags(block.columns["article_id_fixed"].is_null()))
    skipped += block.counted(UNKNOWN_CLICK, count_per_row(~known, offsets))
    skipped += block.counted(REPEATED_CLICK, count_per_row(known & ~kept, offsets))
    return Ragged(rows[kept], offsets_of_kept(kept, offsets)), skipped


def last_of_each(
    owners: Int[np.ndarray, " T"], rows: Int[np.ndarray, " T"], stories: int
) -> Bool[np.ndarray, " T"]:
    """Which are the last of their story with the same owner."""
    pairs = owners * (stories + 1) + rows
    _, from_behind = np.unique(pairs[::-1], return_index=True)
    last = np.zeros(len(pairs), dtype=bool)
    last[len(pairs) - 1 - from_behind] = True
    return last


def by_reader(
    readers: Int[np.ndarray, " R"], clicks: Ragged, path: Path
) -> tuple[Histories, tuple[Skipped, ...]]:
    """Raises DataError for a reader who has two histories."""
    names, places, counts = np.unique(readers, return_index=True, return_counts=True)
    for name in names[counts > 1]:
        first, *others = np.flatnonzero(readers == name).tolist()
        for row in others:
            if not np.array_equal(clicks[row], clicks[first]):
                raise DataError(
                    f"{path}, column user_id, row {row + 1}: reader {name} has another history in row "
                    f"{first + 1}. Remove one of them."
                )
    repeated = int((counts - 1).sum())
    skipped = (Skipped(REPEATED_READER, repeated, path.name),) if repeated else ()
    return Histories(names, places, clicks), skipped
