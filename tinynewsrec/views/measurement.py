"""What a measurement of the Speed tab found, kept for all pages until the next one."""

import time
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from tinynewsrec.analysis.latency import ROUNDS_FOR_P95, Machine, Timing, summarise
from tinynewsrec.views.workspace import Workspace

KEY = ("speed", "measured")
JOBS = 3  # of each model, side by side: tokenising, encoding, ranking


class Measurement(NamedTuple):
    """Times in milliseconds, for a title and for ranking one impression; one Timing for each model."""

    settings: tuple[int, int]
    """Titles and titles in a batch, as asked for."""
    titles: int
    rounds: int
    asked: int
    """Rounds that were asked for; more than `rounds` where it was stopped."""
    tokenising: list[Timing]
    encoding: list[Timing]
    ranking: list[Timing]
    machine: Machine
    data: str
    when: float
    """Seconds since 1970."""

    @classmethod
    def of(
        cls, options: Any, titles: int, seconds: Float[np.ndarray, "R J"], machine: Machine, data: str
    ) -> "Measurement":
        kinds = [seconds[:, job::JOBS].T * 1000 for job in range(JOBS)]
        tokenising, encoding, ranking = (
            [summarise(column / share) for column in kind]
            for kind, share in zip(kinds, (titles, titles, 1), strict=True)
        )
        return cls(
            (options.titles, options.batch),
            titles,
            len(seconds),
            options.rounds,
            tokenising,
            encoding,
            ranking,
            machine,
            data,
            time.time(),
        )

    def told(self) -> dict[str, Any]:
        """What a script shows."""
        return {
            "titles": self.titles,
            "batch": min(self.settings[1], self.titles),
            "rounds": self.rounds,
            "asked": self.asked,
            "data": self.data,
            "when": self.when,
            "machine": self.machine._asdict(),
            "tail": ROUNDS_FOR_P95,
            "models": [
                {
                    "tokenising": tokenising.median,
                    "encoding": encoding._asdict() | {"noisy": encoding.noisy},
                    "ranking": ranking.median,
                }
                for tokenising, encoding, ranking in zip(
                    self.tokenising, self.encoding, self.ranking, strict=True
                )
            ],
        }


def measurement_of(workspace: Workspace, options: Any) -> Measurement | None:
    """The latest one, where it was made with these settings."""
    found = workspace.results.get(KEY)
    return found if found and found.settings == (options.titles, options.batch) else None


def some_titles(workspace: Workspace, count: int) -> list[str]:
    """Titles spread evenly over the news table."""
    titles = workspace.split.news.texts("title")
    return [titles[row] for row in np.linspace(0, len(titles) - 1, min(count, len(titles))).astype(int)]
