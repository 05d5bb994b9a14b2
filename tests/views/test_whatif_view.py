import json
from threading import Event

import numpy as np
import pytest
from conftest import make_recommender

from tinynewsrec.views import whatif
from tinynewsrec.views.page import answer
from tinynewsrec.views.preparation import prepare
from tinynewsrec.views.rooms import Rooms
from tinynewsrec.views.state import Page, page_from, query_of
from tinynewsrec.views.whatif import payload
from tinynewsrec.views.workspace import Workspace

HOSTILE = "<img src=x onerror=alert(1)>${1} storm"


@pytest.fixture
def workspace(mind_folder, tokenizer, tmp_path, monkeypatch):
    monkeypatch.setenv("TINYNEWSREC_CACHE", str(tmp_path / "cache"))
    for name, layers in (("teacher", 3), ("student-1", 1)):
        made = make_recommender(tokenizer, layers, layers=layers)
        made.save_pretrained(tmp_path / "checkpoints" / name)
    workspace = Workspace(mind_folder, [tmp_path / "checkpoints"])
    prepare(workspace)
    return workspace


@pytest.fixture
def ask(workspace):
    """The page after a request, and what it shows."""

    def asked(page: Page, name: str, **values):
        page = answer(Rooms(workspace), (whatif,), whatif, page, name, values)
        shown = payload(workspace, page)
        json.dumps(shown)
        return page, shown

    return asked


@pytest.fixture
def page():
    """A reader with four clicks and five candidates."""
    return Page().select(impression="5")


def ranks(shown, when: str, model: int = 0) -> list[int]:
    return [story[when][model] for story in shown["candidates"]]


def states(shown) -> list[tuple[str, str]]:
    return [(click["id"], click["state"]) for click in shown["history"]]


def test_without_an_edit_before_and_after_are_the_same(workspace, page):
    shown = payload(workspace, page)
    assert not shown["edited"] and ranks(shown, "before") == ranks(shown, "after")
    assert all(change == 0 for story in shown["candidates"] for change in story["change"])
    assert {click["state"] for click in shown["history"]} == {"same"}
    assert sorted(ranks(shown, "before")) == [1, 2, 3, 4, 5]


def test_a_removed_click_is_shown_where_it_was_and_can_come_back(ask, page):
    page, shown = ask(page, "edit", kind="remove", number=1)
    assert page.shared.history == ("N2", "N6", "N8")
    assert states(shown) == [("N2", "same"), ("N4", "gone"), ("N6", "same"), ("N8", "same")]
    page, shown = ask(page, "add", id="N4", place=shown["history"][1]["place"])
    assert page.shared.history is None and not shown["edited"]


def test_added_and_moved_clicks_are_marked(ask, page):
    page, shown = ask(page, "add", id="N0")
    assert states(shown)[-1] == ("N0", "new")
    _, shown = ask(page, "edit", kind="earlier", number=4)
    assert states(shown)[-2:] == [("N0", "new"), ("N8", "same")]
    _, shown = ask(Page().select(impression="5"), "edit", kind="later", number=0)
    assert [state for _, state in states(shown)].count("moved") == 1 and shown["same clicks"]


def test_another_order_of_clicks_that_are_all_read_changes_no_score(ask):
    _, shown = ask(Page().select(impression="1"), "edit", kind="reverse")
    assert shown["edited"] and shown["same clicks"]
    np.testing.assert_allclose([story["change"] for story in shown["candidates"]], 0, atol=1e-5)


def test_stories_a_and_b_stay_who_they_are_when_ranks_change(ask, workspace, page):
    before = payload(workspace, page)
    page, after = ask(page, "edit", kind="empty")
    for name in ("first", "second"):
        assert before[name] == after[name]
    page, swapped = ask(page, "swap")
    assert (swapped["first"], swapped["second"]) == (after["second"], after["first"])


def test_the_edits_make_a_link_that_gives_them_back(ask, workspace, page):
    page, _ = ask(page, "edit", kind="remove", number=0)
    page, shown = ask(page, "rewrite", title=HOSTILE)
    again = page_from(query_of(page, (whatif,)), (whatif,))
    assert payload(workspace, again) == shown and not again.refused


def test_a_rewritten_headline_is_encoded_and_can_be_taken_back(ask, workspace, page):
    original = payload(workspace, page)["headline"]["original"]
    page, shown = ask(page, "rewrite", title="mayor wins the storm")
    assert shown["headline"]["now"] == "mayor wins the storm" and shown["edited"]
    story = shown["candidates"][shown["first"]]
    assert story["rewritten"] and story["title"] == "mayor wins the storm"
    assert any(abs(change) > 1e-4 for change in story["change"])
    others = [other for place, other in enumerate(shown["candidates"]) if place != shown["first"]]
    assert all(change == 0 for other in others for change in other["change"])
    kinds = [kind for kind, _ in shown["headline"]["diff"]]
    kept = [text for kind, text in shown["headline"]["diff"] if kind != "new"]
    assert " ".join(kept) == original and {"gone", "new"} <= set(kinds)
    page, shown = ask(page, "rewrite", title="")
    assert not shown["edited"] and page.of(whatif).headlines == ()


def test_a_suggestion_gives_the_headline_it_shows(ask, workspace, page):
    for suggestion in payload(workspace, page)["headline"]["suggestions"]:
        _, shown = ask(page, "rewrite", title=suggestion["title"])
        assert shown["headline"]["now"] == suggestion["title"].strip()


