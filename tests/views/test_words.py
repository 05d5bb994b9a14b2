"""The page says the same in every language, and says nothing that is not in the tables."""

import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

from tinynewsrec.views import VIEWS
from tinynewsrec.views.drawn import STATIC
from tinynewsrec.views.words import FOLDER, LANGUAGES, words

TABLES = sorted(path.stem for path in (FOLDER / "en").iterdir())


def leaves(value, path: str = "") -> Iterator[tuple[str, object]]:
    """Every text of a table with its place; lists by position, so that they must be equally long."""
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(inner, f"{path}/{key}")
    else:
        yield path, value


def placeholders(text: object) -> set[str]:
    return {name.split("[")[0] for _, name, _, _ in Formatter().parse(str(text)) if name is not None}


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_the_same_texts_with_the_same_placeholders(table, language):
    english, other = dict(leaves(words("en", table))), dict(leaves(words(language, table)))
    assert english.keys() == other.keys()
    assert {key: placeholders(text) for key, text in english.items()} == {
        key: placeholders(text) for key, text in other.items()
    }


def test_no_language_has_a_table_of_its_own():
    assert all(sorted(path.stem for path in (FOLDER / name).iterdir()) == TABLES for name in LANGUAGES)


@pytest.mark.parametrize("table", TABLES)
def test_sentences_are_translated(table):
    english, spanish = dict(leaves(words("en", table))), dict(leaves(words("es", table)))
    same = [
        key
        for key, text in english.items()
        if text == spanish[key] and len(str(text).split()) > 3 and "/citations/" not in key
    ]
    assert same == []


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.NAME)
def test_every_tab_has_a_name(view):
    assert all(words(language, view.NAME)["tab"] for language in LANGUAGES)


@pytest.mark.parametrize("path", sorted(STATIC.glob("*.js")), ids=lambda path: path.stem)
def test_scripts_say_nothing_of_their_own(path: Path):
    """A text of several words in a script would be one that is not translated."""
    code = re.sub(r"(?m)//.*$", "", path.read_text())
    texts = re.findall(r'"([^"\n]*)"|>([^<>"`\n]+)<', code)
    said = [text for found in texts for text in found if re.search(r"[A-Z][a-z]+ [a-z]+ [a-z]+", text)]
    assert said == []


@pytest.mark.parametrize("path", sorted(STATIC.glob("*.js")), ids=lambda path: path.stem)
def test_scripts_never_read_text_as_html(path: Path):
    parsing = r"innerHTML|outerHTML\s*=|insertAdjacentHTML|document\.write|\beval\("
    assert not re.search(parsing, path.read_text())
