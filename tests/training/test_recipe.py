import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread

import pytest
from conftest import make_recommender
from runs import run_killed, same_student
from transformers import BertTokenizerFast

from tinynewsrec.checkpoints import Checkpoint
from tinynewsrec.model.config import ModelConfig
from tinynewsrec.model.projections import Projections
from tinynewsrec.model.recommender import Recommender
from training import finetune_teacher, recipe, release, table
from training.config import TrainConfig
from training.cost import cost_of
from training.distillation import DistillConfig
from training.finetune_newsbert import NewsBertConfig
from training.finetune_tinybert import TaskConfig
from training.layer_distillation import LayerConfig
from training.loop import STATE
from training.pair_samples import PairSampler
from training.samples import Sampler
from training.story_labels import HeadsConfig
from training.systems import SYSTEMS, Plan, Variant, unique

BRIEF = TrainConfig(epochs=2, batch_size=4, learning_rate=1e-3, head_learning_rate=1e-2, save_every=1)


@pytest.fixture
def settings(tokenizer, mind_folder, tmp_path, monkeypatch):
    monkeypatch.setenv("TINYNEWSREC_CACHE", str(tmp_path / "cache"))
    bert = make_recommender(tokenizer, layers=3).news_encoder.language_model
    bert.save_pretrained(tmp_path / "bert")
    tokenizer.save_pretrained(tmp_path / "bert")
    (mind_folder.parent / "train").symlink_to(mind_folder)
    return {
        "data": mind_folder.parent,
        "out": tmp_path / "out",
        "language_model": str(tmp_path / "bert"),
        "teachers": 2,
        "snapshots": 3,
        "model": ModelConfig(news_size=8, query_size=4, heads=2, title_length=12, history_length=3),
        "posttrain": BRIEF,
        "posttrain_student": BRIEF,
        "finetune": BRIEF,
        "finetune_student": BRIEF,
        "distillation": DistillConfig(watched=2),
    }


def test_one_command_goes_from_stories_to_a_measured_student(settings, capsys):
    recipe.main(recipe.Arguments(name="tiny-newsrec", layers=(1,), **settings))
    folder = settings["out"] / "seed-0" / "tiny-newsrec-1"
    student = Recommender.from_pretrained(folder)
    assert student.config.layers == 1 and student.metrics["impressions"] == 5
    assert [parent["name"] for parent in student.training_record["parents"]] == [
        "posttrain-student-1",
        "teacher-1",
        "teacher-2",
    ]
    assert Projections.load(folder).teachers == ("teacher-1", "teacher-2")
    release.main(
        release.Arguments(
            checkpoints=(str(folder.parent / "teacher-1"), str(folder)),
            out=settings["out"] / "released",
            names=("teacher", "student-1"),
        )
    )
    shipped, whole = Projections.load(settings["out"] / "released" / "student-1"), Projections.load(folder)
    assert shipped.teachers == ("teacher",)
    assert shipped.maps["news"].weight.equal(whole.maps["news"].weight[:1])
    lines = [json.loads(line) for line in (folder / "teacher_weights.jsonl").read_text().splitlines()]
    assert all(sum(line["teacher_weights"]) == pytest.approx(1, abs=1e-3) for line in lines)
    assert "tiny-newsrec" in capsys.readouterr().out


def test_what_is_done_is_not_done_again_and_what_is_common_is_shared(settings, capsys):
    arguments = recipe.Arguments(name="tiny-newsrec", layers=(1,), **settings)
    recipe.main(arguments)
    before = {path: path.stat().st_mtime_ns for path in settings["out"].rglob("model.safetensors")}
    recipe.main(arguments)
    recipe.main(replace(arguments, name="plm-nr-dp", layers=None))
    recipe.main(replace(arguments, name="ensemble-teacher", layers=None))
    after = {path: path.stat().st_mtime_ns for path in settings["out"].rglob("model.safetensors")}
    assert before == after
    described = settings["out"] / "seed-0" / "ensemble-teacher"
    assert len(json.loads((described / "members.json").read_text())["members"]) == 2
    assert "AUC" in (described / "README.md").read_text()


