"""What is asked of the page: one thing after another, each on what the one before left."""

import json
from collections import namedtuple
from dataclasses import dataclass
from types import SimpleNamespace
from unittest.mock import Mock
from urllib.parse import parse_qsl

import gradio as gr
import numpy as np
import pytest

from tinynewsrec.views.drawn import sent
from tinynewsrec.views.page import followed, render, with_language
from tinynewsrec.views.rooms import Rooms
from tinynewsrec.views.state import Page, page_from
from tinynewsrec.views.workspace import Progress, Workspace


@dataclass(frozen=True)
class Options:
    size: int = 0
    text: str = ""


def add(workspace, page, values):
    return page.set(VIEW, size=page.of(VIEW).size + values["more"])


VIEW = SimpleNamespace(NAME="reader", Options=Options, ACTIONS={"add": add}, payload=lambda *_: {})
VIEWS = (VIEW,)


@pytest.mark.parametrize(
    ("query", "spoken", "shown"),
    [("", "es-ES", "es"), ("", "de", "en"), ("v=1&tab=map", "es-ES", "en"), ("v=1&language=es", "en", "es")],
)
def test_a_link_is_in_its_own_language_and_any_other_page_in_the_browsers(query, spoken, shown):
    request = SimpleNamespace(query_params=dict(parse_qsl(query)), headers={"accept-language": spoken})
    page = with_language(page_from(query, ()), Mock(spec=gr.Request, **vars(request)))
    assert page.shared.language == shown


@pytest.fixture
def rooms(mind_folder):
    return Rooms(Workspace(mind_folder, [], progress=Progress("finished"), version=3))


def follow(rooms, *asked) -> Page:
    return followed(rooms, VIEWS, Page(), list(asked), "session")


def test_whatever_is_asked_at_once_is_all_done_in_that_order(rooms):
    page = follow(
        rooms,
        ("reader", "add", {"more": 2}),
        ("toolbar", "go", {"language": "es"}),
        ("reader", "set", {"text": "typed"}),
        ("reader", "add", {"more": 3}),
        ("toolbar", "look", {}),
    )
    assert (page.shared.language, page.of(VIEW)) == ("es", Options(5, "typed"))


def test_what_cannot_be_done_costs_nothing_else_and_is_told(rooms):
    page = follow(rooms, ("reader", "add", {"more": 2}), ("reader", "nonsense", {}))
    assert (page.of(VIEW).size, bool(page.notice)) == (2, True)


def test_stop_ends_the_run_of_that_page_alone(rooms):
    ended: list[str] = []
    for name in ("session", "other"):
        rooms.main.turns.stops[name] = SimpleNamespace(set=lambda name=name: ended.append(name))
    follow(rooms, ("progress", "stop", {}))
    assert ended == ["session"]


def test_only_what_became_ready_is_drawn_for_nobody_s_wish(rooms):
    page = Page()
    parts = {"header", "toolbar", "notice", "reader"}
    assert render(rooms, VIEWS, page)["parts"].keys() == parts
    assert render(rooms, VIEWS, page, page, seen=3, idle=True)["parts"] == {}
    assert render(rooms, VIEWS, page, page, seen=3)["parts"].keys() == parts - {"header"}
    assert render(rooms, VIEWS, page.select(language="es"), page, seen=3)["parts"].keys() == parts
    assert render(rooms, VIEWS, page, page, seen=2, idle=True)["parts"].keys() == parts


def test_the_page_looks_again_until_all_is_ready(rooms):
    assert render(rooms, VIEWS, Page())["again"] == 0
    rooms.main.progress = Progress("loading")
    shown = render(rooms, VIEWS, Page(), Page(), seen=3, idle=True)
    assert (shown["again"] > 0, shown["parts"].keys()) == (True, {"header"})


def test_a_value_travels_as_text_and_arrives_as_it_was():
    pair = namedtuple("pair", "x y")
    value = {"numbers": np.arange(2.0), "pair": pair(1, "</script>${1}"), "none": float("nan")}
    assert json.loads(sent(value)) == {"numbers": [0, 1], "pair": [1, "</script>${1}"], "none": None}
