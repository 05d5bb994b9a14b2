"""What the tab Map remembers, and which points of the map it shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from tinynewsrec.analysis.news_map import NewsMap

NAME = "map"
SHARED = "shared"


@dataclass(frozen=True)
class Options:
    space: str = SHARED
    """The map that all models share, or a model's own, by its name."""
    student: str = ""
    """Held against the teacher on the shared map, by its name; empty: the smallest."""
    between: float = 0.0
    """Where points are shown: from 0, where the teacher has them, to 1, where the student has them."""
    colour: Literal["category", "moved"] = "category"
    arrows: bool = True
    """From where the teacher has the stories that moved most to where the student has them."""
    reader: bool = True
    """The reader of the other tabs, with history and candidates."""
    story: str = ""
    """Id of the story that is looked at."""
    search: str = ""
    lasso: tuple[float, ...] = ()
    """Corners drawn around stories: x and y in turn, in units of the map."""


class Ends(NamedTuple):
    """Where points start and end when the slider moves; both the same on a model's own map."""

    start: int
    """The model whose points they are, by its place."""
    end: int
    points: Float[np.ndarray, "2 N 2"]
    share: float
    """How far from start to end they are shown."""

    @property
    def shown(self) -> Float[np.ndarray, "N 2"]:
        start, end = self.points.astype(np.float32)
        return start + self.share * (end - start)


def ends_of(news_map: NewsMap, options: Options) -> Ends:
    names = [model.name for model in news_map.models]
    if options.space in names:
        place = names.index(options.space)
        return Ends(place, place, news_map.layers.own[[place, place]], 0.0)
    end = names.index(options.student) if options.student in names else len(names) - 1
    return Ends(0, end, news_map.layers.shared[[0, end]], min(1.0, max(0.0, options.between)))


def inside(points: Float[np.ndarray, "N 2"], corners: Sequence[float]) -> Bool[np.ndarray, " N"]:
    """Which points a closed line goes round: a ray from such a point crosses it an odd number of times."""
    polygon = np.reshape(np.asarray(corners[: len(corners) // 2 * 2], dtype=np.float64), (-1, 2))
    x, y = points.astype(np.float64).T
    crossed = np.zeros(len(points), dtype=bool)
    for (x1, y1), (x2, y2) in zip(polygon, np.roll(polygon, 1, axis=0), strict=True):
        between = (y1 > y) != (y2 > y)
        crossed ^= between & (x < (x2 - x1) * (y - y1) / np.where(y2 == y1, 1, y2 - y1) + x1)
    return crossed
