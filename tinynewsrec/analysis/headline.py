"""What a recommender with heads makes of one headline, and which of its words decided that."""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from tinynewsrec.analysis.attribution import Forward, WordScores, private_copy, words_of
from tinynewsrec.analysis.title_words import Title
from tinynewsrec.data.tokens import Tokens
from tinynewsrec.model.heads import Prediction
from tinynewsrec.model.recommender import Recommender

OUTSIDE = "O"  # of the labels of word pieces, the one of a piece that is in no name


class Guess(NamedTuple):
    label: str
    probability: float


def best(prediction: Prediction, count: int = 5) -> list[Guess]:
    """The likeliest labels of the one title, likeliest first."""
    order = np.argsort(-prediction.probabilities[0], kind="stable")[:count]
    return [Guess(prediction.labels[place], float(prediction.probabilities[0, place])) for place in order]


def word_labels(title: Title, prediction: Prediction) -> list[Guess]:
    """Of each word the label of its first piece, as names are tagged."""
    pieces = prediction.probabilities[0]
    first = [int(np.argmax(title.word_of == word)) for word in range(len(title.words))]
    places = [int(pieces[piece].argmax()) for piece in first]
    return [
        Guess(prediction.labels[place], float(pieces[piece, place]))
        for piece, place in zip(first, places, strict=True)
    ]


def head_words(recommender: Recommender, title: Title, task: str, label: str) -> WordScores:
    """Gradient x activation of a label's score, held against the mean label's (Shrikumar et al., 2016).

    Of a head that tags word pieces: of the piece where that label stands out most from being in no name.
    """
    from captum.attr import LayerGradientXActivation

    encoder = private_copy(recommender.news_encoder)
    head = recommender.heads[task]
    place = recommender.heads.specs[task].labels.index(label)
    forward = score_of(recommender, encoder, head, task, place)
    ids, mask = title.tokens
    layer = encoder.language_model.get_submodule("embeddings")
    return words_of(
        title, LayerGradientXActivation(forward, layer).attribute(ids, additional_forward_args=(mask,))
    )


def score_of(
    recommender: Recommender, encoder: torch.nn.Module, head: torch.nn.Module, task: str, place: int
) -> Forward:
    """A label's score as a function of a title's token ids alone."""
    spec = recommender.heads.specs[task]

    def score(ids: Int[Tensor, "N T"], mask: Tensor) -> Float[Tensor, " N"]:
        depths = encoder.depths(Tokens(ids, mask))
        found = head((depths._asdict() | {"cls": depths.words[:, 0]})[spec.reads])
        if found.dim() == 2:
            return found[:, place] - found.mean(-1)
        against = found[..., spec.labels.index(OUTSIDE)]
        return (found[..., place] - against).masked_fill(~mask.bool(), -torch.inf).amax(-1)

    return score
