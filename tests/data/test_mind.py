"""MIND's files are read as published; what is not as published is refused or counted."""

import json
import re
from datetime import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinynewsrec.data import mind_behaviors, mind_news, text_columns
from tinynewsrec.data.mind import read_mind
from tinynewsrec.data.read import read_split
from tinynewsrec.data.tables import DataError

PLACE = {
    "Label": "Lake Invented",
    "Type": "G",
    "WikidataId": "Q0",
    "Confidence": 1.0,
    "OccurrenceOffsets": [9],
    "SurfaceForms": ["the lake"],
}


def story(id, title="A title", title_entities="[]", abstract_entities="[]"):
    return f"{id}\tsports\ttennis\t{title}\tAn abstract\turl\t{title_entities}\t{abstract_entities}"


NEWS = [story(f"N{number}") for number in range(6)]
BEHAVIORS = [
    "1\tU1\t11/15/2019 8:00:00 AM\tN0 N1 N2\tN3-0 N4-1",
    "2\tU2\t11/15/2019 9:00:00 PM\t\tN1-1 N5-0 N0-0",
]


@pytest.fixture
def read(tmp_path):
    """Reads a folder of the given lines, or bytes, called `dev`."""

    def read(behaviors=BEHAVIORS, news=NEWS):
        folder = tmp_path / "dev"
        folder.mkdir(exist_ok=True)
        for name, content in [("news.tsv", news), ("behaviors.tsv", behaviors)]:
            content = content if isinstance(content, bytes) else "\n".join([*content, ""]).encode()
            (folder / name).write_bytes(content)
        return read_split(folder)

    return read


def visit(history="N0", candidates="N1-0 N2-1", time="11/15/2019 8:00:00 AM"):
    return f"1\tU1\t{time}\t{history}\t{candidates}"


def ids(split, rows):
    return [split.news[row].id for row in rows.tolist()]


def counts(split):
    return {entry.what: (entry.count, entry.first) for entry in split.skipped}


def test_an_impression_is_read_as_it_stands(read):
    split = read()
    impression = split.impressions[0]
    assert (impression.id, impression.reader) == ("1", "U1")
    assert impression.time == np.datetime64("2019-11-15T08:00:00")
    assert ids(split, impression.history) == ["N0", "N1", "N2"]
    assert ids(split, impression.candidates) == ["N3", "N4"]
    assert impression.clicked.tolist() == [False, True]
    assert split.skipped == ()


def test_a_reader_may_have_no_history(read):
    assert len(read().impressions[1].history) == 0


def test_a_reader_met_twice_is_one_reader(read):
    impressions = read([visit(), BEHAVIORS[1], visit()]).impressions
    assert impressions.readers.tolist() == [0, 1, 0]
    assert impressions.reader_ids.to_pylist() == ["U1", "U2"]


def test_a_story_keeps_every_column_but_its_address(read):
    split = read(news=[*NEWS[:5], "N5\tfood\tsoup\tHot\tVery hot\turl\t\t[]"])
    assert split.news[5][:7] == ("N5", "food", "soup", "Hot", "Very hot", (), ())
    assert "url" not in split.news.columns.column_names


def test_entities_keep_their_offsets(read):
    found = read(news=[*NEWS[:5], story("N5", title_entities=json.dumps([PLACE]))]).news[5]
    assert found.title_entities == (("Lake Invented", "G", "Q0", ("the lake",), (9,)),)
    assert found.abstract_entities == ()


@pytest.mark.parametrize(
    "text",
    [
        '[{"Label": "cut o',
        "7",
        "null",
        '["word"]',
        "[" * 100_000,
        '[{"Label": null}]',
        '[{"Label": "\\ud800"}]',
        '[{"OccurrenceOffsets": ["9"]}]',
        '[{"OccurrenceOffsets": [-1]}]',
        '[{"SurfaceForms": 3}]',
    ],
    ids=lambda text: text[:30],
)
def test_malformed_entities_are_counted_and_read_as_none(read, text):
    split = read(news=[*NEWS[:5], story("N5", title_entities=text, abstract_entities=text)])
    assert counts(split) == {mind_news.MALFORMED_ENTITIES: (2, "news.tsv, line 6")}
    assert split.news[5].title_entities == split.news[5].abstract_entities == ()
    assert split.news.texts("title_entities")[5] == ""


