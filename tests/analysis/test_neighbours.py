"""Laws of nearness: in one space, between two, and on a map."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import manifold

from tinynewsrec.analysis.neighbours import (
    evenly,
    nearest,
    neighbours_of,
    overlap,
    overlap_by_chance,
    place,
    places,
    trustworthiness,
    unit,
)

RANDOM = np.random.default_rng(0)
VECTORS = unit(RANDOM.normal(size=(300, 12)))
MAP = RANDOM.normal(size=(300, 2))
ROWS = np.arange(300)


def rotation(size: int, seed: int = 1) -> np.ndarray:
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(size, size)))[0].astype(np.float32)


def test_neighbours_are_those_of_the_highest_cosines():
    found = neighbours_of(ROWS, VECTORS, 10)
    cosines = VECTORS @ VECTORS.T
    np.fill_diagonal(cosines, -2)
    assert (found.rows == np.argsort(-cosines, axis=1, kind="stable")[:, :10]).all()
    np.testing.assert_allclose(found.cosines, np.sort(cosines, axis=1)[:, :-11:-1], rtol=1e-5)


def test_many_queries_find_what_each_finds_alone():
    together = nearest(VECTORS, VECTORS, 7)
    alone = np.concatenate([nearest(VECTORS[row : row + 1], VECTORS, 7).rows for row in ROWS])
    assert (together.rows == alone).all()


def test_no_story_is_its_own_neighbour():
    assert not (neighbours_of(ROWS, VECTORS, 20).rows == ROWS[:, None]).any()


@pytest.mark.parametrize("stories", [1, 2, 3])
def test_few_stories_have_few_neighbours(stories):
    assert neighbours_of(np.arange(stories), VECTORS[:stories], 10).rows.shape == (stories, stories - 1)


def test_no_query_has_no_neighbours():
    assert nearest(VECTORS[:0], VECTORS, 5).rows.shape == (0, 5)


def test_a_vector_of_zeros_stays_one():
    assert not unit(np.zeros((2, 3))).any()


def test_a_space_overlaps_wholly_with_itself_and_after_any_rotation():
    here = neighbours_of(ROWS, VECTORS, 10).rows
    turned = neighbours_of(ROWS, unit(3 * VECTORS @ rotation(12)), 10).rows
    assert (overlap(here, here) == 1).all()
    assert overlap(here, turned).mean() > 0.999


def test_spaces_that_know_nothing_of_one_another_overlap_by_chance():
    stories = np.arange(1_000)
    one, other = (neighbours_of(stories, unit(RANDOM.normal(size=(1_000, 20))), 25).rows for _ in range(2))
    assert overlap_by_chance(1_000, 25) == 25 / 999
    assert overlap(one, other).mean() == pytest.approx(25 / 999, rel=0.15)


def test_overlap_counts_what_is_shared_whatever_its_order():
    assert overlap(np.array([[1, 2, 3, 4]]), np.array([[4, 9, 2, 8]])).tolist() == [0.5]


@given(st.integers(0, 299))
def test_a_story_of_the_corpus_lands_on_itself(row):
    found = place(VECTORS[row], VECTORS, MAP)
    np.testing.assert_allclose(found.position, MAP[row], atol=1e-3)
    assert found.rows[0] == row and found.spread < 0.05


def test_something_new_lies_among_its_nearest_stories_wherever_the_space_is_turned():
    new = RANDOM.normal(size=12).astype(np.float32)
    found = place(new, VECTORS, MAP, 5)
    near = MAP[found.rows]
    assert (found.position >= near.min(0)).all() and (found.position <= near.max(0)).all()
    turned = place(new @ rotation(12), unit(VECTORS @ rotation(12)), MAP, 5)
    np.testing.assert_allclose(turned.position, found.position, atol=1e-3)


def test_the_spread_tells_whether_its_neighbours_lie_together():
    together, apart = MAP * 0.01, MAP * 10
    new = RANDOM.normal(size=12).astype(np.float32)
    assert place(new, VECTORS, together).spread < 0.03 < 3 < place(new, VECTORS, apart).spread


def test_many_are_placed_as_each_alone():
    new = unit(RANDOM.normal(size=(4, 12)))
    alone = np.stack([place(vector, VECTORS, MAP).position for vector in new])
    np.testing.assert_allclose(places(new, VECTORS, MAP), alone, rtol=1e-5)


def test_trustworthiness_is_that_of_scikit_learn():
    ours = trustworthiness(VECTORS, MAP, ROWS, 15)
    theirs = manifold.trustworthiness(VECTORS, MAP, n_neighbors=15, metric="cosine")
    assert ours == pytest.approx(theirs, abs=1e-6)
    assert trustworthiness(VECTORS[:, :2], MAP[:, :2] * 0 + VECTORS[:, :2], ROWS[:50]) < 1


@pytest.mark.parametrize("stories", [3, 4, 23, 31])
def test_of_few_stories_fewer_neighbours_are_held_against_one_another(stories):
    ours = trustworthiness(VECTORS[:stories], MAP[:stories], np.arange(stories), 15)
    count = min(15, (stories - 1) // 2)
    theirs = manifold.trustworthiness(VECTORS[:stories], MAP[:stories], n_neighbors=count, metric="cosine")
    assert ours == pytest.approx(theirs, abs=1e-6)
    assert trustworthiness(VECTORS[:2], MAP[:2], np.arange(2)) == 1


def test_a_map_that_keeps_every_neighbour_is_trusted_wholly():
    angles = np.sort(RANDOM.uniform(0, 2 * np.pi, 200))
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    assert trustworthiness(circle, circle, np.arange(200)) == 1
    assert trustworthiness(circle, RANDOM.permutation(circle), np.arange(200)) < 0.6


def test_rows_are_spread_evenly_and_never_more_than_there_are():
    assert evenly(9, 3).tolist() == [0, 4, 8]
    assert evenly(3, 10).tolist() == [0, 1, 2]
