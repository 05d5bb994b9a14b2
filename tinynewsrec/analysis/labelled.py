"""What the heads of a recommender make of headlines: labels with their probabilities, and names."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from tinynewsrec.analysis.headlines import TOKENIZING
from tinynewsrec.data.entities import token_places
from tinynewsrec.data.labels import TAGS
from tinynewsrec.model.recommender import Recommender


class Labelled(NamedTuple):
    """A headline, by task."""

    labels: dict[str, dict[str, float]]  # the probability of each label, most probable first
    names: list["Name"] | None  # from left to right; None without a head for entities


class Name(NamedTuple):
    start: int  # in characters, as `end`
    end: int
    probability: float  # of being part of a name, the mean over its word pieces


def label(recommender: Recommender, titles: Sequence[str]) -> list[Labelled]:
    """Nothing for a recommender without heads."""
    with TOKENIZING:
        places, special = token_places(titles, recommender.tokenizer, recommender.config.title_length)
        found = recommender.predict(titles)
    tags = found.pop("entities", None)
    return [
        Labelled(
            {task: by_probability(*prediction, row) for task, prediction in found.items()},
            None if tags is None else list(names(tags.probabilities[row], places[row], special[row])),
        )
        for row in range(len(titles))
    ]


def by_probability(
    labels: tuple[str, ...], probabilities: Float[np.ndarray, "N K"], row: int
) -> dict[str, float]:
    order = np.argsort(-probabilities[row], kind="stable")
    return {labels[place]: float(probabilities[row, place]) for place in order}


def names(
    tags: Float[np.ndarray, "T K"], places: Int[np.ndarray, "T 2"], special: Bool[np.ndarray, " T"]
) -> Iterator[Name]:
    """Runs of word pieces that are most probably in a name; where another begins the one before ends."""
    outside, beginning, _ = range(len(TAGS))
    found = np.where(special, outside, tags.argmax(-1))
    inside = 1 - tags[:, outside]
    starts = (found != outside) & ((found == beginning) | (np.roll(found, 1) == outside))
    for start in np.flatnonzero(starts):
        end = start + 1
        while end < len(found) and found[end] != outside and not starts[end]:
            end += 1
        yield Name(int(places[start, 0]), int(places[end - 1, 1]), float(inside[start:end].mean()))
