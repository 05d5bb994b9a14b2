from dataclasses import replace

import pytest
import torch
from conftest import WORDS, make_recommender
from runs import run_killed
from transformers import BertTokenizerFast, DistilBertConfig, DistilBertModel

from tinynewsrec.data.batches import EMPTY
from tinynewsrec.data.tokens import tokenize
from tinynewsrec.model import news_encoder
from tinynewsrec.model.config import ModelConfig
from tinynewsrec.model.news_encoder import NewsEncoder
from tinynewsrec.model.recommender import Recommender
from training import finetune_mtbert
from training.config import TrainConfig
from training.finetune_mtbert import Arguments, MtBert, main
from training.joint import Bridge, JointStories, word_distances
from training.loop import parameter_groups, train
from training.losses import case_losses, distillation_losses_by_case
from training.samples import Sampler, find_clicks
from training.stage import with_frozen_layers

CONFIG = TrainConfig(epochs=2, batch_size=2, save_every=1, weight_decay=0.0)
UNSEEN = ("key.bias", "k_lin.bias", "query.bias")  # a softmax does not see what its scores have in common


@pytest.fixture(scope="session")
def letters(tmp_path_factory):
    """Another vocabulary: words are spelt."""
    vocabulary = tmp_path_factory.mktemp("letters") / "vocab.txt"
    alphabet = sorted(set("".join(WORDS)))
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *alphabet, *(f"##{c}" for c in alphabet)]
    vocabulary.write_text("\n".join(pieces))
    return BertTokenizerFast(str(vocabulary))


def make_distilbert(letters):
    torch.manual_seed(3)
    return DistilBertModel(
        DistilBertConfig(
            vocab_size=len(letters), dim=12, hidden_dim=24, n_layers=2, n_heads=2, max_position_embeddings=40
        )
    )


def make_learner(tokenizer, letters, layers=2, **settings):
    """A teacher of the student's family and vocabulary, and one of another family, vocabulary and width."""
    student = make_recommender(tokenizer, layers=layers)
    near = make_recommender(tokenizer, 1, layers=3).news_encoder
    far = NewsEncoder(make_distilbert(letters), replace(student.config, layers=2))
    for encoder in (student.news_encoder, near, far):
        encoder.freeze_below(1)
    return MtBert(student, [near, far], [True, False], **settings).eval()


@pytest.fixture
def all_tokens(split, tokens, letters):
    return [tokens, tokens, tokenize(split.news.texts("title"), letters, 12)]


@pytest.fixture
def sampler(split, all_tokens):
    def over(stories=all_tokens):
        stories = JointStories(tuple(stories))
        return Sampler(split.impressions, find_clicks(split.impressions), stories, 3, 6, 2, 0.2, 0)

    return over


@pytest.fixture
def arguments(tokenizer, letters, mind_folder, tmp_path):
    bert = make_recommender(tokenizer, layers=3).news_encoder.language_model
    for model, words, name in ((bert, tokenizer, "bert"), (make_distilbert(letters), letters, "distilbert")):
        model.save_pretrained(tmp_path / name)
        words.save_pretrained(tmp_path / name)
    make_recommender(tokenizer, 1, layers=3).save_pretrained(tmp_path / "adapted")
    settings = {"news_size": 8, "query_size": 4, "title_length": 12, "history_length": 3}
    return Arguments(
        data=mind_folder,
        out=tmp_path / "mt-bert",
        language_models=tuple(str(tmp_path / name) for name in ("bert", "distilbert")),
        teachers=(tmp_path / "adapted",),
        model=ModelConfig(language_model=str(tmp_path / "bert"), layers=2, **settings),
        training=CONFIG,
    )


def gradients(module):
    """The names of those that are not zero throughout."""
    return {name for name, p in module.named_parameters() if p.grad is not None and p.grad.any()}


