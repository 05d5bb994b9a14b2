"""Times several jobs on one machine, in turn, so that a busy moment meets all of them."""

import os
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from time import perf_counter
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

NOISY = 0.25  # spread over median from which numbers are not to be trusted
ROUNDS_FOR_P95 = 20  # with fewer, less than one round lies above it


class Stopped(Exception):
    """Raised by a job that was asked to stop; its round is not counted."""


class Timing(NamedTuple):
    """Of R rounds, in the unit of the rounds."""

    median: float
    low: float
    """First quartile."""
    high: float
    """Third quartile."""
    least: float
    p95: float | None
    """None where so few rounds would have to be interpolated."""
    rounds: int

    @property
    def spread(self) -> float:
        """The interquartile range as a share of the median."""
        return (self.high - self.low) / self.median if self.median else 0.0

    @property
    def noisy(self) -> bool:
        return self.spread > NOISY


class Machine(NamedTuple):
    """What a duration depends on besides the model."""

    cores: int
    threads: int
    """That torch computes with."""
    torch: str
    load: float
    """Processes that wanted to run, averaged over the last minute."""


def interleaved(
    jobs: Sequence[Callable[[], object]],
    rounds: int,
    warm_up: int = 1,
    clock: Callable[[], float] = perf_counter,
) -> Iterator[Float[np.ndarray, "R J"]]:
    """Runs every job once a round, each round in another order, and yields the seconds after each round.

    The warm-up rounds yield an empty table and are left out of it. What a job raises ends the measurement.
    """
    seconds = np.empty((warm_up + rounds, len(jobs)))
    for turn in range(warm_up + rounds):
        for job in np.roll(np.arange(len(jobs)), -turn):
            start = clock()
            jobs[job]()
            seconds[turn, job] = clock() - start
        yield seconds[warm_up : turn + 1].copy()


def summarise(durations: Float[np.ndarray, " R"]) -> Timing:
    """Raises ValueError where nothing was measured."""
    if not len(durations):
        raise ValueError("Expected at least one measured round, found none.")
    low, median, high, p95 = np.percentile(durations, (25, 50, 75, 95))
    tail = float(p95) if len(durations) >= ROUNDS_FOR_P95 else None
    return Timing(float(median), float(low), float(high), float(durations.min()), tail, len(durations))


def this_machine(threads: int) -> Machine:
    return Machine(os.cpu_count() or 1, threads, version("torch"), os.getloadavg()[0])
