"""The bundled sample is sound as shipped, and comes out of the simulator again byte for byte."""

import hashlib
import json
import re
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from tinynewsrec.data.mind import read_mind
from tinynewsrec.data.tables import Ragged
from tinynewsrec.evaluation.metrics import measure
from training.click_model import ClickModel, choose_clicks, simulate
from training.mind_format import behavior_lines, clock, entity_offsets, history, news_lines
from training.sample_stories import SampleStory, read_stories
from training.sample_truth import click_through, rankings
from training.simulate_readers import SPLITS, Arguments, main, visits_of

SAMPLE = Path(__file__).parents[2] / "assets" / "sample"
STORIES = SAMPLE / "stories.jsonl"
FOLDERS = tuple(SPLITS)


def rows(folder: Path, name: str) -> list[list[str]]:
    text = (folder / name).read_text(encoding="utf-8")
    assert text.endswith("\n")
    return [line.split("\t") for line in text[:-1].split("\n")]


@pytest.fixture(scope="module")
def sample():
    return {
        name: {file: rows(SAMPLE / name, file) for file in ("news.tsv", "behaviors.tsv")} for name in FOLDERS
    }


@pytest.fixture(scope="module")
def summary():
    return json.loads((SAMPLE / "SAMPLE.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def stories():
    return read_stories(STORIES)


def shown(impression: list[str]) -> tuple[list[str], np.ndarray]:
    ids, labels = zip(*(item.rsplit("-", 1) for item in impression[4].split(" ")), strict=True)
    assert set(labels) == {"0", "1"}
    return list(ids), np.array(labels) == "1"


@pytest.mark.parametrize("name", FOLDERS)
def test_every_entity_stands_where_its_offset_says(sample, name):
    for row in sample[name]["news.tsv"]:
        assert len(row) == 8
        for text, entities in ((row[3], row[6]), (row[4], row[7])):
            for entity in json.loads(entities):
                surface = entity["SurfaceForms"][0]
                assert entity["OccurrenceOffsets"]
                assert re.fullmatch(r"S\d+", entity["WikidataId"])
                for offset in entity["OccurrenceOffsets"]:
                    assert text[offset : offset + len(surface)] == surface


def test_no_entity_of_the_stories_is_lost(sample, stories):
    for id, *_, title, abstract in sample["dev"]["news.tsv"]:
        written = {e["SurfaceForms"][0] for e in json.loads(title) + json.loads(abstract)}
        assert written == {surface for surface, _ in stories.rows[int(id[1:]) - 1].entities}


def test_a_name_inside_a_longer_one_is_not_counted_twice():
    entities = (("Lee", "P"), ("Ann Lee", "P"))
    story = SampleStory("", "", 1, "Ann Lee and Leeds: Lee wins", "", entities, "neutral", 3, None)
    assert entity_offsets(story, story.title) == {"Ann Lee": [0], "Lee": [19]}


@pytest.mark.parametrize("name", FOLDERS)
def test_news_has_the_stories_that_are_named_and_no_others(sample, name):
    named = set()
    for impression in sample[name]["behaviors.tsv"]:
        assert len(impression) == 5
        named |= {*impression[3].split(), *shown(impression)[0]}
    ids = [row[0] for row in sample[name]["news.tsv"]]
    assert len(ids) == len(set(ids))
    assert set(ids) == named


def test_a_story_is_the_same_in_both_splits(sample):
    train, dev = ({row[0]: row for row in sample[name]["news.tsv"]} for name in FOLDERS)
    assert all(train[id] == dev[id] for id in train.keys() & dev.keys())


@pytest.mark.parametrize("name", FOLDERS)
def test_every_impression_has_10_to_60_candidates_some_clicked_and_some_not(sample, name):
    for impression in sample[name]["behaviors.tsv"]:
        ids, clicked = shown(impression)
        assert 10 <= len(ids) <= 60
        assert len(set(ids)) == len(ids)
        assert not set(ids) & set(impression[3].split())
        assert 1 <= clicked.sum() <= 4


def test_the_sample_is_as_large_as_promised(sample):
    impressions = {name: sample[name]["behaviors.tsv"] for name in FOLDERS}
    assert len(impressions["train"]) >= 8000
    assert len(impressions["dev"]) >= 2500
    for split in impressions.values():
        assert len({row[1] for row in split}) >= 600
        lengths = [len(row[3].split()) for row in split]
        assert min(lengths) == 0
        assert max(lengths) > 50
    assert sum(path.stat().st_size for path in SAMPLE.rglob("*") if path.is_file()) < 6.5e6


@pytest.mark.parametrize("name", FOLDERS)
def test_a_reader_has_one_history_and_times_within_the_split(sample, name):
    histories: dict[str, str] = {}
    for _, reader, time, clicks, _ in sample[name]["behaviors.tsv"]:
        assert histories.setdefault(reader, clicks) == clicks
        date = re.fullmatch(r"11/(\d)/2019 (1[0-2]|\d):\d\d:\d\d [AP]M", time)
        assert SPLITS[name].first <= int(date[1]) - 1 <= SPLITS[name].last


def test_a_dev_candidate_is_never_met_in_train(sample):
    new = {id for row in sample["dev"]["behaviors.tsv"] for id in shown(row)[0]}
    assert not new & {row[0] for row in sample["train"]["news.tsv"]}


def test_the_dev_history_continues_the_train_history(sample):
    before, after = ({row[1]: row[3] for row in sample[name]["behaviors.tsv"]} for name in FOLDERS)
    assert all(after[reader].startswith(before[reader]) for reader in before.keys() & after.keys())


def test_the_truth_stands_beside_every_reader_and_candidate(sample, summary):
    for name in FOLDERS:
        truth = {
            row["reader"]: row for row in pq.read_table(SAMPLE / name / "truth_readers.parquet").to_pylist()
        }
        histories = {row[1]: row[3].split() for row in sample[name]["behaviors.tsv"]}
        assert truth.keys() == histories.keys()
        assert all(len(truth[reader]["history_accident"]) == len(histories[reader]) for reader in truth)
        interests = np.array([row["interests"] for row in truth.values()])
        assert interests.shape[1] == len(summary["subcategories"])
        np.testing.assert_allclose(interests.sum(axis=1), 1, atol=0.01)


def test_the_figures_are_those_of_the_files(sample, summary):
    truth = pq.read_table(SAMPLE / "dev" / "truth_impressions.parquet").to_pydict()
    clicked = [shown(row)[1] for row in sample["dev"]["behaviors.tsv"]]
    assert truth["impression"] == [row[0] for row in sample["dev"]["behaviors.tsv"]]
    utility = Ragged.stack(truth["utility"], np.float64)
    values = measure(utility.values, Ragged.stack(clicked, bool).values, utility.offsets).values
    for metric, figure in summary["percent"]["dev"]["oracle"].items():
        assert values[metric].mean() == pytest.approx(figure, abs=0.01)
    counts = summary["counts"]["dev"]
    assert counts["impressions"] == len(clicked)
    assert counts["clicks"] == sum(row.sum() for row in clicked)
    assert counts["readers"] == len({row[1] for row in sample["dev"]["behaviors.tsv"]})


def test_the_popularity_figure_is_that_of_the_files(sample, summary):
    subcategory = {row[0]: row[2] for name in FOLDERS for row in sample[name]["news.tsv"]}
    counts: dict[str, list[int]] = {}
    for ids, clicked in map(shown, sample["train"]["behaviors.tsv"]):
        for id, click in zip(ids, clicked, strict=True):
            count = counts.setdefault(subcategory[id], [0, 0])
            count[0] += click
            count[1] += 1
    dev = [shown(row) for row in sample["dev"]["behaviors.tsv"]]
    rates = {name: clicks / shows for name, (clicks, shows) in counts.items()}
    scores = Ragged.stack([[rates[subcategory[id]] for id in ids] for ids, _ in dev], np.float64)
    values = measure(scores.values, Ragged.stack([row for _, row in dev], bool).values, scores.offsets).values
    assert values["AUC"].mean() == pytest.approx(summary["percent"]["dev"]["popularity"]["AUC"], abs=0.01)


def test_the_readme_quotes_the_figures(summary):
    readme = (SAMPLE / "README.md").read_text(encoding="utf-8")
    for figures in summary["percent"]["dev"].values():
        assert " | ".join(f"{value:.2f}" for value in figures.values()) in readme
    for counts in summary["counts"].values():
        fields = (counts["impressions"], counts["readers"], counts["readers without history"])
        assert " | ".join(f"{value:,}" for value in fields) in readme


@pytest.mark.parametrize("name", FOLDERS)
def test_the_reader_of_mind_skips_nothing(sample, name):
    split = read_mind(SAMPLE / name)
    assert split.skipped == ()
    assert len(split.impressions) == len(sample[name]["behaviors.tsv"])


def test_the_oracle_leaves_popularity_far_behind(summary):
    figures = summary["percent"]["dev"]
    assert 75 <= figures["oracle"]["AUC"] <= 80
    assert 50 <= figures["popularity"]["AUC"] <= 55


def test_the_shipped_files_have_the_recorded_digests(summary):
    digests = {name: hashlib.sha256((SAMPLE / name).read_bytes()).hexdigest() for name in summary["sha256"]}
    assert digests == summary["sha256"]


def test_the_shipped_files_come_out_of_a_fresh_run_for_the_first_readers(sample, summary, stories):
    assert json.loads(json.dumps(asdict(ClickModel()))) == summary["click_model"]
    lives = simulate(stories, ClickModel(), readers=50, seed=summary["seed"])
    for name, days in SPLITS.items():
        visits = visits_of(lives, days, summary["seed"])
        histories = {row: history(life, days.first) for row, life in enumerate(lives)}
        fresh = sorted(line[1:] for line in map(list, behavior_lines(lives, visits, histories)))
        readers = {life.reader.id for life in lives}
        assert fresh == sorted(row[1:] for row in sample[name]["behaviors.tsv"] if row[1] in readers)
    named = [int(row[0][1:]) - 1 for row in sample["dev"]["news.tsv"]]
    assert [list(row) for row in news_lines(stories, named)] == sample["dev"]["news.tsv"]


def test_one_seed_writes_the_same_bytes_twice(tmp_path):
    written = []
    for name in ("once", "again"):
        main(Arguments(STORIES, tmp_path / name, seed=3, readers=15))
        files = sorted(path for path in (tmp_path / name).rglob("*") if path.is_file())
        written.append({str(path.relative_to(tmp_path / name)): path.read_bytes() for path in files})
    assert len(written[0]) == 9
    assert written[0] == written[1]


def test_another_seed_makes_other_readers(stories):
    one, other = (simulate(stories, ClickModel(), readers=1, seed=seed)[0].reader for seed in (3, 4))
    assert not np.allclose(one.interests, other.interests)


def test_more_readers_change_none_of_the_others(stories):
    few, more = (simulate(stories, ClickModel(), readers, seed=5) for readers in (3, 6))
    for first, second in zip(few, more[:3], strict=True):
        for one, other in zip(first.visits, second.visits, strict=True):
            np.testing.assert_array_equal(one.candidates, other.candidates)
            np.testing.assert_array_equal(one.clicked, other.clicked)


def test_in_a_fresh_simulation_the_oracle_beats_popularity_and_appeal(stories):
    lives = simulate(stories, ClickModel(), readers=60, seed=7)
    train, dev = (visits_of(lives, days, seed=7) for days in SPLITS.values())
    figures = rankings(stories, train, dev)
    assert figures["oracle"]["AUC"] > 10 + max(figures["popularity"]["AUC"], figures["most appeal"]["AUC"])


def test_readers_who_only_click_by_accident_cannot_be_foreseen(stories):
    lives = simulate(stories, replace(ClickModel(), accident=1.0), readers=60, seed=7)
    train, dev = (visits_of(lives, days, seed=7) for days in SPLITS.values())
    assert 45 < rankings(stories, train, dev)["oracle"]["AUC"] < 55


def test_a_click_without_accident_goes_where_the_utility_is():
    stream = np.random.default_rng(0)
    utility = np.array([0.0, 0.0, 50.0, 0.0, 0.0, 0.0])
    drawn = [choose_clicks(utility, replace(ClickModel(), accident=0.0), stream) for _ in range(50)]
    assert all(clicked[2] and not accident.any() for clicked, accident in drawn)


def test_a_story_never_shown_has_the_click_through_of_its_subcategory(stories):
    lives = simulate(stories, ClickModel(), readers=40, seed=7)
    train = visits_of(lives, SPLITS["train"], seed=7)
    rates = click_through(stories, train)
    sports = (stories.day == 7) & (stories.subcategory == stories.subcategory[stories.day == 7][0])
    shows = np.concatenate([visit.candidates for visit in train])
    clicks = np.concatenate([visit.clicked for visit in train])
    alike = stories.subcategory[shows] == stories.subcategory[np.flatnonzero(sports)[0]]
    np.testing.assert_allclose(rates[sports], clicks[alike].mean())


@pytest.mark.parametrize(
    ("hour", "text"), [(0, "12:05:09 AM"), (9, "9:05:09 AM"), (12, "12:05:09 PM"), (23, "11:05:09 PM")]
)
def test_times_are_written_as_mind_writes_them(hour, text):
    assert clock(datetime(2019, 11, 8, hour, 5, 9)) == f"11/8/2019 {text}"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"title": "Two\tcolumns"}, r"line 2: expected text without tabs"),
        ({"entities": [{"surface": "Nowhere", "type": "G"}]}, r"line 2: expected the entity 'Nowhere'"),
        ({"day": 8}, r"line 2: expected a day from 1 to 7, found 8"),
        ({"mood": "glad"}, r"line 2: expected the fields"),
    ],
)
def test_a_broken_story_is_named_by_its_line(tmp_path, change, message):
    line = STORIES.read_text(encoding="utf-8").split("\n")[0]
    broken = json.dumps({**json.loads(line), **change})
    (tmp_path / "stories.jsonl").write_text(f"{line}\n{broken}\n", encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        read_stories(tmp_path / "stories.jsonl")


def test_a_day_with_too_few_stories_is_refused(tmp_path, stories):
    with pytest.raises(ValueError, match="at least 100 stories on each of 7 days, found a day with 0"):
        simulate(replace(stories, rows=stories.rows[:300]), ClickModel(), readers=1, seed=0)
