"""Explains a headline's score by its words, in the ways that there are, and keeps what was found."""

from collections.abc import Callable, Generator, Iterator
from functools import partial
from threading import Event
from typing import Any, NamedTuple, TypeVar

import numpy as np
from jaxtyping import Float

from tinynewsrec.analysis.attribution import (
    WordScores,
    attention,
    gradient_x_activation,
    integrated_gradients,
)
from tinynewsrec.analysis.corpus import reader_vector
from tinynewsrec.analysis.deletions import Deletions
from tinynewsrec.analysis.faithfulness import Baseline, Faithfulness, faithfulness, random_baseline
from tinynewsrec.analysis.title_words import Title, read_title
from tinynewsrec.evaluation.vectors import unseen
from tinynewsrec.views.stepwise import Tell, stepwise
from tinynewsrec.views.turns import Progress
from tinynewsrec.views.why_question import METHODS, Asked, Method, Question
from tinynewsrec.views.words import Words
from tinynewsrec.views.workspace import Workspace

T = TypeVar("T")
AT_ONCE = ("gradient", "attention")  # quick enough to be computed when they are looked at
FEWEST_STEPS, MOST_STEPS = 5, 200


class Headline(NamedTuple):
    """One headline before one model; the direction is the reader's vector."""

    asked: Asked
    title: Title
    direction: Float[np.ndarray, " D"]
    others: Float[np.ndarray, " others"]
    """Scores of the other candidates."""
    steps: int
    key: Callable[..., tuple[Any, ...]]
    """Of what is kept about it."""


class Check(NamedTuple):
    methods: dict[Method, Faithfulness]
    chance: Baseline


def headline_of(question: Question, options: Any, asked: Asked) -> Headline:
    story, place = chosen(question, options)
    recommender, text = asked.model.recommender, story["title"]
    return Headline(
        asked,
        read_title(recommender, text),
        reader_vector(recommender, asked.history),
        np.delete(asked.scores, place),
        min(max(options.steps, FEWEST_STEPS), MOST_STEPS),
        partial(question.key, asked.model, text),
    )


def chosen(question: Question, options: Any) -> tuple[dict[str, Any], int]:
    """The story whose words are asked about, and its place among the candidates."""
    second = options.title == "other"
    return (question.other if second else question.story), question.places[second]


def explain(headline: Headline, method: Method, progress: Tell = unseen) -> WordScores | None:
    """None for a method that the model has no use for."""
    recommender, title, direction = headline.asked.model.recommender, headline.title, headline.direction
    if method == "gradient":
        return gradient_x_activation(recommender, title, direction)
    if method == "integrated":
        return integrated_gradients(recommender, title, direction, headline.steps, progress)
    if method == "attention":
        return attention(recommender, title)
    return WordScores(Deletions(recommender, title, direction).leave_one_out(progress), 0.0)


def key_of(headline: Headline, method: Method) -> tuple[Any, ...]:
    return headline.key(method, headline.steps if method == "integrated" else 0)


def known(workspace: Workspace, headline: Headline, method: Method) -> WordScores | None:
    """None for what takes longer and was not asked for yet."""
    if method in AT_ONCE:
        return workspace.results.of(key_of(headline, method), partial(explain, headline, method))
    return workspace.results.get(key_of(headline, method))


def explained(workspace: Workspace, headline: Headline, method: Method, tell: Tell) -> WordScores | None:
    found = known(workspace, headline, method)
    if found is None:
        found = explain(headline, method, tell)
        workspace.results.put(key_of(headline, method), found)
    return found


def check_key(headline: Headline) -> tuple[Any, ...]:
    """Of one list: how far a story falls, and by how much, depends on the others in it."""
    return headline.key("check", headline.steps, headline.others.tobytes())


def known_check(workspace: Workspace, headline: Headline) -> Check | None:
    return workspace.results.get(check_key(headline))


def compare(workspace: Workspace, headline: Headline, tell: Tell) -> Check:
    """Every method's faithfulness; deleting words is what it is measured by, so chance comes last."""
    found = {method: explained(workspace, headline, method, tell) for method in METHODS}
    deletions = Deletions(headline.asked.model.recommender, headline.title, headline.direction)
    chance = random_baseline(deletions, headline.others, progress=tell)
    return Check(
        {
            method: faithfulness(scores.values, deletions, headline.others)
            for method, scores in found.items()
            if scores is not None
        },
        chance,
    )


def compute(
    workspace: Workspace, question: Question, options: Any, said: Words, stop: Event
) -> Iterator[Progress]:
    """The method that is looked at, for every model."""
    for headline in headlines(question, options):
        steps = stepwise(partial(explained, workspace, headline, options.method), stop)
        yield from told(steps, said["computing"], headline)


def check(
    workspace: Workspace, question: Question, options: Any, said: Words, stop: Event
) -> Iterator[Progress]:
    """The faithfulness of all methods, for every model."""
    for headline in headlines(question, options):
        if known_check(workspace, headline) is None:
            steps = stepwise(partial(compare, workspace, headline), stop)
            found = yield from told(steps, said["checking"], headline)
            workspace.results.put(check_key(headline), found)


def headlines(question: Question, options: Any) -> Iterator[Headline]:
    """The quickest model first."""
    for asked in reversed(question.models):
        yield headline_of(question, options, asked)


def told(
    steps: Generator[tuple[int, int], None, T], text: str, headline: Headline
) -> Generator[Progress, None, T]:
    """What the steps tell, for the foot of the page; returns what they return."""
    named = text.format(model=headline.asked.model.name)
    yield Progress(named)
    while True:
        try:
            yield Progress(named, *next(steps))
        except StopIteration as end:
            return end.value
