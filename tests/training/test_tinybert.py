import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import WORDS, make_recommender
from torch.nn import functional as F
from transformers import (
    BertConfig,
    BertModel,
    BertTokenizerFast,
    DistilBertConfig,
    ElectraConfig,
    MPNetConfig,
    RobertaConfig,
)

from tinynewsrec.checkpoints import Checkpoint
from tinynewsrec.data.batches import collate
from tinynewsrec.data.tokens import Tokens
from tinynewsrec.model.config import ModelConfig
from tinynewsrec.model.frozen import freeze_stories
from tinynewsrec.model.language_models import empty_language_model
from tinynewsrec.model.news_encoder import NewsEncoder
from tinynewsrec.model.recommender import Recommender
from tinynewsrec.model.unilm import UniLMv2Config
from training import finetune_teacher, finetune_tinybert, posttrain_tinybert
from training.config import TrainConfig
from training.finetune_tinybert import TaskConfig, TaskStudent
from training.joint import JointStories, word_distances
from training.layer_distillation import (
    LayerConfig,
    LayerTeachers,
    attention_distances,
    pair_layers,
)
from training.layer_outputs import layer_outputs
from training.pairs import read_pairs
from training.posttrain_tinybert import GeneralStudent, make_sampler
from training.stage import start

SIZES = {
    "vocab_size": 60,
    "hidden_size": 16,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 40,
    "initializer_range": 0.5,
}
DISTILBERT_SIZES = {
    "vocab_size": 60,
    "dim": 16,
    "n_layers": 3,
    "n_heads": 2,
    "hidden_dim": 32,
    "max_position_embeddings": 40,
    "initializer_range": 0.5,
}
EAGER = [
    BertConfig(**SIZES),
    MPNetConfig(**SIZES),
    RobertaConfig(**SIZES),
    DistilBertConfig(**DISTILBERT_SIZES),
    ElectraConfig(**SIZES, embedding_size=8),
]
STORIES = Tokens(
    torch.tensor([[2, 11, 12, 13, 14, 3], [2, 21, 22, 3, 1, 1]]),
    torch.tensor([[1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 0, 0]]).bool(),
)


def encoder_of(config) -> NewsEncoder:
    torch.manual_seed(0)
    return NewsEncoder(empty_language_model(config.to_dict()), ModelConfig(layers=3, news_size=8)).eval()


@pytest.fixture(params=EAGER, ids=lambda config: config.model_type)
def encoder(request):
    return encoder_of(request.param)


@pytest.mark.parametrize(
    ("student", "teacher", "layer_map", "frozen", "pairs"),
    [
        (4, 12, "uniform", 0, [(1, 3), (2, 6), (3, 9), (4, 12)]),
        (4, 12, "uniform", 2, [(3, 9), (4, 12)]),
        (4, 12, "last", 2, [(3, 11), (4, 12)]),
        (4, 12, "last", 3, [(4, 12)]),
        (2, 6, "uniform", 0, [(1, 3), (2, 6)]),
        (2, 6, "last", 0, [(1, 5), (2, 6)]),
        (1, 6, "uniform", 0, [(1, 6)]),
        (1, 6, "last", 0, [(1, 6)]),
        (4, 6, "uniform", 0, [(1, 1), (2, 3), (3, 4), (4, 6)]),
    ],
)
def test_layers_are_paired_as_by_hand(student, teacher, layer_map, frozen, pairs):
    assert pair_layers(student, teacher, LayerConfig(layer_map=layer_map), frozen) == pairs


@pytest.mark.parametrize(("student", "frozen"), [(7, 5), (2, 2)])
def test_a_student_that_cannot_learn_layers_is_refused(student, frozen):
    with pytest.raises(ValueError, match="Expected a student of at most 6 layers"):
        pair_layers(student, 6, LayerConfig(), frozen)


def test_scores_are_those_whose_softmax_a_language_model_attends_with(encoder):
    heard = layer_outputs(encoder, STORIES, [1, 3])
    encoder.language_model.set_attn_implementation("eager")
    ids, mask = STORIES
    told = encoder.language_model(ids, attention_mask=mask.long(), output_attentions=True).attentions
    for scores, attention in zip(heard.scores, (told[0], told[2]), strict=True):
        hidden = scores.masked_fill(~mask[:, None, None], float("-inf"))
        torch.testing.assert_close(hidden.softmax(-1), attention, atol=1e-5, rtol=1e-4)


