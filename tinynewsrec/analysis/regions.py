"""What a part of a map is about: the words that its titles have and others lack."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

LEVELS = (3, 6, 12)  # cells along each side, from far to near
FEWEST = 8  # stories, below which a cell is not named
WORDS = 3
WORD = re.compile(r"[^\W\d_]{3,}")
COMMON = frozenset(
    "about after all also and any are back been before being but can could day days did does down every "
    "few first five for four from get gets go goes going good got had has have her here him his how into "
    "its just keep know last late like long look made make makes man many may million more most much must "
    "need never new next not now off old one only our out over own people per say says set seven she "
    "should six some still take takes ten than that the their them then there these they things this those "
    "three through time too top two under until use was way week well were what when where which while who "
    "why will with without woman world would year years you your".split()
)


class Region(NamedTuple):
    x: float
    y: float
    words: tuple[str, ...]
    """Most telling first."""
    stories: int


def regions(
    coordinates: Float[np.ndarray, "N 2"], bags: Sequence[frozenset[str]], levels: Sequence[int] = LEVELS
) -> list[list[Region]]:
    """Of a grid over the map for each level; `bags` are the words of the stories, one for each point."""
    return [regions_of(coordinates, bags, cells_of(coordinates, side)) for side in levels]


def bag_of(title: str) -> frozenset[str]:
    """A word counts once in a title, however often it stands there."""
    return frozenset(WORD.findall(title.lower())) - COMMON


def cells_of(coordinates: Float[np.ndarray, "N 2"], side: int) -> Int[np.ndarray, " N"]:
    """The cell of each point, of `side` times `side` equal ones over all points."""
    points = coordinates.astype(np.float64)
    low, high = points.min(0), points.max(0)
    places = (points - low) / np.maximum(high - low, np.finfo(float).tiny) * side
    columns, rows = np.minimum(places.astype(np.int64), side - 1).T
    return rows * side + columns


def regions_of(
    coordinates: Float[np.ndarray, "N 2"], bags: Sequence[frozenset[str]], cells: Int[np.ndarray, " N"]
) -> list[Region]:
    """Words by class-based TF-IDF (Grootendorst, 2022), where the stories of a cell lie on average."""
    members = [np.flatnonzero(cells == cell) for cell in np.unique(cells)]
    counts = [Counter(word for row in rows for word in bags[row]) for rows in members]
    totals = Counter()
    for counted in counts:
        totals.update(counted)
    usual = sum(totals.values()) / max(len(counts), 1)
    named = []
    for rows, counted in zip(members, counts, strict=True):
        if len(rows) >= FEWEST and (words := telling(counted, totals, usual)):
            x, y = coordinates[rows].astype(np.float64).mean(0)
            named.append(Region(float(x), float(y), words, len(rows)))
    return named


def telling(counted: Counter[str], totals: Counter[str], usual: float) -> tuple[str, ...]:
    """Of the words that at least two titles have; `usual` is the mean number of words in a cell."""
    worth = {word: count * np.log1p(usual / totals[word]) for word, count in counted.items() if count > 1}
    return tuple(sorted(worth, key=lambda word: (-worth[word], word))[:WORDS])
