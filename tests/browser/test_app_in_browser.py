"""Drives the real app in Chromium: python app.py in a process of its own, on a miniature of everything."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from conftest import make_recommender, title

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
expect = playwright.expect

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM, reason="no Chromium: put one on the PATH, or name it in CHROMIUM"),
]
FLAGS = (
    "no-sandbox disable-gpu disable-background-networking disable-component-update disable-sync no-first-run"
)
APP = Path(__file__).resolve().parents[2] / "app.py"
HOSTILE = "<img src=x onerror=window.harmed=1>${window.harmed=1}{{window.harmed}}<b>bold</b> `storm`"
PATIENCE = 60_000  # milliseconds; a busy machine may need them
expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    """Nine readers, one without history, and sixteen stories; the first headline attacks the page.

    More stories, which nobody met, make a measurement last long enough to be stopped.
    """
    folder = tmp_path_factory.mktemp("data") / "dev"
    folder.mkdir()
    titles = [HOSTILE, *(f"{title(number)} {number}" for number in range(1, 256))]
    news = [f"N{i}\tsports\tsub{i % 3}\t{text}\tAbstract\turl\t[]\t[]" for i, text in enumerate(titles)]
    (folder / "news.tsv").write_text("\n".join(news) + "\n")
    candidates = " ".join(f"N{i}-{int(i == 3)}" for i in range(12))
    impressions = [
        ("U100", ""),
        *((f"U10{n}", " ".join(f"N{i % 16}" for i in range(n, 3 * n))) for n in range(1, 9)),
    ]
    impressions.append(impressions[-1])
    lines = [
        f"{n}\t{reader}\t11/15/2019 8:0{n % 10}:00 AM\t{history}\t{candidates}"
        for n, (reader, history) in enumerate(impressions, start=1)
    ]
    (folder / "behaviors.tsv").write_text("\n".join(lines) + "\n")
    sample = {"name": "invented sample", "notice": "Nothing here happened."}
    (folder.parent / "SAMPLE.json").write_text(json.dumps(sample))
    return folder


@pytest.fixture(scope="session")
def checkpoints(tokenizer, tmp_path_factory):
    folder = tmp_path_factory.mktemp("checkpoints")
    for name, layers in (("teacher", 3), ("student-1", 1)):
        make_recommender(tokenizer, layers, layers=layers).save_pretrained(folder / name)
    return folder


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def await_answer(address: str, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + PATIENCE / 1000
    while time.monotonic() < deadline and process.poll() is None:
        try:
            return urlopen(address, timeout=5).close()
        except URLError:
            time.sleep(0.1)
    raise RuntimeError(f"No answer from {address}: {process.stdout.read()}")


@pytest.fixture(scope="session")
def address(data, checkpoints, tmp_path_factory):
    port = free_port()
    command = [sys.executable, APP, "--data", data, "--checkpoints", checkpoints, "--port", str(port)]
    surroundings = os.environ | {"TINYNEWSREC_CACHE": str(tmp_path_factory.mktemp("cache"))}
    with subprocess.Popen(
        [str(word) for word in command],
        cwd=tmp_path_factory.mktemp("elsewhere"),
        env=surroundings,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            await_answer(f"http://127.0.0.1:{port}/", process)
            yield f"http://127.0.0.1:{port}/"
        finally:
            process.terminate()


@pytest.fixture(scope="session")
def browser():
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=CHROMIUM, args=[*(f"--{flag}" for flag in FLAGS.split()), "--disable-quic"]
        )
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser, address):
    """Opens the app; afterwards no page may have complained, or asked another machine for anything."""
    complaints, strangers, pages = [], [], []

    def open_page(width: int = 1280, height: int = 720, theme: str = "light"):
        page = browser.new_page(viewport={"width": width, "height": height})
        page.set_default_timeout(PATIENCE)
        page.on(
            "console", lambda message: complaints.append(message.text) if message.type == "error" else None
        )
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda sent: strangers.append(sent.url) if is_strange(sent.url, address) else None)
        pages.append(page)
        page.goto(f"{address}?__theme={theme}")
        expect(page.locator("table.ranking thead").first).to_contain_text("teacher")
        expect(page.locator(".working")).to_have_count(0)
        return page

    yield open_page
    for page in pages:
        page.close()
    assert complaints == []
    assert strangers == []


def is_strange(url: str, address: str) -> bool:
    return url.startswith(("http", "ws")) and not url.startswith(address)


def source(page):
    return page.locator(".drawn-ranking .source").first


def contrast(page, selector: str) -> float:
    """Of a text with what lies behind it, as WCAG counts it."""
    return page.locator(selector).first.evaluate("""(element) => {
      const parse = (text) => text.match(/[\\d.]+/g).map(Number);
      let behind = element;
      const fill = (one) => getComputedStyle(one ?? document.body).backgroundColor;
      while (behind && (parse(fill(behind))[3] ?? 1) === 0) behind = behind.parentElement;
      const light = ([r, g, b]) => [r, g, b]
        .map((value) => value / 255)
        .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4))
        .reduce((sum, value, place) => sum + value * [0.2126, 0.7152, 0.0722][place], 0);
      const [low, high] = [getComputedStyle(element).color, fill(behind)]
        .map((text) => light(parse(text)))
        .sort((one, other) => one - other);
      return (high + 0.05) / (low + 0.05);
    }""")


def test_a_ranked_list_appears_with_its_source(open_page):
    page = open_page()
    expect(page.locator("h1")).to_have_text("Tiny-NewsRec")
    rows = page.locator("table.ranking").first.locator("tbody tr")
    expect(rows).to_have_count(10)
    assert [int(text) for text in rows.locator("td.sorted .rank").all_inner_texts()] == list(range(1, 11))
    expect(page.locator(".masthead")).to_contain_text("Nothing here happened.")
    expect(source(page)).to_contain_text("Readers, clicks and stories are invented.")


def test_a_list_can_be_sorted_by_another_model_and_shown_whole(open_page):
    page = open_page()
    page.get_by_role("button", name=re.compile("student-1")).click()
    page.get_by_role("button", name="Show all 12").click()
    ranks = page.locator("table.ranking").first.locator("td.sorted .rank").all_inner_texts()
    assert [int(re.match(r"\d+", text)[0]) for text in ranks] == list(range(1, 13))
    expect(page.locator("th[aria-sort=ascending]")).to_contain_text("student-1")


def test_a_picker_changes_the_reader(open_page):
    page = open_page()
    page.get_by_label("New, no history").click()
    expect(source(page)).to_contain_text("reader U100,")
    expect(page.locator(".drawn-history").first).to_contain_text("No clicks before this impression")
    page.get_by_label("Models disagree most").click()
    expect(source(page)).not_to_contain_text("reader U100,")


def test_an_id_is_found_and_an_unknown_one_keeps_the_view_and_offers_a_near_one(open_page):
    page = open_page()
    field = page.get_by_label("Reader or impression id")
    field.fill("U102")
    field.press("Enter")
    expect(source(page)).to_contain_text("reader U102,")
    field.fill("<b>U1033</b>")
    field.press("Enter")
    expect(page.locator(".message")).to_contain_text("No reader and no impression in invented sample, dev")
    field.fill("U1033")
    field.press("Enter")
    expect(page.locator(".message")).to_contain_text("'U1033'")
    expect(source(page)).to_contain_text("reader U102,")
    page.locator(".message").get_by_role("button").click()
    expect(source(page)).to_contain_text("reader U103,")
    expect(field).to_have_value("U103")
    expect(page.locator(".message")).to_have_count(0)


def test_nothing_can_be_typed_over_the_reader_that_is_shown(open_page):
    page = open_page()
    page.get_by_label("Models disagree most").click()
    chosen = page.get_by_label("Reader", exact=True).first
    expect(chosen).to_have_value(re.compile("rank correlation with teacher"))
    before = chosen.input_value()
    chosen.focus()
    page.keyboard.type("zzz")
    page.keyboard.press("Enter")
    expect(chosen).to_have_value(before)


def test_surprise_shows_another_impression(open_page):
    page = open_page()
    before = source(page).inner_text()
    page.get_by_role("button", name="Surprise me").click()
    expect(source(page)).not_to_have_text(before)


def test_a_reader_with_two_impressions_offers_both(open_page):
    page = open_page()
    field = page.get_by_label("Reader or impression id")
    field.fill("U108")
    field.press("Enter")
    expect(source(page)).to_contain_text("impression 9 of reader U108")
    page.get_by_label("Impression", exact=True).click()
    page.get_by_role("option", name=re.compile("2 of 2")).click()
    expect(source(page)).to_contain_text("impression 10 of reader U108")


def test_a_hostile_headline_is_text_and_runs_nothing(open_page):
    page = open_page()
    page.get_by_role("button", name="Show all 12").click()
    expect(page.locator(".drawn-ranking .drawn").get_by_text(HOSTILE, exact=True)).to_have_count(1)
    assert page.evaluate("window.harmed") is None
    assert page.locator(".drawn img, .drawn b").count() == 0


def test_the_speed_tab_times_every_model(open_page):
    page = open_page()
    page.get_by_role("tab", name="Speed").click()
    page.get_by_role("button", name="Measure").click()
    rows = page.locator("table.plain tbody tr")
    expect(rows).to_have_count(2)
    expect(page.locator(".js-plotly-plot .textpoint")).to_have_count(2)
    assert [row.split("\t")[0] for row in rows.all_inner_texts()] == ["teacher", "student-1"]
    expect(page.locator(".drawn-table").first).to_contain_text("64 titles of invented sample, dev")


def test_timing_can_be_stopped(open_page):
    page = open_page()
    page.get_by_role("tab", name="Speed").click()
    for name, number in (("Rounds", "50"), ("Titles", "256"), ("Titles in a batch", "1")):
        page.get_by_label(f"number input for {name}", exact=True).fill(number)
    page.get_by_role("button", name="Measure").click()
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".message").filter(has_text="Stopped")).to_have_count(1)
    expect(page.get_by_role("button", name="Stop", exact=True)).to_be_disabled()
    expect(page.get_by_role("button", name="Measure", exact=True)).to_be_enabled()
    expect(page.locator(".js-plotly-plot .gtitle")).to_have_count(page.locator("table.plain").count())


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_can_be_read_in_light_and_in_dark(open_page, theme):
    page = open_page(theme=theme)
    selectors = (
        "h1",
        ".tagline",
        ".notice",
        ".topic",
        ".shift.up",
        ".shift.down",
        ".mark",
        ".score",
        ".layers",
    )
    found = {selector: contrast(page, selector) for selector in selectors if page.locator(selector).count()}
    assert min(found.values()) >= 4.5, found
    assert len(found) > 6


@pytest.mark.parametrize("tab", ["Reader", "Speed"])
def test_a_phone_does_not_scroll_sideways(open_page, tab):
    page = open_page(width=390, height=844)
    page.get_by_role("tab", name=tab).click()
    if tab == "Speed":
        page.get_by_role("button", name="Measure").click()
        expect(page.locator(".js-plotly-plot .textpoint")).to_have_count(2)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_wrong_folder_is_one_readable_message(tmp_path):
    wrong = subprocess.run(
        [sys.executable, APP, "--data", tmp_path / "nowhere"], capture_output=True, text=True
    )
    assert wrong.returncode == 1
    assert "nowhere is not a folder" in wrong.stderr
    assert "Traceback" not in wrong.stderr
