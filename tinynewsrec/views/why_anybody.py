"""How much of a model's scores this reader gets as anybody would."""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from tinynewsrec.analysis.corpus import reader_vector
from tinynewsrec.analysis.personalisation import gauge, reader_vectors, shares
from tinynewsrec.views.why_clicks import rounded
from tinynewsrec.views.why_question import Asked, Question
from tinynewsrec.views.workspace import Model, Workspace

MOST_READERS = 256  # that the mean reader is the mean of; a tenth of a second for each model
PERCENTS = (5, 25, 50, 75, 95)


class Readers(NamedTuple):
    """Spread evenly over those of the data, each with the first impression there is."""

    mean: Float[np.ndarray, " D"]
    shares: Float[np.ndarray, " R"]
    """How personal the scores of each are."""


def anybody(workspace: Workspace, options: Any, question: Question) -> dict[str, Any]:
    rows = [row_of(workspace, asked, question) for asked in question.models]
    return {"models": rows, "readers": rows[0]["readers"], "percents": PERCENTS}


def row_of(workspace: Workspace, asked: Asked, question: Question) -> dict[str, Any]:
    readers = readers_of(workspace, asked.model)
    found = gauge(reader_vector(asked.model.recommender, asked.history), readers.mean, asked.stories)
    return {
        "share": rounded(found.share),
        "agreement": rounded(found.agreement),
        "common": parts(found.common, question),
        "personal": parts(found.personal, question),
        "spread": np.percentile(readers.shares, PERCENTS).round(4).tolist(),
        "below": rounded((readers.shares < found.share).mean()),
        "readers": len(readers.shares),
    }


def parts(values: Float[np.ndarray, " C"], question: Question) -> list[float | None]:
    """Of A and B, beyond the mean of the candidates: only differences between candidates rank."""
    return [rounded(value) for value in (values - values.mean())[list(question.places)]]


def readers_of(workspace: Workspace, model: Model) -> Readers:
    return workspace.results.of(("why", "readers", model.name), lambda: some_readers(workspace, model))


def some_readers(workspace: Workspace, model: Model) -> Readers:
    impressions = workspace.split.impressions
    first = np.unique(impressions.readers, return_index=True)[1]
    rows = first[np.linspace(0, len(first) - 1, min(MOST_READERS, len(first))).astype(int)]
    vectors = reader_vectors(model.recommender, model.vectors, impressions.history.take(rows))
    mean = vectors.mean(0)
    return Readers(mean, shares(vectors, mean, model.vectors, impressions.candidates.take(rows)))
