"""The finder finds what was planted, and in noise no more than its rate allows."""

import numpy as np
import pytest
from scipy.stats import false_discovery_control

from tinynewsrec.analysis.features import Bin, Feature
from tinynewsrec.analysis.slice_finder import adjusted, candidates, flip_test, search

READERS, VISITS = 150, 5
COUNT = READERS * VISITS


@pytest.fixture
def readers():
    return np.repeat(np.arange(READERS), VISITS) * 3 + 7


def features_of(random):
    """Three features; the first is the readers', the same in all of their visits."""
    own = np.repeat(random.integers(4, size=READERS), VISITS)
    places = (own, random.integers(3, size=COUNT), random.integers(5, size=COUNT))
    return tuple(
        Feature(f"f{size}", tuple(Bin("count", "", low) for low in range(size)), place)
        for size, place in zip((4, 3, 5), places, strict=True)
    )


def noise(random):
    """A reader's visits are alike, and no model is better."""
    return np.repeat(random.normal(size=READERS), VISITS) + random.normal(size=COUNT)


def find(*arguments, **settings):
    """What the search says at its end."""
    *_, (_, tested) = search(*arguments, **settings)
    return tested


def found(tested, rate=0.05):
    return [one for one in tested if one.q <= rate]


def test_a_planted_slice_of_two_features_is_found_first(readers):
    random = np.random.default_rng(0)
    features = features_of(random)
    planted = features[0].members(1) & features[1].members(2)
    differences = noise(random) + 3.0 * planted
    best = find(differences, readers, features, fewest=20, flips=2000)[0]
    assert best.conditions == (("f4", 1), ("f3", 2))
    assert best.impressions == planted.sum()
    assert best.readers == len(np.unique(readers[planted]))
    assert best.difference == pytest.approx(differences[planted].mean())
    assert best.q < 0.05


def test_in_noise_the_finder_finds_something_as_rarely_as_its_rate_says(readers):
    """Where nothing is there, all that is found is false: in 5 of 100 data sets, or fewer."""
    false = 0
    for seed in range(60):
        random = np.random.default_rng(seed)
        tested = find(noise(random), readers, features_of(random), fewest=20, flips=3000, seed=seed)
        false += bool(found(tested))
    assert false <= 7  # of a binomial with 60 and 0.05, more come in 1 of 100


def test_a_test_of_visits_one_by_one_would_find_too_much(readers):
    random = np.random.default_rng(5)
    far = [
        find(noise(random), owners, features_of(random), fewest=20, flips=200)[0].p
        for _ in range(15)
        for owners in (readers, np.arange(COUNT))
    ]
    by_reader, by_visit = np.reshape(far, (-1, 2)).mean(0)
    assert by_visit < by_reader


def test_a_student_that_is_worse_everywhere_is_no_worse_somewhere(readers):
    random = np.random.default_rng(2)
    differences, features = noise(random) + 2.0, features_of(random)
    assert len(found(find(differences, readers, features, "nothing", 20, 1000))) > 10
    assert not found(find(differences, readers, features, "the rest", 20, 1000))


def test_against_the_rest_a_planted_slice_is_found_though_the_student_is_better_there(readers):
    random = np.random.default_rng(3)
    features = features_of(random)
    differences = noise(random) - 5.0 + 3.0 * features[0].members(1)
    tested = find(differences, readers, features, "the rest", 20, 1000)
    inside = features[0].members(1)
    best = next(one for one in tested if one.conditions == (("f4", 1),))
    assert best.q < 0.05
    assert best.difference == pytest.approx(differences[inside].mean() - differences[~inside].mean())
    assert not found(find(differences, readers, features, "nothing", 20, 1000))


def test_the_same_seed_finds_the_same(readers):
    random = np.random.default_rng(4)
    differences, features = noise(random), features_of(random)
    first = find(differences, readers, features, fewest=20, flips=700, seed=1)
    assert first == find(differences, readers, features, fewest=20, flips=700, seed=1)
    assert first != find(differences, readers, features, fewest=20, flips=700, seed=2)


def test_few_readers_are_tested_as_exactly_as_they_allow():
    """Of three readers' eight signs, one reaches the sum of all."""
    *_, (_, p) = flip_test(np.array([[1.0], [2.0], [3.0]]), 4000, seed=0)
    assert p[0] == pytest.approx(1 / 8, abs=0.02)


def test_a_slice_is_tried_once_and_none_is_too_small_or_everything():
    halves = Feature("half", (Bin("count"), Bin("count", "", 1)), np.arange(100) % 2)
    same = Feature("same", (Bin("count"), Bin("count", "", 1)), np.arange(100) % 2)
    whole = Feature("whole", (Bin("count"),), np.zeros(100, dtype=int))
    few = Feature("few", (Bin("count"), Bin("count", "", 1)), (np.arange(100) < 5).astype(int))
    tried = [one.conditions for one in candidates((halves, same, whole, few), fewest=10)]
    assert tried[:5] == [(("half", 0),), (("half", 1),), (("same", 0),), (("same", 1),), (("few", 0),)]
    assert all({"half", "same"} != {name for name, _ in conditions} for conditions in tried)
    assert all(("few", 1) not in conditions for conditions in tried)


def test_nothing_to_try_finds_nothing():
    assert find(np.zeros(3), np.arange(3), [Feature("whole", (Bin("count"),), np.zeros(3, dtype=int))]) == []


def test_a_search_that_is_stopped_has_the_results_of_its_flips_so_far(readers):
    random = np.random.default_rng(0)
    arguments = noise(random), readers, features_of(random), "nothing", 20
    told = list(search(*arguments, flips=1200))
    assert [done for done, _ in told] == [500, 1000, 1200]
    assert told[0][1] == find(*arguments, flips=500)


def test_benjamini_and_hochberg_by_hand():
    """Of 0.01, 0.02, 0.03, 0.04: each times 4 by its place, all 0.04."""
    np.testing.assert_allclose(adjusted(np.array([0.03, 0.01, 0.04, 0.02])), 0.04)
    np.testing.assert_allclose(adjusted(np.array([0.5, 0.001, 0.9])), [0.75, 0.003, 0.9])
    np.testing.assert_allclose(adjusted(np.array([0.04, 0.041])), 0.041)  # no surer hypothesis has a larger q


def test_benjamini_and_hochberg_as_scipy_has_it():
    p = np.random.default_rng(0).random(200) ** 3
    np.testing.assert_allclose(adjusted(p), false_discovery_control(p))
