from itertools import combinations

import numpy as np
import pytest
from conftest import make_recommender

from tinynewsrec.analysis.corpus import reader_vector
from tinynewsrec.analysis.flips import fewest, fewest_clicks, fewest_words, without
from tinynewsrec.analysis.rescoring import scores_of_each
from tinynewsrec.evaluation.vectors import encode_news


def last(states):
    *_, state = states
    return state


def case(seed: int, clicks: int):
    random = np.random.default_rng(seed)
    return (
        random.standard_normal((clicks, 8)).astype(np.float32),
        random.standard_normal((2, 8)).astype(np.float32),
    )


def smallest_by_trying_all(recommender, history, pair) -> int | None:
    every = range(len(history))
    removals = [gone for size in range(len(history) + 1) for gone in combinations(every, size)]
    kept = [np.delete(every, np.array(gone, dtype=int)) for gone in removals]
    first, second = scores_of_each(recommender, history, kept, pair).T
    return min(
        (len(gone) for gone, flips in zip(removals, first < second, strict=True) if flips), default=None
    )


@pytest.mark.parametrize("kind", ["attention", "self-attention"])
@pytest.mark.parametrize("history_length", [3, 6])
def test_the_fewest_clicks_flip_and_no_fewer_do(tokenizer, kind, history_length):
    recommender = make_recommender(tokenizer, user_encoder=kind, history_length=history_length)
    sizes = set()
    for seed in range(12):
        history, pair = case(seed, 6)
        found = last(fewest_clicks(recommender, history, *pair))
        expected = smallest_by_trying_all(recommender, history, pair)
        assert found.finished
        if expected is None:
            assert found.impossible
            continue
        kept = np.delete(np.arange(6), np.array(found.gone, dtype=int))
        first, second = scores_of_each(recommender, history, [kept], pair)[0]
        assert first < second and len(found.gone) == expected and found.smallest
        sizes.add(expected)
    assert len(sizes) > 1


def test_a_candidate_that_is_behind_already_needs_nothing(recommender):
    history, pair = case(0, 5)
    scores = scores_of_each(recommender, history, [np.arange(5)], pair)[0]
    ahead, behind = pair[np.argsort(scores)]
    assert last(fewest_clicks(recommender, history, ahead, behind)).gone == ()


def test_a_reader_without_clicks_has_none_to_lose(recommender):
    history, pair = case(0, 0)
    found = last(fewest_clicks(recommender, history, *pair))
    assert found.gone == () or found.impossible


def test_candidates_with_the_same_vector_cannot_be_flipped(recommender):
    history, pair = case(0, 5)
    assert last(fewest_clicks(recommender, history, pair[0], pair[0])).impossible


def test_the_fewest_words_flip_and_no_fewer_do(recommender):
    title = "the mayor opens a bridge in storm"
    words = title.split()
    history, _ = case(1, 4)
    reader = reader_vector(recommender, history)

    sets = [gone for size in range(len(words)) for gone in combinations(range(len(words)), size)]
    titles = recommender.tokens([without(words, gone) for gone in sets])
    scores = dict(zip(sets, encode_news(recommender, titles) @ reader, strict=True))
    for share in (0.0, 0.3, 0.6, 1.0, 1.1):
        behind = scores[()] + share * (min(scores.values()) - scores[()]) + 1e-4
        expected = min((len(gone) for gone in sets if scores[gone] < behind), default=None)
        found = last(fewest_words(recommender, reader, title, float(behind)))
        assert found.impossible if expected is None else len(found.gone) == expected and found.smallest


def test_a_title_of_one_word_keeps_it(recommender):
    history, _ = case(1, 4)
    reader = reader_vector(recommender, history)
    assert last(fewest_words(recommender, reader, "storm", -1e9)).impossible


def test_a_search_keeps_to_its_budget_and_claims_no_more_than_it_proved():
    weights = np.array([1.0, 1.0, 1.0, 1.0, 1.0, 1.0])
    tried = 0

    def lead(removals):
        nonlocal tried
        tried += len(removals)
        return np.array([2.5 - weights[list(gone)].sum() for gone in removals])

    found = last(fewest(6, lead, budget=20))
    assert tried == found.tried <= 20
    assert len(found.gone) == 3 and found.least == 2 and not found.smallest
    assert last(fewest(6, lead, budget=100)).smallest


def test_the_search_finds_what_greedy_misses():
    """Items 1 and 2 flip only together, and item 0, which does most alone, needs two more."""

    def lead(removals):
        return np.array([-1.0 if {1, 2} <= set(gone) else 1 - 0.1 * (0 in gone) for gone in removals])

    found = last(fewest(5, lead, budget=100))
    assert found.gone == (1, 2) and found.smallest


def test_every_state_of_a_search_tells_how_far_it_is():
    states = list(fewest(6, lambda removals: np.ones(len(removals)), budget=100))
    tried = [state.tried for state in states]
    assert tried == sorted(tried) and len(states) > 5 and states[-1].impossible
    assert tried[-1] == 2**6 + (5 + 4 + 3 + 2 + 1)  # greedy tries some sets that are tried again
