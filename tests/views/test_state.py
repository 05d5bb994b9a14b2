from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Literal
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinynewsrec.views.state import LONGEST_LINK, LONGEST_TEXT, Page, Shared, checked, page_from, query_of


@dataclass(frozen=True)
class Options:
    kind: Literal["one", "two"] = "one"
    size: int = 3
    share: float = 0.5
    shown: bool = False
    ids: tuple[str, ...] = ()
    text: str = ""


VIEW = SimpleNamespace(NAME="view", Options=Options)
OTHER = SimpleNamespace(NAME="other", Options=Options)
VIEWS = (VIEW, OTHER)
TEXTS = st.text(max_size=40)

SEVERAL = st.lists(TEXTS.filter(bool), max_size=4)
VALUES = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["one", "two"]),
        "size": st.integers(-9, 9),
        "share": st.floats(allow_nan=False, allow_infinity=False),
        "shown": st.booleans(),
        "ids": SEVERAL,
        "text": TEXTS,
    }
)


@given(st.sampled_from(["en", "es"]), TEXTS, st.none() | SEVERAL, SEVERAL, VALUES)
def test_a_link_restores_the_exact_view(language, impression, history, headlines, values):
    page = Page().select(language=language, tab="other", impression=impression)
    page = page.select(history=history, headlines=headlines).set(VIEW, **values)
    found = page_from(query_of(page, VIEWS), VIEWS)
    assert (found.shared, found.of(VIEW), found.of(OTHER)) == (page.shared, page.of(VIEW), Options())
    assert found.refused == ()


def test_a_page_just_opened_has_the_shortest_link():
    assert query_of(Page(), VIEWS) == "v=1"


@pytest.mark.parametrize(
    "query",
    [
        "language=xx",
        "tab=nowhere",
        "view.size=big",
        "view.size=1&view.size=2",
        "view.kind=three",
        "view.nothing=1",
        "nobody.size=1",
        "view.shown=maybe",
        "view.share=nan",
        "view.share=-inf",
        f"impression={'x' * (LONGEST_TEXT + 1)}",
        "&".join(["history=N1"] * 500),
        "view.__class__=1",
    ],
)
def test_what_a_link_cannot_ask_is_left_out_and_named(query):
    page = page_from(query, VIEWS)
    assert page.refused
    assert replace(page, refused=()).shared == Shared()
    assert page.of(VIEW) == Options()


def test_one_wrong_part_costs_no_other_part():
    page = page_from("view.size=7&view.kind=three&impression=12", VIEWS)
    assert (page.of(VIEW).size, page.shared.impression, page.refused) == (7, "12", ("view.kind",))


def test_an_endless_link_is_not_read():
    assert page_from("impression=" + "1" * 3 * LONGEST_LINK, VIEWS).refused == ("link",)


@given(st.text(max_size=200))
def test_any_text_is_a_page(text):
    page_from(text, VIEWS)
    page_from(quote(text), VIEWS)


def test_another_impression_drops_what_was_chosen_in_the_one_before():
    page = Page().select(impression="1", story="N1", history=["N2"], headlines=["A headline"])
    assert page.select(tab="other").shared.story == "N1"
    moved = page.select(impression="2").shared
    assert (moved.story, moved.other, moved.history, moved.headlines) == ("", "", None, ())
    assert page.select(impression="2", story="N9").shared.story == "N9"


@pytest.mark.parametrize(
    "values", [{"size": "3"}, {"size": True}, {"kind": "three"}, {"ids": "N1"}, {"ids": [1]}, {"new": 1}]
)
def test_values_of_another_kind_are_refused_by_name(values):
    with pytest.raises(ValueError, match=next(iter(values))):
        checked(Options(), values)
