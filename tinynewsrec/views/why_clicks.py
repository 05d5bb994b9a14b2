"""Which clicks a score is made of; on the sample, beside what is true of each click."""

from typing import Any

import numpy as np
from jaxtyping import Float

from tinynewsrec.analysis.contributions import Contributions, contributions
from tinynewsrec.analysis.sample_truth import Truth, found_again, read_truth
from tinynewsrec.views.why_question import Asked, Question
from tinynewsrec.views.workspace import Workspace

FIRST = 12  # clicks that are shown at first
PARTS = ("interest", "storyline", "tone", "appeal")


def clicks(workspace: Workspace, options: Any, question: Question) -> dict[str, Any]:
    """H clicks, the newest first, or those that count most in one model or another."""
    history = question.case.impression.history
    parts = [parts_of(workspace, asked, question) for asked in question.models]
    values = [along(split, len(history), options.above) for split in parts]
    weights = [padded(split.weights, len(history)) for split in parts]
    truth = truth_of(workspace, options, question, values)
    order = order_of(values, options)
    shown = order if options.whole else order[:FIRST]
    return {
        "rows": [
            question.case.story(int(history[place]))
            | {"number": len(history) - place, "values": [rounded(row[place]) for row in values]}
            | {"weights": [rounded(row[place]) for row in weights]}
            | {"truth": truth and truth["clicks"][place]}
            for place in shown
        ],
        "others": others_of(values, order[len(shown) :]),
        "count": len(order),
        "older": len(history) - len(order),
        "first": FIRST,
        "models": [summary(split, options.above) for split in parts],
        "truth": truth and {name: value for name, value in truth.items() if name != "clicks"},
        "largest": [rounded(np.nanmax(np.abs(row), initial=0)) for row in values],
    }


def parts_of(workspace: Workspace, asked: Asked, question: Question) -> Contributions:
    """Of A in column 0 and B in column 1."""
    key = question.key(asked.model, "clicks", question.story["title"], question.other["title"])
    both = asked.stories[list(question.places)]
    return workspace.results.of(key, lambda: contributions(asked.model.recommender, asked.history, both))


def along(split: Contributions, count: int, above: bool) -> Float[np.ndarray, " H"]:
    return padded(split.above(0, 1) if above else split.clicks[:, 0], count)


def padded(values: Float[np.ndarray, " latest"], count: int) -> Float[np.ndarray, " H"]:
    """NaN for the oldest clicks, which this model does not look at."""
    return np.concatenate([np.full(count - len(values), np.nan), values.astype(float)])


def order_of(values: list[Float[np.ndarray, " H"]], options: Any) -> list[int]:
    """Of the clicks that a model looks at: by time, or by their share of the largest in any model."""
    amounts = np.nan_to_num(np.abs(values))
    newest = np.flatnonzero(~np.isnan(values).all(0))[::-1].tolist()
    if options.latest or not newest:
        return newest
    largest = amounts.max(-1, keepdims=True)
    shares = np.divide(amounts, largest, out=np.zeros_like(amounts), where=largest > 0).max(0)
    return sorted(newest, key=lambda place: -shares[place])


def others_of(values: list[Float[np.ndarray, " H"]], rest: list[int]) -> dict[str, Any] | None:
    """What the clicks that are not shown add up to."""
    if not rest:
        return None
    return {"count": len(rest), "values": [rounded(np.nansum(row[rest])) for row in values]}


def summary(split: Contributions, above: bool) -> dict[str, Any]:
    """What makes a model's column add up to its score, or to the difference of two."""
    rest, error, total = (
        value[0] - value[1] if above else value[0] for value in (split.rest, split.error, split.scores)
    )
    return {"rest": rounded(rest), "error": rounded(error), "sum": rounded(total), "exact": split.exact}


def rounded(value: float | np.floating) -> float | None:
    return None if np.isnan(value) else round(float(value), 5)


def truth_of(
    workspace: Workspace, options: Any, question: Question, values: list[Float[np.ndarray, " H"]]
) -> dict[str, Any] | None:
    """None for other data than the sample, and once a history is edited or a headline typed."""
    case = question.case
    known = workspace.results.of(
        ("why", "truth", workspace.data), lambda: [read_truth(workspace.data, case.news)]
    )
    if known[0] is None or case.edited:
        return None
    sides = [truth_beside(known[0], case, place) for place in question.places]
    evidence = np.array(sides[0]["evidence"]) - np.array(sides[1]["evidence"]) * options.above
    accident = np.array([click["accident"] for click in sides[0]["clicks"]], dtype=bool)
    read = ~np.isnan(values).all(0)  # by one model at least; the others are not shown
    return {
        "clicks": [
            click | {"evidence": rounded(e)} for click, e in zip(sides[0]["clicks"], evidence, strict=True)
        ],
        "stories": [{name: side[name] for name in ("utility", "rank")} for side in sides],
        "telling": int((evidence[read] > 0).sum()),
        "accidents": int(accident[read].sum()),
        "models": [recovered(row, evidence > 0, accident) for row in values],
    }


def truth_beside(truth: Truth, case: Any, place: int) -> dict[str, Any]:
    utilities = np.array(truth.utilities(case.impression))
    found = truth.clicks(case.impression, place)
    utility = truth.utility(case.impression, place)
    return {
        "clicks": [{"tie": c.tie, "accident": c.accident, "interest": round(c.interest, 4)} for c in found],
        "evidence": [click.evidence for click in found],
        "utility": {name: round(getattr(utility, name), 2) + 0.0 for name in (*PARTS, "total")},
        "rank": int((utilities > utilities[place]).sum()) + 1,
    }


def recovered(
    values: Float[np.ndarray, " H"], telling: np.ndarray, accident: np.ndarray
) -> dict[str, float | None]:
    """Over the clicks the model looks at."""
    seen = ~np.isnan(values)
    size = np.abs(values[seen])
    return {
        "found": rounded(found_again(values[seen], telling[seen])),
        "accidents": rounded(size[accident[seen]].sum() / size.sum()) if size.sum() else None,
        "expected": rounded(accident[seen].mean()) if seen.any() else None,
    }
