import os
import pickle
import re

import pytest
import torch
from safetensors.torch import save_file
from transformers import AutoModel, AutoTokenizer, BertConfig, BertModel

from tinynewsrec.model.unilm import UniLMv2Config, UniLMv2Model
from training.convert_unilm import Arguments, convert, describe, main, read_weights

TINY = {
    "vocab_size": 9,
    "hidden_size": 12,
    "num_hidden_layers": 2,
    "num_attention_heads": 3,
    "intermediate_size": 20,
    "max_position_embeddings": 30,
    "initializer_range": 0.2,
}
IDS = torch.tensor([[2, 5, 6, 7, 3, 0], [2, 8, 3, 0, 0, 0]])
LAYER_NAMES = {
    "attention.output.": "attention.output.dense.",
    "attention_norm.": "attention.output.LayerNorm.",
    "expand.": "intermediate.dense.",
    "contract.": "output.dense.",
    "norm.": "output.LayerNorm.",
}


@pytest.fixture
def model():
    torch.manual_seed(0)
    model = UniLMv2Model(UniLMv2Config(**TINY)).eval()
    for name, weight in model.named_parameters():
        if name.endswith("bias"):
            torch.nn.init.normal_(weight)
    return model


@pytest.fixture
def weights(model):
    return original_format(model)


def original_format(model: UniLMv2Model) -> dict[str, torch.Tensor]:
    """The names and shapes of the published file: one matrix for query, key and value, and no key bias."""
    weights = {"bert.encoder.rel_pos_bias.weight": model.encoder.relative_positions.table.weight.T}
    for name, weight in model.embeddings.state_dict().items():
        weights["bert.embeddings." + name.replace("norm.", "LayerNorm.")] = weight
    for number, layer in enumerate(model.encoder.layer):
        prefix = f"bert.encoder.layer.{number}."
        attention = layer.attention
        weights[prefix + "attention.self.qkv_linear.weight"] = torch.cat(
            [attention.query.weight, attention.key.weight, attention.value.weight]
        )
        weights[prefix + "attention.self.q_bias"] = attention.query.bias[None, None]
        weights[prefix + "attention.self.v_bias"] = attention.value.bias
        for ours, theirs in LAYER_NAMES.items():
            for name, weight in layer.state_dict().items():
                if name.startswith(ours):
                    weights[prefix + theirs + name.removeprefix(ours)] = weight
    return {name: weight.detach().clone().contiguous() for name, weight in weights.items()}


def split_format(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The same with query, key and value apart, as in a checkpoint that went through BERT's classes."""
    apart = {"bert.rel_pos_bias.weight": weights["bert.encoder.rel_pos_bias.weight"]}
    for name, weight in weights.items():
        if name.endswith("qkv_linear.weight"):
            for part, rows in zip(("query", "key", "value"), weight.split(12), strict=True):
                apart[name.replace("qkv_linear", part)] = rows
        elif "rel_pos_bias" not in name:
            name = name.replace("q_bias", "query.bias").replace("v_bias", "value.bias")
            apart[name] = weight.flatten() if name.endswith("query.bias") else weight
    return apart


def assert_same_function(converted, model):
    mask = IDS != 0
    torch.testing.assert_close(
        converted(IDS, attention_mask=mask).last_hidden_state[mask],
        model(IDS, attention_mask=mask).last_hidden_state[mask],
    )


def test_a_converted_checkpoint_is_the_same_function(model, weights):
    converted = convert(weights).model
    assert_same_function(converted, model)
    assert converted.config.num_attention_heads == 3
    assert not converted.training


def test_query_key_and_value_may_be_apart(model, weights):
    assert_same_function(convert(split_format(weights)).model, model)


def test_old_names_of_norms_are_understood(model, weights):
    def old(name):
        name = re.sub(r"LayerNorm\.weight$", "LayerNorm.gamma", name)
        return re.sub(r"LayerNorm\.bias$", "LayerNorm.beta", name)

    assert_same_function(convert({old(name): weight for name, weight in weights.items()}).model, model)


def test_half_precision_becomes_full(weights):
    converted = convert({name: weight.half() for name, weight in weights.items()}).model
    assert {weight.dtype for weight in converted.parameters()} == {torch.float32}


def test_bert_is_unilm_without_relative_positions():
    torch.manual_seed(0)
    bert = BertModel(BertConfig(**TINY), add_pooling_layer=False).eval()
    for layer in bert.encoder.layer:
        torch.nn.init.normal_(layer.attention.self.key.bias)
    weights = {f"bert.{name}": weight for name, weight in bert.state_dict().items()}
    converted = convert(weights | {"bert.rel_pos_bias.weight": torch.zeros(3, 32)})
    assert_same_function(converted.model, bert)
    assert converted.key_biases == tuple(f"bert.encoder.layer.{i}.attention.self.key.bias" for i in (0, 1))
    assert "Left out 2 key biases" in describe(converted)


def test_unused_heads_are_left_out_and_named(model, weights):
    heads = ["bert.pooler.dense.weight", "classifier.bias", "cls.predictions.bias"]
    converted = convert(weights | {name: torch.ones(3) for name in heads})
    assert converted.unused == tuple(heads)
    assert all(name in describe(converted) for name in heads)
    assert_same_function(converted.model, model)


def test_an_unknown_weight_is_named(weights):
    with pytest.raises(ValueError, match=r"1 unknown: encoder.layer.0.adapter.weight\."):
        convert(weights | {"bert.encoder.layer.0.adapter.weight": torch.ones(2)})


def test_every_missing_weight_is_named(weights):
    del weights["bert.encoder.layer.1.attention.self.q_bias"]
    del weights["bert.embeddings.LayerNorm.bias"]
    with pytest.raises(
        ValueError, match="2 missing: embeddings.norm.bias, encoder.layer.1.attention.query.bias"
    ):
        convert(weights)


def test_a_missing_table_is_named(weights):
    del weights["bert.encoder.rel_pos_bias.weight"]
    with pytest.raises(ValueError, match="relative_positions.table.weight, found none"):
        convert(weights)


def test_a_weight_of_another_shape_is_named(weights):
    name = "bert.encoder.layer.1.attention.self.qkv_linear.weight"
    weights[name] = weights[name][:-3]
    with pytest.raises(ValueError, match="3 of another shape: encoder.layer.1.attention.key.weight"):
        convert(weights)


def test_another_prefix_is_refused(weights):
    with pytest.raises(ValueError, match=r"begin with 'bert\.', found student\.bert.* and \d+ more"):
        convert({f"student.{name}": weight for name, weight in weights.items()})


def test_a_weight_given_twice_is_refused(weights):
    query = {"bert.encoder.layer.0.attention.self.query.weight": torch.ones(12, 12)}
    with pytest.raises(ValueError, match="found encoder.layer.0.attention.query.weight twice"):
        convert(weights | query)


@pytest.mark.parametrize(("heads", "buckets"), [(5, 32), (3, 64), (0, 32)])
def test_relative_positions_that_make_no_sense_are_refused(weights, heads, buckets):
    weights["bert.encoder.rel_pos_bias.weight"] = torch.zeros(heads, buckets)
    with pytest.raises(ValueError, match=rf"found \[{heads}, {buckets}\]"):
        convert(weights)


def test_a_gap_between_layers_is_refused(weights):
    gap = {name.replace("layer.1.", "layer.2."): weight for name, weight in weights.items()}
    with pytest.raises(ValueError, match=r"without a gap, found \[0, 2\]"):
        convert(gap)


@pytest.mark.parametrize("suffix", [".bin", ".safetensors"])
def test_the_command_writes_a_folder_that_hugging_face_reads(model, weights, tmp_path, suffix, capsys):
    checkpoint, vocab = tmp_path / f"unilm{suffix}", tmp_path / "vocab.txt"
    (torch.save if suffix == ".bin" else save_file)(weights, checkpoint)
    vocab.write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nmayor\nopens\nbridge\n##s\n")
    main(Arguments(checkpoint, tmp_path / "out", vocab))
    assert_same_function(AutoModel.from_pretrained(tmp_path / "out", use_safetensors=True), model)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "out")
    assert tokenizer("Mayor OPENS bridges").input_ids == [2, 5, 6, 7, 8, 3]
    assert tokenizer.model_max_length == 30
    assert "2 layers, 3 heads, width 12" in capsys.readouterr().out


