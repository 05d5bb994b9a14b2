"""What the baselines know, and what they must not know."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
import torch
from ebnerd_files import STORIES, VISITS, article, write_ebnerd

from tinynewsrec.data.read import read_split
from tinynewsrec.evaluation.baselines import PRIOR, chance, newest_first, popularity, untrained, zero_shot
from tinynewsrec.evaluation.metrics import measure


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TINYNEWSREC_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def language_model(recommender, tokenizer, tmp_path):
    folder = tmp_path / "language-model"
    recommender.news_encoder.language_model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


def make_split(tmp_path, name: str, behaviors: list[str], stories: list[str]):
    folder = tmp_path / name
    folder.mkdir()
    news = [f"{story}\tnews\tlocal\tmayor opens {story}\t\t\t[]\t[]" for story in stories]
    (folder / "news.tsv").write_text("\n".join(news) + "\n")
    (folder / "behaviors.tsv").write_text("\n".join(behaviors) + "\n")
    return read_split(folder)


@pytest.fixture
def train(tmp_path):
    behaviors = [
        "1\tU1\t11/10/2019 8:00:00 AM\t\tA-1 B-0",
        "2\tU2\t11/11/2019 8:00:00 AM\t\tA-1 B-0 D-0",
    ]
    return make_split(tmp_path, "train", behaviors, ["D", "B", "A"])


@pytest.fixture
def evaluated(tmp_path):
    behaviors = [
        "1\tU1\t11/12/2019 9:00:00 AM\tA C\tB-0 C-1 A-0",
        "2\tU1\t11/12/2019 7:00:00 AM\tA\tC-0 B-1 E-0",
        "3\tU3\t11/13/2019 8:00:00 AM\t\tA-0 E-1",
    ]
    return make_split(tmp_path, "dev", behaviors, ["A", "B", "C", "E"])


def by_story(system, split) -> dict[str, float]:
    ids = split.news.known_ids.take(pa.array(split.impressions.candidates.values)).to_pylist()
    return dict(zip(ids, system.scores.tolist(), strict=True))


def test_popularity_is_the_smoothed_click_rate_of_the_training_split(train, evaluated):
    rates = by_story(popularity(evaluated, train), evaluated)
    mean = 2 / 5
    assert rates["A"] == pytest.approx((2 + PRIOR * mean) / (2 + PRIOR))
    assert rates["B"] == pytest.approx(PRIOR * mean / (2 + PRIOR))
    assert rates["C"] == rates["E"] == pytest.approx(mean)


def test_without_a_training_split_popularity_counts_clicks_before_each_readers_first_visit(evaluated):
    system = popularity(evaluated, None)
    # U1 clicked C between the two visits; at the earlier one, that was not known.
    assert by_story(system, evaluated) == {"A": 1, "B": 0, "C": 0, "E": 0}
    assert "first visit" in system.note


def test_newest_first_ranks_by_the_time_a_story_was_first_shown(train, evaluated):
    seen = by_story(newest_first(evaluated, train), evaluated)
    assert seen["A"] == seen["B"] < seen["C"] == seen["E"]
    alone = by_story(newest_first(evaluated, None), evaluated)
    assert alone["B"] == alone["C"] == alone["E"] < alone["A"]


def test_newest_first_goes_by_the_time_of_publication_where_it_is_known(tmp_path):
    stories = [*STORIES[:7], article(7, published_time=None)]
    split = read_split(write_ebnerd(tmp_path / "train", articles=stories))
    system = newest_first(split, None)
    ages = dict(zip(split.impressions.candidates.values.tolist(), system.scores.tolist(), strict=True))
    assert sorted(ages, key=ages.get) == [7, 0, 1, 2, 3, 4, 5, 6]
    assert ages[7] == -np.inf and ages[1] - ages[0] == 3600
    assert system.note == "time of publication: published_time of articles.parquet"


def test_newest_first_goes_by_numbered_ids_where_no_time_is_known(tmp_path):
    stories = STORIES[::-1]
    folder = write_ebnerd(tmp_path / "train", articles=stories, without=("published_time",))
    system = newest_first(read_split(folder), None)
    shown = [number for row in VISITS for number in row["article_ids_inview"]]
    assert system.scores.tolist() == shown and "highest story id" in system.note


def test_stories_without_a_readable_time_count_as_the_oldest(evaluated):
    times = evaluated.impressions.times.copy()
    times[0] = np.datetime64("NaT")
    unknown = replace(evaluated, impressions=replace(evaluated.impressions, times=times[[0, 0, 2]]))
    seen = by_story(newest_first(unknown, None), unknown)
    assert seen["B"] == seen["C"] == -np.inf
    assert seen["A"] == seen["E"] > 0


@pytest.mark.parametrize("baseline", [chance, lambda s: popularity(s, None), lambda s: newest_first(s, None)])
def test_no_baseline_looks_at_the_clicks_that_are_to_be_predicted(baseline, evaluated):
    impressions = evaluated.impressions
    hidden = replace(evaluated, impressions=replace(impressions, clicked=~impressions.clicked))
    np.testing.assert_array_equal(baseline(evaluated).scores, baseline(hidden).scores)


def test_chance_depends_on_its_seed_alone(evaluated):
    np.testing.assert_array_equal(chance(evaluated, 1).scores, chance(evaluated, 1).scores)
    assert (chance(evaluated, 1).scores != chance(evaluated, 2).scores).any()


def test_popularity_refuses_a_training_split_without_clicks(train, evaluated):
    unlabelled = replace(train, impressions=replace(train.impressions, clicked=None))
    with pytest.raises(ValueError, match="no clicks"):
        popularity(evaluated, unlabelled)


def test_zero_shot_is_the_mean_of_unit_vectors_by_a_unit_vector(split, language_model):
    recommender = untrained(language_model)
    words = recommender.tokens(split.news.texts("title"))
    with torch.no_grad():
        states = recommender.news_encoder.language_model(
            words.ids, attention_mask=words.mask.long()
        ).last_hidden_state
    means = [states[row, words.mask[row]].mean(0) for row in range(len(split.news))]
    unit = torch.nn.functional.normalize(torch.stack(means), dim=-1).numpy()
    scores = zero_shot(split, language_model).scores
    impressions = split.impressions
    for row in (0, 2, 3, 4):
        start, end = impressions.candidates.offsets[row : row + 2]
        wanted = unit[impressions.candidates[row]] @ unit[impressions.history[row]].mean(0)
        np.testing.assert_allclose(scores[start:end], wanted, rtol=1e-4, atol=1e-5)


def test_zero_shot_ties_the_candidates_of_a_reader_without_history(split, language_model):
    impressions = split.impressions
    scores = zero_shot(split, language_model).scores
    assert (scores[slice(*impressions.candidates.offsets[1:3])] == 0).all()
    rows, values = measure(scores, impressions.clicked, impressions.candidates.offsets)
    assert values["AUC"][rows == 1] == 50


def test_zero_shot_vectors_are_computed_once(split, language_model, tmp_path):
    first = zero_shot(split, language_model).scores
    [kept] = (tmp_path / "cache").glob("vectors-*.npy")
    np.save(kept, np.load(kept)[::-1])
    assert not np.allclose(zero_shot(split, language_model).scores, first)


def test_a_language_model_that_is_nowhere_is_an_error_to_read(split, tmp_path):
    with pytest.raises(ValueError, match="Cannot load the language model"):
        zero_shot(split, str(tmp_path / "nowhere"))
