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

OUTSIDE, BEGINNING = "O", "B"  # labels of word pieces: in no name, and the first of one


class Guess(NamedTuple):
    label: str
    probability: float


def best(prediction: Prediction, count: int = 5) -> list[Guess]:
    """The likeliest labels of the one title, likeliest first."""
    order = np.argsort(-prediction.probabilities[0], kind="stable")[:count]
    return [Guess(prediction.labels[place], float(prediction.probabilities[0, place])) for place in order]


class Span(NamedTuple):
    """A name, of a word or several: its characters, the last not among them."""

    start: int
    end: int
    probability: float
    """Of the least sure of its words, that it is as it was tagged."""


def names_in(text: str, title: Title, prediction: Prediction) -> list[Span]:
    """The spans that the pieces' tags make up; a word of letters is in a name where its first piece is.

    A piece inside of a name that nothing began begins one.
    """
    found: list[Span] = []
    tag, running, end = OUTSIDE, False, 0
    for (start, stop), tags in zip(title.places, prediction.probabilities[0], strict=True):
        if start == stop:
            continue
        start += len(text[start:stop]) - len(text[start:stop].lstrip())  # some pieces begin with a space
        goes_on = start == end and start > 0 and text[start - 1].isalnum() and text[start].isalnum()
        place = int(tags.argmax())
        tag = tag if goes_on else prediction.labels[place]
        if tag != OUTSIDE and running and (goes_on or tag != BEGINNING):
            sure = found[-1].probability if goes_on else min(found[-1].probability, float(tags[place]))
            found[-1] = Span(found[-1].start, stop, sure)
        elif tag != OUTSIDE:
            found.append(Span(start, stop, float(tags[place])))
        running, end = tag != OUTSIDE, stop
    return found


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
