"""The map that a workspace has: drawn beforehand, or made at once; and what of it a script fetches once."""

import json
from collections import Counter
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from tinynewsrec.analysis.map_layers import build_map, flatten_by_pca, learnt_map
from tinynewsrec.analysis.news_map import NEWS_MAP, NewsMap, hash_of, map_for
from tinynewsrec.evaluation.beyond_accuracy import unit
from tinynewsrec.views.served import served
from tinynewsrec.views.workspace import Model, Workspace

GROUPS = 8  # colours and shapes; where there are more categories, the last stands for the rarer ones
AT_ONCE = 20_000  # stories up to which a map is made without being asked for
CHECKED = 50  # stories on which a map made at once is judged
FINEST = 32_767  # coordinates from -1 to 1 travel as whole numbers of 16 bits


class Found(NamedTuple):
    news_map: NewsMap
    problem: str
    """Why the map beside the data could not be used; empty where it was, or where there is none."""


def found_map(workspace: Workspace, at_any_cost: bool = False) -> Found | None:
    """None where a map is still to be made, and would take more than a moment."""
    key = ("map", *hashes_of(workspace).values())
    found = workspace.results.get(key)
    if found is None and (problem := drawn_before(workspace)) is not None:
        if isinstance(problem, NewsMap):
            found = Found(problem, "")
        elif at_any_cost or len(workspace.split.news) <= AT_ONCE:
            found = Found(made_at_once(workspace), problem)
        if found is not None:
            workspace.results.put(key, found)
    return found


def drawn_before(workspace: Workspace) -> NewsMap | str:
    """The map beside the data, or why there is none: an empty text where there is no file."""
    path = workspace.data / NEWS_MAP
    if not path.is_file():
        return ""
    try:
        return map_for(path, data_hash(workspace), hashes_of(workspace))
    except ValueError as error:
        return str(error)


def made_at_once(workspace: Workspace) -> NewsMap:
    teacher = workspace.models[0].name
    return build_map(
        [model.vectors for model in workspace.models],
        [learnt_map(model.checkpoint.folder, teacher) for model in workspace.models],
        hashes_of(workspace),
        workspace.split.news.texts("title"),
        flatten_by_pca,
        CHECKED,
        data=data_hash(workspace),
        method="PCA",
        made={},
    )


def hashes_of(workspace: Workspace) -> dict[str, str]:
    return {model.name: model.checkpoint.content_hash for model in workspace.models}


def data_hash(workspace: Workspace) -> str:
    news = workspace.split.news
    return workspace.results.of(("map data",), lambda: hash_of(news.texts("id"), news.texts("title")))


def unit_vectors(workspace: Workspace, model: Model) -> Float[np.ndarray, "N D"]:
    return workspace.results.of(("unit", model.checkpoint.content_hash), lambda: unit(model.vectors))


def points_of(workspace: Workspace, news_map: NewsMap) -> dict[str, Any]:
    """Where a script finds all points, as 16-bit numbers one after the other, and all titles."""
    names, groups = groups_of(workspace)
    models, stories = news_map.layers.moved.shape

    def write() -> tuple[str, str]:
        own, shared, moved = news_map.layers
        numbers = np.concatenate([own.ravel(), shared.ravel(), moved.ravel() / 2]).astype(np.float32) * FINEST
        points = np.concatenate([numbers.round(), groups]).astype("<i2")
        titles = json.dumps(workspace.split.news.texts("title"), ensure_ascii=False)
        return served(points.tobytes(), "bin"), served(titles.encode(), "json")

    key = ("map file", *hashes_of(workspace).values(), news_map.method)
    points, titles = workspace.results.of(key, write)
    return {"file": points, "titles": titles, "models": models, "stories": stories, "groups": names}


def groups_of(workspace: Workspace) -> tuple[list[tuple[str, int]], Int[np.ndarray, " N"]]:
    """The commonest categories with their numbers of stories, and each story's place among them.

    Where there are too many, the last has no name and stands for all others.
    """
    categories = workspace.results.of(("categories",), lambda: workspace.split.news.texts("category"))
    common = Counter(categories).most_common()
    named = common if len(common) <= GROUPS else common[: GROUPS - 1]
    places = {name: place for place, (name, _) in enumerate(named)}
    groups = np.array([places.get(name, GROUPS - 1) for name in categories], dtype=np.int64)
    others = sum(count for _, count in common[len(named) :])
    return [*named, *([("", others)] if others else [])], groups
