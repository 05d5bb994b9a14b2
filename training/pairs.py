"""Stories as titles and bodies: what post-training reads.

They come as the folder of a split, whose abstracts are the bodies, or as one file, .tsv, .jsonl or .parquet,
with columns named title and body, and id or not; a .tsv of just two columns needs no header.
"""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
from rich import print

from tinynewsrec.data.read import read_split
from tinynewsrec.data.tables import DataError, Skipped
from tinynewsrec.data.text_columns import add_up, plain_text, read_blocks, split_columns

COLUMNS = ("id", "title", "body")
HALF_A_PAIR = re.compile("[\ud800-\udfff]")  # JSON can hold it, no tokenizer can read it
EXPECTED = "expected columns named title and body, and id or not"


@dataclass(frozen=True)
class Pairs:
    name: str
    """For people: 'MIND sample, train'."""
    ids: list[str]
    titles: list[str]
    bodies: list[str]
    skipped: tuple[Skipped, ...] = ()

    def __len__(self) -> int:
        return len(self.ids)


class Row(NamedTuple):
    where: str  # "line 3", "row 3", "story N3"
    id: str
    title: str
    body: str


class Found(NamedTuple):
    """What a place holds, stories without a title or a body included."""

    name: str
    rows: list[Row]
    skipped: tuple[Skipped, ...] = ()


def read_pairs(place: Path, needed: Sequence[Literal["title", "body"]] = ("title", "body")) -> Pairs:
    """The stories that have the needed texts; others are skipped, and it is counted and printed how many.

    Raises FileNotFoundError where there is nothing, DataError for damage and where no story is left.
    """
    if not place.is_dir() and place.suffix not in READERS:
        raise FileNotFoundError(
            f"{place}: expected the folder of a split, or a file of titles and bodies, {', '.join(READERS)}."
        )
    name, rows, skipped = (read_folder if place.is_dir() else READERS[place.suffix])(place)
    whole, lacking = [], []
    for row in rows:
        (whole if all(getattr(row, text).strip() for text in needed) else lacking).append(row)
    if not whole:
        raise DataError(
            f"{place} has nothing to learn from: expected stories with a {' and a '.join(needed)}, found "
            f"{len(rows)} stories, all without. Name other data."
        )
    if lacking:
        what = f"story without a {' or a '.join(needed)}, left out"
        skipped += (Skipped(what, len(lacking), f"{place.name}, {lacking[0].where}"),)
    for entry in skipped:
        print(f"{name}: {entry.count:,} x {entry.what}, first {entry.first}")
    _, *columns = map(list, zip(*whole, strict=True))
    return Pairs(name, *columns, skipped=skipped)


def read_folder(place: Path) -> Found:
    split = read_split(place)
    columns = [split.news.texts(name) for name in ("id", "title", "abstract")]
    return Found(split.name, [Row(f"story {row[0]}", *row) for row in zip(*columns, strict=True)])


def read_tsv(path: Path) -> Found:
    blocks = list(read_blocks(path))
    names = plain_text(blocks[0])[0].split(b"\n")[0].decode().split("\t")
    headed = bool({"title", "body"} & {name.strip().lower() for name in names})
    if not headed and len(names) == 2:
        names = ["title", "body"]
    refuse_columns(f"{path}, line 1", names)
    parts = [split_columns(block, len(names)) for block in blocks]
    records = (
        (f"line {line}", dict(zip(names, values, strict=True)))
        for part in parts
        for line, *values in zip(part.lines, *map(pa.Array.to_pylist, part.fields), strict=True)
        if not (headed and line == 1)
    )
    return Found(path.name, rows_of(path, records), add_up(entry for part in parts for entry in part.skipped))


def read_jsonl(path: Path) -> Found:
    with open(path, "rb") as file:
        lines = ((f"line {number}", line) for number, line in enumerate(file, start=1))
        return Found(path.name, rows_of(path, ((where, parse(path, where, line)) for where, line in lines)))


def parse(path: Path, where: str, line: bytes) -> dict[str, Any]:
    try:
        record = json.loads(line.decode())
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}, {where}: expected a JSON object, found what is none: {error}") from None
    refuse_columns(f"{path}, {where}", list(record) if isinstance(record, dict) else [])
    return record


def read_parquet(path: Path) -> Found:
    try:
        names = pq.read_schema(path).names
        refuse_columns(str(path), names)
        columns = pq.read_table(path, columns=[name for name in COLUMNS if name in names]).to_pylist()
    except (pa.ArrowException, UnicodeDecodeError) as error:
        raise DataError(f"{path} is not a readable parquet file ({error}); write it again.") from error
    return Found(path.name, rows_of(path, ((f"row {row}", record) for row, record in enumerate(columns, 1))))


READERS = {".tsv": read_tsv, ".jsonl": read_jsonl, ".parquet": read_parquet}


def refuse_columns(where: str, names: Sequence[str]) -> None:
    """Raises DataError unless title and body are there, and nothing that is read is there twice."""
    if not {"title", "body"} <= set(names) or any(names.count(name) > 1 for name in COLUMNS):
        shown = ", ".join(repr(name[:20]) for name in names[:9])
        raise DataError(f"{where}: {EXPECTED}, each once; found {len(names)}: {shown}. Name them so.")


def rows_of(path: Path, records: Iterable[tuple[str, dict[str, Any]]]) -> list[Row]:
    """Raises DataError for a value that is no text, and for an id that is missing or stands there twice."""
    first: dict[str, Row] = {}
    for where, record in records:
        named = {"id": where.replace(" ", "-")} | record
        row = Row(where, *(text(f"{path}, {where}", name, named[name]) for name in COLUMNS))
        if not row.id or row.id in first:
            found = f"{row.id!r} as on {first[row.id].where}" if row.id else "nothing"
            raise DataError(f"{path}, {where}: expected an id of its own, found {found}. Mend or drop ids.")
        first[row.id] = row
    return list(first.values())


def text(where: str, name: str, value: Any) -> str:
    """Nothing where there is no value; a whole number is an id too. Raises DataError for what is no text."""
    if value is None or (name == "id" and type(value) is int):
        return "" if value is None else str(value)
    if not isinstance(value, str) or HALF_A_PAIR.search(value):
        raise DataError(f"{where}: expected text as {name}, found {value!a:.40}. Write it as text.")
    return value