def test_quotes_and_lone_carriage_returns_and_nul_are_ordinary_characters(read):
    title = 'The "end\' of \r and \0 "'
    assert read(news=[*NEWS, story("N6", title), story("N7")]).news[6].title == title


def test_story_ids_are_opaque(read):
    names = ["a-1", "", "é", "x-0-0", "N9"]
    news = [story(name) for name in names if name]
    split = read([visit("é a-1 x-0-0", "a-1-0 x-0-0-1 é-0")], news)
    assert ids(split, split.impressions[0].history) == ["é", "a-1", "x-0-0"]
    assert ids(split, split.impressions[0].candidates) == ["a-1", "x-0-0", "é"]


def test_a_test_set_has_no_labels(read):
    split = read([visit(candidates="N1 N2"), visit(candidates="N3")])
    assert split.impressions.clicked is None
    assert split.impressions[0].clicked is None
    assert ids(split, split.impressions[1].candidates) == ["N3"]


@pytest.mark.parametrize(
    ("first", "then", "message"),
    [
        ("N1-0 N2-1", "N3-0 N4-2", r"behaviors.tsv, line 3: expected 'N4-2' to end in -0 or -1"),
        ("N1-0 N2-1", "N3 N4-1", r"line 3: expected 'N3' to end in -0 or -1"),
        ("N1 N2", "N3 N4-1", r"line 3: expected 'N4-1' to carry no label"),
        ("N1-0 N2", "N3-0", r"line 1: expected 'N2' to end in -0 or -1"),
    ],
)
def test_candidates_are_labelled_alike_or_refused(read, first, then, message):
    with pytest.raises(DataError, match=message):
        read([visit(candidates=first), visit(candidates=first), visit(candidates=then)])


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("11/15/2019 12:00:00 AM", "2019-11-15T00:00:00"),
        ("11/15/2019 12:30:01 PM", "2019-11-15T12:30:01"),
        ("11/15/2019 1:02:03 PM", "2019-11-15T13:02:03"),
        ("1/5/2019 11:59:59 PM", "2019-01-05T23:59:59"),
        ("2/29/2020 1:00:00 AM", "2020-02-29T01:00:00"),
    ],
)
def test_times_are_read_with_morning_and_afternoon(read, text, time):
    assert read([visit(time=text)]).impressions.times[0] == np.datetime64(time)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2/29/2019 1:00:00 AM",
        "13/1/2019 1:00:00 AM",
        "0/1/2019 1:00:00 AM",
        "1/0/2019 1:00:00 AM",
        "1/1/2019 0:00:00 AM",
        "1/1/2019 13:00:00 PM",
        "1/1/2019 1:60:00 AM",
        "1/1/2019 1:00:00",
        "1/1/2019 1:00:00 AM ",
    ],
)
def test_an_unreadable_time_is_counted_and_the_impression_kept(read, text):
    split = read([visit(), visit(time=text)])
    assert np.isnat(split.impressions.times).tolist() == [False, True]
    assert counts(split) == {mind_behaviors.UNREADABLE_TIME: (1, "behaviors.tsv, line 2")}


@given(st.text("0129/: APM", max_size=24) | st.datetimes().map(lambda t: t.strftime("%m/%d/%Y %I:%M:%S %p")))
def test_times_agree_with_the_standard_library(text):
    try:
        assert re.fullmatch(r"\d\d?/\d\d?/\d{4} \d\d?:\d\d:\d\d [AP]M", text)
        expected = datetime.strptime(text, "%m/%d/%Y %I:%M:%S %p")
    except (AssertionError, ValueError):
        expected = None
    found = mind_behaviors.parse_times(mind_behaviors.pa.array([text]))
    assert found.tolist() == [expected]


