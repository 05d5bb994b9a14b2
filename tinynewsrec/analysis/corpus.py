"""Every story there is, for one reader: retrieval from cached vectors, a recommender's first stage."""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int

from tinynewsrec.model.recommender import Recommender


class Best(NamedTuple):
    """Of the whole corpus, best first."""

    rows: Int[np.ndarray, " K"]
    scores: Float[np.ndarray, " K"]


@torch.no_grad()
def reader_vector(recommender: Recommender, history: Float[np.ndarray, "H D"]) -> Float[np.ndarray, " D"]:
    """From the vectors of the clicks, oldest first; of no click, the vector of every new reader."""
    history = history[-recommender.config.history_length :]
    clicks = torch.arange(len(history))[None] if len(history) else torch.full((1, 1), -1)
    news = torch.from_numpy(np.array(history, dtype=np.float32)) if len(history) else blank(recommender)
    return recommender.read(news, clicks)[0].float().numpy()


def blank(recommender: Recommender) -> Float[torch.Tensor, "1 D"]:
    return torch.zeros(1, recommender.config.news_size)


def best_of(
    vectors: Float[np.ndarray, "N D"],
    reader: Float[np.ndarray, " D"],
    count: int,
    without: Int[np.ndarray, " H"],
) -> Best:
    """The stories of highest score but those of `without`: what was clicked is no recommendation."""
    scores = np.asarray(vectors @ reader)
    scores[without] = -np.inf
    count = min(count, len(scores) - len(np.unique(without)))
    rows = np.argpartition(-scores, max(0, count - 1))[:count]
    rows = rows[np.lexsort((rows, -scores[rows]))]
    return Best(rows, scores[rows])
