"""EB-NeRD's files are read as published; what is not as published is refused or counted."""

import re
from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ebnerd_files import HISTORIES, LARGE, STORIES, VISITS, article, as_test_set, clicks, visit, write_ebnerd
from hypothesis import given, settings
from hypothesis import strategies as st

from tinynewsrec.data import ebnerd_articles, ebnerd_behaviors, ebnerd_history, parquet_columns
from tinynewsrec.data.ebnerd_history import last_of_each
from tinynewsrec.data.read import read_split
from tinynewsrec.data.tables import DataError


@pytest.fixture
def read(tmp_path):
    """Reads a part of the given rows, called `validation`."""
    return lambda **rows: read_split(write_ebnerd(tmp_path / "ebnerd_demo" / "validation", **rows))


def ids(split, rows) -> list[int]:
    return [int(split.news[row].id) for row in rows.tolist()]


def counts(split) -> dict[str, tuple[int, str]]:
    return {entry.what: (entry.count, entry.first) for entry in split.skipped}


def test_an_impression_is_read_as_it_stands(read):
    split = read()
    impression = split.impressions[0]
    assert (impression.id, impression.reader) == (str(LARGE + 7), str(LARGE + 1))
    assert impression.time == np.datetime64("2023-05-25T07:30:15")
    assert ids(split, impression.history) == [0, 1, 2]
    assert ids(split, impression.candidates) == [3, 4, 5]
    assert impression.clicked.tolist() == [False, True, False]
    assert split.name == "EB-NeRD, validation"
    assert split.skipped == ()


def test_impressions_stay_in_the_order_of_the_file_and_may_have_several_clicks(read):
    impressions = read().impressions
    assert impressions.ids.to_pylist() == [str(LARGE + 7), "12", "11"]
    assert impressions[1].clicked.tolist() == [False, True, False, True]
    assert [impressions[row].reader for row in range(3)] == [str(LARGE + 1), "2", str(LARGE + 1)]


def test_a_story_has_its_publishers_sentiment_and_time(read):
    split = read()
    story = split.news[5]
    assert (story.category, story.subcategory, story.abstract) == ("sport", "197", "Broen ved havnen 5")
    assert (story.sentiment, story.published) == ("positive", np.datetime64("2023-05-20T05:00:00"))
    assert split.news.sources["sentiment"] == "sentiment_label of articles.parquet"
    assert split.news.language == "da"


def test_columns_that_are_not_there_are_empty_and_have_no_source(read):
    without = ("subtitle", "subcategory", "category_str", "ner_clusters", "sentiment_label", "published_time")
    split = read(without=without)
    story = split.news[4]
    assert (story.abstract, story.category, story.subcategory, story.sentiment) == ("", "118", "", "")
    assert np.isnat(story.published) and np.isnat(split.news.published).all()
    assert (story.title_entities, split.news.sources) == ((), {})
    assert set(split.news.texts("title_entities")) == {""}


def test_ids_beyond_31_bits_are_ids(read):
    stories = [article(LARGE + 3), article(2**32 + 5), article(4)]
    visits = [visit(2**32 - 1, 2**32 - 1, [2**32 + 5, 4], [4])]
    split = read(articles=stories, behaviors=visits, history=[clicks(2**32 - 1, [LARGE + 3])])
    assert ids(split, split.impressions[0].candidates) == [2**32 + 5, 4]
    assert ids(split, split.impressions[0].history) == [LARGE + 3]
    assert split.impressions[0][:2] == (str(2**32 - 1), str(2**32 - 1))


def test_names_come_without_a_place_each_once(read):
    named = article(
        0, ner_clusters=["Aarhus", "Bo Berg", "Aarhus", None], entity_groups=["LOC", "PER", "LOC", "X"]
    )
    found = read(articles=[named, *STORIES[1:]]).news[0].title_entities
    assert found == (("Aarhus", "LOC", "", ("Aarhus",), ()), ("Bo Berg", "PER", "", ("Bo Berg",), ()))


def test_a_category_without_a_name_goes_by_its_number(read):
    rows = [article(0, category_str=""), article(1, category_str=None), *STORIES[2:]]
    assert [read(articles=rows).news[row].category for row in range(3)] == ["118", "119", "nyheder"]


