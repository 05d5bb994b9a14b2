"""How well heads label stories that no training impression showed."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Int

from tinynewsrec.data.labels import IGNORE
from tinynewsrec.data.tables import News, Split
from tinynewsrec.model.recommender import Recommender

Codes = Mapping[str, Int[np.ndarray, "N ..."]]
"""By task the right label of each story, or of each of its word pieces; IGNORE where nobody knows."""


def held_out(train: Split, news: News) -> Int[np.ndarray, " M"]:
    """The rows of the stories that no impression of `train` has as a candidate or in its history."""
    impressions = train.impressions
    met = np.union1d(impressions.history.named, impressions.candidates.values)
    seen = news.rows_of(train.news.known_ids.take(pa.array(met)))
    return np.setdiff1d(np.arange(len(news)), seen)


def heads_record(
    recommender: Recommender,
    dev: Split,
    rows: Int[np.ndarray, " M"],
    codes: Codes,
    sources: Mapping[str, str],
) -> dict[str, Any]:
    """What metrics.json says of the heads: each on those of the named stories that have a known label.

    Heads without `codes` are left out; `sources` say where the labels of `dev` come from.
    """
    titles = dev.news.texts("title")
    predicted = recommender.predict([titles[row] for row in rows]) if len(rows) else {}
    heads = {
        task: {"source": sources[task]} | agreement(found.probabilities.argmax(-1), codes[task][rows])
        for task, found in predicted.items()
        if task in codes
    }
    return {"data": dev.name, "held_out": len(rows), "tasks": heads}


def agreement(found: Int[np.ndarray, " M *V"], right: Int[np.ndarray, " M *T"]) -> dict[str, Any]:
    """Counts, and in percent: accuracy, macro-F1, and the accuracy of always saying the most common label.

    Macro-F1 is the mean over the labels that are right or found somewhere.
    """
    if right.ndim == 2:
        right = right[:, : found.shape[1]]
    known = right != IGNORE
    counts = {"stories": int((known if right.ndim == 1 else known.any(-1)).sum())}
    if right.ndim == 2:
        counts["tokens"] = int(known.sum())
    found, right = found[known], right[known]
    if not len(right):
        return counts
    shares = {
        "accuracy": (found == right).mean(),
        "macro_f1": macro_f1(found, right),
        "most_common": np.bincount(right).max() / len(right),
    }
    return counts | {name: round(100 * float(share), 2) for name, share in shares.items()}


def macro_f1(found: Int[np.ndarray, " M"], right: Int[np.ndarray, " M"]) -> float:
    labels = np.union1d(found, right)
    hits = np.array([((found == label) & (right == label)).sum() for label in labels])
    named = np.array([(found == label).sum() + (right == label).sum() for label in labels])
    return float((2 * hits / named).mean())
