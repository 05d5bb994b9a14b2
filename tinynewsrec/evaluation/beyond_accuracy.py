"""What the first k stories of a ranking are like, besides clicked: varied, surprising, new, of which tone.

Distances are cosine distances between unit vectors of the stories, from 0 (same direction) to 2. They depend
on whose vectors these are, so systems are comparable only where one source served them all. A list shorter
than k counts as it is; equal scores keep the order of the file.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from tinynewsrec.data.batches import EMPTY, pad
from tinynewsrec.data.tables import Ragged
from tinynewsrec.evaluation.metrics import sums
from tinynewsrec.evaluation.predictions import ranks_of

BLOCK = 1024  # lists whose vectors are held at a time
LEAST_KNOWN = 1e-4  # popularity of a story that nobody clicked, beside 1 for the most clicked one


class Coverage(NamedTuple):
    shown: int
    """Distinct stories among the first k of all lists."""
    offered: int
    """Distinct candidates of all impressions."""


def first_of(scores: Float[np.ndarray, " total"], candidates: Ragged, k: int) -> Ragged:
    """The first k candidates of each impression, best first."""
    ranks = ranks_of(scores, candidates.offsets)
    kept = np.flatnonzero(ranks <= k)
    offsets = np.concatenate([[0], np.cumsum(np.minimum(candidates.lengths, k))])
    impressions = np.repeat(np.arange(len(candidates)), candidates.lengths)[kept]
    values = np.empty(len(kept), candidates.values.dtype)
    values[offsets[impressions] + ranks[kept] - 1] = candidates.values[kept]
    return Ragged(values, offsets)


def unit(vectors: Float[np.ndarray, "N D"]) -> Float[np.ndarray, "N D"]:
    """Of length 1; a vector of zeros stays one, at distance 1 from all others."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.divide(vectors, lengths, out=np.zeros_like(vectors, dtype=np.float32), where=lengths > 0)


def intra_list_diversity(lists: Ragged, units: Float[np.ndarray, "N D"]) -> Float[np.ndarray, " R"]:
    """Mean distance of two stories of one list (Ziegler et al., 2005); NaN for fewer than two."""
    found = np.full(len(lists), np.nan)
    for rows in blocks(lists.lengths >= 2):
        stories = gathered(lists.take(rows), units)
        size = lists.lengths[rows]
        alike = (stories.sum(1) ** 2).sum(-1) - (stories**2).sum((1, 2))
        found[rows] = 1 - alike / (size * (size - 1))
    return found


def serendipity(
    lists: Ragged, history: Ragged, units: Float[np.ndarray, "N D"], latest: int | None = None
) -> Float[np.ndarray, " R"]:
    """Mean distance of a story of the list from one of the `latest` clicks; NaN where either is empty.

    Distance from what is known stands for surprise, as in EB-NeRD's beyond-accuracy protocol (Kruse et al.,
    2024); whether the surprise was welcome is not in it.
    """
    found = np.full(len(lists), np.nan)
    for rows in blocks((lists.lengths > 0) & (history.lengths > 0)):
        shown = gathered(lists.take(rows), units).sum(1) / lists.lengths[rows, None]
        known = gathered(history.take(rows), units, latest).sum(1)
        clicks = np.minimum(history.lengths[rows], latest or np.inf)
        found[rows] = 1 - (shown * known).sum(-1) / clicks
    return found


def novelty(lists: Ragged, counts: Float[np.ndarray, " N"]) -> Float[np.ndarray, " R"]:
    """Mean self-information of a list's stories, in bits (Zhou et al., 2010); NaN for an empty list."""
    return means(lists, -np.log2(familiarity(counts)))


def familiarity(counts: Float[np.ndarray, " N"]) -> Float[np.ndarray, " N"]:
    """Counts scaled evenly to between LEAST_KNOWN and 1; equal counts say nothing and give 1."""
    spread = np.ptp(counts) if len(counts) else 0
    if not spread:
        return np.ones(len(counts))
    return LEAST_KNOWN + (1 - LEAST_KNOWN) * (counts - counts.min()) / spread


def means(lists: Ragged, values: Float[np.ndarray, " N"]) -> Float[np.ndarray, " R"]:
    """Each list's mean over those of its stories whose value is known; NaN where none is."""
    chosen = values[lists.values]
    known = ~np.isnan(chosen)
    counts = sums(known, lists.offsets)
    totals = sums(np.where(known, chosen, 0), lists.offsets)
    return np.divide(totals, counts, out=np.full(len(lists), np.nan), where=counts > 0)


def coverage(lists: Ragged, candidates: Ragged) -> Coverage:
    """How much of the offer anybody is shown (Ge et al., 2010)."""
    return Coverage(len(np.unique(lists.values)), len(np.unique(candidates.values)))


def shares(lists: Ragged, labels: Int[np.ndarray, " N"], count: int) -> Float[np.ndarray, " L"]:
    """Of all places in all lists, the share of each label; those of an unknown one, EMPTY, are left out."""
    found = labels[lists.values]
    counts = np.bincount(found[found != EMPTY], minlength=count).astype(float)
    return counts / max(1.0, counts.sum())


def dispersion(shares: Float[np.ndarray, " L"]) -> float:
    """The index of qualitative variation of L labels: 0 where all are one, 1 where all are equally common."""
    size = len(shares)
    return float(size * (1 - (shares**2).sum()) / (size - 1)) if size > 1 else 0.0


def blocks(wanted: np.ndarray) -> Iterator[Int[np.ndarray, " B"]]:
    rows = np.flatnonzero(wanted)
    return (rows[start : start + BLOCK] for start in range(0, len(rows), BLOCK))


def gathered(
    lists: Ragged, units: Float[np.ndarray, "N D"], width: int | None = None
) -> Float[np.ndarray, "B L D"]:
    """The vectors of each list's last `width` stories, with zeros behind them."""
    stories = pad(lists, width)
    return np.where((stories != EMPTY)[..., None], units[stories], 0)