def test_killed_in_two_stages_and_started_again_it_ends_as_one_left_alone(settings, tmp_path):
    """Both are the student's: the teacher's epochs are fewer, and ask for no such batch."""
    shorter = dict.fromkeys(("posttrain", "finetune"), replace(BRIEF, epochs=1))
    settings |= shorter | {"teachers": 1, "snapshots": 1}
    arguments = recipe.Arguments(name="tiny-newsrec", layers=(1,), **settings)
    recipe.main(replace(arguments, out=tmp_path / "alone"))
    folder, alone = arguments.out / "seed-0", tmp_path / "alone" / "seed-0"
    students = {"posttrain-student-1": (PairSampler, 4), "tiny-newsrec-1": (Sampler, 1)}
    for name, (sampler, step) in students.items():
        run_killed(recipe.main, arguments, sampler, step)
        assert (folder / name / STATE).exists()
    recipe.main(arguments)
    assert all(same_student(folder / name, alone / name) for name in students)


def test_a_stage_that_another_recipe_is_at_is_waited_for_and_not_run_again(settings):
    [stage] = Plan(recipe.Arguments(name="plm-nr-ft", **settings), 0, 3).system("plm-nr-ft", 1)
    again = Event()
    other = Thread(target=stage._replace(main=lambda _: again.set()).run)

    def run(arguments):
        other.start()
        assert not again.wait(timeout=0.5)
        finetune_teacher.main(arguments)

    stage._replace(main=run).run()
    other.join()
    assert not again.is_set()


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_dry_run_names_every_stage_and_starts_none(settings, name, capsys):
    settings |= {"heads": HeadsConfig(("category", "subcategory"))}  # what the stories have labels of
    recipe.main(recipe.Arguments(name=name, dry_run=True, **settings))
    printed = capsys.readouterr().out
    plan = Plan(recipe.Arguments(name=name, **settings), 0, 3)
    for size in recipe.usual_sizes(name, 3):
        for stage in plan.system(name, size):
            assert stage.command in printed
    assert not settings["out"].exists()


OTHERS = ["plm-nr-dapt", "plm-nr-simcse", "tinybert-mt", "newsbert-mt", "mt-bert"]


@pytest.mark.parametrize("name", OTHERS)
def test_the_stages_of_a_baseline_fit_together(settings, name):
    """From the language model to a measured checkpoint; what TAPT made teaches MT-BERT."""
    layers = None if name.startswith("plm-nr") else (2,)
    arguments = recipe.Arguments(name=name, layers=layers, **settings)
    recipe.main(arguments)
    (stage,) = Plan(arguments, 0, 3).system(name, 2 if layers else 3)[-1:]
    assert Recommender.from_pretrained(stage.folder).metrics["impressions"] == 5
    record = json.loads((stage.folder / "training.json").read_text())
    if name == "mt-bert":
        assert record["parents"][-1]["name"] == "posttrain-tapt"
    assert str(settings["out"]) not in json.dumps(record)
    recipe.main(arguments)


def test_seeds_can_stand_for_snapshots_and_a_cut_teacher_for_a_student(settings, capsys):
    table.main(table.Arguments(name="controls", layers=(1,), **settings))
    rows = list(csv.DictReader((settings["out"] / "tables" / "controls.csv").open()))
    assert all(row["seeds"] == "0" for row in rows)
    whole = [row["AUC against tiny-newsrec"] == "" for row in rows]
    assert whole == [row["system"] == "tiny-newsrec" for row in rows]
    (student,) = settings["out"].glob("seed-0/tiny-newsrec-1-*seeds")
    taught = json.loads((student / "training.json").read_text())["parents"][1:]
    places = [settings["out"] / folder / "teacher-1" for folder in ("seed-0", "seed-100")]
    assert [parent["sha256"] for parent in taught] == [Checkpoint.open(p).content_hash for p in places]


