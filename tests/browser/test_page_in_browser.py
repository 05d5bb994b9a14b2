"""The page as a whole: each tab in both languages, links and files of a view, phones, and who sees little."""

import re
import subprocess
import sys
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser_app import APP, HOSTILE
from conftest import WORDS
from playwright.sync_api import expect

from tinynewsrec.views.words import FOLDER, words

pytestmark = pytest.mark.browser
TABS = ("reader", "why", "whatif", "errors", "map", "speed", "training", "headline", "data")
GRADIO = [".overflow-menu", "footer", ".toast-wrap"]  # drawn by Gradio alone
OF_THE_DATA = (
    "teacher student invented sample dev sports sub Nothing here happened tiny random bert travel Tiny "
    "NewsRec the category column target img src onerror window harmed bold wind nov English "
)
OF_PACKAGES = "python tinynewsrec torch cpu transformers gradio plotly captum numpy pyarrow SHA "
REWRITTEN = "colses You won believe this and nobody expected what came next"  # headlines stay in English
TEXTS = """() => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  while (walker.nextNode()) {
    const { parentElement, data } = walker.currentNode;
    if (parentElement.matches('.drawn :not(style, script), [role=tab]')) found.push(data);
  }
  const names = ['aria-label', 'title', 'placeholder', 'alt'];
  for (const made of document.querySelectorAll('.drawn *'))
    names.forEach((name) => found.push(made.getAttribute(name) ?? ''));
  return found;
}"""


def turn_to(page, place: int, language: str = "en") -> None:
    """With the key of the tab, until it is drawn."""
    if page.locator(f".drawn-{TABS[place]} .drawn").is_hidden():
        page.keyboard.press(str(place + 1))
    drawn = f"document.querySelector('.drawn-{TABS[place]} .drawn')"
    page.wait_for_function(
        f"{drawn}?.value?.language === {language!r} && {drawn}.querySelector('h2, .empty')"
    )
    expect(page.locator(f".drawn-{TABS[place]} .drawn")).to_be_visible()
    page.wait_for_function("!document.querySelector('.plot:empty')")


def view_of(page) -> dict:
    return {name: found for name, found in parse_qs(urlsplit(page.url).query).items() if name[:2] != "__"}


WEIGHT = """() => performance.getEntriesByType("resource")
  .filter(({ name }) => !name.includes("plotly"))
  .reduce((sum, { transferSize }) => sum + transferSize, 0)"""
HEAVIEST = 1_000_000  # bytes before anything is clicked; charts come when nothing else does


def spoken(text: str) -> set[str]:
    """Words, but not the letters of a checkpoint's hash."""
    said = re.sub(r"\b[0-9a-f]{8,}\b", "", text)
    return {word.lower() for word in re.findall(r"[^\W\d_]{3,}", said)}


def test_a_ranked_list_appears_with_its_source(open_page):
    page = open_page()
    expect(page.locator("h1")).to_have_text("Tiny-NewsRec")
    ranks = page.locator("table.ranking").first.locator("tbody td.sorted .rank")
    expect(ranks).to_have_text([str(rank) for rank in range(1, 11)])
    expect(page.locator(".masthead")).to_contain_text("Nothing here happened.")
    expect(page.locator(".drawn-reader .source").first).to_contain_text(
        "Readers, clicks and stories are invented."
    )
    expect(page.locator("footer")).to_contain_text("Use via API")
    assert 100_000 < page.evaluate(WEIGHT) < HEAVIEST


def test_in_spanish_every_tab_has_its_heading_and_nothing_is_left_in_english(open_page):
    page = open_page(query="impression=5")
    tables = " ".join((FOLDER / "es" / f"{path.stem}.json").read_text() for path in FOLDER.glob("es/*.json"))
    known = spoken(tables) | spoken(" ".join(WORDS)) | spoken(OF_THE_DATA + OF_PACKAGES + REWRITTEN)
    page.keyboard.press("l")
    expect(page.locator("html")).to_have_attribute("lang", "es")
    for place, tab in enumerate(TABS):
        turn_to(page, place, "es")
        expect(page.get_by_role("tab", name=words("es", tab)["tab"], exact=True)).to_have_attribute(
            "aria-selected", "true"
        )
        expect(page.locator(f".drawn-{tab} h2").first).to_have_text(re.compile(r"\w"))
    left = {text for text in page.evaluate(TEXTS) if spoken(text) - known}
    assert not left, left


VIEW = {
    "tab": "training",
    "impression": "5",
    "headlines": "the mayor wins",
    "training.section": "surgery",
    "training.strategy": "pcgrad",
    "training.angle": "150",
    "speed.cost": "parameters",
    "speed.cached": "0",
    "map.search": "storm",
    "headline.text": HOSTILE,
}


AT_ONCE = """() => {
  const sliders = document.querySelectorAll(".drawn-training input[type=range]");
  [150, 2, 0.5].forEach((value, place) => {
    sliders[place].value = value;
    sliders[place].dispatchEvent(new Event("change"));
  });
  [...document.querySelectorAll(".tools button")].find((made) => made.textContent === "Español").click();
  document.querySelectorAll("[role=tab]")[5].click();
}"""


