"""Metrics against values worked out by hand, a naive reference, and scikit-learn."""

from itertools import pairwise, permutations
from time import perf_counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import log_loss, ndcg_score, roc_auc_score

from tinynewsrec.data.tables import Ragged
from tinynewsrec.evaluation.metrics import NAMES, log_losses, measure

EQUAL_OFTEN = st.integers(-3, 3)
law = settings(max_examples=40)


@st.composite
def impressions(draw, longest: int = 12, scores: st.SearchStrategy = EQUAL_OFTEN):
    """Rows of scores with many ties, and clicks; some rows have one kind of candidate only, or none."""
    rows = draw(st.lists(st.lists(st.tuples(scores, st.booleans()), max_size=longest), max_size=6))
    ragged = Ragged.stack([[score for score, _ in row] for row in rows], dtype=np.float32)
    clicked = np.array([click for row in rows for _, click in row], dtype=bool)
    return ragged, clicked


def measured(ragged: Ragged, clicked: np.ndarray):
    return measure(ragged.values, clicked, ragged.offsets)


def one(scores: list[float], clicked: list[int]) -> dict[str, float]:
    values = measured(Ragged.stack([scores], dtype=np.float64), np.array(clicked, dtype=bool)).values
    return {name: float(value[0]) for name, value in values.items()}


def naive(clicked: np.ndarray) -> dict[str, float]:
    """The metrics of one ranking, best first, as MIND's evaluation script has them."""
    ranks = np.flatnonzero(clicked) + 1
    discounts = 1 / np.log2(np.arange(len(clicked)) + 2)
    metrics = {"MRR": (1 / ranks).mean(), "MRR (first)": 1 / ranks[0]}
    for k in (5, 10):
        metrics[f"nDCG@{k}"] = discounts[:k][clicked[:k]].sum() / discounts[: min(k, len(ranks))].sum()
    return metrics


def over_all_orders(scores: np.ndarray, clicked: np.ndarray) -> dict[str, float]:
    """The mean over every order that the scores allow."""
    orders = [list(order) for order in permutations(range(len(scores)))]
    allowed = [clicked[order] for order in orders if (np.diff(scores[order]) <= 0).all()]
    rankings = [naive(ranking) for ranking in allowed]
    return {name: np.mean([ranking[name] for ranking in rankings]) for name in rankings[0]}


def test_values_worked_out_by_hand():
    found = one([0.9, 0.8, 0.7, 0.6], [0, 1, 0, 1])
    assert found["AUC"] == pytest.approx(25.0)
    assert found["MRR"] == pytest.approx(100 * (1 / 2 + 1 / 4) / 2)
    assert found["MRR (first)"] == pytest.approx(50.0)
    ideal = 1 + 1 / np.log2(3)
    assert found["nDCG@5"] == found["nDCG@10"]
    assert found["nDCG@5"] == pytest.approx(100 * (1 / np.log2(3) + 1 / np.log2(5)) / ideal)


def test_all_equal_scores_are_worth_as_much_as_chance():
    found = one([1.0, 1.0, 1.0], [0, 0, 1])
    assert found["AUC"] == 50.0
    assert [found["MRR"], found["MRR (first)"]] == pytest.approx([100 * (1 + 1 / 2 + 1 / 3) / 3] * 2)


@law
@given(impressions())
def test_auc_and_ndcg_agree_with_scikit_learn(table):
    ragged, clicked = table
    rows, values = measured(*table)
    clicks = Ragged(clicked, ragged.offsets)
    for place, row in enumerate(rows.tolist()):
        truth, scores = clicks[row], ragged[row]
        assert values["AUC"][place] == pytest.approx(100 * roc_auc_score(truth, scores))
        for k in (5, 10):
            assert values[f"nDCG@{k}"][place] == pytest.approx(100 * ndcg_score([truth], [scores], k=k))


