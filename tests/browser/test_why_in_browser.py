"""The tab Why: clicks that add up, words by several methods, what anybody would get."""

import re

import pytest
from browser_app import HOSTILE
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

WITH_CLICKS = "tab=why&impression=9"  # of reader U108, who clicked sixteen stories


def tab(page):
    return page.locator(".drawn-why .drawn")


def figures(page, row) -> list[float]:
    """A row's number of each model."""
    texts = row.locator("td").all_inner_texts()
    found = [re.match(r"\W*([+−]?[\d.]+)", text.replace("▲", "").replace("▼", "").strip()) for text in texts]
    return [float(match[1].replace("−", "-")) for match in found if match]


def split(page):
    return tab(page).locator("table").nth(1)


def ask(page, name: str) -> None:
    tab(page).get_by_role("button", name=name, exact=True).click()


def test_what_is_shown_of_the_clicks_adds_up_to_the_score(open_page):
    page = open_page(query=WITH_CLICKS)
    rows = split(page).locator("tbody tr")
    expect(rows.last).to_contain_text("Score of A = sum")
    *parts, total = [figures(page, row) for row in rows.all()]
    for place in range(2):
        assert sum(row[place] for row in parts if len(row) > place) == pytest.approx(total[place], abs=0.02)
    expect(tab(page)).to_contain_text("Exact: the reader's vector is a weighted mean")


@pytest.mark.thorough
def test_another_story_and_the_one_above_it_are_explained(open_page):
    page = open_page(query=WITH_CLICKS)
    stories = tab(page).locator("table").first.locator("tbody tr")
    before = stories.all_inner_texts()
    ask(page, "Swap A and B")
    expect(stories.first).to_contain_text(before[1].split("\t")[0].removeprefix("B").strip())
    ask(page, "A above B")
    expect(split(page)).to_contain_text("Score of A less score of B = sum")
    tab(page).get_by_label("Story A").select_option(index=4)
    expect(stories.first).not_to_contain_text(before[1].split("\t")[0].removeprefix("B").strip())


@pytest.mark.thorough
def test_a_reader_without_clicks_is_told_where_the_score_comes_from(open_page):
    page = open_page(query="tab=why&impression=1")
    expect(tab(page)).to_contain_text("This reader has no clicks")
    expect(split(page).locator("tbody tr")).to_have_count(2)


@pytest.mark.thorough
def test_words_are_explained_at_once_and_by_what_takes_longer(open_page):
    page = open_page(query=WITH_CLICKS)
    ask(page, "Which words?")
    rows = tab(page).locator(".word-row")
    expect(rows).to_have_count(2)
    expect(rows.nth(1)).to_contain_text("rank correlation")
    ask(page, "Integrated gradients")
    expect(tab(page)).to_contain_text("Not computed yet")
    ask(page, "Compute for all models")
    expect(rows.first).to_contain_text("adds up to")
    ask(page, "Check the methods")
    checked = tab(page).get_by_role("region", name="Faithfulness of each method and model")
    expect(checked.locator("tbody tr")).to_have_count(10)
    expect(checked).to_contain_text("Random (10 seeds)")


@pytest.mark.thorough
def test_what_anybody_would_get_is_a_chart_and_a_table(open_page):
    page = open_page(query=f"{WITH_CLICKS}&why.part=anybody")
    expect(tab(page).locator(".plot svg.main-svg").first).to_be_visible()
    tab(page).locator("summary").click()
    expect(tab(page).locator("details table tbody tr")).to_have_count(2)


@pytest.mark.thorough
def test_a_headline_full_of_tags_and_templates_stays_text(open_page):
    page = open_page(query=f"{WITH_CLICKS}&story=N0&why.part=words")
    word = HOSTILE.split()[0]
    expect(tab(page).locator(".word").filter(has_text=word).first).to_be_visible()
    ask(page, "What would anybody get?")
    expect(tab(page).locator(".plot svg.main-svg").first).to_be_visible()
    assert page.evaluate("window.harmed") is None


@pytest.mark.thorough
def test_a_link_restores_the_question_in_the_other_language(open_page):
    query = f"{WITH_CLICKS}&why.part=words&why.method=attention&why.title=other&language=es"
    page = open_page(query=query, theme="dark", width=390, height=800)
    pressed = tab(page).locator("[aria-pressed=true]")
    expect(pressed).to_have_text(["¿Qué palabras?", "B", "Atención"])
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.thorough
def test_the_keyboard_alone_asks_another_question_and_keeps_its_place(open_page):
    page = open_page(query=WITH_CLICKS)
    button = tab(page).get_by_role("button", name="Newest first")
    button.focus()
    page.keyboard.press("Enter")
    expect(button).to_have_attribute("aria-pressed", "true")
    expect(button).to_be_focused()
    expect(split(page).locator("tbody tr").first).to_contain_text("newest")
