"""The evaluation command, from folders to its table, JSON, metrics.json and prediction.txt."""

import json
from dataclasses import replace
from shutil import copytree

import numpy as np
import pytest
import tyro
from conftest import make_recommender
from ebnerd_files import VISITS, as_test_set, visit, write_ebnerd
from rich.console import Console
from rich.progress import Progress

from tinynewsrec.checkpoints import Checkpoint
from tinynewsrec.commands import readable_errors
from tinynewsrec.evaluate import COLUMNS, Arguments, main
from tinynewsrec.evaluation.metrics import NAMES
from tinynewsrec.evaluation.named import open_named, told_apart
from tinynewsrec.evaluation.report import (
    System,
    comparison_record,
    evaluate,
    metrics_record,
    recommender_system,
)
from tinynewsrec.evaluation.vectors import encode_news


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TINYNEWSREC_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "100")


@pytest.fixture
def checkpoints(tokenizer, tmp_path):
    """A teacher of three layers and a student of one, whose language model lies in a folder."""
    language_model = tmp_path / "language-model"
    make_recommender(tokenizer, layers=3).news_encoder.language_model.save_pretrained(language_model)
    tokenizer.save_pretrained(language_model)
    for name, layers in (("student", 1), ("teacher", 3)):
        recommender = make_recommender(tokenizer, seed=layers, layers=layers)
        recommender.config = replace(recommender.config, language_model=str(language_model))
        recommender.save_pretrained(tmp_path / "checkpoints" / name)
    return tmp_path / "checkpoints"


def run(mind_folder, checkpoints, tmp_path, **settings) -> list[dict]:
    main(
        Arguments(mind_folder, (str(checkpoints),), json=tmp_path / "numbers.json", resamples=50, **settings)
    )
    return json.loads((tmp_path / "numbers.json").read_text())


def without_labels(mind_folder) -> None:
    behaviors = mind_folder / "behaviors.tsv"
    behaviors.write_text(behaviors.read_text().replace("-0", "").replace("-1", ""))


def test_the_command_writes_one_object_for_each_system(mind_folder, checkpoints, tmp_path, capsys):
    records = run(mind_folder, checkpoints, tmp_path)
    names = [record["checkpoint"] for record in records]
    assert names == ["teacher", "student", "random", "popularity", "newest first", "zero-shot"]
    assert [record["layers"] for record in records] == [3, 1, None, None, None, None]
    for record in records:
        assert (record["impressions"], record["readers"], record["skipped"]) == (5, 4, 0)
        assert record["difference"].pop("to") == "teacher"
        assert tuple(record["metrics"]) == tuple(record["difference"]) == NAMES
        for interval in (*record["metrics"].values(), *record["difference"].values()):
            assert interval["low"] <= interval["value"] <= interval["high"]
    assert [record["checkpoint"] for record in records if "log_loss" in record] == ["teacher", "student"]
    shown = capsys.readouterr().out
    assert "5 impressions of 4 readers; 0 skipped" in shown
    assert " ".join(shown.split()).count("guessing evenly): teacher ") == 1
    assert all(name in shown for name in ("teacher", "student", "popularity", "nDCG@10", "zero-shot"))


def test_a_system_differs_from_itself_by_exactly_nothing(mind_folder, checkpoints, tmp_path):
    teacher = run(mind_folder, checkpoints, tmp_path, baselines=False)[0]
    assert all(teacher["difference"][name] == {"value": 0, "low": 0, "high": 0} for name in NAMES)


def test_the_command_measures_what_the_recommender_scores(
    split, mind_folder, checkpoints, tmp_path, tokenizer
):
    student = make_recommender(tokenizer, seed=1, layers=1)
    vectors = encode_news(student, student.tokens(split.news.texts("title")))
    report = evaluate(recommender_system("student", student, vectors, split), split)
    record = run(mind_folder, checkpoints, tmp_path, baselines=False)[1]
    for name, value in metrics_record(report, split)["metrics"].items():
        assert record["metrics"][name]["value"] == pytest.approx(value["value"])


def test_a_missing_language_model_leaves_zero_shot_out_and_says_so(
    mind_folder, checkpoints, tmp_path, capsys, monkeypatch
):
    def nowhere(name):
        raise ValueError("Cannot load the language model.")

    monkeypatch.setattr("tinynewsrec.evaluation.baselines.load_language_model", nowhere)
    records = run(mind_folder, checkpoints, tmp_path)
    assert records[-1]["checkpoint"] == "newest first"
    assert "zero-shot is left out. Cannot load the language model." in capsys.readouterr().out


