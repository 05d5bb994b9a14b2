"""Drives the real app in Chromium: python app.py in a process of its own, on a miniature of everything.

A plugin of pytest rather than a conftest.py, whose name the tests of other folders use.
"""

import json
import os
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

from tinynewsrec.model.heads import HeadSpec

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium")
FLAGS = (
    "no-sandbox disable-gpu disable-background-networking disable-component-update disable-sync no-first-run"
)
APP = Path(__file__).resolve().parents[1] / "app.py"
HOSTILE = "<img src=x onerror=window.harmed=1>${window.harmed=1}{{window.harmed}}<b>bold</b> `storm`"
PATIENCE = 60_000  # milliseconds; a busy machine may need them
READY = "document.querySelector('.drawn-header .drawn')?.value?.progress === null"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """A file is one worker's; so are all that drive the browser, for app and browser start but once."""
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return "browser" if "browser/" in nodeid else super()._split_scope(nodeid)

    return Scheduling(config, log)


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
    """A teacher with a head, a student with the log of its training, and what both are worth."""
    folder = tmp_path_factory.mktemp("checkpoints")
    for name, layers in (("teacher", 3), ("student-1", 1)):
        made = make_recommender(tokenizer, layers, layers=layers)
        if name == "teacher":
            made.add_heads({"category": HeadSpec(("sports", "travel"), source="the category column")})
        made.eval().save_pretrained(folder / name)
        auc = {"value": 50.0 + layers, "low": 49.0, "high": 55.0}
        quality = {"data": "invented sample, dev", "impressions": 10, "readers": 9, "metrics": {"AUC": auc}}
        (folder / name / "metrics.json").write_text(json.dumps(quality))
    losses = [{"step": step, "losses": {"target": 2 / step}} for step in (1, 2, 3)]
    (folder / "student-1" / "losses.jsonl").write_text("\n".join(map(json.dumps, losses)) + "\n")
    return folder


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def await_answer(address: str, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + PATIENCE * 5 / 1000
    while time.monotonic() < deadline and process.poll() is None:
        try:
            return urlopen(address, timeout=5).close()
        except URLError:
            time.sleep(0.1)
    process.kill()
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
    if not CHROMIUM:
        pytest.skip("no Chromium: put one on the PATH, or name it in CHROMIUM")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    playwright.expect.set_options(timeout=PATIENCE)
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=CHROMIUM, args=[*(f"--{flag}" for flag in FLAGS.split()), "--disable-quic"]
        )
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser, address):
    """Opens the app, at a view if a query names one.

    Afterwards no page may have complained, or asked another machine for anything.
    """
    complaints, strangers, pages = [], [], []

    def open_page(
        width: int = 1280, height: int = 720, theme: str = "light", query: str = "", toured: bool = True
    ):
        context = browser.new_context(viewport={"width": width, "height": height}, accept_downloads=True)
        page = context.new_page()
        if toured:
            page.add_init_script("localStorage.setItem('tinynewsrec.toured', '1')")
        page.set_default_timeout(PATIENCE)
        page.on(
            "console", lambda message: complaints.append(message.text) if message.type == "error" else None
        )
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda sent: strangers.append(sent.url) if is_strange(sent.url, address) else None)
        pages.append(page)
        page.goto(f"{address}?__theme={theme}&{query}")
        page.locator(".tools").wait_for()
        page.wait_for_function(READY)
        return page

    yield open_page
    for page in pages:
        page.close()
    assert complaints == []
    assert strangers == []


def is_strange(url: str, address: str) -> bool:
    return url.startswith(("http", "ws")) and not url.startswith(address)
