import json

import numpy as np
import pytest
from conftest import make_recommender

from tinynewsrec.checkpoints import Checkpoint
from tinynewsrec.evaluation.vectors import encode_news, keep_beside, news_vectors
from tinynewsrec.model.folder import WEIGHTS

TITLES = ["mayor opens bridge", "storm closes school", ""]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TINYNEWSREC_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def checkpoint(recommender, tmp_path):
    recommender.save_pretrained(tmp_path / "teacher")
    return Checkpoint.open(tmp_path / "teacher")


def never():
    raise AssertionError("the vectors were computed again")


def test_vectors_are_computed_once_and_read_as_a_memory_map(checkpoint, recommender):
    first = news_vectors(checkpoint, TITLES)
    np.testing.assert_allclose(first, encode_news(recommender, recommender.tokens(TITLES)), rtol=1e-5)
    assert isinstance(news_vectors(checkpoint, TITLES, never), np.memmap)


def test_other_titles_and_other_weights_have_vectors_of_their_own(checkpoint, recommender, tmp_path):
    first = news_vectors(checkpoint, TITLES)
    assert not np.allclose(news_vectors(checkpoint, TITLES[::-1]), first)
    recommender.news_encoder.project.bias.data += 1
    recommender.save_pretrained(tmp_path / "other")
    assert np.allclose(news_vectors(Checkpoint.open(tmp_path / "other"), TITLES), first + 1, atol=1e-5)


def test_titles_cut_elsewhere_have_vectors_of_their_own(checkpoint, tokenizer, tmp_path):
    """The weights are the same, and so are the titles."""
    news_vectors(checkpoint, TITLES)
    other = make_recommender(tokenizer, title_length=4)
    other.save_pretrained(tmp_path / "other")
    found = news_vectors(Checkpoint.open(tmp_path / "other"), TITLES)
    assert (tmp_path / "other" / WEIGHTS).read_bytes() == (checkpoint.folder / WEIGHTS).read_bytes()
    np.testing.assert_allclose(found, encode_news(other, other.tokens(TITLES)), rtol=1e-5)


def test_another_tokenizer_has_vectors_of_its_own(checkpoint):
    first = news_vectors(checkpoint, TITLES)
    path = checkpoint.folder / "tokenizer.json"
    rules = json.loads(path.read_text())
    words = rules["model"]["vocab"]
    words["mayor"], words["storm"] = words["storm"], words["mayor"]
    path.write_text(json.dumps(rules))
    assert not np.allclose(news_vectors(Checkpoint.open(checkpoint.folder), TITLES), first)


def test_vectors_beside_a_checkpoint_travel_with_it(checkpoint, cache):
    keep_beside(checkpoint, TITLES)
    assert len(news_vectors(checkpoint, TITLES, never)) == 3
    assert not cache.exists()


def test_a_cache_that_cannot_be_written_costs_time_only(checkpoint, cache):
    cache.write_text("a file where a folder should be")
    assert len(news_vectors(checkpoint, TITLES)) == 3


def test_no_stories_give_no_vectors(recommender):
    assert encode_news(recommender, recommender.tokens([])).shape == (0, 8)
