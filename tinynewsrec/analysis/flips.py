"""The smallest change that puts one candidate behind another: fewest clicks taken away, or fewest words.

The scores of a recommender that pools clicks by attention alone differ by sum(w d) / sum(w) over the clicks
it looks at: w is a click's attention before it is normalised, d the product of its vector with the difference
of the candidates. The sign is that of sum(w d), so of all ways to take k clicks away none does more than
taking the k largest w d. Of L clicks that are looked at, k less means choosing from the latest L + k.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from itertools import combinations, islice
from math import comb
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float

from tinynewsrec.analysis.rescoring import scores_of_each
from tinynewsrec.evaluation.vectors import encode_news
from tinynewsrec.model.recommender import Recommender

TOGETHER = 64  # changes that are scored at once
BUDGET = 600  # changes that are tried before the search gives up

Places = tuple[int, ...]
Lead = Callable[[Sequence[Places]], Float[np.ndarray, " tried"]]
"""How far the first candidate is ahead once the items in these places are gone; negative: it is behind."""


class Flip(NamedTuple):
    """The state of a search; the last one says how it ended."""

    most: int
    """What may be taken away at most."""
    gone: Places | None = None
    """What to take away; None where nothing that was tried is enough."""
    least: int = 0
    """No fewer do it, which is proved: a flip of as many is the smallest."""
    tried: int = 0
    finished: bool = False

    @property
    def smallest(self) -> bool:
        return self.gone is not None and len(self.gone) <= self.least

    @property
    def impossible(self) -> bool:
        """Proved, too: nothing that may be taken away does it."""
        return self.gone is None and self.least > self.most


Search = Generator[Flip, None, Flip]


def fewest_clicks(
    recommender: Recommender,
    history: Float[np.ndarray, "H D"],
    ahead: Float[np.ndarray, " D"],
    behind: Float[np.ndarray, " D"],
    budget: int = BUDGET,
) -> Iterator[Flip]:
    """The fewest clicks without which `ahead` scores lower than `behind`, all of them included.

    Exact at once for attention pooling; of a user encoder with self-attention it is searched for.
    """
    lead = lead_without_clicks(recommender, history, np.stack([ahead, behind]))
    if recommender.user_encoder.mix is None:
        yield best_of_each_size(best_removals(recommender, history, ahead - behind), lead)
    else:
        yield from fewest(len(history), lead, budget)


def lead_without_clicks(
    recommender: Recommender, history: Float[np.ndarray, "H D"], pair: Float[np.ndarray, "2 D"]
) -> Lead:
    def lead(removals: Sequence[Places]) -> Float[np.ndarray, " tried"]:
        every = np.arange(len(history))
        kept = [np.delete(every, np.array(places, dtype=int)) for places in removals]
        scores = scores_of_each(recommender, history, kept, pair)
        return scores[:, 0] - scores[:, 1]

    return lead


def best_removals(
    recommender: Recommender, history: Float[np.ndarray, "H D"], difference: Float[np.ndarray, " D"]
) -> list[Places]:
    """Of each number of clicks, from none to all, those whose removal does most."""
    pushes = pushes_of(recommender, history, difference)
    looked_at = recommender.config.history_length
    removals = []
    for count in range(len(history) + 1):
        first = max(0, len(history) - looked_at - count)
        worst = np.argsort(-pushes[first:], kind="stable")[:count]
        removals.append(tuple(sorted((first + worst).tolist())))
    return removals


@torch.no_grad()
def pushes_of(
    recommender: Recommender, history: Float[np.ndarray, "H D"], difference: Float[np.ndarray, " D"]
) -> Float[np.ndarray, " H"]:
    """What each click does for the first candidate, up to a factor that all of them share."""
    clicks = torch.from_numpy(history)[None]
    every = torch.ones(clicks.shape[:2], dtype=torch.bool)
    weights = recommender.user_encoder.pool.weights(clicks, every)[0]
    return (weights * (clicks[0] @ torch.from_numpy(difference))).numpy()


def best_of_each_size(removals: Sequence[Places], lead: Lead) -> Flip:
    """The first that flips; each is the best of its size."""
    flips = np.flatnonzero(lead(removals) < 0)
    if not len(flips):
        return Flip(len(removals) - 1, None, len(removals), len(removals), True)
    return Flip(len(removals) - 1, removals[flips[0]], int(flips[0]), len(removals), True)


def fewest_words(
    recommender: Recommender,
    reader: Float[np.ndarray, " D"],
    title: str,
    behind: float,
    budget: int = BUDGET,
) -> Iterator[Flip]:
    """The fewest words of a headline without which it scores lower than `behind`; one word is always left.

    `reader` is the reader's vector, places count the words between spaces.
    """
    words = title.split()

    def lead(removals: Sequence[Places]) -> Float[np.ndarray, " tried"]:
        titles = [without(words, places) for places in removals]
        return encode_news(recommender, recommender.tokens(titles)) @ reader - np.float32(behind)

    yield from fewest(len(words), lead, budget, most=len(words) - 1)


def without(words: Sequence[str], places: Places) -> str:
    return " ".join(word for place, word in enumerate(words) if place not in places)


def fewest(count: int, lead: Lead, budget: int, most: int | None = None) -> Iterator[Flip]:
    """Searches the smallest set of items to take away, at most `most` (all, if None), in `budget` tries.

    One after another the item that does most is taken away until that flips; then every smaller set is tried
    while the budget lasts. Yields after each few tries.
    """
    state = Flip(count if most is None else most)
    state = yield from greedy(count, lead, budget, state)
    largest = state.most if state.gone is None else len(state.gone) - 1
    for size in range(state.least, largest + 1):
        if state.tried + comb(count, size) > budget or state.smallest:
            break
        state = yield from every_set(count, size, lead, state)
    yield state._replace(finished=True)


def greedy(count: int, lead: Lead, budget: int, state: Flip) -> Search:
    """Each step keeps what was taken away before; up to the first item it tries all there is."""
    kept: list[Places] = [()]
    for size in range(state.most + 1):
        if state.tried + len(kept) > budget:
            break
        leads = np.concatenate([lead(part) for part in parts(kept)])
        gone, flips = kept[int(leads.argmin())], leads.min() < 0
        least = min(size + (not flips), 2)
        state = state._replace(gone=gone if flips else None, least=least, tried=state.tried + len(kept))
        yield state
        if flips:
            break
        kept = [tuple(sorted((*gone, item))) for item in range(count) if item not in gone]
    return state


def every_set(count: int, size: int, lead: Lead, state: Flip) -> Search:
    """Tries all sets of that size; returns with the one that does most, if any flips."""
    best, lowest = state.gone, 0.0
    for sets in parts(combinations(range(count), size)):
        leads = lead(sets)
        if leads.min() < lowest:
            best, lowest = sets[int(leads.argmin())], float(leads.min())
        state = state._replace(tried=state.tried + len(sets))
        yield state
    return state._replace(gone=best, least=size + (lowest == 0))


def parts(sets: Iterable[Places]) -> Iterator[list[Places]]:
    sets = iter(sets)
    while part := list(islice(sets, TOGETHER)):
        yield part
