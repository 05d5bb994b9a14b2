"""The page as a whole, and the reader that it opens with."""

import subprocess
import sys

import pytest
from browser_app import APP
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def source(page):
    return page.locator(".drawn-reader .lists > .source").first


def contrast(page, selector: str) -> float:
    """Of a text with what lies behind it, as WCAG counts it."""
    return page.locator(selector).first.evaluate("""(element) => {
      const parse = (text) => text.match(/[\\d.]+/g).map(Number);
      let behind = element;
      const fill = (one) => getComputedStyle(one ?? document.body).backgroundColor;
      while (behind && (parse(fill(behind))[3] ?? 1) === 0) behind = behind.parentElement;
      const light = ([r, g, b]) => [r, g, b]
        .map((value) => value / 255)
        .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4))
        .reduce((sum, value, place) => sum + value * [0.2126, 0.7152, 0.0722][place], 0);
      const [low, high] = [getComputedStyle(element).color, fill(behind)]
        .map((text) => light(parse(text)))
        .sort((one, other) => one - other);
      return (high + 0.05) / (low + 0.05);
    }""")


def test_a_ranked_list_appears_with_its_source(open_page):
    page = open_page()
    expect(page.locator("h1")).to_have_text("Tiny-NewsRec")
    rows = page.locator("table.ranking").first.locator("tbody tr")
    expect(rows).to_have_count(10)
    assert [int(text) for text in rows.locator("td.sorted .rank").all_inner_texts()] == list(range(1, 11))
    expect(page.locator(".masthead")).to_contain_text("Nothing here happened.")
    expect(source(page)).to_contain_text("Readers, clicks and stories are invented.")


def test_the_speed_tab_times_every_model(open_page):
    page = open_page()
    page.get_by_role("tab", name="Speed").click()
    page.get_by_role("button", name="Measure").click()
    rows = page.locator("table.plain tbody tr")
    expect(rows).to_have_count(2)
    expect(page.locator(".js-plotly-plot .textpoint")).to_have_count(2)
    assert [row.split("\t")[0] for row in rows.all_inner_texts()] == ["teacher", "student-1"]
    expect(page.locator(".drawn-table").first).to_contain_text("64 titles of invented sample, dev")


def test_timing_can_be_stopped(open_page):
    page = open_page()
    page.get_by_role("tab", name="Speed").click()
    for name, number in (("Rounds", "50"), ("Titles", "256"), ("Titles in a batch", "1")):
        page.get_by_label(f"number input for {name}", exact=True).fill(number)
    page.get_by_role("button", name="Measure").click()
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".message").filter(has_text="Stopped")).to_have_count(1)
    expect(page.get_by_role("button", name="Stop", exact=True)).to_be_disabled()
    expect(page.get_by_role("button", name="Measure", exact=True)).to_be_enabled()
    expect(page.locator(".js-plotly-plot .gtitle")).to_have_count(page.locator("table.plain").count())


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_can_be_read_in_light_and_in_dark(open_page, theme):
    page = open_page(theme=theme)
    selectors = (
        "h1",
        ".tagline",
        ".notice",
        ".topic",
        ".shift.up",
        ".shift.down",
        ".mark",
        ".score",
        ".layers",
    )
    found = {selector: contrast(page, selector) for selector in selectors if page.locator(selector).count()}
    assert min(found.values()) >= 4.5, found
    assert len(found) > 6


@pytest.mark.parametrize("tab", ["Reader", "Speed"])
def test_a_phone_does_not_scroll_sideways(open_page, tab):
    page = open_page(width=390, height=844)
    page.get_by_role("tab", name=tab).click()
    if tab == "Speed":
        page.get_by_role("button", name="Measure").click()
        expect(page.locator(".js-plotly-plot .textpoint")).to_have_count(2)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_wrong_folder_is_one_readable_message(tmp_path):
    wrong = subprocess.run(
        [sys.executable, APP, "--data", tmp_path / "nowhere"], capture_output=True, text=True
    )
    assert wrong.returncode == 1
    assert "nowhere is not a folder" in wrong.stderr
    assert "Traceback" not in wrong.stderr
