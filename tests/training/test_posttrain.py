"""Both stages of post-training on tiny models: alone, killed, taught, and handed on."""

from dataclasses import replace

import pytest
import torch
from conftest import make_recommender
from runs import (
    encode_naively,
    first_losses,
    gradients,
    json_lines,
    run_killed,
    same_student,
    save_language_model,
)
from safetensors.torch import load_file, save_file
from torch.nn import functional as F

from tinynewsrec.model.config import ModelConfig
from tinynewsrec.model.folder import WEIGHTS, read_json
from tinynewsrec.model.projections import Projections
from tinynewsrec.model.recommender import Recommender
from training import finetune_teacher, posttrain_student, posttrain_teacher
from training.config import TrainConfig
from training.distillation import WEIGHTS_LOG, DistillConfig
from training.loop import STATE
from training.pair_samples import PairSampler, make_pair_sampler
from training.pairs import read_pairs
from training.posttrain_student import MatchingStudent, PairLessons
from training.snapshots import MANIFEST, snapshots_in
from training.stage import start
from training.teachers import find_teachers

SMALL = {"news_size": 8, "query_size": 4, "heads": 2, "title_length": 12, "history_length": 3}
TRAINING = TrainConfig(epochs=2, batch_size=4, save_every=2, head_learning_rate=1e-2)  # six steps


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TINYNEWSREC_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def common(tokenizer, mind_folder, tmp_path):
    model = ModelConfig(language_model=save_language_model(tokenizer, tmp_path / "bert"), layers=2, **SMALL)
    return {"data": mind_folder, "body_length": 16, "trained_layers": 1, "model": model, "training": TRAINING}


@pytest.fixture
def teaching(common, tmp_path):
    return posttrain_teacher.Arguments(**common, out=tmp_path / "dp", snapshots=2)


@pytest.fixture
def studying(common, tokenizer, tmp_path):
    """Two teachers whose vectors have another size than the student's."""
    for seed in (1, 2):
        make_recommender(tokenizer, seed, news_size=6).save_pretrained(tmp_path / f"teacher-{seed}")
    teachers = (tmp_path / "teacher-1", tmp_path / "teacher-2")
    return posttrain_student.Arguments(**common, out=tmp_path / "stage-1", teachers=teachers)


def weights(folder) -> bytes:
    return (folder / WEIGHTS).read_bytes()


def test_post_training_leaves_its_last_states_as_recommenders(teaching):
    posttrain_teacher.main(teaching)
    folders = snapshots_in(teaching.out)
    assert [read_json(folder / "training.json")["step"] for folder in folders] == [6, 4]
    assert not (teaching.out / STATE).exists() and len(json_lines(teaching.out / "losses.jsonl")) == 6
    last, before = (Recommender.from_pretrained(folder) for folder in folders)
    begun = start(teaching.model, 1, 0).state_dict()
    moved = {name for name, tensor in last.state_dict().items() if not tensor.equal(begun[name])}
    assert {"news_encoder.project.weight", "news_encoder.pool.key.weight"} <= moved
    assert all(name.startswith("news_encoder") for name in moved)
    assert not [n for n in moved if "language_model" in n and ".layer.1." not in n]
    assert not last.news_encoder.project.weight.equal(before.news_encoder.project.weight)
    with pytest.raises(ValueError, match="holds finished snapshots"):
        posttrain_teacher.main(teaching)


@pytest.mark.parametrize("negatives", [None, 3])
@pytest.mark.parametrize(("death", "lost"), [(3, []), (5, []), (5, ["snapshot-2"])])
def test_killed_between_two_snapshots_it_leaves_the_same_ones(teaching, tmp_path, negatives, death, lost):
    teaching = replace(teaching, negatives=negatives)
    alone = replace(teaching, out=tmp_path / "alone")
    posttrain_teacher.main(alone)
    run_killed(posttrain_teacher.main, teaching, PairSampler, death)
    assert not (teaching.out / MANIFEST).exists()
    for name in lost:  # killed after the state was written and before the snapshot was
        (teaching.out / name / WEIGHTS).unlink()
    posttrain_teacher.main(teaching)
    for one, other in zip(snapshots_in(alone.out), snapshots_in(teaching.out), strict=True):
        assert weights(one) == weights(other)
    assert read_json(alone.out / MANIFEST)["snapshots"] == read_json(teaching.out / MANIFEST)["snapshots"]


def test_too_short_a_run_is_refused(teaching):
    with pytest.raises(ValueError, match="4 snapshots 2 steps apart need more than 6 steps; this run has 6"):
        posttrain_teacher.main(replace(teaching, snapshots=4))


