"""Names -> class numbers: what a story is to be recognised as. What is not known is IGNORE, never a class."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Int

from tinynewsrec.data.tables import News

IGNORE = -100  # what cross_entropy leaves out


@dataclass(frozen=True)
class LabelSpace:
    """The classes of a task; a class is its place in `names`, wherever the labels come from.

    Raises ValueError for a name that is empty or there twice.
    """

    names: tuple[str, ...]

    def __post_init__(self):
        object.__setattr__(self, "names", tuple(self.names))
        if "" in self.names or len(set(self.names)) < len(self.names):
            raise ValueError(f"Expected names of classes that are all different, found {self.names}.")

    @classmethod
    def of(cls, values: Iterable[str]) -> "LabelSpace":
        """The names that occur, sorted; the empty one says nothing."""
        return cls(tuple(sorted(set(values) - {""})))

    def __len__(self) -> int:
        return len(self.names)

    def codes(self, values: Sequence[str]) -> Int[np.ndarray, " N"]:
        """The class of each value, IGNORE for the empty and for one that has no class here."""
        known = {name: place for place, name in enumerate(self.names)}
        return np.array([known.get(value, IGNORE) for value in values], dtype=np.int64)

    def values(self, codes: Int[np.ndarray, " N"]) -> list[str]:
        """The name of each class, "" for IGNORE."""
        return [self.names[code] if code >= 0 else "" for code in codes.tolist()]


SENTIMENTS = LabelSpace(("negative", "neutral", "positive"))
TAGS = LabelSpace(("O", "B", "I"))
"""Of a token: outside every name, at the beginning of one, inside one."""


def category_space(news: News, column: Literal["category", "subcategory"]) -> LabelSpace:
    return LabelSpace.of(news.texts(column))
