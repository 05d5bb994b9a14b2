import json
from collections import Counter

import numpy as np
import pytest
from conftest import make_recommender

from tinynewsrec.analysis.pickers import Pick
from tinynewsrec.evaluation.scores import score_impressions
from tinynewsrec.views import VIEWS, header
from tinynewsrec.views.impression import history_of, ranking_of
from tinynewsrec.views.page import page_of
from tinynewsrec.views.preparation import prepare, read_notice
from tinynewsrec.views.reader import STORY, choose, choose_kind, label_of, refresh, search, show, surprise
from tinynewsrec.views.speed import measure
from tinynewsrec.views.workspace import Progress, Workspace

METRICS = {
    "data": "invented, dev",
    "impressions": 5,
    "readers": 4,
    "skipped": 0,
    "metrics": {"AUC": {"value": 61.25, "low": 60.0, "high": 62.5}},
}


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


def ranks(shown):
    return [[story["ranks"][model] for story in shown["candidates"]] for model in range(len(shown["models"]))]


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


def test_one_impression_is_scored_as_the_whole_evaluation_scores_it(workspace):
    impressions = workspace.split.impressions
    for model in workspace.models:
        expected = score_impressions(model.recommender, model.vectors, impressions)
        found = np.concatenate([model.score(impressions[row]) for row in range(len(impressions))])
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_an_impression_shows_every_candidate_with_a_rank_by_every_model(workspace):
    shown = ranking_of(workspace.split.impressions[4], workspace.split, workspace.models, sample=False)
    assert [sorted(row) for row in ranks(shown)] == [[1, 2, 3, 4, 5]] * 2
    assert [story["clicked"] for story in shown["candidates"]] == [False, False, False, True, False]
    assert [row["name"] for row in shown["metrics"]] == ["AUC", "MRR", "nDCG@5", "nDCG@10"]


def test_no_raw_score_reaches_the_page(workspace):
    impression = workspace.split.impressions[4]
    shown = ranking_of(impression, workspace.split, workspace.models, sample=False)
    written = np.array([story["scores"] for story in shown["candidates"]])
    np.testing.assert_allclose(written.mean(0), 0, atol=0.01)
    np.testing.assert_allclose(written.std(0), 1, atol=0.02)


def test_the_history_is_newest_first_and_says_what_the_models_do_not_see(workspace):
    impression, news = workspace.split.impressions[4], workspace.split.news
    shown = history_of(impression, news, length=3)
    assert [story["title"] for story in shown["stories"]] == [news[row].title for row in (8, 6, 4)]
    assert "1 earlier click" in shown["older"]
    assert history_of(impression, news, length=4)["older"] == ""


def test_an_impression_without_labels_has_ranks_and_a_reason_instead_of_metrics(workspace):
    impression = workspace.split.impressions[0]._replace(clicked=None)
    shown = ranking_of(impression, workspace.split, workspace.models, sample=True)
    assert shown["metrics"] == []
    assert "does not say what was clicked" in shown["gap"]
    assert shown["source"].endswith("invented.")


def test_a_model_that_cannot_tell_the_candidates_apart_is_named(workspace):
    teacher, student = workspace.models
    for parameter in student.recommender.user_encoder.parameters():
        parameter.data.zero_()
    newcomer = workspace.split.impressions[1]
    shown = ranking_of(newcomer, workspace.split, workspace.models, sample=False)
    assert shown["undecided"].startswith("student-1: every candidate has the same score")
    assert "teacher" not in shown["undecided"]


def test_an_impression_is_shown_without_ranks_while_no_model_is_loaded(workspace):
    shown = ranking_of(workspace.split.impressions[0], workspace.split, [], sample=False)
    assert [story["ranks"] for story in shown["candidates"]] == [[], [], []]


def test_an_unknown_id_leaves_the_view_and_names_a_near_one(workspace):
    *kept, message = search(workspace, "U44")
    assert all(update == {"__type__": "update"} for update in kept)
    assert message["near"] == "U4"
    assert "'U44'" in message["text"]


def test_a_known_id_shows_its_impression_and_leaves_the_kinds(workspace):
    kind, reader, row, *_ = search(workspace, "u4")
    assert (kind["value"], reader["value"], row) == (None, None, 4)


def test_a_story_id_is_said_to_be_one(workspace):
    story = workspace.split.news[3].id
    message = search(workspace, story)[-1]
    assert (message["text"], message["near"]) == (STORY.format(id=story), None)


def test_an_id_that_cannot_be_printed_is_shown_with_question_marks(workspace):
    assert "'U1?\u00fc?'" in search(workspace, "U1\u200b\u00fc\ud800")[-1]["text"]


