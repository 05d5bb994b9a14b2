import numpy as np
import pytest
import torch
from conftest import make_recommender
from torch.nn import functional as F

from tinynewsrec.data.batches import EMPTY, collate, pad
from tinynewsrec.data.tokens import Tokens
from tinynewsrec.evaluation.scores import score_impressions
from tinynewsrec.evaluation.vectors import encode_news
from tinynewsrec.model.config import ModelConfig

VARIANTS = [
    {},
    {"user_encoder": "self-attention"},
    {"pooling": "cls"},
    {"pooling": "mean"},
    {"score_scale": "root"},
    {"score_scale": "learned"},
    {"projection": False, "news_size": 16},
]


def batch_of(split, tokens, rows, history_length=3):
    impressions = split.impressions.take(np.array(rows))
    candidates = pad(impressions.candidates)
    history = pad(impressions.history, history_length)
    return collate(history, candidates, np.zeros(candidates.shape, dtype=bool), tokens)


@pytest.fixture
def batch(split, tokens):
    return batch_of(split, tokens, [0, 1, 2])


@pytest.mark.parametrize("settings", VARIANTS)
def test_a_reader_does_not_depend_on_who_else_is_in_the_batch(tokenizer, split, tokens, batch, settings):
    recommender = make_recommender(tokenizer, **settings)
    for row in range(3):
        alone = recommender(batch_of(split, tokens, [row]))[0]
        torch.testing.assert_close(recommender(batch)[row, : len(alone)], alone)


@pytest.mark.parametrize("settings", VARIANTS)
def test_padding_does_not_change_scores(tokenizer, batch, settings):
    recommender = make_recommender(tokenizer, **settings)
    longer = Tokens(F.pad(batch.tokens.ids, (0, 3)), F.pad(batch.tokens.mask, (0, 3)))
    history = F.pad(batch.history, (0, 4), value=EMPTY)
    torch.testing.assert_close(
        recommender(batch._replace(tokens=longer, history=history)), recommender(batch)
    )


def test_padding_would_change_scores_if_the_mask_let_it_through(recommender, batch):
    longer = Tokens(F.pad(batch.tokens.ids, (0, 3)), F.pad(batch.tokens.mask, (0, 3), value=True))
    seen = recommender.news_encoder.encode(longer)
    assert not torch.allclose(seen, recommender.encode(batch.tokens), atol=1e-3)


def test_shuffling_candidates_shuffles_scores(recommender, batch):
    order = torch.tensor([2, 0, 3, 1])
    shuffled = batch._replace(candidates=batch.candidates[:, order])
    torch.testing.assert_close(recommender(shuffled), recommender(batch)[:, order])


def test_the_order_of_clicks_does_not_matter(recommender, batch):
    reordered = batch._replace(history=batch.history.flip(-1))
    torch.testing.assert_close(recommender(reordered), recommender(batch))


def test_a_reader_without_history_gets_the_learnt_vector(recommender, batch):
    news = recommender.encode(batch.tokens)
    reader = recommender.read(news, batch.history)[1]
    torch.testing.assert_close(reader, recommender.user_encoder.newcomer)


@pytest.mark.parametrize("settings", VARIANTS)
def test_no_history_gives_finite_gradients(tokenizer, batch, settings):
    recommender = make_recommender(tokenizer, **settings).train()
    recommender(batch).logsumexp(-1).sum().backward()
    assert all(p.grad.isfinite().all() for p in recommender.parameters() if p.grad is not None)
    assert recommender.user_encoder.newcomer.grad.abs().sum() > 0


def test_only_the_latest_clicks_are_kept(split):
    history = split.impressions.history
    assert pad(history.take(np.array([4])), 3).tolist() == [[4, 6, 8]]


def test_encoding_all_stories_once_gives_the_same_scores(recommender, split, tokens, batch):
    scores = score_impressions(recommender, encode_news(recommender, tokens), split.impressions)
    expected = recommender(batch)
    torch.testing.assert_close(torch.from_numpy(scores[:3]), expected[0, :3])
    torch.testing.assert_close(torch.from_numpy(scores[6:10]), expected[2, :4])


def test_stories_are_encoded_once_however_many_readers_meet_them(batch):
    assert len(batch.stories) == len(set(batch.stories.tolist()))
    assert batch.stories[batch.candidates[0, :3]].tolist() == [3, 4, 5]
    assert batch.stories[batch.history[0]].tolist() == [0, 1, 2]


def test_similar_lengths_together_give_each_story_its_own_vector(recommender, tokens, monkeypatch):
    whole = recommender.encode(tokens)
    monkeypatch.setattr("tinynewsrec.model.news_encoder.TOGETHER", 2)
    torch.testing.assert_close(recommender.encode(tokens), whole)


def test_little_padding_is_read(recommender, tokens, monkeypatch):
    """Three stories each of 4, 5, 6 and 7 word pieces, five at once, are read as wide as the longest is."""
    shapes = []
    monkeypatch.setattr("tinynewsrec.model.news_encoder.TOGETHER", 5)
    language_model = recommender.news_encoder.language_model
    language_model.register_forward_pre_hook(lambda _, given: shapes.append(tuple(given[0].shape)))
    recommender.encode(tokens)
    assert shapes == [(5, 7), (5, 6), (2, 4)]


def test_an_untrained_attention_pooling_is_the_mean(tokens, tokenizer):
    recommender = make_recommender(tokenizer)
    torch.nn.init.zeros_(recommender.news_encoder.pool.query.weight)
    words = recommender.news_encoder.words(tokens)
    mean = (words * tokens.mask[..., None]).sum(1) / tokens.mask.sum(-1, keepdim=True)
    torch.testing.assert_close(recommender.encode(tokens), recommender.news_encoder.project(mean))


def test_a_scale_multiplies_every_score_that_of_a_newcomer_too(tokenizer, batch):
    plain, root = (make_recommender(tokenizer, score_scale=kind)(batch) for kind in ("none", "root"))
    torch.testing.assert_close(root, plain / 8**0.5)
    learning = make_recommender(tokenizer, score_scale="learned")
    learning.load_state_dict(make_recommender(tokenizer).state_dict(), strict=False)
    factor = learning.user_encoder.factor
    assert factor > 0 and factor != 1
    torch.testing.assert_close(learning(batch), plain * factor)
    learning(batch).logsumexp(-1).sum().backward()
    assert learning.user_encoder.log_factor.grad.abs() > 0


def test_without_a_projection_a_story_is_its_pooled_words(tokenizer, tokens):
    encoder = make_recommender(tokenizer, projection=False, news_size=16, pooling="cls").news_encoder
    torch.testing.assert_close(encoder(tokens), encoder.words(tokens)[:, 0])
    with pytest.raises(ValueError, match="news_size must be the language model's width, 16; got 8"):
        make_recommender(tokenizer, projection=False)


def test_too_many_layers_is_refused(tokenizer):
    with pytest.raises(ValueError, match="Cannot keep 4 layers: .* has 3"):
        make_recommender(tokenizer, layers=4)


def test_wrong_settings_are_explained():
    with pytest.raises(ValueError, match="layers must be a whole number of 1 or more, got 0"):
        ModelConfig(layers=0)
    with pytest.raises(ValueError, match="multiple of heads"):
        ModelConfig(user_encoder="self-attention", news_size=100, heads=16)


def test_shapes_in_signatures_are_checked(recommender):
    with pytest.raises(Exception, match="history"):
        recommender.score(
            torch.zeros(4, 8), torch.zeros(3, dtype=torch.long), torch.zeros(1, 2, dtype=torch.long)
        )
