"""Stage II on tiny models: clicks as several teachers see them."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest
import torch
from conftest import make_recommender
from runs import encode_naively, gradients, json_lines, run_killed, same_student, save_language_model

from tinynewsrec.data.batches import EMPTY
from tinynewsrec.data.read import read_split
from tinynewsrec.evaluation.vectors import encode_news
from tinynewsrec.model.config import ModelConfig
from tinynewsrec.model.folder import WEIGHTS
from tinynewsrec.model.projections import Projections
from tinynewsrec.model.recommender import Recommender
from training import finetune_student
from training.click_stage import click_sampler
from training.config import TrainConfig
from training.distillation import WEIGHTS_LOG, DistillConfig
from training.finetune_student import Arguments, ClickLessons, ClickStudent, main
from training.samples import Sampler
from training.stage import start
from training.teachers import find_teachers

SMALL = {"news_size": 8, "query_size": 4, "heads": 2, "title_length": 12, "history_length": 3}
TRAINING = TrainConfig(epochs=2, batch_size=2, save_every=2, head_learning_rate=1e-2)  # six steps


@pytest.fixture
def arguments(tokenizer, mind_folder, tmp_path, monkeypatch):
    """Two teachers whose vectors have another size than the student's, one with self-attention."""
    monkeypatch.setenv("TINYNEWSREC_CACHE", str(tmp_path / "cache"))
    for seed, user_encoder in ((1, "attention"), (2, "self-attention")):
        teacher = make_recommender(tokenizer, seed, news_size=6, user_encoder=user_encoder)
        teacher.save_pretrained(tmp_path / f"teacher-{seed}")
    model = ModelConfig(language_model=save_language_model(tokenizer, tmp_path / "bert"), layers=2, **SMALL)
    return Arguments(
        data=mind_folder,
        out=tmp_path / "student",
        teachers=(tmp_path / "teacher-1", tmp_path / "teacher-2"),
        model=model,
        trained_layers=1,
        negatives=2,
        training=TRAINING,
    )


def test_stage_two_leaves_a_student_that_scores_as_it_was_trained(arguments, monkeypatch):
    kept, finish = [], finetune_student.finish
    monkeypatch.setattr(finetune_student, "finish", lambda *given: (kept.append(given), finish(*given)))
    main(replace(arguments, dev=arguments.data))
    [(student, _, _, dev, projections)], loaded = kept, Recommender.from_pretrained(arguments.out)
    tokens = loaded.tokens(dev.news.texts("title"))
    history, candidates = torch.tensor([[0, 1, EMPTY], [EMPTY] * 3]), torch.tensor([[3, 4], [1, 5]])
    scores = [each.score(each.encode(tokens), history, candidates) for each in (student, loaded)]
    assert torch.equal(*scores) and loaded.metrics["impressions"] == 5
    found = Projections.load(arguments.out)
    assert found.teachers == ("teacher-1", "teacher-2") and set(found.maps) == {"news", "reader"}
    assert all(found.state_dict()[name].equal(tensor) for name, tensor in projections.state_dict().items())
    parents = [parent["name"] for parent in loaded.training_record["parents"]]
    assert parents[1:] == ["teacher-1", "teacher-2"] and loaded.training_record["clicks"] == 6
    with pytest.raises(ValueError, match="holds a finished checkpoint"):
        main(arguments)


def test_the_student_learns_and_frozen_layers_and_teachers_do_not(arguments):
    before = {place: (place / WEIGHTS).read_bytes() for place in arguments.teachers}
    main(arguments)
    begun, loaded = start(arguments.model, 1, 0).state_dict(), Recommender.from_pretrained(arguments.out)
    moved = {name for name, tensor in loaded.state_dict().items() if not tensor.equal(begun[name])}
    assert {"news_encoder.project.weight", "user_encoder.newcomer", "user_encoder.pool.key.weight"} <= moved
    assert any(".layer.1." in name for name in moved)
    assert not any(".layer.0." in name or "embeddings" in name for name in moved)
    assert {place: (place / WEIGHTS).read_bytes() for place in arguments.teachers} == before


def test_killed_and_resumed_it_ends_as_one_left_alone(arguments, tmp_path):
    alone = replace(arguments, out=tmp_path / "alone")
    main(alone)
    run_killed(main, arguments, Sampler, 5)
    main(arguments)
    assert same_student(arguments.out, alone.out)


