"""What every system and every row of a table consists of; nothing is trained here."""

from dataclasses import replace
from pathlib import Path

import pytest

from tinynewsrec.model.config import ModelConfig
from training import (
    finetune_newsbert,
    finetune_student,
    finetune_teacher,
    finetune_tinybert,
    posttrain_student,
    posttrain_teacher,
    posttrain_tinybert,
    table,
)
from training.settings import Settings
from training.systems import SYSTEMS, Plan
from training.table import ROWS

SEED, WHOLE, TEACHERS = 7, 6, 3
SIZE = 2


@pytest.fixture
def plan(tmp_path):
    settings = Settings(data=tmp_path / "data", out=tmp_path, teachers=TEACHERS, snapshots=4)
    return Plan(settings, SEED, WHOLE)


@pytest.fixture
def rows(tmp_path):
    def rows_of(name: str):
        arguments = table.Arguments(
            name=name, data=tmp_path / "data", out=tmp_path, layers=(SIZE,), teachers=TEACHERS, snapshots=4
        )
        plan = Plan(arguments, SEED, WHOLE)
        return {row.label: row.stages(plan) for row in ROWS[name](arguments, WHOLE)}

    return rows_of


def stages_by(main, stages):
    return [stage.arguments for stage in stages if stage.main is main]


def only(main, stages):
    [found] = stages_by(main, stages)
    return found


@pytest.mark.parametrize("name", SYSTEMS)
def test_every_stage_is_made_from_stages_before_it_and_none_is_made_in_vain(plan, name):
    stages = plan.system(name, WHOLE if name == "ensemble-teacher" else SIZE)
    used = set()
    for place, stage in enumerate(stages):
        before = {earlier.folder for earlier in stages[:place]}
        for source in stage.sources:
            assert {source, source.parent} & before
            used |= {source, source.parent} & before
    results = plan.results(name, WHOLE if name == "ensemble-teacher" else SIZE)
    assert {stage.folder for stage in stages} - used == set(results)


@pytest.mark.parametrize("name", SYSTEMS)
def test_every_stage_has_the_seed_of_its_plan(plan, name):
    other = replace(plan, seed=8)
    for mine, others in zip(plan.system(name, SIZE), other.system(name, SIZE), strict=True):
        assert (mine.arguments.training.seed, others.arguments.training.seed) == (SEED, 8)
        assert mine.folder != others.folder


@pytest.mark.parametrize(("name", "count"), [("tinybert", 1), ("tinybert-mt", TEACHERS)])
def test_tinybert_has_two_stages_of_as_many_teachers(plan, name, count):
    stages = plan.system(name, SIZE)
    general, task = (only(module.main, stages) for module in (posttrain_tinybert, finetune_tinybert))
    assert general.teacher_count == count and general.teachers == (plan.folder("posttrain"),)
    assert task.parent == general.out
    assert task.teachers == tuple(plan.folder(f"teacher-{place}") for place in range(1, count + 1))


@pytest.mark.parametrize(("name", "count"), [("newsbert", 1), ("newsbert-mt", TEACHERS)])
def test_newsbert_has_as_many_teachers_beside_it(plan, name, count):
    joint = only(finetune_newsbert.main, plan.system(name, SIZE))
    assert (joint.teacher_count, joint.teachers) == (count, (plan.folder("posttrain"),))


@pytest.mark.parametrize("name", ["dapt", "tapt", "simcse"])
def test_other_post_training_is_what_finetuning_begins_with(plan, name):
    first, last = plan.system(f"plm-nr-{name}", SIZE)
    assert last.arguments.parent == first.folder == plan.folder(f"posttrain-{name}")


def test_an_ensemble_is_of_all_teachers_each_from_a_snapshot_of_its_own(plan):
    folders = [plan.folder(f"teacher-{place}") for place in range(1, TEACHERS + 1)]
    assert plan.results("ensemble-teacher", WHOLE) == folders
    parents = [found.parent for found in stages_by(finetune_teacher.main, plan.teachers(TEACHERS))]
    assert parents == [plan.snapshot(place) for place in range(1, TEACHERS + 1)]