@pytest.mark.parametrize(
    ("kind", "evidence", "label"),
    [
        ("one topic", 1.0, "U4: 3 of 4 clicks on {topic}"),
        ("disagreement", -0.35, "U4: rank correlation with teacher −0.35"),
        ("right and wrong", 5.0, "U4: rank 1 in teacher, 5 of 5 in student-1"),
    ],
)
def test_a_picked_reader_says_what_for(workspace, kind, evidence, label):
    clicked = workspace.split.impressions[4].history.tolist()
    topics = Counter(workspace.split.news[row].category for row in clicked)
    topic, most = topics.most_common(1)[0]
    expected = label.replace("3 of 4", f"{most} of 4").format(topic=topic)
    assert label_of(workspace, kind, Pick(4, evidence)) == expected


def test_surprise_never_shows_the_same_impression_again(workspace):
    assert {surprise(workspace, 2)[2] for _ in range(60)} == {0, 1, 3, 4}


@pytest.mark.parametrize("row", [-5, 99])
def test_a_row_that_the_browser_made_up_is_brought_into_range(workspace, row):
    assert 0 <= show(workspace, row)[0] < 5


def test_a_kind_without_readers_says_so_and_nothing_is_lost(workspace):
    assert "no reader of this kind" in choose_kind(workspace, "one topic")[-1]["text"]
    assert choose(workspace, None)[-1] == {}


def test_what_has_been_seen_is_not_drawn_again(workspace):
    assert refresh(workspace, 0, workspace.version)[1] == {"__type__": "update"}
    assert refresh(workspace, -1, -1)[3] >= 0


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
    assert "No checkpoint under" in without.problems[0]
    assert show(without, 0)[0] == 0


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
    facts = header.facts(begun)
    assert (facts["data"], facts["models"][0]["size"]) == ("being read", "being loaded")
    begun.progress = Progress("finished")
    facts = header.facts(begun)
    assert (facts["data"], facts["models"][0]["size"]) == ("none read", "none loaded")


@pytest.mark.parametrize(("finished", "words"), [(False, "are being loaded"), (True, "no model is loaded")])
def test_a_list_without_ranks_says_whether_they_are_to_come(workspace, finished, words):
    shown = ranking_of(workspace.split.impressions[0], workspace.split, [], sample=False, finished=finished)
    assert words in shown["waiting"]


def test_a_sample_says_so_in_the_header(workspace):
    assert header.facts(workspace)["notice"] == ""
    notice = "Invented readers."
    (workspace.data.parent / "SAMPLE.json").write_text(json.dumps({"name": "invented", "notice": notice}))
    assert read_notice(workspace.data) == notice


def test_the_header_counts_what_there_is(workspace):
    facts = header.facts(workspace)
    assert "5 impressions of 4 readers, 12 stories; nothing skipped" in facts["data"]
    assert [model["name"] for model in facts["models"]] == ["teacher", "student-1"]
    assert facts["progress"] is None


def test_the_header_says_what_is_being_encoded(workspace):
    workspace.progress = Progress("encoding", "teacher", 640, 1680)
    assert header.facts(workspace)["progress"]["text"] == "Encoding 1,680 titles with teacher: 640 done"


def test_every_view_builds_before_anything_is_ready(mind_folder):
    page = page_of(Workspace(mind_folder, []))
    assert {view.TITLE for view in VIEWS} <= {
        block.label for block in page.blocks.values() if hasattr(block, "label")
    }


def test_no_handler_is_a_public_endpoint(mind_folder):
    page = page_of(Workspace(mind_folder, []))
    assert {handler.api_visibility for handler in page.fns.values()} == {"private"}


def test_timing_gives_a_row_for_each_model_and_names_what_was_not_measured(workspace):
    *_, (message, stop, table, plot) = measure(workspace, 4, 2, 3)
    assert (message["text"], stop["interactive"]) == ("", False)
    assert [row[0] for row in table["rows"]] == ["teacher", "student-1"]
    assert [row[-1] for row in table["rows"]] == ["not measured"] * 2
    assert plot["value"].layout.yaxis.title.text == "Parameters, millions"


def test_the_chart_shows_quality_where_every_model_has_it(workspace):
    for model in workspace.models:
        model.checkpoint.metrics.update(METRICS)
    *_, (_, _, table, plot) = measure(workspace, 4, 2, 3)
    assert [row[-1] for row in table["rows"]] == ["61.2 (60.0 to 62.5)"] * 2
    assert plot["value"].layout.yaxis.title.text.startswith("AUC")
    assert plot["value"].data[0].y == (61.25,)
    assert any("invented, dev, 5 impressions of 4 readers" in note["text"] for note in table["notes"])


def test_timing_waits_until_nothing_else_runs(workspace):
    workspace.progress = Progress("loading", "teacher")
    assert "Timing starts once" in next(measure(workspace, 4, 2, 3))[0]["text"]
