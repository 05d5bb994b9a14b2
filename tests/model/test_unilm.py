import pytest
import torch
from torch.nn import functional as F
from transformers import AutoConfig, AutoModel
from transformers.models.t5.modeling_t5 import T5Attention

from tinynewsrec.model.unilm import Attention, UniLMv2Config, UniLMv2Model, buckets

TINY = {
    "vocab_size": 40,
    "hidden_size": 12,
    "num_hidden_layers": 3,
    "num_attention_heads": 3,
    "intermediate_size": 20,
    "max_position_embeddings": 150,
}


@pytest.fixture
def model():
    """Weights ten times larger than usual, so that every part is felt."""
    torch.manual_seed(0)
    return UniLMv2Model(UniLMv2Config(**TINY, initializer_range=0.2)).eval()


@pytest.fixture
def ids():
    return torch.randint(0, 40, (2, 140), generator=torch.Generator().manual_seed(0))


@pytest.fixture
def mask():
    return torch.arange(140) < torch.tensor([[140], [90]])


def explicit(model: UniLMv2Model, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """The formulas written out, a head at a time, with T5's own buckets."""
    w = model.state_dict(keep_vars=True)
    length, heads = ids.shape[1], model.config.num_attention_heads
    size = model.config.hidden_size // heads

    def norm(x, name):
        return F.layer_norm(x, x.shape[-1:], w[f"{name}.weight"], w[f"{name}.bias"], eps=1e-12)

    def linear(x, name):
        return x @ w[f"{name}.weight"].T + w.get(f"{name}.bias", 0)

    distance = torch.arange(length)[None, :] - torch.arange(length)[:, None]  # query down, key across
    bias = w["encoder.relative_positions.table.weight"][T5Attention._relative_position_bucket(distance)]
    additive = torch.where(mask, 0.0, -10000.0)[:, None, :]
    e = "embeddings"
    x = w[f"{e}.word_embeddings.weight"][ids] + w[f"{e}.position_embeddings.weight"][:length]
    x = norm(x + w[f"{e}.token_type_embeddings.weight"][0], f"{e}.norm")
    for layer in (f"encoder.layer.{i}" for i in range(model.config.num_hidden_layers)):
        query, key, value = (linear(x, f"{layer}.attention.{part}") for part in ("query", "key", "value"))
        mixed = []
        for head in range(heads):
            own = slice(head * size, head * size + size)
            scores = query[..., own] @ key[..., own].mT / size**0.5 + bias[..., head] + additive
            mixed.append(scores.exp() / scores.exp().sum(-1, keepdim=True) @ value[..., own])
        x = norm(x + linear(torch.cat(mixed, -1), f"{layer}.attention.output"), f"{layer}.attention_norm")
        x = norm(x + linear(F.gelu(linear(x, f"{layer}.expand")), f"{layer}.contract"), f"{layer}.norm")
    return x


@pytest.mark.parametrize(
    ("distance", "bucket"),
    [
        (0, 0),
        (1, 17),
        (-1, 1),
        (7, 23),
        (-7, 7),
        (8, 24),
        (-8, 8),
        (11, 24),
        (12, 25),
        (-15, 9),
        (-16, 10),
        (22, 26),
        (23, 27),
        (-31, 11),
        (-32, 12),
        (45, 28),
        (46, 29),
        (-63, 13),
        (-64, 14),
        (90, 30),
        (91, 31),
        (127, 31),
        (-127, 15),
        (128, 31),
        (-128, 15),
        (500, 31),
        (-500, 15),
    ],
)
def test_a_distance_has_the_bucket_worked_out_by_hand(distance, bucket):
    assert buckets(torch.tensor([distance])).item() == bucket


def test_buckets_are_those_of_t5():
    distance = torch.arange(-1000, 1001)
    assert torch.equal(buckets(distance), T5Attention._relative_position_bucket(distance))


def test_the_model_is_its_formulas_written_out(model, ids, mask):
    found = model(ids, attention_mask=mask).last_hidden_state
    torch.testing.assert_close(found[mask], explicit(model, ids, mask)[mask], rtol=1e-4, atol=1e-5)


def test_gradients_are_those_of_the_formulas(model, ids, mask):
    weights = dict(model.named_parameters())
    expected = torch.autograd.grad(
        explicit(model, ids, mask)[mask].pow(3).mean(), weights.values(), allow_unused=True
    )
    model(ids, attention_mask=mask).last_hidden_state[mask].pow(3).mean().backward()
    for (name, weight), gradient in zip(weights.items(), expected, strict=True):
        torch.testing.assert_close(weight.grad, gradient, rtol=1e-3, atol=1e-5, msg=name)


def test_every_weight_learns(model, ids):
    model(ids, token_type_ids=ids % 2).last_hidden_state.pow(3).mean().backward()
    assert [name for name, weight in model.named_parameters() if not weight.grad.abs().sum()] == []


def test_padding_changes_nothing(model, ids):
    short = model(ids[:, :9]).last_hidden_state
    padded = model(ids, attention_mask=(torch.arange(140) < 9).expand(2, -1).long()).last_hidden_state
    torch.testing.assert_close(padded[:, :9], short)


def test_without_absolute_positions_only_distances_count(model, ids):
    torch.nn.init.zeros_(model.embeddings.position_embeddings.weight)
    late = (torch.arange(60) >= 40).expand(2, -1)
    torch.testing.assert_close(
        model(ids[:, :60], attention_mask=late).last_hidden_state[:, 40:],
        model(ids[:, 40:60]).last_hidden_state,
    )


def test_before_and_after_are_told_apart(model, ids):
    torch.nn.init.zeros_(model.embeddings.position_embeddings.weight)
    there, back = model(ids[:, :9]), model(ids[:, :9].flip(1))
    assert not torch.allclose(there.last_hidden_state, back.last_hidden_state.flip(1), atol=1e-2)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_a_text_without_words_gives_finite_numbers_and_gradients(model, ids, dtype):
    model.to(dtype)
    words = model(ids[:, :5], attention_mask=torch.zeros(2, 5)).last_hidden_state
    words.float().pow(2).mean().backward()
    assert words.isfinite().all()
    assert all(weight.grad.isfinite().all() for weight in model.parameters())


def test_mixed_precision_gives_nearly_the_same(model, ids, mask):
    exact = model(ids, attention_mask=mask).last_hidden_state
    with torch.autocast("cpu", torch.bfloat16):
        rough = model(ids, attention_mask=mask).last_hidden_state
    torch.testing.assert_close(rough[mask], exact[mask], rtol=0, atol=0.2)


def test_the_first_layers_give_the_hidden_states_of_the_whole(model, ids, mask):
    states = model(ids, attention_mask=mask, output_hidden_states=True).hidden_states
    assert len(states) == 4
    for count in (2, 1):
        model.encoder.layer = model.encoder.layer[:count]
        found = model(ids, attention_mask=mask)
        assert torch.equal(found.last_hidden_state, states[count])
        assert found.hidden_states is None


def test_word_vectors_may_be_given_in_place_of_ids(model, ids):
    words = model.get_input_embeddings()(ids)
    assert torch.equal(model(inputs_embeds=words).last_hidden_state, model(ids).last_hidden_state)


def test_a_text_is_of_the_first_type_unless_told(model, ids):
    first, second = (model(ids, token_type_ids=torch.full_like(ids, t)).last_hidden_state for t in (0, 1))
    torch.testing.assert_close(model(ids).last_hidden_state, first)
    assert not torch.allclose(first, second, atol=1e-2)


def test_dropout_is_on_in_training_alone(model, ids):
    assert torch.equal(model(ids).last_hidden_state, model(ids).last_hidden_state)
    attention = Attention(UniLMv2Config(**TINY)).train()
    words, bias = torch.randn(1, 5, 12), torch.zeros(1, 3, 5, 5)
    assert not torch.equal(attention(words, bias), attention(words, bias))


def test_a_saved_model_comes_back_through_the_auto_classes(model, ids, tmp_path):
    model.save_pretrained(tmp_path)
    assert (tmp_path / "model.safetensors").exists()
    loaded = AutoModel.from_pretrained(tmp_path, use_safetensors=True)
    assert isinstance(loaded, UniLMv2Model)
    assert torch.equal(loaded(ids).last_hidden_state, model(ids).last_hidden_state)
    rebuilt = AutoModel.from_config(AutoConfig.for_model(**loaded.config.to_dict()))
    assert rebuilt.state_dict().keys() == model.state_dict().keys()


def test_the_default_is_the_base_model():
    config = AutoConfig.for_model("unilmv2")
    assert (config.hidden_size, config.num_hidden_layers, config.vocab_size) == (768, 12, 30522)


def test_a_text_that_is_too_long_is_refused(model):
    with pytest.raises(ValueError, match="at most 150 tokens, got 151"):
        model(torch.zeros(1, 151, dtype=torch.long))


def test_ids_and_word_vectors_together_are_refused(model, ids):
    with pytest.raises(ValueError, match="either input_ids or inputs_embeds"):
        model(ids, inputs_embeds=torch.zeros(2, 140, 12))


def test_heads_that_do_not_divide_the_width_are_refused():
    with pytest.raises(ValueError, match="got 12 and 5"):
        UniLMv2Model(UniLMv2Config(**TINY | {"num_attention_heads": 5}))
