import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinynewsrec.data.tables import DataError
from training.pairs import read_pairs

TITLES = ['Mayor "opens" bridge', "Garden wins", "Storm"]
BODIES = ["It was wide,\\ and new.", "A vote\u2028was held.", "Rain."]
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


def write(place, **columns):
    """The same columns in the format that the file's name asks for."""
    rows = list(zip(*columns.values(), strict=True))
    if place.suffix == ".parquet":
        pq.write_table(pa.table(columns), place)
    elif place.suffix == ".jsonl":
        place.write_text("".join(json.dumps(dict(zip(columns, row, strict=True))) + "\n" for row in rows))
    else:
        lines = ["\t".join(row) + "\n" for row in [tuple(columns), *rows]]
        place.write_text("".join(lines), encoding="utf-8")
    return place


@pytest.mark.parametrize("kind", [".tsv", ".jsonl", ".parquet"])
def test_every_format_gives_the_same_pairs(tmp_path, kind):
    pairs = read_pairs(
        write(tmp_path / f"pairs{kind}", body=BODIES, url=["u"] * 3, title=TITLES, id=[*"abc"])
    )
    assert (pairs.ids, pairs.titles, pairs.bodies, pairs.skipped) == (["a", "b", "c"], TITLES, BODIES, ())
    assert pairs.name == f"pairs{kind}"


@given(st.lists(st.tuples(TEXT, TEXT), max_size=5))
def test_any_text_comes_back_as_it_was(tmp_path_factory, texts):
    whole = [pair for pair in texts if pair[0].strip() and pair[1].strip()] + [("t", "b")]
    titles, bodies = map(list, zip(*texts, ("t", "b"), strict=True))
    for kind in (".jsonl", ".parquet"):
        place = write(tmp_path_factory.mktemp("any") / f"pairs{kind}", title=titles, body=bodies)
        found = read_pairs(place)
        assert list(zip(found.titles, found.bodies, strict=True)) == whole
        assert sum(entry.count for entry in found.skipped) == len(titles) - len(whole)


def test_two_columns_need_no_header(tmp_path):
    (tmp_path / "bare.tsv").write_text("Storm\tRain.\nGarden\tRoses.\n")
    pairs = read_pairs(tmp_path / "bare.tsv")
    assert (pairs.ids, pairs.titles) == (["line-1", "line-2"], ["Storm", "Garden"])
    assert pairs.bodies == ["Rain.", "Roses."]


def test_a_header_is_no_story_and_gives_the_order(tmp_path):
    (tmp_path / "headed.tsv").write_text("body\ttitle\nRain.\tStorm\n")
    pairs = read_pairs(tmp_path / "headed.tsv")
    assert (pairs.ids, pairs.titles, pairs.bodies) == (["line-2"], ["Storm"], ["Rain."])


@pytest.mark.parametrize(("kind", "first"), [(".tsv", "line 3"), (".jsonl", "line 2"), (".parquet", "row 2")])
def test_a_story_without_a_text_is_counted(tmp_path, capsys, kind, first):
    place = write(tmp_path / f"p{kind}", title=["a", " ", "c", "d"], body=["A", "B", "", "D"])
    pairs = read_pairs(place)
    assert pairs.titles == ["a", "d"]
    [entry] = pairs.skipped
    assert (entry.count, entry.first) == (2, f"p{kind}, {first}")
    assert "2 x story without a title or a body" in capsys.readouterr().out
    assert read_pairs(place, needed=["title"]).titles == ["a", "c", "d"]
    assert read_pairs(place, needed=["body"]).bodies == ["A", "B", "D"]


def test_a_missing_value_counts_as_an_empty_text(tmp_path):
    for kind in (".jsonl", ".parquet"):
        pairs = read_pairs(write(tmp_path / f"p{kind}", title=["a", None], body=["A", "B"], id=[7, 8]))
        assert pairs.ids == ["7"] and pairs.skipped[0].count == 1


