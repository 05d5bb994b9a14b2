"""What the tab Why hands to its script: parts that add up, for every reader, story and model."""

import json
from dataclasses import replace
from pathlib import Path
from threading import Event

import numpy as np
import pytest
from conftest import make_recommender

from tinynewsrec.data.read import read_split
from tinynewsrec.views import why, why_clicks
from tinynewsrec.views.case import case_of, scores_of
from tinynewsrec.views.preparation import prepare
from tinynewsrec.views.state import Page, page_from, query_of
from tinynewsrec.views.turns import Stopped
from tinynewsrec.views.why import ACTIONS, SLOW, payload
from tinynewsrec.views.words import words
from tinynewsrec.views.workspace import Workspace

SAMPLE = Path(__file__).parents[2] / "assets" / "sample" / "dev"
READERS = ["1", "2", "3", "4", "5"]  # of the miniature; the second has no clicks
KINDS = {"teacher": "attention", "student-1": "self-attention"}


@pytest.fixture
def workspace(mind_folder, tokenizer, tmp_path, monkeypatch):
    """An exact teacher that looks at three clicks, and a student whose split is not exact."""
    monkeypatch.setenv("TINYNEWSREC_CACHE", str(tmp_path / "cache"))
    for name, kind in KINDS.items():
        made = make_recommender(
            tokenizer, layers=1, user_encoder=kind, history_length=3 + (name == "student-1")
        )
        made.save_pretrained(tmp_path / "checkpoints" / name)
    workspace = Workspace(mind_folder, [tmp_path / "checkpoints"])
    prepare(workspace)
    assert workspace.problems == ()
    return workspace


def page_with(impression: str = "5", **options) -> Page:
    return Page().select(impression=impression).set(why, **options)


def shown(workspace, page) -> dict:
    found = payload(workspace, page)
    json.dumps(found, allow_nan=False)
    return found["shown"]


def place_of(workspace, name: str) -> int:
    return [model.name for model in workspace.models].index(name)


def column(part, place: int) -> float:
    """All of a model's column but its sum."""
    others = part["others"]["values"][place] if part["others"] else 0
    values = [row["values"][place] or 0 for row in part["rows"]]
    return sum(values) + others + part["models"][place]["rest"] + part["models"][place]["error"]


@pytest.mark.parametrize("impression", READERS)
@pytest.mark.parametrize("above", [False, True])
def test_every_column_adds_up_to_its_models_score(workspace, impression, above):
    page = page_with(impression, above=above)
    part, found = shown(workspace, page), payload(workspace, page)
    case = case_of(workspace, page)
    places = [case.place_of(story["id"]) for story in found["stories"]]
    for place, model in enumerate(workspace.models):
        scores = scores_of(workspace, model, case)
        expected = scores[places[0]] - above * scores[places[1]]
        assert part["models"][place]["sum"] == pytest.approx(expected, abs=2e-5)
        assert column(part, place) == pytest.approx(expected, abs=1e-4)


def test_the_page_says_which_splits_are_exact(workspace):
    part = shown(workspace, page_with())
    for name, kind in KINDS.items():
        summary = part["models"][place_of(workspace, name)]
        assert summary["exact"] == (kind == "attention")
        assert not summary["exact"] or summary["error"] == 0


def test_a_click_too_old_for_the_models_has_no_part_rather_than_one_of_zero(workspace):
    rows = shown(workspace, page_with("5", latest=True))["rows"]
    assert [row["number"] for row in rows] == [1, 2, 3, 4]
    exact, mixed = place_of(workspace, "teacher"), place_of(workspace, "student-1")
    assert [row["values"][exact] is None for row in rows] == [False, False, False, True]
    assert None not in [row["values"][mixed] for row in rows]
    for place in (exact, mixed):
        assert sum(row["weights"][place] or 0 for row in rows) == pytest.approx(1, abs=1e-4)


def test_a_reader_without_clicks_gets_what_every_new_reader_gets(workspace):
    part = shown(workspace, page_with("2"))
    assert part["rows"] == [] and part["count"] == 0
    assert all(model["rest"] == model["sum"] != 0 and model["exact"] for model in part["models"])


def test_clicks_come_largest_first_or_newest_first(workspace):
    part = shown(workspace, page_with())
    shares = [
        max(abs(value or 0) / most for value, most in zip(row["values"], part["largest"], strict=True))
        for row in part["rows"]
    ]
    assert shares == pytest.approx(sorted(shares, reverse=True), abs=1e-4)


def test_what_is_left_out_of_a_long_history_is_added_up(workspace, monkeypatch):
    monkeypatch.setattr(why_clicks, "FIRST", 2)
    page = page_with("5").select(history=tuple(workspace.split.news.texts("id")))
    part = shown(workspace, page)
    assert len(part["rows"]) == part["first"] == 2
    assert (part["count"], part["others"]["count"], part["older"]) == (4, 2, 8)
    assert column(part, 0) == pytest.approx(part["models"][0]["sum"], abs=1e-4)
    whole = shown(workspace, page.set(why, whole=True))
    assert len(whole["rows"]) == 4 and whole["others"] is None


def test_a_and_b_change_places(workspace):
    page = page_with()
    before = payload(workspace, page)["stories"]
    page = ACTIONS["swap"](workspace, page, {})
    after = payload(workspace, page)["stories"]
    assert [story["id"] for story in after] == [story["id"] for story in before[::-1]]
    one, other = shown(workspace, page_with(above=True)), shown(workspace, page.set(why, above=True))
    assert one["models"][0]["sum"] == pytest.approx(-other["models"][0]["sum"])


