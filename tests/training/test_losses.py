"""Distillation as formulas: against naive ones, and the laws that they keep."""

import pytest
import torch
from torch.nn import functional as F

from training.losses import (
    blend,
    case_losses,
    click_loss,
    distillation_loss,
    slot_means,
    teacher_weights,
    weighted_mean,
)

TEACHERS, CASES, CANDIDATES = 3, 4, 5
TARGET = torch.tensor([0, 2, 1, 4])
ALL = torch.ones(CASES, CANDIDATES, dtype=torch.bool)


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def taught_scores(scale: float = 2.0) -> torch.Tensor:
    return scale * torch.randn(TEACHERS, CASES, CANDIDATES)


def gradient_of(loss_of, scores: torch.Tensor) -> torch.Tensor:
    scores = scores.clone().requires_grad_()
    return torch.autograd.grad(loss_of(scores), scores)[0]


def test_case_losses_are_cross_entropy_for_one_model_and_for_several():
    scores = taught_scores()
    naive = torch.stack([F.cross_entropy(each, TARGET, reduction="none") for each in scores])
    torch.testing.assert_close(case_losses(scores, TARGET, ALL), naive)
    torch.testing.assert_close(case_losses(scores[0], TARGET, ALL), naive[0])


def test_teacher_weights_sum_to_one_on_each_case_and_favour_the_better_teacher():
    losses = case_losses(taught_scores(), TARGET, ALL)
    weights = teacher_weights(losses)
    torch.testing.assert_close(weights.sum(0), torch.ones(CASES))
    for case in range(CASES):
        assert weights[:, case].argsort(descending=True).tolist() == losses[:, case].argsort().tolist()
    naive = (-losses).exp() / (-losses).exp().sum(0)
    torch.testing.assert_close(weights, naive)


def test_uniform_weights_are_those_of_nobody_in_particular():
    weights = teacher_weights(case_losses(taught_scores(), TARGET, ALL), "uniform")
    torch.testing.assert_close(weights, torch.full((TEACHERS, CASES), 1 / TEACHERS))


def test_neither_weights_nor_blended_scores_carry_a_gradient():
    scores = taught_scores().requires_grad_()
    for weighting in ("confidence", "uniform"):
        weights = teacher_weights(case_losses(scores, TARGET, ALL), weighting)
        assert not weights.requires_grad and not blend(scores, weights).requires_grad


def test_teachers_are_blended_before_the_softmax():
    scores, student = taught_scores(), torch.randn(CASES, CANDIDATES)
    weights = teacher_weights(case_losses(scores, TARGET, ALL))
    naive = 0.0
    for case in range(CASES):
        blended = sum(weights[m, case] * scores[m, case] for m in range(TEACHERS))
        naive -= (blended.softmax(-1) * student[case].log_softmax(-1)).sum() / CASES
    torch.testing.assert_close(distillation_loss(student, blend(scores, weights), ALL), naive)


@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_one_teacher_alone_is_plain_distillation(temperature):
    taught, student = taught_scores()[:1], torch.randn(CASES, CANDIDATES)
    weights = teacher_weights(case_losses(taught, TARGET, ALL))
    assert torch.equal(weights, torch.ones(1, CASES))
    softened = (taught[0] / temperature).softmax(-1)
    naive = temperature**2 * F.cross_entropy(student / temperature, softened)
    found = distillation_loss(student, blend(taught, weights), ALL, temperature)
    torch.testing.assert_close(found, naive)


def test_at_high_temperature_the_gradient_is_the_difference_of_the_centred_scores():
    """The limit of Hinton et al. (2015): (student - teacher) / candidates, whatever the temperature."""
    taught, student = taught_scores()[0], 2 * torch.randn(CASES, CANDIDATES)
    centred = [scores - scores.mean(-1, keepdim=True) for scores in (student, taught)]
    limit = (centred[0] - centred[1]) / CANDIDATES / CASES
    for temperature in (1e3, 4e3):
        found = gradient_of(
            lambda s, t=temperature: distillation_loss(s.double(), taught.double(), ALL, t), student
        )
        torch.testing.assert_close(found, limit, rtol=0.01, atol=1e-3)


