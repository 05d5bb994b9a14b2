"""Times the reading of invented data of MIND-large's shape, and its peak memory, in a process of its own.

python -m training.benchmark_reading --impressions 2200000
"""

import multiprocessing
import resource
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import tyro

from tinynewsrec.commands import readable_errors
from tinynewsrec.data.read import read_split

IMPRESSIONS_AT_ONCE = 50_000
TITLE_WORDS, ABSTRACT_WORDS = 11, 35
ENTITIES = (
    '[{"Label": "Invented Place", "Type": "G", "WikidataId": "Q0", "Confidence": 1.0, '
    '"OccurrenceOffsets": [%d], "SurfaceForms": ["Place"]}]'
)


@dataclass(frozen=True)
class Arguments:
    impressions: int = 2_200_000
    """Lines of behaviors.tsv."""
    stories: int = 100_000
    """Lines of news.tsv."""
    readers: int = 700_000
    history: int = 33
    """Mean clicks in a history; lengths are spread geometrically."""
    candidates: int = 37
    """Mean candidates of an impression, spread likewise."""
    seed: int = 0


class Measurement(NamedTuple):
    impressions: int
    seconds: float
    processor_seconds: float  # of all threads
    peak_gigabytes: float  # resident, the interpreter and its libraries included


def main(arguments: Arguments) -> None:
    with tempfile.TemporaryDirectory() as folder:
        write_mind(Path(folder), arguments)
        size = sum(path.stat().st_size for path in Path(folder).iterdir()) / 1e9
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
            found = process.submit(measure, Path(folder)).result()
    print(
        f"{found.impressions:,} impressions, {size:.2f} GB of text: {found.seconds:.1f} s, "
        f"{found.processor_seconds:.1f} s of processor time, {found.peak_gigabytes:.2f} GB at the peak"
    )


def measure(folder: Path) -> Measurement:
    start, processor_start = time.perf_counter(), time.process_time()
    split = read_split(folder)
    seconds, processor_seconds = time.perf_counter() - start, time.process_time() - processor_start
    unit = 1 if sys.platform == "darwin" else 1024  # getrusage counts bytes on macOS, KiB elsewhere
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9
    return Measurement(len(split.impressions), seconds, processor_seconds, peak)


def write_mind(folder: Path, arguments: Arguments) -> None:
    random = np.random.default_rng(arguments.seed)
    ids = [f"N{number}" for number in random.permutation(arguments.stories) + 10_000]
    candidates = [
        f"{id}-{int(clicked)}" for id, clicked in zip(ids, random.random(len(ids)) < 0.04, strict=True)
    ]
    (folder / "news.tsv").write_text("".join(news_line(id, random) for id in ids))
    with open(folder / "behaviors.tsv", "w") as file:
        for first in range(0, arguments.impressions, IMPRESSIONS_AT_ONCE):
            count = min(IMPRESSIONS_AT_ONCE, arguments.impressions - first)
            histories = random_lines(ids, random.geometric(1 / (arguments.history + 1), count) - 1, random)
            shown = random_lines(candidates, random.geometric(1 / arguments.candidates, count), random)
            visits = zip(random.integers(0, arguments.readers, count), histories, shown, strict=True)
            for number, (reader, history, shown_stories) in enumerate(visits, start=first):
                time = f"11/{number % 7 + 9}/2019 {number % 12 + 1}:{number % 60:02}:00 AM"
                file.write(f"{number}\tU{reader}\t{time}\t{history}\t{shown_stories}\n")


def news_line(id: str, random: np.random.Generator) -> str:
    title = " ".join(f"word{number}" for number in random.integers(0, 30_000, TITLE_WORDS))
    abstract = " ".join(f"word{number}" for number in random.integers(0, 30_000, ABSTRACT_WORDS))
    entities = "\t".join(ENTITIES % offset for offset in random.integers(0, 40, 2))
    return f"{id}\tsports\ttennis\t{title}\t{abstract}\thttps://example.org/{id}\t{entities}\n"


def random_lines(words: list[str], lengths: np.ndarray, random: np.random.Generator) -> list[str]:
    """Lines of so many words each, drawn evenly: hard on the processor's caches, as real clicks are not."""
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    drawn = pa.array(words).take(pa.array(random.integers(0, len(words), offsets[-1])))
    return pc.binary_join(pa.ListArray.from_arrays(pa.array(offsets), drawn), " ").to_pylist()


if __name__ == "__main__":
    with readable_errors():
        main(tyro.cli(Arguments, description=__doc__))
