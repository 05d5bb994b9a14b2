"""Features put each impression in one bin; slices measure what is in a bin."""

from datetime import datetime

import numpy as np
import pyarrow as pa
import pytest

from tinynewsrec.analysis import features
from tinynewsrec.analysis.compared import compared_on
from tinynewsrec.analysis.features import Bin
from tinynewsrec.analysis.slices import FEWEST, slices
from tinynewsrec.data.tables import Impressions, News, Ragged, Split
from tinynewsrec.evaluation.bootstrap import mean_intervals

TITLES = [
    "Storm",
    "storm: the bridge opens",
    "A goal",
    "the the the the the the the",
    "",
    "It’s a long-lost goal!",
]
CATEGORIES = ["news", "news", "sports", "sports", "travel", "sports"]


def news_of(titles, categories, ids=None):
    ids = ids or [f"N{row}" for row in range(len(titles))]
    return News(pa.table({"id": ids, "title": titles, "category": categories}))


@pytest.fixture
def news():
    return news_of(TITLES, CATEGORIES)


def compared_of(histories, candidates, clicked, times=None, readers=None):
    count = len(histories)
    impressions = Impressions(
        pa.array([f"I{row}" for row in range(count)]),
        np.arange(count, dtype=np.int32) if readers is None else np.array(readers, dtype=np.int32),
        pa.array([f"U{row}" for row in range(count)]),
        np.array(times or ["2019-11-15T08:00:00"] * count, dtype="datetime64[s]"),
        Ragged.stack(histories),
        Ragged.stack(candidates),
        np.concatenate([np.array(row, dtype=bool) for row in clicked]),
    )
    random = np.random.default_rng(0)
    scores = {name: random.normal(size=len(impressions.clicked)) for name in ("teacher", "student")}
    return compared_on(impressions, scores)


@pytest.fixture
def compared():
    """Five readers: one without history, one with clicks in two categories, one at an unknown time."""
    return compared_of(
        histories=[[], [0], [0, 1, 2, 3], [2] * 30, [4]],
        candidates=[[0, 1], [1, 2, 3], [2, 1, 0], [2, 3, 4, 5, 0, 1], [4, 5]],
        clicked=[[1, 0], [0, 1, 0], [1, 1, 0], [0, 1, 0, 1, 0, 0], [0, 1]],
        times=[
            "2019-11-15T00:00:00",
            "2019-11-15T05:59:59",
            "2019-11-15T06:00:00",
            "2019-11-15T23:59:59",
            "NaT",
        ],
    )


@pytest.fixture
def random_compared():
    """600 impressions of 80 readers over six stories."""
    random = np.random.default_rng(2)
    candidates = [random.integers(6, size=size).tolist() for size in random.integers(2, 60, size=600)]
    return compared_of(
        [random.integers(6, size=size).tolist() for size in random.integers(0, 80, size=600)],
        candidates,
        [[True, *(random.random(len(row) - 2) < 0.2), False] for row in candidates],
        times=(np.datetime64("2019-11-15", "s") + random.integers(86_400 * 3, size=600)).tolist(),
        readers=random.integers(80, size=600),
    )


def all_features(compared, news):
    seen = features.seen_stories(news, compared.impressions.history, None)
    return features.features(compared, news, seen)


def bins_of(feature):
    return [feature.bins[place] for place in feature.places]


def test_every_feature_puts_each_impression_in_one_bin(random_compared, news):
    found = all_features(random_compared, news)
    assert len({feature.name for feature in found}) == len(found)
    for feature in found:
        together = sum(feature.members(place).astype(int) for place in range(len(feature.bins)))
        assert (together == 1).all()
        assert len({bin.key for bin in feature.bins}) == len(feature.bins)


def test_a_number_is_in_the_bin_whose_bounds_hold_it(random_compared, news):
    sizes = random_compared.impressions.candidates.lengths
    feature = next(one for one in all_features(random_compared, news) if one.name == "candidates")
    assert all(bin.low <= size < bin.high for bin, size in zip(bins_of(feature), sizes, strict=True))


def test_the_category_is_that_of_the_clicks_and_the_commonest_stands_first(compared, news):
    feature = features.category(compared.clicked_stories, news)
    assert [bin.text for bin in bins_of(feature)] == ["news", "sports", "several", "sports", "sports"]
    assert feature.bins[0].text == "sports"
    assert feature.bins[-1] == Bin("word", "several")


def test_a_category_that_is_called_several_is_not_the_bin_of_several(compared):
    news = news_of(TITLES, ["several", *CATEGORIES[1:]])
    keys = [bin.key for bin in features.category(compared.clicked_stories, news).bins]
    assert keys.count("name:several") == keys.count("word:several") == 1


def test_hours_are_in_quarters_of_the_day_and_an_unknown_time_has_its_own(compared):
    found = bins_of(features.hour(compared.impressions.times))
    assert [bin.low for bin in found[:4]] == [0, 0, 6, 18]
    assert found[4] == Bin("word", "unknown")


