import json

import numpy as np
import pytest
from conftest import make_recommender

from tinynewsrec.analysis.training_logs import read_curves, read_lessons
from tinynewsrec.views import training
from tinynewsrec.views.preparation import prepare
from tinynewsrec.views.state import Page
from tinynewsrec.views.training import payload
from tinynewsrec.views.workspace import Workspace


@pytest.fixture
def folder(tokenizer, tmp_path):
    folder = tmp_path / "checkpoints"
    for name, layers in (("teacher", 3), ("student-1", 1)):
        make_recommender(tokenizer, layers, layers=layers).save_pretrained(folder / name)
    write(
        folder / "student-1" / "losses.jsonl", [{"step": n, "losses": {"target": 2 / n}} for n in (1, 2, 3)]
    )
    write(
        folder / "student-1" / "teacher_weights.jsonl", [case(step, n) for step in (10, 20) for n in range(4)]
    )
    return folder


def write(path, lines):
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def case(step, number):
    weights = [0.9, 0.1] if number else [0.2, 0.8]
    return {
        "step": step,
        "history": ["N0"] * number,
        "candidates": [f"N{number}", "N9"],
        "teacher_weights": weights,
        "teacher_losses": [1.0, 2.0],
        "student_loss": 1.5,
    }


@pytest.fixture
def workspace(mind_folder, folder, tmp_path, monkeypatch):
    monkeypatch.setenv("TINYNEWSREC_CACHE", str(tmp_path / "cache"))
    workspace = Workspace(mind_folder, [folder])
    prepare(workspace)
    return workspace


def section(workspace, name, **values):
    return payload(workspace, Page().set(training, section=name, **values))


def test_losses_are_those_of_the_log(workspace):
    shown = section(workspace, "losses")
    assert (shown["model"], shown["steps"]) == ("student-1", [1, 2, 3])
    assert shown["losses"] == {"target": [2.0, 1.0, pytest.approx(2 / 3)]}


def test_weights_are_summed_over_the_recorded_cases(workspace):
    shown = section(workspace, "teachers")
    assert (shown["steps"], shown["count"], shown["trusted"]) == ([10, 20], 4, [3, 1])
    assert shown["means"][-1] == pytest.approx([0.725, 0.275])
    assert sum(topic["count"] for topic in shown["topics"]) == 4
    assert {topic["topic"] for topic in shown["topics"]} == {"sports", "finance"}
    assert shown["cases"][0]["clicked"] == workspace.split.news.texts("title")[0]


def test_as_many_teachers_have_a_say_as_weights_are_spread(tmp_path):
    for weights, expected in (([0.25] * 4, 4), ([1.0, 0, 0, 0], 1)):
        write(tmp_path / "teacher_weights.jsonl", [case(1, 1) | {"teacher_weights": weights}])
        [lessons] = read_lessons(tmp_path)
        assert lessons.effective_teachers == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("name", ["layers", "conflicts", "lora", "results"])
def test_what_no_model_brings_leaves_a_section_without_models(workspace, name):
    shown = section(workspace, name)
    assert not shown.get("model") and not shown.get("tables")


def test_similarity_of_other_weights_is_not_shown(workspace):
    found = {
        "models": [
            {"name": model.name, "sha256": model.checkpoint.content_hash} for model in workspace.models
        ],
        "teacher": "teacher",
        "stories": 12,
        "data": "invented",
        "pairs": [{"model": "student-1", "values": np.eye(2).tolist(), "by_chance": 0.1}],
    }
    path = workspace.data / "layer_similarity.json"
    path.write_text(json.dumps(found))
    assert section(workspace, "layers")["pair"]["model"] == "student-1"
    found["models"][0]["sha256"] = "another"
    path.write_text(json.dumps(found))
    assert section(workspace, "layers")["pair"] is None


def test_tables_are_read_with_what_they_were_measured_on(workspace, folder):
    (folder / "tables").mkdir()
    (folder / "tables" / "main.csv").write_text("system,AUC\nplm-nr-ft,61.30\n")
    (folder / "tables" / "main.md").write_text("On invented data, 5 impressions.\n\n| ...")
    shown = section(workspace, "results")
    assert (shown["measured on"], shown["rows"]) == (
        "On invented data, 5 impressions.",
        [["plm-nr-ft", "61.30"]],
    )


@pytest.mark.parametrize("text", ["{", "[1]", '{"step": 1}', '{"losses": 3, "step": 1}'])
def test_a_damaged_log_names_itself(tmp_path, text):
    for name, read in (("losses.jsonl", read_curves), ("teacher_weights.jsonl", read_lessons)):
        (tmp_path / name).write_text(text + "\n")
        with pytest.raises(ValueError, match=name):
            read(tmp_path)
