"""Intervals over readers, on simulated readers whose true mean is known."""

import numpy as np
import pytest

from tinynewsrec.evaluation.bootstrap import mean_intervals


def visits(random: np.random.Generator, readers: int) -> tuple[np.ndarray, np.ndarray]:
    """Visits whose values have mean 0; those of one reader are alike."""
    counts = random.integers(1, 6, size=readers)
    owners = np.repeat(np.arange(readers), counts)
    return (random.normal(size=readers)[owners] + random.normal(size=len(owners)))[:, None], owners


def test_the_interval_covers_the_truth_in_about_95_of_100_data_sets():
    random = np.random.default_rng(7)
    found = [mean_intervals(*visits(random, readers=120), resamples=400, seed=s)[0] for s in range(300)]
    covered = np.mean([interval.low <= 0 <= interval.high for interval in found])
    assert 0.91 <= covered <= 0.985


def test_visits_drawn_one_by_one_would_promise_too_much():
    values, readers = visits(np.random.default_rng(1), readers=300)
    by_reader, by_visit = (mean_intervals(values, owners)[0] for owners in (readers, np.arange(len(readers))))
    assert by_reader.high - by_reader.low > 1.3 * (by_visit.high - by_visit.low)


def test_the_width_is_that_of_the_normal_approximation():
    values = np.random.default_rng(3).normal(size=(2000, 1))
    value, low, high = mean_intervals(values, np.arange(2000), resamples=4000)[0]
    assert value == pytest.approx(values.mean())
    assert high - low == pytest.approx(2 * 1.96 * values.std() / np.sqrt(2000), rel=0.08)


def test_a_resample_is_the_mean_over_visits_and_not_over_readers():
    values = np.array([[0.0]] * 9 + [[1.0]])
    readers = np.array([5] * 9 + [2])
    value, low, high = mean_intervals(values, readers, resamples=200)[0]
    assert (value, low, high) == (pytest.approx(0.1), 0.0, 1.0)


def test_the_difference_of_a_system_with_itself_is_exactly_zero():
    values, readers = visits(np.random.default_rng(4), readers=50)
    assert mean_intervals(values - values, readers) == [(0.0, 0.0, 0.0)]


def test_a_paired_difference_is_surer_than_either_system():
    values, readers = visits(np.random.default_rng(5), readers=200)
    better = values + 0.1 + 0.01 * np.random.default_rng(6).normal(size=values.shape)
    single, paired = mean_intervals(np.hstack([values, better - values]), readers)
    assert paired.high - paired.low < 0.1 * (single.high - single.low)
    assert paired.low < 0.1 < paired.high


def test_the_same_seed_gives_the_same_interval_and_the_names_of_readers_do_not_matter():
    values, readers = visits(np.random.default_rng(8), readers=40)
    assert mean_intervals(values, readers, seed=3) == mean_intervals(values, readers + 1000, seed=3)
    assert mean_intervals(values, readers, seed=3) != mean_intervals(values, readers, seed=4)


def test_no_impressions_are_an_error():
    with pytest.raises(ValueError, match="at least one impression"):
        mean_intervals(np.empty((0, 2)), np.empty(0, dtype=int))
