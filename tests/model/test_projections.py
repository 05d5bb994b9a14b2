"""Maps between the vectors of a student and of its teachers: learnt, measured with, kept with the student."""

import pytest
import torch
from safetensors.torch import save_file

from tinynewsrec.model.projections import PROJECTIONS, Projections

SIDES = ["teacher", "student"]


def projections(side: str) -> Projections:
    torch.manual_seed(0)
    made = Projections(("news", "reader"), ("first", "second"), 6, 4, side)
    for name, parameter in made.named_parameters():
        if name.endswith("bias"):
            torch.nn.init.normal_(parameter)
    return made


@pytest.mark.parametrize("side", SIDES)
def test_distances_are_mean_squares_after_one_affine_map_for_each_teacher(side):
    made, taught, learnt = projections(side), torch.randn(2, 5, 6), torch.randn(5, 4)
    for kind in ("news", "reader"):
        found, maps = made.distances(kind, taught, learnt), made.maps[kind]
        for teacher in range(2):
            for story in range(5):
                ours, theirs = learnt[story], taught[teacher, story]
                if side == "teacher":
                    theirs = maps.weight[teacher] @ theirs + maps.bias[teacher]
                else:
                    ours = maps.weight[teacher] @ ours + maps.bias[teacher]
                naive = (ours - theirs).square().mean().detach()
                torch.testing.assert_close(found[teacher, story], naive)


def test_each_kind_and_each_teacher_has_a_map_of_its_own():
    made, taught, learnt = projections("teacher"), torch.randn(1, 3, 6).expand(2, -1, -1), torch.randn(3, 4)
    news, reader = made.distances("news", taught, learnt), made.distances("reader", taught, learnt)
    assert not torch.allclose(news, reader) and not torch.allclose(news[0], news[1])


@pytest.mark.parametrize("side", SIDES)
def test_a_gradient_reaches_maps_and_student(side):
    made, learnt = projections(side), torch.randn(5, 4, requires_grad=True)
    made.distances("news", torch.randn(2, 5, 6), learnt).sum().backward()
    assert learnt.grad.any() and made.maps["news"].weight.grad.any() and made.maps["news"].bias.grad.any()


@pytest.mark.parametrize("side", SIDES)
def test_what_is_saved_measures_the_same_when_loaded(side, tmp_path):
    made, taught, learnt = projections(side), torch.randn(2, 5, 6), torch.randn(5, 4)
    made.save(tmp_path)
    loaded = Projections.load(tmp_path)
    assert (loaded.teachers, loaded.side) == (("first", "second"), side)
    for kind in ("news", "reader"):
        assert torch.equal(loaded.distances(kind, taught, learnt), made.distances(kind, taught, learnt))


def test_a_checkpoint_that_was_not_distilled_has_none(tmp_path):
    assert Projections.load(tmp_path) is None


def test_a_damaged_file_is_named(tmp_path):
    projections("teacher").save(tmp_path)
    whole = (tmp_path / PROJECTIONS).read_bytes()
    for damaged in (b"nonsense", whole[: len(whole) // 2]):
        (tmp_path / PROJECTIONS).write_bytes(damaged)
        with pytest.raises(ValueError, match=f"{PROJECTIONS} does not hold projections"):
            Projections.load(tmp_path)


@pytest.mark.parametrize(
    "described",
    [
        None,
        {"side": "teacher"},
        {"teachers": '["one"]', "side": "teacher"},
        {"teachers": "[", "side": "teacher"},
    ],
)
def test_a_file_that_says_something_else_is_refused(described, tmp_path):
    save_file(dict(projections("teacher").state_dict()), tmp_path / PROJECTIONS, described)
    with pytest.raises(ValueError, match="distil the student again"):
        Projections.load(tmp_path)
