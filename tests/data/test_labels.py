"""Classes keep their names; what is unknown is no class."""

import json
from dataclasses import replace

import pytest
from ebnerd_files import write_ebnerd
from hypothesis import given
from hypothesis import strategies as st

from tinynewsrec.data.gold import LABELS
from tinynewsrec.data.labels import IGNORE, LabelSpace, category_space
from tinynewsrec.data.read import read_split
from tinynewsrec.data.sentiment import by_afinn, by_vader, sentiment_labels
from tinynewsrec.data.tables import DataError

NAMES = st.text(max_size=5)


@given(st.lists(NAMES, max_size=8), st.lists(NAMES, max_size=8))
def test_labels_come_back_by_name_through_json_and_unknown_ones_are_ignored(known, others):
    space = LabelSpace.of(known)
    read = LabelSpace(tuple(json.loads(json.dumps(space.names))))
    assert read == space and list(space.names) == sorted(set(known) - {""})
    codes = read.codes([*known, *others])
    assert read.values(codes) == [name if name in space.names else "" for name in [*known, *others]]
    assert all(
        code == IGNORE or 0 <= code < len(space) and space.names[code] == name
        for name, code in zip([*known, *others], codes.tolist(), strict=True)
    )


def test_classes_do_not_depend_on_the_order_in_which_they_occur(split):
    assert category_space(split.news, "category").names == ("finance", "sports")
    space = LabelSpace.of(reversed(split.news.texts("subcategory")))
    assert space == category_space(split.news, "subcategory")
    assert space.values(space.codes(split.news.texts("subcategory"))) == split.news.texts("subcategory")


@pytest.mark.parametrize("names", [("a", "a"), ("", "a")])
def test_a_class_has_one_name(names):
    with pytest.raises(ValueError, match="all different"):
        LabelSpace(names)


def test_categories_of_other_data_have_no_class(split):
    space = LabelSpace(("finance",))
    assert set(space.codes(split.news.texts("category")).tolist()) == {0, IGNORE}


def test_sentiment_comes_from_the_column_where_there_is_one(tmp_path):
    news = read_split(write_ebnerd(tmp_path / "train")).news
    labels, source = sentiment_labels(news)
    assert labels[:3] == ["negative", "neutral", "positive"]
    assert source == "sentiment_label of articles.parquet"


def test_gold_labels_beside_the_data_or_above_it_are_read_and_named(mind_folder):
    lines = ['{"id": "N3", "sentiment": "positive"}', '{"id": "N99", "sentiment": "negative"}']
    (mind_folder.parent / LABELS).write_text("\n".join(lines) + "\n")
    news = read_split(mind_folder).news
    labels, source = sentiment_labels(news)
    assert (labels[2], labels[3], news[3].sentiment) == ("", "positive", "positive")
    assert source == "gold labels of labels.jsonl"


@pytest.mark.parametrize("line", ["{", "7", '{"id": "N1"}', '{"id": "N1", "sentiment": "glad"}'])
def test_a_damaged_label_is_refused_with_its_line(mind_folder, line):
    (mind_folder / LABELS).write_text('{"id": "N0", "sentiment": "neutral"}\n' + line + "\n")
    with pytest.raises(DataError, match="labels.jsonl, line 2: expected.*Correct the line"):
        read_split(mind_folder)


def test_two_labels_for_one_story_are_refused_unless_they_are_the_same(mind_folder):
    lines = [f'{{"id": "N0", "sentiment": "{tone}"}}' for tone in ("neutral", "neutral", "negative")]
    (mind_folder / LABELS).write_text("\n".join(lines[:2]) + "\n")
    assert read_split(mind_folder).news[0].sentiment == "neutral"
    (mind_folder / LABELS).write_text("\n".join(lines) + "\n")
    with pytest.raises(DataError, match="line 3: story N0 is negative here and neutral above"):
        read_split(mind_folder)


def test_without_a_column_the_lexicon_of_the_language_is_asked_and_named(split, tmp_path):
    labels, source = sentiment_labels(split.news)
    assert source.startswith("vader ") and len(labels) == len(split.news)
    danish = read_split(write_ebnerd(tmp_path / "train", without=("sentiment_label",))).news
    assert sentiment_labels(danish)[1].startswith("afinn ")
    with pytest.raises(ValueError, match="found none in this data set. Name a lexicon"):
        sentiment_labels(split.news, "column")


def test_a_lexicon_knows_glad_words_from_sad_ones():
    assert by_vader([""]) == by_afinn([""], "da") == [""]
    assert by_vader(["A wonderful win", "A terrible death", "The road"]) == [
        "positive",
        "negative",
        "neutral",
    ]
    assert by_afinn(["En vidunderlig sejr", "En frygtelig katastrofe", "Vejen"], "da") == [
        "positive",
        "negative",
        "neutral",
    ]


def test_a_faint_tone_counts_and_one_that_evens_out_does_not():
    assert by_vader(["A good day", "A problem", "A good team that fails"]) == [
        "positive",
        "negative",
        "neutral",
    ]
    assert by_afinn(["En aftale", "En begravelse", "En begravelse og en fest"], "da") == [
        "positive",
        "negative",
        "neutral",
    ]


@pytest.mark.parametrize(("lexicon", "language"), [("vader", "da"), ("afinn", "sv")])
def test_a_lexicon_does_not_guess_at_a_language_that_it_cannot_read(split, lexicon, language):
    with pytest.raises(ValueError, match=f"a language that {lexicon} reads .*found '{language}'"):
        sentiment_labels(replace(split.news, language=language), lexicon)


def test_a_lexicon_that_is_not_installed_is_an_error_that_says_how(split, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "vaderSentiment.vaderSentiment", None)
    with pytest.raises(ImportError, match="pip install vaderSentiment"):
        sentiment_labels(split.news, "vader")
