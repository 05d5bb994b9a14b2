"""The tab Data and models: a reader's own files, for their page alone, and files that cannot be read."""

import zipfile

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser
NEWS = "".join(f"N{n}\tsports\tsub\tthe river storm {n}\tAbstract\turl\t[]\t[]\n" for n in range(5))
GOOD = "1\tU9\t11/15/2019 8:00:00 AM\tN0\tN1-0 N2-1\n"
BAD = GOOD + "2\tU9\tN0\tN1-0 N2-1\n"  # no time


def body(page):
    return page.locator(".drawn-data .drawn")


def facts(page):
    return page.locator(".masthead .facts")


@pytest.fixture
def archive(tmp_path):
    def archive(behaviors: str):
        with zipfile.ZipFile(tmp_path / "mine.zip", "w") as file:
            file.writestr("MIND/news.tsv", NEWS)
            file.writestr("MIND/behaviors.tsv", behaviors)
        return tmp_path / "mine.zip"

    return archive


@pytest.mark.thorough
def test_own_files_are_shown_on_their_page_alone_until_it_goes_back(open_page, archive):
    page, other = open_page(query="tab=data"), open_page(query="tab=data")
    body(page).locator("input[type=file]").set_input_files(archive(GOOD))
    expect(facts(page)).to_contain_text("1 impression of 1 reader, 5 stories")
    page.locator(".working").wait_for(state="detached")
    expect(facts(page)).to_contain_text("student-1")
    page.keyboard.press("1")
    expect(page.locator("table.ranking").first.locator("tbody tr")).to_have_count(2)
    other.keyboard.press("1")
    expect(other.locator("table.ranking").first.locator("tbody tr")).to_have_count(10)
    page.keyboard.press("9")
    body(page).get_by_role("button", name="Back to what").click()
    expect(facts(page)).to_contain_text("10 impressions of 9 readers")


def test_a_file_that_cannot_be_read_is_named_with_its_line_and_changes_nothing(open_page, archive, tmp_path):
    page = open_page(query="tab=data")
    message = page.locator(".drawn-notice .message")
    body(page).locator("input[type=file]").set_input_files(archive(BAD))
    expect(message).to_contain_text("behaviors.tsv")
    expect(message).to_contain_text("line 2")
    (tmp_path / "notes.zip").write_text("no archive")
    body(page).locator("input[type=file]").set_input_files(tmp_path / "notes.zip")
    expect(message).to_contain_text("notes.zip is no zip archive that can be read")
    expect(facts(page)).to_contain_text("10 impressions of 9 readers")
    assert "Traceback" not in page.content()
