import numpy as np
import pyarrow as pa
import pytest

from tinynewsrec.analysis.lookup import COMPARED, find, is_story, likely, rows_of_reader
from tinynewsrec.data.tables import News


def test_a_reader_is_found_at_the_first_impression(split):
    assert find(split.impressions, "U1").row == 0


def test_an_impression_is_found_by_its_own_id(split):
    assert find(split.impressions, "4").row == 3


@pytest.mark.parametrize("typed", [" U4 ", "u4"])
def test_blanks_and_case_do_not_matter(split, typed):
    assert find(split.impressions, typed).row == 4


@pytest.mark.parametrize(("typed", "near"), [("U11", "U1"), ("u44", "U4")])
def test_an_unknown_id_gives_the_nearest_known_one(split, typed, near):
    assert find(split.impressions, typed) == (None, near)


@pytest.mark.parametrize("typed", ["", "   ", "<img src=x>", "\0", "ü" * 1000, "\ud800", "U1\u200b"])
def test_nothing_like_an_id_is_answered_with_nothing(split, typed):
    assert find(split.impressions, typed) == (None, None)


@pytest.mark.parametrize("typed", ["55", "UX", "<b>U1</b>", "U888", "V1"])
def test_what_only_resembles_an_id_a_little_suggests_none(split, typed):
    assert find(split.impressions, typed) == (None, None)


def test_a_very_long_text_is_compared_with_nothing(split, monkeypatch):
    def refuse(*_):
        raise AssertionError("compared")

    monkeypatch.setattr("tinynewsrec.analysis.lookup.nearest", refuse)
    assert find(split.impressions, "U" + "1" * 10_000_000) == (None, None)


@pytest.mark.parametrize(
    ("typed", "known"), [(" n156 ", True), ("N15", False), ("", False), ("\ud800", False)]
)
def test_the_id_of_a_story_is_told_from_other_ids(typed, known):
    assert is_story(News(pa.table({"id": ["N1", "N156"]})), typed) is known


def test_of_many_ids_the_likely_ones_are_kept():
    known = [f"U{number}" for number in range(10_000, 60_000)]
    kept = likely("U4321", known)
    assert len(kept) == COMPARED
    assert "U43210" in kept


def test_all_impressions_of_a_reader_are_found(split):
    assert rows_of_reader(split.impressions, int(split.impressions.readers[0])).tolist() == [0, 3]
    assert np.issubdtype(rows_of_reader(split.impressions, 99).dtype, np.integer)
