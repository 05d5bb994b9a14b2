"""Where a title names someone or something, and what that makes of each token: outside, beginning, inside."""

import re
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import NamedTuple

import numpy as np
from jaxtyping import Int
from transformers import PreTrainedTokenizerBase

from tinynewsrec.data.labels import IGNORE, TAGS
from tinynewsrec.data.tables import Entity, News, parse_entities

OUTSIDE, BEGINNING, INSIDE = range(len(TAGS))
WORD = re.compile(r"\w+")

Span = tuple[int, int]  # in characters: from, up to


class Spans(NamedTuple):
    """What each title names, from left to right, no two places overlapping; and how that was found.

    Counts are of names: an entity's surface form at one place.
    """

    places: list[list[Span]]
    stated: int  # where the data set says
    searched: int  # elsewhere: the data set says another place, or none
    dropped: int  # in no place of the title


def entity_spans(news: News) -> Spans:
    """The places of the entities in each title."""
    places, counts = [], np.zeros(3, dtype=int)
    for title, text in zip(news.texts("title"), news.texts("title_entities"), strict=True):
        found, searched, dropped = locate(title, parse_entities(text))
        places.append(apart(found + searched))
        counts += len(found), len(searched), dropped
    return Spans(places, *counts.tolist())


def locate(title: str, entities: Sequence[Entity]) -> tuple[list[Span], list[Span], int]:
    """Spans where the data set says, spans found elsewhere, and how many names are nowhere in the title."""
    stated, searched, dropped = [], [], 0
    for surface, offset in (name for entity in entities for name in names_of(entity, title)):
        if offset is not None and surface and title.startswith(surface, offset):
            stated.append((offset, offset + len(surface)))
        elif found := occurrences(surface, title):
            searched.extend(found)
        else:
            dropped += 1
    return stated, searched, dropped


def names_of(entity: Entity, title: str) -> Iterator[tuple[str, int | None]]:
    """MIND lists a surface form for each offset, or fewer: then one of them stands at each of the others.

    A form without an offset may be anywhere.
    """
    forms, offsets = entity.surface_forms, entity.offsets
    yield from zip_longest(forms, offsets[: len(forms)])
    for offset in offsets[len(forms) :] if forms else ():
        yield max(forms, key=lambda form: len(form) * title.startswith(form, offset)), offset


def occurrences(surface: str, title: str) -> list[Span]:
    """Where the words of a name follow one another, whatever stands between them and behind them.

    `Anna-Lise` is found in `Anna Lise:`, `Mette` in `Mettes`, `Mette's` and `Mette-sag`. A word of the
    title in small letters is no word of a name in capitals: `us` is not `US`.
    """
    wanted = WORD.findall(surface)
    words = list(WORD.finditer(title)) if wanted else []
    starts = range(len(words) - len(wanted) + 1)
    runs = (words[start : start + len(wanted)] for start in starts) if wanted else ()
    return [(run[0].start(), run[-1].end()) for run in runs if matches([word[0] for word in run], wanted)]


def matches(words: Sequence[str], wanted: Sequence[str]) -> bool:
    """Word by word; the last may carry the Danish genitive."""
    *first, last = zip(words, wanted, strict=True)
    return all(same(*pair) for pair in first) and (same(*last) or same(last[0], last[1] + "s"))


def same(word: str, wanted: str) -> bool:
    return word == wanted or (not word.islower() and word.casefold() == wanted.casefold())


def apart(spans: Sequence[Span]) -> list[Span]:
    """From left to right, without those inside or across a longer one."""
    kept: list[Span] = []
    for start, end in sorted(set(spans), key=lambda span: (span[0] - span[1], span)):
        if all(end <= other[0] or other[1] <= start for other in kept):
            kept.append((start, end))
    return sorted(kept)


def bio_labels(news: News, tokenizer: PreTrainedTokenizerBase, length: int) -> Int[np.ndarray, "N T"]:
    """TAGS of the titles' tokens, in the places that `tokenize(titles, tokenizer, length)` gives them.

    Special tokens and pads are IGNORE; so is every title whose names are not known, and everything where
    the data set names no entity at all.
    Raises ValueError for a tokenizer that does not tell where its tokens stand.
    """
    offsets, special = token_places(news.texts("title"), tokenizer, length)
    spans, stated = entity_spans(news).places, news.texts("title_entities")
    known = np.array([text != "" for text in stated], dtype=bool) & any(map(parse_entities, set(stated)))
    labels = np.where(special | ~known[:, None], IGNORE, OUTSIDE)
    for row, start, end in ((row, *span) for row, some in enumerate(spans) for span in some):
        inside = (offsets[row, :, 0] < end) & (offsets[row, :, 1] > start) & (labels[row] == OUTSIDE)
        labels[row, inside] = INSIDE
        labels[row, np.flatnonzero(inside)[:1]] = BEGINNING
    return labels


def token_places(
    titles: Sequence[str], tokenizer: PreTrainedTokenizerBase, length: int
) -> tuple[Int[np.ndarray, "N T 2"], np.ndarray]:
    """The characters that each token stands for, and which tokens stand for none."""
    if not tokenizer.is_fast:
        raise ValueError(
            f"Expected a fast tokenizer, which tells where in a title its tokens stand; got "
            f"{type(tokenizer).__name__}. Choose another language model, or train without entities."
        )
    encoded = tokenizer(
        list(titles) or [""],
        truncation=True,
        max_length=length,
        padding=True,
        padding_side="right",
        return_offsets_mapping=True,
        return_special_tokens_mask=True,
        return_tensors="np",
    )
    special = (encoded["special_tokens_mask"] == 1) | (encoded["attention_mask"] == 0)
    kept = slice(len(titles))
    return encoded["offset_mapping"][kept].astype(np.int64), special[kept]
