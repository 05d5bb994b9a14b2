"""Tags and notes on errors, as CSV and JSON: what somebody saw in an impression of two models.

A spreadsheet runs cells that begin with = + - or @, so in CSV such a cell gets an apostrophe in front, which
reading takes away again; a cell that begins with an apostrophe gets another one.
"""

import csv
import io
import json
import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

Place = tuple[str, int]  # "line" or "entry", and its number


class Annotation(NamedTuple):
    impression: str
    teacher: str
    student: str
    tag: str
    """Empty where there is only a note."""
    note: str
    annotator: str
    time: str
    """ISO 8601, with its distance from UTC."""


COLUMNS = Annotation._fields
LONGEST = dict(zip(COLUMNS, (80, 120, 120, 40, 2_000, 60, 40), strict=True))  # characters
REQUIRED = ("impression", "teacher", "student", "annotator")
MOST = 5_000  # annotations in one file
LARGEST = 1_000_000  # characters of one file
RUN_BY_SPREADSHEETS = ("=", "+", "-", "@", "\t", "\r", "'")


FAULTS = {
    "large": "expected at most {most:,} characters, found {found:,}",
    "many": "expected at most {most:,} annotations; split the file",
    "columns": "expected the columns {expected} once each; look at {found}",
    "cells": "expected {expected} cells, found {found}",
    "csv": "no CSV ({found})",
    "json": "no JSON ({found})",
    "list": "expected a list of annotations",
    "object": "expected an object, found {found}",
    "text": "expected a text as {name}, found {found}",
    "long": "expected at most {most:,} characters as {name}, found {found:,}",
    "sign": "{name} holds signs that cannot be printed: {found}",
    "empty": "{name} is empty",
    "nothing": "expected a tag or a note, found neither",
    "time": "expected a time such as 2026-01-31T12:00:00Z, found {found}",
}


class AnnotationError(ValueError):
    """A file of annotations that is not what it should be; `fault` is one of FAULTS."""

    def __init__(self, place: tuple[str, int], fault: str, **details: Any) -> None:
        super().__init__(f"{' '.join(map(str, place))}: {FAULTS[fault].format(**details)}.")
        self.place, self.fault, self.details = place, fault, details


def to_csv(annotations: Iterable[Annotation]) -> str:
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    writer.writerows(map(harmless, annotation) for annotation in annotations)
    return file.getvalue()


def harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(RUN_BY_SPREADSHEETS) else cell


def original(cell: str) -> str:
    """What `harmless` was given."""
    return cell[1:] if cell[:1] == "'" and cell[1:].startswith(RUN_BY_SPREADSHEETS) else cell


def to_json(annotations: Iterable[Annotation]) -> str:
    """An object for each annotation, one to a line."""
    lines = (json.dumps(annotation._asdict(), ensure_ascii=False) for annotation in annotations)
    return "[\n" + ",\n".join(lines) + "\n]\n"


def read(text: str) -> list[Annotation]:
    """Annotations from either form. Raises AnnotationError with the line or entry of the first fault."""
    if len(text) > LARGEST:
        raise AnnotationError(("line", 1), "large", most=LARGEST, found=len(text))
    text = text.removeprefix("\ufeff")
    rows = from_json(text) if text.lstrip().startswith(("[", "{")) else from_csv(text)
    found = []
    for place, row in rows:
        if len(found) == MOST:
            raise AnnotationError(place, "many", most=MOST)
        found.append(checked(place, row))
    return found


def from_csv(text: str) -> Iterable[tuple[Place, dict[str, str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(reader, [])
        if wrong := [name for name in COLUMNS if header.count(name) != 1]:
            raise AnnotationError(("line", 1), "columns", expected=", ".join(COLUMNS), found=", ".join(wrong))
        start = reader.line_num + 1
        for cells in reader:
            place, start = ("line", start), reader.line_num + 1
            if cells and len(cells) != len(header):
                raise AnnotationError(place, "cells", expected=len(header), found=len(cells))
            if cells:
                yield place, dict(zip(header, map(original, cells), strict=True))
    except csv.Error as error:
        raise AnnotationError(("line", reader.line_num), "csv", found=error) from None


def from_json(text: str) -> Iterable[tuple[Place, dict[str, Any]]]:
    """Entries are numbered from 1: their lines are not known to a parser of JSON."""
    try:
        entries = json.loads(text)
    except json.JSONDecodeError as error:
        raise AnnotationError(("line", error.lineno), "json", found=error.msg) from None
    except RecursionError:
        raise AnnotationError(("line", 1), "list") from None
    if not isinstance(entries, list):
        raise AnnotationError(("line", 1), "list")
    for number, entry in enumerate(entries, start=1):
        if not isinstance(entry, dict):
            raise AnnotationError(("entry", number), "object", found=type(entry).__name__)
        yield ("entry", number), entry


def checked(place: Place, row: dict[str, Any]) -> Annotation:
    """Raises AnnotationError for what is missing, too long, no text, or no time."""
    for name in COLUMNS:
        check_text(place, name, row.get(name))
    annotation = Annotation(*(row[name] for name in COLUMNS))
    if not annotation.tag.strip() and not annotation.note.strip():
        raise AnnotationError(place, "nothing")
    if not is_time(annotation.time):
        raise AnnotationError(place, "time", found=repr(annotation.time))
    return annotation


def check_text(place: Place, name: str, value: Any) -> None:
    if not isinstance(value, str):
        raise AnnotationError(place, "text", name=name, found=str(value)[:40])
    if len(value) > LONGEST[name]:
        raise AnnotationError(place, "long", name=name, most=LONGEST[name], found=len(value))
    if name != "note" and not value.isprintable():
        raise AnnotationError(place, "sign", name=name, found=repr(value[:40]))
    if name in REQUIRED and not value.strip():
        raise AnnotationError(place, "empty", name=name)


def is_time(text: str) -> bool:
    """Whether it is a day and a time of day with its distance from UTC."""
    if not re.match(r"\d{4}-\d\d-\d\dT", text):
        return False
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False