def test_the_temperature_leaves_the_scale_of_the_gradient_alone():
    taught, student = 0.01 * taught_scores()[0].double(), 0.01 * torch.randn(CASES, CANDIDATES).double()
    one, four = (
        gradient_of(lambda s, t=temperature: distillation_loss(s, taught, ALL, t), student)
        for temperature in (1.0, 4.0)
    )
    torch.testing.assert_close(four.norm(), one.norm(), rtol=0.02, atol=0)
    torch.testing.assert_close(four, one, rtol=0.1, atol=1e-5)


@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_distillation_is_lowest_where_the_student_scores_as_its_teacher(temperature):
    taught = taught_scores()[0]
    gradient = gradient_of(lambda s: distillation_loss(s, taught, ALL, temperature), taught)
    assert gradient.abs().max() < 1e-6
    lowest = distillation_loss(taught, taught, ALL, temperature)
    assert distillation_loss(taught + torch.randn_like(taught), taught, ALL, temperature) > lowest


def all_losses(student, taught, shown, target=TARGET):
    losses = case_losses(taught, target, shown)
    blended = blend(taught, teacher_weights(losses))
    return torch.stack(
        [
            distillation_loss(student, blended, shown, 2.0),
            weighted_mean(losses, teacher_weights(losses)),
            case_losses(student, target, shown).mean(),
        ]
    )


@pytest.mark.parametrize("loud", [0.0, 50.0, -1e4, 1e30])
def test_candidates_that_were_not_shown_get_no_weight_and_no_gradient(loud):
    shown = ALL.clone()
    shown[0, 3:], shown[1, 4] = False, False
    taught, student = taught_scores(), torch.randn(CASES, CANDIDATES)
    quiet = all_losses(student, taught, shown)
    noisy = taught.masked_fill(~shown, loud), student.masked_fill(~shown, loud)
    torch.testing.assert_close(all_losses(noisy[1], noisy[0], shown), quiet)
    gradient = gradient_of(lambda s: all_losses(s, noisy[0], shown).sum(), noisy[1])
    assert gradient.isfinite().all() and not gradient[~shown].any() and gradient[shown].any()


def test_columns_of_padding_change_neither_losses_nor_gradients():
    taught, student = taught_scores(), torch.randn(CASES, CANDIDATES)
    wide = [F.pad(taught, (0, 2), value=3.0), F.pad(student, (0, 2), value=3.0), F.pad(ALL, (0, 2))]
    torch.testing.assert_close(all_losses(wide[1], wide[0], wide[2]), all_losses(student, taught, ALL))
    narrow = gradient_of(lambda s: all_losses(s, taught, ALL).sum(), student)
    found = gradient_of(lambda s: all_losses(s, wide[0], wide[2]).sum(), wide[1])
    torch.testing.assert_close(found[:, :CANDIDATES], narrow)


def test_a_case_does_not_depend_on_the_others_of_its_batch():
    shown = ALL.clone()
    shown[0, 3:] = False
    taught, student = taught_scores(), torch.randn(CASES, CANDIDATES)
    alone = [
        all_losses(student[case, None], taught[:, case, None], shown[case, None], TARGET[case, None])
        for case in range(CASES)
    ]
    torch.testing.assert_close(all_losses(student, taught, shown), torch.stack(alone).mean(0))


def test_the_click_loss_finds_the_click_wherever_it_stands():
    scores, clicked = torch.randn(CASES, CANDIDATES), F.one_hot(TARGET, CANDIDATES).bool()
    torch.testing.assert_close(click_loss(scores, clicked, ALL), F.cross_entropy(scores, TARGET))


def test_slot_means_are_the_mean_over_what_each_case_meets():
    distances = torch.rand(TEACHERS, 6)
    slots = torch.tensor([[0, 1, 1], [5, 2, -1], [3, -1, -1], [-1, -1, -1]])
    found = slot_means(distances, slots, slots != -1)
    for teacher in range(TEACHERS):
        for case, places in enumerate(slots.tolist()):
            met = [float(distances[teacher, place]) for place in places if place != -1]
            assert float(found[teacher, case]) == pytest.approx(sum(met) / max(1, len(met)))


def test_weighted_mean_sums_over_teachers_and_averages_over_cases():
    distances, weights = torch.rand(TEACHERS, CASES), torch.rand(TEACHERS, CASES).softmax(0)
    naive = sum(weights[m, b] * distances[m, b] for m in range(TEACHERS) for b in range(CASES)) / CASES
    torch.testing.assert_close(weighted_mean(distances, weights), naive)
