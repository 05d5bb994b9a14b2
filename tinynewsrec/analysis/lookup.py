"""Finds readers and impressions by their ids."""

import re
from difflib import get_close_matches
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Int

from tinynewsrec.data.tables import Impressions, News

COMPARED = 200  # ids that are looked at closely, once a coarse look has found them
MARGIN = 4  # characters by which a mistyped id may be longer than any known one
SIMILAR = 0.75  # of 1, difflib's measure: of a reader's id of three characters, one may be too many


class Found(NamedTuple):
    row: int | None
    """An impression; None where the id is unknown."""
    near: str | None = None
    """A known reader's id that resembles an unknown one."""


def find(impressions: Impressions, text: str) -> Found:
    """The impression with that id, or the first one of the reader with that id; case does not matter."""
    name = text.strip()
    if not may_be_id(name, longest(impressions.reader_ids, impressions.ids)):
        return Found(None)
    for form in (name, name.upper()):
        if (reader := pc.index(impressions.reader_ids, pa.scalar(form)).as_py()) >= 0:
            rows = rows_of_reader(impressions, reader)
            if len(rows):
                return Found(int(rows[0]))
        if (row := pc.index(impressions.ids, pa.scalar(form)).as_py()) >= 0:
            return Found(row)
    return Found(None, nearest(impressions, name.upper()))


def is_story(news: News, text: str) -> bool:
    name = text.strip()
    known = may_be_id(name, longest(news.known_ids))
    return known and bool((news.rows_of(pa.array([name, name.upper()])) >= 0).any())


def may_be_id(text: str, length: int) -> bool:
    """Whether a text is worth a comparison, which costs memory by its length and needs whole characters."""
    return len(text) <= length + MARGIN and text.isprintable()


def longest(*ids: pa.Array) -> int:
    """Characters of the longest id; 0 where there is none."""
    return max(pc.max(pc.utf8_length(kind)).as_py() or 0 for kind in ids)


def rows_of_reader(impressions: Impressions, reader: int) -> Int[np.ndarray, " R"]:
    return np.flatnonzero(impressions.readers == reader)


def nearest(impressions: Impressions, text: str) -> str | None:
    """The reader's id most like `text`, of those with the same letters before the first digit.

    Ids of impressions are running numbers, so one like another says nothing.
    """
    start = letters_of(text)
    pool = [name for name in impressions.reader_ids.to_pylist() if letters_of(name) == start]
    close = get_close_matches(text, likely(text, pool), n=1, cutoff=SIMILAR)
    return close[0] if close else None


def letters_of(text: str) -> str:
    """What stands before the first digit: U of U13."""
    return re.match(r"\D*", text)[0].upper()


def likely(text: str, known: list[str]) -> list[str]:
    """The ids with most characters in the same place as in `text`, few enough for a slower comparison."""
    if len(known) <= COMPARED or not text:
        return known
    width = max(len(text), max(map(len, known)))
    letters = np.array(known, dtype=f"U{width}").view(np.uint32).reshape(len(known), width)
    wanted = np.array([text], dtype=f"U{width}").view(np.uint32)
    return [known[place] for place in np.argsort(-(letters == wanted).sum(-1), kind="stable")[:COMPARED]]