def test_all_that_is_declared_trainable_moves_in_one_step(tokenizer, letters, sampler, tmp_path):
    learner = make_learner(tokenizer, letters)
    before = {name: p.detach().clone() for name, p in learner.named_parameters()}
    train(learner, sampler().batch, 1, lambda model, batch: model(batch), CONFIG, tmp_path, {})
    moved = {name for name, p in learner.named_parameters() if not torch.equal(before[name], p)}
    wanted = {name for name, p in learner.named_parameters() if p.requires_grad}
    assert moved <= wanted and all(name.endswith(UNSEEN) for name in wanted - moved)
    assert "maps.1.weight" in moved and "teachers.1.pool.widen.weight" in moved


def test_maps_begin_without_bringing_words_closer_together(tokenizer, letters):
    words = torch.randn(5, 16)
    (first,) = make_learner(tokenizer, letters).maps.values()
    torch.testing.assert_close(torch.cdist(first(words), first(words)), torch.cdist(words, words))


@pytest.mark.parametrize("side", ["teacher", "student"])
def test_words_that_vanish_agree_only_where_the_teachers_are_mapped(tokenizer, letters, sampler, side):
    learner = make_learner(tokenizer, letters, map_side=side)
    learner.maps["1"].weight.data.zero_()
    taught = learner.teachers[0].words
    own = learner.student.news_encoder.words
    tokens = sampler().batch(0).tokens.models[0]
    one, other = learner.mapped(1, taught(tokens), 0 * own(tokens))
    assert word_distances(one, other, tokens.mask).any() == (side == "student")


def test_layers_of_teachers_have_a_rate_of_their_own(arguments, monkeypatch):
    found = {}

    def learn(learner, *others, rates, **more):
        groups = parameter_groups(learner, CONFIG, rates)
        peaks = {id(p): group["peak"] for group in groups for p in group["params"]}
        found.update({name: peaks[id(p)] for name, p in learner.named_parameters() if id(p) in peaks})

    monkeypatch.setattr(finetune_mtbert, "learn", learn)
    for rate in (1e-5, 0.0, None):
        found.clear()
        main(replace(arguments, teachers_learning_rate=rate, out=arguments.out.with_name(f"at {rate}")))
        own = CONFIG.learning_rate if rate is None else rate
        for name, peak in found.items():
            below = "language_model" in name
            teachers = below and name.startswith("teachers")
            assert peak == (own if teachers else CONFIG.learning_rate if below else CONFIG.head_learning_rate)
        assert sum(name.startswith("teachers") for name in found) > 20


def test_teachers_learn_nothing_from_the_students_losses(tokenizer, letters, sampler):
    learner = make_learner(tokenizer, letters)
    losses = learner(sampler().batch(0))
    sum(loss for name, loss in losses.items() if name != "teachers").backward()
    assert gradients(learner.student) and "1.weight" in gradients(learner.maps)
    assert not any("language_model" in name or "widen" in name for name in gradients(learner.teachers))


def test_each_teacher_learns_from_its_own_clicks(tokenizer, letters, sampler):
    learner = make_learner(tokenizer, letters)
    learner(sampler().batch(0))["teachers"].backward()
    found = gradients(learner.teachers)
    assert any(name.startswith("0.language_model") for name in found)
    assert any(name.startswith("1.language_model") for name in found) and "1.pool.widen.weight" in found
    assert not any("language_model" in name for name in gradients(learner.student))


@pytest.mark.parametrize("temperature", [1.0, 2.0])
def test_losses_are_those_of_the_paper(tokenizer, letters, sampler, temperature):
    learner, batch = make_learner(tokenizer, letters, temperature=temperature), sampler().batch(0)
    target, shown = batch.clicked.float().argmax(-1), batch.candidates != EMPTY
    student, tokens = learner.student, batch.tokens.models
    news = [student.encode(tokens[0]), learner.teachers[0](tokens[1]), learner.teachers[1](tokens[2])]
    scores = [student.score(vectors, batch.history, batch.candidates) for vectors in news]
    own = [case_losses(teacher, target, shown) for teacher in scores[1:]]
    copied = [distillation_losses_by_case(scores[0], t, shown, temperature) for t in scores[1:]]
    words = learner.teachers[0].words(tokens[1])
    of_words = word_distances(learner.maps["1"](words), student.news_encoder.words(tokens[0]), tokens[0].mask)
    distances = of_words + (news[2] - news[0]).square().mean(-1)
    slots = torch.cat([batch.history, batch.candidates], -1)
    expected = {
        "teachers": own[0].mean() + own[1].mean(),
        "distill": (copied[0] / (1 + own[0]) + copied[1] / (1 + own[1])).mean(),
        "hidden": torch.stack([distances[row[row != EMPTY]].mean() for row in slots]).mean(),
        "target": case_losses(scores[0], target, shown).mean(),
    }
    for name, loss in learner(batch).items():
        torch.testing.assert_close(loss, expected[name], msg=lambda text, name=name: f"{name}: {text}")


