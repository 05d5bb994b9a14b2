"""Everything the page says, in every language: words/LANGUAGE/VIEW.json."""

import json
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).with_name("words")
LANGUAGES = tuple(sorted(path.name for path in FOLDER.iterdir()))

Words = dict[str, Any]


@cache
def words(language: str, view: str) -> Words:
    """The texts of a view, by key; texts may hold {placeholders} for `str.format` or the script's `fill`."""
    return json.loads((FOLDER / language / f"{view}.json").read_text(encoding="utf-8"))


def figure(language: str, value: float, digits: int = 0, signed: bool = False) -> str:
    """A number as that language writes it, as `number` of elements.js does."""
    marks = words(language, "page")["figures"]
    grouping = "," if abs(value) >= marks["grouped from"] else ""
    text = f"{value:{'+' if signed else ''}{grouping}.{digits}f}"
    return text.translate(str.maketrans({",": marks["thousands"], ".": marks["decimal"], "-": "−"}))


def counted(language: str, number: int, nouns: dict[str, str]) -> str:
    """A number and its noun, from {"one": "{n} click", "many": "{n} clicks"}."""
    return nouns["one" if number == 1 else "many"].format(n=figure(language, number))
