"""A recommender on impressions: one score for each candidate."""

from collections.abc import Iterator

import numpy as np
import torch
from jaxtyping import Float

from tinynewsrec.data.batches import pad
from tinynewsrec.data.tables import Impressions
from tinynewsrec.evaluation.vectors import Progress, unseen
from tinynewsrec.model.recommender import Recommender


def score_impressions(
    recommender: Recommender,
    vectors: Float[np.ndarray, "N D"],
    impressions: Impressions,
    progress: Progress = unseen,
    batch_size: int = 512,
) -> Float[np.ndarray, " total"]:
    """Scores aligned with `impressions.candidates.values`, through the same `score` as training."""
    blocks = score_blocks(recommender, vectors, impressions, progress, batch_size)
    return np.concatenate([np.empty(0, dtype=np.float32), *blocks])


def score_blocks(
    recommender: Recommender,
    vectors: Float[np.ndarray, "N D"],
    impressions: Impressions,
    progress: Progress = unseen,
    batch_size: int = 512,
) -> Iterator[Float[np.ndarray, " some"]]:
    """The same, `batch_size` impressions at a time."""
    recommender.eval()
    device = next(recommender.parameters()).device
    news = torch.from_numpy(np.array(vectors, dtype=np.float32)).to(device)
    for start in range(0, len(impressions), batch_size):
        rows = np.arange(start, min(start + batch_size, len(impressions)))
        candidates = impressions.candidates.take(rows)
        history = pad(impressions.history.take(rows), recommender.config.history_length)
        shown = pad(candidates)
        with torch.no_grad():  # here, for a decorator would end before a generator begins
            scored = recommender.score(
                news, torch.from_numpy(history).to(device), torch.from_numpy(shown).to(device)
            )
        kept = np.arange(shown.shape[1]) < candidates.lengths[:, None]
        yield scored.float().cpu().numpy()[kept]
        progress(int(rows[-1]) + 1, len(impressions))
