"""Which words of a headline a score is made of, model by model, and whether that can be believed."""

from typing import Any

import numpy as np
from jaxtyping import Float

from tinynewsrec.analysis.attribution import WordScores
from tinynewsrec.analysis.correlation import spearman, top_overlap
from tinynewsrec.views.why_clicks import rounded
from tinynewsrec.views.why_explain import (
    AT_ONCE,
    Check,
    Headline,
    chosen,
    headline_of,
    known,
    known_check,
)
from tinynewsrec.views.why_question import METHODS, Question
from tinynewsrec.views.workspace import Workspace

TOP = 3  # words whose overlap is told


def words_of(workspace: Workspace, options: Any, question: Question) -> dict[str, Any]:
    headlines = [headline_of(question, options, asked) for asked in question.models]
    found = [known(workspace, headline, options.method) for headline in headlines]
    checks = [known_check(workspace, headline) for headline in headlines]
    return {
        "words": chosen(question, options)[0]["title"].split(),
        "rows": [row_of(scores, found[0]) for scores in found],
        "awaited": options.method not in AT_ONCE and None in found,
        "steps": headlines[0].steps,
        "top": TOP,
        "methods": METHODS,
        "checks": [
            check and check_of(workspace, headline, check)
            for headline, check in zip(headlines, checks, strict=True)
        ],
    }


def row_of(scores: WordScores | None, first: WordScores | None) -> dict[str, Any] | None:
    """None where a method was not computed yet, or does not fit the model."""
    if scores is None:
        return None
    # A model that reads fewer words of a long headline is compared on those that both read.
    one, other = both(first, scores) if first is not None and first is not scores else (None, None)
    return {
        "values": [rounded(value) for value in scores.values],
        "rest": rounded(scores.rest),
        "error": None if scores.error is None else rounded(scores.error),
        "total": None if scores.total is None else rounded(scores.total),
        "spearman": None if one is None else rounded(spearman(one, other)),
        "overlap": None if one is None else rounded(top_overlap(one, other, TOP)),
    }


def both(first: WordScores, second: WordScores) -> tuple[Float[np.ndarray, " W"], Float[np.ndarray, " W"]]:
    count = min(len(first.values), len(second.values))
    return first.values[:count], second.values[:count]


def check_of(workspace: Workspace, headline: Headline, check: Check) -> dict[str, Any]:
    """Of one model: a row for each method, and that of chance with its deviation."""
    errors = {method: known(workspace, headline, method) for method in check.methods}
    return {
        "methods": {
            method: [rounded(value) for value in found] + [completeness(errors[method])]
            for method, found in check.methods.items()
        },
        "chance": [rounded(value) for value in check.chance.mean],
        "deviation": [rounded(value) for value in check.chance.deviation],
        "seeds": check.chance.seeds,
    }


def completeness(scores: WordScores | None) -> float | None:
    """The error as a share of what was to be explained."""
    if scores is None or scores.error is None or not scores.total:
        return None
    return rounded(abs(scores.error / scores.total))