def test_nulls_are_read_as_unknown_and_counted(read):
    nulls = article(0, title=None, subtitle=None, published_time=None, category_str=None, subcategory=None)
    nulls |= {"ner_clusters": None, "entity_groups": None, "sentiment_label": None}
    visits = [*VISITS, visit(4, 2, [1, 2], None, impression_time=None), visit(5, 2, None, [1])]
    split = read(articles=[nulls, *STORIES[1:]], behaviors=visits, history=[HISTORIES[0], clicks(2, None)])
    assert split.news[0][1:6] == ("118", "", "", "", ())
    assert split.news.texts("title_entities")[0] == "" != split.news.texts("title_entities")[1]
    assert split.news[0].sentiment == "" and np.isnat(split.news[0].published)
    assert len(split.impressions) == 4
    assert not split.impressions[3].clicked.any() and np.isnat(split.impressions[3].time)
    assert len(split.impressions[1].history) == 0
    assert counts(split) == {
        ebnerd_articles.NO_TITLE: (1, "articles.parquet, row 1"),
        ebnerd_articles.NO_TIME: (1, "articles.parquet, row 1"),
        ebnerd_behaviors.NO_CLICKS: (1, "behaviors.parquet, row 4"),
        ebnerd_behaviors.NO_TIME: (1, "behaviors.parquet, row 4"),
        ebnerd_behaviors.NO_CANDIDATE: (1, "behaviors.parquet, row 5"),
        ebnerd_history.NO_CLICKS: (1, "history.parquet, row 2"),
    }


def test_a_null_among_subcategories_is_no_subcategory(read):
    split = read(articles=[article(0, subcategory=[None, 5]), *STORIES[1:]])
    assert split.news[0].subcategory == "" != split.news[1].subcategory


def test_a_number_of_more_than_63_bits_is_refused_and_times_may_be_finer_than_microseconds(read, tmp_path):
    folder = write_ebnerd(tmp_path / "ebnerd" / "demo" / "train")
    path = folder / "behaviors.parquet"
    table = pq.read_table(path)
    place = table.schema.get_field_index("impression_time")
    finer = pa.array([1] * len(table), pa.timestamp("ns"))
    pq.write_table(table.set_column(place, "impression_time", finer), path)
    assert read_split(folder).impressions.times[0] == np.datetime64("1970-01-01T00:00:00")
    place = table.schema.get_field_index("user_id")
    pq.write_table(table.set_column(place, "user_id", pa.array([2**63] * len(table), pa.uint64())), path)
    with pytest.raises(DataError, match=r"column user_id, from row 1 on: expected numbers below 2\^63"):
        read_split(folder)


def test_an_impression_with_an_unknown_candidate_is_left_out_whole_and_counted(read):
    split = read(behaviors=[visit(1, 2, [1, 99], [99]), visit(2, 2, [1, None], [1]), *VISITS])
    assert counts(split) == {ebnerd_behaviors.UNKNOWN_CANDIDATE: (2, "behaviors.parquet, row 1")}
    assert split.impressions.ids.to_pylist() == [str(LARGE + 7), "12", "11"]
    assert split.impressions[1].clicked.tolist() == [False, True, False, True]


def test_a_click_outside_the_view_is_left_out_and_counted(read):
    split = read(behaviors=[visit(1, 2, [1, 2], [7, 2, 99])])
    assert split.impressions[0].clicked.tolist() == [False, True]
    assert counts(split) == {ebnerd_behaviors.UNSEEN_CLICK: (2, "behaviors.parquet, row 1")}


def test_a_click_on_an_unknown_story_is_none_on_the_last_story_of_the_visit_above(read):
    split = read(behaviors=[visit(1, 1, [3, 7], [3]), visit(2, 1, [3, 4], [99])])
    assert [visit.clicked.tolist() for visit in split.impressions] == [[True, False], [False, False]]


