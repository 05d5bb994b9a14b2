"""Spaces of several models brought into one: what a rotation hid is found again, what was learnt is used."""

import numpy as np
import pytest
import torch

from tinynewsrec.analysis.alignment import (
    LearntMap,
    align,
    best_rotation,
    displacement,
    met_again,
    nearest_rotation,
)
from tinynewsrec.analysis.map_layers import learnt_map
from tinynewsrec.analysis.similarity import linear_cka, shuffled_cka
from tinynewsrec.evaluation.beyond_accuracy import unit
from tinynewsrec.model.projections import Projections

RANDOM = np.random.default_rng(0)
TEACHER = unit(RANDOM.normal(size=(200, 16)))
ROWS = np.arange(200)


def rotation(seed: int = 1) -> np.ndarray:
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(16, 16)))[0].astype(np.float32)


def test_procrustes_undoes_a_rotation():
    found = align([TEACHER, 5 * TEACHER @ rotation()])
    np.testing.assert_allclose(found.vectors[1], TEACHER, atol=1e-5)
    np.testing.assert_allclose(displacement(*found.vectors), 0, atol=1e-5)
    assert found.ways == ("itself", "rotation")
    assert met_again(*found.vectors, ROWS) == 1


def test_a_rotation_fitted_to_noise_keeps_every_cosine():
    noise = unit(RANDOM.normal(size=(200, 10)))
    turn = best_rotation(noise, TEACHER)
    np.testing.assert_allclose(turn @ turn.T, np.eye(10), atol=1e-5)
    moved = align([TEACHER, noise]).vectors[1]
    np.testing.assert_allclose(moved @ moved.T, noise @ noise.T, atol=1e-4)


def test_no_rotation_comes_nearer_than_procrustes():
    student = unit(TEACHER @ rotation() + 0.1 * RANDOM.normal(size=TEACHER.shape))
    best = displacement(*align([TEACHER, student]).vectors).mean()
    assert all(displacement(TEACHER, student @ rotation(seed)).mean() > best for seed in range(20))


@pytest.mark.parametrize("moves", ["teacher", "student"])
def test_the_learnt_map_is_followed_where_there_is_one(moves):
    turn, bias = rotation(), RANDOM.normal(size=16).astype(np.float32)
    student = TEACHER @ turn.T + bias if moves == "teacher" else (TEACHER - bias) @ turn
    found = align([TEACHER, student], [None, LearntMap(turn, bias, moves)])
    np.testing.assert_allclose(found.vectors[1], TEACHER, atol=1e-4)
    assert found.ways == ("itself", "learnt map")


def test_students_of_another_size_come_into_the_teachers_space():
    small = TEACHER[:, :6]
    maps = [None, LearntMap(np.eye(6, 16, dtype=np.float32), np.zeros(6, np.float32), "teacher")]
    for known in (None, maps):
        assert align([TEACHER, small], known).vectors[1].shape == TEACHER.shape


def test_the_nearest_rotation_of_a_stretched_one_is_itself():
    left, right = rotation(2), rotation(3)
    stretched = (left * np.linspace(0.1, 3, 16)) @ right
    np.testing.assert_allclose(nearest_rotation(stretched), left @ right, atol=1e-4)


def test_stories_dealt_out_anew_are_not_met_again():
    assert met_again(TEACHER, RANDOM.permutation(TEACHER), ROWS) < 0.05


@pytest.mark.parametrize("side", ["teacher", "student"])
def test_a_student_knows_the_map_to_its_teacher_alone(side, tmp_path):
    torch.manual_seed(0)
    Projections(("news", "reader"), ("first", "second"), 6, 4, side).save(tmp_path)
    found, kept = learnt_map(tmp_path, "second"), Projections.load(tmp_path).maps["news"]
    assert found.moves == side
    assert (found.weight == kept.weight[1].detach().numpy()).all()
    assert (found.bias == kept.bias[1].detach().numpy()).all()
    assert learnt_map(tmp_path, "third") is None and learnt_map(tmp_path / "nowhere", "first") is None


def test_cka_knows_no_rotation_shift_or_scale():
    one, other = RANDOM.normal(size=(80, 16)), RANDOM.normal(size=(80, 9))
    assert linear_cka(one, one) == pytest.approx(1)
    assert linear_cka(one, 7 * one @ rotation() + 3) == pytest.approx(1)
    assert linear_cka(one @ rotation(), 2 * other - 1) == pytest.approx(linear_cka(one, other))
    assert linear_cka(one, other) == pytest.approx(linear_cka(other, one))


def test_cka_is_that_of_the_similarities_of_the_stories():
    one, other = RANDOM.normal(size=(30, 5)), RANDOM.normal(size=(30, 7))
    centre = np.eye(30) - 1 / 30
    first, second = (centre @ table @ table.T @ centre for table in (one, other))
    expected = np.trace(first @ second) / np.sqrt(np.trace(first @ first) * np.trace(second @ second))
    assert linear_cka(one, other) == pytest.approx(expected)


def test_shuffled_stories_say_what_cka_gives_by_chance():
    one = RANDOM.normal(size=(500, 10))
    assert shuffled_cka(one, one) < 0.1


def test_cka_of_a_model_that_knows_one_vector_only_is_refused():
    with pytest.raises(ValueError, match="the same one for all"):
        linear_cka(np.ones((5, 3)), RANDOM.normal(size=(5, 3)))
