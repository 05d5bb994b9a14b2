"""The same model with fewer bits: how much faster it is, and whether it still ranks alike."""

import copy
import warnings
from typing import Literal, NamedTuple, get_args

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import nn

from tinynewsrec.analysis.pickers import rank_correlation, ranks
from tinynewsrec.data.tables import Impressions, Ragged
from tinynewsrec.model.recommender import Recommender

Precision = Literal["fp32", "bf16", "int8"]
PRECISIONS = get_args(Precision)


class Agreement(NamedTuple):
    """Of two rankings of the same impressions."""

    correlation: float
    """Mean rank correlation (Spearman) over the impressions."""
    same_top: float
    """Share of the impressions with the same story at rank 1."""
    impressions: int


def in_precision(recommender: Recommender, precision: Precision) -> Recommender:
    """A copy whose matrices have that precision; int8 is torch's dynamic quantisation."""
    made = copy.deepcopy(recommender)
    if precision == "bf16":
        made.news_encoder.to(torch.bfloat16)
    if precision == "int8":
        with warnings.catch_warnings():
            # Announced to go after the newest torch that this project allows.
            warnings.simplefilter("ignore")
            made.news_encoder = torch.ao.quantization.quantize_dynamic(
                made.news_encoder, {nn.Linear}, dtype=torch.qint8
            )
    return made.eval()


def some(impressions: Impressions, count: int) -> tuple[Impressions, Int[np.ndarray, " N"]]:
    """Impressions spread evenly over a table, and the stories that they need."""
    count = min(count, len(impressions))
    chosen = impressions.take(np.linspace(0, len(impressions) - 1, count).astype(np.int64))
    return chosen, np.unique(np.concatenate([chosen.history.values, chosen.candidates.values]))


def agreement(
    one: Float[np.ndarray, " total"], other: Float[np.ndarray, " total"], lists: Ragged
) -> Agreement:
    """Scores are aligned with `lists.values`. Impressions of one candidate say nothing and are left out."""
    telling = lists.lengths > 1
    places = [ranks(scores, lists) for scores in (one, other)]
    correlations = rank_correlation(*places, lists)[telling]
    tops = [np.flatnonzero(place == 1)[telling] for place in places]
    return Agreement(float(correlations.mean()), float((tops[0] == tops[1]).mean()), int(telling.sum()))
