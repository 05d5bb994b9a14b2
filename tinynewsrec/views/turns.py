"""Runs what is slow one at a time, tells how far it is, and stops it when asked."""

from collections.abc import Callable, Iterator
from threading import Event, Lock
from typing import NamedTuple

from tinynewsrec.analysis.latency import Stopped

PATIENCE = 0.5  # seconds between two looks at whether it is this page's turn


class Progress(NamedTuple):
    """How far a slow computation is; `text` is already in the page's language."""

    text: str
    done: int = 0
    total: int = 0


Run = Callable[[Event], Iterator[Progress]]


class Turns:
    """One page computes at a time, for whatever runs beside a measurement would slow it."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.stops: dict[str, Event] = {}

    def take(self, page: str, waiting: Progress, run: Run) -> Iterator[Progress]:
        """What the run tells, once no other runs; the turn ends when the run does, or is thrown away."""
        stop = self.stops[page] = Event()
        try:
            while not self.lock.acquire(timeout=PATIENCE):
                if stop.is_set():
                    return
                yield waiting
            try:
                yield from until_stopped(run, stop)
            finally:
                self.lock.release()
        finally:
            self.stops.pop(page, None)

    def stop(self, page: str) -> None:
        if page in self.stops:
            self.stops[page].set()


def until_stopped(run: Run, stop: Event) -> Iterator[Progress]:
    try:
        for progress in run(stop):
            yield progress
            if stop.is_set():
                return
    except Stopped:
        return
