"""What every data set becomes: a table of news and a table of impressions, held by column."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tinynewsrec.data.ragged import Ragged


class DataError(ValueError):
    """A file that is not what it should be; says where, what was expected and what was found."""


class Entity(NamedTuple):
    """A name that occurs in a text; `offsets` count characters from the text's start."""

    label: str
    type: (
        str  # one letter, MIND's: P person, G place, O organisation, W work, ...; or EB-NeRD's: PER, LOC, ...
    )
    wikidata_id: str
    surface_forms: tuple[str, ...]
    offsets: tuple[int, ...]  # empty where the data set does not say where: EB-NeRD


NOT_A_TIME = np.datetime64("NaT", "s")


class Story(NamedTuple):
    id: str
    category: str
    subcategory: str
    title: str
    abstract: str
    title_entities: tuple[Entity, ...]
    abstract_entities: tuple[Entity, ...]
    sentiment: str = ""  # negative, neutral or positive; "" where the data set does not say
    published: np.datetime64 = NOT_A_TIME  # seconds, without a time zone


@dataclass(frozen=True, eq=False)
class News:
    """A table of stories; elsewhere a story is named by its row."""

    columns: pa.Table
    """One string column for each text of Story; entities as MIND's JSON text, "" where unknown.

    `sentiment` (string) and `published` (timestamp[s]) are there only where the data set has them.
    """
    sources: Mapping[str, str] = field(default_factory=dict)
    """Where such a column comes from: {"sentiment": "sentiment_label of articles.parquet"}."""
    language: str = "en"
    """Of the texts, as ISO 639-1 names it."""

    def __len__(self) -> int:
        return len(self.columns)

    def __getitem__(self, row: int) -> Story:
        values = {name: self.columns[name][row].as_py() for name in self.columns.column_names}
        for name in ("title_entities", "abstract_entities"):
            values[name] = parse_entities(values[name])
        if "published" in values:
            values["published"] = np.datetime64(values["published"], "s")
        return Story(**values)

    def texts(self, column: str) -> list[str]:
        """A whole column, as Python strings."""
        return self.columns[column].to_pylist()

    @property
    def sentiments(self) -> list[str]:
        """As the data set says: negative, neutral or positive; "" where it does not."""
        return self.texts("sentiment") if "sentiment" in self.columns.column_names else [""] * len(self)

    @cached_property
    def published(self) -> np.ndarray:
        """[N] datetime64[s], NaT where the data set does not say."""
        if "published" not in self.columns.column_names:
            return np.full(len(self), NOT_A_TIME)
        return self.columns["published"].to_numpy()

    def rows_of(self, ids: pa.Array) -> np.ndarray:
        """The row of each id, -1 for an unknown one."""
        return pc.fill_null(pc.index_in(ids, value_set=self.known_ids), -1).to_numpy(zero_copy_only=False)

    @cached_property
    def known_ids(self) -> pa.Array:
        return self.columns["id"].combine_chunks()


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
    beyond: np.ndarray | None = None  # [R] bool, of EB-NeRD's beyond-accuracy task; None where not said

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
            history=self.history.select(rows),
            candidates=self.candidates.take(rows),
            clicked=clicked,
            beyond=None if self.beyond is None else self.beyond[rows],
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
    predictions: str = "prediction.txt"
    """The file in which the data set's competition takes a ranking; MIND's name for it."""


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