@law
@given(impressions(longest=5))
def test_ties_are_worth_the_mean_over_every_order_they_allow(table):
    ragged, clicked = table
    rows, values = measured(*table)
    clicks = Ragged(clicked, ragged.offsets)
    for place, row in enumerate(rows.tolist()):
        for name, value in over_all_orders(ragged[row], clicks[row]).items():
            assert values[name][place] == pytest.approx(100 * value), name


@law
@given(impressions(scores=st.floats(-5, 5, width=32)), st.randoms(use_true_random=False))
def test_the_order_of_candidates_in_the_file_changes_nothing(table, random):
    ragged, clicked = table
    rows = [range(*ends) for ends in pairwise(ragged.offsets.tolist())]
    order = np.array([place for row in rows for place in random.sample(row, k=len(row))], dtype=int)
    shuffled = measured(Ragged(ragged.values[order], ragged.offsets), clicked[order]).values
    for name, values in measured(*table).values.items():
        np.testing.assert_allclose(shuffled[name], values)


@law
@given(impressions())
def test_nothing_beats_the_perfect_ranking(table):
    ragged, clicked = table
    best = measure(clicked.astype(np.float32), clicked, ragged.offsets).values
    for name, values in measured(*table).values.items():
        assert (values <= best[name] + 1e-9).all()
    for name in ("AUC", "MRR (first)", "nDCG@5", "nDCG@10"):
        np.testing.assert_allclose(best[name], 100)


@law
@given(impressions())
def test_impressions_with_one_kind_of_candidate_are_left_out(table):
    ragged, clicked = table
    clicks = Ragged(clicked, ragged.offsets)
    both = [row for row in range(len(ragged)) if 0 < clicks[row].sum() < len(clicks[row])]
    rows, values = measured(*table)
    assert rows.tolist() == both
    assert tuple(values) == NAMES
    assert all(len(value) == len(both) for value in values.values())


def test_infinite_scores_rank_and_nan_is_refused():
    assert one([np.inf, 0.0, -np.inf], [1, 0, 0])["AUC"] == 100.0
    with pytest.raises(ValueError, match="impression 1, .*NaN"):
        measured(Ragged.stack([[1.0], [2.0, np.nan]], dtype=np.float64), np.array([True, False, True]))


def test_a_large_table_takes_seconds():
    random = np.random.default_rng(0)
    offsets = np.arange(20_001) * 37
    scores, clicked = random.random(offsets[-1]), random.random(offsets[-1]) < 0.04
    start = perf_counter()
    values = measure(scores, clicked, offsets).values
    assert perf_counter() - start < 10
    assert values["AUC"].mean() == pytest.approx(50, abs=1)


@law
@given(impressions(scores=st.floats(-30, 30, width=32)))
def test_log_loss_is_that_of_a_softmax_over_all_candidates(given):
    ragged, clicked = given
    found = log_losses(ragged.values, clicked, ragged.offsets)
    rows = measured(ragged, clicked).rows
    assert len(found) == len(rows)
    for loss, row in zip(found, rows.tolist(), strict=True):
        shares = np.exp(ragged[row].astype(float)) / np.exp(ragged[row].astype(float)).sum()
        places = np.flatnonzero(Ragged(clicked, ragged.offsets)[row])
        assert loss == pytest.approx(-np.log(shares[places]).mean(), rel=1e-6, abs=1e-9)


def test_log_loss_of_one_click_is_that_of_scikit_learn_and_large_scores_do_not_overflow():
    scores = np.array([1.0, 3.0, -2.0])
    shares = np.exp(scores) / np.exp(scores).sum()
    clicked, offsets = np.array([False, True, False]), np.array([0, 3])
    expected = log_loss([1], [shares], labels=[0, 1, 2])
    assert log_losses(scores, clicked, offsets) == pytest.approx([expected])
    assert log_losses(scores + 1e4, clicked, offsets) == pytest.approx([expected])
