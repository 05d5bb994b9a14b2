"""MIND's behaviors.tsv -> Impressions."""

from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Bool, Int, Shaped

from tinynewsrec.data.tables import Impressions, News, Ragged, Skipped
from tinynewsrec.data.text_columns import (
    LONGEST_LINE,
    Block,
    Columns,
    concatenate_ragged,
    count_per_row,
    map_blocks,
    offsets_of_kept,
    split_columns,
    split_words,
)

COLUMNS = 5
TIME = (
    r"^(?P<month>\d{1,2})/(?P<day>\d{1,2})/(?P<year>\d{4})"
    r" (?P<hour>\d{1,2}):(?P<minute>\d{2}):(?P<second>\d{2}) (?P<half>AM|PM)$"
)

NO_CANDIDATE = "impression without candidates, left out"
UNKNOWN_CANDIDATE = "impression with a candidate that news.tsv does not have, left out"
UNKNOWN_CLICK = "history click on a story that news.tsv does not have, left out"
UNREADABLE_TIME = "time not of the form 11/15/2019 8:00:00 AM, read as unknown"


class Part(NamedTuple):
    """The impressions of one block, readers still by name."""

    ids: pa.Array
    readers: pa.Array
    times: Shaped[np.ndarray, " R"]
    history: Ragged
    candidates: Ragged
    clicked: Bool[np.ndarray, " T"]  # empty in a file without labels
    skipped: tuple[Skipped, ...]


def read_impressions(path: Path, news: News) -> tuple[Impressions, tuple[Skipped, ...]]:
    """The impressions in the order of the file. Raises DataError as tinynewsrec.data.mind says."""
    labelled = has_labels(path)
    parts = list(map_blocks(partial(parse_block, news, labelled), path))
    skipped = tuple(entry for part in parts for entry in part.skipped)
    return join_parts(parts, labelled), skipped


def has_labels(path: Path) -> bool:
    """Whether the file's first candidate carries a label; all others must do as it does."""
    with open(path, "rb") as file:
        for line in iter(lambda: file.readline(LONGEST_LINE), b""):
            _, tab, candidates = line.removesuffix(b"\n").removesuffix(b"\r").rpartition(b"\t")
            if tab and candidates.strip(b" "):
                return candidates.strip(b" ").split(b" ")[0].endswith((b"-0", b"-1"))
    return False


def parse_block(news: News, labelled: bool, block: Block) -> Part:
    columns = split_columns(block, COLUMNS)
    columns, candidates, clicked = parse_candidates(columns, news, labelled)
    ids, readers, times, histories, _ = columns.fields
    history, unknown = parse_history(histories, news)
    times = parse_times(times)
    skipped = columns.skipped + columns.counted(UNKNOWN_CLICK, unknown)
    skipped += columns.counted(UNREADABLE_TIME, np.isnat(times))
    return Part(ids, readers, times, history, candidates, clicked, skipped)


def parse_candidates(
    columns: Columns, news: News, labelled: bool
) -> tuple[Columns, Ragged, Bool[np.ndarray, " T"]]:
    """The lines whose candidates are all known, those candidates, and which of them were clicked."""
    words, offsets = split_words(columns.fields[-1])
    ids, clicked = split_labels(words, offsets, columns, labelled)
    candidates = Ragged(news.rows_of(ids), offsets)
    empty = candidates.lengths == 0
    unknown = count_per_row(candidates.values < 0, offsets) > 0
    skipped = (
        columns.skipped + columns.counted(NO_CANDIDATE, empty) + columns.counted(UNKNOWN_CANDIDATE, unknown)
    )
    columns = columns._replace(skipped=skipped)
    if not (empty | unknown).any():
        return columns, candidates, clicked
    rows = np.flatnonzero(~(empty | unknown))
    if labelled:
        clicked = Ragged(clicked, offsets).take(rows).values
    return columns.keep(~(empty | unknown)), candidates.take(rows), clicked


def split_labels(
    words: pa.Array, offsets: Int[np.ndarray, " R1"], columns: Columns, labelled: bool
) -> tuple[pa.Array, Bool[np.ndarray, " T"]]:
    """N3-0 N4-1 -> N3 N4 and False True. Raises DataError at a candidate unlike the file's first."""
    clicked = pc.ends_with(words, "-1")
    has_label = pc.or_(clicked, pc.ends_with(words, "-0"))
    odd = pc.index(has_label, not labelled).as_py()
    if odd >= 0:
        row = int(np.searchsorted(offsets, odd, side="right")) - 1
        expected = "to end in -0 or -1" if labelled else "to carry no label"
        found = words[odd].as_py()[:40]
        raise columns.error(row, f"expected {found!r} {expected}, as the file's first candidate does.")
    if not labelled:
        return words, np.empty(0, bool)
    ids = pc.binary_slice(words.view(pa.binary()), 0, -2).view(pa.string())
    return ids, clicked.to_numpy(zero_copy_only=False)


def parse_history(texts: pa.Array, news: News) -> tuple[Ragged, Int[np.ndarray, " R"]]:
    """The clicks on known stories, and how many others each row had."""
    words, offsets = split_words(texts)
    rows = news.rows_of(words)
    known = rows >= 0
    return Ragged(rows[known], offsets_of_kept(known, offsets)), count_per_row(~known, offsets)


def parse_times(texts: pa.Array) -> Shaped[np.ndarray, " R"]:
    """Seconds since 1970, datetime64[s]; NaT for what is not of MIND's form or is no day of the calendar."""
    found = pc.extract_regex(texts, TIME)
    month, day, year, hour, minute, second = (
        pc.fill_null(pc.struct_field(found, name).cast(pa.int64()), 0).to_numpy(zero_copy_only=False)
        for name in ("month", "day", "year", "hour", "minute", "second")
    )
    afternoon = pc.equal(pc.struct_field(found, "half"), "PM").fill_null(False).to_numpy(zero_copy_only=False)
    months = ((year - 1970) * 12 + month - 1).astype("datetime64[M]")
    days = months.astype("datetime64[D]") + (day - 1)
    times = days.astype("datetime64[s]") + ((hour % 12 + 12 * afternoon) * 60 + minute) * 60 + second
    on_calendar = (year > 0) & (month > 0) & (month <= 12) & (days.astype("datetime64[M]") == months)
    on_clock = (hour > 0) & (hour <= 12) & (minute < 60) & (second < 60)
    times[~(on_calendar & on_clock)] = np.datetime64("NaT")
    return times


def join_parts(parts: list[Part], labelled: bool) -> Impressions:
    readers = pa.concat_arrays([part.readers for part in parts]).dictionary_encode()
    return Impressions(
        ids=pa.concat_arrays([part.ids for part in parts]),
        readers=readers.indices.to_numpy(),
        reader_ids=readers.dictionary,
        times=np.concatenate([part.times for part in parts]),
        history=concatenate_ragged([part.history for part in parts]),
        candidates=concatenate_ragged([part.candidates for part in parts]),
        clicked=np.concatenate([part.clicked for part in parts]) if labelled else None,
    )
