from threading import Event

import pytest
from conftest import make_recommender

from tinynewsrec.views.preparation import prepare
from tinynewsrec.views.speed import WAITING, Turns, measure
from tinynewsrec.views.speed_report import Run
from tinynewsrec.views.workspace import Workspace


@pytest.fixture
def workspace(mind_folder, tokenizer, tmp_path, monkeypatch):
    monkeypatch.setenv("TINYNEWSREC_CACHE", str(tmp_path / "cache"))
    make_recommender(tokenizer).save_pretrained(tmp_path / "checkpoints" / "teacher")
    workspace = Workspace(mind_folder, [tmp_path / "checkpoints"])
    prepare(workspace)
    return workspace


def title_of(plot):
    return plot["value"].layout.title.text


def test_a_run_clears_what_an_older_one_left(workspace):
    message, stop, table, plot = next(measure(workspace, 4, 2, 3))
    assert "Warming up" in message["text"]
    assert stop["interactive"]
    assert table is None
    assert (plot["value"], plot["visible"]) == (None, False)


def test_a_stop_in_the_warm_up_says_that_nothing_was_measured_and_shows_nothing(workspace):
    stop = Event()
    run = measure(workspace, 4, 2, 3, stop)
    next(run)
    stop.set()
    [(message, _, table, plot)] = run
    assert message["text"] == "Stopped before the first round; nothing was measured."
    assert (table, plot["value"]) == (None, None)


def test_after_a_stop_chart_and_table_show_the_same_rounds(workspace):
    stop = Event()
    run = measure(workspace, 4, 2, 9, stop)
    for _ in range(3):
        next(run)
    stop.set()
    [(message, _, table, plot)] = run
    assert message["text"] == "Stopped: 2 of 9 rounds were measured and are shown."
    assert any("in batches of 2; 2 rounds" in note["text"] for note in table["notes"])
    assert title_of(plot).endswith("in batches of 2; 2 rounds")
    assert plot["value"].data[0].x == (pytest.approx(float(table["rows"][0][3]), abs=0.006),)


def test_a_stop_takes_effect_after_one_batch(workspace, monkeypatch):
    stop, seen = Event(), []
    stop.set()
    model = workspace.models[0]
    encode = model.recommender.encode
    monkeypatch.setattr(model.recommender, "encode", lambda tokens: seen.append(1) or encode(tokens))
    [*_, _last] = measure(workspace, 8, 2, 3, stop)
    assert len(seen) == 1


def test_a_second_page_waits_until_the_first_has_really_ended(workspace):
    turns = Turns()
    first = turns.take("one", lambda stop: measure(workspace, 4, 2, 3, stop))
    second = turns.take("two", lambda stop: measure(workspace, 4, 2, 3, stop))
    next(first)
    assert next(second)[0]["text"] == WAITING
    turns.stop("one")
    assert next(second)[0]["text"] == WAITING
    list(first)
    assert "Warming up" in next(second)[0]["text"]


def test_a_page_that_is_gone_gives_its_turn_back(workspace):
    turns = Turns()
    first = turns.take("one", lambda stop: measure(workspace, 4, 2, 3, stop))
    next(first)
    del first
    assert not turns.lock.locked()
    assert turns.stops == {}


def test_a_page_can_stop_waiting(workspace):
    turns = Turns()
    turns.lock.acquire()
    waiting = turns.take("two", lambda stop: measure(workspace, 4, 2, 3, stop))
    next(waiting)
    turns.stop("two")
    [(message, *_)] = waiting
    assert "nothing was measured" in message["text"]


@pytest.mark.parametrize("batch", [2.5, 0, 129, None])
def test_a_batch_that_is_no_whole_number_in_range_is_refused(workspace, batch):
    [(message, *_)] = measure(workspace, 4, batch, 3)
    assert message["text"].startswith("Titles in a batch: expected a whole number from 1 to 128")


@pytest.mark.parametrize(
    ("titles", "batch", "batches"),
    [(1, 1, "one at a time"), (64, 64, "in one batch"), (64, 32, "in batches of 32")],
)
def test_the_batches_read_sensibly(titles, batch, batches):
    assert Run("dev", titles, batch, 10).how == f"{batches}; 10 rounds"


def test_a_batch_is_no_larger_than_there_are_titles(workspace):
    *_, (_, _, _, plot) = measure(workspace, 1, 128, 3)
    assert title_of(plot).startswith("1 title of")
    assert title_of(plot).endswith("one at a time; 3 rounds")


def test_few_rounds_have_no_95th_percentile_and_the_notes_say_why(workspace):
    *_, (_, _, table, _) = measure(workspace, 4, 4, 3)
    tail = [column["name"] for column in table["columns"]].index("95th percentile")
    assert table["rows"][0][tail] == "\u2013"
    assert any("from 20 rounds on" in note["text"] for note in table["notes"])
    *_, (_, _, table, _) = measure(workspace, 4, 4, 20)
    assert float(table["rows"][0][tail]) > 0
