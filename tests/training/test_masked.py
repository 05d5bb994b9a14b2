import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import WORDS, make_recommender
from runs import run_killed
from transformers import BertTokenizerFast, ElectraConfig, ElectraModel

from tinynewsrec.data.tokens import tokenize
from tinynewsrec.model.config import ModelConfig
from tinynewsrec.model.news_encoder import NewsEncoder
from tinynewsrec.model.recommender import Recommender
from tinynewsrec.model.unilm import UniLMv2Config, UniLMv2Model
from training.config import TrainConfig
from training.posttrain_masked import UNASKED, Arguments, Guesser, MaskedSampler, main, masking
from training.stage import start

TEXTS = [" ".join(WORDS[(i * j + i) % len(WORDS)] for j in range(3 + i % 9)) for i in range(200)]


@pytest.fixture
def sampler(tokenizer):
    return MaskedSampler(tokenize(TEXTS, tokenizer, 12), masking(tokenizer, 0.15), 40, seed=0)


@pytest.fixture
def arguments(tokenizer, mind_folder, tmp_path):
    bert = make_recommender(tokenizer, layers=3).news_encoder.language_model
    bert.save_pretrained(tmp_path / "bert")
    tokenizer.save_pretrained(tmp_path / "bert")
    return Arguments(
        data=mind_folder,
        out=tmp_path / "masked",
        texts="titles",
        body_length=12,
        trained_layers=1,
        model=ModelConfig(language_model=str(tmp_path / "bert"), layers=2, news_size=8, heads=2),
        training=TrainConfig(epochs=4, batch_size=6, save_every=3, learning_rate=1e-3),
    )


def curve(folder):
    lines = (folder / "losses.jsonl").read_text().splitlines()
    return [json.loads(line)["losses"]["masked"] for line in lines]


def test_the_share_is_kept_and_of_it_four_fifths_are_masked(tokenizer):
    rule, draw = masking(tokenizer, 0.15), np.random.default_rng(0)
    ids = draw.choice(rule.words, size=(400, 100))
    hidden, asked = rule(ids, draw)
    assert asked.sum() == 6000
    assert (hidden[~asked] == ids[~asked]).all()
    masked = (hidden[asked] == rule.mask).mean()
    kept = (hidden[asked] == ids[asked]).mean()
    assert masked == pytest.approx(0.8, abs=0.02)
    assert kept == pytest.approx(0.1 + 0.1 / len(rule.words), abs=0.015)
    swapped = hidden[asked & (hidden != ids) & (hidden != rule.mask)]
    assert len(swapped) / 6000 == pytest.approx(0.1, abs=0.015)
    assert set(swapped) <= set(rule.words) and len(set(swapped)) > 0.9 * len(rule.words)


def test_special_tokens_and_padding_are_never_chosen(tokenizer):
    rule, draw = masking(tokenizer, 0.9), np.random.default_rng(0)
    ids = tokenize([*TEXTS, "[MASK] [UNK] \u2603"], tokenizer, 12).ids.numpy()
    special = np.isin(ids, tokenizer.all_special_ids)
    assert special.any() and not (rule(ids, draw)[1] & special).any()
    assert not np.isin(rule.words, tokenizer.all_special_ids).any()
    nothing = np.full((2, 3), tokenizer.pad_token_id)
    assert not rule(nothing, draw)[1].any()


def test_the_mask_is_the_tokenizers_own(tmp_path):
    """The authors' notebook wrote 104, which is [unused99] in BERT's vocabulary; [MASK] is 103."""
    pieces = [
        "[PAD]",
        *(f"[unused{i}]" for i in range(99)),
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        "[unused99]",
    ]
    (tmp_path / "vocab.txt").write_text("\n".join([*pieces, *WORDS]))
    rule = masking(BertTokenizerFast(str(tmp_path / "vocab.txt")), 0.5)
    assert rule.mask == 103
    hidden, asked = rule(np.full((50, 50), 110), np.random.default_rng(0))
    assert (hidden == 103).sum() > 900 and (hidden == 104).sum() < 30


def test_a_tokenizer_without_a_mask_is_refused(tmp_path):
    (tmp_path / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS]))
    bare = BertTokenizerFast(str(tmp_path / "vocab.txt"))
    bare.mask_token = None
    with pytest.raises(ValueError, match="needs a tokenizer with a mask token"):
        masking(bare, 0.15)


def test_labels_are_the_words_that_were_hidden(sampler):
    batch = sampler.batch(0)
    chosen = np.random.default_rng([0, 0]).permutation(len(TEXTS))[:40]
    ids = sampler.tokens.ids[chosen][:, : batch.labels.shape[1]]
    asked = batch.labels != UNASKED
    assert torch.equal(batch.labels[asked], ids[asked]) and torch.equal(batch.tokens.ids[~asked], ids[~asked])
    assert not torch.equal(batch.tokens.ids[asked], ids[asked])
    assert batch.weight.item() == pytest.approx(1 / int(asked.sum()))


def test_masks_depend_on_seed_and_step_alone(sampler):
    def same(first, second):
        return first.labels.shape == second.labels.shape and torch.equal(first.labels, second.labels)

    first, later = sampler.batch(3), sampler.batch(3 + sampler.steps_per_epoch)
    assert same(first, sampler.batch(3)) and not same(first, sampler.batch(2)) and not same(first, later)
    assert not same(first, MaskedSampler(sampler.tokens, sampler.masking, 40, seed=1).batch(3))


