"""Whatever happens to MIND's files, they are read as a slow reader would, or refused with our own errors."""

import re
import tempfile
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinynewsrec.data import text_columns
from tinynewsrec.data.mind import read_mind
from tinynewsrec.data.mind_behaviors import NO_CANDIDATE, UNKNOWN_CANDIDATE, UNKNOWN_CLICK, UNREADABLE_TIME
from tinynewsrec.data.mind_news import REPEATED_STORY
from tinynewsrec.data.tables import DataError, Split
from tinynewsrec.data.text_columns import BLANK_LINE

IDS = ["N1", "N22", "é", "a-1", "N333", "-"]
NEWS = "".join(f'{id}\tfood\tsoup\tA "title" {id}\tAn abstract\turl\t[]\t[]\n' for id in IDS).encode()
TIMES = ["11/15/2019 8:00:00 AM", "1/5/2019 12:30:00 AM", "2/29/2019 1:00:00 PM", ""]


@pytest.fixture(autouse=True, scope="module")
def small_blocks():
    """Blocks of a line or two, so that each file takes several."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_columns, "BLOCK_BYTES", 64)
        yield


def read_files(news: bytes, behaviors: bytes) -> Split:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "news.tsv").write_bytes(news)
        (Path(folder) / "behaviors.tsv").write_bytes(behaviors)
        return read_mind(Path(folder))


known = st.sampled_from(IDS)
mostly_known = st.sampled_from([*IDS, *IDS, "N404"])


@st.composite
def behavior_files(draw):
    """Sound files, but for unknown stories, unreadable times, blank lines and missing candidates."""
    labels = draw(st.sampled_from([["-0", "-1"], ["-2"]]))
    candidate = (
        st.tuples(mostly_known, st.sampled_from(labels)).map("".join).map(lambda c: c.removesuffix("-2"))
    )
    if labels == ["-2"]:
        candidate = candidate.filter(lambda c: c != "a-1")
    line = st.tuples(
        st.text("1234", min_size=1, max_size=3),
        st.sampled_from(["U1", "U2", "U3"]),
        st.sampled_from(TIMES),
        st.lists(mostly_known, max_size=4).map(" ".join),
        st.lists(candidate, max_size=4).map(" ".join),
    ).map("\t".join)
    return draw(st.lists(line | st.just(""), max_size=12)), labels != ["-2"]


def read_slowly(lines: list[str], labelled: bool) -> list[tuple]:
    """Line by line: (id, reader, time, history, candidates, clicked) of the impressions kept."""
    kept = []
    for line in filter(None, lines):
        id, reader, time, history, shown = line.split("\t")
        shown = shown.split(" ") if shown else []
        candidates = [text[:-2] if labelled else text for text in shown]
        clicked = [text.endswith("-1") for text in shown] if labelled else None
        if candidates and set(candidates) <= set(IDS):
            clicks = [click for click in history.split(" ") if click in IDS]
            kept.append((id, reader, read_time(time), clicks, candidates, clicked))
    return kept


def read_time(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, "%m/%d/%Y %I:%M:%S %p")
    except ValueError:
        return None


@given(behavior_files())
def test_reading_by_column_equals_reading_by_line(file):
    lines, labelled = file
    if not any(lines):
        return
    split = read_files(NEWS, "\n".join(lines).encode())
    found = [
        (
            visit.id,
            visit.reader,
            visit.time.item(),
            [IDS[row] for row in visit.history],
            [IDS[row] for row in visit.candidates],
            None if visit.clicked is None else visit.clicked.tolist(),
        )
        for visit in split.impressions
    ]
    assert found == read_slowly(lines, labelled)


BEHAVIORS = (
    "1\tU1\t11/15/2019 8:00:00 AM\tN1 N22\té-0 N333-1\n"
    "2\tU2\t11/15/2019 9:00:00 PM\t\tN1-1 a-1-0 N22-0\n"
    "3\tU1\t11/16/2019 12:00:00 AM\té N404\tN333-1 N1-0\n"
).encode()


def cut(text: bytes, place: int, extra: bytes) -> bytes:
    return text[: place % (len(text) + 1)]


def insert(text: bytes, place: int, extra: bytes) -> bytes:
    place %= len(text) + 1
    return text[:place] + extra + text[place:]


def overwrite(text: bytes, place: int, extra: bytes) -> bytes:
    place %= len(text) + 1
    return text[:place] + extra + text[place + len(extra) :]


def swap_fields(text: bytes, place: int, extra: bytes) -> bytes:
    fields = re.split(rb"([\t\n ])", text)
    other = (place // 7) % len(fields)
    place %= len(fields)
    fields[place], fields[other] = fields[other], fields[place]
    return b"".join(fields)


def repeat_line(text: bytes, place: int, extra: bytes) -> bytes:
    lines = text.splitlines(keepends=True) or [b""]
    return text + lines[place % len(lines)]


DAMAGE = st.tuples(
    st.sampled_from([cut, insert, overwrite, swap_fields, repeat_line]),
    st.integers(0, 10_000),
    st.binary(max_size=5)
    | st.sampled_from([b"\t", b"\n", b"\r", b"\r\n", b" ", b"\0", b'"', b"\xef\xbb\xbf"]),
)


@settings(max_examples=300)
@given(st.lists(DAMAGE, max_size=4), st.lists(DAMAGE, max_size=4))
def test_damage_is_refused_or_read_without_contradiction(news_damage, behaviors_damage):
    news, behaviors = NEWS, BEHAVIORS
    for damage, place, extra in news_damage:
        news = damage(news, place, extra)
    for damage, place, extra in behaviors_damage:
        behaviors = damage(behaviors, place, extra)
    check_unless_refused(news, behaviors)


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_noise_is_refused_or_read_without_contradiction(news, behaviors):
    for pair in [(news, behaviors), (NEWS, behaviors), (NEWS, BEHAVIORS + behaviors)]:
        check_unless_refused(*pair)


def check_unless_refused(news: bytes, behaviors: bytes) -> None:
    try:
        split = read_files(news, behaviors)
    except DataError as error:
        names_the_place = re.search(r"(news|behaviors)\.tsv(, line \d+: | is empty)", str(error))
        if not names_the_place:
            raise
    else:
        check(split, news, behaviors)


def check(split: Split, news: bytes, behaviors: bytes) -> None:
    """What holds of every split: rows exist, offsets rise, no line is lost."""
    for ragged in (split.impressions.history, split.impressions.candidates):
        assert ragged.offsets[0] == 0
        assert ragged.offsets[-1] == len(ragged.values)
        assert (np.diff(ragged.offsets) >= 0).all()
        assert len(ragged) == len(split.impressions)
        assert ((ragged.values >= 0) & (ragged.values < len(split.news))).all()
    clicked = split.impressions.clicked
    assert clicked is None or len(clicked) == len(split.impressions.candidates.values)
    assert (split.impressions.candidates.lengths > 0).all()
    assert len(split.impressions.times) == len(split.impressions.readers) == len(split.impressions)
    assert [split.news[row].id for row in range(len(split.news))] == split.news.texts("id")
    assert [visit.id for visit in split.impressions] == split.impressions.ids.to_pylist()

    assert line_count(news) == len(split.news) + count(split, "news.tsv", BLANK_LINE, REPEATED_STORY)
    assert line_count(behaviors) == len(split.impressions) + count(
        split, "behaviors.tsv", BLANK_LINE, NO_CANDIDATE, UNKNOWN_CANDIDATE
    )
    assert np.isnat(split.impressions.times).sum() == count(split, "behaviors.tsv", UNREADABLE_TIME)


def line_count(text: bytes) -> int:
    return text.count(b"\n") + (not text.endswith(b"\n"))


def count(split: Split, file: str, *kinds: str) -> int:
    return sum(entry.count for entry in split.skipped if entry.what in kinds and entry.first.startswith(file))


@given(behavior_files())
def test_every_click_is_kept_or_counted(file):
    lines, labelled = file
    if not any(lines):
        return
    split = read_files(NEWS, "\n".join(lines).encode())
    without_unknown = count(split, "behaviors.tsv", UNKNOWN_CANDIDATE, NO_CANDIDATE) == 0
    if without_unknown:
        clicks = sum(len(line.split("\t")[3].split()) for line in filter(None, lines))
        assert clicks == len(split.impressions.history.values) + count(split, "behaviors.tsv", UNKNOWN_CLICK)
