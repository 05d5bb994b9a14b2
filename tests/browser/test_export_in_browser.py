"""What a tab is exported as, made in the browser: a slide, pictures, a table, data."""

import csv
import io
import json
import re
import xml.etree.ElementTree as ElementTree
from urllib.parse import unquote

import pytest
from browser_app import HOSTILE
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def export(page, name: str) -> bytes:
    page.get_by_text("Export", exact=True).click()
    with page.expect_download() as saved:
        page.get_by_role("button", name=name).click()
    return saved.value.path().read_bytes()


@pytest.fixture
def speed(open_page):
    page = open_page(query="tab=speed&speed.cost=parameters")
    page.locator(".js-plotly-plot .legendtext").first.wait_for()
    return page


def open_alone(page, text: str):
    """The file in a window of its own, and whatever it asks for."""
    asked = []
    alone = page.context.new_page()
    alone.on("request", lambda sent: asked.append(sent.url) if not sent.url.startswith("data:") else None)
    alone.set_content(text, wait_until="load")
    return alone, asked


def test_a_slide_needs_nothing_but_itself_and_says_how_to_see_it_again(speed):
    text = export(speed, "Slide (HTML)").decode()
    assert not re.search(r"<script|<link|@import|url\(.?http|(src|href)=(?!.data:)", text)
    alone, asked = open_alone(speed, text)
    assert asked == []
    expect(alone.locator("h1")).to_have_text("Speed")
    expect(alone.locator("footer")).to_contain_text("tab=speed&speed.cost=parameters")
    expect(alone.locator("footer")).to_contain_text("student-1 (")
    assert alone.locator("button, input, select").count() == 0
    drawn = "document.querySelector('img[alt=\"Quality against cost\"]')"
    assert alone.evaluate(f"{drawn}.complete && {drawn}.naturalWidth") > 300


@pytest.mark.thorough
def test_a_slide_made_in_the_dark_has_the_colours_of_the_day(open_page):
    colours = []
    for theme in ("light", "dark"):
        page = open_page(theme=theme, query="tab=speed&speed.cost=parameters")
        page.locator(".js-plotly-plot .legendtext").first.wait_for()
        colours.append(
            set(re.findall(r"(?:fill|stroke): (rgb[^;]*)", unquote(export(page, "Slide (HTML)").decode())))
        )
    assert colours[0] == colours[1] and len(colours[0]) > 3


@pytest.mark.thorough
def test_a_hostile_headline_is_text_on_a_slide_too(open_page):
    page = open_page(query="impression=5")
    page.get_by_role("button", name="Show all 12").click()
    alone, asked = open_alone(page, export(page, "Slide (HTML)").decode())
    expect(alone.get_by_text(HOSTILE, exact=True).first).to_be_visible()
    assert alone.evaluate("window.harmed") is None
    assert asked == []


@pytest.mark.thorough
def test_pictures_show_all_of_the_tab(speed):
    drawn = ElementTree.fromstring(export(speed, "Picture (SVG)"))
    assert drawn.tag == "{http://www.w3.org/2000/svg}svg"
    assert drawn.get("width") == "1280" and int(drawn.get("height")) > 720
    painted = export(speed, "Picture (PNG)")
    assert painted.startswith(b"\x89PNG")
    width, height = (int.from_bytes(painted[start : start + 4], "big") for start in (16, 20))
    assert (width, height) == (2560, 2 * int(drawn.get("height")))
    assert len(painted) > 30_000


@pytest.mark.thorough
def test_tables_and_numbers_name_models_data_and_link(speed):
    rows = list(csv.reader(io.StringIO(export(speed, "Numbers (CSV)").decode("utf-8-sig"))))
    assert [row[0] for row in rows if row and row[0] in ("teacher", "student-1")][:2] == [
        "teacher",
        "student-1",
    ]
    assert "speed.cost=parameters" in rows[-1][0]
    numbers = json.loads(export(speed, "Numbers (JSON)"))
    assert [model["name"] for model in numbers["models"]] == ["teacher", "student-1"]
    assert "invented sample, dev" in numbers["reproduce"]
    assert "words" not in numbers