def test_scores_of_unilm_know_relative_positions():
    encoder = encoder_of(UniLMv2Config(**SIZES))
    model, ids = encoder.language_model, STORIES.ids[:1]
    torch.nn.init.normal_(model.encoder.relative_positions.table.weight)
    heard = layer_outputs(encoder, Tokens(ids, STORIES.mask[:1]), [1])
    words = model.embeddings(model.embeddings.word_embeddings(ids), None)
    attention = model.encoder.layer[0].attention
    query, key = (part(words).unflatten(-1, (2, 8)) for part in (attention.query, attention.key))
    expected = torch.einsum("nqks,npks->nkqp", query, key) / 8**0.5 + model.encoder.relative_positions(6)
    torch.testing.assert_close(heard.scores[0], expected)


def test_states_are_those_of_the_layers_also_above_frozen_words(encoder):
    ids, mask = STORIES
    told = encoder.language_model(ids, attention_mask=mask.long(), output_hidden_states=True).hidden_states
    heard = layer_outputs(encoder, STORIES, [2, 3])
    torch.testing.assert_close(heard.states, (told[2], told[3]))
    torch.testing.assert_close(heard.words, told[3])
    frozen = freeze_stories(encoder.language_model, 1, STORIES, torch.arange(2)).take(torch.arange(2))
    above = layer_outputs(encoder, frozen, [2, 3])
    for live, thawed in zip(heard.states + heard.scores, above.states + above.scores, strict=True):
        torch.testing.assert_close(live[0], thawed[0])
        torch.testing.assert_close(live[1, ..., :4, :4], thawed[1, ..., :4, :4])
    assert torch.equal(layer_outputs(encoder, STORIES, [3]).words, heard.words)


def test_a_layer_below_the_frozen_words_is_refused(encoder):
    frozen = freeze_stories(encoder.language_model, 2, STORIES, torch.arange(2)).take(torch.arange(2))
    with pytest.raises(ValueError, match=r"Layers \[1, 2\] .* gave no attention scores"):
        layer_outputs(encoder, frozen, [1, 2, 3])


def test_attention_dropout_does_not_reach_the_scores():
    encoder = encoder_of(BertConfig(**SIZES, attention_probs_dropout_prob=0.9, hidden_dropout_prob=0.0))
    still = layer_outputs(encoder, STORIES, [1, 2])
    stirred = layer_outputs(encoder.train(), STORIES, [1, 2])
    assert torch.equal(still.scores[0], stirred.scores[0])
    assert not torch.equal(still.states[0], stirred.states[0])


def test_distances_by_hand():
    mask = torch.tensor([[True, True, False]])
    zeros = torch.zeros(1, 3, 2)
    words = torch.tensor([[[1.0, 3.0], [0.0, 2.0], [9.0, 9.0]]])
    assert word_distances(words, zeros, mask).tolist() == [14 / 4]
    scores = torch.tensor([[[[1.0, 5.0, 9.0], [2.0, 2.0, 9.0], [9.0, 9.0, 9.0]]]])
    assert attention_distances(scores, torch.zeros(1, 1, 3, 3), mask).tolist() == [(4 + 4) / 4]


def test_padding_does_not_change_distances():
    torch.manual_seed(0)
    mask = torch.tensor([[True] * 4, [True, True, True, False]])
    longer = F.pad(mask, (0, 3))
    words, others = torch.randn(2, 2, 4, 5)
    alone = word_distances(words, others, mask)
    noise = torch.full((2, 3, 5), 7.0)
    torch.testing.assert_close(
        word_distances(torch.cat([words, noise], 1), F.pad(others, (0, 0, 0, 3)), longer), alone
    )
    scores, taught = torch.randn(2, 2, 3, 4, 4)
    lowest = torch.finfo(torch.float32).min
    padded = F.pad(scores, (0, 3, 0, 3), value=lowest), F.pad(taught, (0, 3, 0, 3), value=-lowest)
    torch.testing.assert_close(
        attention_distances(*padded, longer), attention_distances(scores, taught, mask)
    )