def test_without_a_vocabulary_no_tokenizer_is_written(weights, tmp_path, capsys):
    torch.save(weights, tmp_path / "unilm.bin")
    main(Arguments(tmp_path / "unilm.bin", tmp_path / "out"))
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["config.json", "model.safetensors"]
    assert "give --vocab" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("pieces", "found"),
    [
        ("[PAD] [UNK] [CLS] [SEP] [MASK]", "5 lines, 0 of these missing"),
        ("[PAD] b c d e f g h i", "9 lines, 4 of these missing"),
    ],
)
def test_a_vocabulary_of_another_model_is_refused(weights, tmp_path, pieces, found):
    checkpoint, vocab = tmp_path / "unilm.bin", tmp_path / "vocab.txt"
    torch.save(weights, checkpoint)
    vocab.write_text(pieces.replace(" ", "\n"))
    with pytest.raises(ValueError, match=f"expected 9 lines .* found {found}"):
        main(Arguments(checkpoint, tmp_path / "out", vocab))
    assert not (tmp_path / "out").exists()


class Intruder:
    def __reduce__(self):
        return os.mkdir, ("intruder",)


@pytest.mark.parametrize("save", [torch.save, lambda thing, path: path.write_bytes(pickle.dumps(thing))])
def test_a_file_with_code_is_refused_and_not_run(tmp_path, monkeypatch, save):
    monkeypatch.chdir(tmp_path)
    save({"bert.weight": Intruder()}, tmp_path / "bad.bin")
    with pytest.raises(ValueError, match="bad.bin: expected a file of tensors alone"):
        read_weights(tmp_path / "bad.bin")
    assert not (tmp_path / "intruder").exists()


@pytest.mark.parametrize("suffix", [".bin", ".safetensors"])
@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"PK\x03\x04 cut off", bytes(range(101, 201))])
def test_a_damaged_file_is_refused(tmp_path, suffix, content):
    path = tmp_path / f"bad{suffix}"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="expected a file of tensors alone"):
        read_weights(path)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ([torch.ones(1)], "a list"),
        ({"step": 3, "model": {}}, "other things under step, model"),
        ({0: torch.ones(1)}, "other things under 0"),
    ],
)
def test_a_file_of_something_else_is_refused(tmp_path, content, found):
    torch.save(content, tmp_path / "other.bin")
    with pytest.raises(ValueError, match=f"expected tensors by name, found {found}"):
        read_weights(tmp_path / "other.bin")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="unilm2-base-uncased.bin"):
        read_weights(tmp_path / "nowhere.bin")