def test_a_history_click_on_an_unknown_story_is_dropped_and_counted(read):
    split = read([visit(), visit("N0 N77 N1 N78"), visit("N79")])
    assert ids(split, split.impressions[1].history) == ["N0", "N1"]
    assert len(split.impressions[2].history) == 0
    assert counts(split) == {mind_behaviors.UNKNOWN_CLICK: (3, "behaviors.tsv, line 2")}


def test_an_impression_with_an_unknown_candidate_is_left_out_whole(read):
    split = read([visit(), visit("N88", "N3-1 N77-0 N78-0"), visit(candidates="N5-1 N0-0")])
    assert [ids(split, impression.candidates) for impression in split.impressions] == [
        ["N1", "N2"],
        ["N5", "N0"],
    ]
    assert split.impressions[1].clicked.tolist() == [True, False]
    assert counts(split) == {mind_behaviors.UNKNOWN_CANDIDATE: (1, "behaviors.tsv, line 2")}


def test_an_impression_without_candidates_is_left_out(read):
    split = read([visit(candidates=" "), visit()])
    assert len(split.impressions) == 1
    assert counts(split) == {mind_behaviors.NO_CANDIDATE: (1, "behaviors.tsv, line 1")}


def test_impressions_without_a_click_or_with_clicks_alone_are_kept(read):
    assert len(read([visit(candidates="N1-0 N2-0"), visit(candidates="N1-1")]).impressions) == 2


def test_several_spaces_part_like_one(read):
    split = read([visit("  N0   N1 ", " N1-0  N2-1 ")])
    assert ids(split, split.impressions[0].history) == ["N0", "N1"]
    assert ids(split, split.impressions[0].candidates) == ["N1", "N2"]
    assert split.skipped == ()


def test_a_story_listed_again_alike_is_counted(read):
    split = read(news=[*NEWS, NEWS[2], NEWS[2]])
    assert len(split.news) == 6
    assert counts(split) == {mind_news.REPEATED_STORY: (2, "news.tsv, line 7")}


def test_a_story_listed_again_otherwise_is_refused_with_both_lines(read):
    with pytest.raises(DataError, match=r"news.tsv, line 8: story 'N2' is another one on line 3"):
        read(news=[*NEWS, "", story("N2", "Another title")])


def test_a_story_without_an_id_is_refused(read):
    with pytest.raises(DataError, match=r"news.tsv, line 7: expected a story id"):
        read(news=[*NEWS, story("")])


def test_a_wrong_number_of_columns_is_refused_with_its_line(read):
    with pytest.raises(DataError, match=r"news.tsv, line 7: expected 8 columns, found 2\."):
        read(news=[*NEWS, "N9\tsports"])
    with pytest.raises(DataError, match=r"behaviors.tsv, line 2: expected 5 columns, found 6\."):
        read([BEHAVIORS[0], BEHAVIORS[1] + "\t", BEHAVIORS[0]])


def test_text_that_is_not_utf_8_is_refused_with_its_line(read):
    with pytest.raises(DataError, match=r"news.tsv, line 7: expected UTF-8 text, found byte 0xe9\."):
        read(news="\n".join([*NEWS, story("N6", "é")]).encode("latin-1"))


@pytest.mark.parametrize("end", ["", "\r\n"])
def test_windows_line_ends_and_a_byte_order_mark_change_nothing_but_the_count(read, end):
    windows = b"\xef\xbb\xbf" + ("\r\n".join(NEWS) + end).encode()
    split = read("\r\n".join([*BEHAVIORS, ""]).encode(), windows)
    assert split.news.columns.equals(read().news.columns)
    assert list(map(str, split.impressions)) == list(map(str, read().impressions))
    assert [entry.what for entry in split.skipped] == [
        text_columns.LEADING_MARK,
        text_columns.CARRIAGE_RETURN,
        text_columns.CARRIAGE_RETURN,
    ]
    assert [entry.count for entry in split.skipped] == [1, 5 + bool(end), 2]