def test_tiny_newsrec_is_taught_in_both_stages_by_as_many_teachers(plan):
    stages = plan.system("tiny-newsrec", SIZE)
    first, last = (only(module.main, stages) for module in (posttrain_student, finetune_student))
    assert first.teachers == tuple(plan.snapshot(place) for place in range(1, TEACHERS + 1))
    assert last.teachers == tuple(plan.folder(f"teacher-{place}") for place in range(1, TEACHERS + 1))
    assert (last.parent, first.parent) == (first.out, None)


def test_each_row_of_losses_leaves_out_the_loss_that_it_names_in_both_stages(rows, plan):
    found, whole = rows("losses"), plan.settings.distillation
    assert list(found)[1:] == ["all losses", "without distill", "without embedding", "without target"]
    for label, stages in list(found.items())[1:]:
        left_out = {label.removeprefix("without "): 0.0} if label.startswith("without") else {}
        for module in (posttrain_student, finetune_student):
            assert only(module.main, stages).distillation == replace(whole, **left_out)


def test_each_row_of_teachers_has_as_many_as_it_says_in_both_stages(rows):
    found = rows("teachers")
    assert list(found)[1:] == ["1 teacher", "2 teachers", "3 teachers", "4 teachers"]
    for count, stages in enumerate(list(found.values())[1:], start=1):
        for module in (posttrain_student, finetune_student):
            assert len(only(module.main, stages).teachers) == count


def test_each_row_of_stages_leaves_out_the_stage_that_it_names(rows):
    found = rows("stages")
    assert list(found)[1:] == ["without stage II", "without stage I", "both stages"]
    without_2, without_1, both = list(found.values())[1:]
    assert not stages_by(finetune_student.main, without_2)
    assert without_2[-1].main is finetune_teacher.main
    assert without_2[-1].arguments.parent == only(posttrain_student.main, without_2).out
    assert not stages_by(posttrain_student.main, without_1)
    assert only(finetune_student.main, without_1).parent is None
    assert only(finetune_student.main, both).parent == only(posttrain_student.main, both).out


def test_each_control_differs_in_what_it_says(rows, plan):
    found = rows("controls")
    plain, uniform = found["tiny-newsrec"], found["teachers weighted alike"]
    for module in (posttrain_student, finetune_student):
        expected = replace(only(module.main, plain).distillation, weighting="uniform")
        assert only(module.main, plain).distillation.weighting == "confidence"
        assert only(module.main, uniform).distillation == expected
    cut = found["cut from the post-trained teacher, not distilled"]
    assert [stage.main for stage in cut] == [posttrain_teacher.main, finetune_teacher.main]
    assert (cut[-1].arguments.parent, cut[-1].arguments.model.layers) == (plan.snapshot(1), SIZE)


def test_teachers_of_different_seeds_are_post_trained_and_finetuned_each_with_its_own(rows, plan):
    stages = rows("controls")["teachers of different seeds"]
    seeds = [SEED, SEED + 100, SEED + 200]
    for module in (posttrain_teacher, finetune_teacher):
        assert sorted(found.training.seed for found in stages_by(module.main, stages)) == seeds
    plans = [replace(plan, seed=seed) for seed in seeds]
    assert only(posttrain_student.main, stages).teachers == tuple(each.snapshot(1) for each in plans)
    assert only(finetune_student.main, stages).teachers == tuple(each.folder("teacher-1") for each in plans)
    assert only(finetune_student.main, stages).training.seed == SEED


@pytest.mark.parametrize("name", ["losses", "teachers", "stages", "controls"])
def test_no_two_rows_have_a_result_in_common(rows, name):
    results = [stages[-1].folder for stages in rows(name).values()]
    assert len(set(results)) == len(results)


def test_students_learn_as_students_and_whole_models_as_whole_ones(plan):
    for layers, training in ((SIZE, plan.settings.finetune_student), (WHOLE, plan.settings.finetune)):
        [stage] = plan.system("plm-nr-ft", layers)
        assert stage.arguments.training == replace(training, seed=SEED)
        assert stage.arguments.model == replace(ModelConfig(), layers=layers)
    assert plan.folder("x") == Path(plan.settings.out) / "seed-7" / "x"
