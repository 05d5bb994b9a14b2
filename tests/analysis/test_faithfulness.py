"""A model that goes by one word is seen to do so, and no explanation of another word passes for faithful."""

import numpy as np
import pytest
import torch
from conftest import make_recommender

from tinynewsrec.analysis.attribution import gradient_x_activation, integrated_gradients
from tinynewsrec.analysis.deletions import Deletions
from tinynewsrec.analysis.faithfulness import faithfulness, random_baseline, tops
from tinynewsrec.analysis.title_words import read_title

TITLE = "the mayor opens a bridge in the garden school"
PLANTED = 4
OTHERS = np.linspace(-1.0, 1.0, 6)


@pytest.fixture
def planted(tokenizer):
    """Its score is 2 for a title with the word bridge, and 0 for any other."""
    model = make_recommender(tokenizer, layers=1).double()
    language_model, pool = model.news_encoder.language_model, model.news_encoder.pool
    with torch.no_grad():
        for name, weight in language_model.named_parameters():
            weight.fill_(1.0 if name.endswith("LayerNorm.weight") else 0.0)
        word = torch.tensor([1.0, -1.0] * 8)
        language_model.embeddings.word_embeddings.weight[tokenizer.vocab["bridge"]] = word
        for weight in (*pool.parameters(), *model.news_encoder.project.parameters()):
            weight.zero_()
        pool.key.weight[0], pool.query.weight[0, 0] = word, 60.0
        model.news_encoder.project.weight[0] = word / 16
    return model


@pytest.fixture
def deletions(planted):
    return Deletions(planted, read_title(planted, TITLE), np.array([2.0, *[0.0] * 7]))


def test_the_score_depends_on_that_word_alone(deletions):
    found = deletions.leave_one_out()
    assert found[PLANTED] == pytest.approx(2, abs=1e-4)
    assert np.delete(found, PLANTED) == pytest.approx(0, abs=1e-4)


def test_both_methods_find_the_planted_word(planted, deletions):
    for method in (gradient_x_activation, integrated_gradients):
        values = method(planted, deletions.title, deletions.direction.numpy()).values
        assert values.argmax() == PLANTED
        assert np.delete(values, PLANTED) == pytest.approx(0, abs=1e-4)


def test_the_planted_word_is_faithful_and_beats_chance(planted, deletions):
    values = gradient_x_activation(planted, deletions.title, deletions.direction.numpy()).values
    found, chance = faithfulness(values, deletions, OTHERS), random_baseline(deletions, OTHERS)
    unit = np.append(OTHERS, 2.0).std()
    assert found.comprehensiveness == pytest.approx(2 / unit, abs=1e-3)
    assert found.sufficiency == pytest.approx(0, abs=1e-3)
    assert found.rank_drop == 3  # from above all six to the middle of them
    assert found.agreement > 0.3
    assert (
        found.comprehensiveness
        > chance.mean.comprehensiveness + 2 * chance.deviation.comprehensiveness / 10**0.5
    )
    assert found.sufficiency < chance.mean.sufficiency
    assert found.rank_drop > chance.mean.rank_drop
    assert chance.seeds == 10


def test_an_explanation_that_names_every_other_word_first_is_worse_than_chance(deletions):
    values = np.ones(len(deletions.title.words))
    values[PLANTED] = 0
    found, chance = faithfulness(values, deletions, OTHERS), random_baseline(deletions, OTHERS)
    assert found.comprehensiveness == pytest.approx(0, abs=1e-3)
    assert found.comprehensiveness < chance.mean.comprehensiveness
    assert found.sufficiency > chance.mean.sufficiency
    assert found.rank_drop == 0


def test_half_of_the_words_is_the_most_that_goes():
    kept = tops(np.array([0.0, 3.0, 1.0, 2.0, -1.0]))
    assert kept.tolist() == [[False, True, False, False, False], [False, True, False, True, False]]
    assert tops(np.array([1.0])).tolist() == [[True]]


def test_a_title_without_some_words_scores_as_the_shorter_title(tokenizer):
    model = make_recommender(tokenizer, title_length=20)
    direction = np.arange(8.0)
    title = read_title(model, "mayor opens the gardenia, storm")
    kept = np.array([[True, False, True, True, False]])
    shorter = read_title(model, "mayor the gardenia,")
    found = Deletions(model, title, direction).scores(kept)
    assert found[0] == pytest.approx(Deletions(model, shorter, direction).whole(), abs=1e-5)


def test_each_variant_is_encoded_once(tokenizer, monkeypatch):
    model = make_recommender(tokenizer)
    deletions, seen = Deletions(model, read_title(model, TITLE), np.ones(8)), []
    encode = deletions.encode
    monkeypatch.setattr(deletions, "encode", lambda kept: seen.extend(map(tuple, kept)) or encode(kept))
    random_baseline(deletions, OTHERS)
    random_baseline(deletions, OTHERS)
    assert len(seen) == len(set(seen)) > 10


def test_chance_is_the_same_each_time_and_more_seeds_are_other_ones(deletions):
    assert random_baseline(deletions, OTHERS) == random_baseline(deletions, OTHERS)
    assert random_baseline(deletions, OTHERS, seeds=3).mean != random_baseline(deletions, OTHERS).mean
