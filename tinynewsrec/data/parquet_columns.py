"""Parquet files -> columns, by blocks of rows; what is no such column is an error that says what to do."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from jaxtyping import Bool, Int, Shaped

from tinynewsrec.data.tables import DataError, Skipped

BLOCK_ROWS = 1 << 14
NO_ID = np.iinfo(np.int64).min  # stands for a null; no id is as small

INTEGER = "whole numbers"
FLAG = "true or false"
TEXT = "texts"
TIME = "times"
INTEGERS = "lists of whole numbers"
TEXTS = "lists of texts"


@dataclass(frozen=True)
class Block:
    """Some rows of a file; `first_row` counts from 1."""

    path: Path
    columns: pa.RecordBatch
    first_row: int

    def __len__(self) -> int:
        return len(self.columns)

    def has(self, name: str) -> bool:
        return name in self.columns.schema.names

    def numbers(self, name: str) -> Int[np.ndarray, " R"]:
        """Raises DataError for a null."""
        return self.whole(name, self.without_nulls(name, "a number")).to_numpy(zero_copy_only=False)

    def flags(self, name: str) -> Bool[np.ndarray, " R"]:
        """Raises DataError for a null."""
        return self.without_nulls(name, FLAG).to_numpy(zero_copy_only=False)

    def without_nulls(self, name: str, expected: str) -> pa.Array:
        column = self.columns[name]
        if column.null_count:
            row = self.first_row + column.is_null().index(True).as_py()
            raise DataError(f"{self.path}, column {name}, row {row}: expected {expected}, found null.")
        return column

    def whole(self, name: str, values: pa.Array) -> pa.Array:
        """Raises DataError for a number that takes more than 63 bits."""
        try:
            return values.cast(pa.int64())
        except pa.ArrowInvalid as error:
            raise DataError(
                f"{self.path}, column {name}, from row {self.first_row} on: expected numbers below 2^63, "
                f"found other ones ({error}). Use the file as it is published."
            ) from None

    def times(self, name: str) -> Shaped[np.ndarray, " R"]:
        """datetime64[s], without a time zone; NaT for null."""
        times = self.columns[name].cast(pa.timestamp("us"), safe=False).to_numpy(zero_copy_only=False)
        return times.astype("datetime64[s]")

    def lists(self, name: str) -> tuple[Int[np.ndarray, " T"], Int[np.ndarray, " R"]]:
        """The values end to end, NO_ID for null, and how many are each row's: none of a null list."""
        column = self.columns[name]
        values = self.whole(name, column.flatten()).fill_null(NO_ID).to_numpy(zero_copy_only=False)
        return values, column.value_lengths().fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)

    def counted(self, what: str, times: Shaped[np.ndarray, " R"]) -> tuple[Skipped, ...]:
        """An entry for `what` was found so many times in each row; none if it was found nowhere."""
        rows = np.flatnonzero(times)
        if not len(rows):
            return ()
        return (Skipped(what, int(times.sum()), f"{self.path.name}, row {self.first_row + rows[0]}"),)


def read_blocks(path: Path, columns: Mapping[str, str], optional: Mapping[str, str]) -> Iterator[Block]:
    """The named columns, and the optional ones that are there, a block of rows at a time.

    Columns are named with what they hold. Raises DataError for a file that is damaged, empty or other.
    """
    try:
        with pq.ParquetFile(path) as file:
            wanted = dict(columns) | {
                name: kind for name, kind in optional.items() if name in file.schema_arrow.names
            }
            check_columns(path, file.schema_arrow, wanted)
            if not file.metadata.num_rows:
                raise DataError(f"{path} is empty: expected one record in each row.")
            yield from numbered(path, file.iter_batches(BLOCK_ROWS, columns=list(wanted)))
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path}: expected a parquet file, found {error}. Get the file again.") from None


def numbered(path: Path, batches: Iterator[pa.RecordBatch]) -> Iterator[Block]:
    first_row = 1
    for batch in batches:
        yield Block(path, batch, first_row)
        first_row += len(batch)


def check_columns(path: Path, schema: pa.Schema, wanted: Mapping[str, str]) -> None:
    for name, kind in wanted.items():
        if name not in schema.names:
            raise DataError(
                f"{path}: expected a column {name} of {kind}, found only {', '.join(schema.names)}. "
                f"Use the file as it is published."
            )
        if not holds(schema.field(name).type, kind):
            raise DataError(
                f"{path}, column {name}: expected {kind}, found {schema.field(name).type}. "
                f"Use the file as it is published."
            )


def holds(type: pa.DataType, kind: str) -> bool:
    is_list = pa.types.is_list(type) or pa.types.is_large_list(type)
    if kind in (INTEGERS, TEXTS):
        return is_list and (pa.types.is_null(type.value_type) or holds(type.value_type, MEMBERS[kind]))
    if kind == TEXT:
        return pa.types.is_string(type) or pa.types.is_large_string(type)
    return {TIME: pa.types.is_timestamp, FLAG: pa.types.is_boolean, INTEGER: pa.types.is_integer}[kind](type)


MEMBERS = {INTEGERS: INTEGER, TEXTS: TEXT}


def as_flags(flags: pa.Array) -> Bool[np.ndarray, " R"]:
    return flags.to_numpy(zero_copy_only=False)