def test_a_flip_by_clicks_puts_a_below_b_in_that_model(ask, workspace):
    flipped = 0
    for impression in ("1", "3", "5"):
        start = Page().select(impression=impression)
        for place, flip in enumerate(payload(workspace, start)["flips"]):
            if flip["clicks"]["gone"]:
                _, shown = ask(start, "remove", places=flip["clicks"]["gone"])
                after = ranks(shown, "after", place)
                assert after[shown["first"]] > after[shown["second"]] and flip["clicks"]["smallest"]
                flipped += 1
    assert flipped


def test_words_are_searched_for_every_model_and_remembered(ask, workspace, page):
    assert {flip["words"] for flip in payload(workspace, page)["flips"]} == {None}
    told = [*whatif.SLOW["words"](workspace, page, {}, Event())]
    assert [progress.done for progress in told] == sorted(progress.done for progress in told)
    shown = payload(workspace, page)
    for place, flip in enumerate(shown["flips"]):
        if flip["words"]["gone"]:
            _, after = ask(page, "rewrite", title=flip["words"]["left"])
            assert (
                ranks(after, "after", place)[shown["first"]] > ranks(after, "after", place)[shown["second"]]
            )
    _, edited = ask(page, "edit", kind="empty")
    assert {flip["words"] for flip in edited["flips"]} == {None}


def test_a_sweep_ends_at_what_is_shown(workspace, page):
    shown = payload(workspace, page)
    assert shown["sweep"]["lengths"] == [0, 1, 2, 4]
    for place, model in enumerate(shown["sweep"]["models"]):
        assert model["rank"][-1] == ranks(shown, "after", place)[shown["first"]]
        assert model["agreement"][-1] == 1


def test_tests_are_run_when_asked_kept_when_stopped_and_their_failures_open(ask, workspace, page):
    page = page.set(whatif, readers=10)
    assert payload(workspace, page)["tests"]["rows"] == []
    run = whatif.SLOW["tests"](workspace, page, {}, Event())
    next(run), next(run)
    run.close()
    cells = [row["cells"] for row in payload(workspace, page)["tests"]["rows"]]
    assert cells[0][0] and cells[0][1] is None and cells[1] == [None, None]
    told = [*whatif.SLOW["tests"](workspace, page, {}, Event())]
    assert len(told) == told[0].total == 14
    rows = payload(workspace, page)["tests"]["rows"]
    opened = 0
    for row in rows:
        for model, cell in zip(("teacher", "student-1"), row["cells"], strict=True):
            shown = payload(workspace, page.set(whatif, test=row["test"], model=model))["tests"]["failures"]
            assert len(shown) == cell["n"] - cell["passed"]
            for failure in shown:
                moved, _ = ask(page, "open", test=row["test"], row=failure["row"])
                assert moved.shared.impression == failure["impression"] and not moved.notice
                opened += 1
    assert opened


def test_an_opened_failure_moves_what_the_test_measured(ask, workspace, page):
    page = page.set(whatif, readers=10, tolerance=0)
    list(whatif.SLOW["tests"](workspace, page, {}, Event()))
    checked = 0
    for place, model in enumerate(("teacher", "student-1")):
        chosen = page.set(whatif, test="shorter headline", model=model)
        for failure in payload(workspace, chosen)["tests"]["failures"]:
            _, shown = ask(chosen, "open", test="shorter headline", row=failure["row"])
            story = shown["candidates"][shown["first"]]
            assert abs(story["before"][place] - story["after"][place]) == failure["moved"]
            assert story["title"] == failure["changed"]
            checked += 1
    assert checked


def test_what_comes_from_a_browser_and_makes_no_sense_is_refused_with_a_notice(ask, page):
    for name, values in (
        ("edit", {"kind": "explode"}),
        ("edit", {"kind": "remove", "number": 9}),
        ("edit", {"kind": "remove", "number": "one"}),
        ("edit", {}),
        ("add", {"id": "N999"}),
        ("open", {"test": "typo", "row": 3}),
        ("set", {"tolerance": "ten"}),
        ("rewrite", {"title": "x" * 400}),
    ):
        after, _ = ask(page, name, **values)
        assert after.notice and "Type-check" not in after.notice, (name, values)
        assert after.shared == page.shared


def test_a_history_grows_only_as_far_as_a_link_holds(ask, page):
    for _ in range(5):
        page, _ = ask(page, "edit", kind="double")
    page, shown = ask(page, "edit", kind="double")
    assert len(page.shared.history) == 128 and "200" in page.notice
    assert sum(click["state"] != "gone" for click in shown["history"]) == 128


def test_numbers_of_a_link_are_held_within_limits(workspace, page):
    page = page.set(whatif, readers=10**9, seed=-5, tolerance=900)
    list(whatif.SLOW["tests"](workspace, page, {}, Event()))
    assert all(cell["n"] <= 4 for row in payload(workspace, page)["tests"]["rows"] for cell in row["cells"])


def test_a_typed_headline_can_be_rewritten_too(ask, page):
    page = page.select(headlines=("storm opens the bridge",), story="H1")
    _, shown = ask(page, "rewrite", title="storm closes the bridge")
    story = shown["candidates"][shown["first"]]
    assert story["typed"] and story["title"] == "storm closes the bridge" and story["id"] == "H1"


def test_a_search_offers_stories_to_add(workspace, page):
    found = payload(workspace, page.set(whatif, search="wins"))["found"]
    assert found and all("wins" in story["title"] for story in found)


def test_before_a_model_is_there_the_tab_says_so(workspace, page):
    workspace.models = ()
    assert payload(workspace, page)["empty"]
