"""Editing a reader and a headline, and the tests, as somebody at the page does it."""

import re

import pytest
from browser_app import HOSTILE
from playwright.sync_api import expect

pytestmark = pytest.mark.browser
AT = "tab=whatif&impression=4"  # a reader with six clicks


def body(page):
    return page.locator(".drawn-whatif .drawn")


def clicks(page):
    return body(page).locator(".click:not(.gone)")


@pytest.mark.thorough
def test_a_click_is_removed_and_put_back_with_the_keyboard(open_page):
    page = open_page(query=AT)
    expect(body(page)).to_contain_text("Nothing is edited yet")
    expect(clicks(page)).to_have_count(6)
    body(page).get_by_role("button", name=re.compile("^Remove:")).first.focus()
    page.keyboard.press("Enter")
    expect(clicks(page)).to_have_count(5)
    expect(body(page).locator(".click.gone")).to_have_count(1)
    expect(body(page)).not_to_contain_text("Nothing is edited yet")
    body(page).get_by_role("button", name="Put back").press("Enter")
    expect(clicks(page)).to_have_count(6)
    expect(body(page)).to_contain_text("Nothing is edited yet")


@pytest.mark.thorough
def test_a_moved_click_keeps_the_focus_and_the_page_says_that_order_does_not_count(open_page):
    page = open_page(query=AT)
    body(page).get_by_role("button", name=re.compile("^Make earlier:")).first.press("Enter")
    expect(body(page).locator(".tag.moved").first).to_be_visible()
    expect(body(page)).to_contain_text("The same clicks in another order.")
    assert page.evaluate("document.activeElement.dataset.key").startswith("earlier:")


def test_a_headline_is_rewritten_and_a_link_gives_the_view_back(open_page):
    page = open_page(query=AT)
    field = body(page).get_by_label("New headline")
    field.fill(HOSTILE[:100])
    field.press("Enter")
    expect(body(page).locator(".diff ins")).to_have_text(HOSTILE[:100])
    expect(body(page).locator(".effect .tag", has_text="rewritten")).to_have_count(1)
    assert page.evaluate("window.harmed") is None
    expect(page).to_have_url(re.compile("whatif.headlines="))
    again = open_page(query=page.evaluate("location.search.slice(1)"))
    expect(body(again).locator(".diff ins")).to_have_text(HOSTILE[:100])


@pytest.mark.thorough
def test_a_suggested_edit_is_applied_and_taken_back(open_page):
    page = open_page(query=AT)
    body(page).locator(".rule button").first.click()
    expect(body(page).locator(".diff")).to_have_count(1)
    body(page).get_by_role("button", name="Take this headline back").click()
    expect(body(page)).to_contain_text("As published.")


@pytest.mark.thorough
def test_tests_run_with_progress_and_a_failure_opens_its_reader(open_page):
    page = open_page(query=f"{AT}&whatif.readers=10&whatif.tolerance=0")
    body(page).get_by_role("button", name="Run the tests").click()
    cells = body(page).locator(".tested")
    expect(cells.first).to_be_visible()
    expect(page.locator(".running")).to_have_count(0)
    body(page).get_by_role("button", name=re.compile("^Failures: .*(Typo|Shorter|Every)")).first.click()
    expect(body(page).get_by_role("heading", name=re.compile("^Failures: "))).to_be_visible()
    body(page).get_by_role("button", name=re.compile("^Open:")).first.click()
    expect(body(page)).not_to_contain_text("Nothing is edited yet")


@pytest.mark.thorough
def test_the_words_search_answers_for_every_model(open_page):
    page = open_page(query=AT)
    body(page).get_by_role("button", name="Search the fewest words").click()
    expect(body(page)).not_to_contain_text("not searched yet")


@pytest.mark.thorough
def test_the_tab_speaks_spanish_and_fits_a_narrow_dark_page(open_page):
    page = open_page(width=390, height=800, theme="dark", query=f"{AT}&language=es")
    expect(body(page).get_by_role("heading", name="Antes y después")).to_be_visible()
    expect(body(page).get_by_role("heading", name="Pruebas de comportamiento")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