def test_popularity_counts_on_the_folder_train_beside_the_split(mind_folder, checkpoints, tmp_path):
    def note() -> str:
        records = run(mind_folder, checkpoints, tmp_path)
        return next(record["note"] for record in records if record["checkpoint"] == "popularity")

    assert "first visit" in note()
    copytree(mind_folder, mind_folder.parent / "train")
    assert "click-through rate on" in note()


def test_the_evaluated_split_is_no_training_split(mind_folder, checkpoints, tmp_path):
    with pytest.raises(ValueError, match="another split"):
        run(mind_folder, checkpoints, tmp_path, train=mind_folder)
    beside = mind_folder.rename(mind_folder.parent / "train")
    records = run(beside, checkpoints, tmp_path)
    assert any("first visit" in record.get("note", "") for record in records)


@pytest.mark.parametrize("depths", [(), (5, 0)])
def test_lists_of_no_story_are_refused(mind_folder, checkpoints, tmp_path, depths):
    with pytest.raises(ValueError, match="depths must be 1 or more"):
        run(mind_folder, checkpoints, tmp_path, depths=depths)


def test_rankings_that_would_go_to_a_file_are_refused_before_anything_is_measured(
    mind_folder, checkpoints, tmp_path
):
    with pytest.raises(ValueError, match=r"expects a folder, found the file .*news\.tsv"):
        run(mind_folder, checkpoints, tmp_path, predictions=mind_folder / "news.tsv")
    assert not (tmp_path / "numbers.json").exists()


def test_write_metrics_records_them_in_the_checkpoint_and_its_card(mind_folder, checkpoints, tmp_path):
    record = run(mind_folder, checkpoints, tmp_path, baselines=False, write_metrics=True)[1]
    kept = json.loads((checkpoints / "student" / "metrics.json").read_text())
    assert kept["metrics"] == record["metrics"]
    assert set(kept) == {"data", "impressions", "readers", "skipped", "metrics"}
    assert (
        f"| AUC | {kept['metrics']['AUC']['value']:.2f} |" in (checkpoints / "student/README.md").read_text()
    )


def test_checkpoints_of_one_name_are_told_apart_by_their_path(mind_folder, checkpoints, tmp_path):
    (checkpoints / "again").mkdir()
    (checkpoints / "student").rename(checkpoints / "again" / "teacher")
    records = run(mind_folder, checkpoints, tmp_path, baselines=False)
    assert [record["checkpoint"] for record in records] == ["checkpoints/teacher", "again/teacher"]


def test_only_those_of_one_name_are_lengthened(checkpoints):
    for parent in ("a", "b"):
        copytree(checkpoints / "teacher", checkpoints / parent / "again")
    assert set(open_named([str(checkpoints)])) == {"teacher", "student", "a/again", "b/again"}


@pytest.fixture
def in_hub_cache(checkpoints, tmp_path, monkeypatch):
    """A student as the hub's client keeps it: a folder called by a revision, full of links."""
    snapshot = tmp_path / "models--alice--student" / "snapshots" / "0f3a"
    snapshot.mkdir(parents=True)
    for path in (checkpoints / "student").iterdir():
        (snapshot / path.name).symlink_to(path)
    monkeypatch.setattr("tinynewsrec.model.folder.snapshot_download", lambda *_, **__: str(snapshot))
    return snapshot


def test_a_checkpoint_from_the_hub_goes_by_its_id(in_hub_cache, mind_folder, checkpoints, tmp_path):
    names = ("alice/student", str(checkpoints / "student"))
    numbers, ranked = tmp_path / "new" / "numbers.json", tmp_path / "ranked"
    settings = {"json": numbers, "predictions": ranked, "baselines": False, "resamples": 5}
    main(Arguments(mind_folder, names, **settings))
    assert [record["checkpoint"] for record in json.loads(numbers.read_text())] == [
        "alice/student",
        "student",
    ]
    assert (ranked / "alice" / "student" / "prediction.txt").is_file()


def test_a_name_never_leads_out_of_the_folder_of_predictions(checkpoints):
    student = Checkpoint.open(checkpoints / "student")
    assert told_apart([replace(student, name="../../student")]) == ["student"]
    assert told_apart([replace(student, name="/alice//student")]) == ["alice/student"]