def test_what_is_added_to_all_scores_of_a_query_changes_nothing():
    torch.manual_seed(0)
    mask = torch.tensor([[True] * 4, [True, True, True, False]])
    scores, taught = torch.randn(2, 2, 3, 4, 4)
    moved = attention_distances(scores + 5 * torch.randn(2, 3, 4, 1), taught, mask)
    torch.testing.assert_close(moved, attention_distances(scores, taught, mask))
    assert not torch.allclose(attention_distances(scores + torch.randn(2, 3, 1, 4), taught, mask), moved)


def students_and_teachers(tokenizer, *seeds, config=None):
    """A student of two layers, one of them trained, and teachers of three."""
    student = make_recommender(tokenizer, layers=2)
    student.news_encoder.freeze_below(1)
    teachers = [make_recommender(tokenizer, layers=3, seed=seed) for seed in seeds]
    return student, LayerTeachers(teachers, student, config or TaskConfig())


def click_batch(stories):
    history = np.array([[0, 1, -1], [2, -1, -1], [3, 4, 5]])
    candidates = np.array([[6, 7, 8], [9, 0, -1], [10, 11, 1]])
    return collate(history, candidates, candidates == candidates[:, :1], stories)


def test_a_copy_of_the_teacher_has_nothing_to_learn_from_its_layers(tokenizer, tokens):
    teacher = make_recommender(tokenizer, layers=3, seed=1)
    for seed, alike in ((1, True), (2, False)):
        student = make_recommender(tokenizer, layers=3, seed=seed)
        teachers = LayerTeachers([teacher], student, LayerConfig())
        compared = teachers.compare(student.news_encoder, JointStories((tokens, tokens)))
        for distances in (compared.hidden, compared.attention):
            assert (distances < 1e-10).all() if alike else (distances > 1e-6).all()


def test_stories_are_compared_in_their_own_order(tokenizer, tokens):
    student, teachers = students_and_teachers(tokenizer, 1, 2)
    whole = teachers.compare(student.news_encoder, JointStories((tokens, tokens, tokens)))
    for row in range(len(tokens.ids)):
        story = tokens.take(torch.tensor([row]))
        alone = teachers.compare(student.news_encoder, JointStories((story, story, story)))
        torch.testing.assert_close(whole.news[row], alone.news[0])
        for values, value in zip(whole[1:], alone[1:], strict=True):
            torch.testing.assert_close(values[:, row], value[:, 0])
    torch.testing.assert_close(whole.news, student.encode(tokens))
    torch.testing.assert_close(whole.taught[1], teachers.teachers[1].encode(tokens))


def test_one_teacher_gives_the_losses_of_tinybert_written_out(tokenizer, tokens):
    config = TaskConfig(temperature=2.0, target=0.1, hidden=0.5)
    student, teachers = students_and_teachers(tokenizer, 1, config=config)
    batch = click_batch(JointStories((tokens, tokens)))
    losses = TaskStudent(student, teachers, config)(batch)
    teacher, plain = teachers.teachers[0], batch._replace(tokens=batch.tokens.models[0])
    learnt, taught = student(plain), teacher(plain)
    wanted, chances, hidden, attention = [], [], [], []
    for case in range(3):
        shown = batch.candidates[case] >= 0
        chances.append(-learnt[case][shown].log_softmax(0)[0])
        soft = (taught[case][shown] / 2).softmax(0)
        wanted.append(-4 * (soft * (learnt[case][shown] / 2).log_softmax(0)).sum())
        met = [row for row in [*batch.history[case].tolist(), *batch.candidates[case].tolist()] if row >= 0]
        found = [naive_distances(student, teacher, plain.tokens.take(torch.tensor([row]))) for row in met]
        hidden.append(torch.stack([each[0] for each in found]).mean())
        attention.append(torch.stack([each[1] for each in found]).mean())
    expected = {"distill": wanted, "target": chances, "hidden": hidden, "attention": attention}
    weights = {"distill": 1.0, "target": 0.1, "hidden": 0.5, "attention": 1.0}
    assert losses.keys() == expected.keys()
    for name, values in expected.items():
        torch.testing.assert_close(losses[name], weights[name] * torch.stack(values).mean())


def naive_distances(student, teacher, story):
    """Of one story without padding, from what transformers hands out: layer 2 against layer 3."""
    found = []
    for model in (student, teacher):
        language_model = model.news_encoder.language_model
        language_model.set_attn_implementation("eager")
        told = language_model(story.ids, output_hidden_states=True, output_attentions=True)
        logits = told.attentions[-1].log()
        found.append((told.hidden_states[-1], logits - logits.mean(-1, keepdim=True)))
    (words, logits), (taught_words, taught_logits) = found
    return F.mse_loss(words, taught_words), F.mse_loss(logits, taught_logits)


