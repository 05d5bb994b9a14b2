"""Where a title names something, and what each of its tokens is."""

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from tinynewsrec.data.entities import bio_labels, entity_spans, occurrences
from tinynewsrec.data.labels import IGNORE
from tinynewsrec.data.tokens import tokenize


def entity(surfaces: list[str], offsets: list[int]) -> dict:
    return {"Label": surfaces[0], "Type": "G", "SurfaceForms": surfaces, "OccurrenceOffsets": offsets}


def with_titles(split, titles: list[str], entities: list[list[dict]]):
    """The split's first stories, with other titles and entities."""
    columns = split.news.columns.slice(0, len(titles))
    columns = columns.set_column(columns.schema.get_field_index("title"), "title", pa.array(titles))
    texts = pa.array([json.dumps(some) for some in entities])
    place = columns.schema.get_field_index("title_entities")
    return replace(split.news, columns=columns.set_column(place, "title_entities", texts))


@pytest.mark.parametrize(
    ("surface", "title", "wanted"),
    [
        ("Bo Berg", "Nu taler Bo Berg: 'Ja'", ["Bo Berg"]),
        ("Bo Berg", "Bo Bergs bil, og Bo-Berg-sagen", ["Bo Bergs", "Bo-Berg"]),
        ("Anna-Lise", "Anna Lise's bro", ["Anna Lise"]),
        ("Aarhus", "AARHUS vinder", ["AARHUS"]),
        ("US", "us and the US", ["US"]),
        ("Bo", "Bob og Boe", []),
        ("Berg", "bergs", []),
        ("--", "-- --", []),
        ("", "Bo", []),
        ("Et langt navn", "Et", []),
    ],
)
def test_a_name_without_a_place_survives_punctuation_genitive_and_hyphens(surface, title, wanted):
    assert [title[start:end] for start, end in occurrences(surface, title)] == wanted


def test_a_stated_place_is_believed_when_the_name_stands_there_else_the_name_is_searched_or_dropped(split):
    title = "mayor opens bridge in mayor garden"
    entities = [entity(["mayor"], [0]), entity(["bridge"], [3]), entity(["river"], [0])]
    spans = entity_spans(with_titles(split, [title], [entities]))
    assert [title[start:end] for start, end in spans.places[0]] == ["mayor", "bridge"]
    assert (spans.stated, spans.searched, spans.dropped) == (1, 1, 1)


def test_a_name_that_stands_twice_is_named_twice_by_one_form(split):
    title = "Bo Berg meets Bo in Bo Berg"
    entities = [entity(["Bo Berg", "Bo"], [0, 14, 20, 3])]
    spans = entity_spans(with_titles(split, [title], [entities]))
    assert [title[start:end] for start, end in spans.places[0]] == ["Bo Berg", "Bo", "Bo Berg"]
    spans = entity_spans(with_titles(split, ["mayor and mayor"], [[entity(["mayor"], [0, 10])]]))
    assert (spans.places, spans.stated, spans.searched) == ([[(0, 5), (10, 15)]], 2, 0)


def test_a_name_inside_a_longer_one_belongs_to_it(split):
    title = "river garden school"
    entities = [entity(["garden"], [6]), entity(["river garden"], [0]), entity(["school"], [13])]
    spans = entity_spans(with_titles(split, [title], [entities]))
    assert spans.places == [[(0, 12), (13, 19)]]


def test_tokens_are_tagged_where_the_tokenizer_puts_them(split, tokenizer):
    titles = ["mayor opens the riverside bridge", "team wins", "team"]
    entities = [[entity(["mayor"], [0]), entity(["riverside bridge"], [16])], [], [entity(["team"], [0])]]
    news = with_titles(split, titles, entities)
    labels, tokens = bio_labels(news, tokenizer, 30), tokenize(titles, tokenizer, 30)
    assert labels.shape == tuple(tokens.ids.shape)
    pieces = tokenizer.convert_ids_to_tokens(tokens.ids[0].tolist())
    start, bridge = pieces.index("r") if "r" in pieces else pieces.index("river"), pieces.index("bridge")
    assert labels[0, :4].tolist() == [IGNORE, 1, 0, 0]
    assert labels[0, start] == 1 and (labels[0, start + 1 : bridge + 1] == 2).all()
    assert labels[1].tolist()[:4] == [IGNORE, 0, 0, IGNORE]
    np.testing.assert_array_equal(labels == IGNORE, ~tokens.mask.numpy() | is_special(tokens, tokenizer))


def is_special(tokens, tokenizer) -> np.ndarray:
    return np.isin(tokens.ids.numpy(), tokenizer.all_special_ids)


def test_names_side_by_side_begin_twice(split, tokenizer):
    news = with_titles(split, ["mayor team"], [[entity(["mayor"], [0]), entity(["team"], [6])]])
    assert bio_labels(news, tokenizer, 12).tolist() == [[IGNORE, 1, 1, IGNORE]]


def test_labels_are_cut_where_the_title_is(split, tokenizer):
    titles = ["the the the mayor", "team"]
    news = with_titles(split, titles, [[entity(["mayor"], [12])], []])
    assert bio_labels(news, tokenizer, 5).tolist() == [
        [IGNORE, 0, 0, 0, IGNORE],
        [IGNORE, 0, IGNORE, IGNORE, IGNORE],
    ]


def test_names_that_are_not_known_are_not_taught_as_no_names(split, tokenizer):
    titles = ["the mayor", "the mayor", "the mayor"]
    news = with_titles(split, titles, [[entity(["mayor"], [4])], [], []])
    place = news.columns.schema.get_field_index("title_entities")
    texts = pa.array([*news.texts("title_entities")[:2], ""])
    news = replace(news, columns=news.columns.set_column(place, "title_entities", texts))
    assert bio_labels(news, tokenizer, 12).tolist() == [
        [IGNORE, 0, 1, IGNORE],
        [IGNORE, 0, 0, IGNORE],
        [IGNORE] * 4,
    ]


def test_where_no_story_of_the_data_has_entities_nothing_is_learnt(split, tokenizer):
    assert (bio_labels(split.news, tokenizer, 12) == IGNORE).all()


def test_a_tokenizer_that_does_not_say_where_its_tokens_stand_is_refused(split, tokenizer, monkeypatch):
    monkeypatch.setattr(type(tokenizer), "is_fast", False)
    with pytest.raises(ValueError, match="Expected a fast tokenizer"):
        bio_labels(split.news, tokenizer, 12)
