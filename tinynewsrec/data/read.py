"""The one door to data: a folder is recognised by what is in it."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from tinynewsrec.data import ebnerd, mind
from tinynewsrec.data.gold import find_labels, with_labels
from tinynewsrec.data.tables import DataError, Split

SAMPLE = "SAMPLE.json"
"""In a part's folder or the one above: {"name": "invented sample"} names data that only looks like MIND."""


class Format(NamedTuple):
    looks_like: str
    recognises: Callable[[Path], bool]
    read: Callable[[Path], Split]


FORMATS = (
    Format("MIND: news.tsv and behaviors.tsv", mind.is_mind, mind.read_mind),
    Format("EB-NeRD: behaviors.parquet and history.parquet", ebnerd.is_ebnerd, ebnerd.read_ebnerd),
)
WHERE_TO_GET_IT = f"{mind.WHERE_TO_GET_IT} {ebnerd.WHERE_TO_GET_IT}"


def read_split(folder: Path) -> Split:
    """Reads one part of a data set. Raises FileNotFoundError where there is none, DataError for damage."""
    folder = Path(folder)
    for form in FORMATS:
        if form.recognises(folder):
            split = form.read(folder)
            if (labels := find_labels(folder)) is not None:
                split = replace(split, news=with_labels(split.news, labels))
            sample = sample_name(folder)
            return split if sample is None else replace(split, name=f"{sample}, {folder.resolve().name}")
    raise FileNotFoundError(describe(folder))


def describe(folder: Path) -> str:
    """What was found where a data set was expected, and what to do next."""
    expected = "; ".join(form.looks_like for form in FORMATS)
    if not folder.is_dir():
        return f"{folder} is not a folder. Expected one part of a data set ({expected}). {WHERE_TO_GET_IT}"
    names = sorted(path.name + "/" * path.is_dir() for path in folder.iterdir())
    found = ", ".join(names[:8]) + ", ..." * (len(names) > 8) if names else "nothing"
    inside = [path for path in sorted(folder.iterdir()) if any(form.recognises(path) for form in FORMATS)]
    hint = f" Name one of its parts instead, for example {inside[0]}." if inside else f" {WHERE_TO_GET_IT}"
    return f"{folder} holds {found}. Expected one part of a data set ({expected}).{hint}"


def sample_name(folder: Path) -> str | None:
    """The name a sample gives itself, None for other data. Raises DataError for a malformed SAMPLE.json."""
    for path in (folder / SAMPLE, folder.resolve().parent / SAMPLE):
        if path.is_file():
            try:
                return str(json.loads(path.read_text(encoding="utf-8"))["name"])
            except (ValueError, KeyError, TypeError) as error:
                raise DataError(f'{path}: expected {{"name": "..."}}, found {error!r}.') from None
    return None
