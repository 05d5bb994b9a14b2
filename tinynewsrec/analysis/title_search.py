"""Finds stories by words of their titles, for somebody who picks what a made-up reader has clicked."""

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Int

from tinynewsrec.data.tables import News

SEARCHED = ("title", "category", "subcategory")
MOST_WORDS = 10  # of a query; more would only cost time


class Matches(NamedTuple):
    rows: Int[np.ndarray, " K"]
    """In the order of the news table."""
    total: int
    """How many there are in all."""


def search(news: News, text: str, count: int) -> Matches:
    """Stories with every word of the text somewhere in their title or topic; case does not matter."""
    words = text.split()[:MOST_WORDS]
    if not words:
        return one_of_each_topic(news, count)
    found = pa.array(np.ones(len(news), dtype=bool))
    for word in words:
        columns = [pc.match_substring(news.columns[name], word, ignore_case=True) for name in SEARCHED]
        found = pc.and_(found, pc.or_(pc.or_(columns[0], columns[1]), columns[2]))
    rows = np.flatnonzero(pc.fill_null(found, False).to_numpy(zero_copy_only=False))
    return Matches(rows[:count], len(rows))


def one_of_each_topic(news: News, count: int) -> Matches:
    """To begin with: the first story of each category, then the second of each, as far as they go."""
    _, topics = np.unique(news.texts("category"), return_inverse=True)
    order = np.argsort(topics, kind="stable")
    starts = np.flatnonzero(np.diff(topics[order], prepend=-1))
    turns = np.empty(len(news), dtype=np.int64)
    turns[order] = np.arange(len(news)) - np.repeat(starts, np.diff([*starts, len(news)]))
    return Matches(np.lexsort((topics, turns))[:count], len(news))
