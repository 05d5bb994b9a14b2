import json
import shutil
from contextlib import suppress

import pytest
import torch
from conftest import make_recommender

from tinynewsrec.checkpoints import Checkpoint, open_checkpoints
from tinynewsrec.model.recommender import Recommender
from tinynewsrec.model.weights import compact, read_weights, rounded, write_weights
from training.release import Arguments, main


@pytest.fixture
def folder(recommender, tmp_path):
    recommender.metrics = {
        "data": "invented",
        "impressions": 5,
        "readers": 4,
        "skipped": 0,
        "metrics": {"AUC": {"value": 61.0, "low": 60.0, "high": 62.0}},
    }
    recommender.training_record = {"stage": "finetune_teacher", "seed": 0}
    recommender.save_pretrained(tmp_path / "teacher")
    return tmp_path / "teacher"


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"user_encoder": "self-attention"},
        {"pooling": "cls"},
        {"score_scale": "learned"},
        {"projection": False, "news_size": 16},
    ],
)
def test_a_loaded_checkpoint_scores_as_it_did_when_saved(tokenizer, tokens, tmp_path, settings):
    recommender = make_recommender(tokenizer, **settings)
    recommender.save_pretrained(tmp_path)
    loaded = Recommender.from_pretrained(tmp_path)
    history, candidates = torch.tensor([[0, 1, -1]]), torch.tensor([[2, 3, 4]])
    expected = recommender.score(recommender.encode(tokens), history, candidates)
    torch.testing.assert_close(loaded.score(loaded.encode(tokens), history, candidates), expected)
    assert loaded.config == recommender.config
    assert loaded.tokens(["mayor opens bridge"]).ids.equal(recommender.tokens(["mayor opens bridge"]).ids)


def test_records_and_card_travel_with_the_weights(folder, recommender):
    loaded = Recommender.from_pretrained(folder)
    assert loaded.metrics == recommender.metrics
    assert loaded.training_record == recommender.training_record
    card = (folder / "README.md").read_text()
    assert "| AUC | 61.00 | 60.00 to 62.00 |" in card and "5 impressions of 4 readers" in card


def edit_config(folder, **changes):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def drop_tensor(folder):
    weights = read_weights(folder / "model.safetensors")
    write_weights({name: weights[name] for name in sorted(weights)[1:]}, folder / "model.safetensors")


def add_tensor(folder):
    weights = read_weights(folder / "model.safetensors")
    write_weights(weights | {"extra": torch.zeros(1)}, folder / "model.safetensors")


def change_weight(folder, name, value):
    weights = read_weights(folder / "model.safetensors")
    write_weights(weights | {name: value}, folder / "model.safetensors")


def change_language_model(folder, **settings):
    known = json.loads((folder / "config.json").read_text())["language_model"]
    edit_config(folder, language_model=known | settings)


BREAKS = {
    "is missing, so": lambda folder: (folder / "config.json").unlink(),
    "not valid JSON: .*line 1": lambda folder: (folder / "config.json").write_text("{"),
    "does not describe a recommender": lambda folder: edit_config(folder, recommender={"layer": 3}),
    "Not the configuration of a language model": lambda folder: edit_config(
        folder, language_model={"model_type": "nonsense"}
    ),
    "a checkpoint without its weights": lambda folder: (folder / "model.safetensors").unlink(),
    "not a readable safetensors file": lambda folder: (folder / "model.safetensors").write_bytes(
        b"\x80\x04K."
    ),
    "is missing. Save the checkpoint": drop_tensor,
    "extra has no place in the model": add_tensor,
    "plain name of a file beside": lambda folder: edit_config(folder, shared_weights="../../secret"),
    "no readable tokenizer": lambda folder: [path.unlink() for path in folder.glob("tokenizer*")],
    "Its tokenizer is missing": lambda folder: (folder / "tokenizer.json").unlink(),
    "a tokenizer of more than the 9 words": lambda folder: change_language_model(folder, vocab_size=9),
    "newcomer holds what no weight can be": lambda folder: change_weight(
        folder, "user_encoder.newcomer", torch.full((8,), torch.nan)
    ),
    "project.weight holds what": lambda folder: change_weight(
        folder, "news_encoder.project.weight", torch.ones(8, 16, dtype=torch.int8)
    ),
    "no matrix that it fits": lambda folder: change_weight(folder, "lost#scale", torch.ones(3, 1)),
    "config.json: Not the configuration": lambda folder: change_language_model(folder, num_attention_heads=0),
    "config.json: Cannot keep 9 layers": lambda folder: edit_config(
        folder, recommender=json.loads((folder / "config.json").read_text())["recommender"] | {"layers": 9}
    ),
    "got 3": lambda folder: edit_config(folder, shared_weights=3),
}


