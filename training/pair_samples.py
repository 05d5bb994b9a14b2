"""Draws matching cases from pairs: each body with its own title and others."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from tinynewsrec.data.tokens import Stories, Tokens, tokenize
from tinynewsrec.model.recommender import Recommender
from training.config import TrainConfig
from training.loop import this_process
from training.pairs import Pairs
from training.samples import Dealt, refuse_uneven, share
from training.stage import with_frozen_layers


class PairBatch(NamedTuple):
    """B bodies, and the N distinct titles among which each has its own.

    `candidates` counts within the titles and names the body's own first; the rows lead back to the pairs.
    """

    title_rows: Int[Tensor, " N"]
    titles: Stories
    body_rows: Int[Tensor, " B"]
    bodies: Stories
    candidates: Int[Tensor, "B C"]


@dataclass(frozen=True, eq=False)
class PairSampler(Dealt):
    titles: Stories
    bodies: Stories
    title_of: Int[np.ndarray, " P"]
    """Row of the first pair with the same title: a title that two stories share is never its own negative."""
    batch_size: int
    negatives: int | None
    """Titles drawn from the whole corpus for each body; None: all other titles of the batch."""
    seed: int

    @property
    def cases(self) -> int:
        return len(self.title_of)

    def batch(self, step: int, part: int = 0, parts: int = 1) -> PairBatch:
        """The batch of a step, or one of its equal parts; each part meets the titles of the whole batch."""
        chosen, draw = self.chosen(step)
        own = self.title_of[chosen]
        candidates = np.concatenate([own[:, None], self.draw_others(own, draw)], axis=1)
        mine = share(len(chosen), part, parts)
        distinct, places = np.unique(candidates[mine], return_inverse=True)
        title_rows, body_rows = torch.from_numpy(distinct), torch.from_numpy(chosen[mine])
        return PairBatch(
            title_rows,
            self.titles.take(title_rows),
            body_rows,
            self.bodies.take(body_rows),
            torch.from_numpy(places.reshape(candidates[mine].shape)),
        )

    def draw_others(self, own: Int[np.ndarray, " B"], draw: np.random.Generator) -> Int[np.ndarray, "B K"]:
        """Titles that are not the body's own: places are counted without it, then shifted past it."""
        known = np.unique(self.title_of if self.negatives is not None else own)
        if self.negatives is None:
            others = np.broadcast_to(np.arange(len(known) - 1), (len(own), len(known) - 1))
        else:
            others = draw.integers(len(known) - 1, size=(len(own), self.negatives))
        return known[others + (others >= np.searchsorted(known, own)[:, None])]


def make_pair_sampler(
    pairs: Pairs, recommender: Recommender, negatives: int | None, body_length: int, training: TrainConfig
) -> PairSampler:
    """Cases for a news encoder whose frozen layers are computed beforehand, once."""
    refuse_uneven(training, len(pairs), this_process().num_processes, pairs.name)
    encoder, rows = recommender.news_encoder, torch.arange(len(pairs))
    titles = recommender.tokens(pairs.titles)
    bodies = tokenize(pairs.bodies, recommender.tokenizer, body_length)
    return PairSampler(
        with_frozen_layers(encoder, titles, rows),
        with_frozen_layers(encoder, bodies, rows),
        first_alike(titles),
        training.batch_size,
        negatives,
        training.seed,
    )


def match(
    titles: Float[Tensor, "N D"], bodies: Float[Tensor, "B D"], candidates: Int[Tensor, "B C"]
) -> Float[Tensor, "B C"]:
    """The score of each candidate title: the dot product with the body's vector."""
    return torch.einsum("bd,bcd->bc", bodies, titles[candidates])


def first_is_own(scores: Float[Tensor, "B C"]) -> tuple[Int[Tensor, " B"], Bool[Tensor, "B C"]]:
    """The target of each case, and that all of its candidates are shown."""
    own = torch.zeros(len(scores), dtype=torch.long, device=scores.device)
    return own, torch.ones_like(scores, dtype=torch.bool)


def first_alike(titles: Tokens) -> Int[np.ndarray, " P"]:
    """For each title the row of the first of which the encoder reads the same words.

    Raises ValueError where all are alike.
    """
    distinct, first, kinds = np.unique(titles.ids.numpy(), axis=0, return_index=True, return_inverse=True)
    if len(distinct) < 2:
        raise ValueError(f"Matching needs at least two different titles, found {len(distinct)}.")
    return first[kinds.reshape(-1)]