def test_a_story_that_is_shown_twice_stays_so_and_is_counted(read):
    visits = [visit(1, 1, [3, 4], [3]), visit(2, 1, [3, 4, 3], [3]), visit(3, 1, [4, 5], [4, 4])]
    split = read(behaviors=visits, history=[clicks(1, [0])])
    assert [visit.clicked.tolist() for visit in split.impressions] == [
        [True, False],
        [True, False, True],
        [True, False],
    ]
    assert counts(split) == {ebnerd_behaviors.REPEATED_CANDIDATE: (1, "behaviors.parquet, row 2")}


def test_of_repeated_clicks_in_a_history_the_last_stays(read):
    split = read(history=[clicks(LARGE + 1, [5, 0, 5, 99, 0, 3, 5]), HISTORIES[1]])
    assert ids(split, split.impressions[0].history) == [0, 3, 5]
    assert ids(split, split.impressions[2].history) == [0, 3, 5]
    assert counts(split) == {
        ebnerd_history.REPEATED_CLICK: (3, "history.parquet, row 1"),
        ebnerd_history.UNKNOWN_CLICK: (1, "history.parquet, row 1"),
    }


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(-1, 4)), max_size=30))
def test_last_of_each_is_the_last_place_of_each_pair(pairs):
    pairs.sort(key=lambda pair: pair[0])
    owners, rows = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    wanted = [pair not in pairs[place + 1 :] for place, pair in enumerate(pairs)]
    assert last_of_each(owners, rows, 5).tolist() == wanted


def test_a_reader_without_a_history_is_read_with_an_empty_one_and_counted(read):
    split = read(history=[HISTORIES[1]])
    assert [len(split.impressions[row].history) for row in range(3)] == [0, 1, 0]
    assert counts(split) == {ebnerd_behaviors.NO_HISTORY: (2, "behaviors.parquet, row 1")}


def test_a_test_set_has_no_clicks_and_keeps_the_rows_of_the_beyond_accuracy_task(read):
    split = read(behaviors=as_test_set(VISITS), without=("article_ids_clicked",))
    assert split.impressions.clicked is None
    assert split.impressions.ids.to_pylist() == [str(LARGE + 7), "12", "11", "0", "0"]
    assert len(split.impressions[4].candidates) == 8
    assert split.impressions.beyond.tolist() == [False, False, False, True, True]
    assert split.impressions.take(np.array([4, 0])).beyond.tolist() == [True, False]


def test_a_part_that_does_not_speak_of_the_beyond_accuracy_task_has_none(read):
    assert read().impressions.beyond is None


def test_an_impression_left_out_takes_its_flag_with_it(read):
    rows = as_test_set(VISITS)
    rows[0]["article_ids_inview"] = [99]
    found = read(behaviors=rows, without=("article_ids_clicked",)).impressions.beyond
    assert found.tolist() == [False, False, True, True]


def test_a_row_that_does_not_say_which_task_it_is_of_is_refused(read):
    rows = as_test_set(VISITS)
    rows[1]["is_beyond_accuracy"] = None
    with pytest.raises(DataError, match="is_beyond_accuracy, row 2: expected true or false, found null"):
        read(behaviors=rows)


@pytest.mark.parametrize("above", [0, 1, 2])
def test_articles_stand_beside_or_one_or_two_folders_above(tmp_path, above):
    folder = write_ebnerd(tmp_path / "ebnerd" / "demo" / "train")
    (folder.parent / "articles.parquet").rename([folder, *folder.parents][above] / "articles.parquet")
    assert len(read_split(folder).news) == 8


def test_missing_articles_are_named_with_the_places_looked_at(tmp_path):
    folder = write_ebnerd(tmp_path / "ebnerd" / "demo" / "train")
    (folder.parent / "articles.parquet").unlink()
    with pytest.raises(FileNotFoundError, match=re.escape(str(tmp_path / "ebnerd" / "articles.parquet"))):
        read_split(folder)


@pytest.mark.parametrize("name", ["behaviors.parquet", "history.parquet"])
def test_half_a_part_says_what_is_missing_and_where_to_get_it(tmp_path, name):
    folder = write_ebnerd(tmp_path / "train")
    (folder / name).unlink()
    with pytest.raises(FileNotFoundError, match=f"{name} is missing.*recsys.eb.dk"):
        read_split(folder)


