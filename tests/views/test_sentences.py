"""What the library raises about files, checkpoints and requests is said in the page's language."""

import ast
from pathlib import Path

import pytest

import tinynewsrec
from tinynewsrec.data import (
    ebnerd_articles,
    ebnerd_behaviors,
    ebnerd_history,
    mind_behaviors,
    mind_news,
    text_columns,
)
from tinynewsrec.data.read import describe
from tinynewsrec.views.sentences import known, told
from tinynewsrec.views.words import figure

LIBRARY = Path(tinynewsrec.__file__).parent
READ = ["checkpoints.py", "views/state.py", "views/preparation.py", "analysis/news_map.py"]
READ += ["analysis/training_logs.py", "analysis/compared.py", "analysis/edits.py", "analysis/quadrants.py"]
READ += [f"{folder}/{path.name}" for folder in ("data", "model") for path in (LIBRARY / folder).glob("*.py")]
TRAINING = {"entities.py", "sentiment.py", "labels.py", "tokens.py", "unilm.py"}  # raised in training alone
# Faults of the program, not of a file.
NEVER = (
    "impression {} of {}",
    "Expected a score of {} for each of {} candidates, found {}.",
)
LEFT_OUT = (mind_behaviors, mind_news, ebnerd_articles, ebnerd_behaviors, ebnerd_history, text_columns)


def raised(path: Path) -> list[str]:
    """Every sentence that a file raises, with something for what differs."""
    calls = [
        node.exc
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and node.exc.args
    ]
    return [text for call in calls if (text := filled(call.args[-1]))]


def filled(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    values = node.values if isinstance(node, ast.JoinedStr) else []
    return "".join(
        str(value.value) if isinstance(value, ast.Constant) else SOME.get(ast.unparse(value.value), "{}")
        for value in values
    )


SOME = {  # what stands there in truth
    "expected": "to carry no label",
    "' and '.join(FILES)": "one and two",
    "folder / 'config.json'": "folder/config.json",
}


@pytest.mark.parametrize("name", [name for name in READ if Path(name).name not in TRAINING])
def test_whatever_is_raised_about_a_file_is_said_in_spanish(name):
    unknown = [text for text in raised(LIBRARY / name) if text not in NEVER and not known("es", text)]
    assert unknown == []


@pytest.mark.parametrize("module", LEFT_OUT, ids=lambda module: module.__name__.rpartition(".")[2])
def test_whatever_is_left_out_of_a_file_is_said_in_spanish(module):
    kinds = [text for name, text in vars(module).items() if name.isupper() and ", " in str(text)]
    kinds = [text for text in kinds if isinstance(text, str)]
    assert kinds
    assert [text for text in kinds if not known("es", text)] == []


def test_a_sentence_within_a_sentence_is_translated_too(tmp_path):
    fault = ValueError("own/behaviors.tsv, line 7: expected 5 columns, found 3.")
    assert told("en", fault) == str(fault)
    assert told("es", fault) == "own/behaviors.tsv, línea 7: se esperaban 5 columnas y hay 3."
    nothing_there = known("es", describe(tmp_path))
    assert "contiene nada" in nothing_there
    assert "se publica en" in nothing_there


def test_what_nobody_translated_is_framed():
    assert told("es", ValueError("Boom.")) == "Boom. (mensaje de una biblioteca, en inglés)"
    assert "KeyError" in told("es", KeyError("boom"))


@pytest.mark.parametrize(
    ("language", "value", "digits", "signed", "expected"),
    [
        ("en", 1234, 0, False, "1,234"),
        ("es", 1234, 0, False, "1234"),  # Spanish groups from five digits on
        ("es", 12345.67, 1, False, "12.345,7"),
        ("es", -0.5, 2, True, "−0,50"),
        ("en", 0.5, 2, True, "+0.50"),
    ],
)
def test_numbers_are_written_as_the_language_does(language, value, digits, signed, expected):
    assert figure(language, value, digits, signed) == expected
