"""Writes the bundled sample: invented stories, and simulated readers who click on them, in MIND's format.

python -m training.simulate_readers --stories assets/sample/stories.jsonl --out assets/sample --seed 0

The stories are of seven days. Readers click as training.click_model says. As in MIND, the history of a
reader is what they clicked before the days of a split, the same for all their impressions there.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow.parquet as pq
import tyro

from tinynewsrec.commands import readable_errors
from tinynewsrec.data.gold import LABELS
from training.click_model import ClickModel, Life, Visit, simulate
from training.mind_format import history, write_labels, write_split
from training.sample_stories import Stories, read_stories
from training.sample_truth import rankings, truth_of_impressions, truth_of_readers

NOTICE = "Invented stories and simulated readers; not real people or news."


class Days(NamedTuple):
    """The days of a split's impressions; the clicks of the days before are its histories."""

    first: int
    last: int


SPLITS = {"train": Days(4, 6), "dev": Days(7, 7)}


@dataclass(frozen=True)
class Arguments:
    stories: Path
    """The invented stories, one JSON object per line."""
    out: Path
    """Folder for train/, dev/, labels.jsonl and SAMPLE.json."""
    seed: int = 0
    """The same seed writes the same files."""
    readers: int = 900
    model: ClickModel = ClickModel()


def main(arguments: Arguments) -> None:
    stories = read_stories(arguments.stories)
    lives = simulate(stories, arguments.model, arguments.readers, arguments.seed)
    visits = {name: visits_of(lives, days, arguments.seed) for name, days in SPLITS.items()}
    for name, days in SPLITS.items():
        folder = arguments.out / name
        write_split(folder, stories, lives, visits[name], days.first)
        seen = [lives[row] for row in sorted({visit.reader for visit in visits[name]})]
        truth = truth_of_readers(seen, stories, arguments.model, *days)
        pq.write_table(truth, folder / "truth_readers.parquet", compression="zstd")
    write_labels(arguments.out / LABELS, stories)
    utilities = truth_of_impressions(visits["dev"])
    pq.write_table(utilities, arguments.out / "dev" / "truth_impressions.parquet", compression="zstd")
    write_summary(arguments, stories, lives, visits)


def visits_of(lives: Sequence[Life], days: Days, seed: int) -> list[Visit]:
    """The impressions of a split, shuffled as MIND's are."""
    visits = [visit for life in lives for visit in life.visits if days.first <= visit.day <= days.last]
    if not visits:
        raise ValueError(f"Expected visits on days {days.first} to {days.last}, found none; raise --readers.")
    return [visits[row] for row in np.random.default_rng((seed, len(lives))).permutation(len(visits))]


def write_summary(
    arguments: Arguments, stories: Stories, lives: Sequence[Life], visits: dict[str, list[Visit]]
) -> None:
    files = sorted(path for name in SPLITS for path in (arguments.out / name).iterdir())
    files.append(arguments.out / LABELS)
    summary = {
        "name": "invented sample",
        "notice": NOTICE,
        "seed": arguments.seed,
        "readers": arguments.readers,
        "click_model": asdict(arguments.model),
        "subcategories": [name for _, name in stories.subcategories],
        "counts": {name: counts(lives, visits[name], days.first) for name, days in SPLITS.items()},
        "percent": {"dev": rankings(stories, visits["train"], visits["dev"])},
        "sha256": {str(path.relative_to(arguments.out).as_posix()): digest(path) for path in files},
    }
    text = json.dumps(summary, indent=2, ensure_ascii=False) + "\n"
    (arguments.out / "SAMPLE.json").write_text(text, encoding="utf-8", newline="\n")


def counts(lives: Sequence[Life], visits: Sequence[Visit], day: int) -> dict[str, int]:
    lengths = [len(history(lives[row], day)) for row in sorted({visit.reader for visit in visits})]
    return {
        "impressions": len(visits),
        "readers": len(lengths),
        "readers without history": lengths.count(0),
        "longest history": max(lengths),
        "candidates": sum(len(visit.candidates) for visit in visits),
        "clicks": sum(int(visit.clicked.sum()) for visit in visits),
        "accidental clicks": sum(int(visit.accident.sum()) for visit in visits),
    }


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    with readable_errors():
        main(tyro.cli(Arguments, description=__doc__))
