"""MIND, the Microsoft News Dataset (Wu et al., 2020), as published: news.tsv and behaviors.tsv.

Both are UTF-8 text, one record on each line, columns set apart by tabs, quotes without meaning:

    news.tsv        id, category, subcategory, title, abstract, address, title entities, abstract entities
    behaviors.tsv   id, reader, time, history (oldest first), candidates (N3-0 N4-1; N3 N4 in the test set)

What is not as published is refused with a DataError, or put right and counted in Split.skipped:

    missing file                                FileNotFoundError
    file of nothing but blank lines             refused
    wrong number of columns                     refused
    not UTF-8, or a line above 64 MiB           refused
    story without an id                         refused
    story id again, other content               refused, naming both lines
    story id again, same content                counted, the repeat is left out
    entities that are not MIND's JSON           counted, read as unknown
    a candidate labelled other than the first   refused: all end in -0 or -1, or none does
    candidate that news.tsv does not have       counted, the whole impression is left out
    impression without candidates               counted, left out
    history click on an unknown story           counted, the click is left out
    time that cannot be read                    counted, NaT
    byte-order mark, Windows line ends          counted, read as if they were not there
    blank line between others                   counted, left out

Ranking a part of a list is another task than ranking the list, hence no impression loses single candidates.
An impression without a click, or with nothing but clicks, is kept. Story ids are opaque; where candidates
carry no labels, an id must not end in -0 or -1. Any other character belongs to its field, NUL and a lone
carriage return too.
"""

from pathlib import Path

from tinynewsrec.data.mind_behaviors import read_impressions
from tinynewsrec.data.mind_news import read_news
from tinynewsrec.data.tables import Split
from tinynewsrec.data.text_columns import add_up

FILES = ("news.tsv", "behaviors.tsv")
WHERE_TO_GET_IT = (
    "MIND is published at https://msnews.github.io; `python -m training.download mind-small --to DIR` "
    "fetches it into DIR/train and DIR/dev."
)


def is_mind(folder: Path) -> bool:
    return any((folder / name).exists() for name in FILES)


def read_mind(folder: Path) -> Split:
    """Reads one part of MIND, named after its folder. Raises DataError and FileNotFoundError."""
    for name in FILES:
        if not (folder / name).is_file():
            raise FileNotFoundError(
                f"{folder / name} is missing: a MIND folder holds {' and '.join(FILES)}. {WHERE_TO_GET_IT}"
            )
    news, about_news = read_news(folder / "news.tsv")
    impressions, about_impressions = read_impressions(folder / "behaviors.tsv", news)
    return Split(f"MIND, {folder.resolve().name}", news, impressions, add_up(about_news + about_impressions))