def test_a_folder_of_parts_names_one_of_them(tmp_path):
    write_ebnerd(tmp_path / "demo" / "train")
    with pytest.raises(FileNotFoundError, match=r"Name one of its parts instead, for example .*demo/train"):
        read_split(tmp_path / "demo")


def test_a_damaged_file_is_refused(tmp_path):
    folder = write_ebnerd(tmp_path / "train")
    (folder / "history.parquet").write_bytes(b"PAR1 and nothing else")
    with pytest.raises(DataError, match="history.parquet: expected a parquet file.*Get the file again"):
        read_split(folder)


@pytest.mark.parametrize(
    ("file", "column"),
    [("behaviors", "impression_id"), ("behaviors", "article_ids_inview"), ("history", "article_id_fixed")],
)
def test_a_missing_column_and_one_of_another_type_are_named(tmp_path, file, column):
    path = write_ebnerd(tmp_path / "train") / f"{file}.parquet"
    table = pq.read_table(path)
    place = table.schema.get_field_index(column)
    pq.write_table(table.drop_columns([column]), path)
    with pytest.raises(DataError, match=f"{file}.parquet: expected a column {column} of .*numbers"):
        read_split(path.parent)
    pq.write_table(table.set_column(place, column, [["text"] * len(table)]), path)
    with pytest.raises(DataError, match=f"{file}.parquet, column {column}: expected .*numbers, found string"):
        read_split(path.parent)


def test_a_null_id_is_refused_with_its_row(read):
    with pytest.raises(DataError, match="behaviors.parquet, column user_id, row 2: expected a number"):
        read(behaviors=[VISITS[0], VISITS[1] | {"user_id": None}])
    with pytest.raises(DataError, match="behaviors.parquet is empty"):
        read(behaviors=[])


def test_a_story_and_a_reader_listed_again_are_counted_when_alike_and_refused_otherwise(read):
    split = read(articles=[*STORIES, STORIES[3]], history=[*HISTORIES, HISTORIES[0]])
    assert counts(split) == {
        ebnerd_articles.REPEATED_ARTICLE: (1, "articles.parquet, row 9"),
        ebnerd_history.REPEATED_READER: (1, "history.parquet"),
    }
    assert ids(split, split.impressions[0].history) == [0, 1, 2]
    with pytest.raises(DataError, match="article_id, row 9: article 3 is another one in row 4"):
        read(articles=[*STORIES, article(3, title="En anden")])
    with pytest.raises(DataError, match="user_id, row 3: reader 2 has another history in row 2"):
        read(history=[*HISTORIES, clicks(2, [4])])


@settings(max_examples=15)
@given(st.data())
def test_blocks_of_any_size_give_the_same_split(tmp_path_factory, data):
    numbers = st.integers(0, 9)
    visits = [
        visit(
            id, data.draw(st.integers(1, 4)), data.draw(st.lists(numbers, max_size=4)), [data.draw(numbers)]
        )
        for id in range(data.draw(st.integers(1, 9)))
    ]
    histories = [clicks(reader, data.draw(st.lists(numbers, max_size=6))) for reader in (1, 2, 3)]
    known = [row for row in visits if row["article_ids_inview"] and max(row["article_ids_inview"]) < 8]
    folder = write_ebnerd(tmp_path_factory.mktemp("part"), behaviors=[VISITS[0], *visits], history=histories)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parquet_columns, "BLOCK_ROWS", data.draw(st.integers(1, 5)))
        split = read_split(folder)
    assert split.impressions.ids.to_pylist() == [str(row["impression_id"]) for row in [VISITS[0], *known]]
    for place, row in enumerate(known, start=1):
        impression = split.impressions[place]
        assert ids(split, impression.candidates) == row["article_ids_inview"]
        shown = zip(row["article_ids_inview"], impression.clicked.tolist(), strict=True)
        assert all(clicked == (number in row["article_ids_clicked"]) for number, clicked in shown)
        before = next(
            (some["article_id_fixed"] for some in histories if some["user_id"] == row["user_id"]), []
        )
        assert set(ids(split, impression.history)) == {number for number in before if number < 8}
        assert max(Counter(impression.history.tolist()).values(), default=1) == 1
