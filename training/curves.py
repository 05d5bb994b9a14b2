"""What a run says while it runs: a progress bar, and one line of JSON for each step."""

import json
import time
from pathlib import Path

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)


class Curves:
    """Keeps the lines of the steps before `done`; those a killed run wrote after its last state go."""

    def __init__(self, path: Path, done: int, steps: int, shown: bool):
        self.path, self.done, self.steps, self.shown = path, done, steps, shown
        self.progress = Progress(
            TextColumn("step"),
            MofNCompleteColumn(),
            BarColumn(),
            TextColumn("{task.fields[losses]}"),
            TextColumn("{task.fields[speed]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            disable=not shown,
        )

    def __enter__(self) -> "Curves":
        if self.shown:
            keep_lines(self.path, self.done)
            self.file = open(self.path, "a")
        self.progress.start()
        self.bar = self.progress.add_task("", total=self.steps, completed=self.done, losses="", speed="")
        self.started = time.perf_counter()
        return self

    def add(self, step: int, losses: dict[str, float], learning_rate: float) -> None:
        if not self.shown:
            return
        seconds = time.perf_counter() - self.started
        rounded = {name: round(loss, 5) for name, loss in losses.items()}
        line = {"step": step, "losses": rounded, "learning_rate": learning_rate, "seconds": round(seconds, 2)}
        self.file.write(json.dumps(line) + "\n")
        self.file.flush()
        self.progress.update(
            self.bar,
            completed=step,
            losses=" ".join(f"{name} {loss:.3f}" for name, loss in losses.items()),
            speed=f"{(step - self.done) / seconds:.2f} steps/s",
        )

    def __exit__(self, *failure: object) -> None:
        self.progress.stop()
        if self.shown:
            self.file.close()


def keep_lines(path: Path, count: int) -> None:
    """Of what a killed run wrote only the first `count` lines stay."""
    lines = path.read_text().splitlines()[:count] if path.exists() else []
    path.write_text("".join(line + "\n" for line in lines))