def test_checkpoints_that_no_path_tells_apart_are_refused(checkpoints):
    student = Checkpoint.open(checkpoints / "student")
    with pytest.raises(ValueError, match="different names, found alice/one, alice/one"):
        told_apart([replace(student, name="alice/one"), replace(student, name="alice/one")])


@pytest.mark.parametrize("by_id", [True, False])
def test_metrics_are_not_written_into_the_cache_of_the_hub(in_hub_cache, checkpoints, tmp_path, by_id):
    before = (checkpoints / "student" / "metrics.json").read_bytes()
    name = "alice/student" if by_id else str(in_hub_cache)
    with pytest.raises(ValueError, match="--write-metrics expects checkpoints in folders of their own"):
        main(Arguments(tmp_path / "never read", (name,), write_metrics=True))
    assert (checkpoints / "student" / "metrics.json").read_bytes() == before


def test_all_are_compared_with_the_first_named_whatever_its_size(mind_folder, checkpoints, tmp_path):
    names = (str(checkpoints / "student"), str(checkpoints))
    main(Arguments(mind_folder, names, json=tmp_path / "n.json", baselines=False, resamples=5))
    records = json.loads((tmp_path / "n.json").read_text())
    assert [record["checkpoint"] for record in records] == ["student", "teacher"]
    assert {record["difference"]["to"] for record in records} == {"student"}


def test_names_with_brackets_are_shown_whole(mind_folder, checkpoints, tmp_path, capsys):
    (checkpoints / "teacher").rename(checkpoints / "a[seed=2]")
    (checkpoints / "student").rename(checkpoints / "b[red]")
    run(mind_folder, checkpoints, tmp_path, baselines=False)
    shown = capsys.readouterr().out
    assert "difference to a[seed=2]" in shown
    assert shown.count("a[seed=2]") == 3 and "b[red]" in shown
    with Progress(*COLUMNS, console=Console(width=100)) as bar:
        bar.add_task("a[seed=2]")
    assert "a[seed=2]" in capsys.readouterr().out


def test_the_numbers_are_kept_though_what_follows_fails(mind_folder, checkpoints, tmp_path, monkeypatch):
    def fails(*_):
        raise OSError("no space")

    monkeypatch.setattr("tinynewsrec.evaluate.write_metrics", fails)
    with pytest.raises(OSError, match="no space"):
        run(mind_folder, checkpoints, tmp_path, baselines=False, write_metrics=True)
    assert len(json.loads((tmp_path / "numbers.json").read_text())) == 2


def test_impressions_with_all_or_none_clicked_are_counted_as_skipped(split):
    clicked = split.impressions.clicked.copy()
    clicked[:3] = False
    split = replace(split, impressions=replace(split.impressions, clicked=clicked))
    report = evaluate(System("any", np.arange(len(clicked), dtype=float)), split)
    assert (report.skipped, len(report.rows)) == (1, 4)
    everything = replace(split, impressions=replace(split.impressions, clicked=np.ones_like(clicked)))
    with pytest.raises(ValueError, match="Nothing to measure"):
        evaluate(System("any", np.arange(len(clicked), dtype=float)), everything)


def test_reports_on_different_impressions_are_not_compared(split):
    scores = np.arange(len(split.impressions.clicked), dtype=float)
    part = replace(split, impressions=split.impressions.take(np.arange(3)))
    whole = evaluate(System("whole", scores), split)
    with pytest.raises(ValueError, match="different impressions"):
        comparison_record(whole, evaluate(System("part", scores[:10]), part), split)


def test_a_test_set_without_labels_is_ranked_and_not_measured(mind_folder, checkpoints, tmp_path, capsys):
    without_labels(mind_folder)
    records = run(mind_folder, checkpoints, tmp_path, predictions=tmp_path / "ranked")
    assert [(record["checkpoint"], record["metrics"]) for record in records] == [
        ("teacher", {}),
        ("student", {}),
    ]
    assert "no labels" in capsys.readouterr().out
    lines = (tmp_path / "ranked" / "student" / "prediction.txt").read_text().splitlines()
    assert [line.split()[0] for line in lines] == ["1", "2", "3", "4", "5"]
    assert sorted(json.loads(lines[4].split()[1])) == [1, 2, 3, 4, 5]


