"""How much of a score any reader would get: u.c = m.c + (u - m).c, with m the mean reader.

Möller and Padó (2024) saw that such a part drives many scores.

R readers, C candidates, N stories, D numbers in a vector.
"""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float

from tinynewsrec.analysis.rank_agreement import tau_b
from tinynewsrec.data.batches import EMPTY, pad
from tinynewsrec.data.tables import Ragged
from tinynewsrec.model.recommender import Recommender

TOGETHER = 64  # readers at a time


class Gauge(NamedTuple):
    """The scores of one impression in two parts that sum to them."""

    common: Float[np.ndarray, " C"]
    """What the mean reader gets."""
    personal: Float[np.ndarray, " C"]
    """What this reader gets beyond that."""

    @property
    def share(self) -> float:
        """Of the variance of both parts over the candidates, that of the personal one: from 0 to 1."""
        both = self.common.var() + self.personal.var()
        return float(self.personal.var() / both) if both > 0 else 0.0

    @property
    def agreement(self) -> float:
        """How alike this reader and the mean reader rank (Kendall's tau); NaN where either cannot rank."""
        return float(tau_b(self.common[None], (self.common + self.personal)[None])[0])


def gauge(
    reader: Float[np.ndarray, " D"], mean: Float[np.ndarray, " D"], candidates: Float[np.ndarray, "C D"]
) -> Gauge:
    return Gauge(candidates @ mean, candidates @ (reader - mean))


@torch.no_grad()
def reader_vectors(
    recommender: Recommender, vectors: Float[np.ndarray, "N D"], history: Ragged
) -> Float[np.ndarray, "R D"]:
    """The vector of each reader, from those of all stories; the stories that nobody clicked are not read."""
    own = next(recommender.parameters())
    clicks = pad(history, recommender.config.history_length)
    news = vectors if len(vectors) else np.zeros((1, recommender.config.news_size), np.float32)
    found = [
        recommender.user_encoder(
            torch.as_tensor(np.asarray(news[rows])).to(own), torch.from_numpy(rows != EMPTY).to(own.device)
        )
        for rows in np.split(clicks, range(TOGETHER, len(clicks), TOGETHER))
    ]
    return torch.cat(found).cpu().numpy()


def shares(
    readers: Float[np.ndarray, "R D"],
    mean: Float[np.ndarray, " D"],
    vectors: Float[np.ndarray, "N D"],
    candidates: Ragged,
) -> Float[np.ndarray, " R"]:
    """The personal share of each reader's row of candidates."""
    rows = np.split(candidates.values, candidates.offsets[1:-1])
    found = [gauge(reader, mean, vectors[some]).share for reader, some in zip(readers, rows, strict=True)]
    return np.array(found)
