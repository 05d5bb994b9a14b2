"""What an edit does to a reader's list: the same model, before and after."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int

from tinynewsrec.analysis.reader import ranks_of
from tinynewsrec.data.batches import pad
from tinynewsrec.data.tables import Ragged
from tinynewsrec.model.recommender import Recommender


class Effect(NamedTuple):
    """Of an edit, on the C candidates of one model."""

    before: Int[np.ndarray, " C"]
    """Ranks from 1."""
    after: Int[np.ndarray, " C"]
    scores_before: Float[np.ndarray, " C"]
    """In standard deviations from the mean, both of the scores before."""
    scores_after: Float[np.ndarray, " C"]
    """On the same scale, so that a list that moves as a whole is seen to move."""

    @property
    def climbs(self) -> Int[np.ndarray, " C"]:
        """Places won; negative ones are lost."""
        return self.before - self.after


def effect(before: Float[np.ndarray, " C"], after: Float[np.ndarray, " C"]) -> Effect:
    """Of two lists of scores of the same model and candidates."""
    mean, spread = before.mean(), before.std()
    spread = spread if spread > 1e-6 * np.abs(before).max(initial=0) else 1.0
    return Effect(ranks_of(before), ranks_of(after), (before - mean) / spread, (after - mean) / spread)


@torch.no_grad()
def scores_of_each(
    recommender: Recommender,
    history: Float[np.ndarray, "H D"],
    kept: Sequence[np.ndarray],
    candidates: Float[np.ndarray, "C D"],
) -> Float[np.ndarray, "B C"]:
    """Scores of the candidates for B readers, each with some of the clicks: those in these places."""
    clicks = torch.from_numpy(pad(Ragged.stack(kept), recommender.config.history_length))
    news = torch.from_numpy(np.concatenate([history, candidates]).astype(np.float32))
    shown = torch.arange(len(history), len(news)).expand(len(kept), -1)
    return recommender.score(news, clicks, shown).float().numpy()
