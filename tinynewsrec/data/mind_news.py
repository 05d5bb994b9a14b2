"""MIND's news.tsv -> News."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Bool

from tinynewsrec.data.tables import Entity, News, Skipped, parse_entities
from tinynewsrec.data.text_columns import LONGEST_LINE, Columns, read_blocks, split_columns

PUBLISHED = (
    "id",
    "category",
    "subcategory",
    "title",
    "abstract",
    "url",
    "title_entities",
    "abstract_entities",
)
KEPT = tuple(name for name in PUBLISHED if name != "url")  # nothing reads the story's address

REPEATED_STORY = "story listed again with the same content, left out"
MALFORMED_ENTITIES = "list of entities that is not MIND's JSON, read as unknown"


def read_news(path: Path) -> tuple[News, tuple[Skipped, ...]]:
    """The stories in the order of the file. Raises DataError as tinynewsrec.data.mind says."""
    columns = drop_repeated_stories(read_columns(path))
    table = dict(zip(KEPT, columns.fields, strict=True))
    table["title_entities"], title_malformed = sound_entities(table["title_entities"])
    table["abstract_entities"], abstract_malformed = sound_entities(table["abstract_entities"])
    malformed = columns.counted(MALFORMED_ENTITIES, title_malformed.astype(int) + abstract_malformed)
    return News(pa.table(table)), columns.skipped + malformed


def read_columns(path: Path) -> Columns:
    parts = [split_columns(block, len(PUBLISHED)) for block in read_blocks(path)]
    lines = np.concatenate([part.lines for part in parts])
    kept = [PUBLISHED.index(name) for name in KEPT]
    fields = [pa.concat_arrays([part.fields[column] for part in parts]) for column in kept]
    return Columns(path, fields, lines, tuple(entry for part in parts for entry in part.skipped))


def drop_repeated_stories(columns: Columns) -> Columns:
    """Raises DataError for a story without an id, and for one listed twice with different content."""
    ids = columns.fields[0]
    if nameless := pc.index(ids, "").as_py() + 1:
        raise columns.error(nameless - 1, "expected a story id in the first column, found nothing.")
    codes = ids.dictionary_encode().indices.to_numpy()
    first_rows = np.unique(codes, return_index=True)[1][codes]
    again = first_rows != np.arange(len(codes))
    repeats, originals = np.flatnonzero(again), first_rows[again]
    for field in columns.fields:
        differs = pc.not_equal(field.take(pa.array(repeats)), field.take(pa.array(originals)))
        if (place := pc.index(differs, True).as_py()) >= 0:
            line, story = columns.lines[originals[place]], ids[int(repeats[place])].as_py()[:40]
            raise columns.error(repeats[place], f"story {story!r} is another one on line {line}.")
    return columns.keep(~again)._replace(skipped=columns.skipped + columns.counted(REPEATED_STORY, again))


def sound_entities(texts: pa.Array) -> tuple[pa.Array, Bool[np.ndarray, " R"]]:
    """The texts, empty where malformed, and which were: names that are not known are not no names."""
    encoded = texts.dictionary_encode()
    written = encoded.dictionary.to_pylist()
    sound = np.array([are_entities(text) for text in written], dtype=bool)
    replaced = [text if good else "" for text, good in zip(written, sound, strict=True)]
    rows = encoded.indices
    return pa.array(replaced, pa.string()).take(rows), ~sound[rows.to_numpy()]


def are_entities(text: str) -> bool:
    try:
        return all(map(is_sound, parse_entities(text)))
    except (ValueError, TypeError, AttributeError, RecursionError):
        return False


def is_sound(entity: Entity) -> bool:
    """Raises ValueError for half a surrogate pair, which no file and no page could show."""
    words = (entity.label, entity.type, entity.wikidata_id, *entity.surface_forms)
    "".join(words).encode()
    return all(type(offset) is int and 0 <= offset < LONGEST_LINE for offset in entity.offsets)