@pytest.mark.parametrize(("setting", "value"), [("negatives", 0), ("snapshots", 0), ("body_length", 1)])
def test_a_setting_that_teaches_nothing_is_refused(teaching, setting, value):
    with pytest.raises(ValueError, match=f"{setting} must be .*, got {value}"):
        replace(teaching, **{setting: value})


def clicks(teaching, out, parent=None):
    training = TrainConfig(epochs=1, batch_size=6)
    return finetune_teacher.Arguments(
        data=teaching.data, out=out, parent=parent, model=teaching.model, trained_layers=1, training=training
    )


def test_a_teacher_finetuned_from_a_snapshot_begins_elsewhere_than_one_without(teaching, tmp_path):
    posttrain_teacher.main(teaching)
    snapshot = teaching.out / "snapshot-1"
    for name, parent in (("plain", None), ("taught", snapshot)):
        finetune_teacher.main(clicks(teaching, tmp_path / name, parent))
    plain, taught = first_losses(tmp_path / "plain"), first_losses(tmp_path / "taught")
    assert abs(plain["click"] - taught["click"]) > 1e-4
    begun, source = start(teaching.model, 1, 0, snapshot), Recommender.from_pretrained(snapshot)
    for name, tensor in source.news_encoder.state_dict().items():
        assert begun.news_encoder.state_dict()[name].equal(tensor)
    parents = read_json(tmp_path / "taught" / "training.json")["parents"]
    assert parents[0]["name"] == "snapshot-1" and len(parents[0]["sha256"]) == 64


def test_a_parent_whose_weights_have_another_prefix_is_refused(teaching, tokenizer, tmp_path):
    make_recommender(tokenizer).save_pretrained(tmp_path / "parent")
    path = tmp_path / "parent" / WEIGHTS
    save_file({f"student.{name}": tensor for name, tensor in load_file(path).items()}, path)
    with pytest.raises(ValueError, match="does not fit config.json beside it"):
        finetune_teacher.main(clicks(teaching, tmp_path / "out", tmp_path / "parent"))


@pytest.mark.parametrize("other", [{"news_size": 6}, {"query_size": 5}, {"pooling": "mean"}])
def test_a_parent_with_other_heads_is_refused(teaching, tokenizer, tmp_path, other):
    make_recommender(tokenizer, **other).save_pretrained(tmp_path / "parent")
    with pytest.raises(ValueError, match="parent has another kind of news encoder: .*--model.news-size"):
        finetune_teacher.main(clicks(teaching, tmp_path / "out", tmp_path / "parent"))


def test_a_parent_with_too_few_layers_is_refused(teaching, tokenizer, tmp_path):
    make_recommender(tokenizer, layers=1).save_pretrained(tmp_path / "parent")
    with pytest.raises(ValueError, match="Cannot keep 2 layers"):
        finetune_teacher.main(clicks(teaching, tmp_path / "out", tmp_path / "parent"))


def kept_student(monkeypatch):
    """What a stage hands to `finish`, last of all."""
    kept, finish = [], posttrain_student.finish
    monkeypatch.setattr(
        posttrain_student, "finish", lambda *given, **more: (kept.append(given[0]), finish(*given, **more))
    )
    return kept


def test_stage_one_leaves_its_student_and_what_brought_it_to_its_teachers(studying, monkeypatch):
    kept = kept_student(monkeypatch)
    posttrain_student.main(studying)
    loaded, [student] = Recommender.from_pretrained(studying.out), kept
    tokens = loaded.tokens(["the mayor wins", "a storm"])
    assert torch.equal(loaded.encode(tokens), student.encode(tokens))
    begun = start(studying.model, 1, 0).state_dict()
    moved = {name for name, tensor in loaded.state_dict().items() if not tensor.equal(begun[name])}
    assert "news_encoder.project.weight" in moved and any(".layer.1." in name for name in moved)
    assert not any(".layer.0." in name or "embeddings" in name or "user_encoder" in name for name in moved)
    projections = Projections.load(studying.out)
    assert projections.teachers == ("teacher-1", "teacher-2") and set(projections.maps) == {"news"}
    parents = [parent["name"] for parent in loaded.training_record["parents"]]
    assert parents[1:] == ["teacher-1", "teacher-2"] and loaded.training_record["pairs"] == 12
    with pytest.raises(ValueError, match="holds a finished checkpoint"):
        posttrain_student.main(studying)


