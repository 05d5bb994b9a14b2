"""The tab Speed: measuring, stopping, and what of it the charts and the budget show."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def body(page):
    return page.locator(".drawn-speed .drawn")


def test_every_model_is_timed_and_the_budget_follows(open_page):
    page = open_page(query="tab=speed&speed.rounds=3&speed.titles=8")
    body(page).get_by_role("button", name="Measure").click()
    expect(body(page)).to_contain_text("8 titles of invented sample, dev")
    assert [
        row.split("\t")[0] for row in body(page).locator("table").first.locator("tbody tr").all_inner_texts()
    ] == [
        "teacher",
        "student-1",
    ]
    expect(body(page).locator(".js-plotly-plot .legendtext")).to_have_text(["front", "teacher", "student-1"])
    expect(body(page)).not_to_contain_text("Measure first")
    visits = body(page).get_by_label("Visits an hour")
    before = body(page).locator("table").nth(2).inner_text()
    visits.fill("999999999")
    visits.press("Enter")
    expect(body(page).locator("table").nth(2)).not_to_have_text(before)
    expect(page).to_have_url(re.compile("speed.visits=999999999"))


@pytest.mark.thorough
def test_measuring_tells_how_far_it_is_and_can_be_stopped(open_page):
    page = open_page(query="tab=speed&speed.rounds=50&speed.titles=256&speed.batch=1")
    body(page).get_by_role("button", name="Measure").click()
    running = page.locator(".running")
    expect(running.locator("progress")).to_have_attribute("max", "50")
    running.get_by_role("button", name="Stop").click()
    expect(running).to_have_count(0)
    expect(body(page).get_by_role("button", name="Measure")).to_be_enabled()
