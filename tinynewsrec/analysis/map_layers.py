"""From vectors to a map, whatever method draws them flat. M models, N stories, D numbers in a vector."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from tinynewsrec.analysis.alignment import (
    Aligned,
    LearntMap,
    align,
    displacement,
    met_again,
    nearest_rotation,
)
from tinynewsrec.analysis.neighbours import COMPARED, evenly, neighbours_of, overlap, trustworthiness
from tinynewsrec.analysis.news_map import Layers, MappedModel, NewsMap, within_one
from tinynewsrec.analysis.regions import Region, bag_of, regions
from tinynewsrec.evaluation.beyond_accuracy import unit

Flatten = Callable[[Sequence[Float[np.ndarray, "N D"]]], Float[np.ndarray, "M N 2"]]
"""Draws one map of all the tables together."""


def build_map(
    tables: Sequence[Float[np.ndarray, "N _"]],
    maps: Sequence[LearntMap | None],
    names: dict[str, str],
    titles: Sequence[str],
    flatten: Flatten,
    checked: int = 500,
    **described: Any,
) -> NewsMap:
    """`names` are those of the models, with their hashes; `checked` stories say how far to trust it."""
    aligned = align(tables, maps)
    own = np.stack([flatten([unit(table)])[0] for table in tables])
    own = within_one_each(np.stack([facing(points, own[0]) for points in own]))
    shared = within_one(flatten(aligned.vectors))
    moved = np.stack([displacement(aligned.vectors[0], table) for table in aligned.vectors])
    layers = Layers(own, shared, moved.astype(np.float16))
    rows = evenly(len(titles), checked)
    shares = overlaps(tables, rows)
    models = [
        MappedModel(
            name,
            digest,
            aligned.ways[place],
            *judged(place, tables[place], aligned, layers, rows),
            dict(zip(names.values(), shares[place], strict=True)),
        )
        for place, (name, digest) in enumerate(names.items())
    ]
    called = all_regions(layers, list(names), titles)
    return NewsMap(layers, tuple(models), regions=called, checked=len(rows), **described)


def judged(
    place: int, table: Float[np.ndarray, "N D"], aligned: Aligned, layers: Layers, rows: Int[np.ndarray, " Q"]
) -> tuple[float, ...]:
    """How far to trust a model's points: rounded, for they are means over some stories."""
    again = met_again(aligned.vectors[0], aligned.vectors[place], rows)
    trusts = (trustworthiness(unit(table), layer[place], rows) for layer in (layers.own, layers.shared))
    return tuple(round(float(value), 3) for value in (again, *trusts))


def overlaps(tables: Sequence[Float[np.ndarray, "N _"]], rows: Int[np.ndarray, " Q"]) -> list[list[float]]:
    """Of each model with each: mean share of the nearest stories that they have in common."""
    near = [neighbours_of(rows, unit(table), COMPARED).rows for table in tables]
    return [[round(float(overlap(one, other).mean()), 3) for other in near] for one in near]


def all_regions(layers: Layers, names: Sequence[str], titles: Sequence[str]) -> dict[str, list[list[Region]]]:
    bags = [bag_of(title) for title in titles]
    own = {name: regions(points, bags) for name, points in zip(names, layers.own, strict=True)}
    return own | {"shared": regions(layers.shared[0], bags)}


def facing(points: Float[np.ndarray, "N 2"], first: Float[np.ndarray, "N 2"]) -> Float[np.ndarray, "N 2"]:
    """Turned or mirrored as a whole, so that two maps of the same stories can be compared by eye."""
    centred, other = points - points.mean(0), first - first.mean(0)
    return centred @ nearest_rotation(centred.T @ other)


def within_one_each(maps: Float[np.ndarray, "M N 2"]) -> Float[np.ndarray, "M N 2"]:
    return np.stack([within_one(points) for points in maps])


def flatten_by_pca(tables: Sequence[Float[np.ndarray, "N D"]]) -> Float[np.ndarray, "M N 2"]:
    """The two directions in which the stories, as all models see them, spread most."""
    centre = np.mean([table.mean(0) for table in tables], axis=0)
    spread = sum((table - centre).T @ (table - centre) for table in tables)
    _, directions = np.linalg.eigh(spread.astype(np.float64))
    return np.stack([(table - centre) @ directions[:, :-3:-1] for table in tables])


def learnt_map(folder: Path, teacher: str) -> LearntMap | None:
    """The map of news vectors between a student's checkpoint and that teacher, if it learnt one."""
    from tinynewsrec.model.projections import Projections  # torch takes longer than a first page

    projections = Projections.load(folder)
    if projections is None or teacher not in projections.teachers or "news" not in projections.maps:
        return None
    place, learnt = projections.teachers.index(teacher), projections.maps["news"]
    return LearntMap(
        learnt.weight[place].detach().numpy(), learnt.bias[place].detach().numpy(), projections.side
    )
