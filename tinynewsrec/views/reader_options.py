"""What the tab Reader remembers."""

from dataclasses import dataclass

NAME = "reader"


@dataclass(frozen=True)
class Options:
    kind: str = ""
    """Of the readers worth a look; empty: none of them, or the first kind on a page just opened."""
    asked: str = ""
    """An id that was typed and is not known; said on the page until something else is chosen."""
    sort: str = ""
    """Name of the model whose order the list has; empty: the largest."""
    whole: bool = False
    """Every candidate, not only the first ones."""
    clicks: bool = False
    """Every click of the history, not only the latest."""
    diversity: float = 0.0
    """Of the re-ranking, from 0, by score alone, to 1, as unlike one another as can be."""
    build: bool = False
    """Whether a reader is being made up from titles."""
    search: str = ""
    """Words of titles that are looked for."""
    corpus: bool = False
    """Whether all stories are ranked, not only the candidates."""
