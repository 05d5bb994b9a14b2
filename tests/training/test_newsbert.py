import json
from dataclasses import replace

import pytest
import torch
from conftest import make_recommender
from runs import run_killed
from safetensors.torch import load_file

from tinynewsrec.checkpoints import Checkpoint
from tinynewsrec.data.batches import EMPTY
from tinynewsrec.model import news_encoder
from tinynewsrec.model.config import ModelConfig
from tinynewsrec.model.language_models import layers_of
from tinynewsrec.model.recommender import Recommender
from training import finetune_newsbert
from training.click_stage import target_of
from training.config import TrainConfig
from training.distillation import WEIGHTS_LOG, teach
from training.finetune_newsbert import Arguments, NewsBert, NewsBertConfig, load_teacher, main
from training.joint import JointStories, word_distances
from training.layers import blend_gradients
from training.loop import train
from training.losses import case_losses, distillation_loss
from training.samples import Sampler, find_clicks
from training.stage import with_frozen_layers

CONFIG = TrainConfig(epochs=2, batch_size=2, save_every=1, weight_decay=0.0)
UNSEEN = ("key.bias", "query.bias")  # a softmax does not see what all of its scores have in common


def make_learner(tokenizer, seeds=(1,), layers=2, **settings):
    student = make_recommender(tokenizer, layers=layers)
    student.news_encoder.freeze_below(2)
    teachers = [make_recommender(tokenizer, seed, layers=3).news_encoder for seed in seeds]
    for teacher in teachers:
        teacher.freeze_below(2)
    return NewsBert(student, teachers, NewsBertConfig(**settings)).eval()


@pytest.fixture
def sampler(split, tokens):
    def over(models, together=True):
        stories = JointStories(tuple([tokens] * models if together else models))
        return Sampler(split.impressions, find_clicks(split.impressions), stories, 3, 6, 2, 0.2, 0)

    return over


@pytest.fixture
def arguments(tokenizer, mind_folder, tmp_path):
    bert = make_recommender(tokenizer, layers=3).news_encoder.language_model
    bert.save_pretrained(tmp_path / "bert")
    tokenizer.save_pretrained(tmp_path / "bert")
    for seed in (1, 2):
        make_recommender(tokenizer, seed, layers=3).save_pretrained(tmp_path / f"teacher-{seed}")
    settings = {"news_size": 8, "query_size": 4, "title_length": 12, "history_length": 3}
    return Arguments(
        data=mind_folder,
        out=tmp_path / "newsbert",
        teachers=(tmp_path / "teacher-1", tmp_path / "teacher-2"),
        model=ModelConfig(language_model=str(tmp_path / "bert"), layers=2, **settings),
        training=CONFIG,
    )


def students(losses):
    return sum(loss for name, loss in losses.items() if name != "teachers")


def gradients(module):
    """Those that are not zero throughout."""
    found = {name: p.grad.clone() for name, p in module.named_parameters() if p.grad is not None}
    return {name: gradient for name, gradient in found.items() if gradient.any()}


def test_layers_of_teachers_have_a_rate_of_their_own(arguments, monkeypatch):
    found = {}
    monkeypatch.setattr(finetune_newsbert, "learn", lambda *others, rates, **more: found.update(rates))
    main(replace(arguments, teachers_learning_rate=1e-5))
    assert found == {"teachers.0.language_model.": 1e-5, "teachers.1.language_model.": 1e-5}


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_all_that_is_declared_trainable_moves_in_one_step(tokenizer, sampler, tmp_path, layers):
    learner = make_learner(tokenizer, (1, 2), layers)
    before = {name: p.detach().clone() for name, p in learner.named_parameters()}
    calls = (lambda model, batch: model(batch), CONFIG, tmp_path, {})
    train(learner, sampler(3).batch, 1, *calls, before_step=learner.blend_gradients)
    moved = {name for name, p in learner.named_parameters() if not torch.equal(before[name], p)}
    wanted = {name for name, p in learner.named_parameters() if p.requires_grad}
    assert moved <= wanted and all(name.endswith(UNSEEN) for name in wanted - moved)
    assert {name.split(".")[0] for name in moved} == {"student", "teachers"}
    for part in ("news_encoder.pool", "news_encoder.project", "user_encoder"):
        assert any(name.startswith(f"student.{part}.") for name in moved)


def test_teachers_learn_nothing_from_the_students_losses(tokenizer, sampler):
    learner = make_learner(tokenizer, (1, 2))
    students(learner(sampler(3).batch(0))).backward()
    assert gradients(learner.student)
    assert not any("language_model" in name for name in gradients(learner.teachers))


def test_the_student_learns_nothing_from_the_teachers_losses_but_the_heads_do(tokenizer, sampler):
    learner = make_learner(tokenizer)
    learner(sampler(2).batch(0))["teachers"].backward()
    moved = set(gradients(learner.student))
    assert not any("language_model" in name for name in moved)
    assert "news_encoder.project.weight" in moved and "user_encoder.pool.key.weight" in moved


