"""The tab Reader: choosing a reader, making one up, typing headlines, re-ranking, all stories."""

import re

import pytest
from browser_app import HOSTILE
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def source(page):
    return page.locator(".drawn-reader .lists > .source").first


def rows(page):
    return page.locator("table.ranking").first.locator("tbody tr")


def submit(page, label: str, text: str) -> None:
    field = page.get_by_label(label)
    field.fill(text)
    field.press("Enter")


@pytest.mark.thorough
def test_a_list_can_be_sorted_by_another_model_and_shown_whole(open_page):
    page = open_page()
    page.get_by_role("button", name=re.compile("^student-1")).click()
    expect(page.locator("th[aria-sort=ascending]")).to_contain_text("student-1")
    page.get_by_role("button", name="Show all 12").click()
    expect(rows(page)).to_have_count(12)
    ranks = rows(page).locator("td.sorted .rank").all_inner_texts()
    assert [int(re.match(r"\d+", text)[0]) for text in ranks] == list(range(1, 13))


@pytest.mark.thorough
def test_a_picker_changes_the_reader(open_page):
    page = open_page()
    page.get_by_role("button", name="New, no history").click()
    expect(source(page)).to_contain_text("reader U100,")
    expect(page.locator(".drawn-reader .side")).to_contain_text("No clicks before this impression")
    page.get_by_role("button", name="Models disagree most").click()
    expect(source(page)).not_to_contain_text("reader U100,")
    chosen = page.get_by_role("combobox", name="Reader", exact=True)
    expect(chosen.locator("option:checked")).to_contain_text("rank correlation with teacher")


@pytest.mark.thorough
def test_an_id_is_found_and_an_unknown_one_keeps_the_view_and_offers_a_near_one(open_page):
    page = open_page()
    submit(page, "Reader or impression id", "U102")
    expect(source(page)).to_contain_text("reader U102,")
    message = page.locator(".drawn-reader .message")
    submit(page, "Reader or impression id", "<b>U1033</b>")
    expect(message).to_contain_text("No reader and no impression in invented sample, dev")
    submit(page, "Reader or impression id", "U1033")
    expect(message).to_contain_text("'U1033'")
    expect(source(page)).to_contain_text("reader U102,")
    message.get_by_role("button").click()
    expect(source(page)).to_contain_text("reader U103,")
    expect(message).to_have_count(0)


@pytest.mark.thorough
def test_surprise_shows_another_impression(open_page):
    page = open_page()
    before = source(page).inner_text()
    page.get_by_role("button", name="Surprise me").click()
    expect(source(page)).not_to_have_text(before)


@pytest.mark.thorough
def test_a_reader_with_two_impressions_offers_both(open_page):
    page = open_page()
    for reader in ("U102", "U108"):
        submit(page, "Reader or impression id", reader)
        expect(source(page)).to_contain_text(f"reader {reader},")
    page.get_by_role("combobox", name="Impression", exact=True).select_option(index=1)
    expect(source(page)).to_contain_text("impression 10 of reader U108")


@pytest.mark.thorough
def test_a_hostile_headline_is_text_and_runs_nothing_whether_read_or_typed(open_page):
    page = open_page()
    page.get_by_role("button", name="Show all 12").click()
    expect(rows(page)).to_have_count(12)
    expect(rows(page).get_by_text(HOSTILE, exact=True)).to_have_count(1)
    submit(page, "Your own headline", f"mine {HOSTILE}")
    expect(rows(page).get_by_text(f"mine {HOSTILE}", exact=True)).to_have_count(1)
    page.get_by_role("button", name="Rank all stories").click()
    expect(page.locator("table.plain")).to_have_count(1)
    assert page.evaluate("window.harmed") is None
    assert page.locator(".drawn img, .drawn b").count() == 0


def test_a_typed_headline_is_ranked_by_every_model_marked_and_forgotten_again(open_page):
    page = open_page()
    submit(page, "Your own headline", "storm closes the bridge")
    own = page.locator("table.ranking tr.own")
    expect(own).to_contain_text("yours")
    expect(own.locator(".rank")).to_have_count(2)
    expect(page.get_by_label("Your own headline")).to_have_value("")
    own.get_by_role("button", name=re.compile("Remove")).click()
    expect(own).to_have_count(0)


@pytest.mark.thorough
def test_a_reader_is_made_up_by_clicking_headlines_and_the_link_brings_it_back(open_page):
    page = open_page()
    page.get_by_role("button", name="Build a reader").click()
    page.get_by_role("button", name="Start without clicks").click()
    clicks = page.locator(".side > ol.stories > li")
    expect(clicks).to_have_count(0)
    submit(page, "Words of a title or a topic", "mayor")
    expect(page.locator(".builder [role=status]")).to_contain_text("shown")
    page.locator(".found button").first.click()
    expect(clicks).to_have_count(1)
    expect(source(page)).to_contain_text("The history was changed")
    title = clicks.locator(".headline").inner_text()
    page.wait_for_function("location.search.includes('history=')")
    other = open_page(query=page.evaluate("location.search.slice(1)"))
    expect(other.locator(".side > ol.stories .headline")).to_have_text([title])
    page.get_by_role("button", name=re.compile("^Back to")).click()
    expect(source(page)).not_to_contain_text("The history was changed")


@pytest.mark.thorough
def test_the_slider_re_ranks_by_keyboard_and_says_so(open_page):
    page = open_page()
    slider = page.get_by_role("slider", name="Diversity")
    slider.focus()
    slider.press("End")
    expect(source(page)).to_contain_text("Re-ranked with diversity 1.0")
    expect(slider).to_be_focused()
    expect(page.locator("table.metrics")).to_contain_text("by score")


@pytest.mark.thorough
def test_the_bump_chart_has_a_line_for_every_story_in_sight(open_page):
    page = open_page()
    lines = page.locator("svg.bump .line")
    expect(lines).to_have_count(10)
    page.get_by_role("button", name="Show all 12").click()
    expect(lines).to_have_count(12)
    ranks = sorted(map(int, lines.locator(".place").all_text_contents()))
    assert ranks == sorted([*range(1, 13)] * 2)


@pytest.mark.thorough
def test_all_stories_are_ranked_for_the_reader(open_page):
    page = open_page()
    page.get_by_role("button", name="Rank all stories").click()
    found = page.locator("table.plain tbody tr")
    expect(found).to_have_count(20)
    expect(page.locator(".drawn-reader .lists")).to_contain_text("in common with teacher")
    page.get_by_role("button", name="Hide").click()
    expect(found).to_have_count(0)


@pytest.mark.thorough
@pytest.mark.parametrize("width", [390, 1280])
def test_in_spanish_the_tab_says_nothing_in_english_and_fits(open_page, width):
    page = open_page(width=width, query="language=es&reader.build=1&reader.corpus=1&headlines=storm")
    expect(source(page)).to_contain_text("del lector")
    for text in ("Crear un lector", "De entre todas las noticias", "suyo"):
        expect(page.locator(".drawn-reader .drawn")).to_contain_text(text)
    assert not re.search(
        r"\b(clicked|Show|stories|rank)\b", page.locator(".drawn-reader .drawn").inner_text()
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= width
