"""Frozen layers' outputs, computed once, stand in for running those layers at every step."""

import pytest
import torch
from conftest import make_recommender
from transformers import (
    AutoModel,
    BertConfig,
    DebertaV2Config,
    DistilBertConfig,
    ElectraConfig,
    ModernBertConfig,
    MPNetConfig,
    RobertaConfig,
    XLMRobertaConfig,
)

from tinynewsrec.data.tokens import Tokens
from tinynewsrec.model.frozen import can_freeze, freeze_stories, thaw
from tinynewsrec.model.language_models import without_pooler
from tinynewsrec.model.unilm import UniLMv2Config

SIZES = {
    "vocab_size": 60,
    "hidden_size": 16,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 32,
}
FAMILIES = [
    BertConfig(**SIZES),
    MPNetConfig(**SIZES),
    RobertaConfig(**SIZES),
    XLMRobertaConfig(**SIZES),
    ElectraConfig(**SIZES, embedding_size=8),
    DistilBertConfig(vocab_size=60, dim=16, n_layers=3, n_heads=2, hidden_dim=32),
    UniLMv2Config(**SIZES),
    DebertaV2Config(**SIZES, relative_attention=True),
    ModernBertConfig(**SIZES, pad_token_id=0),
]
ROWS = torch.arange(4)


@pytest.mark.parametrize("frozen", [0, 2, 3])
@pytest.mark.parametrize("config", FAMILIES, ids=lambda config: config.model_type)
def test_frozen_and_thawed_is_the_whole_model(config, frozen):
    torch.manual_seed(0)
    model = without_pooler(AutoModel.from_config(config)).eval()
    mask = torch.arange(6) < torch.tensor([6, 4, 2, 5])[:, None]
    ids = torch.where(mask, torch.randint(5, 60, (4, 6)), model.config.pad_token_id or 0)
    whole = model(ids, attention_mask=mask.long()).last_hidden_state
    stories = freeze_stories(model, frozen, Tokens(ids, mask), ROWS)
    torch.testing.assert_close(thaw(model, stories.take(ROWS))[mask], whole[mask])
    assert can_freeze(model, frozen, Tokens(ids, mask))


def test_a_model_that_does_more_after_its_first_layer_is_not_frozen():
    model = without_pooler(AutoModel.from_config(DebertaV2Config(**SIZES, conv_kernel_size=3)))
    assert not can_freeze(model, 2, Tokens(torch.randint(5, 60, (2, 6)), torch.ones(2, 6, dtype=torch.bool)))


def test_frozen_layers_give_the_same_loss_and_gradients(tokenizer, tokens):
    recommender = make_recommender(tokenizer, layers=3)
    encoder = recommender.news_encoder
    encoder.freeze_below(2)
    encoder.train()
    for part in encoder.language_model.modules():
        if isinstance(part, torch.nn.Dropout):
            part.p = 0.0
    stories = freeze_stories(encoder.language_model, encoder.frozen_layers, tokens, ROWS)
    plain = gradients(encoder, tokens.take(ROWS))
    cached = gradients(encoder, stories.take(ROWS))
    assert plain.keys() == cached.keys() and len(plain) > 10
    for name, gradient in plain.items():
        torch.testing.assert_close(cached[name], gradient)


def gradients(encoder, stories):
    encoder.zero_grad()
    encoder(stories).pow(2).sum().backward()
    return {name: p.grad.clone() for name, p in encoder.named_parameters() if p.grad is not None}


def test_only_the_last_layers_are_trained_and_only_they_have_dropout(tokenizer):
    encoder = make_recommender(tokenizer, layers=3).news_encoder
    encoder.freeze_below(1)
    encoder.train()
    layers = encoder.language_model.encoder.layer
    assert [layer.attention.output.dropout.training for layer in layers] == [False, False, True]
    assert not encoder.language_model.embeddings.dropout.training
    assert [any(p.requires_grad for p in layer.parameters()) for layer in layers] == [False, False, True]
