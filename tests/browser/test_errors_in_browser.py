"""The tab Errors: quadrant, list, slices, search, tags and notes with their files."""

import re

import pytest
from browser_app import HOSTILE
from playwright.sync_api import expect

from tinynewsrec.analysis.annotations import Annotation, read, to_csv
from tinynewsrec.views.words import words

pytestmark = pytest.mark.browser
NOTE = Annotation("3", "teacher", "student-1", "=entity", "", "Ana", "2026-01-31T12:00:00Z")


@pytest.fixture
def open_errors(open_page):
    def open_errors(query: str = "tab=errors", **settings):
        page = open_page(query=query, **settings)
        page.locator(".drawn-errors .quadrant").wait_for()
        return page

    return open_errors


def rows(page):
    return page.locator(".errors-list tbody tr")


def upload(page, text: str) -> None:
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Open a file").click()
    chooser.value.set_files({"name": "notes.csv", "mimeType": "text/csv", "buffer": text.encode()})


def test_the_cells_hold_all_impressions_and_the_link_brings_back_the_chosen_one(open_errors):
    page = open_errors()
    cells = page.locator(".quadrant .cell")
    assert sum(int(text) for text in cells.locator("strong").all_inner_texts()) == 10
    cells.nth(3).click()
    expect(cells.nth(3)).to_have_attribute("aria-pressed", "true")
    expect(rows(page)).to_have_count(int(cells.nth(3).locator("strong").inner_text()))
    page.wait_for_function("location.search.includes('errors.cell=neither')")
    other = open_errors(query=page.evaluate("location.search.slice(1)"))
    expect(other.locator(".quadrant .cell").nth(3)).to_have_attribute("aria-pressed", "true")
    expect(rows(other)).to_have_text(rows(page).all_inner_texts(), use_inner_text=True)


@pytest.mark.thorough
def test_keys_walk_through_the_list_and_open_an_impression_in_the_tab_reader(open_errors):
    page = open_errors("tab=errors&errors.cell=all")
    expect(rows(page)).to_have_count(10)
    page.keyboard.press("j")
    second = rows(page).nth(1).locator(".item button")
    page.keyboard.press("j")
    expect(second).to_be_focused()
    impression = second.inner_text()
    page.keyboard.press("Enter")
    expect(page.locator(".drawn-reader .source").first).to_contain_text(f"impression {impression} of")


@pytest.mark.thorough
def test_a_slice_is_looked_at_from_the_table_of_the_chart_and_left_again(open_errors):
    page = open_errors("tab=errors&errors.feature=history length")
    page.locator("figure summary").click()
    page.get_by_role("button", name="Look at 0", exact=True).click()
    expect(page.get_by_role("button", name="Remove: clicks in the history: 0")).to_have_count(1)
    expect(page.locator(".drawn-errors .drawn")).to_contain_text("Small: n = 1, fewer than 50")
    page.get_by_role("button", name="Show all", exact=True).click()
    expect(page.locator(".drawn-errors .drawn")).to_contain_text("all impressions n = 10")


@pytest.mark.thorough
def test_a_search_among_few_impressions_says_that_there_is_nothing_to_try(open_errors):
    page = open_errors()
    page.get_by_role("button", name="Search", exact=True).click()
    expect(page.locator(".drawn-errors .empty").last).to_contain_text("No slice has enough impressions")


@pytest.mark.thorough
def test_a_tag_stays_in_the_browser_and_travels_as_a_file_without_formulas(open_errors):
    page = open_errors("tab=errors&errors.cell=all")
    impression = rows(page).first.locator(".item").inner_text()
    rows(page).first.get_by_role("button", name="Tag").click()
    expect(page.get_by_label("Your name")).to_be_focused()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".tagging .message")).to_contain_text("Enter your name first")
    page.get_by_label("Your name").fill("Ana")
    page.get_by_role("button", name="clickbait").click()
    page.get_by_label("Note", exact=True).fill(f"=1+1 {HOSTILE}")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(rows(page).first.locator(".tag")).to_have_text("clickbait")
    page.reload()
    expect(rows(page).first.locator(".tag")).to_have_text("clickbait")
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save as CSV").click()
    text = saved.value.path().read_text(encoding="utf-8")
    assert "'=1+1" in text
    (note,) = read(text)
    assert (note.impression, note.tag, note.annotator) == (impression, "clickbait", "Ana")
    assert page.evaluate("window.harmed") is None
    page.locator("details summary", has_text="Tags and notes").click()
    page.get_by_role("button", name="Remove all notes").click()
    expect(page.locator(".drawn-errors .drawn")).to_contain_text("There are no notes yet")
    upload(page, text)
    expect(rows(page).first.locator(".tag")).to_have_text("clickbait")


@pytest.mark.thorough
def test_a_faulty_file_is_told_with_its_line_and_changes_nothing(open_errors):
    page = open_errors()
    upload(page, to_csv([NOTE]) + "1,2\r\n")
    expect(page.locator(".drawn-errors [role=status]")).to_contain_text("Line 3: expected 7 cells, found 2")
    expect(page.locator(".drawn-errors .drawn")).to_contain_text("There are no notes yet")


@pytest.mark.thorough
def test_two_annotators_agree_as_far_as_kappa_says(open_errors):
    page = open_errors()
    tags = {"Ana": "aabb", "Luis": "aaba"}
    notes = [
        NOTE._replace(impression=str(row + 1), annotator=name, tag=tag)
        for name, chosen in tags.items()
        for row, tag in enumerate(chosen)
    ]
    upload(page, to_csv(notes))
    expect(page.locator(".drawn-errors [role=status]")).to_contain_text("8 notes were added")
    page.get_by_role("button", name="Compare", exact=True).click()
    shown = page.locator(".drawn-errors .drawn")
    expect(shown).to_contain_text("Cohen's kappa: 0.50, on n = 4 impressions that Ana and Luis both tagged")
    expect(shown.locator("caption", has_text="Disagreements to discuss: 1 of 1")).to_have_count(1)


@pytest.mark.thorough
@pytest.mark.parametrize(("width", "theme"), [(390, "dark"), (1280, "light")])
def test_in_spanish_the_tab_says_nothing_in_english_and_fits(open_errors, width, theme):
    page = open_errors("tab=errors&language=es&errors.cell=all", width=width, theme=theme)
    shown = page.locator(".drawn-errors .drawn")
    for text in (words("es", "errors")["title"], "Subconjuntos", "Etiquetas y notas"):
        expect(shown).to_contain_text(text)
    assert not re.search(r"\b(right|Slices|Search|Notes|Difference)\b", shown.inner_text())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("window.harmed") is None