def test_the_ranks_of_a_test_set_are_those_that_its_labelled_twin_gets(mind_folder, checkpoints, tmp_path):
    run(mind_folder, checkpoints, tmp_path, predictions=tmp_path / "labelled", baselines=False)
    without_labels(mind_folder)
    run(mind_folder, checkpoints, tmp_path, predictions=tmp_path / "streamed")
    for name in ("student", "teacher"):
        labelled, streamed = (tmp_path / way / name / "prediction.txt" for way in ("labelled", "streamed"))
        assert labelled.read_text() == streamed.read_text()


def test_re_ranked_lists_have_predictions_of_their_own(mind_folder, checkpoints, tmp_path):
    without_labels(mind_folder)
    run(mind_folder, checkpoints, tmp_path, predictions=tmp_path / "ranked", mmr=0.0)
    found = {path.parent.name: path.read_text() for path in (tmp_path / "ranked").glob("*/prediction.txt")}
    assert set(found) == {"teacher", "student", "teacher-mmr-0", "student-mmr-0"}
    assert all(found[name] != found[f"{name}-mmr-0"] for name in ("teacher", "student"))


def test_a_test_set_of_ebnerd_is_ranked_row_by_row_under_its_own_name(checkpoints, tmp_path):
    visits = as_test_set(VISITS)
    folder = write_ebnerd(tmp_path / "test", behaviors=visits, without=("article_ids_clicked",))
    run(folder, checkpoints, tmp_path, predictions=tmp_path / "ranked")
    lines = (tmp_path / "ranked" / "teacher" / "predictions.txt").read_text().splitlines()
    assert [line.split()[0] for line in lines] == [str(row["impression_id"]) for row in visits]
    assert [len(json.loads(line.split()[1])) for line in lines] == [3, 4, 2, 8, 8]
    assert (tmp_path / "ranked" / "teacher" / "predictions.zip").is_file()


def test_for_predictions_alone_scores_are_never_held_all_at_once(
    mind_folder, checkpoints, tmp_path, monkeypatch
):
    def refuse(*_):
        raise AssertionError("all scores are held at once")

    without_labels(mind_folder)
    monkeypatch.setattr("tinynewsrec.evaluate.checkpoint_system", refuse)
    run(mind_folder, checkpoints, tmp_path, predictions=tmp_path / "ranked")
    assert (tmp_path / "ranked" / "teacher" / "prediction.txt").is_file()
    with pytest.raises(AssertionError, match="held at once"):
        run(mind_folder, checkpoints, tmp_path, beyond_accuracy=True)


def test_predictions_that_lack_a_line_say_so(checkpoints, tmp_path, capsys):
    visits = as_test_set([visit(1, 2, [1, 99], [1]), *VISITS])
    folder = write_ebnerd(tmp_path / "test", behaviors=visits, without=("article_ids_clicked",))
    run(folder, checkpoints, tmp_path, predictions=tmp_path / "ranked")
    printed = " ".join(capsys.readouterr().out.split())
    assert "The predictions lack 1 line: impression with a candidate that articles.parquet" in printed
    run(folder, checkpoints, tmp_path, beyond_accuracy=True)
    assert "The predictions lack" not in capsys.readouterr().out


def test_a_test_set_without_labels_needs_predictions(mind_folder, checkpoints, tmp_path):
    without_labels(mind_folder)
    with pytest.raises(ValueError, match="has no labels.*--predictions"):
        run(mind_folder, checkpoints, tmp_path)


@pytest.mark.parametrize("kind", [FileNotFoundError, ValueError, ImportError])
def test_an_error_is_one_message_and_an_exit_code(capsys, kind):
    with pytest.raises(SystemExit) as left, readable_errors():
        raise kind("[news] is missing")
    assert left.value.code == 1
    assert capsys.readouterr().err == "error: [news] is missing\n"


def test_the_command_line_is_read_into_arguments_and_fails_without_a_stack_trace(tmp_path, capsys):
    line = ["--data", "dev", "--checkpoints", str(tmp_path), "hub/id", "--no-baselines", "--write-metrics"]
    arguments = tyro.cli(Arguments, args=line)
    assert arguments.checkpoints == (str(tmp_path), "hub/id")
    assert (arguments.baselines, arguments.write_metrics, arguments.train) == (False, True, None)
    with pytest.raises(SystemExit), readable_errors():
        main(arguments)
    assert capsys.readouterr().err.startswith("error: No checkpoint under")
