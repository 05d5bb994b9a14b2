"""Choosing without looking at dev: the last day of the training data is held back instead.

python -m training.holdout --data assets/sample/train --out held-out
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import tyro
from rich import print

from tinynewsrec.commands import readable_errors
from tinynewsrec.data.read import SAMPLE, read_split
from tinynewsrec.data.tables import Impression, Impressions, News, Split
from tinynewsrec.model.folder import write_json
from training.mind_format import clock, write_lines


@dataclass(frozen=True)
class Arguments:
    data: Path
    """Folder of a split to train on."""
    out: Path
    """Where to write the folders `train`, all days but the last, and `dev`, the last."""


def main(arguments: Arguments) -> None:
    split = read_split(arguments.data)
    before, last = hold_out_last_day(split)
    for name, part in (("train", before), ("dev", last)):
        write_mind(part, arguments.out / name)
        print(f"{part.name}: {len(part.impressions):,} impressions")
    write_json({"name": f"{split.name}, last day held out"}, arguments.out / SAMPLE)


def hold_out_last_day(split: Split) -> tuple[Split, Split]:
    """The impressions before the last day, and those of it; without a known time they count as before.

    Raises ValueError where there is only one day.
    """
    days = split.impressions.times.astype("datetime64[D]")
    known = ~np.isnat(days)
    if len(np.unique(days[known])) < 2:
        raise ValueError(
            f"{split.name} has impressions of one day only; holding out the last leaves nothing to train on."
        )
    last = days[known].max()
    held = known & (days == last)
    return (
        part_of(split, f"{split.name}, before {last}", ~held),
        part_of(split, f"{split.name}, {last} held out", held),
    )


def part_of(split: Split, name: str, kept: np.ndarray) -> Split:
    return replace(split, name=name, impressions=split.impressions.take(np.flatnonzero(kept)))


def write_mind(split: Split, folder: Path) -> None:
    """As MIND's two files, with the stories that the impressions name: later ones are unknown."""
    folder.mkdir(parents=True, exist_ok=True)
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