def test_what_is_set_for_all_reaches_every_stage_that_knows_it(settings):
    common = {"body_length": 64, "negatives": 7, "posttrain_negatives": 9, "posttrain_layers": 1}
    own = {"tinybert_general": LayerConfig(last=1), "tinybert_task": TaskConfig(target=0.5)}
    own |= {"newsbert": NewsBertConfig(momentum=0.4), "distillation": DistillConfig(watched=2)}
    common |= own
    arguments = recipe.Arguments(name="tiny-newsrec", **settings | common)
    plan = Plan(arguments, 0, 3)
    for stage in unique(stage for name in SYSTEMS for stage in plan.system(name, 2)):
        found, matches = vars(stage.arguments), stage.main.__module__.endswith(("teacher", "student"))
        posttrains = "posttrain" in stage.main.__module__
        assert found.get("body_length", 64) == 64 or found["texts"] == "titles"  # TAPT reads no bodies
        assert found.get("distillation") in (None, *own.values()) or "heads" in found
        assert found.get("negatives") == (9 if posttrains and matches else None if posttrains else 7)
        if posttrains and "model" in found and found["model"].layers == 3:
            assert found["trained_layers"] == 1


@pytest.mark.parametrize("from_teacher", [True, False])
def test_students_begin_with_the_latest_snapshot_where_that_is_asked_for(settings, from_teacher):
    plan = Plan(recipe.Arguments(name="tiny-newsrec", from_teacher=from_teacher, **settings), 0, 3)
    source = plan.folder("posttrain") / "snapshot-1" if from_teacher else None
    first, last = (s for s in plan.system("tiny-newsrec", 1) if s.main.__module__.endswith("student"))
    assert first.arguments.parent == source and last.arguments.parent == first.folder
    [*_, alone] = plan.tiny_newsrec(1, Variant("tiny-newsrec-without-stage-1", stage_1=False))
    assert alone.arguments.parent == source


def test_stages_may_have_different_precisions(settings):
    half = replace(BRIEF, precision="bf16")
    recipe.main(recipe.Arguments(name="plm-nr-dp", **settings | {"finetune": half}))
    assert (settings["out"] / "seed-0" / "teacher-1" / "model.safetensors").is_file()


@pytest.mark.parametrize("name", table.ROWS)
def test_a_table_without_a_run_says_so_in_every_row(settings, name, capsys):
    table.main(table.Arguments(name=name, train=False, **settings))
    rows = list(csv.DictReader((settings["out"] / "tables" / f"{name}.csv").open()))
    assert len(rows) > 3 and all(row["seeds"] == "not run" for row in rows)


def test_a_table_compares_each_row_with_the_one_above(settings, capsys):
    settings["model"] = replace(settings["model"], layers=1)
    table.main(table.Arguments(name="stages", layers=(1,), seeds=(0, 1), **settings))
    rows = list(csv.DictReader((settings["out"] / "tables" / "stages.csv").open()))
    assert [row["seeds"] for row in rows] == ["0, 1"] * 4
    assert rows[0]["AUC against the row above"] == "" and "±" in rows[0]["AUC"]
    for row in rows[1:]:
        assert "(" in row["AUC against the row above"]


def test_a_stage_with_other_settings_is_not_taken_for_done(settings):
    recipe.main(recipe.Arguments(name="plm-nr-ft", layers=(1,), **settings))
    other = settings | {"finetune_student": replace(BRIEF, epochs=3)}
    with pytest.raises(ValueError, match="with other settings"):
        recipe.main(recipe.Arguments(name="plm-nr-ft", layers=(1,), **other))


def test_a_student_of_fewer_teachers_is_not_taken_for_done(settings):
    recipe.main(recipe.Arguments(name="tiny-newsrec", layers=(1,), **settings))
    with pytest.raises(ValueError, match=r"other settings \(parents\)"):
        recipe.main(recipe.Arguments(name="tiny-newsrec", layers=(1,), **(settings | {"teachers": 3})))


def test_how_often_a_state_is_saved_makes_no_other_stage(settings):
    recipe.main(recipe.Arguments(name="plm-nr-ft", layers=(1,), **settings))
    seldom = settings | {"finetune_student": replace(BRIEF, save_every=9)}
    recipe.main(recipe.Arguments(name="plm-nr-ft", layers=(1,), **seldom))


def test_what_can_no_longer_be_set_makes_no_other_stage(settings):
    arguments = recipe.Arguments(name="plm-nr-ft", layers=(1,), **settings)
    recipe.main(arguments)
    path = settings["out"] / "seed-0" / "plm-nr-ft-1" / "training.json"
    record = json.loads(path.read_text())
    record["settings"] |= {"hold_out": False}
    record["settings"]["training"] |= {"gone": 1}
    del record["settings"]["negatives"]
    path.write_text(json.dumps(record))
    recipe.main(arguments)
    with pytest.raises(ValueError, match=r"other settings \(negatives\)"):
        recipe.main(replace(arguments, negatives=3))


