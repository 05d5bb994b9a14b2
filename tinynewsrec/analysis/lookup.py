"""Finds readers and impressions by their ids."""

from difflib import get_close_matches
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Int

from tinynewsrec.data.tables import Impressions

COMPARED = 200  # ids that are looked at closely, once a coarse look has found them


class Found(NamedTuple):
    row: int | None
    """An impression; None where the id is unknown."""
    near: str | None = None
    """A known id that resembles an unknown one."""


def find(impressions: Impressions, text: str) -> Found:
    """The impression with that id, or the first one of the reader with that id; case does not matter."""
    for name in (text.strip(), text.strip().upper()):
        if (reader := pc.index(impressions.reader_ids, pa.scalar(name)).as_py()) >= 0:
            rows = rows_of_reader(impressions, reader)
            if len(rows):
                return Found(int(rows[0]))
        if (row := pc.index(impressions.ids, pa.scalar(name)).as_py()) >= 0:
            return Found(row)
    return Found(None, nearest(impressions, text.strip()))


def rows_of_reader(impressions: Impressions, reader: int) -> Int[np.ndarray, " R"]:
    return np.flatnonzero(impressions.readers == reader)


def nearest(impressions: Impressions, text: str) -> str | None:
    """The known id most like `text`, of readers where it starts like theirs, else of either kind."""
    known = impressions.reader_ids.to_pylist()
    same_start = [name for name in known if name[:1].upper() == text[:1].upper()]
    pool = same_start or known + impressions.ids.to_pylist()
    close = get_close_matches(text.upper(), likely(text.upper(), pool), n=1, cutoff=0.5)
    return close[0] if close else None


def likely(text: str, known: list[str]) -> list[str]:
    """The ids with most characters in the same place as in `text`, few enough for a slower comparison."""
    if len(known) <= COMPARED or not text:
        return known
    width = max(len(text), max(map(len, known)))
    letters = np.array(known, dtype=f"U{width}").view(np.uint32).reshape(len(known), width)
    wanted = np.array([text], dtype=f"U{width}").view(np.uint32)
    return [known[place] for place in np.argsort(-(letters == wanted).sum(-1), kind="stable")[:COMPARED]]
