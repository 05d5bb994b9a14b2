"""Changes of a reader or a headline for behavioural tests, and what each should do to the list.

Ribeiro et al. (2020, CheckList), Chia et al. (2022, RecList).
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Int

from tinynewsrec.analysis.edits import edited
from tinynewsrec.analysis.rewrites import Rewrite, shorten, synonym, typo
from tinynewsrec.data.tables import Impression, Split

Expectation = Literal["stay", "not fall", "not rise"]
SWITCHED = 10  # clicks of another category that replace a history


class Example(NamedTuple):
    """One change of one impression."""

    row: int
    """The impression."""
    watched: tuple[int, ...]
    """Candidates, by their place."""
    history: tuple[int, ...] | None = None
    """The other clicks, by story; None for the reader's own."""
    story: int = -1
    """Whose headline is rewritten; -1 for none."""
    title: str = ""
    """The new headline."""


class Visit(NamedTuple):
    """What an example is made of."""

    split: Split
    row: int
    looked_at: int
    random: np.random.Generator

    @property
    def impression(self) -> Impression:
        return self.split.impressions[self.row]


def readers(split: Split, count: int, seed: int) -> Int[np.ndarray, " R"]:
    """A random sample of impressions with clicks before them and two candidates or more."""
    impressions = split.impressions
    usable = np.flatnonzero((impressions.history.lengths > 0) & (impressions.candidates.lengths > 1))
    return np.sort(np.random.default_rng(seed).permutation(usable)[:count])


def examples(
    test: str, split: Split, rows: Int[np.ndarray, " R"], seed: int, looked_at: int
) -> list[Example]:
    """The test on these impressions; those that it does not apply to give none.

    `looked_at` is how many of the latest clicks every model looks at.
    """
    make = TESTS[test].example
    found = (make(Visit(split, int(row), looked_at, np.random.default_rng((seed, int(row))))) for row in rows)
    return [example for example in found if example]


def reworded(rule: Callable[[str], Iterator[Rewrite]], visit: Visit) -> Example | None:
    """The first candidate, clicked ones first, that the rule applies to."""
    candidates, titles = visit.impression.candidates, visit.split.news.columns["title"]
    for place in clicked_first(visit.impression).tolist():
        title = titles[int(candidates[place])].as_py()
        if rewrite := next(rule(title), None):
            return Example(visit.row, (place,), story=int(candidates[place]), title=rewrite.of(title))
    return None


def clicked_first(impression: Impression) -> Int[np.ndarray, " C"]:
    clicked = np.zeros(len(impression.candidates), bool) if impression.clicked is None else impression.clicked
    return np.argsort(~clicked, kind="stable")


def twice(visit: Visit) -> Example:
    return with_history(visit, edited(visit.impression.history, "double"))


def shuffled(visit: Visit) -> Example:
    """Only the clicks that are looked at change places, so that none is forgotten for another."""
    older, latest = np.split(visit.impression.history, [-visit.looked_at])
    return with_history(visit, np.concatenate([older, visit.random.permutation(latest)]))


def with_history(visit: Visit, history: Int[np.ndarray, " H"]) -> Example:
    """All candidates are watched."""
    return Example(visit.row, tuple(range(len(visit.impression.candidates))), tuple(history.tolist()))


def no_history(visit: Visit) -> Example | None:
    """What was clicked is watched: without its reader's history it should not stand higher."""
    clicked = visit.impression.clicked
    if clicked is None or clicked.all() or not clicked.any():
        return None
    return Example(visit.row, tuple(np.flatnonzero(clicked).tolist()), ())


def other_category(visit: Visit) -> Example | None:
    """The history becomes one of another category, of which the list has some candidates, not all."""
    impression = visit.impression
    names = visit.split.news.columns["category"].combine_chunks().dictionary_encode()
    category = names.indices.to_numpy()
    offered = category[impression.candidates]
    clicks = np.bincount(category[impression.history], minlength=len(names.dictionary))
    rarest = min(set(offered.tolist()), key=lambda topic: (clicks[topic], names.dictionary[topic].as_py()))
    pool = np.setdiff1d(np.flatnonzero(category == rarest), impression.candidates)
    watched = np.flatnonzero(offered == rarest)
    if len(pool) < SWITCHED or len(watched) == len(offered):
        return None
    history = visit.random.permutation(pool)[:SWITCHED]
    return Example(visit.row, tuple(watched.tolist()), tuple(history.tolist()))


class Test(NamedTuple):
    expects: Expectation
    example: Callable[[Visit], Example | None]

    __test__ = False  # not one of pytest's


TESTS = {
    "typo": Test("stay", partial(reworded, typo)),
    "synonym": Test("stay", partial(reworded, synonym)),
    "shorter headline": Test("stay", partial(reworded, shorten)),
    "every click twice": Test("stay", twice),
    "other order": Test("stay", shuffled),
    "no history": Test("not rise", no_history),
    "other category": Test("not fall", other_category),
}
