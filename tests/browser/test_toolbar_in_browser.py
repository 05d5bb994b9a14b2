"""What works on every tab: keys and their help, presenting, the tour of a first visit."""

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def test_keys_do_nothing_while_somebody_types_and_their_work_otherwise(open_page):
    page = open_page(query="impression=5")
    before = page.url
    field = page.get_by_label("Your own headline")
    field.click()
    page.keyboard.type("j1kcelp?9")
    expect(field).to_have_value("j1kcelp?9")
    assert page.url == before
    assert page.locator("dialog, .presenter").count() == 0
    field.evaluate("(made) => made.blur()")
    page.keyboard.press("j")
    first = page.evaluate("document.activeElement.closest('.item').textContent")
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.closest('.item').textContent") != first
    page.keyboard.press("k")
    assert page.evaluate("document.activeElement.closest('.item').textContent") == first
    with page.expect_download() as saved:
        page.keyboard.press("e")
    assert saved.value.suggested_filename == "reader.html"
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_contain_text("next, previous")
    page.keyboard.press("2")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert "tab=" not in page.url


def test_a_prepared_story_is_presented_with_the_arrow_keys(open_page):
    page = open_page(query="tab=speed")
    page.keyboard.press("p")
    bar, tools = page.locator(".presenter"), page.locator(".tools").first
    expect(bar).to_contain_text("1 of 5")
    expect(tools).to_be_hidden()
    page.keyboard.press("ArrowRight")
    expect(bar).to_contain_text("2 of 5")
    expect(page.locator(".drawn-why .drawn")).to_be_visible()
    expect(page.locator(".drawn-why .controls").first).to_be_hidden()
    page.keyboard.press("ArrowLeft")
    expect(bar).to_contain_text("1 of 5")
    page.keyboard.press("Escape")
    expect(bar).to_have_count(0)
    expect(tools).to_be_visible()
    page.get_by_text("Present", exact=True).click()
    page.get_by_role("button", name="An error, explained").click()
    expect(bar).to_contain_text("1 of 4")


@pytest.mark.thorough
def test_the_tour_comes_once_and_is_in_nobodys_way(open_page):
    page = open_page(toured=False)
    tour = page.locator(".tour")
    expect(tour).to_contain_text("Welcome")
    page.get_by_role("tab", name="Training").click()
    expect(page.locator(".drawn-training h2").first).to_be_visible()
    page.get_by_role("button", name="Español").click()
    expect(tour).to_contain_text("Bienvenido")
    for _ in range(3):
        tour.get_by_role("button").first.click()
    expect(tour.get_by_role("button")).to_have_count(1)
    tour.get_by_role("button").click()
    expect(tour).to_have_count(0)
    page.reload()
    page.locator(".drawn-training h2").first.wait_for()
    expect(tour).to_have_count(0)
