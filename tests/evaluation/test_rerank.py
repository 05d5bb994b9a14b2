import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinynewsrec.data.tables import Ragged
from tinynewsrec.evaluation.beyond_accuracy import intra_list_diversity, unit
from tinynewsrec.evaluation.rerank import mmr_order, rerank_impressions

seeds = st.integers(0, 10_000)


def made(seed: int, size: int = 12) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    return random.normal(size=size).astype(np.float32), random.normal(size=(size, 4)).astype(np.float32)


def greedily(scores: np.ndarray, vectors: np.ndarray, relevance: float) -> list[int]:
    """The paper's formula, word by word."""
    worth = (scores - scores.min()) / np.ptp(scores)
    units = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
    chosen, left = [int(np.argmax(scores))], set(range(len(scores)))
    while left := left - set(chosen):
        gains = {
            one: relevance * worth[one] - (1 - relevance) * max(units[one] @ units[other] for other in chosen)
            for one in left
        }
        chosen.append(max(gains, key=gains.get))
    return chosen


@given(seeds, st.sampled_from([0.0, 0.3, 0.7, 1.0]))
def test_the_order_is_that_of_the_formula(seed, relevance):
    scores, vectors = made(seed)
    assert mmr_order(scores, vectors, relevance).tolist() == greedily(scores, vectors, relevance)


@given(st.lists(st.integers(0, 3), max_size=15))
def test_with_the_whole_weight_on_the_score_the_order_stays_and_ties_keep_the_file(scores):
    scores = np.array(scores, dtype=np.float32)
    vectors = np.random.default_rng(0).normal(size=(len(scores), 3)).astype(np.float32)
    assert mmr_order(scores, vectors, 1.0).tolist() == np.argsort(-scores, kind="stable").tolist()


@given(seeds, st.floats(0, 1))
def test_every_candidate_is_placed_once_and_the_best_stays_first(seed, relevance):
    scores, vectors = made(seed)
    order = mmr_order(scores, vectors, relevance)
    assert sorted(order) == list(range(12))
    assert order[0] == np.argmax(scores)


def test_without_weight_on_the_score_a_twin_goes_last():
    scores = np.array([3.0, 2.0, 1.0], dtype=np.float32)
    vectors = np.array([[1.0, 0], [1, 0], [0, 1]], dtype=np.float32)
    assert mmr_order(scores, vectors, 0.0).tolist() == [0, 2, 1]
    assert mmr_order(scores, vectors, 1.0).tolist() == [0, 1, 2]


def test_stories_that_are_all_alike_keep_the_order_of_the_scores():
    scores = np.array([1.0, 3.0, 2.0], dtype=np.float32)
    assert mmr_order(scores, np.ones((3, 2), dtype=np.float32), 0.2).tolist() == [1, 2, 0]


def test_the_order_does_not_change_with_the_scale_of_scores_or_vectors():
    scores, vectors = made(1)
    assert (mmr_order(7 * scores - 3, 5 * vectors, 0.5) == mmr_order(scores, vectors, 0.5)).all()


@pytest.mark.parametrize("relevance", [-0.1, 1.1, float("nan")])
def test_a_weight_outside_zero_to_one_is_refused(relevance):
    with pytest.raises(ValueError, match="between 0 and 1"):
        mmr_order(*made(0), relevance)


def test_every_impression_is_re_ranked_by_itself_and_lists_grow_more_diverse(split):
    impressions = split.impressions
    random = np.random.default_rng(0)
    vectors = random.normal(size=(len(split.news), 4)).astype(np.float32)
    scores = random.normal(size=len(impressions.clicked)).astype(np.float32)
    told = []
    found = rerank_impressions(scores, vectors, impressions, 0.2, lambda *news: told.append(news))
    for row in range(len(impressions)):
        ends = slice(*impressions.candidates.offsets[row : row + 2])
        order = mmr_order(scores[ends], vectors[impressions.candidates[row]], 0.2)
        assert np.argsort(-found[ends]).tolist() == order.tolist()
    assert told[-1] == (5, 5)
    tied = scores.round()
    assert (rerank_impressions(tied, vectors, impressions, 1.0) == tied).all()  # the file breaks no tie


def test_re_ranking_makes_the_first_stories_more_diverse_on_average():
    gained = []
    for seed in range(50):
        scores, vectors = made(seed, 30)
        before, after = (
            intra_list_diversity(Ragged.stack([mmr_order(scores, vectors, weight)[:5]]), unit(vectors))[0]
            for weight in (1.0, 0.3)
        )
        gained.append(after - before)
    assert np.mean(gained) > 0.1
