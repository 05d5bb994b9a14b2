from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from conftest import make_recommender

from tinynewsrec.analysis.corpus import best_of, reader_vector
from tinynewsrec.analysis.headlines import encode
from tinynewsrec.analysis.title_search import search
from tinynewsrec.data.tables import Ragged
from tinynewsrec.evaluation.scores import score_impressions
from tinynewsrec.evaluation.vectors import encode_news


@pytest.fixture
def vectors(recommender, tokens):
    return encode_news(recommender, tokens)


def test_the_corpus_is_scored_as_candidates_are(recommender, vectors, split):
    impressions = split.impressions
    scores = Ragged(score_impressions(recommender, vectors, impressions), impressions.candidates.offsets)
    for row in range(len(impressions)):
        impression = impressions[row]
        reader = reader_vector(recommender, vectors[impression.history])
        np.testing.assert_allclose(vectors[impression.candidates] @ reader, scores[row], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("user_encoder", ["attention", "self-attention"])
def test_of_a_long_history_the_latest_clicks_make_the_reader(tokenizer, user_encoder):
    recommender = make_recommender(tokenizer, user_encoder=user_encoder)
    history = np.random.default_rng(0).normal(size=(7, 8)).astype(np.float32)
    whole, latest = (reader_vector(recommender, clicks) for clicks in (history, history[-3:]))
    np.testing.assert_array_equal(whole, latest)


def test_the_best_stories_are_those_of_highest_score_but_what_was_clicked():
    vectors = np.array([[3.0], [1], [2], [3], [0]], dtype=np.float32)
    found = best_of(vectors, np.ones(1, dtype=np.float32), 3, np.array([0, 0]))
    assert found.rows.tolist() == [3, 2, 1]
    assert found.scores.tolist() == [3, 2, 1]


def test_no_more_stories_are_found_than_there_are():
    vectors = np.eye(3, dtype=np.float32)
    assert len(best_of(vectors, np.ones(3, dtype=np.float32), 20, np.array([1])).rows) == 2
    assert len(best_of(vectors, np.ones(3, dtype=np.float32), 20, np.arange(3)).rows) == 0


def test_a_typed_headline_gets_the_vector_of_a_story_with_that_title(recommender, vectors, split):
    titles = split.news.texts("title")
    np.testing.assert_allclose(encode(recommender, titles[4:5]), vectors[4:5], atol=1e-5)


def test_many_threads_may_encode_at_once(recommender):
    titles = [f"storm closes bridge {number}" * (1 + number % 3) for number in range(32)]
    alone = [encode(recommender, [title]) for title in titles]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda title: encode(recommender, [title]), titles))
    np.testing.assert_array_equal(np.concatenate(together), np.concatenate(alone))


def test_a_search_wants_every_word_in_any_case_in_title_or_topic(split):
    titles = split.news.texts("title")
    word = titles[3].split()[1]
    found = search(split.news, f"  {word.upper()} FINANCE ", 50)
    expected = [row for row in range(12) if word in titles[row] and row % 2]
    assert found.rows.tolist() == expected and found.total == len(expected) > 0
    assert search(split.news, word, 1).rows.tolist() == [
        next(row for row in range(12) if word in titles[row])
    ]


@pytest.mark.parametrize("text", ["no such word", "\x00", "%", "(", "ñ" * 300])
def test_a_search_that_finds_nothing_finds_nothing(split, text):
    assert search(split.news, text, 5) == (pytest.approx(np.empty(0)), 0)


def test_without_a_word_the_topics_take_turns(split):
    found = search(split.news, " ", 5)
    topics = [split.news.texts("category")[row] for row in found.rows]
    assert topics == ["finance", "sports", "finance", "sports", "finance"]
    assert found.rows.tolist() == [1, 0, 3, 2, 5]