def test_the_student_is_the_same_whether_its_teachers_had_read_before(arguments, tmp_path, monkeypatch):
    main(arguments)
    for name, cache in (("warm", "cache"), ("cold", "another cache")):
        monkeypatch.setenv("TINYNEWSREC_CACHE", str(tmp_path / cache))
        main(replace(arguments, out=tmp_path / name))
        assert same_student(tmp_path / name, arguments.out)


def test_a_run_that_starts_anew_keeps_no_teacher_weights_of_another(arguments):
    run_killed(main, arguments, Sampler, 5)
    log = arguments.out / "teacher_weights.jsonl"
    kept = len(log.read_text().splitlines())
    (arguments.out / "state.safetensors").unlink()
    log.write_text(log.read_text().replace('"step": 2', '"step": 1'))
    main(arguments)
    steps = {line["step"] for line in json_lines(log)}
    assert kept and 1 not in steps and len(steps) > 1


def test_a_run_with_another_teacher_does_not_go_on(arguments):
    run_killed(main, arguments, Sampler, 5)
    with pytest.raises(ValueError, match="other settings"):
        main(replace(arguments, teachers=arguments.teachers[::-1]))


def test_who_was_trusted_is_kept_for_the_same_cases_at_each_state(arguments):
    main(arguments)
    lines = json_lines(arguments.out / WEIGHTS_LOG)
    assert [line["step"] for line in lines] == [2, 2, 4, 4, 6, 6]
    cases = [(line["history"], line["candidates"]) for line in lines]
    assert cases[:2] == cases[2:4] == cases[4:]
    clicks = {"N4", "N1", "N9", "N10", "N7"}
    assert all(len(history) <= 3 and candidates[0] in clicks for history, candidates in cases)
    assert all(sum(line["teacher_weights"]) == pytest.approx(1, abs=2e-4) for line in lines)
    assert lines[0]["teacher_losses"] == lines[4]["teacher_losses"]
    assert [line["student_loss"] for line in lines[:2]] != [line["student_loss"] for line in lines[4:]]


@pytest.mark.parametrize("side", ["teacher", "student"])
def test_how_long_vectors_are_is_kept_where_they_are_compared(arguments, side):
    """For a projection on the teachers' side can bring both to nothing."""
    main(replace(arguments, distillation=DistillConfig(watched=2, projection_side=side)))
    lines = json_lines(arguments.out / WEIGHTS_LOG)
    teachers, students = (
        np.array([line[f"{who}_norms"] for line in lines]) for who in ("teacher", "student")
    )
    assert teachers.shape == students.shape == (6, 2) and (teachers > 0).all() and (students > 0).all()
    projected, plain = (teachers, students) if side == "teacher" else (students, teachers)
    if side == "teacher":
        assert (plain[:, 0] == plain[:, 1]).all()
    else:
        assert (plain[:2] == plain[4:]).all()
    assert (projected[:, 0] != projected[:, 1]).all() and (projected[:2] != projected[4:]).all()


def test_a_batch_larger_than_the_data_is_watched_whole(arguments):
    main(replace(arguments, training=replace(TRAINING, epochs=1, batch_size=512)))
    assert len(json_lines(arguments.out / WEIGHTS_LOG)) == 6


def test_losses_that_count_for_nothing_leave_the_clicks_alone(arguments, tmp_path):
    """Then teachers do not matter: one alone gives the same student."""
    off = replace(arguments, distillation=DistillConfig(distill=0, embedding=0))
    main(off)
    main(replace(off, out=tmp_path / "one", teacher_count=1))
    one, two = (Recommender.from_pretrained(out).state_dict() for out in (tmp_path / "one", off.out))
    assert all(torch.equal(one[name], two[name]) for name in one)
    first = json_lines(off.out / "losses.jsonl")[0]["losses"]
    assert (first["distill"], first["embedding"]) == (0, 0) and first["target"] > 0


