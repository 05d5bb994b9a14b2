"""Diversity re-ranking: maximal marginal relevance (Carbonell and Goldstein, SIGIR 1998)."""

import numpy as np
from jaxtyping import Float, Int

from tinynewsrec.checkpoints import Checkpoint
from tinynewsrec.data.tables import Impressions, Ragged, Split
from tinynewsrec.evaluation.beyond_accuracy import unit
from tinynewsrec.evaluation.report import System
from tinynewsrec.evaluation.vectors import Progress, news_vectors, unseen

REPORTED = 1000  # impressions between two news of progress


def mmr_order(
    scores: Float[np.ndarray, " C"], vectors: Float[np.ndarray, "C D"], relevance: float
) -> Int[np.ndarray, " C"]:
    """Candidates, best first: each the one of greatest `relevance` x score - (1 - relevance) x likeness.

    Scores are scaled to between 0 and 1, likeness is the cosine to the most similar story above it. With a
    relevance of 1 the order is that of the scores; with 0 the first stays, and each next one is least like
    all above. Ties go to the higher score, then to the earlier candidate. Raises ValueError for a relevance
    outside 0 to 1.
    """
    check_relevance(relevance)
    order = np.argsort(-scores, kind="stable")
    if relevance == 1 or len(order) < 2:
        return order
    units = unit(vectors[order])
    likeness = (1 - relevance) * (units @ units.T)
    worth = relevance * scaled(scores[order].astype(np.float64))
    places = np.zeros(len(order), dtype=np.int64)
    nearest = likeness[0].copy()
    worth[0] = -np.inf
    for place in range(1, len(order)):
        best = int(np.argmax(worth - nearest))
        places[place] = best
        worth[best] = -np.inf
        np.maximum(nearest, likeness[best], out=nearest)
    return order[places]


def check_relevance(relevance: float) -> None:
    if not 0 <= relevance <= 1:
        raise ValueError(f"The weight of the score in re-ranking is between 0 and 1, got {relevance}.")


def scaled(scores: Float[np.ndarray, " C"]) -> Float[np.ndarray, " C"]:
    """From 0 to 1; all zero where every score is the same."""
    spread = np.ptp(scores)
    return (scores - scores.min()) / spread if spread > 0 else np.zeros_like(scores)


def rerank_impressions(
    scores: Float[np.ndarray, " total"],
    vectors: Float[np.ndarray, "N D"],
    impressions: Impressions,
    relevance: float,
    progress: Progress = unseen,
) -> Float[np.ndarray, " total"]:
    """New scores in the order of MMR: minus the rank, aligned with `impressions.candidates.values`.

    With a relevance of 1 those that were given, so that ties stay ties.
    """
    check_relevance(relevance)
    if relevance == 1:
        return scores.astype(np.float64)
    ragged, candidates = Ragged(scores, impressions.candidates.offsets), impressions.candidates
    reranked = np.empty(len(scores))
    for row in range(len(impressions)):
        order = mmr_order(ragged[row], vectors[candidates[row]], relevance)
        reranked[candidates.offsets[row] + order] = -np.arange(1.0, len(order) + 1)
        if row % REPORTED == 0 or row == len(impressions) - 1:
            progress(row + 1, len(impressions))
    return reranked


def reranked(
    system: System, checkpoint: Checkpoint, split: Split, relevance: float, progress: Progress = unseen
) -> System:
    """The checkpoint re-ranked by its own news vectors."""
    vectors = news_vectors(checkpoint, split.news.texts("title"))
    scores = rerank_impressions(system.scores, vectors, split.impressions, relevance, progress)
    note = f"weight of the score {relevance:g}, likeness by its own news vectors"
    return system._replace(name=f"{system.name}, MMR {relevance:g}", scores=scores, note=note, learnt=False)