def test_a_text_is_masked_anew_each_epoch(tokenizer):
    tokens = tokenize(TEXTS[5:6] * 8, tokenizer, 12)
    sampler = MaskedSampler(tokens, masking(tokenizer, 0.15), 8, seed=0)
    assert not torch.equal(sampler.batch(0).labels, sampler.batch(1).labels)


def guesser_of(tokenizer, sampler):
    return Guesser(make_recommender(tokenizer).news_encoder, sampler.word_counts)


def test_the_head_begins_with_how_often_each_word_is_in_the_texts(tokenizer, sampler):
    guesser = guesser_of(tokenizer, sampler)
    guesser.norm.weight.data.zero_()  # nothing of the place
    chances = guesser.guess(torch.ones(1, 16)).softmax(-1)[0]
    ids = sampler.tokens.ids.flatten().tolist()
    specials = set(tokenizer.all_special_ids)
    counts = [1 + ids.count(word) * (word not in specials) for word in range(len(chances))]
    torch.testing.assert_close(chances, torch.tensor(counts) / sum(counts))


def test_the_mean_over_parts_is_the_loss_of_the_whole_batch(tokenizer, sampler):
    guesser = guesser_of(tokenizer, sampler).eval()
    whole = guesser(sampler.batch(1))["masked"]
    parts = [guesser(sampler.batch(1, part, 4))["masked"] for part in range(4)]
    torch.testing.assert_close(torch.stack(parts).mean(), whole)
    asked = [int((sampler.batch(1, part, 4).labels != UNASKED).sum()) for part in range(4)]
    assert len(set(asked)) > 1 and sum(asked) == int((sampler.batch(1).labels != UNASKED).sum())


def test_the_loss_is_the_mean_surprise_of_the_hidden_words(tokenizer, sampler):
    guesser, batch = guesser_of(tokenizer, sampler).eval(), sampler.batch(0)
    words = guesser.news_encoder.words(batch.tokens)
    chances = guesser.guess(words.flatten(0, 1)).softmax(-1).view(*batch.labels.shape, -1)
    surprises = [
        -chances[n, t, batch.labels[n, t]].log() for n, t in (batch.labels != UNASKED).nonzero().tolist()
    ]
    torch.testing.assert_close(guesser(batch)["masked"], torch.stack(surprises).mean())


def test_all_that_is_trained_is_used(tokenizer, sampler):
    guesser = guesser_of(tokenizer, sampler)
    guesser.news_encoder.freeze_below(1)
    guesser(sampler.batch(0))["masked"].backward()
    trained = {name for name, parameter in guesser.named_parameters() if parameter.requires_grad}
    assert trained == {name for name, parameter in guesser.named_parameters() if parameter.grad is not None}
    assert any("layer.1." in name for name in trained) and {"bias", "dense.weight"} <= trained
    assert not any("embeddings" in name or "layer.0." in name or "pool" in name for name in trained)


@pytest.mark.parametrize("family", ["electra", "unilm"])
def test_other_families_guess_too(tokenizer, sampler, family):
    sizes = {"vocab_size": len(tokenizer), "hidden_size": 16, "num_hidden_layers": 2, "intermediate_size": 32}
    sizes |= {"num_attention_heads": 2}
    if family == "electra":  # its embeddings are narrower than its layers
        model = ElectraModel(ElectraConfig(embedding_size=8, **sizes))
    else:
        model = UniLMv2Model(UniLMv2Config(**sizes))
    guesser = Guesser(NewsEncoder(model, ModelConfig(layers=2, news_size=8)), sampler.word_counts)
    assert guesser(sampler.batch(0))["masked"].isfinite()


def test_training_learns_to_guess(arguments):
    """Better than by how often each word is in the texts, which it begins with."""
    longer = TrainConfig(epochs=150, batch_size=12, learning_rate=3e-3)
    main(replace(arguments, training=longer, trained_layers=2, guesser_learning_rate=1e-2))
    losses = curve(arguments.out)
    assert np.mean(losses[-20:]) < 0.85 * np.mean(losses[:5])


def test_the_result_is_a_recommender_of_which_only_trained_layers_moved(arguments, tokenizer):
    main(arguments)
    fresh = start(arguments.model, 1, arguments.training.seed).state_dict()
    loaded = Recommender.from_pretrained(arguments.out)
    trained = loaded.state_dict()
    assert trained.keys() == fresh.keys()
    moved = {name for name in fresh if not torch.equal(fresh[name], trained[name])}
    assert moved and all(".layer.1." in name for name in moved)
    assert loaded.training_record["texts"] == 12 and loaded.training_record["stage"] == "posttrain_masked"
    child = start(arguments.model, 1, 0, parent=arguments.out).state_dict()
    assert all(torch.equal(child[name], trained[name]) for name in child if "news_encoder" in name)
    with pytest.raises(ValueError, match="finished checkpoint"):
        main(arguments)


def test_bodies_and_titles_are_other_texts(arguments):
    main(arguments)
    main(replace(arguments, texts="bodies", out=arguments.out / "bodies"))
    assert curve(arguments.out) != curve(arguments.out / "bodies")


def test_a_killed_run_ends_as_one_that_was_left_alone(arguments):
    main(arguments)
    killed = replace(arguments, out=arguments.out.with_name("killed"))
    run_killed(main, killed, MaskedSampler, step=5)
    main(killed)
    assert curve(killed.out) == curve(arguments.out)
    files = [out / "model.safetensors" for out in (arguments.out, killed.out)]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_a_wrong_rate_is_explained(arguments):
    with pytest.raises(ValueError, match="above 0 and below 1; got 15"):
        replace(arguments, mask_rate=15)