@pytest.mark.parametrize("layers", [1, 2])
def test_momentum_blends_gradients_layer_by_layer(tokenizer, sampler, layers):
    learner = make_learner(tokenizer, (1, 2), layers, momentum=0.25)
    sum(learner(sampler(3).batch(0)).values()).backward()
    own, heads = gradients(learner.student.news_encoder.language_model), gradients(learner.student)
    theirs = [gradients(teacher.language_model) for teacher in learner.teachers]
    learner.blend_gradients()
    for name, blended in gradients(learner.student.news_encoder.language_model).items():
        layer = int(name.split(".")[2])
        matching = (1, 2) if layers == 1 else (layer + 1,)
        names = [name.replace(f"layer.{layer}.", f"layer.{place}.") for place in matching]
        mean = sum(grads[other] for grads in theirs for other in names) / (len(names) * 2)
        torch.testing.assert_close(blended, 0.75 * own[name] + 0.25 * mean)
    after = gradients(learner.student)
    assert all(after[name].equal(heads[name]) for name in after if "language_model" not in name)
    for teacher, before in zip(learner.teachers, theirs, strict=True):
        assert all(
            gradient.equal(before[name]) for name, gradient in gradients(teacher.language_model).items()
        )


def test_without_momentum_gradients_stay_as_they_are(tokenizer, sampler):
    learner = make_learner(tokenizer)
    sum(learner(sampler(2).batch(0)).values()).backward()
    before = gradients(learner)
    blend_gradients(learner.student.news_encoder, learner.teachers, 0.0)
    after = gradients(learner)
    assert before.keys() == after.keys() and all(before[name].equal(after[name]) for name in before)


def test_gradients_are_blended_once_a_step_however_many_parts_it_has(tokenizer, sampler, tmp_path):
    learner, calls = make_learner(tokenizer), []
    config = replace(CONFIG, batch_size=6, accumulate=3)
    losses_of = lambda model, batch: model(batch)  # noqa: E731
    train(learner, sampler(2).batch, 2, losses_of, config, tmp_path, {}, before_step=lambda: calls.append(1))
    assert len(calls) == 2


def test_one_teacher_is_copied_as_the_losses_say(tokenizer, sampler):
    learner, batch = make_learner(tokenizer), sampler(2).batch(0)
    losses, student, teacher = learner(batch), learner.student, learner.teachers[0]
    target, shown = batch.clicked.float().argmax(-1), batch.candidates != EMPTY
    tokens = batch.tokens.models[0]
    taught, learnt = teacher(tokens), student.encode(tokens)
    scores = [student.score(news, batch.history, batch.candidates) for news in (learnt, taught)]
    slots = torch.cat([batch.history, batch.candidates], -1)
    met = [row[row != EMPTY] for row in slots]
    of_news = torch.stack([(taught - learnt)[rows].square().mean() for rows in met]).mean()
    of_readers = student.read(taught, batch.history) - student.read(learnt, batch.history)
    states = [
        encoder.language_model(tokens.ids, tokens.mask.long(), output_hidden_states=True).hidden_states
        for encoder in (student.news_encoder, teacher)
    ]
    words = torch.stack(
        [word_distances(states[1][place], states[0][place], tokens.mask) for place in (-2, -1)]
    ).mean(0)
    expected = {
        "teachers": case_losses(scores[1], target, shown).mean(),
        "distill": distillation_loss(scores[0], scores[1], shown),
        "words": torch.stack([words[rows].mean() for rows in met]).mean(),
        "news": of_news,
        "readers": of_readers.square().mean(),
        "target": 0.1 * case_losses(scores[0], target, shown).mean(),
    }
    assert losses.keys() == expected.keys()
    for name, loss in losses.items():
        torch.testing.assert_close(loss, expected[name], msg=lambda text, name=name: f"{name}: {text}")


def test_one_layer_is_compared_with_the_mean_of_the_teachers_last_two(tokenizer, sampler):
    learner, batch = make_learner(tokenizer, layers=1), sampler(2).batch(0)
    tokens = batch.tokens.models[0]
    states = learner.teachers[0].language_model(tokens.ids, tokens.mask.long(), output_hidden_states=True)
    goal = (states.hidden_states[-1] + states.hidden_states[-2]) / 2
    found = learner.read(batch)[1]
    expected = word_distances(goal, learner.student.news_encoder.words(tokens), tokens.mask)
    torch.testing.assert_close(found[0], expected)


def test_twins_teach_as_one_would(tokenizer, sampler):
    alone = make_learner(tokenizer, (1,))(sampler(2).batch(0))
    twins = make_learner(tokenizer, (1, 1))(sampler(3).batch(0))
    for name, loss in alone.items():
        torch.testing.assert_close(twins[name], 2 * loss if name == "teachers" else loss)


