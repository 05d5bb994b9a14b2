"""Brings the spaces of several models into one, so that what they make of a story can be held together.

The space is that of the first model, the teacher. N stories, D numbers in its vectors, E in another's.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from tinynewsrec.analysis.neighbours import SAME, nearest
from tinynewsrec.evaluation.beyond_accuracy import unit

Way = Literal["itself", "learnt map", "rotation"]


class LearntMap(NamedTuple):
    """Learnt in distillation: leads from the teacher to the student, or the other way."""

    weight: Float[np.ndarray, "to from"]
    bias: Float[np.ndarray, " to"]
    moves: Literal["teacher", "student"]


class Aligned(NamedTuple):
    vectors: tuple[Float[np.ndarray, "N D"], ...]
    """Of length 1, a table for each model."""
    ways: tuple[Way, ...]
    """How each model came into the space."""


def align(
    tables: Sequence[Float[np.ndarray, "N _"]], maps: Sequence[LearntMap | None] | None = None
) -> Aligned:
    """By the map learnt between the first model and each other one; where there is none, by a rotation."""
    first, *others = (np.asarray(table, dtype=np.float32) for table in tables)
    known = list(maps[1:]) if maps else [None] * len(others)
    moved = [bring(table, unit(first), learnt) for table, learnt in zip(others, known, strict=True)]
    ways: list[Way] = ["rotation" if learnt is None else "learnt map" for learnt in known]
    return Aligned((unit(first), *moved), ("itself", *ways))


def bring(
    table: Float[np.ndarray, "N E"], first: Float[np.ndarray, "N D"], learnt: LearntMap | None
) -> Float[np.ndarray, "N D"]:
    if learnt is None:
        return unit(table) @ best_rotation(unit(table), first)
    if learnt.moves == "student":
        return unit(table @ learnt.weight.T + learnt.bias)
    return unit((table - learnt.bias) @ nearest_rotation(learnt.weight))


def best_rotation(
    moved: Float[np.ndarray, "N E"], fixed: Float[np.ndarray, "N D"]
) -> Float[np.ndarray, "E D"]:
    """Orthogonal Procrustes: of all rotations that of least squared distance (Schönemann, 1966)."""
    return nearest_rotation(moved.T.astype(np.float64) @ fixed.astype(np.float64))


def nearest_rotation(matrix: Float[np.ndarray, "E D"]) -> Float[np.ndarray, "E D"]:
    """What remains of a matrix without its stretching.

    A learnt map is led back by it: a true inverse would blow up directions that the map all but removes.
    """
    left, _, right = np.linalg.svd(matrix.astype(np.float64), full_matrices=False)
    return (left @ right).astype(np.float32)


def displacement(one: Float[np.ndarray, "N D"], other: Float[np.ndarray, "N D"]) -> Float[np.ndarray, " N"]:
    """Cosine distance between two models' vectors of each story, in a space they share: from 0 to 2."""
    return 1 - np.einsum("nd,nd->n", one, other)


def met_again(
    one: Float[np.ndarray, "N D"], other: Float[np.ndarray, "N D"], rows: Int[np.ndarray, " Q"]
) -> float:
    """The share of these stories that are nearest to themselves, held in one model against the other."""
    nearby = nearest(one[rows], other, 1).cosines[:, 0]
    return float((np.einsum("nd,nd->n", one[rows], other[rows]) >= nearby - SAME).mean())
