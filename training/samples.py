"""Draws training cases from impressions: each click with stories shown beside it and not clicked."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from tinynewsrec.data.batches import EMPTY, Batch, collate, pad
from tinynewsrec.data.tables import Impressions, Ragged
from tinynewsrec.data.tokens import Stories
from training.config import TrainConfig


@dataclass(frozen=True)
class Clicks:
    """Every click with something to be preferred to: its impression, its place among all candidates."""

    impression: np.ndarray
    place: np.ndarray
    skipped: int
    """Impressions without a click, or with nothing but clicks: there is no preference to learn."""

    def __len__(self) -> int:
        return len(self.impression)


def find_clicks(impressions: Impressions) -> Clicks:
    """Raises ValueError for a test set, which has no clicks."""
    if impressions.clicked is None:
        raise ValueError("This split has no clicks to learn from: it is a test set. Train on a train split.")
    place = np.flatnonzero(impressions.clicked)
    impression = np.searchsorted(impressions.candidates.offsets, place, side="right") - 1
    clicks = np.bincount(impression, minlength=len(impressions))
    mixed = (clicks > 0) & (clicks < impressions.candidates.lengths)
    kept = mixed[impression]
    return Clicks(impression[kept], place[kept], int((~mixed).sum()))


class Dealt:
    """Batches as a function of the step alone: a resumed run sees what the killed one would have."""

    batch_size: int
    seed: int

    @property
    def cases(self) -> int:
        """In an epoch."""
        raise NotImplementedError

    @property
    def steps_per_epoch(self) -> int:
        """Cases that do not fill a batch wait for another epoch's order."""
        return max(1, self.cases // self.batch_size)

    def chosen(self, step: int) -> tuple[np.ndarray, np.random.Generator]:
        """The cases of a step, and lots for whatever else is drawn in it."""
        epoch, place = divmod(step, self.steps_per_epoch)
        order = order_of(self.seed, epoch, self.cases)
        rows = order[place * self.batch_size : (place + 1) * self.batch_size]
        return rows, np.random.default_rng([self.seed, epoch, place])


def share(count: int, part: int, parts: int) -> slice:
    """One of the equal parts that a batch is dealt in."""
    return slice(part * count // parts, (part + 1) * count // parts)


@dataclass(frozen=True)
class Sampler(Dealt):
    impressions: Impressions
    clicks: Clicks
    tokens: Stories
    history_length: int
    batch_size: int
    negatives: int
    drop_history: float
    """Share of clicks shown without their reader's history, so that the newcomer's vector is learnt."""
    seed: int

    @property
    def cases(self) -> int:
        return len(self.clicks)

    def batch(self, step: int, part: int = 0, parts: int = 1) -> Batch:
        """The batch of a step, or one of its equal parts."""
        chosen, draw = self.chosen(step)
        impression = self.clicks.impression[chosen]
        candidates = self.draw_candidates(chosen, draw)
        history = pad(self.impressions.history.take(impression), self.history_length)
        history[draw.random(len(history)) < self.drop_history] = EMPTY
        mine = share(len(chosen), part, parts)
        clicked = np.zeros(candidates.shape, dtype=bool)
        clicked[:, 0] = True
        return collate(history, candidates, clicked, self.tokens, mine)

    def draw_candidates(self, chosen: np.ndarray, draw: np.random.Generator) -> np.ndarray:
        """The clicked story, then some shown beside it and not clicked; EMPTY where there are no more."""
        shown = self.impressions.candidates.take(self.clicks.impression[chosen])
        clicked = Ragged(self.impressions.clicked, self.impressions.candidates.offsets)
        stories = pad(shown)
        lots = draw.random(stories.shape)
        lots[(stories == EMPTY) | (pad(clicked.take(self.clicks.impression[chosen])) == 1)] = np.inf
        order = np.argsort(lots, axis=1)[:, : self.negatives]
        drawn = np.take_along_axis(stories, order, axis=1)
        drawn[np.isinf(np.take_along_axis(lots, order, axis=1))] = EMPTY
        positive = self.impressions.candidates.values[self.clicks.place[chosen]]
        return np.concatenate([positive[:, None], drawn], axis=1).astype(np.int64)


def refuse_uneven(training: TrainConfig, cases: int, processes: int, name: str) -> None:
    """Raises ValueError where a batch cannot be dealt to all processes and parts alike."""
    parts = training.accumulate * processes
    if (batch := min(training.batch_size, cases)) % parts or not batch:
        raise ValueError(
            f"A batch must be a multiple of {parts}, the parts that it is computed in; got a batch_size of "
            f"{training.batch_size}, and {cases} cases in {name}."
        )


@lru_cache(maxsize=1)
def order_of(seed: int, epoch: int, count: int) -> np.ndarray:
    """The clicks of an epoch in the order in which they are seen."""
    return np.random.default_rng([seed, epoch]).permutation(count)