def test_teachers_are_weighted_by_how_well_they_do_and_weights_carry_no_gradient(tokenizer, sampler):
    learner, batch = make_learner(tokenizer, (1, 2)), sampler(3).batch(0)
    scores = learner.read(batch)[0].scores
    lesson = teach(scores[1:], *target_of(batch), learner.config.weighting)
    torch.testing.assert_close(lesson.weights.sum(0), torch.ones(len(batch.history)))
    assert lesson.weights.argmax(0).equal(lesson.losses.argmin(0))
    assert scores.requires_grad and not any(tensor.requires_grad for tensor in lesson)
    even = make_learner(tokenizer, (1, 2), weighting="uniform")
    assert (even.watch(batch).lesson.weights == 0.5).all()


def test_heads_are_one_and_learn_once(tokenizer):
    learner = make_learner(tokenizer, (1, 2))
    encoder = learner.student.news_encoder
    assert all(t.pool is encoder.pool and t.project is encoder.project for t in learner.teachers)
    heads = [n for n, _ in learner.named_parameters() if "pool." in n or "project." in n]
    assert all(name.startswith("student.") for name in heads)


def test_padding_changes_no_loss(tokenizer, sampler, monkeypatch):
    learner, batch = make_learner(tokenizer, (1, 2)), sampler(3).batch(0)
    assert not batch.tokens.models[0].mask.all()
    padded = learner(batch)
    monkeypatch.setattr(news_encoder, "TOGETHER", 1)
    alone = learner(batch)
    assert all(torch.allclose(padded[name], alone[name], atol=1e-6) for name in padded)


def test_what_frozen_layers_give_can_be_computed_beforehand(tokenizer, sampler, tokens):
    learner = make_learner(tokenizer, (1, 2), layers=3)
    encoders = [learner.student.news_encoder, *learner.teachers]
    cached = [with_frozen_layers(encoder, tokens, torch.arange(len(tokens.ids))) for encoder in encoders]
    plain, quick = learner(sampler(3).batch(0)), learner(sampler(cached, together=False).batch(0))
    assert all(torch.allclose(plain[name], quick[name], atol=1e-6) for name in plain)


def test_the_checkpoint_is_the_student_that_was_trained(arguments, monkeypatch):
    kept = []
    finish = finetune_newsbert.finish
    monkeypatch.setattr(
        finetune_newsbert, "finish", lambda student, *rest: (kept.append(student), finish(student, *rest))
    )
    main(replace(arguments, dev=arguments.data))
    loaded, trained = Recommender.from_pretrained(arguments.out), kept[0].cpu().eval()
    assert loaded.state_dict().keys() == trained.state_dict().keys()
    assert all(loaded.state_dict()[name].equal(tensor) for name, tensor in trained.state_dict().items())
    assert not any("teacher" in name for name in load_file(arguments.out / "model.safetensors"))
    tokens = loaded.tokens(["the river opens", "mayor wins a vote"])
    assert torch.equal(loaded.encode(tokens), trained.encode(tokens))
    parents = [parent["name"] for parent in loaded.training_record["parents"]]
    assert parents[1:] == ["teacher-1", "teacher-2"] and loaded.metrics["impressions"] == 5
    lines = [json.loads(line) for line in (arguments.out / WEIGHTS_LOG).read_text().splitlines()]
    assert all(sum(line["teacher_weights"]) == pytest.approx(1, abs=1e-3) for line in lines)
    assert {line["step"] for line in lines} == set(range(1, 7)) and "candidates" in lines[0]


def test_the_shared_heads_begin_as_the_first_teachers(arguments, monkeypatch):
    seen = []
    monkeypatch.setattr(finetune_newsbert, "learn", lambda learner, *rest, **more: seen.append(learner))
    main(arguments)
    teacher = Recommender.from_pretrained(arguments.teachers[0]).news_encoder
    assert seen[0].student.news_encoder.project.weight.equal(teacher.project.weight)
    assert seen[0].student.news_encoder.pool.query.weight.equal(teacher.pool.query.weight)


def test_a_killed_run_ends_as_one_that_was_left_alone(arguments):
    alone, killed = (replace(arguments, out=arguments.out / name) for name in ("alone", "killed"))
    main(alone)
    run_killed(main, killed, Sampler, step=4)
    main(killed)
    for file in ("model.safetensors", WEIGHTS_LOG):
        assert (alone.out / file).read_bytes() == (killed.out / file).read_bytes()


def test_a_teacher_of_too_few_layers_is_refused(tokenizer, recommender, tmp_path):
    make_recommender(tokenizer, layers=1).save_pretrained(tmp_path / "small")
    with pytest.raises(ValueError, match="small cannot teach here: expected 2 layers or more"):
        load_teacher(Checkpoint.open(tmp_path / "small"), recommender, ["the river"], 2)


def test_a_student_has_layers_that_are_its_own(tokenizer):
    learner = make_learner(tokenizer)
    own = set(map(id, layers_of(learner.student.news_encoder.language_model).parameters()))
    assert not own & set(map(id, layers_of(learner.teachers[0].language_model).parameters()))


def test_settings_that_teach_nothing_are_explained(arguments):
    with pytest.raises(ValueError, match="trained_layers must be 2 or more, got 1"):
        main(replace(arguments, trained_layers=1))
    with pytest.raises(ValueError, match="momentum is a share"):
        NewsBertConfig(momentum=2)