def test_teachers_read_what_a_case_can_meet_and_nothing_else(arguments):
    with open(arguments.data / "news.tsv", "a") as news:
        news.write("N99\tsports\tsub0\triver storm\t\turl\t[]\t[]\n")
    split, teachers = read_split(arguments.data), find_teachers(arguments.teachers, None)
    found = ClickLessons(teachers, split).news
    for teacher, vectors in zip(teachers, found, strict=True):
        recommender = teacher.load()
        expected = encode_news(recommender, recommender.tokens(split.news.texts("title")))
        torch.testing.assert_close(vectors[:12], torch.from_numpy(expected[:12]))
        assert not vectors[12].any() and expected[12].any()


@pytest.mark.parametrize("weighting", ["confidence", "uniform"])
@pytest.mark.parametrize("side", ["teacher", "student"])
def test_losses_and_gradients_are_those_of_the_naive_way(arguments, tokenizer, side, weighting):
    """Each slot of each case encoded, padded, through all layers; formulas as in the paper, case by case."""
    save_language_model(tokenizer, arguments.data.parents[1] / "bert", dropout=0.0)
    config = DistillConfig(temperature=2.0, projection_side=side, weighting=weighting)
    arguments = replace(arguments, training=replace(TRAINING, batch_size=6), drop_history=0.3)
    split, teachers = read_split(arguments.data), find_teachers(arguments.teachers, None)
    student = start(arguments.model, 1, 0)
    for part in (student.news_encoder.pool.query.weight, student.user_encoder.pool.query.weight):
        torch.nn.init.normal_(part)
    learner = ClickStudent(student, teachers, config).train()
    batch = click_sampler(arguments, split, student).batch(0)
    assert (batch.history == EMPTY).any() and (batch.candidates == EMPTY).any()
    found = learner(batch, ClickLessons(teachers, split).take(batch))
    naive = naive_losses(learner, [t.load() for t in teachers], split.news.texts("title"), batch, config)
    assert found.keys() == naive.keys()
    for name, loss in naive.items():
        torch.testing.assert_close(found[name], loss)
    ours, theirs = gradients(learner, found), gradients(learner, naive)
    assert ours.keys() == theirs.keys() and len(ours) > 15
    for name, gradient in theirs.items():
        torch.testing.assert_close(ours[name], gradient, atol=2e-5, rtol=1e-4)


def naive_losses(learner, teachers, titles, batch, config):
    maps, losses = learner.projections.maps, {"distill": 0.0, "embedding": 0.0, "target": 0.0}
    for history, candidates in zip(batch.history, batch.candidates, strict=True):
        slots = torch.cat([history, candidates])
        texts = ["" if place == EMPTY else titles[batch.stories[place]] for place in slots]
        filled, clicks = slots != EMPTY, len(history)
        ours = slot_by_slot(learner.student, texts, filled, clicks)
        with torch.no_grad():
            theirs = [slot_by_slot(teacher, texts, filled, clicks) for teacher in teachers]
        taught = [each.scores for each in theirs]
        trust = torch.stack([each.log_softmax(-1)[0] for each in taught])
        trust = (trust if config.weighting == "confidence" else torch.zeros(2)).softmax(0)
        blended = sum(share * each for share, each in zip(trust, taught, strict=True))
        wanted, chances = ((each / config.temperature).softmax(-1) for each in (blended, ours.scores))
        losses["distill"] -= config.temperature**2 * (wanted * chances.log()).sum() / 6
        for place, teacher in enumerate(theirs):
            for kind in ("news", "reader"):
                squares = squares_of(maps[kind], place, getattr(teacher, kind), getattr(ours, kind), config)
                losses["embedding"] += trust[place] * squares.mean() / 6
        losses["target"] -= ours.scores.log_softmax(-1)[0] / 6
    return losses


class Read(NamedTuple):
    """What a recommender makes of one case: its filled slots, its reader, and scores of what is shown."""

    news: torch.Tensor
    reader: torch.Tensor
    scores: torch.Tensor


def slot_by_slot(recommender, texts, filled, clicks) -> Read:
    news = encode_naively(recommender, texts, 12)
    reader = recommender.user_encoder(news[None, :clicks], filled[None, :clicks])
    return Read(news[filled], reader, (news[clicks:] @ reader[0])[filled[clicks:]])


def squares_of(maps, place, taught, learnt, config):
    weight, bias = maps.weight[place], maps.bias[place]
    if config.projection_side == "teacher":
        return (taught @ weight.T + bias - learnt).square()
    return (taught - learnt @ weight.T - bias).square()