def test_a_stage_made_before_a_setting_was_there_had_its_default(settings):
    recipe.main(recipe.Arguments(name="plm-nr-ft", layers=(1,), **settings))
    path = settings["out"] / "seed-0" / "plm-nr-ft-1" / "training.json"
    record = json.loads(path.read_text())
    assert record["settings"]["model"].pop("score_scale") == "none"
    path.write_text(json.dumps(record))
    recipe.main(recipe.Arguments(name="plm-nr-ft", layers=(1,), **settings))
    other = settings | {"model": replace(settings["model"], score_scale="root")}
    with pytest.raises(ValueError, match=r"other settings \(model.score_scale\)"):
        recipe.main(recipe.Arguments(name="plm-nr-ft", layers=(1,), **other))


def test_what_a_new_teacher_did_not_teach_is_not_taken_for_done(settings):
    arguments = recipe.Arguments(name="plm-nr-dp", layers=(1,), **settings)
    recipe.main(arguments)
    other = make_recommender(BertTokenizerFast.from_pretrained(settings["language_model"]), seed=7, layers=3)
    other.save_pretrained(settings["out"] / "seed-0" / "posttrain" / "snapshot-1")
    with pytest.raises(ValueError, match=r"other settings \(parents\)"):
        recipe.main(arguments)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"layers": (9,)}, "layers must be between 1 and the 3"),
        ({"layers": (0,)}, "layers must be between 1 and the 3"),
        ({"teachers": 4}, "between 1 and the 3 snapshots"),
        ({"teachers": 0}, "between 1 and the 3 snapshots"),
        ({"posttrain": replace(BRIEF, save_every=3)}, "3 snapshots 3 steps apart need more than 6 steps"),
        ({"data": Path("nowhere")}, "must hold the folders train and dev"),
        ({"language_model": "nowhere/to/be/found"}, "Cannot find the language model"),
    ],
)
def test_what_cannot_be_finished_is_not_begun(settings, changes, reason):
    for dry_run in (True, False):
        with pytest.raises((ValueError, FileNotFoundError), match=reason) as caught:
            recipe.main(recipe.Arguments(name="tiny-newsrec", dry_run=dry_run, **(settings | changes)))
        assert "\n" not in str(caught.value) and not list(settings["out"].rglob("*.safetensors"))


@pytest.mark.parametrize("changes", [{"body_length": 65}, {"model": ModelConfig(title_length=65)}])
def test_longer_texts_than_the_language_model_reads_are_not_begun(settings, changes):
    path = Path(settings["language_model"]) / "tokenizer_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"model_max_length": 64}))
    for dry_run in (True, False):
        with pytest.raises(ValueError, match="Expected texts of at most 64 tokens"):
            recipe.main(recipe.Arguments(name="tiny-newsrec", dry_run=dry_run, **(settings | changes)))
    assert not list(settings["out"].rglob("*.safetensors"))


def test_a_table_of_a_size_that_there_is_not_is_not_begun(settings):
    with pytest.raises(ValueError, match="layers must be between 1 and the 3"):
        table.main(table.Arguments(name="main", layers=(4, 1), **settings))
    assert not settings["out"].exists()


def test_a_longer_history_and_more_candidates_cost_more(settings):
    def cost(**changes) -> float:
        plan = Plan(
            recipe.Arguments(name="plm-nr-ft", **(settings | {"finetune": replace(BRIEF, batch_size=1)})),
            0,
            3,
        )
        arguments = plan.system("plm-nr-ft", 3)[-1].arguments
        return cost_of(replace(arguments, **changes)).operations

    assert cost() < cost(
        model=replace(
            settings["model"], layers=3, language_model=settings["language_model"], history_length=4
        )
    )
    assert cost() < cost(negatives=9)


def test_teachers_that_are_trained_beside_the_student_are_counted(settings):
    plan = Plan(recipe.Arguments(name="newsbert", **settings), 0, 3)
    last = (plan.system(name, 1)[-1].arguments for name in ("newsbert", "newsbert-mt"))
    one, two = (cost_of(replace(arguments, dev=None)) for arguments in last)
    assert two.operations == pytest.approx(one.operations * 3 / 2) and two.steps == one.steps