def test_layers_learn_from_the_better_teacher_of_each_case(tokenizer, tokens):
    student, teachers = students_and_teachers(tokenizer, 1, 2)
    learner = TaskStudent(student, teachers, TaskConfig())
    batch = click_batch(JointStories((tokens, tokens, tokens)))
    lesson, _, _, compared = learner.study(batch)
    torch.testing.assert_close(lesson.weights, (-lesson.losses).softmax(0))
    expected = 0.0
    for case in range(3):
        met = torch.cat([batch.history[case], batch.candidates[case]])
        mean = compared.hidden[:, met[met >= 0]].mean(-1)
        expected += (lesson.weights[:, case] * mean).sum() / 3
    torch.testing.assert_close(learner(batch)["hidden"], expected)


def test_the_same_teacher_twice_is_one_teacher(tokenizer, tokens):
    once = students_and_teachers(tokenizer, 1)
    twice = students_and_teachers(tokenizer, 1, 1)
    expected = TaskStudent(*once, TaskConfig())(click_batch(JointStories((tokens, tokens))))
    found = TaskStudent(*twice, TaskConfig())(click_batch(JointStories((tokens, tokens, tokens))))
    torch.testing.assert_close(found, expected)


def test_no_gradient_reaches_a_teacher(tokenizer, tokens):
    student, teachers = students_and_teachers(tokenizer, 1, 2)
    learner = TaskStudent(student, teachers, TaskConfig()).train()
    sum(learner(click_batch(JointStories((tokens, tokens, tokens)))).values()).backward()
    for teacher in teachers.teachers:
        assert not teacher.training
        assert all(p.grad is None and not p.requires_grad for p in teacher.parameters())
    assert {id(p) for p in learner.parameters()} == {id(p) for p in student.parameters()}
    assert all((p.grad is not None) == p.requires_grad for p in learner.parameters())


def test_learning_brings_every_loss_down(tokenizer, tokens):
    student, teachers = students_and_teachers(tokenizer, 1)
    learner, batch = TaskStudent(student, teachers, TaskConfig()), click_batch(JointStories((tokens, tokens)))
    optimizer = torch.optim.Adam([p for p in learner.parameters() if p.requires_grad], lr=1e-2)
    before = learner(batch)
    for _ in range(60):
        optimizer.zero_grad()
        sum(learner(batch).values()).backward()
        optimizer.step()
    after = learner(batch)
    assert after["hidden"] < 0.5 * before["hidden"] and after["attention"] < 0.5 * before["attention"]
    assert after["distill"] < before["distill"]


def test_words_computed_beforehand_give_the_same_losses_and_gradients(tokenizer, tokens):
    found = []
    for cached in (False, True):
        student, teachers = students_and_teachers(tokenizer, 1, 2)
        assert [teacher.news_encoder.frozen_layers for teacher in teachers.teachers] == [2, 2]
        live = JointStories((tokens, tokens, tokens))
        stories = teachers.reading(student, tokens, torch.arange(12)) if cached else live
        losses = TaskStudent(student, teachers, TaskConfig())(click_batch(stories))
        sum(losses.values()).backward()
        gradients = {name: p.grad for name, p in student.named_parameters() if p.grad is not None}
        found.append((losses, gradients))
    torch.testing.assert_close(*found)


def test_another_vocabulary_or_width_is_refused(tokenizer, tmp_path):
    student = make_recommender(tokenizer)
    (tmp_path / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]))
    stranger = make_recommender(BertTokenizerFast(str(tmp_path / "vocab.txt")))
    with pytest.raises(ValueError, match="split texts into other words"):
        LayerTeachers([stranger], student, LayerConfig())
    for sizes in ({"hidden_size": 32}, {"num_attention_heads": 4}):
        bert = BertModel(
            BertConfig(**(SIZES | {"vocab_size": len(tokenizer)} | sizes)), add_pooling_layer=False
        )
        wide = Recommender(ModelConfig(layers=2, news_size=8), bert, tokenizer)
        with pytest.raises(ValueError, match=f"{next(iter(sizes))} of teacher and student must be equal"):
            LayerTeachers([wide], student, LayerConfig())


