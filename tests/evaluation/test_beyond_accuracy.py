import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from conftest import make_recommender
from ebnerd_files import VISITS, as_test_set, write_ebnerd
from hypothesis import given
from hypothesis import strategies as st

from tinynewsrec.data.read import read_split
from tinynewsrec.data.tables import News, Ragged
from tinynewsrec.evaluate import Arguments, main
from tinynewsrec.evaluation.beyond_accuracy import (
    LEAST_KNOWN,
    coverage,
    dispersion,
    familiarity,
    first_of,
    intra_list_diversity,
    means,
    novelty,
    serendipity,
    shares,
    unit,
)
from tinynewsrec.evaluation.beyond_report import (
    beyond_record,
    beyond_table,
    contents_table,
    interval_of,
    known_by,
    measured,
    per_list,
    tones_of,
    yardstick,
)
from tinynewsrec.evaluation.report import System

# East, north, north-east, west: distances 1, 1 - 1/sqrt(2), 2 and so on.
COMPASS = unit(np.array([[3.0, 0], [0, 2], [1, 1], [-1, 0]], dtype=np.float32))
HALF = 1 / np.sqrt(2)


def lists(*rows) -> Ragged:
    return Ragged.stack(rows)


def by_pairs(stories: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Every cosine distance, counted the slow way."""
    return np.array([[1 - one @ other for other in others] for one in stories])


def test_the_first_k_are_the_best_in_order_and_ties_keep_the_file():
    candidates = lists([7, 8, 9], [4, 5], [])
    found = first_of(np.array([0.1, 0.9, 0.5, 1.0, 1.0]), candidates, 2)
    assert [found[row].tolist() for row in range(3)] == [[8, 9], [4, 5], []]


def test_diversity_of_the_same_story_twice_is_nothing_and_of_opposites_is_two():
    found = intra_list_diversity(lists([0, 0, 0], [0, 3], [0, 1], [0, 2]), COMPASS)
    np.testing.assert_allclose(found, [0, 2, 1, 1 - HALF], atol=1e-6)


def test_a_list_of_one_story_has_no_diversity_to_speak_of():
    assert np.isnan(intra_list_diversity(lists([0], []), COMPASS)).all()


@given(st.integers(0, 1000), st.integers(2, 9))
def test_diversity_and_serendipity_are_means_over_pairs(seed, size):
    random = np.random.default_rng(seed)
    units = unit(random.normal(size=(12, 5)).astype(np.float32))
    shown, history = random.integers(12, size=size), random.integers(12, size=size + 2)
    distances = by_pairs(units[shown], units[shown])
    expected = distances[~np.eye(size, dtype=bool)].mean()
    assert intra_list_diversity(lists(shown), units)[0] == pytest.approx(expected, abs=1e-5)
    expected = by_pairs(units[shown], units[history[-4:]]).mean()
    assert serendipity(lists(shown), lists(history), units, 4)[0] == pytest.approx(expected, abs=1e-5)


def test_more_lists_than_a_block_change_no_value(monkeypatch):
    many = lists(*[[0, 1], [0, 2], [1, 3]] * 4)
    whole = intra_list_diversity(many, COMPASS)
    monkeypatch.setattr("tinynewsrec.evaluation.beyond_accuracy.BLOCK", 5)
    np.testing.assert_array_equal(intra_list_diversity(many, COMPASS), whole)


def test_a_story_without_direction_is_at_distance_one():
    units = unit(np.array([[0.0, 0], [0, 5]], dtype=np.float32))
    assert intra_list_diversity(lists([0, 1], [0, 0]), units).tolist() == [1, 1]


def test_a_reader_without_history_cannot_be_surprised():
    found = serendipity(lists([0, 1], [0]), lists([], [3]), COMPASS)
    assert np.isnan(found[0]) and found[1] == 2


def test_novelty_is_zero_bits_for_the_best_known_story_and_most_for_the_unknown():
    counts = np.array([10.0, 0, 5])
    np.testing.assert_allclose(familiarity(counts), [1, LEAST_KNOWN, LEAST_KNOWN + (1 - LEAST_KNOWN) / 2])
    found = novelty(lists([0], [1], [0, 1], []), counts)
    np.testing.assert_allclose(found[:3], [0, -np.log2(LEAST_KNOWN), -np.log2(LEAST_KNOWN) / 2])
    assert np.isnan(found[3])


def test_equally_known_stories_are_no_news():
    assert novelty(lists([0, 1]), np.zeros(2)).tolist() == [0]


def test_polarity_leaves_out_stories_of_unknown_tone():
    tone = np.array([1.0, -1, 0, np.nan])
    found = means(lists([0, 1, 3], [0, 2], [3]), tone)
    assert found[:2].tolist() == [0, 0.5] and np.isnan(found[2])


def test_coverage_is_at_most_the_offer_and_whole_when_every_candidate_is_shown():
    candidates = lists([0, 1, 2], [2, 3], [0, 1])
    scores = np.arange(7.0)
    assert coverage(first_of(scores, candidates, 1), candidates) == (3, 4)
    assert coverage(first_of(scores, candidates, 3), candidates) == (4, 4)


def test_shares_sum_to_one_and_dispersion_says_how_even_they_are():
    labels = np.array([0, 0, 1, -1])
    np.testing.assert_allclose(shares(lists([0, 2], [1, 3]), labels, 2), [2 / 3, 1 / 3])
    assert dispersion(np.array([1.0, 0, 0])) == 0
    assert dispersion(np.full(4, 0.25)) == pytest.approx(1)
    assert dispersion(np.array([0.75, 0.25])) == pytest.approx(0.75)


def test_impressions_without_a_value_are_left_out_of_the_mean_and_counted():
    values = np.array([1.0, np.nan, 3.0])
    found = interval_of(values, np.array([0, 1, 2]), 20, 0)
    assert (found["value"], found["impressions"]) == (2, 2)
    assert interval_of(np.full(3, np.nan), np.arange(3), 20, 0) is None


@pytest.fixture
def vectors(split):
    return np.random.default_rng(0).normal(size=(len(split.news), 6)).astype(np.float32)


def system(split, scores) -> System:
    return System("any", np.asarray(scores, dtype=float))


def test_a_record_names_the_source_of_every_number(split, vectors):
    scores = np.arange(len(split.impressions.candidates.values))
    record = beyond_record(system(split, scores), split, yardstick(split, vectors, "these vectors"), 20)
    assert record["vectors"] == "these vectors"
    assert split.name in record["popularity"]
    assert {"ILD@5", "serendipity@10", "novelty@5"} < set(record["metrics"])
    assert record["metrics"]["serendipity@10"]["impressions"] == 4  # of five, for one reader is new
    assert record["coverage"]["@10"] == {"shown": 10, "offered": 10}
    assert set(record["categories"]["@5"]["shares"]) == {"sports", "finance"}


def test_each_number_is_of_as_many_stories_as_it_says(mind_folder, vectors):
    candidates = " ".join(f"N{i}-{i % 2}" for i in range(12))
    (mind_folder / "behaviors.tsv").write_text(f"1\tU1\t11/15/2019 8:00:00 AM\tN0\t{candidates}\n")
    split = read_split(mind_folder)
    record = beyond_record(system(split, np.arange(12)), split, yardstick(split, vectors, "any"), 20)
    assert {name: found["shown"] for name, found in record["coverage"].items()} == {"@5": 5, "@10": 10}
    against = yardstick(split, vectors, "any")
    record = beyond_record(system(split, np.arange(12)), split, against, 20, depths=(7, 3))
    assert {name: found["shown"] for name, found in record["coverage"].items()} == {"@7": 7, "@3": 3}
    assert (
        "of the first 3 stories" in beyond_table([{"checkpoint": "any", "beyond_accuracy": record}]).caption
    )


def test_what_lists_are_about_and_how_they_sound_stands_beside(split, vectors):
    scores = np.arange(len(split.impressions.candidates.values))
    record = beyond_record(system(split, scores), split, yardstick(split, vectors, "any"), 20)
    shares, tones = (record[kind]["@10"]["shares"] for kind in ("categories", "sentiments"))
    _, about, spread, sounds = cells_of(contents_table([{"checkpoint": "any", "beyond_accuracy": record}]))
    assert about == ", ".join(f"{name} {100 * share:.1f}" for name, share in shares.items())
    assert sorted(shares.values(), reverse=True) == [*shares.values()] and len(shares) == 2
    assert spread == f"{record['categories']['@10']['dispersion']:.2f}"
    assert sounds == ", ".join(f"{100 * tones[tone]:.1f}" for tone in ("negative", "neutral", "positive"))
    record |= {"categories": {}, "sentiments": {}}
    assert cells_of(contents_table([{"checkpoint": "any", "beyond_accuracy": record}]))[1:] == ["-", "-", "-"]


def test_a_value_that_rounds_to_nothing_has_no_sign():
    assert measured({"value": -0.0001, "low": -0.0004, "high": 0.0}) == "0.000\n0.000-0.000"


def cells_of(table) -> list[str]:
    """Of its first row."""
    return [next(iter(column.cells)) for column in table.columns]


def test_a_story_is_as_well_known_as_it_is_clicked_not_shown(split):
    assert known_by(split)[0].tolist() == [0, 1, 0, 0, 1, 0, 0, 1, 0, 1, 2, 0]


def test_surprise_is_measured_from_the_latest_fifty_clicks(split, vectors):
    against, histories = yardstick(split, vectors, "any"), ([1] * 50, [0, *[1] * 50], [0, *[1] * 49])
    fifty, more, other = (
        per_list(lists([2, 3]), lists(history), against)["serendipity"] for history in histories
    )
    assert fifty == more != other


@pytest.fixture
def test_set(tmp_path):
    """Two readers of the beyond-accuracy task, after three impressions of other stories, too."""
    folder = write_ebnerd(tmp_path / "test", behaviors=as_test_set(VISITS), without=("article_ids_clicked",))
    return read_split(folder)


def test_a_data_sets_own_task_is_measured_on_its_impressions_alone(test_set):
    total = len(test_set.impressions.candidates.values)
    against = yardstick(test_set, np.random.default_rng(1).normal(size=(8, 6)).astype(np.float32), "any")
    scores = np.random.default_rng(0).normal(size=total)
    record = beyond_record(system(test_set, scores), test_set, against, 20)
    assert record["task"] and record["impressions"] == 2
    assert record["coverage"]["@10"] == {"shown": 8, "offered": 8}
    scores[:-16] = -scores[:-16]
    assert beyond_record(system(test_set, scores), test_set, against, 20) == record
    scores[-16:] = -scores[-16:]
    assert beyond_record(system(test_set, scores), test_set, against, 20) != record


def test_where_the_task_shows_all_readers_the_same_nobody_is_known_by_it(test_set):
    shown = [story for row in VISITS for story in row["article_ids_inview"]]
    counts, source = known_by(test_set)
    assert counts.tolist() == np.bincount(shown, minlength=8).tolist()
    assert source == f"times shown in {test_set.name}, without that task"


def test_the_table_says_that_it_is_of_a_task_and_of_how_many_impressions(test_set, split, vectors):
    def caption(of, stories) -> str:
        scores = np.zeros(len(of.impressions.candidates.values))
        record = beyond_record(system(of, scores), of, yardstick(of, stories, "any"), 20)
        return beyond_table([{"checkpoint": "any", "beyond_accuracy": record}]).caption

    assert "of 2 impressions, the beyond-accuracy task, with" in caption(test_set, vectors[:8])
    assert "of 5 impressions, with" in caption(split, vectors)


def in_language(split, language: str):
    return replace(split, news=replace(split.news, language=language))


def test_where_no_tone_is_known_polarity_is_left_out_and_it_is_said(split, vectors):
    split = in_language(split, "fo")  # for which there is no lexicon
    record = beyond_record(system(split, np.arange(17)), split, yardstick(split, vectors, "any"), 20)
    assert not [name for name in record["metrics"] if "polarity" in name]
    assert record["sentiments"] == {} and "is not known" in record["sentiment"]


@pytest.mark.parametrize(("language", "lexicon"), [("en", "vader"), ("da", "afinn")])
def test_where_the_data_set_says_no_tone_a_lexicon_guesses_it_and_is_named(split, vectors, language, lexicon):
    split = in_language(split, language)
    record = beyond_record(system(split, np.arange(17)), split, yardstick(split, vectors, "any"), 20)
    assert {"polarity@5", "polarity@10"} < record["metrics"].keys()
    assert lexicon in record["sentiment"] and "on titles" in record["sentiment"]
    assert sum(record["sentiments"]["@5"]["shares"].values()) == pytest.approx(1, abs=1e-3)


def test_tones_come_from_the_news_table(split):
    columns = split.news.columns.append_column("sentiment", pa.array([*["Positive"] * 11, ""]))
    news = News(columns, {"sentiment": "a column"})
    tones, source = tones_of(news)
    assert (tones.tolist(), source) == ([2] * 11 + [-1], "a column")
    against = yardstick(type(split)(split.name, news, split.impressions), np.eye(12, dtype=np.float32), "any")
    assert against.sentiment == "a column"
    record = beyond_record(system(split, np.arange(17)), split, against, 20)
    assert record["metrics"]["polarity@5"]["value"] == 1
    assert record["sentiments"]["@5"]["shares"]["positive"] == 1


def test_a_category_that_is_not_known_is_none_of_them(split, vectors):
    place = split.news.columns.column_names.index("category")

    def shares_with(categories: list[str]) -> dict:
        column = pa.array(categories, pa.string())
        news = News(split.news.columns.set_column(place, "category", column))
        against = yardstick(type(split)(split.name, news, split.impressions), vectors, "any")
        return beyond_record(system(split, np.arange(17)), split, against, 20)["categories"]

    assert shares_with(["sports", *[""] * 10, "sports"])["@5"]["shares"] == {"sports": 1.0}
    assert shares_with([""] * 12) == {}


@pytest.fixture
def checkpoint(tokenizer, tmp_path, monkeypatch):
    monkeypatch.setenv("TINYNEWSREC_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "120")
    make_recommender(tokenizer, layers=1).save_pretrained(tmp_path / "student")
    return str(tmp_path / "student")


def run(folder, checkpoint, tmp_path, **settings) -> list[dict]:
    path = tmp_path / "numbers.json"
    main(Arguments(folder, (checkpoint,), json=path, resamples=20, beyond_accuracy=True, **settings))
    return json.loads(path.read_text())


def test_the_command_measures_checkpoints_and_baselines_with_the_same_vectors(
    mind_folder, checkpoint, tmp_path, capsys, monkeypatch
):
    def nowhere(name):
        raise ValueError("No language model.")

    monkeypatch.setattr("tinynewsrec.evaluation.baselines.load_language_model", nowhere)
    records = run(mind_folder, checkpoint, tmp_path, mmr=0.5)
    names = [record["checkpoint"] for record in records]
    assert names == ["student", "student, MMR 0.5", "random", "popularity", "newest first"]
    assert {record["beyond_accuracy"]["vectors"] for record in records} == {"news vectors of student"}
    shown = " ".join(capsys.readouterr().out.split())
    assert "ILD" in shown and "news vectors of student" in shown


def test_the_command_re_ranks_with_the_weight_that_it_is_given(mind_folder, checkpoint, tmp_path):
    plain, whole = run(mind_folder, checkpoint, tmp_path, baselines=False, mmr=1.0)
    _, none = run(mind_folder, checkpoint, tmp_path, baselines=False, mmr=0.0)
    assert plain["metrics"] == whole["metrics"] != none["metrics"]


def test_a_split_without_labels_is_measured_beyond_accuracy(mind_folder, checkpoint, tmp_path, capsys):
    behaviors = mind_folder / "behaviors.tsv"
    behaviors.write_text(behaviors.read_text().replace("-0", "").replace("-1", ""))
    records = {record["checkpoint"]: record for record in run(mind_folder, checkpoint, tmp_path)}
    assert {"student", "random", "popularity", "newest first"} <= records.keys()
    for record in records.values():
        assert record["metrics"] == {}
        assert record["beyond_accuracy"]["popularity"].startswith("times shown in")
        assert record["beyond_accuracy"]["metrics"]["ILD@5"]["impressions"] == 5
    assert "random" in capsys.readouterr().out
    (alone,) = run(mind_folder, checkpoint, tmp_path, baselines=False)
    assert alone["checkpoint"] == "student"
