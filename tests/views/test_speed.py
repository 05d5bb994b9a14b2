import json
from threading import Event

import pytest
from conftest import make_recommender

from tinynewsrec.views import speed
from tinynewsrec.views.preparation import prepare
from tinynewsrec.views.speed import compare_precisions, find_parts, measure, payload
from tinynewsrec.views.state import Page
from tinynewsrec.views.turns import Progress, Turns
from tinynewsrec.views.workspace import Workspace

AUC = {"value": 61.25, "low": 60.0, "high": 62.5}
MRR = {"value": 31.5, "low": 30.0, "high": 33.0}


@pytest.fixture
def workspace(mind_folder, tokenizer, tmp_path, monkeypatch):
    monkeypatch.setenv("TINYNEWSREC_CACHE", str(tmp_path / "cache"))
    for name, layers in (("teacher", 3), ("student-1", 1)):
        made = make_recommender(tokenizer, layers, layers=layers)
        made.metrics = {
            "data": "invented",
            "impressions": 5,
            "readers": 4,
            "skipped": 0,
            "metrics": {"AUC": AUC, "MRR": MRR | {"value": MRR["value"] + layers}},
        }
        made.save_pretrained(tmp_path / "checkpoints" / name)
    workspace = Workspace(mind_folder, [tmp_path / "checkpoints"])
    prepare(workspace)
    return workspace


@pytest.fixture
def page():
    return Page().set(speed, titles=4, batch=2, rounds=3)


def test_before_a_measurement_everything_else_is_there(workspace, page):
    shown = payload(workspace, page)
    assert [model["name"] for model in shown["models"]] == ["teacher", "student-1"]
    assert (shown["measured"], shown["budget"], shown["front"]) == (None, None, [False, True])
    assert payload(workspace, page.set(speed, cost="time"))["front"] == []


def test_quality_is_the_metric_that_was_chosen(workspace, page):
    ranked = payload(workspace, page.set(speed, quality="MRR"))
    assert [model["quality"]["value"] for model in ranked["models"]] == [34.5, 32.5]
    assert ranked["front"] == [True, True]
    unknown = payload(workspace, page.set(speed, quality="nDCG@5"))
    assert ([model["quality"] for model in unknown["models"]], unknown["front"]) == ([None, None], [])


def test_a_measurement_says_what_it_rests_on(workspace, page):
    told = [*measure(workspace, page, {}, Event())]
    assert [progress.done for progress in told] == [0, 0, 1, 2, 3]
    shown = payload(workspace, page)
    measured = shown["measured"]
    assert (measured["titles"], measured["batch"], measured["rounds"], measured["data"]) == (
        4,
        2,
        3,
        workspace.split.name,
    )
    assert all(model["encoding"]["median"] > 0 < model["ranking"] for model in measured["models"])
    assert len(shown["budget"]["loads"]) == 2
    assert any(shown["front"])


def test_times_of_other_settings_are_not_shown(workspace, page):
    list(measure(workspace, page, {}, Event()))
    assert payload(workspace, page.set(speed, batch=1))["measured"] is None


def test_a_stop_keeps_the_rounds_that_were_finished(workspace, page):
    stop = Event()
    run = measure(workspace, page.set(speed, rounds=9), {}, stop)
    while next(run).done < 2:
        pass
    stop.set()
    assert [*run] == []
    measured = payload(workspace, page)["measured"]
    assert (measured["rounds"], measured["asked"]) == (2, 9)


def test_a_stop_in_the_warm_up_leaves_nothing(workspace, page):
    stop = Event()
    stop.set()
    list(measure(workspace, page, {}, stop))
    assert payload(workspace, page)["measured"] is None


@pytest.mark.parametrize(("name", "value"), [("titles", 0), ("batch", 10**9), ("rounds", 1)])
def test_settings_out_of_range_are_refused_by_name(workspace, page, name, value):
    with pytest.raises(ValueError, match=f"found {value}"):
        next(measure(workspace, page.set(speed, **{name: value}), {}, Event()))


def test_more_visits_cost_more_and_kept_vectors_less(workspace, page):
    list(measure(workspace, page, {}, Event()))

    def busy(**values):
        return [load["share"] for load in payload(workspace, page.set(speed, **values))["budget"]["loads"]]

    assert all(more > less for more, less in zip(busy(visits=2000), busy(visits=1000), strict=True))
    assert all(more > less for more, less in zip(busy(cached=False), busy(cached=True), strict=True))


def test_precisions_and_parts_are_kept_for_every_model(workspace, page):
    list(compare_precisions(workspace, page, {}, Event()))
    list(find_parts(workspace, page, {}, Event()))
    shown = payload(workspace, page)
    assert [(row["model"], row["precision"]) for row in shown["precisions"]] == [
        (model, precision) for model in ("teacher", "student-1") for precision in ("fp32", "bf16", "int8")
    ]
    assert all(row["correlation"] == 1 for row in shown["precisions"] if row["precision"] == "fp32")
    assert [len(row["layers"]) for row in shown["parts"]] == [3, 1]


def test_a_reference_of_other_weights_is_not_shown(workspace, page, monkeypatch):
    model = workspace.models[0]
    path = model.checkpoint.folder / "speed.json"
    path.write_text(json.dumps({"checkpoint": model.checkpoint.content_hash}))
    assert [row["model"] for row in payload(workspace, page)["reference"]] == ["teacher"]
    path.write_text('{"checkpoint": "another"}')
    assert payload(workspace, page)["reference"] == []


WAITING = Progress("waiting")


def counting(stop):
    for place in range(3):
        yield Progress("counting", place)


def test_a_second_page_waits_until_the_first_has_really_ended():
    turns = Turns()
    first, second = turns.take("one", WAITING, counting), turns.take("two", WAITING, counting)
    assert next(first).text == "counting"
    assert next(second) == WAITING
    list(first)
    assert next(second).text == "counting"


def test_a_page_that_is_gone_gives_its_turn_back():
    turns = Turns()
    first = turns.take("one", WAITING, counting)
    next(first)
    first.close()
    assert [progress.done for progress in turns.take("two", WAITING, counting)] == [0, 1, 2]


def test_a_stop_ends_the_run_of_that_page_alone():
    turns = Turns()
    run = turns.take("one", WAITING, counting)
    next(run)
    turns.stop("another")
    assert next(run).done == 1
    turns.stop("one")
    assert list(run) == []


def test_a_page_that_waits_can_be_stopped():
    turns = Turns()
    first, second = turns.take("one", WAITING, counting), turns.take("two", WAITING, counting)
    next(first), next(second)
    turns.stop("two")
    assert list(second) == []
