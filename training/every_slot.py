"""The naive way to encode a batch: every slot of history and candidates, padded, through all layers.

What training is measured against, in speed and in exactness.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from tinynewsrec.data.batches import EMPTY, Batch
from tinynewsrec.data.tokens import Tokens
from tinynewsrec.model.news_encoder import TOGETHER
from tinynewsrec.model.recommender import Recommender


def every_slot(batch: Batch, tokens: Tokens, history_length: int) -> Batch:
    """The same cases with a story for each slot of history and candidates; empty slots hold any story."""
    history = F.pad(batch.history, (0, history_length - batch.history.shape[1]), value=EMPTY)
    slots = torch.cat([history, batch.candidates], dim=1)
    rows = batch.stories[slots].flatten()
    places = torch.arange(slots.numel()).view(slots.shape).masked_fill(slots == EMPTY, EMPTY)
    history, candidates = places.split([history_length, batch.candidates.shape[1]], dim=1)
    tokens = Tokens(tokens.ids[rows], tokens.mask[rows])
    shares = batch.shares[slots].flatten()
    return batch._replace(stories=rows, tokens=tokens, history=history, candidates=candidates, shares=shares)


class EverySlot(nn.Module):
    """A recommender that encodes its stories as they come, padding included."""

    def __init__(self, recommender: Recommender):
        super().__init__()
        self.recommender = recommender

    def forward(self, batch: Batch) -> Float[Tensor, "B C"]:
        parts = zip(*(tensor.split(TOGETHER) for tensor in batch.tokens), strict=True)
        news = torch.cat([self.recommender.news_encoder.encode(Tokens(*part)) for part in parts])
        return self.recommender.score(news, batch.history, batch.candidates)


def padded(tokens: Tokens, length: int) -> Tokens:
    missing = (0, length - tokens.ids.shape[1])
    return Tokens(F.pad(tokens.ids, missing), F.pad(tokens.mask, missing))