def test_hours_are_the_clocks(random_compared):
    feature = features.hour(random_compared.impressions.times)
    hours = [datetime.fromisoformat(str(time)).hour for time in random_compared.impressions.times]
    assert all(bin.low <= hour < bin.high for bin, hour in zip(bins_of(feature), hours, strict=True))


def test_words_are_counted_without_signs(news):
    assert features.word_counts(news).tolist() == [1, 4, 2, 7, 0, 4]


def test_a_word_is_rare_where_few_titles_have_it(news):
    np.testing.assert_allclose(features.rare_words(news), [1, 0.75, 1, 0, 0, 1])


def test_familiarity_is_the_share_of_the_history_in_the_clicked_category(compared, news):
    _, categories = np.unique(news.texts("category"), return_inverse=True)
    found = bins_of(features.familiarity(compared.clicked_stories, compared.impressions.history, categories))
    assert found[0] == Bin("word", "no history")
    assert [bin.low for bin in found[1:]] == [0, 0.5, 0.5, 0]


def test_a_story_is_cold_where_nobody_clicked_it_before_or_training_has_not_met_it(compared, news):
    histories = compared.impressions.history
    assert features.seen_stories(news, histories, None).tolist() == [True] * 5 + [False]
    old = news_of(["x", "y"], ["a", "b"], ["N5", "N3"])
    met = compared_of([[1]], [[1, 1]], [[1, 0]]).impressions
    seen = features.seen_stories(news, histories, Split("train", old, met))
    assert seen.tolist() == [False, False, False, True, False, False]
    found = bins_of(features.cold(compared.clicked_stories, seen))
    assert [bin.text for bin in found] == ["all", "all", "all", "some", "all"]


def test_a_lasso_of_stories_is_a_slice_of_the_impressions_that_clicked_or_met_them(compared, news):
    stories = np.array([1, 5])
    assert features.with_story(compared, stories, len(news)).tolist() == [False, False, True, True, True]
    assert features.with_story(compared, stories, len(news), clicked=False).all()


def auc(compared):
    return np.stack([compared.metrics[name]["AUC"] for name in ("teacher", "student")], axis=-1)


def test_slices_have_each_impression_once_and_their_means_make_the_whole(random_compared, news):
    values, readers = auc(random_compared), random_compared.impressions.readers
    for feature in all_features(random_compared, news):
        found = [one for one in slices(values, 0, 1, readers, feature.table, resamples=10) if one]
        sizes = np.array([numbers.impressions for numbers in found])
        assert sizes.sum() == len(random_compared)
        for column in range(2):
            means = [numbers.values[column].value for numbers in found]
            assert np.average(means, weights=sizes) == pytest.approx(values[:, column].mean())


def test_the_slice_of_everything_has_the_intervals_of_the_whole(random_compared):
    values, readers = auc(random_compared), random_compared.impressions.readers
    everything = np.ones((len(random_compared), 1), dtype=bool)
    (found,) = slices(values, 0, 1, readers, everything, seed=3)
    whole = np.hstack([values, values[:, :1] - values[:, 1:]])
    expected = mean_intervals(whole, readers, seed=3)
    np.testing.assert_allclose([*found.values, found.difference], expected)
    assert found.readers == len(set(readers.tolist()))


def test_the_interval_of_a_slice_is_about_that_of_its_own_readers(random_compared):
    members = random_compared.impressions.candidates.lengths > 30
    values, readers = auc(random_compared), random_compared.impressions.readers
    found, rest = slices(values, 0, 1, readers, np.stack([members, ~members], axis=-1))
    apart = (values[:, :1] - values[:, 1:])[members]
    alone = mean_intervals(apart, readers[members], seed=1)[0]
    assert found.impressions + rest.impressions == len(members)
    assert found.difference.value == pytest.approx(alone.value)
    assert found.difference.high - found.difference.low == pytest.approx(alone.high - alone.low, rel=0.15)


def test_a_slice_without_impressions_has_no_numbers(random_compared):
    members = np.zeros((len(random_compared), 2), dtype=bool)
    readers = random_compared.impressions.readers
    assert slices(auc(random_compared), 0, 1, readers, members) == [None, None]
    members[0, 1] = True
    nothing, one = slices(auc(random_compared), 0, 1, readers, members)
    assert nothing is None
    assert one.difference[1:] == pytest.approx([one.difference.value] * 2)


@pytest.mark.parametrize(("size", "small"), [(FEWEST - 1, True), (FEWEST, False)])
def test_a_slice_of_fewer_than_fifty_is_small(random_compared, size, small):
    members = np.arange(len(random_compared))[:, None] < size
    (found,) = slices(auc(random_compared), 0, 1, random_compared.impressions.readers, members, 10)
    assert found.small is small
