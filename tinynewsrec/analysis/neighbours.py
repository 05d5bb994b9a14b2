"""Stories near one another: in one model's space, in two models' compared, and on a map of them.

N stories, Q queries, K neighbours, D numbers in a vector. Nearness is the cosine; `unit` prepares for it.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from tinynewsrec.evaluation.beyond_accuracy import unit

BLOCK = 256  # queries that are compared at once
COMPARED = 10  # neighbours of which two models' shares are told
NEAR = 15  # neighbours that say where something new belongs
SAME = 1e-6  # cosine distance below which two vectors count as one


class Neighbours(NamedTuple):
    """Nearest first."""

    rows: Int[np.ndarray, "Q K"]
    cosines: Float[np.ndarray, "Q K"]


class Place(NamedTuple):
    """Where something new would lie on a map: approximate, for it had no part in making the map."""

    position: Float[np.ndarray, "2"]
    rows: Int[np.ndarray, " K"]
    """The stories that decided it, nearest first."""
    cosines: Float[np.ndarray, " K"]
    spread: float
    """Weighted root mean square distance of these stories to the position, in units of the map."""


def nearest(
    queries: Float[np.ndarray, "Q D"],
    vectors: Float[np.ndarray, "N D"],
    count: int,
    without: Int[np.ndarray, " Q"] | None = None,
) -> Neighbours:
    """Of unit vectors; fewer neighbours where there are fewer; `without` leaves a query's own row out."""
    count = min(count, len(vectors) - (without is not None))
    found = [
        nearest_of_block(queries[start : start + BLOCK], vectors, count, own_rows(without, start))
        for start in range(0, len(queries), BLOCK)
    ]
    rows, cosines = (
        zip(*found, strict=True) if found else ([np.empty((0, count), int)], [np.empty((0, count))])
    )
    return Neighbours(np.concatenate(rows), np.concatenate(cosines))


def own_rows(without: Int[np.ndarray, " Q"] | None, start: int) -> Int[np.ndarray, " B"] | None:
    return None if without is None else without[start : start + BLOCK]


def nearest_of_block(
    queries: Float[np.ndarray, "B D"],
    vectors: Float[np.ndarray, "N D"],
    count: int,
    own: Int[np.ndarray, " B"] | None,
) -> tuple[Int[np.ndarray, "B K"], Float[np.ndarray, "B K"]]:
    cosines = queries @ vectors.T
    if own is not None:
        cosines[np.arange(len(own)), own] = -np.inf
    rows = np.argpartition(-cosines, max(count - 1, 0), axis=-1)[:, :count]
    order = np.argsort(-np.take_along_axis(cosines, rows, -1), axis=-1, kind="stable")
    rows = np.take_along_axis(rows, order, -1)
    return rows, np.take_along_axis(cosines, rows, -1)


def neighbours_of(rows: Int[np.ndarray, " Q"], vectors: Float[np.ndarray, "N D"], count: int) -> Neighbours:
    """Of stories of the corpus itself, which are not their own neighbours."""
    return nearest(vectors[rows], vectors, count, rows)


def overlap(one: Int[np.ndarray, "Q K"], other: Int[np.ndarray, "Q K"]) -> Float[np.ndarray, " Q"]:
    """The share of the K neighbours that two models have in common, for each story."""
    return (one[:, :, None] == other[:, None, :]).any(-1).mean(-1)


def overlap_by_chance(stories: int, count: int) -> float:
    """What models that know nothing of one another share on average."""
    return min(count, stories - 1) / (stories - 1) if stories > 1 else 0.0


def place(
    vector: Float[np.ndarray, " D"],
    vectors: Float[np.ndarray, "N D"],
    coordinates: Float[np.ndarray, "N 2"],
    count: int = NEAR,
) -> Place:
    """Among its nearest stories, each weighted by the inverse of its cosine distance (Shepard, 1968)."""
    found = nearest(unit(vector[None]), vectors, count)
    (rows,), (cosines,), (weights,) = (*found, weights_of(found.cosines))
    position = weights @ coordinates[rows]
    spread = float(np.sqrt(weights @ np.square(coordinates[rows] - position).sum(-1)))
    return Place(position, rows, cosines, spread)


def places(
    queries: Float[np.ndarray, "Q D"],
    vectors: Float[np.ndarray, "N D"],
    coordinates: Float[np.ndarray, "N 2"],
    count: int = NEAR,
) -> Float[np.ndarray, "Q 2"]:
    """The same for many at once: positions only."""
    rows, cosines = nearest(queries, vectors, count)
    return np.einsum("qk,qkd->qd", weights_of(cosines), coordinates[rows])


def weights_of(cosines: Float[np.ndarray, "Q K"]) -> Float[np.ndarray, "Q K"]:
    weights = 1 / np.maximum(1 - cosines.astype(np.float64), SAME)
    return weights / weights.sum(-1, keepdims=True)


def trustworthiness(
    vectors: Float[np.ndarray, "N D"],
    coordinates: Float[np.ndarray, "N 2"],
    rows: Int[np.ndarray, " Q"],
    count: int = NEAR,
) -> float:
    """How far neighbours on the map are neighbours in the space: 1 at best (Venna and Kaski, 2001).

    Mean over some stories; each is held against all. Of few stories fewer neighbours are looked at, for
    the measure is one of less than half of them; of one or two no map can go wrong.
    """
    stories = len(vectors)
    count = min(count, (stories - 1) // 2)
    if not count:
        return 1.0
    surplus = sum(intruders(row, vectors, coordinates, count) for row in rows.tolist())
    return 1 - 2 * surplus / (len(rows) * count * (2 * stories - 3 * count - 1))


def intruders(
    row: int, vectors: Float[np.ndarray, "N D"], coordinates: Float[np.ndarray, "N 2"], count: int
) -> int:
    """How far beyond the K nearest in the space the K nearest on the map are, added up."""
    on_map = np.square(coordinates.astype(np.float64) - coordinates[row].astype(np.float64)).sum(-1)
    in_space = -(vectors @ vectors[row])
    on_map[row] = in_space[row] = -np.inf
    ranks = np.empty(len(vectors), dtype=np.int64)
    ranks[np.argsort(in_space, kind="stable")] = np.arange(len(vectors))
    shown = np.argsort(on_map, kind="stable")[1 : count + 1]
    return int(np.maximum(ranks[shown] - count, 0).sum())


def evenly(stories: int, most: int) -> Int[np.ndarray, " Q"]:
    """Rows spread over the whole table, the same ones every time."""
    return np.linspace(0, stories - 1, min(stories, most)).astype(np.int64)
