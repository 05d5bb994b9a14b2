"""Draws a map of all stories, as each model sees them and as all do, for the app to show.

python -m training.news_map --data assets/sample/dev --checkpoints assets/checkpoints
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path

import numpy as np
import tyro
from jaxtyping import Float, Int
from rich import print

from tinynewsrec.analysis.map_layers import build_map, learnt_map
from tinynewsrec.analysis.neighbours import evenly, nearest, places
from tinynewsrec.analysis.news_map import NEWS_MAP, NewsMap, hash_of
from tinynewsrec.checkpoints import open_checkpoints
from tinynewsrec.commands import readable_errors
from tinynewsrec.data.read import read_split
from tinynewsrec.evaluation.vectors import news_vectors
from training.record import command_of, without_machine


@dataclass(frozen=True, kw_only=True)
class Arguments:
    data: Path
    """Folder of a split whose stories are drawn."""
    checkpoints: tuple[str, ...]
    """Folders of the checkpoints, or one folder that holds them all; that of most layers is the teacher."""
    out: Path | None = None
    """Where to write the map; none: news_map.safetensors in the folder of the data, where the app looks."""
    neighbours: int = 16
    """Near stories that a story is drawn to, of all models together: fewer show more detail."""
    epochs: int = 200
    """Passes of UMAP."""
    fitted: int = 20_000
    """Stories that the map is fitted on, spread evenly; the others are placed among them."""
    seed: int = 0
    """Of UMAP; with a seed it works on one core."""

    def __post_init__(self):
        if self.neighbours < 2 or self.epochs < 1 or self.fitted < 3:
            raise ValueError("A map needs at least 2 neighbours, 1 epoch and 3 stories that it is fitted on.")


def main(arguments: Arguments) -> None:
    path = arguments.out or arguments.data / NEWS_MAP
    news_map = draw(arguments)
    news_map.save(path)
    for model in news_map.models:
        print(
            f"{model.name}: trustworthiness {model.trust:.3f}, of the shared map {model.trust_shared:.3f}; "
            f"shared by {model.way}, {model.met_again:.1%} of the stories nearest to themselves"
        )
    print(f"{path}: {path.stat().st_size / 1024:.0f} KiB")


def draw(arguments: Arguments) -> NewsMap:
    split = read_split(arguments.data)
    titles = split.news.texts("title")
    checkpoints = open_checkpoints(arguments.checkpoints)
    teacher = checkpoints[0].name
    return build_map(
        [news_vectors(checkpoint, titles) for checkpoint in checkpoints],
        [learnt_map(checkpoint.folder, teacher) for checkpoint in checkpoints],
        {checkpoint.name: checkpoint.content_hash for checkpoint in checkpoints},
        titles,
        partial(flatten_by_umap, arguments),
        data=hash_of(split.news.texts("id"), titles),
        method="UMAP",
        made={
            "command": command_of(arguments, without_machine),
            "data": split.name,
            "seed": arguments.seed,
            "umap-learn": version("umap-learn"),
        },
    )


def flatten_by_umap(
    arguments: Arguments, tables: Sequence[Float[np.ndarray, "N D"]]
) -> Float[np.ndarray, "M N 2"]:
    """One map of all tables together; only evenly spread stories are fitted where there are many."""
    rows = evenly(len(tables[0]), arguments.fitted)
    fitted = [table[rows] for table in tables]
    points = fit(arguments, fitted).reshape(len(tables), len(rows), 2)
    if len(rows) == len(tables[0]):
        return points
    return np.stack([places(*each) for each in zip(tables, fitted, points, strict=True)])


def fit(arguments: Arguments, tables: Sequence[Float[np.ndarray, "N D"]]) -> Float[np.ndarray, "MN 2"]:
    """McInnes, Healy and Melville (2018), from neighbours of all tables alike."""
    rows, distances = near_in_all(tables, arguments.neighbours)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that TensorFlow is missing, that one core is used, and the like
        from umap import UMAP  # compiles for seconds, which --help need not wait for

        reducer = UMAP(
            n_neighbors=rows.shape[1],
            n_epochs=arguments.epochs,
            metric="cosine",
            random_state=arguments.seed,
            precomputed_knn=(rows, distances),
            force_approximation_algorithm=True,  # else UMAP ignores the neighbours of few stories
        )
        return reducer.fit_transform(np.concatenate(tables))


def near_in_all(
    tables: Sequence[Float[np.ndarray, "N D"]], count: int
) -> tuple[Int[np.ndarray, "MN K"], Float[np.ndarray, "MN K"]]:
    """For each point itself, then about `count` neighbours, as many of each table; cosine distances.

    Else every table would be an island of its own. A story is no neighbour of itself in another table: where
    it lies follows from the other stories alone.
    """
    each, stories = -(-count // len(tables)), len(tables[0])
    own = np.arange(stories)
    rows, distances = [], []
    for table in tables:
        found = [nearest(table, other, each, own) for other in tables]
        rows.append(np.concatenate([near.rows + place * stories for place, near in enumerate(found)], axis=1))
        distances.append(1 - np.concatenate([near.cosines for near in found], axis=1))
    return sorted_after_self(np.concatenate(rows), np.concatenate(distances).clip(0))


def sorted_after_self(
    rows: Int[np.ndarray, "MN K"], distances: Float[np.ndarray, "MN K"]
) -> tuple[Int[np.ndarray, "MN L"], Float[np.ndarray, "MN L"]]:
    order = np.argsort(distances, axis=1, kind="stable")
    self = np.arange(len(rows))[:, None]
    rows = np.concatenate([self, np.take_along_axis(rows, order, 1)], axis=1)
    distances = np.concatenate([np.zeros(self.shape), np.take_along_axis(distances, order, 1)], axis=1)
    return rows, distances.astype(np.float32)


if __name__ == "__main__":
    with readable_errors():
        main(tyro.cli(Arguments, description=__doc__))
