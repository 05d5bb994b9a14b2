import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ebnerd_files import STORIES, article, write_ebnerd

from tinynewsrec.data.entities import entity_spans
from tinynewsrec.data.read import read_split
from tinynewsrec.data.tables import DataError
from training.join_abstracts import Arguments, joined, main


def test_all_is_as_it_was_but_titles_go_on_with_abstracts(mind_folder, tmp_path):
    main(Arguments(data=mind_folder.parent, out=tmp_path / "joined"))
    before, after = read_split(mind_folder), read_split(tmp_path / "joined" / mind_folder.name)
    assert after.name == "MIND with abstracts, dev"
    assert after.news.texts("id") == before.news.texts("id")
    pairs = zip(before.news.texts("title"), before.news.texts("abstract"), strict=True)
    assert after.news.texts("title") == [f"{title} {rest}".strip() for title, rest in pairs]
    assert not any(after.news.texts("abstract"))
    for row in range(len(before.impressions)):
        assert str(after.impressions[row]) == str(before.impressions[row])


def test_names_of_the_abstract_are_found_where_they_are_now(split):
    def named(surface: str, *places: int) -> str:
        return json.dumps(
            [{"Label": surface, "SurfaceForms": [surface] * len(places), "OccurrenceOffsets": places}]
        )

    count = len(split.news)
    texts = {
        "title": "Ann opens",
        "abstract": "Bo and Bo meet Ann",
        "title_entities": named("Ann", 0),
        "abstract_entities": named("Bo", 0, 7),
    }
    columns = split.news.columns
    for name, text in texts.items():
        columns = columns.set_column(columns.column_names.index(name), name, pa.array([text] * count))
    news = joined(type(split.news)(columns))
    found = entity_spans(news)
    assert news.texts("title")[0] == "Ann opens Bo and Bo meet Ann"
    assert found.places[0] == [(0, 3), (10, 12), (17, 19)]
    assert (found.stated, found.searched, found.dropped) == (3 * count, 0, 0)


def test_names_are_unknown_where_those_of_either_text_are(split):
    def of(entities: str, more: str, abstract: str = "Bo") -> str:
        columns = split.news.columns
        values = {"title_entities": entities, "abstract_entities": more, "abstract": abstract}
        for name, text in values.items():
            place = columns.column_names.index(name)
            columns = columns.set_column(place, name, pa.array([text] * len(split.news)))
        return joined(type(split.news)(columns)).texts("title_entities")[0]

    assert of("[]", "") == of("", "[]") == of("", "[]", abstract="") == ""
    assert of("[]", "", abstract="") == of("[]", "[]") == "[]"


def test_ebnerd_stays_ebnerd_and_a_missing_text_leaves_the_other(tmp_path):
    articles = [article(0, subtitle=None), article(1, title=None), *STORIES[2:]]
    part = write_ebnerd(tmp_path / "ebnerd" / "train", articles)
    main(Arguments(data=tmp_path / "ebnerd", out=tmp_path / "joined"))
    after = read_split(tmp_path / "joined" / "train")
    assert after.name == "EB-NeRD with abstracts, train" and after.news.language == "da"
    titles = dict(zip(after.news.texts("id"), after.news.texts("title"), strict=True))
    assert (titles["0"], titles["2"]) == ("Havnens bro 0", "Havnens bro 2 Broen ved havnen 2")
    assert titles["1"] == dict(zip(*map(read_split(part).news.texts, ("id", "title")), strict=True))["1"]


def test_what_cannot_be_joined_is_refused(mind_folder, tmp_path):
    with pytest.raises(FileNotFoundError, match="Expected a folder of parts, train and dev say"):
        main(Arguments(data=mind_folder, out=tmp_path / "joined"))
    part = write_ebnerd(tmp_path / "ebnerd" / "train", without=("subtitle",))
    with pytest.raises(DataError, match="no column subtitle"):
        main(Arguments(data=part.parent, out=tmp_path / "joined"))
    assert pq.read_table(part / "behaviors.parquet").num_rows
