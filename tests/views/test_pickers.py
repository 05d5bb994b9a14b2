import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import spearmanr

from tinynewsrec.analysis import pickers
from tinynewsrec.data.tables import Impressions, Ragged


def table(history, candidates, clicked, readers=None):
    count = len(history)
    readers = np.arange(count, dtype=np.int32) if readers is None else np.array(readers, dtype=np.int32)
    return Impressions(
        pa.array([str(row) for row in range(count)]),
        readers,
        pa.array([f"U{reader}" for reader in range(readers.max() + 1)]),
        np.full(count, np.datetime64("2019-11-15T08:00:00", "s")),
        Ragged.stack(history),
        Ragged.stack(candidates),
        np.concatenate([np.array(row, dtype=bool) for row in clicked]),
    )


@pytest.fixture
def impressions():
    """Six impressions of five candidates; the last two are of one reader."""
    history = [[], [0], [0, 0, 0, 0, 1], [0] * 5, [1, 2], [1, 2]]
    return table(history, [range(5)] * 6, [[1, 0, 0, 0, 0]] * 6, readers=[0, 1, 2, 3, 4, 4])


def rows(picks):
    return [pick.row for pick in picks]


def test_a_newcomer_has_no_clicks(impressions):
    assert rows(pickers.newcomers(impressions)) == [0]


def test_a_short_history_has_one_to_three_clicks_and_a_reader_is_picked_once(impressions):
    assert pickers.short_history(impressions) == [(1, 1.0), (4, 2.0)]


def test_a_reader_of_one_topic_goes_before_one_who_strays(impressions):
    picks = pickers.one_topic(impressions, np.array([0, 1, 1, 1, 1]))
    assert rows(picks) == [3, 2]
    assert [pick.evidence for pick in picks] == [1.0, 0.8]


def test_short_lists_of_candidates_are_not_picked():
    few = table([[]], [range(4)], [[1, 0, 0, 0]])
    assert pickers.newcomers(few) == []


def test_the_models_that_rank_backwards_disagree_most(impressions):
    reference = np.tile(np.arange(5.0), 6)
    other = reference.copy()
    other[5:10] = -other[5:10]
    first = pickers.disagreement(impressions, reference, other[None])[0]
    assert (first.row, first.evidence) == (1, pytest.approx(-1))


def test_one_model_is_right_where_the_other_has_the_click_last(impressions):
    right = np.tile(-np.arange(5.0), 6)
    wrong = right.copy()
    wrong[10:15] = np.arange(5.0)
    assert pickers.right_and_wrong(impressions, right, wrong) == [(2, 5.0)]


def test_nothing_is_right_or_wrong_where_clicks_are_unknown(impressions):
    unlabelled = impressions.take(np.arange(6))
    object.__setattr__(unlabelled, "clicked", None)
    assert pickers.right_and_wrong(unlabelled, np.zeros(30), np.zeros(30)) == []


def test_ranks_and_their_correlation_agree_with_scipy():
    generator = np.random.default_rng(0)
    lists = Ragged.stack([range(size) for size in (2, 7, 40)])
    one, other = generator.normal(size=(2, 49))
    found = pickers.rank_correlation(pickers.ranks(one, lists), pickers.ranks(other, lists), lists)
    expected = [
        spearmanr(one[start:end], other[start:end]).statistic
        for start, end in zip(lists.offsets, lists.offsets[1:], strict=False)
    ]
    np.testing.assert_allclose(found, expected)


def test_an_empty_part_of_a_data_set_has_no_readers_to_pick():
    none = table([[]], [range(5)], [[1, 0, 0, 0, 0]]).take(np.array([], dtype=int))
    assert pickers.newcomers(none) == pickers.short_history(none) == []
    assert pickers.one_topic(none, np.array([0, 0, 0, 0, 0])) == []
