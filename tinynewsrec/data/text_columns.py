"""Tab-separated text -> columns, by blocks of whole lines; no line is lost without a count or an error."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Bool, Int, Shaped

from tinynewsrec.data.tables import DataError, Ragged, Skipped

Parsed = TypeVar("Parsed")

BLOCK_BYTES = 16 << 20
LONGEST_LINE = 64 << 20  # bytes
BYTE_ORDER_MARK = b"\xef\xbb\xbf"

BLANK_LINE = "blank line, left out"
CARRIAGE_RETURN = "line with a Windows line end (CR LF), read as LF"
LEADING_MARK = "byte-order mark at the start of the file, read as if it were not there"


class Block(NamedTuple):
    """Whole lines of a file, each with its line end; `first_line` counts from 1."""

    path: Path
    text: bytes
    first_line: int

    def line_at(self, position: int) -> int:
        """The line that holds the byte at that position of the text."""
        return self.first_line + self.text.count(b"\n", 0, position)


class Columns(NamedTuple):
    """The fields of some lines, by column: R rows."""

    path: Path
    fields: list[pa.Array]  # of strings, each [R]
    lines: Int[np.ndarray, " R"]  # the line each row stands on, from 1
    skipped: tuple[Skipped, ...]

    def keep(self, rows: Bool[np.ndarray, " R"]) -> "Columns":
        if rows.all():
            return self
        fields = [field.filter(pa.array(rows)) for field in self.fields]
        return self._replace(fields=fields, lines=self.lines[rows])

    def counted(self, what: str, times: Shaped[np.ndarray, " R"]) -> tuple[Skipped, ...]:
        """An entry for `what` was found so many times in each row; none if it was found nowhere."""
        rows = np.flatnonzero(times)
        if not len(rows):
            return ()
        return (Skipped(what, int(times.sum()), f"{self.path.name}, line {self.lines[rows[0]]}"),)

    def error(self, row: int | np.integer, message: str) -> DataError:
        return DataError(f"{self.path}, line {self.lines[row]}: {message}")


def read_blocks(path: Path) -> Iterator[Block]:
    """Raises DataError for a file of blank lines, and for one whose lines never end."""
    first_line, blank = 1, True
    with open(path, "rb") as file:
        while text := file.read(BLOCK_BYTES):
            rest = file.readline(LONGEST_LINE)
            if len(rest) == LONGEST_LINE and not rest.endswith(b"\n"):
                line = first_line + text.count(b"\n")
                raise DataError(f"{path}, line {line}: expected text lines, found one above 64 MiB.")
            text += rest
            yield Block(path, text if text.endswith(b"\n") else text + b"\n", first_line)
            first_line += text.count(b"\n")
            blank = blank and not text.strip(BYTE_ORDER_MARK + b" \r\n")
    if blank:
        raise DataError(f"{path} is empty: expected one record on each line.")


def map_blocks(parse: Callable[[Block], Parsed], path: Path) -> Iterator[Parsed]:
    """What `parse` makes of each block, in order; a few blocks are parsed at once."""
    workers = min(4, os.cpu_count() or 1)
    with ThreadPoolExecutor(workers) as pool:
        pending: deque = deque()
        for block in read_blocks(path):
            pending.append(pool.submit(parse, block))
            if len(pending) > workers:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()


def split_columns(block: Block, count: int) -> Columns:
    """Splits at every tab. Raises DataError unless each line is UTF-8 and has `count` columns or is blank."""
    text, repaired = plain_text(block)
    lines = pc.split_pattern(string_array(text[:-1]), "\n").values
    fields = pc.split_pattern(lines, "\t")
    numbers = block.first_line + np.arange(len(lines))
    found = fields.value_lengths().to_numpy()
    columns = Columns(block.path, [], numbers, repaired)
    if (found != count).any():
        blank = pc.equal(pc.utf8_trim(lines, " \r"), "").to_numpy(zero_copy_only=False)
        wrong = np.flatnonzero((found != count) & ~blank)
        if len(wrong):
            raise columns.error(wrong[0], f"expected {count} columns, found {found[wrong[0]]}.")
        columns = columns._replace(skipped=repaired + columns.counted(BLANK_LINE, blank))
        fields, columns = fields.filter(pa.array(~blank)), columns.keep(~blank)
    return columns._replace(fields=[pc.list_element(fields, column) for column in range(count)])


def plain_text(block: Block) -> tuple[bytes, tuple[Skipped, ...]]:
    """The block's text without byte-order mark and carriage returns, and what was put right."""
    text, name = block.text, block.path.name
    try:
        text.decode()
    except UnicodeDecodeError as error:
        line = block.line_at(error.start)
        raise DataError(
            f"{block.path}, line {line}: expected UTF-8 text, found byte 0x{text[error.start]:02x}."
        ) from None
    repaired = []
    if block.first_line == 1 and text.startswith(BYTE_ORDER_MARK):
        text = text.removeprefix(BYTE_ORDER_MARK)
        repaired.append(Skipped(LEADING_MARK, 1, f"{name}, line 1"))
    if count := text.count(b"\r\n"):
        line = block.line_at(block.text.index(b"\r\n"))
        text = text.replace(b"\r\n", b"\n")
        repaired.append(Skipped(CARRIAGE_RETURN, count, f"{name}, line {line}"))
    return text, tuple(repaired)


def string_array(text: bytes) -> pa.Array:
    """One string, without a copy; the text is known to be UTF-8."""
    offsets = np.array([0, len(text)], dtype=np.int32)
    return pa.Array.from_buffers(pa.string(), 1, [None, pa.py_buffer(offsets), pa.py_buffer(text)])


def split_words(texts: pa.Array) -> tuple[pa.Array, Int[np.ndarray, " R1"]]:
    """The words between spaces, end to end, and where those of each text start and stop."""
    words = pc.split_pattern(texts, " ")
    offsets, words = words.offsets.to_numpy().astype(np.int64), words.values
    written = pc.greater(pc.binary_length(words), 0)
    return words.filter(written), offsets_of_kept(written.to_numpy(zero_copy_only=False), offsets)


def offsets_of_kept(kept: Bool[np.ndarray, " T"], offsets: Int[np.ndarray, " R1"]) -> Int[np.ndarray, " R1"]:
    """Where the rows start and stop once only the kept values stay."""
    return np.concatenate([[0], np.cumsum(kept)])[offsets]


def count_per_row(flags: Bool[np.ndarray, " T"], offsets: Int[np.ndarray, " R1"]) -> Int[np.ndarray, " R"]:
    return np.diff(offsets_of_kept(flags, offsets))


def concatenate_ragged(parts: list[Ragged]) -> Ragged:
    lengths = np.concatenate([part.lengths for part in parts])
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    return Ragged(np.concatenate([part.values for part in parts]), offsets)


def add_up(skipped: Iterable[Skipped]) -> tuple[Skipped, ...]:
    """One entry for each kind: the counts added, the first place kept."""
    totals: dict[tuple[str, str], Skipped] = {}
    for entry in skipped:
        kind = (entry.what, entry.first.split(",")[0])
        before = totals.get(kind, entry._replace(count=0))
        totals[kind] = before._replace(count=before.count + entry.count)
    return tuple(totals.values())
