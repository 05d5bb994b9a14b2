import json

import peft
import pytest
import torch
from conftest import make_recommender
from transformers import (
    DebertaV2Config,
    DebertaV2Model,
    DistilBertConfig,
    DistilBertModel,
    ElectraConfig,
    ElectraModel,
    ModernBertConfig,
    ModernBertModel,
    MPNetConfig,
    MPNetModel,
    RobertaConfig,
    RobertaModel,
)

from tinynewsrec.model.config import ModelConfig
from tinynewsrec.model.frozen import freeze_stories
from tinynewsrec.model.language_models import without_pooler
from tinynewsrec.model.lora import ADAPTER, Adapter
from tinynewsrec.model.news_encoder import NewsEncoder
from tinynewsrec.model.recommender import Recommender
from tinynewsrec.model.unilm import UniLMv2Config, UniLMv2Model
from tinynewsrec.model.weights import compact, read_weights, write_weights
from training.lora import LoraConfig, adapt, merge

CONFIG = LoraConfig(rank=4)
SMALL = {"vocab_size": 50, "hidden_size": 16, "num_attention_heads": 2, "num_hidden_layers": 2}
FAMILIES = {
    "roberta": (RobertaModel, RobertaConfig(**SMALL, intermediate_size=16), 4),
    "electra": (ElectraModel, ElectraConfig(**SMALL, intermediate_size=16, embedding_size=16), 4),
    "mpnet": (MPNetModel, MPNetConfig(**SMALL, intermediate_size=16), 4),
    "distilbert": (
        DistilBertModel,
        DistilBertConfig(vocab_size=50, dim=16, n_heads=2, n_layers=2, hidden_dim=16),
        4,
    ),
    "deberta": (DebertaV2Model, DebertaV2Config(**SMALL, intermediate_size=16), 4),
    "modernbert": (ModernBertModel, ModernBertConfig(**SMALL, intermediate_size=16, pad_token_id=0), 2),
    "unilm": (UniLMv2Model, UniLMv2Config(**SMALL, intermediate_size=16), 4),
}


def adapted(tokenizer, trained_layers=2, config=CONFIG):
    recommender = make_recommender(tokenizer)
    recommender.news_encoder.freeze_below(trained_layers)
    adapt(recommender.news_encoder, config, seed=0)
    return recommender.eval()


def trained(recommender):
    """As if it had learnt: adapters are no longer zero."""
    torch.manual_seed(1)
    for name, parameter in recommender.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.3)
    return recommender


@pytest.fixture
def released(tokenizer, tmp_path):
    """A merged recommender, and its folder."""
    recommender = trained(adapted(tokenizer))
    merge(recommender, tmp_path)
    recommender.save_pretrained(tmp_path)
    return recommender, tmp_path


def test_an_adapter_changes_nothing_at_first(tokenizer, tokens):
    assert torch.equal(adapted(tokenizer).encode(tokens), make_recommender(tokenizer).encode(tokens))


def test_adapters_and_what_stands_on_the_language_model_are_trained_alone(tokenizer):
    recommender = adapted(tokenizer)
    learns = {name for name, parameter in recommender.named_parameters() if parameter.requires_grad}
    inside = {name for name in learns if "language_model." in name}
    assert inside and all("lora_" in name for name in inside)
    outside = {name for name, _ in recommender.named_parameters() if "language_model." not in name}
    assert learns - inside == outside


def test_frozen_layers_get_no_adapter(tokenizer, tokens):
    """So what they make of a story, computed beforehand, stays true."""
    recommender = trained(adapted(tokenizer, trained_layers=1))
    names = [name for name, _ in recommender.named_parameters() if "lora_" in name]
    assert names and all("layer.1." in name for name in names)
    model = recommender.news_encoder.language_model
    frozen = freeze_stories(model, 1, tokens, torch.arange(len(tokens.ids)))
    found = recommender.encode(frozen.take(torch.arange(len(tokens.ids))))
    torch.testing.assert_close(found, recommender.encode(tokens))


def test_without_trained_layers_there_is_nothing_to_adapt(tokenizer):
    with pytest.raises(ValueError, match="--trained-layers of 1 or more"):
        adapted(tokenizer, trained_layers=0)


def test_unknown_targets_are_explained(tokenizer):
    with pytest.raises(ValueError, match="called q_proj .* found dense, key, query, value"):
        adapted(tokenizer, config=LoraConfig(rank=2, targets=("q_proj",)))


def test_maps_that_are_named_get_an_adapter_and_no_others(tokenizer):
    recommender = adapted(tokenizer, config=LoraConfig(rank=2, targets=("dense",)))
    names = [name for name, _ in recommender.named_parameters() if "lora_A" in name]
    assert len(names) == 6 and all(".dense.lora_A" in name for name in names)


def test_every_adapter_drops_out_what_the_settings_say(tokenizer):
    parts = adapted(tokenizer, config=LoraConfig(rank=2, dropout=0.3)).named_modules()
    assert [part.p for name, part in parts if name.endswith("lora_dropout.default")] == [0.3] * 4


