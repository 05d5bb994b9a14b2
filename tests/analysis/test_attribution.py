"""Captum's words against what is computed another way, on an encoder of double precision."""

from threading import Thread

import numpy as np
import pytest
import torch
from conftest import make_recommender

from tinynewsrec.analysis.attribution import (
    attention,
    frozen_tower,
    gradient_x_activation,
    integrated_gradients,
)
from tinynewsrec.analysis.correlation import spearman, top_overlap
from tinynewsrec.analysis.title_words import read_title
from tinynewsrec.data.tokens import Tokens

TITLE = "Mayor opens the garden, storm closes"
DIRECTION = np.random.default_rng(0).normal(size=8)


@pytest.fixture(scope="module", params=["attention", "cls", "mean"])
def model(request, tokenizer):
    return make_recommender(tokenizer, pooling=request.param, title_length=20).double()


@pytest.fixture(scope="module")
def title(model):
    return read_title(model, TITLE)


def score(model, tokens) -> float:
    with torch.no_grad():
        return float(model.encode(tokens) @ torch.from_numpy(DIRECTION))


def nudged(model, title, piece: int, factor: float) -> float:
    """The score with the embedding of one piece made longer, by a hook of the test's own."""

    def stretch(_module, _given, words):
        words = words.clone()
        words[:, piece] *= factor
        return words

    hook = model.news_encoder.language_model.embeddings.register_forward_hook(stretch)
    try:
        return score(model, title.tokens)
    finally:
        hook.remove()


def test_gradient_x_activation_is_how_the_score_moves_as_a_word_grows(model, title):
    found, step = gradient_x_activation(model, title, DIRECTION), 1e-5
    pieces = np.array(
        [
            (nudged(model, title, piece, 1 + step) - nudged(model, title, piece, 1 - step)) / (2 * step)
            for piece in range(len(title.word_of))
        ]
    )
    np.testing.assert_allclose(found.values, title.by_word(pieces), atol=1e-8)
    assert found.rest == pytest.approx(pieces[title.word_of < 0].sum(), abs=1e-8)


def test_integrated_gradients_add_up_to_the_score_less_that_of_padding(model, title):
    inside = torch.from_numpy(title.word_of >= 0)
    padding = Tokens(title.tokens.ids.masked_fill(inside, model.tokenizer.pad_token_id), title.tokens.mask)
    expected = score(model, title.tokens) - score(model, padding)
    found = integrated_gradients(model, title, DIRECTION, steps=64)
    assert found.total == pytest.approx(expected, abs=1e-10)
    assert found.values.sum() == pytest.approx(expected, abs=1e-4)
    assert found.rest == pytest.approx(0, abs=1e-12)


def test_the_completeness_error_falls_with_the_steps(model, title):
    errors = [abs(integrated_gradients(model, title, DIRECTION, steps).error) for steps in (1, 4, 32)]
    assert errors[0] > errors[1] > errors[2]


def test_the_completeness_error_is_what_the_words_miss(model, title):
    found = integrated_gradients(model, title, DIRECTION, steps=2)
    assert found.error == pytest.approx(found.values.sum() + found.rest - found.total, abs=1e-12)


def test_a_history_of_the_same_length_is_not_mistaken_for_the_candidate(tokenizer):
    """Through both towers at once, captum would give a sum of zero for this."""
    model = make_recommender(tokenizer).double()
    story, click = read_title(model, "mayor opens bridge"), read_title(model, "storm closes school")
    assert story.tokens.ids.shape == click.tokens.ids.shape
    with torch.no_grad():
        reader = model.read(model.encode(click.tokens), torch.zeros(1, 1, dtype=torch.long))[0].numpy()
    found = integrated_gradients(model, story, reader, steps=64)
    assert abs(found.total) > 1e-3
    assert found.values.sum() == pytest.approx(found.total, abs=1e-4)


def test_steps_are_told_one_after_the_other_up_to_the_last(tokenizer):
    model, told = make_recommender(tokenizer), []
    title = read_title(model, TITLE)
    integrated_gradients(model, title, DIRECTION, 20, lambda done, total: told.append((done, total)))
    done, totals = zip(*told, strict=True)
    assert set(totals) == {20}
    assert list(done) == sorted(done) and done[-1] == 20 and len(set(done)) > 3


