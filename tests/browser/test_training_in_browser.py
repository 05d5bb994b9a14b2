"""The tab Training: its sections, the chart of a log with its table, and the explorer of surgery."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def body(page):
    return page.locator(".drawn-training .drawn")


def section(page, name: str) -> None:
    body(page).get_by_role("button", name=name, exact=True).click()
    expect(body(page).get_by_role("button", name=name, exact=True)).to_have_attribute("aria-pressed", "true")


def test_losses_are_a_chart_with_a_table_and_every_empty_section_says_why(open_page):
    page = open_page(query="tab=training")
    expect(body(page).locator(".js-plotly-plot .scatterlayer .trace")).to_have_count(1)
    body(page).get_by_text("Table:").click()
    assert body(page).locator("tbody tr").all_inner_texts() == ["1\t2.0000", "2\t1.0000", "3\t0.6667"]
    for name in ("Teachers", "Layers", "Conflicts", "Adapter", "Results"):
        section(page, name)
        expect(body(page).locator(".empty")).to_be_visible()


@pytest.mark.thorough
def test_surgery_spares_the_main_task_and_the_slider_keeps_the_focus(open_page):
    page = open_page(
        query="tab=training&training.section=surgery&training.angle=175&training.ratio=3&training.weight=1"
    )
    verdict = body(page).locator(".chart + .muted")
    expect(verdict).to_be_visible()
    body(page).get_by_role("button", name="none").click()
    harmed = verdict.inner_text()
    body(page).get_by_role("button", name="MTRec").click()
    expect(verdict).not_to_have_text(harmed)
    angle = body(page).get_by_role("slider", name="Angle, degrees")
    angle.focus()
    page.keyboard.press("ArrowLeft")
    expect(page).to_have_url(re.compile("training.angle=170"))
    expect(body(page).get_by_role("slider", name="Angle, degrees")).to_be_focused()