def test_no_rank_leaves_all_weights_to_learn(tokenizer):
    recommender = adapted(tokenizer, config=LoraConfig())
    names = dict(recommender.named_parameters())
    assert names.keys() == dict(make_recommender(tokenizer).named_parameters()).keys()
    assert any(parameter.requires_grad for name, parameter in names.items() if "layer.1." in name)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_has_its_queries_and_values_adapted(family):
    kind, config, maps = FAMILIES[family]
    torch.manual_seed(0)
    encoder = NewsEncoder(without_pooler(kind(config)), ModelConfig(layers=2, news_size=8)).eval()
    encoder.freeze_below(2)
    ids = torch.randint(5, 50, (3, 6))
    before = encoder.language_model(ids, attention_mask=torch.ones_like(ids)).last_hidden_state
    adapt(encoder, CONFIG, seed=0)
    assert sum(name.endswith("lora_A.default.weight") for name, _ in encoder.named_parameters()) == maps
    after = encoder.language_model(ids, attention_mask=torch.ones_like(ids)).last_hidden_state
    torch.testing.assert_close(after, before)


def test_a_merged_model_is_the_adapted_one_in_plain_weights(tokenizer, tokens, tmp_path):
    recommender = trained(adapted(tokenizer))
    before = recommender.encode(tokens)
    assert (before - make_recommender(tokenizer).encode(tokens)).abs().max() > 0.01
    merge(recommender, tmp_path)
    torch.testing.assert_close(recommender.encode(tokens), before, atol=1e-5, rtol=1e-5)
    assert recommender.state_dict().keys() == make_recommender(tokenizer).state_dict().keys()


def test_an_adapter_can_be_scaled_after_loading(released, tokenizer, tokens):
    _, folder = released
    loaded, adapter = Recommender.from_pretrained(folder), Adapter.load(folder)
    base = make_recommender(tokenizer).encode(tokens)
    as_released = loaded.encode(tokens)
    assert torch.equal(adapter.used(loaded, 1.0).encode(tokens), as_released)
    torch.testing.assert_close(adapter.used(loaded, 0.0).encode(tokens), base, atol=1e-5, rtol=1e-5)
    moved = [(adapter.used(loaded, scale).encode(tokens) - base).norm() for scale in (0.0, 0.5, 1.0)]
    assert moved[0] < moved[1] < moved[2]
    assert torch.equal(loaded.encode(tokens), as_released)


def test_what_an_adapter_leaves_alone_is_not_copied(released):
    recommender, folder = released
    used = dict(Adapter.load(folder).used(recommender, 0.5).named_parameters())
    own = {name for name, parameter in recommender.named_parameters() if used[name] is not parameter}
    assert own == Adapter.load(folder).deltas.keys()


def test_a_compact_release_without_its_adapter_is_the_language_model_up_to_rounding(released, tokenizer):
    recommender, folder = released
    write_weights(compact(recommender.state_dict()), folder / "model.safetensors")
    loaded = Recommender.from_pretrained(folder)
    bare = Adapter.load(folder).used(loaded, 0.0).state_dict()
    merged, base = recommender.state_dict(), make_recommender(tokenizer).state_dict()
    differences = {name: (bare[name] - base[name]).abs() for name in Adapter.load(folder).deltas}
    assert max(d.max() for d in differences.values()) > 0
    for name, difference in differences.items():
        assert (difference <= merged[name].abs().amax(-1, keepdim=True) / 254 + 1e-6).all()


@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing:FutureWarning")  # of peft itself
def test_peft_reads_the_adapter(released, tokenizer):
    recommender, folder = released
    base = make_recommender(tokenizer).news_encoder.language_model
    theirs = peft.PeftModel.from_pretrained(base, folder / ADAPTER).merge_and_unload().state_dict()
    ours = recommender.news_encoder.language_model.state_dict()
    for name, weight in ours.items():
        torch.testing.assert_close(theirs[name], weight)


def test_the_scale_is_that_of_the_settings(tokenizer, tmp_path):
    for config, expected in (
        (LoraConfig(rank=4, alpha=16), 8.0),
        (LoraConfig(rank=4, alpha=16, rank_stabilised=False), 4.0),
    ):
        recommender = adapted(tokenizer, config=config)
        merge(recommender, tmp_path)
        adapter = Adapter.load(tmp_path)
        assert adapter.scale == expected and adapter.rank == 4
        assert adapter.parameters == 4 * 4 * (16 + 16)


def test_a_damaged_adapter_is_named(released, tokenizer):
    recommender, folder = released
    weights = read_weights(folder / ADAPTER / "adapter_model.safetensors")
    write_weights(dict(list(weights.items())[1:]), folder / ADAPTER / "adapter_model.safetensors")
    with pytest.raises(ValueError, match="adapter does not hold an adapter as peft saves it"):
        Adapter.load(folder)
    adapter = Adapter({"news_encoder.project.weight": torch.zeros(2, 2)}, rank=1, scale=1.0)
    with pytest.raises(ValueError, match="which has none"):
        adapter.used(recommender, 1.0)


def test_a_recommender_without_an_adapter_has_none(tmp_path, tokenizer):
    recommender = make_recommender(tokenizer)
    merge(recommender, tmp_path)
    assert Adapter.load(tmp_path) is None and not list(tmp_path.iterdir())


def test_the_adapter_tells_nothing_of_the_machine(released):
    _, folder = released
    config = json.loads((folder / ADAPTER / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == "tiny-random-bert"
