"""How teachers teach, whatever the task: the losses of a lesson, and the record of who was trusted."""

import pytest
import torch
from runs import json_lines
from torch.nn import functional as F

from training.distillation import (
    WEIGHTS_LOG,
    DistillConfig,
    Watched,
    distillation_losses,
    teach,
    write_weights,
)

TARGET = torch.tensor([0, 2, 1])
SHOWN = torch.tensor([[True] * 4, [True] * 3 + [False], [True, True, False, False]])


@pytest.fixture
def taught():
    torch.manual_seed(0)
    return torch.randn(2, 3, 4)


def losses_of(taught, config=None, student=None, distances=None):
    config = config or DistillConfig()
    torch.manual_seed(1)
    student = torch.randn(3, 4) if student is None else student
    distances = torch.rand(2, 3) if distances is None else distances
    lesson = teach(taught, TARGET, SHOWN, config.weighting)
    return distillation_losses(lesson, student, TARGET, SHOWN, distances, config)


def test_no_gradient_reaches_the_teachers_but_all_losses_reach_what_learns(taught):
    taught.requires_grad_()
    student, distances = torch.randn(3, 4, requires_grad=True), torch.rand(2, 3, requires_grad=True)
    sum(losses_of(taught, None, student, distances).values()).backward()
    assert taught.grad is None
    assert student.grad[SHOWN].all() and not student.grad[~SHOWN].any()
    assert distances.grad.all()


def test_one_teacher_gives_the_plain_losses(taught):
    config, student, distances = DistillConfig(temperature=2.0), torch.randn(3, 4), torch.rand(1, 3)
    lesson = teach(taught[:1], TARGET, SHOWN, config.weighting)
    found = distillation_losses(lesson, student, TARGET, SHOWN, distances, config)
    distill = target = 0.0
    for case, count in enumerate(SHOWN.sum(-1).tolist()):
        wanted = (taught[0, case, :count] / 2).softmax(-1)
        distill += 4 * F.cross_entropy(student[case, :count] / 2, wanted) / 3
        target += F.cross_entropy(student[case, :count], TARGET[case]) / 3
    torch.testing.assert_close(found["distill"], distill)
    torch.testing.assert_close(found["target"], target)
    torch.testing.assert_close(found["embedding"], distances.mean())


@pytest.mark.parametrize("name", ["distill", "embedding", "target"])
def test_a_weight_scales_its_loss_and_zero_switches_it_off(taught, name):
    plain = losses_of(taught)
    for weight in (0.0, 3.0):
        found = losses_of(taught, DistillConfig(**{name: weight}))
        for other in plain:
            torch.testing.assert_close(found[other], plain[other] * (weight if other == name else 1.0))


def test_uniform_weighting_asks_all_teachers_alike(taught):
    lesson = teach(taught, TARGET, SHOWN, "uniform")
    torch.testing.assert_close(lesson.weights, torch.full((2, 3), 0.5))
    assert not torch.allclose(teach(taught, TARGET, SHOWN, "confidence").weights, lesson.weights)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"temperature": 0.0}, "temperature must be above 0, got 0.0"),
        ({"embedding": -1.0}, "0 or more"),
        ({"watched": 0}, "watched 1 or more"),
        ({"distill": 0.0, "embedding": 0.0, "target": 0.0}, "nothing to learn from"),
    ],
)
def test_settings_that_cannot_teach_are_explained(settings, message):
    with pytest.raises(ValueError, match=message):
        DistillConfig(**settings)


def test_who_was_trusted_is_written_for_each_case_at_each_state(taught, tmp_path):
    lesson = teach(taught, TARGET, SHOWN, "confidence")
    cases, watched = [{"story": f"N{i}"} for i in range(3)], Watched(lesson, torch.tensor([0.5, 1.0, 2.0]))
    for step in (2, 4):
        write_weights(tmp_path, step, cases, watched)
    lines = json_lines(tmp_path / WEIGHTS_LOG)
    assert [(line["step"], line["story"]) for line in lines] == [
        (s, f"N{i}") for s in (2, 4) for i in range(3)
    ]
    assert [line["student_loss"] for line in lines[:3]] == [0.5, 1.0, 2.0]
    for case, line in enumerate(lines[:3]):
        assert sum(line["teacher_weights"]) == pytest.approx(1, abs=2e-4)
        assert line["teacher_losses"] == pytest.approx(lesson.losses[:, case].tolist(), abs=1e-4)


def test_what_a_killed_run_left_is_written_over(taught, tmp_path):
    cases = [{"story": f"N{i}"} for i in range(3)]
    watched = Watched(teach(taught, TARGET, SHOWN, "confidence"), torch.zeros(3))
    for step in (2, 4, 6, 4):
        write_weights(tmp_path, step, cases, watched)
    steps = [line["step"] for line in json_lines(tmp_path / WEIGHTS_LOG)]
    assert steps == [2, 2, 2, 4, 4, 4]
