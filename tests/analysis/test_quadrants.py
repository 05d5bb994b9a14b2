"""Right and wrong of two models, counted by hand on six impressions and by law on many."""

import numpy as np
import pyarrow as pa
import pytest

from tinynewsrec.analysis.compared import Compared, compared_on
from tinynewsrec.analysis.quadrants import (
    BOTH,
    MEASURES,
    NEITHER,
    RULES,
    STUDENT,
    TEACHER,
    UNSIGNED,
    click_rank,
    difference,
    most_apart,
    quadrants,
    right,
)
from tinynewsrec.data.tables import Impressions, Ragged


def impressions_of(clicked, readers=None):
    """Without histories, at eight o'clock; story rows count up in each impression."""
    count = len(clicked)
    return Impressions(
        pa.array([f"I{row}" for row in range(count)]),
        np.arange(count, dtype=np.int32) if readers is None else readers,
        pa.array([f"U{row}" for row in range(count)]),
        np.full(count, np.datetime64("2019-11-15T08:00:00", "s")),
        Ragged.stack([[]] * count),
        Ragged.stack([range(len(row)) for row in clicked]),
        np.concatenate([np.array(row, dtype=bool) for row in clicked]),
    )


@pytest.fixture
def by_hand():
    """The click is the first of three; the teacher ranks it 1 1 3 3 2, the student 1 3 1 3 2."""
    impressions = impressions_of([[1, 0, 0]] * 5 + [[1, 1, 1]])
    first, middle, last = [3.0, 2, 1], [2.0, 3, 1], [1.0, 3, 2]
    teacher = np.concatenate([first, first, last, last, middle, first])
    student = np.concatenate([first, last, first, last, middle, first])
    return compared_on(impressions, {"teacher": teacher, "student": student})


@pytest.fixture
def many():
    random = np.random.default_rng(1)
    clicked = [random.permutation(size) < 1 + size // 5 for size in random.integers(2, 30, size=400)]
    total = sum(map(len, clicked))
    scores = {name: random.normal(size=total) for name in ("teacher", "student")}
    return compared_on(impressions_of(clicked), scores)


def cells(compared: Compared, *rule):
    return quadrants(*(right(compared, name, *rule) for name in ("teacher", "student")))


def test_an_impression_where_everything_was_clicked_is_left_out(by_hand):
    assert by_hand.rows.tolist() == [0, 1, 2, 3, 4]
    assert len(by_hand) == len(by_hand.impressions) == 5


def test_the_cells_are_those_found_by_hand(by_hand):
    assert cells(by_hand, "first").tolist() == [BOTH, TEACHER, STUDENT, NEITHER, NEITHER]
    assert cells(by_hand, "top", 2).tolist() == [BOTH, TEACHER, STUDENT, NEITHER, BOTH]
    assert cells(by_hand, "top", 3).tolist() == [BOTH] * 5
    assert cells(by_hand, "AUC").tolist() == [BOTH, TEACHER, STUDENT, NEITHER, NEITHER]


@pytest.mark.parametrize("rule", RULES)
def test_the_cells_hold_every_impression_once_and_rows_and_columns_are_the_models(many, rule):
    counts = np.bincount(cells(many, rule), minlength=4)
    assert counts.sum() == len(many)
    assert counts[BOTH] + counts[TEACHER] == right(many, "teacher", rule).sum()
    assert counts[BOTH] + counts[STUDENT] == right(many, "student", rule).sum()


def test_a_model_against_itself_disagrees_nowhere(many):
    assert not np.isin(quadrants(*[right(many, "teacher")] * 2), (TEACHER, STUDENT)).any()
    for measure in MEASURES:
        np.testing.assert_allclose(difference(many, "teacher", "teacher", measure), 0, atol=1e-12)


def test_a_larger_k_is_never_harder(many):
    shares = [right(many, "student", "top", k) for k in (1, 3, 5, 30)]
    assert all((easier >= harder).all() for harder, easier in zip(shares, shares[1:], strict=False))
    np.testing.assert_array_equal(shares[0], right(many, "student", "first"))
    assert shares[-1].all()


def test_signed_differences_turn_round_with_the_models(many):
    for measure in MEASURES:
        there, back = (
            difference(many, "teacher", "student", measure),
            difference(many, "student", "teacher", measure),
        )
        np.testing.assert_allclose(there, back if measure in UNSIGNED else -back)


def test_the_rank_of_the_click_is_counted_in_places(by_hand):
    assert click_rank(by_hand, "teacher").tolist() == [1, 1, 3, 3, 2]
    assert difference(by_hand, "teacher", "student", "rank of the click").tolist() == [0, 2, -2, 0, 0]
    assert difference(by_hand, "teacher", "student", "first story").tolist() == [0, 1, 1, 0, 0]


def test_the_order_is_by_difference_and_unknown_ones_stand_last():
    differences = np.array([1.0, np.nan, -3.0, 2.0, 1.0])
    assert most_apart(differences).tolist() == [3, 0, 4, 2, 1]


def test_members_keep_their_scores_and_their_clicks(many):
    members = np.arange(len(many)) % 3 == 0
    some = many.take(members)
    for name in many.scores:
        for metric, values in some.metrics[name].items():
            np.testing.assert_allclose(values, many.metrics[name][metric][members])
    assert [some.clicked_stories[row].tolist() for row in range(5)] == [
        many.clicked_stories[row].tolist() for row in range(0, 15, 3)
    ]


def test_scores_of_other_impressions_are_refused(many):
    with pytest.raises(ValueError, match="a score of small for each of"):
        compared_on(many.impressions, {"small": np.zeros(3)})


def test_impressions_without_labels_are_refused(many):
    unlabelled = many.impressions.take(np.arange(2))
    object.__setattr__(unlabelled, "clicked", None)
    with pytest.raises(ValueError, match="no labels"):
        compared_on(unlabelled, {})


def test_an_unknown_measure_is_refused(many):
    with pytest.raises(ValueError, match="to sort by, found 'luck'"):
        difference(many, "teacher", "student", "luck")
