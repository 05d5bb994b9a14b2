"""Times what a reader waits for in the running app, in the browser: python tests/browser/response_times.py"""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

import tyro
from playwright.sync_api import Page, sync_playwright

TABS = ("reader", "why", "whatif", "errors", "map", "speed", "training", "headline", "data")
RANKED = "document.querySelectorAll('table.ranking tbody tr').length > 1"
# From a click to the last change of that part of the page, charts included: half a second brings no other.
MEASURE = """
([name, script]) => new Promise((resolve) => {
  const part = document.querySelector(`.drawn-${name}`);
  let last = null;
  const watch = new MutationObserver(() => requestAnimationFrame((now) => (last = now)));
  watch.observe(part, { subtree: true, childList: true, attributes: true });
  const begun = performance.now();
  const look = setInterval(() => {
    if (last === null || performance.now() - last < 500) return;
    clearInterval(look);
    watch.disconnect();
    resolve(last - begun);
  }, 50);
  Function(script)();
})
"""
BUTTON = """
[...document.querySelectorAll('.drawn-{part} button')].find((made) => made.textContent === {label!r}).click()
"""
TAB = "document.querySelector('#tab-{}').click()"
TYPE = """
const field = document.querySelector('.drawn-reader [data-key="Your own headline"]');
field.value = `The mayor wins the cup again, ${Date.now()}`; // nobody asked for it before
field.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter' }));
"""
REMOVE = "document.querySelector('.drawn-whatif [data-key^=\"remove:\"]').click()"


@dataclass(frozen=True)
class Arguments:
    address: str = "http://127.0.0.1:7860/"
    """Where the app answers."""
    rounds: int = 5
    """Fresh visits, of which the median and the longest are printed."""


def main(arguments: Arguments) -> None:
    times: dict[str, list[float]] = {}
    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=os.environ.get("CHROMIUM") or shutil.which("chromium"), args=["--no-sandbox"]
        )
        for _ in range(arguments.rounds):
            page = browser.new_context(viewport={"width": 1280, "height": 720}, locale="en").new_page()
            page.set_default_timeout(120_000)  # milliseconds, for models that are still being loaded
            for name, taken in visit(page, arguments.address):
                times.setdefault(name, []).append(taken)
            page.context.close()
    print(f"{'milliseconds':32}{'median':>8}{'longest':>9}")
    for name, taken in times.items():
        print(f"{name:32}{median(taken):8.0f}{max(taken):9.0f}")


def visit(page: Page, address: str) -> Iterator[tuple[str, float]]:
    """What was waited for, and how long."""
    page.add_init_script("localStorage.setItem('tinynewsrec.toured', '1')")
    page.goto(address, wait_until="commit")
    page.wait_for_function(RANKED)
    yield "first view", page.evaluate("performance.now()")
    page.locator(".working").wait_for(state="detached")
    page.wait_for_timeout(2000)  # milliseconds, in which the page fetches what it will need

    def timed(part: str, script: str) -> float:
        page.wait_for_timeout(300)
        return page.evaluate(MEASURE, [part, script])

    for time in ("first", "second"):
        for name in (*TABS[1:], TABS[0]):
            yield f"tab {name}, {time} time", timed(name, TAB.format(name))
    yield "typed headline", timed("reader", TYPE)
    timed("whatif", TAB.format("whatif"))
    yield "edited history", timed("whatif", REMOVE)
    timed("reader", TAB.format("reader"))
    yield "another reader", timed("reader", BUTTON.format(part="reader", label="Surprise me"))
    timed("why", TAB.format("why"))
    yield "gradient x activation", timed("why", BUTTON.format(part="why", label="Which words?"))


if __name__ == "__main__":
    main(tyro.cli(Arguments, description=__doc__))
