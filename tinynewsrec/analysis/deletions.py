"""What a title scores without some of its words."""

import numpy as np
import torch
from jaxtyping import Bool, Float

from tinynewsrec.analysis.title_words import Title
from tinynewsrec.evaluation.vectors import Progress, unseen
from tinynewsrec.model.recommender import Recommender

TOGETHER = 64  # variants between two reports of progress


class Deletions:
    """Encodes each variant of a title once, however many questions it answers.

    The direction is what the title's vector is multiplied with: the reader's vector.
    """

    def __init__(self, recommender: Recommender, title: Title, direction: Float[np.ndarray, " D"]):
        self.recommender, self.title = recommender, title
        self.direction = torch.as_tensor(np.array(direction)).to(next(recommender.parameters()))
        self.known: dict[bytes, float] = {}

    def scores(self, kept: Bool[np.ndarray, "K W"], progress: Progress = unseen) -> Float[np.ndarray, " K"]:
        """Of the title with only these words. What `progress` raises ends it, and keeps what was encoded."""
        new = np.array(
            [row for row in np.unique(kept, axis=0) if row.tobytes() not in self.known], dtype=bool
        )
        for start in range(0, len(new), TOGETHER):
            part = new[start : start + TOGETHER]
            self.known |= {row.tobytes(): score for row, score in zip(part, self.encode(part), strict=True)}
            progress(start + len(part), len(new))
        return np.array([self.known[row.tobytes()] for row in kept])

    @torch.no_grad()
    def encode(self, kept: Bool[np.ndarray, "K W"]) -> list[float]:
        return (self.recommender.encode(self.title.keeping(kept)) @ self.direction).tolist()

    def whole(self) -> float:
        return float(self.scores(np.ones((1, len(self.title.words)), dtype=bool))[0])

    def leave_one_out(self, progress: Progress = unseen) -> Float[np.ndarray, " W"]:
        """How far the score falls without each word."""
        return self.whole() - self.scores(~np.eye(len(self.title.words), dtype=bool), progress)