def test_another_vocabulary_is_compared_by_story_and_another_width_bridged(tokenizer, letters):
    learner = make_learner(tokenizer, letters)
    near, far = learner.teachers
    assert list(learner.maps) == ["1"]
    assert isinstance(far.pool, Bridge) and far.pool.pool is near.pool is learner.student.news_encoder.pool
    assert far.project is near.project is learner.student.news_encoder.project


def test_padding_changes_no_loss(tokenizer, letters, sampler, monkeypatch):
    learner, batch = make_learner(tokenizer, letters), sampler().batch(0)
    assert not any(tokens.mask.all() for tokens in batch.tokens.models)
    padded = learner(batch)
    monkeypatch.setattr(news_encoder, "TOGETHER", 1)
    alone = learner(batch)
    assert all(torch.allclose(padded[name], alone[name], atol=1e-6) for name in padded)


def test_what_frozen_layers_give_can_be_computed_beforehand(tokenizer, letters, sampler, all_tokens):
    learner = make_learner(tokenizer, letters)
    encoders, rows = [learner.student.news_encoder, *learner.teachers], torch.arange(len(all_tokens[0].ids))
    cached = [with_frozen_layers(*model, rows) for model in zip(encoders, all_tokens, strict=True)]
    plain, quick = learner(sampler().batch(0)), learner(sampler(cached).batch(0))
    assert all(torch.allclose(plain[name], quick[name], atol=1e-6) for name in plain)


def test_families_learn_together_and_leave_a_student_behind(arguments, monkeypatch):
    learners = []
    whole = finetune_mtbert.learn
    monkeypatch.setattr(
        finetune_mtbert, "learn", lambda *all, **rates: (learners.append(all[0]), whole(*all, **rates))
    )
    main(replace(arguments, dev=arguments.data))
    loaded, student = Recommender.from_pretrained(arguments.out), learners[0].student.cpu().eval()
    assert list(learners[0].maps) == ["1", "3"]
    assert loaded.config.layers == 2 and loaded.metrics["impressions"] == 5
    assert loaded.state_dict().keys() == student.state_dict().keys()
    tokens = loaded.tokens(["the river opens", "mayor wins a vote"])
    assert torch.equal(loaded.encode(tokens), student.encode(tokens))
    parents = loaded.training_record["parents"]
    assert parents[-1]["name"] == "adapted" and len(parents[-1]["sha256"]) == 64


def test_a_killed_run_ends_as_one_that_was_left_alone(arguments):
    alone, killed = (replace(arguments, out=arguments.out / name) for name in ("alone", "killed"))
    main(alone)
    run_killed(main, killed, Sampler, step=4)
    main(killed)
    assert (alone.out / "model.safetensors").read_bytes() == (killed.out / "model.safetensors").read_bytes()


def test_one_language_model_is_not_several(arguments):
    with pytest.raises(ValueError, match="two or more different language models"):
        replace(arguments, language_models=("bert", "bert"))
    names = arguments.language_models[0], str(arguments.teachers[0])
    with pytest.raises(ValueError, match="is a checkpoint, no language model: name it with --teachers"):
        main(replace(arguments, language_models=names, teachers=()))
    with pytest.raises(ValueError, match="got bert"):
        replace(arguments, language_models=("bert",), teachers=())
