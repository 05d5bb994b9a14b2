from typing import get_args

import pytest
import torch
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from torchjd.aggregation import MGDA, CAGrad, UPGradWeighting

from training.aggregators import SHORT, WEIGH, Strategy, merging, task_weights

STRATEGIES = get_args(Strategy)
NUMBERS = st.floats(-10, 10, width=32)
PAIRS = st.lists(st.lists(NUMBERS, min_size=4, max_size=4), min_size=2, max_size=2)
SOME = st.lists(st.lists(NUMBERS, min_size=4, max_size=4), min_size=2, max_size=4)
OPPOSED = torch.tensor([[1.0, 0, 0], [-1, 2, 0], [-1, -1, 1]], dtype=torch.float64)


def made(rows):
    gradients = torch.tensor(rows, dtype=torch.float64)
    assume(gradients.norm(dim=-1).min() > 0.1)
    return gradients


def weighted(strategy, gradients, seed=0):
    return task_weights(strategy, gradients @ gradients.T, seed)


def close(found, expected):
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-6)


@settings(max_examples=30)
@given(PAIRS)
def test_mtrec_makes_each_gradient_orthogonal_to_the_other_and_leaves_agreeing_ones_alone(rows):
    main, auxiliary = gradients = made(rows)
    weights = weighted("mtrec", gradients)
    if main @ auxiliary >= 0:
        assert weights.tolist() == [1, 1]
    else:
        main_after = main + (weights[1] - 1) * auxiliary
        auxiliary_after = auxiliary + (weights[0] - 1) * main
        close(main_after @ auxiliary, torch.zeros_like(main[0]))
        close(auxiliary_after @ main, torch.zeros_like(main[0]))
        step = weights @ gradients
        close(step, main_after + auxiliary_after)
        cosine = main @ auxiliary / (main.norm() * auxiliary.norm())
        close(step @ main, main @ main * (1 - cosine**2))
        assert step @ main >= -1e-9


@settings(max_examples=30)
@given(PAIRS)
def test_aux_only_never_slows_the_main_task(rows):
    main, auxiliary = gradients = made(rows)
    step = weighted("aux_only", gradients) @ gradients
    close(step @ main, main @ main + (main @ auxiliary).clamp(min=0))


@settings(max_examples=30)
@given(PAIRS)
def test_pcgrad_of_two_tasks_is_mtrec(rows):
    gradients = made(rows)
    close(weighted("pcgrad", gradients), weighted("mtrec", gradients))


@settings(max_examples=30)
@given(SOME)
@example([[10, 0, 0, 0], [-0.2, 0, 0, 0]])
def test_upgrad_opposes_no_task(rows):
    gradients = made(rows)
    weights, lengths = weighted("upgrad", gradients), (gradients**2).sum()
    # torchjd adds reg_eps of the summed squared lengths to the diagonal of the inner products it solves for:
    # a short gradient that opposes a long one would have to count without bound, and is opposed by as much.
    slack = UPGradWeighting().projector.reg_eps * lengths * weights
    assert (gradients @ (weights @ gradients) >= -slack - 1e-9 * lengths).all()


@pytest.mark.parametrize(("strategy", "theirs"), [("cagrad", CAGrad(0.5, SHORT)), ("mgda", MGDA())])
def test_cagrad_and_mgda_take_the_step_of_torchjd_once_for_each_task(strategy, theirs):
    close(weighted(strategy, OPPOSED) @ OPPOSED, 3 * theirs(OPPOSED))


def test_cagrad_serves_the_main_task_beside_one_that_has_hardly_a_gradient():
    gradients = torch.tensor([[1.0], [1e-6]]) * OPPOSED[:2]
    assert weighted("cagrad", gradients) @ gradients @ gradients[0] > 0


def test_nash_mtl_serves_all_tasks_alike_however_long_their_gradients_are():
    gradients = torch.tensor([[1.0], [100], [0.01]]) * OPPOSED
    weights = weighted("nash-mtl", gradients)
    parts = weights * (gradients @ (weights @ gradients))
    torch.testing.assert_close(parts / parts[0], torch.ones_like(parts), atol=0, rtol=0.05)


@pytest.mark.parametrize("rows", [[[1, 0], [-1, 0]], [[1, 0], [-0.5, 0.8], [-0.5, -0.8]]])
def test_nash_mtl_takes_no_step_where_gradients_cancel_each_other(rows):
    assert not weighted("nash-mtl", torch.tensor(rows, dtype=torch.float64)).any()
    torch.manual_seed(0)
    for _ in range(50):  # as they come from training, multiplied in single precision
        gradients = torch.tensor(rows, dtype=torch.float32) @ torch.randn(2, 400)
        assert not task_weights("nash-mtl", (gradients @ gradients.T).double(), 0).any()


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_scale_of_all_gradients_does_not_matter(strategy):
    tasks = 2 if strategy in ("mtrec", "aux_only") else 3
    torch.manual_seed(0)
    gradients = torch.randn(tasks, 5, dtype=torch.float64)
    gradients[1] -= gradients[0]
    for scale in (1e-6, 1e6):
        close(weighted(strategy, scale * gradients), weighted(strategy, gradients))


@pytest.mark.parametrize("strategy", ["none", "pcgrad", "upgrad"])
def test_tasks_that_do_not_oppose_one_another_are_added(strategy):
    gradients = torch.eye(3, dtype=torch.float64) + 0.1
    torch.testing.assert_close(weighted(strategy, gradients), torch.ones(3).double(), atol=1e-3, rtol=0)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_task_without_gradient_changes_nothing_for_the_others(strategy):
    assert strategy in WEIGH
    gradients = torch.tensor([[1.0, 0, 0], [-1, 2, 0], [0, 0, 0]], dtype=torch.float64)
    assert torch.equal(weighted(strategy, gradients)[:2], weighted(strategy, gradients[:2]))
    alone = torch.tensor([[0.0, 0], [1, 1]], dtype=torch.float64)
    assert weighted(strategy, alone).tolist() == [1, 1]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_weights_depend_on_gradients_and_seed_alone(strategy):
    """Not on random numbers drawn elsewhere, nor on what came before; and they draw none from others."""
    gradients = torch.tensor(
        [[1.0, 0, 0], [-1, 2, 0], [-1, -1, 1]][: 3 - 1 * (strategy in ("mtrec", "aux_only"))]
    )
    products = gradients.double() @ gradients.double().T
    torch.manual_seed(1)
    first = task_weights(strategy, products, 5)
    drawn = torch.rand(1)
    task_weights(strategy, torch.eye(len(products)).double() + 1, 6)
    assert torch.equal(task_weights(strategy, products, 5), first)
    torch.manual_seed(1)
    assert torch.equal(torch.rand(1), drawn)


def test_the_order_of_pcgrad_follows_the_seed():
    found = {tuple(weighted("pcgrad", OPPOSED, seed).tolist()) for seed in range(20)}
    assert len(found) > 1


def test_strategies_see_the_tasks_that_they_merge_as_one():
    assert merging("none", 3).tolist() == [[1, 1, 1]]
    assert merging("mtrec", 3).tolist() == merging("aux_only", 3).tolist() == [[1, 0, 0], [0, 1, 1]]
    assert merging("pcgrad", 2).tolist() == [[1, 0], [0, 1]]
    assert merging("mtrec", 1).tolist() == [[1]]
