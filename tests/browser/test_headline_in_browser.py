"""The tab Headline: any headline is read, and any label asked about."""

import pytest
from browser_app import HOSTILE
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def body(page):
    return page.locator(".drawn-headline .drawn")


def test_a_typed_headline_is_read_and_another_label_asked_about(open_page):
    page = open_page(query="tab=headline&impression=5")
    field = body(page).get_by_label("Headline", exact=True)
    field.fill("the mayor wins")
    field.press("Enter")
    expect(body(page).locator(".words .word")).to_have_text(["the", "mayor", "wins"])
    before = body(page).locator("section h3").first.inner_text()
    body(page).locator(".guess button[aria-pressed=false]").first.click()
    expect(body(page).locator("section h3").first).not_to_have_text(before)
    expect(body(page).locator(".guess")).to_have_count(2)


@pytest.mark.thorough
def test_a_known_headline_stands_beside_its_label_and_a_hostile_one_is_text(open_page):
    page = open_page(query="tab=headline&impression=5")
    body(page).get_by_label("Candidates of this impression").select_option(label=HOSTILE)
    expect(body(page).locator(".mark")).to_have_count(1)
    expect(body(page).get_by_label("Headline", exact=True)).to_have_value(HOSTILE)
    assert page.evaluate("window.harmed") is None
