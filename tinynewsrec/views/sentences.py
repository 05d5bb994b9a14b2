"""What the library says in English, in the page's language: faults of files and checkpoints, rows left out.

The library knows no languages, so its sentences are looked up: words/en/library.json has them as they are
raised, with {parts} for what differs, and words/LANGUAGE/library.json the same under the same keys.
"""

import re
from functools import cache

from tinynewsrec.views.words import words

NAME = "library"


def told(language: str, error: Exception) -> str:
    """An error for people; one that is no fault of a file or a request is called unexpected."""
    if isinstance(error, ValueError | OSError):
        return sentence(language, str(error))
    return words(language, NAME)["unexpected"].format(detail=f"{type(error).__name__}: {error}")


def sentence(language: str, text: str) -> str:
    """A sentence of the library; one that is not known stands in a frame that says so."""
    return known(language, text) or words(language, NAME)["unknown"].format(detail=text)


def known(language: str, text: str) -> str | None:
    for key, pattern in patterns():
        if found := pattern.fullmatch(text):
            parts = {name: known(language, part) or part for name, part in found.groupdict().items()}
            return words(language, NAME)["sentences"][key].format(**parts)
    return None


@cache
def patterns() -> list[tuple[str, re.Pattern[str]]]:
    """By key, those with the most text of their own first."""
    return [
        (key, re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>.*?)", re.escape(text)), re.DOTALL))
        for key, text in sorted(words("en", NAME)["sentences"].items(), key=own_text, reverse=True)
    ]


def own_text(entry: tuple[str, str]) -> int:
    return len(re.sub(r"\{\w+\}", "", entry[1]))
