"""Annotations come back as they went, faults have a line, and agreement is that of scikit-learn."""

import csv
import io
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from tinynewsrec.analysis import annotations
from tinynewsrec.analysis.annotations import COLUMNS, Annotation, AnnotationError, read, to_csv, to_json
from tinynewsrec.analysis.annotators import agreement, annotators, kappa

TIME = "2026-01-31T12:00:00Z"
ONE = Annotation("7", "teacher", "student-1", "entity", "names a club", "Ana", TIME)
WRITTEN = "".join(f"{cell}," for cell in COLUMNS)[:-1]

signs = st.characters(codec="utf-8", exclude_characters="\0")
letters = st.characters(codec="utf-8", exclude_categories=("C", "Z"))
names = st.text(letters, min_size=1, max_size=8)
opened = st.one_of(
    st.sampled_from(["=1+1", "+1", "-1", "@now", "'", "''=x", "'=x", "a'b", '"a,b"', "\t=1"]), st.text(signs)
)
rows = st.builds(Annotation, names, names, names, tag=names, note=opened, annotator=names, time=st.just(TIME))


@given(st.lists(rows, max_size=4))
@settings(max_examples=40)
def test_what_was_written_is_read_again(found):
    assert read(to_csv(found)) == found
    assert read(to_json(found)) == found


@given(rows)
@settings(max_examples=40)
def test_no_cell_of_the_csv_is_run_by_a_spreadsheet(row):
    for cells in csv.reader(io.StringIO(to_csv([row]), newline="")):
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in cells)


def test_lines_may_end_in_either_way_and_a_mark_of_the_byte_order_is_no_text():
    assert read("\ufeff" + to_csv([ONE])) == read(to_csv([ONE]).replace("\r\n", "\n")) == [ONE]


def test_columns_may_stand_in_any_order_and_further_ones_are_left():
    text = "mood," + ",".join(reversed(COLUMNS)) + "\nfine," + ",".join(reversed(ONE)) + "\n\n"
    assert read(text) == [ONE]


def broken(**values):
    return to_json([ONE, ONE._replace(**values)])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: expected the columns impression, teacher, .* look at impression"),
        (WRITTEN + ",tag\n", "line 1: .* look at tag"),
        (f"{to_csv([ONE])}1,2\n", "line 3: expected 7 cells, found 2"),
        (f"{to_csv([ONE._replace(note='two' + chr(10) + 'lines')])}1\n", "line 4: expected 7 cells, found 1"),
        (f'{to_csv([ONE])}"open', "line 3: no CSV"),
        ("[\n{,}]", "line 2: no JSON"),
        ('{"impression": "1"}', "line 1: expected a list of annotations"),
        ("[" * 100_000, "line 1: "),
        ("[3]", "entry 1: expected an object, found int"),
        (json.dumps([{"impression": 3}]), "entry 1: expected a text as impression, found 3"),
        (broken(annotator=" "), "entry 2: annotator is empty"),
        (broken(tag="", note=" "), "entry 2: expected a tag or a note"),
        (broken(tag="x" * 41), "entry 2: expected at most 40 characters as tag, found 41"),
        (broken(tag="a\nb"), "entry 2: tag holds signs"),
        (broken(time="yesterday"), "entry 2: expected a time such as .*, found 'yesterday'"),
        (broken(time="2026-01-31T12:00:00"), "entry 2: expected a time"),
        (broken(time="2026-13-31T12:00:00Z"), "entry 2: expected a time"),
    ],
)
def test_a_fault_has_a_line(text, message):
    with pytest.raises(AnnotationError, match=message):
        read(text)


def test_a_file_has_a_largest_size(monkeypatch):
    monkeypatch.setattr(annotations, "MOST", 2)
    with pytest.raises(AnnotationError, match="line 4: expected at most 2 annotations"):
        read(to_csv([ONE] * 3))
    monkeypatch.setattr(annotations, "LARGEST", 10)
    with pytest.raises(AnnotationError, match="at most 10 characters"):
        read(to_csv([ONE]))


def tagged(annotator, tags):
    """A tag for each impression, counted from 0; an empty one is left out."""
    return [
        ONE._replace(impression=str(row), tag=tag, annotator=annotator) for row, tag in enumerate(tags) if tag
    ]


def test_kappa_is_scikit_learns():
    random = np.random.default_rng(0)
    ones, others = random.choice(["entity", "clickbait", "stale"], size=(2, 60)).tolist()
    found = agreement([*tagged("Ana", ones), *tagged("Luis", others)], "Ana", "Luis")
    assert found.items == 60
    assert found.kappa == pytest.approx(cohen_kappa_score(ones, others))
    assert (
        found.agreed
        == 60 - len(found.disagreements)
        == sum(a == b for a, b in zip(ones, others, strict=True))
    )
    for by_tag in found.by_tag:
        pair = [[tag == by_tag.tag for tag in tags] for tags in (ones, others)]
        assert by_tag.kappa == pytest.approx(cohen_kappa_score(*pair))
        assert (by_tag.both + by_tag.first_only, by_tag.both + by_tag.second_only) == tuple(map(sum, pair))


def test_kappa_by_hand():
    """Agreed on 3 of 4, by chance 1/2: (3/4 - 1/2) / (1 - 1/2)."""
    assert kappa("aabb", "aaba") == pytest.approx(0.5)


def test_kappa_is_unknown_where_nothing_could_differ():
    assert kappa([], []) is None
    assert kappa("aaa", "aaa") is None
    assert kappa("aaa", "bbb") == 0


def test_only_what_both_have_tagged_counts():
    found = agreement(
        [*tagged("Ana", ["a", "b", "", "a"]), *tagged("Luis", ["a", "a", "b", ""]), *tagged("Eva", ["c"])],
        "Ana",
        "Luis",
    )
    assert (found.items, found.agreed, found.first_only, found.second_only) == (2, 1, 1, 1)
    assert [item[0] for item, *_ in found.disagreements] == ["1"]


def test_several_tags_agree_as_a_whole_in_any_order():
    both = [*tagged("Ana", ["a"]), *tagged("Ana", ["b"]), *tagged("Luis", ["b"]), *tagged("Luis", ["a"])]
    assert agreement(both, "Ana", "Luis").agreed == 1
    assert agreement(both[:3], "Ana", "Luis").disagreements == (
        (("0", "teacher", "student-1"), {"a", "b"}, {"b"}),
    )


def test_notes_without_a_tag_say_nothing_and_other_models_are_other_items():
    rows = [ONE, ONE._replace(annotator="Luis", tag=""), ONE._replace(annotator="Luis", student="student-4")]
    found = agreement(rows, "Ana", "Luis")
    assert (found.items, found.kappa, found.first_only, found.second_only) == (0, None, 1, 1)
    assert annotators(rows) == ["Ana", "Luis"]
