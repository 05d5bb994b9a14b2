"""How alike two models rank the same candidates, impression by impression."""

import numpy as np
from jaxtyping import Bool, Float, Int

from tinynewsrec.analysis.pickers import owners
from tinynewsrec.data.tables import Ragged

PERSISTENCE = 0.9  # Webber et al.'s example: the first ten ranks carry 86 % of the weight
BLOCK = 2_000_000  # pairs of candidates held at a time


def overlap(
    one: Int[np.ndarray, " total"],
    other: Int[np.ndarray, " total"],
    lists: Ragged,
    persistence: float = PERSISTENCE,
) -> Float[np.ndarray, " R"]:
    """Rank-biased overlap of two rankings, from 0 to 1, extrapolated (Webber et al., 2010, equation 30).

    Takes ranks from 1. Both rank the same candidates, so that at full depth they overlap wholly: two lists
    of a few candidates are alike even when one is the reverse of the other.
    """
    depths = np.arange(1.0, lists.lengths.max(initial=0) + 1)
    weights = np.concatenate([[0.0], np.cumsum(persistence**depths / depths)])
    # A candidate is in both prefixes from the depth of its worse rank on.
    lengths = np.repeat(lists.lengths, lists.lengths)
    shares = weights[lengths] - weights[np.maximum(one, other) - 1]
    summed = np.bincount(owners(lists), shares, minlength=len(lists))
    return persistence**lists.lengths + (1 - persistence) / persistence * summed


def kendall(
    one: Float[np.ndarray, " total"], other: Float[np.ndarray, " total"], lists: Ragged
) -> Float[np.ndarray, " R"]:
    """Kendall's tau-b of two models' scores, from -1 to 1; NaN where all scores of a model are the same."""
    found = np.full(len(lists), np.nan)
    for length in np.unique(lists.lengths[lists.lengths > 1]):
        rows = np.flatnonzero(lists.lengths == length)
        at_once = max(1, 2 * BLOCK // int(length) ** 2)
        for start in range(0, len(rows), at_once):
            part = rows[start : start + at_once]
            places = lists.offsets[part][:, None] + np.arange(length)
            found[part] = tau_b(one[places], other[places])
    return found


def tau_b(one: Float[np.ndarray, "R C"], other: Float[np.ndarray, "R C"]) -> Float[np.ndarray, " R"]:
    first, second = np.triu_indices(one.shape[1], 1)
    signs, others = (np.sign(scores[:, first] - scores[:, second]) for scores in (one, other))
    pairs = np.abs(signs).sum(1) * np.abs(others).sum(1)
    return np.divide((signs * others).sum(1), np.sqrt(pairs), np.full(len(one), np.nan), where=pairs > 0)


def flipped(
    one: Int[np.ndarray, " total"], other: Int[np.ndarray, " total"], lists: Ragged
) -> Bool[np.ndarray, " R"]:
    """Whether another candidate stands first; takes ranks from 1."""
    return np.bincount(owners(lists), (one == 1) & (other == 1), minlength=len(lists)) == 0
