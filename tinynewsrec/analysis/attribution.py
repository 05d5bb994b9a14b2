"""Which words of a title make its score, for one frozen other tower.

A score is the product of the title's vector with a direction that does not depend on the title: the reader's
vector for a candidate, the attention weight times the candidate's vector for a clicked story. So only one
title runs through the encoder: captum would exchange the outputs of two runs for each other.

Captum hangs hooks on the modules it looks into. They hang on a private copy, so no lock is needed: nobody
else's title ever meets them.
"""

import copy
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from tinynewsrec.analysis.title_words import Title
from tinynewsrec.data.tokens import Tokens
from tinynewsrec.evaluation.vectors import Progress, unseen
from tinynewsrec.model.attention import AttentionPooling
from tinynewsrec.model.news_encoder import NewsEncoder
from tinynewsrec.model.recommender import Recommender

STEPS_TOGETHER = 5  # between two looks at whether to go on
Forward = Callable[[Tensor, Tensor], Tensor]


class WordScores(NamedTuple):
    """What each of W words of a title counts for, in the unit of the score."""

    values: Float[np.ndarray, " W"]
    rest: float
    """What falls to the marks around the title."""
    error: float | None = None
    """Completeness: how far values and rest miss the total; None for a method that does not promise it."""
    total: float | None = None
    """The score less that of an empty title, which the error is to be held against."""


def gradient_x_activation(
    recommender: Recommender, title: Title, direction: Float[np.ndarray, " D"]
) -> WordScores:
    """The gradient at the language model's embeddings, times them (Shrikumar et al., 2016)."""
    from captum.attr import LayerGradientXActivation

    forward, layer = frozen_tower(recommender, direction)
    ids, mask = title.tokens
    return words_of(
        title, LayerGradientXActivation(forward, layer).attribute(ids, additional_forward_args=(mask,))
    )


def integrated_gradients(
    recommender: Recommender,
    title: Title,
    direction: Float[np.ndarray, " D"],
    steps: int = 20,
    progress: Progress = unseen,
) -> WordScores:
    """Layer integrated gradients from a title of padding to this one (Sundararajan et al., 2017).

    What `progress` raises ends it; it is told the steps done, and in all.
    """
    from captum.attr import LayerIntegratedGradients

    forward, layer = frozen_tower(recommender, direction)
    ids, mask = title.tokens
    empty = padding_for(recommender, title)
    pieces = LayerIntegratedGradients(watched(forward, steps, progress), layer).attribute(
        ids,
        baselines=empty,
        additional_forward_args=(mask,),
        n_steps=steps,
        internal_batch_size=STEPS_TOGETHER,
    )
    found = words_of(title, pieces)
    with torch.no_grad():
        total = float(forward(ids, mask) - forward(empty, mask))
    return found._replace(error=float(found.values.sum()) + found.rest - total, total=total)


def attention(recommender: Recommender, title: Title) -> WordScores | None:
    """What the pooling of words looks at, whoever reads; None for a model that has no such weights."""
    encoder = recommender.news_encoder
    if not isinstance(encoder.pool, AttentionPooling):
        return None
    with torch.no_grad():
        return words_of(
            title, encoder.pool.weights(encoder.words(title.tokens), title.tokens.mask)[..., None]
        )


def words_of(title: Title, pieces: Float[Tensor, "1 T W"]) -> WordScores:
    found = pieces[0].sum(-1).detach().cpu().double().numpy()
    return WordScores(title.by_word(found), float(found[title.word_of < 0].sum()))


def frozen_tower(recommender: Recommender, direction: Float[np.ndarray, " D"]) -> tuple[Forward, nn.Module]:
    """A title's score as a function of its token ids alone, and the module that looks them up."""
    encoder = private_copy(recommender.news_encoder)
    towards = torch.as_tensor(np.array(direction)).to(next(encoder.parameters()))

    def score(ids: Int[Tensor, "N T"], mask: Tensor) -> Float[Tensor, " N"]:
        return encoder.encode(Tokens(ids, mask)) @ towards

    return score, encoder.language_model.get_submodule("embeddings")


def private_copy(encoder: NewsEncoder) -> NewsEncoder:
    """Modules of its own around the same numbers, in which nothing learns."""
    shared = {
        id(weight): nn.Parameter(weight.detach(), requires_grad=False) for weight in encoder.parameters()
    }
    return copy.deepcopy(encoder, shared | {id(buffer): buffer for buffer in encoder.buffers()}).eval()


def padding_for(recommender: Recommender, title: Title) -> Int[Tensor, "1 T"]:
    """The title's marks, with padding for each piece of a word."""
    inside = torch.from_numpy(title.word_of >= 0).to(title.tokens.ids.device)
    return title.tokens.ids.masked_fill(inside, recommender.tokenizer.pad_token_id)


def watched(forward: Forward, steps: int, progress: Progress) -> Forward:
    """Tells how many steps have begun; captum first looks at the title and at its baseline, one row each."""
    begun = -2

    def score(ids: Tensor, mask: Tensor) -> Tensor:
        nonlocal begun
        begun += len(ids)
        progress(min(max(begun, 0), steps), steps)
        return forward(ids, mask)

    return score
