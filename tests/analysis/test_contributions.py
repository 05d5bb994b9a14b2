import numpy as np
import pytest
import torch
from conftest import make_recommender

from tinynewsrec.analysis.contributions import contributions
from tinynewsrec.analysis.corpus import reader_vector
from tinynewsrec.analysis.personalisation import Gauge, gauge, reader_vectors, shares
from tinynewsrec.data.tables import Ragged

STREAM = np.random.default_rng(0)
STORIES = STREAM.normal(size=(12, 8)).astype(np.float32)
LENGTHS = [0, 1, 2, 3, 7]  # make_recommender looks at the latest three


def scores_of(recommender, history, candidates):
    """Through the same `score` as training."""
    news = torch.from_numpy(np.concatenate([history[-3:], candidates]))
    places = torch.arange(len(news))[None]
    clicks = places[:, : len(history[-3:])] if len(history) else torch.full((1, 1), -1)
    with torch.no_grad():
        return recommender.score(news, clicks, places[:, len(history[-3:]) :])[0].numpy()


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("kind", ["attention", "self-attention"])
@pytest.mark.parametrize("scale", ["none", "root", "learned"])
def test_what_the_clicks_and_the_rest_add_is_the_score(tokenizer, kind, length, scale):
    recommender = make_recommender(tokenizer, user_encoder=kind, score_scale=scale)
    history, candidates = STORIES[:length], STORIES[7:]
    found = contributions(recommender, history, candidates)
    np.testing.assert_allclose(found.scores, scores_of(recommender, history, candidates), atol=1e-5)
    assert found.clicks.shape == (min(length, 3), len(candidates))
    assert found.exact == (kind == "attention" or not length)


@pytest.mark.parametrize("length", LENGTHS)
def test_an_exact_split_leaves_nothing_over(tokenizer, length):
    found = contributions(make_recommender(tokenizer), STORIES[:length], STORIES[7:])
    assert not found.error.any()
    assert bool(found.rest.any()) == (length == 0)


def test_the_part_of_a_click_is_its_weight_times_its_likeness(tokenizer):
    found = contributions(make_recommender(tokenizer), STORIES[:3], STORIES[7:])
    assert found.weights.sum() == pytest.approx(1)
    expected = found.weights[:, None] * (STORIES[:3] @ STORIES[7:].T)
    np.testing.assert_allclose(found.clicks, expected, rtol=1e-5)


def test_clicks_beyond_those_a_model_looks_at_change_nothing(tokenizer):
    recommender = make_recommender(tokenizer)
    some, all_of_them = (contributions(recommender, STORIES[start:7], STORIES[7:]) for start in (4, 0))
    np.testing.assert_array_equal(some.clicks, all_of_them.clicks)


@pytest.mark.parametrize("kind", ["attention", "self-attention"])
def test_why_one_story_stands_above_another_adds_up_to_the_difference(tokenizer, kind):
    found = contributions(make_recommender(tokenizer, user_encoder=kind), STORIES[:3], STORIES[7:], steps=64)
    difference = found.above(1, 4).sum() + found.rest[1] - found.rest[4] + found.error[1] - found.error[4]
    assert difference == pytest.approx(found.scores[1] - found.scores[4], abs=1e-5)


def test_more_steps_leave_less_of_the_score_over(tokenizer):
    recommender = make_recommender(tokenizer, user_encoder="self-attention").double()
    left = [
        np.abs(contributions(recommender, STORIES[:3], STORIES[7:], steps).error).max()
        for steps in (2, 8, 64)
    ]
    assert left[0] > left[1] > left[2]
    assert left[2] < 1e-4


def test_the_mean_reader_and_what_is_personal_add_up_to_the_score():
    reader, mean = STORIES[0], STORIES[1]
    found = gauge(reader, mean, STORIES[7:])
    np.testing.assert_allclose(found.common + found.personal, STORIES[7:] @ reader, rtol=1e-5)


def test_the_mean_reader_has_nothing_personal_and_ranks_like_everybody():
    found = gauge(STORIES[1], STORIES[1], STORIES[7:])
    assert found.share == 0
    assert found.agreement == pytest.approx(1)


def test_a_reader_unlike_all_others_is_wholly_personal():
    assert gauge(STORIES[1], np.zeros_like(STORIES[1]), STORIES[7:]).share == 1


def test_differences_that_are_half_personal_are_so():
    found = Gauge(np.array([1.0, -1.0, 1.0, -1.0]), np.array([1.0, 1.0, -1.0, -1.0]))
    assert found.share == pytest.approx(0.5)
    assert Gauge(np.ones(3), np.ones(3)).share == 0


def test_the_shares_of_all_readers_are_those_of_each(tokenizer):
    recommender = make_recommender(tokenizer)
    history = Ragged.stack([[0, 1], [], [2, 3, 4, 5, 6]])
    candidates = Ragged.stack([[7, 8, 9], [8, 9], [9, 10, 11, 0]])
    readers = reader_vectors(recommender, STORIES, history)
    mean = readers.mean(0)
    expected = [gauge(reader, mean, STORIES[candidates[row]]).share for row, reader in enumerate(readers)]
    np.testing.assert_allclose(shares(readers, mean, STORIES, candidates), expected, rtol=1e-4)


def test_the_vector_of_a_reader_gives_their_scores(tokenizer):
    recommender = make_recommender(tokenizer, user_encoder="self-attention")
    readers = reader_vectors(recommender, STORIES, Ragged.stack([[0, 1], [], [2, 3, 4, 5, 6]]))
    for reader, history in zip(readers, ([0, 1], [], [2, 3, 4, 5, 6]), strict=True):
        expected = scores_of(recommender, STORIES[history], STORIES[7:])
        np.testing.assert_allclose(STORIES[7:] @ reader, expected, atol=1e-5)
        np.testing.assert_allclose(reader_vector(recommender, STORIES[history]), reader, atol=1e-6)