@pytest.fixture
def folder(tokenizer, tmp_path):
    """Two teachers and the language model of a student."""
    for seed in (1, 2):
        make_recommender(tokenizer, layers=3, seed=seed).save_pretrained(tmp_path / f"teacher-{seed}")
    make_recommender(tokenizer, layers=3).news_encoder.language_model.save_pretrained(tmp_path / "bert")
    tokenizer.save_pretrained(tmp_path / "bert")
    return tmp_path


@pytest.fixture
def common(folder, mind_folder):
    model = ModelConfig(
        language_model=str(folder / "bert"), layers=2, news_size=8, query_size=4, heads=2, title_length=12
    )
    training = TrainConfig(epochs=8, batch_size=6, learning_rate=2e-3, head_learning_rate=1e-2)
    return {"data": mind_folder, "model": model, "training": training, "teachers": teachers_in(folder)}


def teachers_in(folder):
    return folder / "teacher-1", folder / "teacher-2"


def curve(folder):
    """All losses of each step as one."""
    lines = (folder / "losses.jsonl").read_text().splitlines()
    return [sum(json.loads(line)["losses"].values()) for line in lines]


def test_both_stages_run_and_each_takes_what_the_one_before_gave(folder, common):
    general = posttrain_tinybert.Arguments(out=folder / "general", **common)
    posttrain_tinybert.main(general)
    task = finetune_tinybert.Arguments(out=folder / "task", parent=folder / "general", **common)
    finetune_tinybert.main(task)
    for name in ("general", "task"):
        losses = curve(folder / name)
        assert losses[-1] < losses[0]
        loaded = Recommender.from_pretrained(folder / name)
        assert loaded.config.layers == 2 and len(loaded.training_record["parents"]) == 3
    plain = {name: value for name, value in common.items() if name != "teachers"}
    plain["training"] = replace(plain["training"], epochs=1)
    finetune_teacher.main(
        finetune_teacher.Arguments(out=folder / "plain", parent=folder / "general", **plain)
    )
    assert Checkpoint.open(folder / "plain").training["parents"][0]["name"] == "general"


def test_general_distillation_moves_the_trained_layers_and_nothing_else(folder, common):
    arguments = posttrain_tinybert.Arguments(out=folder / "general", trained_layers=1, **common)
    posttrain_tinybert.main(arguments)
    before = start(arguments.model, 1, arguments.training.seed).state_dict()
    after = Recommender.from_pretrained(folder / "general").state_dict()
    moved = {name for name, tensor in after.items() if not tensor.equal(before[name])}
    assert moved and all("language_model.encoder.layer.1." in name for name in moved)


def test_general_distillation_weighs_teachers_by_how_they_match(folder, common):
    arguments = posttrain_tinybert.Arguments(out=folder / "general", **common)
    student = start(arguments.model, 2, 0).eval()
    teachers = LayerTeachers(
        [Recommender.from_pretrained(t) for t in arguments.teachers], student, LayerConfig()
    )
    batch = make_sampler(arguments, read_pairs(arguments.data), student, teachers).batch(0)
    losses = GeneralStudent(student, teachers, LayerConfig()).eval()(batch)
    titles, bodies = (teachers.compare(student.news_encoder, texts) for texts in (batch.titles, batch.bodies))
    scores = torch.einsum("mbd,mnd->mbn", bodies.taught, titles.taught)
    own = batch.candidates[:, 0]
    weights = scores.log_softmax(-1)[:, range(len(own)), own].softmax(0)
    assert weights.std() > 0
    expected = (weights * (titles.attention[:, own] + bodies.attention)).sum(0).mean() / 2
    torch.testing.assert_close(losses["attention"], expected)


def test_teacher_weights_of_watched_cases_are_written(folder, common):
    few = replace(common["training"], epochs=1)
    finetune_tinybert.main(finetune_tinybert.Arguments(out=folder / "task", **common | {"training": few}))
    lines = [
        json.loads(line) for line in (folder / "task" / "teacher_weights.jsonl").read_text().splitlines()
    ]
    assert len(lines) == 6 and all(len(line["teacher_weights"]) == 2 for line in lines)
    assert {"history", "candidates", "student_loss"} <= lines[0].keys()