def test_of_what_is_asked_at_once_nothing_is_lost(open_page):
    page = open_page(query="tab=training&training.section=surgery")
    page.evaluate(AT_ONCE)
    expect(page).to_have_url(re.compile("tab=speed"))
    page.wait_for_timeout(1000)  # milliseconds, in which no late answer may undo anything
    chosen = {"section": "surgery", "angle": "150", "ratio": "2", "weight": "0.5"}
    assert view_of(page) == {"v": ["1"], "tab": ["speed"], "language": ["es"]} | {
        f"training.{name}": [value] for name, value in chosen.items()
    }


def test_a_copied_link_opens_the_same_view(open_page):
    page = open_page(query="&".join(f"{name}={quote(value)}" for name, value in VIEW.items()))
    expect(page.locator(".drawn-training .choice[aria-pressed=true]").first).to_have_text("Surgery")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy link").click()
    expect(page.locator(".told")).to_have_text("Link copied")
    link = page.evaluate("navigator.clipboard.readText()")
    assert parse_qs(urlsplit(link).query) == {"v": ["1"]} | {name: [value] for name, value in VIEW.items()}
    again = open_page(query=urlsplit(link).query)
    shown = "document.querySelector('.drawn-training .drawn').value?.options"
    again.wait_for_function(shown)
    again.wait_for_timeout(1000)  # milliseconds, in which nothing may turn the page elsewhere
    assert again.evaluate(shown) == page.evaluate(shown)
    assert view_of(again) == view_of(page)
    expect(again.get_by_role("tab", name="Training")).to_have_attribute("aria-selected", "true")


def test_a_bad_link_is_named_and_the_page_works(open_page):
    bad = "v=9&tab=nowhere&speed.cost=beauty&speed.rounds=many&stranger=1&whatif.=x&impression=%3Cb%3E"
    page = open_page(query=bad)
    message = page.locator(".drawn-notice .message")
    for part in ("tab", "speed.cost", "speed.rounds", "stranger"):
        expect(message).to_contain_text(part)
    expect(page.locator("table.ranking").first.locator("tbody tr")).to_have_count(10)
    turn_to(page, TABS.index("speed"))
    expect(page.locator(".drawn-notice .message")).to_have_count(0)


@pytest.mark.thorough
def test_a_view_is_saved_as_a_file_and_opened_again(open_page, tmp_path):
    page = open_page(query="tab=training&training.section=surgery&impression=5")
    page.get_by_text("Export", exact=True).click()
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save view").click()
    saved.value.save_as(tmp_path / "view.json")
    other = open_page()
    for name, text in (("view.json", None), ("wrong.json", "[1")):
        if text:
            (tmp_path / name).write_text(text)
        other.get_by_text("Export", exact=True).click()
        with other.expect_file_chooser() as chosen:
            other.get_by_role("button", name="Open view").click()
        chosen.value.set_files(tmp_path / name)
        if text:
            expect(other.locator(".told")).to_have_text("This is not a view saved by this app.")
        expect(other.get_by_role("tab", name="Training")).to_have_attribute("aria-selected", "true")
        assert view_of(other) == view_of(page)


def test_on_a_phone_no_tab_scrolls_sideways_and_a_hostile_headline_is_text_in_each(open_page):
    query = f"impression=5&headlines={quote(HOSTILE)}&headline.text={quote(HOSTILE)}"
    page = open_page(width=390, height=844, query=query)
    for place, tab in enumerate(TABS):
        turn_to(page, place)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, tab
        assert page.locator(".drawn img, .drawn b").count() == 0, tab
        assert page.evaluate("window.harmed") is None, tab
    assert HOSTILE in page.evaluate(f"({TEXTS})().join('\\n')")
    for name in ("Export", "Present"):
        page.get_by_text(name, exact=True).click()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, name


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nobody_is_shut_out_of_any_tab(open_page, theme):
    page = open_page(theme=theme, query="impression=5&headlines=the%20mayor&speed.cost=parameters")
    found = {}
    for place, tab in enumerate(TABS):
        turn_to(page, place)
        found |= {f"{tab} {each}": nodes for each, nodes in barriers(page).items()}
    page.keyboard.press("p")
    page.locator(".presenter").wait_for()
    found |= {f"presenter {each}": nodes for each, nodes in barriers(page).items()}
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    found |= {f"help {each}": nodes for each, nodes in barriers(page).items()}
    assert found == {}


def barriers(page) -> dict[str, list[str]]:
    """What axe calls serious or critical, and where."""
    found = Axe().run(page, context={"exclude": [[selector] for selector in GRADIO]}).response["violations"]
    return {
        each["id"]: [node["html"][:200] for node in each["nodes"][:5]]
        for each in found
        if each["impact"] in ("serious", "critical")
    }


def test_a_wrong_folder_is_one_readable_message(tmp_path):
    wrong = subprocess.run(
        [sys.executable, APP, "--data", tmp_path / "nowhere"], capture_output=True, text=True
    )
    assert wrong.returncode == 1
    assert "nowhere is not a folder" in wrong.stderr
    assert "Traceback" not in wrong.stderr
