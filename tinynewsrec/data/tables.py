"""What every data set becomes: a table of news and a table of impressions, held by column."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


class DataError(ValueError):
    """A file that is not what it should be; says where, what was expected and what was found."""


class Entity(NamedTuple):
    """A name that occurs in a text; `offsets` count characters from the text's start."""

    label: str
    type: str  # one letter, MIND's: P person, G place, O organisation, W work, ...
    wikidata_id: str
    surface_forms: tuple[str, ...]
    offsets: tuple[int, ...]


class Story(NamedTuple):
    id: str
    category: str
    subcategory: str
    title: str
    abstract: str
    title_entities: tuple[Entity, ...]
    abstract_entities: tuple[Entity, ...]


@dataclass(frozen=True, eq=False)
class News:
    """A table of stories; elsewhere a story is named by its row."""

    columns: pa.Table
    """One string column for each field of Story; entities as MIND's JSON text."""

    def __len__(self) -> int:
        return len(self.columns)

    def __getitem__(self, row: int) -> Story:
        values = {name: self.columns[name][row].as_py() for name in self.columns.column_names}
        for name in ("title_entities", "abstract_entities"):
            values[name] = parse_entities(values[name])
        return Story(**values)

    def texts(self, column: str) -> list[str]:
        """A whole column, as Python strings."""
        return self.columns[column].to_pylist()

    def rows_of(self, ids: pa.Array) -> np.ndarray:
        """The row of each id, -1 for an unknown one."""
        return pc.fill_null(pc.index_in(ids, value_set=self.known_ids), -1).to_numpy(zero_copy_only=False)

    @cached_property
    def known_ids(self) -> pa.Array:
        return self.columns["id"].combine_chunks()


@dataclass(frozen=True, eq=False)
class Ragged:
    """Rows of different lengths, stored end to end."""

    values: np.ndarray  # [total]
    offsets: np.ndarray  # [rows + 1], int64

    @classmethod
    def stack(cls, rows: Sequence, dtype=np.int32) -> "Ragged":
        arrays = [np.asarray(row, dtype=dtype) for row in rows]
        values = np.concatenate(arrays) if arrays else np.empty(0, dtype)
        return cls(values, np.cumsum([0, *map(len, arrays)], dtype=np.int64))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, row: int) -> np.ndarray:
        return self.values[self.offsets[row] : self.offsets[row + 1]]

    @property
    def lengths(self) -> np.ndarray:
        return np.diff(self.offsets)

    def take(self, rows: np.ndarray) -> "Ragged":
        """The named rows, in that order."""
        lengths = self.lengths[rows]
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        shifts = np.repeat(self.offsets[:-1][rows] - offsets[:-1], lengths)
        return Ragged(self.values[np.arange(offsets[-1]) + shifts], offsets)


class Impression(NamedTuple):
    """One visit. Stories are named by their row in the news table."""

    id: str
    reader: str
    time: np.datetime64  # seconds, without a time zone; NaT where the file's time could not be read
    history: np.ndarray  # [H] int, clicked before this visit, oldest first
    candidates: np.ndarray  # [C] int, in the order of the file
    clicked: np.ndarray | None  # [C] bool; None in a test set without labels


@dataclass(frozen=True, eq=False)
class Impressions:
    """A table of impressions, held by column and read by row."""

    ids: pa.Array
    readers: np.ndarray  # [R] int32, into `reader_ids`
    reader_ids: pa.Array
    times: np.ndarray  # [R] datetime64[s]
    history: Ragged
    candidates: Ragged
    clicked: np.ndarray | None  # [total candidates] bool, aligned with candidates.values

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, row: int) -> Impression:
        if not 0 <= row < len(self):
            raise IndexError(f"impression {row} of {len(self)}")
        start, end = self.candidates.offsets[row : row + 2]
        return Impression(
            self.ids[row].as_py(),
            self.reader_ids[int(self.readers[row])].as_py(),
            self.times[row],
            self.history[row],
            self.candidates.values[start:end],
            None if self.clicked is None else self.clicked[start:end],
        )

    def take(self, rows: np.ndarray) -> "Impressions":
        """The named impressions, in that order."""
        clicked = self.clicked
        if clicked is not None:
            clicked = Ragged(clicked, self.candidates.offsets).take(rows).values
        return replace(
            self,
            ids=self.ids.take(pa.array(rows)),
            readers=self.readers[rows],
            times=self.times[rows],
            history=self.history.take(rows),
            candidates=self.candidates.take(rows),
            clicked=clicked,
        )


class Skipped(NamedTuple):
    """Something the reader of a file left out or put right, counted, never in silence."""

    what: str  # "history click on a story that news.tsv does not have"
    count: int
    first: str  # where it was met first: "behaviors.tsv, line 12"


@dataclass(frozen=True, eq=False)
class Split:
    """One part of a data set: train, dev or test."""

    name: str
    """For people: 'MIND sample, dev'. Stands beside every number measured on it."""
    news: News
    impressions: Impressions
    skipped: tuple[Skipped, ...] = field(default=())


def parse_entities(text: str) -> tuple[Entity, ...]:
    return tuple(
        Entity(
            entity.get("Label", ""),
            entity.get("Type", ""),
            entity.get("WikidataId", ""),
            tuple(entity.get("SurfaceForms", ())),
            tuple(entity.get("OccurrenceOffsets", ())),
        )
        for entity in json.loads(text or "[]")
    )
