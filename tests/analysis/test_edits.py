import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinynewsrec.analysis.edits import AT_A_CLICK, KINDS, differences, edited
from tinynewsrec.analysis.reader import ranks_of
from tinynewsrec.analysis.rescoring import effect

histories = st.lists(st.integers(0, 9), min_size=1, max_size=12).map(lambda rows: np.array(rows, np.int32))
texts = st.lists(st.sampled_from("abc"), max_size=8)


@given(histories, st.data())
def test_what_moves_a_click_keeps_all_clicks(history, data):
    place = data.draw(st.integers(0, len(history) - 1))
    for kind in ("earlier", "later", "reverse", "shuffle"):
        assert sorted(edited(history, kind, place)) == sorted(history)


@given(histories, st.data())
def test_every_edit_that_moves_has_one_that_takes_it_back(history, data):
    place = data.draw(st.integers(0, len(history) - 2)) if len(history) > 1 else 0
    later = edited(history, "later", place)
    assert edited(later, "earlier", min(place + 1, len(history) - 1)).tolist() == history.tolist()
    assert edited(edited(history, "reverse"), "reverse").tolist() == history.tolist()
    assert edited(edited(history, "again", place), "remove", place).tolist() == history.tolist()
    assert edited(edited(history, "add", 3), "remove", len(history)).tolist() == history.tolist()


@given(histories, st.integers(0, 15))
def test_the_latest_clicks_are_the_last_ones(history, count):
    assert edited(history, "latest", count).tolist() == history.tolist()[::-1][:count][::-1]


@given(histories)
def test_no_edit_touches_the_history_it_is_given(history):
    before = history.copy()
    for kind in KINDS:
        assert edited(history, kind, 0).dtype == np.int32
    assert history.tolist() == before.tolist()


@pytest.mark.parametrize("kind", AT_A_CLICK)
def test_a_click_that_is_not_there_is_refused(kind):
    with pytest.raises(ValueError, match="Expected a click from 0 to 2"):
        edited(np.arange(3), kind, 3)


@given(texts, texts)
def test_differences_give_both_lists_back(before, after):
    found = differences(before, after)
    assert [item for piece in found if piece.kind != "new" for item in piece.items] == before
    assert [item for piece in found if piece.kind != "gone" for item in piece.items] == after
    assert all(piece.items for piece in found)


def test_a_list_without_a_change_has_one_piece():
    assert [piece.kind for piece in differences("a b".split(), "a b".split())] == ["same"]


def test_both_sides_of_an_effect_share_one_scale():
    before, after = np.array([1.0, 2.0, 3.0]), np.array([2.0, 3.0, 4.0])
    found = effect(before, after)
    np.testing.assert_allclose(found.scores_after - found.scores_before, np.full(3, 1 / before.std()))
    assert found.before.tolist() == ranks_of(before).tolist() and not found.climbs.any()


def test_climbing_is_positive():
    assert effect(np.array([3.0, 2.0]), np.array([1.0, 2.0])).climbs.tolist() == [-1, 1]
