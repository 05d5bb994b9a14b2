"""How alike two models weigh the words of a title."""

import numpy as np
from jaxtyping import Float


def spearman(one: Float[np.ndarray, " L"], other: Float[np.ndarray, " L"]) -> float:
    """The correlation of ranks, equal values sharing theirs; NaN where a list does not order anything."""
    first, second = (shared_ranks(values) for values in (one, other))
    first, second = first - first.mean(), second - second.mean()
    spread = np.sqrt((first**2).sum() * (second**2).sum())
    return float(first @ second / spread) if spread else float("nan")


def shared_ranks(values: Float[np.ndarray, " L"]) -> Float[np.ndarray, " L"]:
    """From 0 for the smallest; equal values get the mean of their ranks."""
    _, group, sizes = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(sizes) - (sizes + 1) / 2)[group]


def top_overlap(one: Float[np.ndarray, " L"], other: Float[np.ndarray, " L"], count: int) -> float:
    """Of the `count` highest of each list, the share that both have; equal values keep their order."""
    tops = [set(np.argsort(-values, kind="stable")[:count].tolist()) for values in (one, other)]
    return len(tops[0] & tops[1]) / max(1, len(tops[0]))
