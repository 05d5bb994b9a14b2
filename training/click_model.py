"""Invented readers who click as these formulas say.

Reader r meets candidate s of storyline l and subcategory c on day d. The attraction of s is

    utility(r, s, d) = wi * log(1 + S * interest(r, c, d))     interests over the S subcategories
                     + wf * follow(r, l, d)                    the running matter that s belongs to
                     + tone(r) * sentiment(s)                  -1 negative, 0 neutral, 1 positive
                     + taste(r) * (appeal(s) - 3)              appeal 1 to 5, alike for everybody

    interest(r, c, 1)     = share of c's category * share of c within it, both drawn from Dirichlets
    interest(r, c, d + 1) = (1 - m) * interest(r, c, d) + m * another such draw
    follow(r, l, d)       = the larger of f, for the few storylines r is drawn to from the start,
                            and g ** (days since r last clicked a story of l)
    tone(r) ~ Normal(0, t), taste(r) ~ |Normal(a, a / 2)|

Of C candidates K are clicked. Each of these clicks is, with probability e, an accident. The others are
drawn first, one after another without replacement, in proportion to exp(utility); then the accidents,
uniform over the candidates that are left, likewise without replacement. The letters are the fields of
ClickModel. An oracle knows utility(r, s, d), but neither draw.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from training.sample_stories import DAYS, Stories

NEVER = -10_000  # a day so long ago that following since then has come down to zero
FEWEST_STORIES = 100  # a day; the longest list of candidates, and what a busy reader has clicked already


@dataclass(frozen=True)
class ClickModel:
    """The weights of the formulas above, and how often readers come and what they are shown."""

    interest: float = 1.9
    """wi: weight of the interest in the subcategory."""
    breadth: float = 0.04
    """Concentration of the Dirichlet over categories; the lower, the fewer a reader cares for."""
    variety: float = 6.0
    """Concentration of the Dirichlet over the subcategories within a category."""
    drift: float = 0.02
    """m: share of the interests that is drawn anew every night."""
    storyline: float = 5.0
    """wf: weight of following a storyline."""
    drawn: float = 0.6
    """f: how much a reader follows a storyline by taste alone."""
    memory: float = 0.85
    """g: share of the following that is left a day later."""
    tone: float = 0.5
    """t: how far readers differ in the sentiment that they like."""
    appeal: float = 0.25
    """a: weight of the general appeal of a story."""
    accident: float = 0.15
    """e: share of the clicks that mean nothing."""
    visits: float = 3.2
    """Impressions per reader and day, on average."""
    yesterday: float = 0.2
    """Weight, against 1 for a story of the day, with which one of the day before is shown."""
    click_counts: tuple[float, ...] = (0.8, 0.14, 0.04, 0.02)
    """Shares of the impressions with 1, 2, 3 and 4 clicks."""


class Reader(NamedTuple):
    """What is true of a reader; `interests` sum to one on every day."""

    id: str
    arrives: int  # the first day
    visits: float  # expected impressions per day
    interests: Float[np.ndarray, "D S"]
    tone: float
    appeal: float
    drawn: Float[np.ndarray, " L"]  # f for the storylines followed by taste, else 0


class Visit(NamedTuple):
    """One impression, with what only the simulator knows of it."""

    reader: int
    day: int
    second: int  # of the day
    candidates: Int[np.ndarray, " C"]  # rows of the stories, in the order shown
    clicked: Bool[np.ndarray, " C"]
    accident: Bool[np.ndarray, " C"]  # clicked by accident
    utility: Float[np.ndarray, " C"]


class Life(NamedTuple):
    reader: Reader
    visits: list[Visit]  # in the order of time

    def before(self, day: int) -> list[Visit]:
        return [visit for visit in self.visits if visit.day < day]


def simulate(stories: Stories, model: ClickModel, readers: int, seed: int) -> list[Life]:
    """Each reader has their own random stream: more readers change none of the others. Raises ValueError."""
    fewest = int(np.bincount(stories.day, minlength=DAYS + 1)[1:].min())
    if fewest < FEWEST_STORIES:
        raise ValueError(
            f"Expected at least {FEWEST_STORIES} stories on each of {DAYS} days, found a day with {fewest}."
        )
    lives = []
    for row in range(readers):
        stream = np.random.default_rng((seed, row))
        reader = draw_reader(f"U{row + 1}", stories, model, stream)
        lives.append(Life(reader, live(row, reader, stories, model, stream)))
    return lives


def draw_reader(id: str, stories: Stories, model: ClickModel, stream: np.random.Generator) -> Reader:
    interests = [draw_interests(stories, model, stream) for _ in range(DAYS)]
    for day in range(1, DAYS):
        interests[day] = (1 - model.drift) * interests[day - 1] + model.drift * interests[day]
    affinity = interests[0][stories.storyline_subcategories]
    affinity[-1] = 0  # nobody follows the absence of a storyline
    return Reader(
        id,
        arrives=int(stream.choice([1, 4, 7], p=[0.93, 0.04, 0.03])),
        visits=float(model.visits * stream.lognormal(-0.245, 0.7)),
        interests=np.stack(interests),
        tone=float(stream.normal(0, model.tone)),
        appeal=float(abs(stream.normal(model.appeal, model.appeal / 2))),
        drawn=model.drawn * (stream.random(len(affinity)) < np.minimum(0.5, affinity)),
    )


def draw_interests(
    stories: Stories, model: ClickModel, stream: np.random.Generator
) -> Float[np.ndarray, " S"]:
    """Few categories, and few subcategories within each: interests of one category come together."""
    members = np.bincount(stories.category_of)
    shares = stream.dirichlet(model.breadth * members / members.mean())
    within = stream.gamma(model.variety, size=len(stories.category_of)) + 1e-9
    totals = np.bincount(stories.category_of, within)
    return (shares / totals)[stories.category_of] * within


def live(
    row: int, reader: Reader, stories: Stories, model: ClickModel, stream: np.random.Generator
) -> list[Visit]:
    """All visits of a reader; no story is shown again once clicked."""
    visits = []
    last_click = np.full(len(stories.storylines), NEVER)  # the day, for each storyline
    fresh = np.ones(len(stories), dtype=bool)
    for day in range(reader.arrives, DAYS + 1):
        liked = lasting_utility(reader, day, stories, model)
        for second in np.sort((86_400 * stream.beta(3, 2.4, stream.poisson(reader.visits))).astype(int)):
            shown = choose_candidates(day, stories, fresh, model, stream)
            follows = follow(reader, day, last_click, model)
            utility = liked[shown] + model.storyline * follows[stories.storyline[shown]]
            clicked, accident = choose_clicks(utility, model, stream)
            fresh[shown[clicked]] = False
            visits.append(Visit(row, day, int(second), shown, clicked, accident, utility))
            note_clicks(last_click, visits[-1], stories)
    return visits


def lasting_utility(reader: Reader, day: int, stories: Stories, model: ClickModel) -> Float[np.ndarray, " N"]:
    """The part of the utility that stays the same all day: everything but the storylines."""
    interest = np.log1p(len(stories.category_of) * reader.interests[day - 1])
    return (
        model.interest * interest[stories.subcategory]
        + reader.tone * stories.sentiment
        + reader.appeal * (stories.appeal - 3)
    )


def follow(
    reader: Reader, day: int, last_click: Int[np.ndarray, " L"], model: ClickModel
) -> Float[np.ndarray, " L"]:
    """How much every storyline is followed, between 0 and 1; the last stands for having none."""
    return np.maximum(reader.drawn, model.memory ** (day - last_click))


def note_clicks(last_click: Int[np.ndarray, " L"], visit: Visit, stories: Stories) -> None:
    last_click[stories.storyline[visit.candidates[visit.clicked]]] = visit.day
    last_click[-1] = NEVER


def choose_candidates(
    day: int, stories: Stories, fresh: Bool[np.ndarray, " N"], model: ClickModel, stream: np.random.Generator
) -> Int[np.ndarray, " C"]:
    """10 to 60 stories in random order; on the last day none of the day before, so that all are new."""
    weight = (stories.day == day) + model.yesterday * ((stories.day == day - 1) & (day < DAYS))
    pool = np.flatnonzero(fresh & (weight > 0))
    size = min(60, 10 + int(stream.exponential(7.5)))
    first = np.argsort(stream.standard_exponential(len(pool)) / weight[pool], kind="stable")[:size]
    return stream.permutation(pool[first])


def choose_clicks(
    utility: Float[np.ndarray, " C"], model: ClickModel, stream: np.random.Generator
) -> tuple[Bool[np.ndarray, " C"], Bool[np.ndarray, " C"]]:
    """What is clicked, and which of these clicks were accidents."""
    count = 1 + int(stream.choice(len(model.click_counts), p=model.click_counts))
    accidents = int(stream.binomial(count, model.accident))
    meant = np.argsort(-utility - stream.gumbel(size=len(utility)), kind="stable")[: count - accidents]
    clicked = np.zeros(len(utility), dtype=bool)
    clicked[meant] = True
    accident = np.zeros_like(clicked)
    accident[stream.choice(np.flatnonzero(~clicked), accidents, replace=False)] = True
    return clicked | accident, accident