def test_what_a_text_file_has_put_right_is_counted(tmp_path):
    (tmp_path / "p.tsv").write_bytes(b"\xef\xbb\xbftitle\tbody\r\n\r\na\tA\r\n")
    pairs = read_pairs(tmp_path / "p.tsv")
    assert (pairs.titles, pairs.bodies) == (["a"], ["A"])
    assert [entry.count for entry in pairs.skipped] == [1, 3, 1]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("p.tsv", b"a\tA\nb\n", "line 2: expected 2 columns, found 1"),
        ("p.tsv", b"a\tA\n\xff\tB\n", "line 2: expected UTF-8"),
        ("p.tsv", b"id\theadline\tbody\n1\ta\tA\n", "line 1: expected columns named title and body"),
        ("p.tsv", b"Title\tBody\na\tA\n", "line 1: expected columns .* found 2: 'Title', 'Body'"),
        ("p.tsv", b"1\tnews\ta\tA\n", "line 1: expected columns .* found 4"),
        ("p.tsv", b"title\ttitle\tbody\na\tb\tA\n", "each once; found 3"),
        ("p.tsv", b"id\ttitle\tbody\n1\ta\tA\n2\tb\tB\n1\tc\tC\n", "line 4: .* found '1' as on line 2"),
        ("p.tsv", b"id\ttitle\tbody\n\ta\tA\n", "line 2: expected an id of its own, found nothing"),
        ("p.tsv", b"", "is empty"),
        ("p.tsv", b"title\tbody\n", "nothing to learn from: .* found 0 stories"),
        ("p.jsonl", b"", "nothing to learn from"),
        ("p.jsonl", b'{"title": "a", "body": "A"}\n{"title": "b"}\n', "line 2: expected columns .* found 1"),
        ("p.jsonl", b'{"title": "a", "body": 5}\n', "line 1: expected text as body, found 5"),
        ("p.jsonl", b'{"title": "\\ud800", "body": "A"}\n', "line 1: expected text as title"),
        ("p.jsonl", b'{"title": "a", "body": "A"\n', "line 1: expected a JSON object"),
        ("p.jsonl", b'\n{"title": "a", "body": "A"}\n', "line 1: expected a JSON object"),
        ("p.jsonl", b"[]\n", "line 1: expected columns .* found 0"),
        ("p.jsonl", b'{"title": "\xff", "body": "A"}\n', "line 1: expected a JSON object.*decode"),
        ("p.parquet", b"PAR1", "not a readable parquet file"),
    ],
)
def test_damage_is_named_with_its_place(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message) as error:
        read_pairs(tmp_path / name)
    assert name in str(error.value)


def test_parquet_columns_must_be_text_and_have_names(tmp_path):
    with pytest.raises(DataError, match="row 1: expected text as body, found 5"):
        read_pairs(write(tmp_path / "p.parquet", title=["a"], body=[5]))
    with pytest.raises(DataError, match="expected columns named title and body"):
        read_pairs(write(tmp_path / "p.parquet", title=["a"], text=["A"]))


@pytest.mark.parametrize("name", ["p.tsv", "p.csv", "nowhere"])
def test_what_is_not_there_is_not_found(tmp_path, name):
    with pytest.raises(FileNotFoundError, match=name):
        read_pairs(tmp_path / name)


def test_the_abstracts_of_a_split_are_its_bodies(mind_folder):
    pairs = read_pairs(mind_folder)
    assert len(pairs) == 12 and pairs.ids[3] == "N3" and pairs.bodies[3] == "Abstract 3"
    assert pairs.name == "MIND, dev" and pairs.skipped == ()


def test_a_split_without_abstracts_is_refused_and_one_abstract_is_enough(mind_folder):
    news = mind_folder / "news.tsv"
    text = news.read_text()
    news.write_text(text.replace("\tAbstract 0\t", "\t\t"))
    pairs = read_pairs(mind_folder)
    assert len(pairs) == 11 and pairs.skipped[0].first == "dev, story N0"
    news.write_text(
        "".join(line.replace(f"Abstract {i}", "") for i, line in enumerate(text.splitlines(True)))
    )
    with pytest.raises(DataError, match="found 12 stories, all without"):
        read_pairs(mind_folder)
    assert len(read_pairs(mind_folder, needed=["title"])) == 12