def test_an_ensemble_of_smaller_models_is_refused(settings):
    with pytest.raises(ValueError, match="leave --layers out"):
        recipe.Arguments(name="ensemble-teacher", layers=(1,), **settings)


@pytest.mark.parametrize(
    ("name", "too_few"), [("newsbert", 1), ("newsbert-mt", 1), ("tinybert", 0), ("tinybert-mt", 0)]
)
@pytest.mark.parametrize("dry_run", [True, False])
def test_too_few_trained_layers_are_refused_before_anything_is_trained(settings, name, too_few, dry_run):
    arguments = recipe.Arguments(name=name, trained_layers=too_few, dry_run=dry_run, **settings)
    with pytest.raises(ValueError, match=f"trained_layers must be {too_few + 1} or more, got {too_few}"):
        recipe.main(arguments)
    assert not settings["out"].exists()


def test_a_table_with_a_row_that_cannot_be_trained_is_not_begun(settings):
    with pytest.raises(ValueError, match="trained_layers must be 2 or more, got 1"):
        table.main(table.Arguments(name="main", trained_layers=1, **settings))
    assert not settings["out"].exists()
    table.main(table.Arguments(name="main", trained_layers=0, train=False, **settings))
    assert (settings["out"] / "tables" / "main.md").is_file()


def test_what_was_measured_on_another_dev_is_not_taken_for_done(settings):
    recipe.main(recipe.Arguments(name="plm-nr-ft", layers=(1,), **settings))
    train, dev = settings["data"] / "train", settings["data"] / "dev"
    lines = (dev / "behaviors.tsv").read_text().splitlines(keepends=True)
    if train.is_symlink():
        train.unlink()
        shutil.copytree(dev, train)
    (dev / "behaviors.tsv").write_text("".join(lines[:-1]))
    with pytest.raises(ValueError, match=r"made with other settings \(dev\)"):
        recipe.main(recipe.Arguments(name="plm-nr-ft", layers=(1,), **settings))


def test_what_was_made_from_what_is_begun_again_waits_to_be_compared(settings, capsys):
    arguments = recipe.Arguments(name="plm-nr-dp", layers=(1,), **settings)
    recipe.main(arguments)
    snapshot = Plan(arguments, 0, 3).system("plm-nr-dp", 1)[-1].arguments.parent
    shutil.rmtree(snapshot.parent)
    snapshot.mkdir(parents=True)
    recipe.main(replace(arguments, dry_run=True))
    assert "done" in capsys.readouterr().out


def test_a_language_model_of_one_layer_is_a_student_of_its_own(settings):
    assert recipe.usual_sizes("tiny-newsrec", 1) == (1,)
    assert recipe.usual_sizes("tiny-newsrec", 3) == (2, 1)


def test_what_is_done_otherwise_is_refused_before_anything_is_trained(settings):
    recipe.main(recipe.Arguments(name="plm-nr-ft", layers=(1,), **settings))
    changed = settings | {"finetune_student": replace(BRIEF, learning_rate=1e-5)}
    for dry_run in (True, False):
        with pytest.raises(ValueError, match="plm-nr-ft-1 was made with other settings"):
            recipe.main(recipe.Arguments(name="plm-nr-ft", layers=(2, 1), dry_run=dry_run, **changed))
    assert not (settings["out"] / "seed-0" / "plm-nr-ft-2").exists()


def test_how_many_cases_are_watched_makes_no_other_student(settings):
    recipe.main(recipe.Arguments(name="tiny-newsrec", layers=(1,), **settings))
    more = settings | {"distillation": DistillConfig(watched=3)}
    recipe.main(recipe.Arguments(name="tiny-newsrec", layers=(1,), **more))


def test_teachers_that_learn_along_have_their_rate_from_the_recipe(settings):
    plan = Plan(recipe.Arguments(name="newsbert", joint_learning_rate=1e-5, **settings), 0, 3)
    for name in ("newsbert", "newsbert-mt", "mt-bert"):
        assert plan.system(name, 1)[-1].arguments.teachers_learning_rate == 1e-5