def test_a_missing_line_end_loses_no_line(read):
    assert len(read("\n".join(BEHAVIORS).encode()).impressions) == 2


@pytest.mark.parametrize("content", [b"", b"\n", b" \r\n\n", b"\xef\xbb\xbf\n"])
def test_an_empty_file_is_refused(read, content):
    with pytest.raises(DataError, match=r"news.tsv is empty"):
        read(news=content)
    with pytest.raises(DataError, match=r"behaviors.tsv is empty"):
        read(content)


def test_blank_lines_are_counted(read):
    split = read(["", BEHAVIORS[0], " ", BEHAVIORS[1], ""], [*NEWS, "", ""])
    assert len(split.impressions) == 2
    assert [(entry.what, entry.count, entry.first) for entry in split.skipped] == [
        (text_columns.BLANK_LINE, 2, "news.tsv, line 7"),
        (text_columns.BLANK_LINE, 3, "behaviors.tsv, line 1"),
    ]


def test_lines_are_counted_through_the_file_however_it_is_cut(read, monkeypatch):
    monkeypatch.setattr(text_columns, "BLOCK_BYTES", 100)
    split = read([*BEHAVIORS * 20, visit("N77"), *BEHAVIORS * 20, visit("N78"), ""])
    assert counts(split) == {
        mind_behaviors.UNKNOWN_CLICK: (2, "behaviors.tsv, line 41"),
        text_columns.BLANK_LINE: (1, "behaviors.tsv, line 83"),
    }
    with pytest.raises(DataError, match=r"behaviors.tsv, line 42: expected 5 columns, found 1\."):
        read([*BEHAVIORS * 20, "", "cut off", *BEHAVIORS * 20])


def test_a_byte_order_mark_alone_on_its_line_is_no_candidate(read):
    assert len(read("\n".join(["\ufeff", *BEHAVIORS]).encode()).impressions) == 2


def test_a_line_that_never_ends_is_refused(read, monkeypatch):
    monkeypatch.setattr(text_columns, "BLOCK_BYTES", 10)
    monkeypatch.setattr(text_columns, "LONGEST_LINE", 1000)
    with pytest.raises(DataError, match=r"news.tsv, line 7: expected text lines"):
        read(news=[*NEWS, "word " * 1000])


def test_a_missing_file_says_where_to_get_it(tmp_path):
    (tmp_path / "news.tsv").write_text("\n".join(NEWS))
    with pytest.raises(
        FileNotFoundError, match=r"behaviors.tsv is missing.*https://msnews.github.io"
    ) as error:
        read_mind(tmp_path)
    assert "python -m training.download mind-small --to DIR" in str(error.value)


def test_an_unknown_folder_says_what_it_holds_and_what_was_expected(tmp_path):
    (tmp_path / "notes.txt").touch()
    with pytest.raises(FileNotFoundError, match=r"holds notes.txt\. Expected .*news.tsv and behaviors.tsv"):
        read_split(tmp_path)
    with pytest.raises(FileNotFoundError, match="is not a folder"):
        read_split(tmp_path / "nowhere")


def test_the_folder_above_names_its_parts(read, tmp_path):
    read()
    with pytest.raises(FileNotFoundError, match=r"Name one of its parts instead, for example .*dev"):
        read_split(tmp_path)


def test_a_split_is_named_after_its_folder_and_a_sample_after_itself(read, tmp_path):
    assert read().name == "MIND, dev"
    (tmp_path / "SAMPLE.json").write_text('{"name": "invented sample"}')
    assert read().name == "invented sample, dev"
    (tmp_path / "SAMPLE.json").write_text("[]")
    with pytest.raises(DataError, match=r"SAMPLE.json: expected"):
        read()
