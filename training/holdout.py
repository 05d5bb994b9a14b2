"""Choosing without looking at dev: the last day of the training data is held back instead.

MIND's format cannot say when a story was published, nor in which language, so EB-NeRD stays EB-NeRD.

python -m training.holdout --data assets/sample/train --out held-out
"""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import tyro
from rich import print

from tinynewsrec.commands import readable_errors
from tinynewsrec.data.ebnerd import ARTICLES, find_articles, is_ebnerd
from tinynewsrec.data.gold import LABELS, find_labels
from tinynewsrec.data.read import SAMPLE, read_split
from tinynewsrec.data.tables import Impression, Impressions, News, Split
from tinynewsrec.model.folder import write_json
from training.mind_format import clock, write_lines

PARTS = ("train", "dev")


@dataclass(frozen=True)
class Arguments:
    data: Path
    """Folder of a split to train on."""
    out: Path
    """Where to write the folders `train`, all days but the last, and `dev`, the last."""


def main(arguments: Arguments) -> None:
    split = read_split(arguments.data)
    for name, part in zip(PARTS, hold_out_last_day(split), strict=True):
        (arguments.out / name).mkdir(parents=True, exist_ok=True)
        if not is_ebnerd(arguments.data):
            write_mind(part, arguments.out / name)
        print(f"{part.name}: {len(part.impressions):,} impressions")
    if is_ebnerd(arguments.data):
        write_ebnerd(arguments.data, arguments.out, last_day(split))
    if (labels := find_labels(arguments.data)) is not None:
        shutil.copy(labels, arguments.out / LABELS)
    write_json({"name": f"{split.name}, last day held out"}, arguments.out / SAMPLE)


def hold_out_last_day(split: Split) -> tuple[Split, Split]:
    """The impressions before the last day, and those of it; without a known time they count as before.

    Raises ValueError where there is only one day.
    """
    last = last_day(split)
    held = split.impressions.times.astype("datetime64[D]") == last
    return (
        part_of(split, f"{split.name}, before {last}", ~held),
        part_of(split, f"{split.name}, {last} held out", held),
    )


def last_day(split: Split) -> np.datetime64:
    days = np.unique(split.impressions.times.astype("datetime64[D]"))
    known = days[~np.isnat(days)]
    if len(known) < 2:
        raise ValueError(
            f"{split.name} has impressions of one day only; holding out the last leaves nothing to train on."
        )
    return known[-1]


def part_of(split: Split, name: str, kept: np.ndarray) -> Split:
    return replace(split, name=name, impressions=split.impressions.take(np.flatnonzero(kept)))


def write_ebnerd(source: Path, out: Path, last: np.datetime64) -> None:
    """The published files, with the visits of each part alone."""
    visits = pq.read_table(source / "behaviors.parquet")
    held = visits["impression_time"].to_numpy().astype("datetime64[D]") == last
    for name, kept in zip(PARTS, (~held, held), strict=True):
        pq.write_table(visits.filter(pa.array(kept)), out / name / "behaviors.parquet")
        shutil.copy(source / "history.parquet", out / name)
    shutil.copy(find_articles(source), out / ARTICLES)


def write_mind(split: Split, folder: Path) -> None:
    """As MIND's two files, with the stories that the impressions name: later ones are unknown."""
    impressions = split.impressions
    met = np.unique(np.concatenate([impressions.history.named, impressions.candidates.values]))
    write_lines(folder / "news.tsv", news_lines(split.news, met))
    write_lines(folder / "behaviors.tsv", behavior_lines(impressions, split.news))


def news_lines(news: News, rows: np.ndarray) -> Iterator[Sequence[str]]:
    names = ("id", "category", "subcategory", "title", "abstract", "title_entities", "abstract_entities")
    for row in news.columns.take(rows).select(names).to_pylist():
        *texts, title_entities, abstract_entities = row.values()
        yield (*texts, "", title_entities, abstract_entities)


def behavior_lines(impressions: Impressions, news: News) -> Iterator[Sequence[str]]:
    ids = np.array(news.texts("id"), dtype=object)
    for row in range(len(impressions)):
        impression = impressions[row]
        time = "" if np.isnat(impression.time) else clock(impression.time.astype(object))
        shown = " ".join(labelled(impression, ids))
        yield (impression.id, impression.reader, time, " ".join(ids[impression.history]), shown)


def labelled(impression: Impression, ids: np.ndarray) -> Iterator[str]:
    labels = [""] * len(impression.candidates)
    if impression.clicked is not None:
        labels = [f"-{int(clicked)}" for clicked in impression.clicked]
    return (f"{ids[row]}{label}" for row, label in zip(impression.candidates, labels, strict=True))


if __name__ == "__main__":
    with readable_errors():
        main(tyro.cli(Arguments, description=__doc__))