def test_what_progress_raises_ends_the_computation_and_leaves_no_trace(tokenizer):
    model = make_recommender(tokenizer)
    title = read_title(model, TITLE)
    before = score(model.double(), title.tokens)

    def stop(done, _total):
        if done >= 5:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        integrated_gradients(model, title, DIRECTION, 40, stop)
    assert score(model, title.tokens) == before
    assert not any(part._forward_hooks for part in model.modules())
    assert all(weight.grad is None and weight.requires_grad for weight in model.parameters())


def test_titles_that_are_encoded_meanwhile_meet_none_of_the_hooks(tokenizer):
    model = make_recommender(tokenizer).double()
    title, other = (read_title(model, text) for text in (TITLE, "mayor wins vote plan"))
    expected, alone, during = score(model, other.tokens), gradient_x_activation(model, title, DIRECTION), []
    others = []

    def look(_done, _total):
        during.append(score(model, other.tokens))
        others.append(gradient_x_activation(model, title, DIRECTION).values)

    thread = Thread(target=integrated_gradients, args=(model, title, DIRECTION, 20, look))
    thread.start()
    thread.join()
    assert len(during) > 3
    assert set(during) == {expected}
    for values in others:
        np.testing.assert_array_equal(values, alone.values)


def test_nothing_of_the_weights_is_copied(tokenizer):
    model = make_recommender(tokenizer)
    _, layer = frozen_tower(model, DIRECTION)
    own = model.news_encoder.language_model.embeddings
    assert layer is not own
    assert layer.word_embeddings.weight.data_ptr() == own.word_embeddings.weight.data_ptr()


def test_what_the_pooling_looks_at_sums_to_one_and_is_missing_where_there_is_none(tokenizer):
    for pooling in ("attention", "mean", "cls"):
        model = make_recommender(tokenizer, pooling=pooling)
        found = attention(model, read_title(model, TITLE))
        if pooling == "attention":
            assert found.values.sum() + found.rest == pytest.approx(1)
        else:
            assert found is None


def test_pieces_are_joined_into_words_as_they_stand_in_the_title(tokenizer):
    title = read_title(make_recommender(tokenizer, title_length=20), "  Mayor opens, gardenia  x-2!")
    assert title.words == ("Mayor", "opens,", "gardenia", "x-2!")
    assert title.word_of[0] == title.word_of[-1] == -1
    pieces = tokenizer.convert_ids_to_tokens(title.tokens.ids[0])
    joined = [
        "".join(p.removeprefix("##") for p, w in zip(pieces, title.word_of, strict=True) if w == n)
        for n in range(4)
    ]
    assert joined[:2] == ["mayor", "opens[UNK]"]
    assert joined[2] == "gardenia"


def test_the_words_behind_the_cut_are_named_as_unread(tokenizer):
    title = read_title(make_recommender(tokenizer, title_length=5), "mayor opens the garden storm")
    assert title.words == ("mayor", "opens", "the")
    assert title.unread == ("garden", "storm")


@pytest.mark.parametrize("text", ["", "   "])
def test_a_title_without_words_has_no_words_to_weigh(tokenizer, text):
    model = make_recommender(tokenizer)
    title = read_title(model, text)
    assert title.words == title.unread == ()
    assert len(gradient_x_activation(model, title, DIRECTION).values) == 0


def test_the_same_order_agrees_wholly_and_the_reverse_not_at_all():
    values = np.array([0.1, 3.0, -2.0, 0.5])
    assert spearman(values, np.exp(values)) == pytest.approx(1)
    assert spearman(values, -values) == pytest.approx(-1)
    assert np.isnan(spearman(values, np.ones(4)))
    assert spearman(np.array([1.0, 1.0, 2.0]), np.array([1.0, 2.0, 3.0])) == pytest.approx(np.sqrt(0.75))
    assert top_overlap(values, np.array([0.0, 1.0, 0.0, 2.0]), 2) == 1
    assert top_overlap(values, np.array([9.0, 1.0, 8.0, 2.0]), 2) == 0
