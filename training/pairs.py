"""Stories as titles and bodies: what post-training matches."""

from dataclasses import dataclass
from pathlib import Path

from tinynewsrec.data.read import read_split
from tinynewsrec.data.tables import Skipped


@dataclass(frozen=True)
class Pairs:
    name: str
    """For people: 'MIND sample, train'."""
    ids: list[str]
    titles: list[str]
    bodies: list[str]
    skipped: tuple[Skipped, ...] = ()

    def __len__(self) -> int:
        return len(self.ids)


def read_pairs(place: Path) -> Pairs:
    """The stories of a split, each with its abstract as body; those without one are skipped and counted."""
    split = read_split(place)
    news = split.news
    rows = zip(news.texts("id"), news.texts("title"), news.texts("abstract"), strict=True)
    whole = [row for row in rows if row[1].strip() and row[2].strip()]
    skipped = Skipped("story without a title or an abstract", len(news) - len(whole), "")
    return Pairs(
        split.name, *map(list, zip(*whole, strict=True)), skipped=(skipped,) if skipped.count else ()
    )
