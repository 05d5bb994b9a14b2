"""What the Speed tab rests on: precisions, parts and budgets."""

import numpy as np
import pytest
import torch
from conftest import make_recommender
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tinynewsrec.analysis.budget import front, load
from tinynewsrec.analysis.parts import parts_of
from tinynewsrec.analysis.precision import agreement, in_precision
from tinynewsrec.data.tables import Ragged


def test_another_precision_changes_little_and_leaves_the_model_alone(tokenizer, tokens):
    model = make_recommender(tokenizer)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with torch.no_grad():
        exact = model.encode(tokens)
        for precision, tolerance in (("fp32", 1e-6), ("bf16", 0.1), ("int8", 0.1)):
            found = in_precision(model, precision).encode(tokens).float()
            torch.testing.assert_close(found, exact, atol=tolerance, rtol=tolerance)
            assert (found.equal(exact)) == (precision == "fp32")
    assert all(value.equal(before[name]) for name, value in model.state_dict().items())


def test_a_ranking_agrees_with_itself_and_not_with_its_reverse():
    lists = Ragged.stack([range(4), range(6), range(1)])
    scores = np.random.default_rng(0).normal(size=11)
    assert agreement(scores, scores * 3 + 1, lists) == pytest.approx((1.0, 1.0, 2))
    assert agreement(scores, -scores, lists) == pytest.approx((-1.0, 0.0, 2))


def test_parts_are_as_many_as_layers_and_leave_no_hooks(tokenizer, tokens):
    model = make_recommender(tokenizer, layers=3)
    parts = parts_of(model, tokens)
    assert len(parts.layers) == 3
    assert min(parts.embeddings, *parts.layers, parts.pooling, parts.projection, parts.rest) > 0
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


POINTS = arrays(float, st.integers(1, 8), elements=st.integers(0, 4).map(float))


@given(POINTS, st.integers(0, 999))
def test_the_front_is_what_nothing_beats(cost, seed):
    quality = np.random.default_rng(seed).integers(0, 4, len(cost)).astype(float)
    kept = front(cost, quality)
    assert kept.any()
    for here in range(len(cost)):
        beaten = any(
            cost[other] <= cost[here]
            and quality[other] >= quality[here]
            and (cost[other], quality[other]) != (cost[here], quality[here])
            for other in range(len(cost))
        )
        assert kept[here] == (not beaten)


def test_the_budget_of_a_worked_example():
    kept = load(encode=0.01, rank=0.001, stories=3600, visits=1_800_000, candidates=20)
    assert (kept.encoding, kept.ranking, kept.share) == pytest.approx((36.0, 1800.0, 0.51))
    assert load(0.01, 0.001, 3600, 100, 20, cached=False).encoding == pytest.approx(20.0)