@pytest.mark.parametrize("method", ["gradient", "attention"])
def test_quick_methods_are_there_at_once(workspace, method):
    part = shown(workspace, page_with(part="words", method=method))
    assert not part["awaited"]
    assert all(len(row["values"]) == len(part["words"]) for row in part["rows"])


def run(workspace, page, name, stop=None) -> list:
    return list(SLOW[name](workspace, page, {}, stop or Event()))


@pytest.mark.parametrize("method", ["integrated", "deletion"])
def test_slow_methods_are_there_once_they_were_asked_for(workspace, method):
    page = page_with(part="words", method=method)
    assert shown(workspace, page)["awaited"]
    told = run(workspace, page, "compute")
    part = shown(workspace, page)
    assert not part["awaited"] and all(part["rows"])
    assert any(progress.done == progress.total > 0 for progress in told)
    assert all(name in " ".join(progress.text for progress in told) for name in KINDS)
    if method == "integrated":
        assert all(abs(row["error"]) < 0.02 * abs(row["total"]) + 1e-3 for row in part["rows"])
    assert shown(workspace, page.select(impression="3"))["awaited"]


def test_a_computation_that_is_stopped_leaves_nothing_half_done(workspace):
    page, stop = page_with(part="words", method="integrated", steps=200), Event()
    running = SLOW["compute"](workspace, page, {}, stop)
    next(running)
    stop.set()
    with pytest.raises(Stopped):
        list(running)
    assert shown(workspace, page)["awaited"]


def test_agreement_is_held_against_the_first_model(workspace):
    rows = shown(workspace, page_with(part="words"))["rows"]
    assert rows[0]["spearman"] is None and -1 <= rows[1]["spearman"] <= 1
    assert 0 <= rows[1]["overlap"] <= 1


def test_the_check_tells_every_method_beside_chance(workspace):
    page = page_with(part="words")
    assert shown(workspace, page)["checks"] == [None, None]
    run(workspace, page, "check")
    for check in shown(workspace, page)["checks"]:
        assert list(check["methods"]) == ["gradient", "integrated", "attention", "deletion"]
        assert check["methods"]["deletion"][2] in (None, pytest.approx(1))
        errors = {method: values[4] for method, values in check["methods"].items()}
        assert errors["integrated"] is not None and errors["gradient"] is None
        assert check["seeds"] == 10 and all(value >= 0 for value in check["deviation"] if value is not None)


def test_a_typed_headline_can_be_explained_too(workspace):
    page = page_with("5", part="words").select(headlines=("<b>storm</b> closes ${school}",))
    page = page.select(story="H1")
    found = payload(workspace, page)
    assert found["stories"][0]["id"] == "H1"
    assert found["shown"]["words"] == ["<b>storm</b>", "closes", "${school}"]


def test_what_anybody_gets_and_what_is_personal_add_up_to_the_differences_of_scores(workspace):
    page = page_with(part="anybody")
    found, case = payload(workspace, page), case_of(workspace, page)
    for place, model in enumerate(workspace.models):
        scores = scores_of(workspace, model, case)
        row = found["shown"]["models"][place]
        both = np.array(row["common"]) + np.array(row["personal"])
        expected = [scores[case.place_of(story["id"])] - scores.mean() for story in found["stories"]]
        np.testing.assert_allclose(both, expected, atol=5e-5)
        assert 0 <= row["share"] <= 1 and 0 <= row["below"] <= 1
        assert row["spread"] == sorted(row["spread"])
    assert found["shown"]["readers"] == 4


def test_a_link_brings_back_the_question(workspace):
    page = page_with("3", part="words", method="integrated", steps=50, title="other", above=True)
    assert page_from(query_of(page, (why,)), (why,)).of(why) == page.of(why)


def test_more_steps_than_anybody_needs_are_not_taken(workspace):
    page = page_with(part="words", method="integrated", steps=10**6)
    assert shown(workspace, page)["steps"] == 200


def test_without_models_the_page_says_so(workspace):
    workspace.models = ()
    assert payload(workspace, page_with())["empty"] == words("en", "common")["no models"]


def test_other_data_has_no_truth_to_be_held_against(workspace):
    assert shown(workspace, page_with())["truth"] is None


@pytest.fixture(scope="module")
def sample():
    return read_split(SAMPLE)


@pytest.fixture
def truthful(workspace, sample):
    """The sample's readers before random models."""
    stories = np.random.default_rng(0).normal(size=(len(sample.news), 8)).astype(np.float32)
    workspace.data, workspace.split = SAMPLE, sample
    workspace.models = tuple(replace(model, vectors=stories) for model in workspace.models)
    return workspace


def test_on_the_sample_every_click_says_what_is_true_of_it(truthful):
    part = shown(truthful, page_with(whole=True, above=False))
    truths = [row["truth"] for row in part["rows"]]
    assert all(truth["tie"] in words("en", "why")["truth"]["tie"] for truth in truths)
    assert sum(truth["accident"] for truth in truths) == part["truth"]["accidents"]
    assert sum(truth["evidence"] > 0 for truth in truths) == part["truth"]["telling"]
    utility = part["truth"]["stories"][0]["utility"]
    reasons = [value for name, value in utility.items() if name != "total"]
    assert sum(reasons) == pytest.approx(utility["total"], abs=0.03)


def test_the_truth_is_not_held_against_an_edited_history(truthful):
    page = page_with()
    ids = tuple(truthful.split.news.texts("id")[:3])
    assert shown(truthful, page)["truth"] is not None
    assert shown(truthful, page.select(history=ids))["truth"] is None


def test_a_check_of_one_list_is_not_shown_for_another(workspace):
    page = page_with(part="words")
    run(workspace, page, "check")
    longer = page.select(headlines=("the mayor wins the cup",))
    assert None not in shown(workspace, page)["checks"]
    assert shown(workspace, longer)["checks"] == [None, None]
