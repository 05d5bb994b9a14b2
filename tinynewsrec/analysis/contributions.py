"""How much each click of a reader adds to the score of a story.

Where the reader's vector is a weighted mean of the clicked stories' vectors, the score is a sum over the
clicks, and the split is exact. Self-attention mixes the clicks first; there integrated gradients split the
score (Sundararajan et al., 2017), and what their steps miss is told.

H clicks, C candidates, D numbers in a news vector.
"""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from tinynewsrec.model.recommender import Recommender
from tinynewsrec.model.user_encoder import UserEncoder

STEPS = 32  # of integrated gradients


class Contributions(NamedTuple):
    """Of the latest clicks a model looks at, oldest first. A column of `clicks`, `rest` and `error` sum to
    the score."""

    clicks: Float[np.ndarray, "H C"]
    weights: Float[np.ndarray, " H"]
    """What attention gives each click, whatever the candidate; they sum to 1."""
    rest: Float[np.ndarray, " C"]
    """No click's: what a reader without clicks gets, or with self-attention one whose clicks say nothing."""
    error: Float[np.ndarray, " C"]
    """Of the score, what integrated gradients left over; 0 where the split is exact."""
    exact: bool

    @property
    def scores(self) -> Float[np.ndarray, " C"]:
        return self.clicks.sum(0) + self.rest + self.error

    def above(self, one: int, other: int) -> Float[np.ndarray, " H"]:
        """How much each click puts one candidate above the other."""
        return self.clicks[:, one] - self.clicks[:, other]


def contributions(
    recommender: Recommender,
    history: Float[np.ndarray, "all D"],
    candidates: Float[np.ndarray, "C D"],
    steps: int = STEPS,
) -> Contributions:
    """From the vectors of the clicked stories, oldest first, and of the candidates."""
    encoder = recommender.user_encoder
    own = next(encoder.parameters())
    clicks = torch.as_tensor(np.array(history[-recommender.config.history_length :])).to(own)
    stories = torch.as_tensor(np.array(candidates)).to(own)
    with torch.no_grad():
        if not len(clicks):
            rest = (encoder.factor * (stories @ encoder.newcomer)).cpu().numpy()
            return Contributions(
                np.empty((0, len(rest)), rest.dtype),
                np.empty(0, rest.dtype),
                rest,
                np.zeros_like(rest),
                exact=True,
            )
        weights = weights_of(encoder, clicks)
        if encoder.mix is None:
            parts = (encoder.factor * weights[:, None] * (clicks @ stories.T)).cpu().numpy()
            nothing = np.zeros(len(stories), parts.dtype)
            return Contributions(parts, weights.cpu().numpy(), nothing, nothing, exact=True)
    return integrated(encoder, clicks, stories, weights, steps)


def weights_of(encoder: UserEncoder, clicks: Float[Tensor, "H D"]) -> Float[Tensor, " H"]:
    mask = torch.ones(1, len(clicks), dtype=torch.bool, device=clicks.device)
    mixed = clicks[None] if encoder.mix is None else encoder.mix(clicks[None], mask)
    return encoder.pool.weights(mixed, mask)[0]


def integrated(
    encoder: UserEncoder,
    clicks: Float[Tensor, "H D"],
    stories: Float[Tensor, "C D"],
    weights: Float[Tensor, " H"],
    steps: int,
) -> Contributions:
    """On the way from clicks of zeros to the clicks, one candidate after the other."""
    from captum.attr import IntegratedGradients

    def score(some: Float[Tensor, "N H D"]) -> Float[Tensor, "N C"]:
        return encoder(some, some.new_ones(some.shape[:2], dtype=torch.bool)) @ stories.T

    method = IntegratedGradients(score)
    parts = [
        method.attribute(clicks[None], target=story, n_steps=steps)[0].sum(-1)
        for story in range(len(stories))
    ]
    with torch.no_grad():
        rest, total = score(torch.stack([torch.zeros_like(clicks), clicks])).cpu().numpy()
    split = torch.stack(parts, dim=-1).detach().cpu().numpy().astype(rest.dtype)
    return Contributions(split, weights.cpu().numpy(), rest, total - rest - split.sum(0), exact=False)