def test_who_was_trusted_is_kept_for_the_same_cases_at_each_state(studying):
    posttrain_student.main(studying)
    lines = json_lines(studying.out / WEIGHTS_LOG)
    assert [line["step"] for line in lines] == [2] * 4 + [4] * 4 + [6] * 4
    stories = [line["story"] for line in lines]
    assert stories[:4] == stories[4:8] == stories[8:] and len(set(stories)) == 4
    assert all(sum(line["teacher_weights"]) == pytest.approx(1, abs=2e-4) for line in lines)
    first, last = lines[:4], lines[8:]
    assert [line["teacher_losses"] for line in first] == [line["teacher_losses"] for line in last]
    assert [line["student_loss"] for line in first] != [line["student_loss"] for line in last]
    assert [line["teacher_norms"] for line in first] != [line["teacher_norms"] for line in last]


def test_stage_one_killed_and_resumed_ends_as_one_left_alone(studying, tmp_path):
    alone = replace(studying, out=tmp_path / "alone")
    posttrain_student.main(alone)
    run_killed(posttrain_student.main, studying, PairSampler, 5)
    posttrain_student.main(studying)
    assert same_student(studying.out, alone.out)


def test_the_student_is_the_same_whether_its_teachers_had_read_before(studying, tmp_path, monkeypatch):
    posttrain_student.main(studying)
    for name, cache in (("warm", "cache"), ("cold", "another cache")):
        monkeypatch.setenv("TINYNEWSREC_CACHE", str(tmp_path / cache))
        posttrain_student.main(replace(studying, out=tmp_path / name))
        assert same_student(tmp_path / name, studying.out)


def test_more_watched_cases_than_pairs_are_all_pairs(studying):
    training = replace(TRAINING, epochs=1, batch_size=512)
    posttrain_student.main(replace(studying, training=training))
    assert len(json_lines(studying.out / WEIGHTS_LOG)) == 12


@pytest.mark.parametrize("negatives", [None, 3])
@pytest.mark.parametrize("side", ["teacher", "student"])
def test_stage_one_has_the_losses_and_gradients_of_the_naive_way(studying, tokenizer, negatives, side):
    """Each slot of each case encoded, padded, through all layers; formulas as in the paper, case by case."""
    save_language_model(tokenizer, studying.data.parents[1] / "bert", dropout=0.0)
    config = DistillConfig(temperature=2.0, projection_side=side)
    pairs, teachers = read_pairs(studying.data), find_teachers(studying.teachers, None)
    student = start(studying.model, 1, 0)
    torch.nn.init.normal_(student.news_encoder.pool.query.weight)
    learner = MatchingStudent(student, teachers, config).train()
    sampler = make_pair_sampler(pairs, student, negatives, 16, TRAINING)
    batch = sampler.batch(1)
    found = learner(batch, PairLessons(teachers, pairs, 16).take(batch))
    naive = naive_losses(learner, [t.load() for t in teachers], student, pairs, batch, config)
    assert found.keys() == naive.keys()
    for name, loss in naive.items():
        torch.testing.assert_close(found[name], loss)
    ours, theirs = gradients(learner, found), gradients(learner, naive)
    assert ours.keys() == theirs.keys() and len(ours) > 15
    for name, gradient in theirs.items():
        torch.testing.assert_close(ours[name], gradient, atol=2e-5, rtol=1e-4)


def naive_losses(learner, teachers, student, pairs, batch, config):
    maps, losses = learner.projections.maps["news"], {"distill": 0.0, "embedding": 0.0, "target": 0.0}
    for row, places in zip(batch.body_rows.tolist(), batch.candidates, strict=True):
        titles = [pairs.titles[other] for other in batch.title_rows[places]]
        ours = vectors_of(student, titles, pairs.bodies[row])
        with torch.no_grad():
            theirs = [vectors_of(teacher, titles, pairs.bodies[row]) for teacher in teachers]
        scores, taught = ours[1:] @ ours[0], [vectors[1:] @ vectors[0] for vectors in theirs]
        trust = torch.stack([each.log_softmax(-1)[0] for each in taught]).softmax(0)
        wanted = (sum(w * each for w, each in zip(trust, taught, strict=True)) / config.temperature).softmax(
            -1
        )
        chances = (scores / config.temperature).log_softmax(-1)
        losses["distill"] -= config.temperature**2 * (wanted * chances).sum() / 4
        for teacher, vectors in enumerate(theirs):
            weight, bias = maps.weight[teacher], maps.bias[teacher]
            if config.projection_side == "teacher":
                squares = (vectors @ weight.T + bias - ours).square().mean(-1)
            else:
                squares = (vectors - ours @ weight.T - bias).square().mean(-1)
            losses["embedding"] += trust[teacher] * (squares[1:].mean() + squares[0]) / 4
        losses["target"] += F.cross_entropy(scores[None], torch.tensor([0])) / 4
    return losses


def vectors_of(recommender, titles, body):
    """The body's first, then those of the titles."""
    return torch.cat([encode_naively(recommender, [body], 16), encode_naively(recommender, titles, 12)])