@pytest.mark.parametrize("message", BREAKS)
def test_a_broken_folder_says_what_is_wrong(folder, message):
    BREAKS[message](folder)
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        Recommender.from_pretrained(folder)


def test_a_pickle_is_never_read(folder):
    (folder / "model.safetensors").unlink()
    torch.save({}, folder / "pytorch_model.bin")
    with pytest.raises(FileNotFoundError, match="model.safetensors is missing"):
        Recommender.from_pretrained(folder)


def test_code_in_a_folder_is_never_run(folder, tmp_path):
    (folder / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass Evil: pass\n")
    path = folder / "tokenizer_config.json"
    settings = json.loads(path.read_text()) | {"auto_map": {"AutoTokenizer": ["evil.Evil", "evil.Evil"]}}
    path.write_text(json.dumps(settings))
    change_language_model(folder, auto_map={"AutoModel": "evil.Evil"}, attn_implementation="someone/kernel")
    with suppress(ValueError):
        Recommender.from_pretrained(folder)
    assert not (tmp_path / "ran").exists()


def test_half_precision_is_read_as_single(folder, tokens):
    change_language_model(folder, dtype="float16")
    assert Recommender.from_pretrained(folder).encode(tokens).dtype == torch.float32


def test_shapes_that_differ_are_named(folder):
    weights = read_weights(folder / "model.safetensors")
    weights["user_encoder.newcomer"] = torch.zeros(9)
    write_weights(weights, folder / "model.safetensors")
    with pytest.raises(ValueError, match=r"newcomer has shape \(9,\) instead of \(8,\)"):
        Recommender.from_pretrained(folder)


def test_rounding_moves_no_number_by_more_than_half_a_step():
    matrix = torch.randn(5, 7)
    whole, scale = rounded(matrix)
    assert ((whole * scale - matrix).abs() <= scale / 2 + 1e-7).all()


def test_a_compact_file_gives_back_every_tensor(recommender, tmp_path):
    write_weights(compact(recommender.state_dict()), tmp_path / "compact.safetensors")
    found = read_weights(tmp_path / "compact.safetensors")
    for name, tensor in recommender.state_dict().items():
        torch.testing.assert_close(found[name], tensor, atol=0.05, rtol=0)


@pytest.fixture
def family(tokenizer, tmp_path):
    for layers in (1, 3):
        recommender = make_recommender(tokenizer, layers=layers)
        torch.nn.init.normal_(recommender.news_encoder.project.bias)
        recommender.save_pretrained(tmp_path / "family" / f"layers-{layers}")
    return tmp_path / "family"


def test_a_released_family_shares_what_it_has_in_common(family, tokens, tmp_path):
    main(Arguments((str(family),), tmp_path / "released"))
    for name in ("layers-1", "layers-3"):
        whole = Recommender.from_pretrained(family / name)
        small = Recommender.from_pretrained(tmp_path / "released" / name)
        torch.testing.assert_close(small.encode(tokens), whole.encode(tokens), atol=0.05, rtol=0.05)
    own = read_weights(tmp_path / "released" / "layers-1" / "model.safetensors")
    assert not any("word_embeddings" in tensor for tensor in own)


def test_a_released_member_can_be_saved_whole_again(family, tokens, tmp_path):
    main(Arguments((str(family),), tmp_path / "released"))
    small = Recommender.from_pretrained(tmp_path / "released" / "layers-1")
    small.save_pretrained(tmp_path / "whole")
    shutil.rmtree(tmp_path / "released")
    torch.testing.assert_close(
        Recommender.from_pretrained(tmp_path / "whole").encode(tokens), small.encode(tokens)
    )


def test_checkpoints_are_found_largest_first(family):
    assert [checkpoint.name for checkpoint in open_checkpoints([family])] == ["layers-3", "layers-1"]


def test_no_checkpoint_says_how_to_get_one(tmp_path):
    with pytest.raises(FileNotFoundError, match="python -m training"):
        open_checkpoints([tmp_path])


def test_a_name_that_leads_nowhere_is_explained(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(FileNotFoundError, match="No checkpoint nobody/nothing: expected a folder"):
        Checkpoint.open("nobody/nothing")
    with pytest.raises(FileNotFoundError, match="There is no folder /nowhere/ck: expected"):
        Checkpoint.open("/nowhere/ck")


def test_the_hash_changes_with_the_weights(folder):
    before = Checkpoint.open(folder).content_hash
    weights = read_weights(folder / "model.safetensors")
    weights["user_encoder.newcomer"] += 1
    write_weights(weights, folder / "model.safetensors")
    assert Checkpoint.open(folder).content_hash != before
