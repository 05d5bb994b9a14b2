"""Takes a picture of the running app: python tests/browser/screenshots.py --out assets/reader.png"""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro
from playwright.sync_api import sync_playwright


@dataclass(frozen=True)
class Arguments:
    out: Path
    """Where to write the picture, a .png."""
    address: str = "http://127.0.0.1:7860/"
    """Where the app answers."""
    theme: Literal["light", "dark"] = "light"
    width: int = 1280
    height: int = 720
    """Of the page, in pixels."""
    kind: str = ""
    """Readers worth a look, as the page calls them: 'Models disagree most'."""
    whole: bool = False
    """The page to its end, however high."""


def main(arguments: Arguments) -> None:
    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=os.environ.get("CHROMIUM") or shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": arguments.width, "height": arguments.height})
        page.set_default_timeout(120_000)  # milliseconds, for models that are still being loaded
        page.add_init_script("localStorage.setItem('tinynewsrec.toured', '1')")
        page.goto(f"{arguments.address}?__theme={arguments.theme}")
        page.locator("table.ranking").first.wait_for()
        page.locator(".working").wait_for(state="detached")
        if arguments.kind:
            page.get_by_role("button", name=arguments.kind).click()
        page.wait_for_timeout(1000)  # milliseconds, for fonts and the last change to settle
        page.screenshot(path=arguments.out, full_page=arguments.whole)


if __name__ == "__main__":
    main(tyro.cli(Arguments, description=__doc__))
