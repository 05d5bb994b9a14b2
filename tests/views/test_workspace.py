import json

import numpy as np
import pytest
from conftest import make_recommender

from tinynewsrec.evaluation.scores import score_impressions
from tinynewsrec.views import VIEWS, header
from tinynewsrec.views.page import page_of, value_of
from tinynewsrec.views.preparation import prepare, read_notice
from tinynewsrec.views.state import Page
from tinynewsrec.views.workspace import Progress, Workspace


def facts_of(workspace, language: str = "en"):
    return header.payload(workspace, Page().select(language=language))


@pytest.fixture
def checkpoints(tokenizer, tmp_path):
    folder = tmp_path / "checkpoints"
    for name, layers in (("teacher", 3), ("student-1", 1)):
        make_recommender(tokenizer, layers, layers=layers).save_pretrained(folder / name)
    return folder


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TINYNEWSREC_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def workspace(mind_folder, checkpoints):
    workspace = Workspace(mind_folder, [checkpoints])
    prepare(workspace)
    return workspace


def test_everything_is_ready_and_the_largest_model_comes_first(workspace):
    assert workspace.problems == ()
    assert [model.name for model in workspace.models] == ["teacher", "student-1"]
    assert workspace.finished
    assert set(workspace.picks) == {
        "one topic",
        "short history",
        "newcomer",
        "disagreement",
        "right and wrong",
    }


def test_models_of_one_name_are_told_apart_and_one_of_two_ways_is_one_model(
    mind_folder, checkpoints, tokenizer
):
    again = checkpoints.parent / "again" / "teacher"
    make_recommender(tokenizer, 7, layers=3).save_pretrained(again)
    workspace = Workspace(mind_folder, [checkpoints, again, checkpoints / "teacher"])
    prepare(workspace)
    assert workspace.problems == ()
    assert [model.name for model in workspace.models] == ["checkpoints/teacher", "again/teacher", "student-1"]
    assert workspace.scores.keys() == {model.name for model in workspace.models}


def test_one_impression_is_scored_as_the_whole_evaluation_scores_it(workspace):
    impressions = workspace.split.impressions
    for model in workspace.models:
        expected = score_impressions(model.recommender, model.vectors, impressions)
        found = np.concatenate([model.score(impressions[row]) for row in range(len(impressions))])
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_a_kept_vector_is_not_computed_twice(workspace, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("encoded again")

    monkeypatch.setattr("tinynewsrec.evaluation.vectors.encode_news", refuse)
    again = Workspace(workspace.data, workspace.places)
    prepare(again)
    assert again.problems == ()
    assert len(again.models) == 2


def test_broken_data_becomes_a_message_with_the_line(workspace):
    (workspace.data / "behaviors.tsv").write_text("1\tU1\n")
    broken = Workspace(workspace.data, workspace.places)
    prepare(broken)
    assert "behaviors.tsv, line 1" in broken.problems[0]
    assert broken.finished


def test_missing_checkpoints_become_a_message_and_the_readers_stay(workspace, tmp_path):
    (tmp_path / "empty").mkdir()
    without = Workspace(workspace.data, [tmp_path / "empty"])
    prepare(without)
    (problem,) = without.problems
    assert "No checkpoint under" in problem
    assert len(without.split.impressions) == 5


def test_one_broken_checkpoint_does_not_take_the_others_along(workspace, checkpoints):
    (checkpoints / "student-1" / "model.safetensors").write_bytes(b"not weights")
    damaged = Workspace(workspace.data, workspace.places)
    prepare(damaged)
    assert [model.name for model in damaged.models] == ["teacher"]
    assert "student-1" in damaged.problems[0]


def test_one_broken_configuration_does_not_hide_the_others_and_is_told_once_on_stderr(
    workspace, checkpoints, capsys
):
    (checkpoints / "student-1" / "config.json").write_text("{")
    damaged = Workspace(workspace.data, [*workspace.places, checkpoints / "student-1"])
    prepare(damaged)
    assert [model.name for model in damaged.models] == ["teacher"]
    assert len(damaged.problems) == 1
    assert "config.json" in damaged.problems[0]
    assert capsys.readouterr().err.count(damaged.problems[0]) == 1


def test_nothing_is_called_missing_while_it_is_being_loaded(workspace):
    begun = Workspace(workspace.data, workspace.places)
    facts = facts_of(begun)
    assert (facts["data"], facts["count"]) == ("being read", "being loaded")
    begun.progress = Progress("finished")
    facts = facts_of(begun)
    assert (facts["data"], facts["count"]) == ("none read", "none loaded")


def test_a_sample_says_so_in_the_header(workspace):
    assert facts_of(workspace)["notice"] == ""
    notice = "Invented readers."
    (workspace.data.parent / "SAMPLE.json").write_text(json.dumps({"name": "invented", "notice": notice}))
    assert read_notice(workspace.data) == notice


def test_the_header_counts_what_there_is(workspace):
    facts = facts_of(workspace)
    assert "5 impressions of 4 readers, 12 stories" in facts["data"]
    assert facts["skipped"] == "Nothing was left out while reading."
    assert [model["name"] for model in facts["models"]] == ["teacher", "student-1"]
    assert facts["progress"] is None


def test_the_header_says_what_is_being_encoded(workspace):
    workspace.progress = Progress("encoding", "teacher", 640, 1680)
    assert facts_of(workspace)["progress"]["text"] == "Encoding 1,680 titles with teacher: 640 done"
    workspace.progress = Progress("encoding", "teacher", 640, 16800)
    assert "16.800 titulares" in facts_of(workspace, "es")["progress"]["text"]


def test_every_view_builds_before_anything_is_ready(mind_folder):
    workspace = Workspace(mind_folder, [])
    page_of(workspace)
    assert all(value_of(workspace, view, Page())["empty"] for view in VIEWS)
