import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tinynewsrec.analysis.reader import compare, ranks_of, standardise, why_not_measured
from tinynewsrec.data.tables import Impression

scores_of_a_list = arrays(np.float32, st.integers(1, 30), elements=st.floats(-100, 100, width=32))


@given(scores_of_a_list)
def test_every_rank_is_given_once(scores):
    assert sorted(ranks_of(scores)) == list(range(1, len(scores) + 1))


@given(scores_of_a_list)
def test_a_higher_score_never_ranks_behind_a_lower_one(scores):
    ranks = ranks_of(scores)
    assert (np.diff(scores[np.argsort(ranks)]) <= 0).all()


def test_equal_scores_keep_the_order_of_the_file():
    assert ranks_of(np.array([0.0, 1.0, 0.0, 1.0])).tolist() == [3, 1, 4, 2]


def test_standardised_scores_do_not_change_with_the_scale_of_a_model():
    scores = np.array([3.0, -1.0, 4.0, 1.5])
    np.testing.assert_allclose(standardise(scores), standardise(40 * scores - 7))


def test_scores_that_are_all_the_same_are_standardised_to_zero():
    assert standardise(np.full(5, 0.1, dtype=np.float32)).tolist() == [0] * 5


def test_a_story_moved_up_has_a_positive_shift_and_the_reference_moves_nothing():
    ranking = compare(np.array([[3.0, 2.0, 1.0], [1.0, 2.0, 3.0]]))
    assert ranking.shifts.tolist() == [[0, 0, 0], [-2, 0, 2]]


@pytest.mark.parametrize(
    ("clicked", "reason"),
    [(None, "no labels"), ([0, 0], "none clicked"), ([1, 1], "all clicked"), ([0, 1], None)],
)
def test_metrics_are_given_only_where_they_mean_something(clicked, reason):
    flags = None if clicked is None else np.array(clicked, dtype=bool)
    impression = Impression("1", "U1", np.datetime64("NaT", "s"), np.arange(2), np.arange(2), flags)
    assert why_not_measured(impression) == reason
