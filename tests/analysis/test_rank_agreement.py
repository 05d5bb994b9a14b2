"""Agreement of rankings, against scipy and the definitions, on lists of different lengths."""

import numpy as np
import pytest
from scipy.stats import kendalltau

from tinynewsrec.analysis.pickers import ranks
from tinynewsrec.analysis.rank_agreement import flipped, kendall, overlap
from tinynewsrec.data.tables import Ragged

SIZES = (1, 2, 5, 5, 9, 40, 300)


@pytest.fixture
def lists():
    return Ragged.stack([range(size) for size in SIZES])


@pytest.fixture
def scores(lists):
    """Of two models, some of them equal."""
    return np.random.default_rng(0).normal(size=(2, len(lists.values))).round(1)


def parts(scores, lists):
    return [scores[:, start:end] for start, end in zip(lists.offsets, lists.offsets[1:], strict=False)]


def overlap_by_definition(one, other, p):
    """Webber et al. (2010), equation 30: the overlap of the prefixes at every depth."""
    depth = len(one)
    prefixes = [len(set(one[:d]) & set(other[:d])) for d in range(1, depth + 1)]
    summed = sum(shared / d * p**d for d, shared in enumerate(prefixes, start=1))
    return prefixes[-1] / depth * p**depth + (1 - p) / p * summed


@pytest.mark.parametrize("p", [0.5, 0.9, 0.98])
def test_overlap_is_the_papers_sum_over_depths(lists, scores, p):
    found = overlap(ranks(scores[0], lists), ranks(scores[1], lists), lists, p)
    orders = [[np.argsort(-row, kind="stable").tolist() for row in part] for part in parts(scores, lists)]
    np.testing.assert_allclose(found, [overlap_by_definition(*order, p) for order in orders])


def test_equal_rankings_overlap_wholly(lists, scores):
    places = ranks(scores[0], lists)
    np.testing.assert_allclose(overlap(places, places, lists), 1)


def test_no_ranking_overlaps_less_with_another_than_its_reverse(lists, scores):
    places = ranks(scores[0], lists)
    reverse = np.repeat(lists.lengths, lists.lengths) + 1 - places
    least = overlap(places, reverse, lists)
    assert (least <= overlap(places, ranks(scores[1], lists), lists)).all()
    assert (least[1:] < 1).all()


def test_a_swap_at_the_top_costs_more_than_one_at_the_bottom():
    lists = Ragged.stack([range(6)] * 2)
    places = np.tile(np.arange(1, 7), 2)
    swapped = np.array([2, 1, 3, 4, 5, 6, 1, 2, 3, 4, 6, 5])
    top, bottom = overlap(places, swapped, lists)
    assert top < bottom < 1


def test_kendall_is_scipys_with_and_without_ties(lists, scores):
    found = kendall(*scores, lists)
    expected = [kendalltau(*part).statistic for part in parts(scores, lists)[1:]]
    assert np.isnan(found[0])
    np.testing.assert_allclose(found[1:], expected)


def test_kendall_of_a_model_that_tells_nothing_apart_is_unknown(lists, scores):
    assert np.isnan(kendall(np.zeros_like(scores[0]), scores[1], lists)).all()


def test_kendall_does_not_depend_on_how_many_are_held_at_a_time(scores, lists, monkeypatch):
    whole = kendall(*scores, lists)
    monkeypatch.setattr("tinynewsrec.analysis.rank_agreement.BLOCK", 10)
    np.testing.assert_array_equal(kendall(*scores, lists), whole)


def test_the_first_story_flips_where_another_one_is_first():
    lists = Ragged.stack([range(3), range(2)])
    one, other = np.array([1, 2, 3, 1, 2]), np.array([1, 3, 2, 2, 1])
    assert flipped(one, other, lists).tolist() == [False, True]


def test_no_lists_give_no_numbers():
    none = Ragged.stack([])
    empty = np.array([], dtype=np.int64)
    assert len(overlap(empty, empty, none)) == len(kendall(empty * 1.0, empty * 1.0, none)) == 0
