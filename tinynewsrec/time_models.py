"""Times checkpoints on this machine and keeps the figures beside them, for the Speed tab to show.

python -m tinynewsrec.time_models --checkpoints assets/checkpoints --data assets/sample/dev
"""

import json
import platform
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
import tyro
from rich import print

from tinynewsrec.analysis.latency import Timing, interleaved, summarise, this_machine
from tinynewsrec.checkpoints import open_checkpoints
from tinynewsrec.commands import readable_errors
from tinynewsrec.data.read import read_split
from tinynewsrec.evaluation.vectors import encode_news


@dataclass(frozen=True)
class Arguments:
    checkpoints: tuple[str, ...] = ("assets/checkpoints",)
    """Folders of checkpoints; each gets a file speed.json."""
    data: Path = Path("assets/sample/dev")
    """Folder of a split, for its titles."""
    titles: int = 64
    batch: int = 32
    rounds: int = 20
    threads: int = 2


def main(arguments: Arguments) -> None:
    torch.set_num_threads(arguments.threads)
    opened = open_checkpoints(arguments.checkpoints)
    models = [checkpoint.load() for checkpoint in opened]
    split = read_split(arguments.data)
    titles = split.news.texts("title")[: arguments.titles]
    tokens = [model.tokens(titles) for model in models]
    jobs = [
        partial(encode_news, model, found, batch_size=size)
        for model, found in zip(models, tokens, strict=True)
        for size in (1, arguments.batch)
    ]
    *_, seconds = interleaved(jobs, arguments.rounds)
    times = [summarise(1000 * column / len(titles)) for column in seconds.T]
    machine = this_machine(arguments.threads)._asdict() | {"processor": processor()}
    for place, checkpoint in enumerate(opened):
        found = {
            "checkpoint": checkpoint.content_hash,
            "data": split.name,
            "titles": len(titles),
            "batch": arguments.batch,
            "rounds": arguments.rounds,
            "machine": machine,
            "one": told(times[2 * place]),
            "batched": told(times[2 * place + 1]),
        }
        path = checkpoint.folder / "speed.json"
        path.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
        print(
            f"{path}: a title takes {found['one']['median']:.2f} ms alone, "
            f"{found['batched']['median']:.2f} ms among {arguments.batch}"
        )


def told(timing: Timing) -> dict[str, float]:
    return {name: value for name, value in timing._asdict().items() if value is not None}


def processor() -> str:
    """What the machine calls its processor."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.is_file() else []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())


if __name__ == "__main__":
    with readable_errors():
        main(tyro.cli(Arguments, description=__doc__))
