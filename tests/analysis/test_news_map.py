"""A map of news: what it must keep on disk, what it refuses, and what parts of it are called."""

from dataclasses import asdict

import numpy as np
import pytest

from tinynewsrec.analysis.map_layers import build_map, facing, flatten_by_pca
from tinynewsrec.analysis.news_map import NEWS_MAP, Layers, NewsMap, hash_of, load_map, map_for, within_one
from tinynewsrec.analysis.regions import bag_of, cells_of, regions
from tinynewsrec.evaluation.beyond_accuracy import unit

RANDOM = np.random.default_rng(0)
STORIES = 60
IDS = [f"N{row}" for row in range(STORIES)]
TITLES = [f"{('storm', 'goal')[row % 2]} of the day {row}" for row in range(STORIES)]
DATA = hash_of(IDS, TITLES)
NAMES = {"teacher": "aaaa1111bbbb", "small": "cccc2222dddd", "smaller": "eeee3333ffff"}


@pytest.fixture(scope="module")
def tables() -> list[np.ndarray]:
    teacher = unit(RANDOM.normal(size=(STORIES, 8)))
    return [teacher, teacher[:, ::-1] * 2, unit(RANDOM.normal(size=(STORIES, 8)))]


@pytest.fixture(scope="module")
def news_map(tables) -> NewsMap:
    return build_map(
        tables, [None] * 3, NAMES, TITLES, flatten_by_pca, data=DATA, method="PCA", made={"seed": 3}
    )


@pytest.fixture
def path(news_map, tmp_path):
    news_map.save(tmp_path / NEWS_MAP)
    return tmp_path / NEWS_MAP


def test_a_map_on_disk_is_the_one_that_was_made(news_map, path):
    loaded = load_map(path)
    for one, other in zip(loaded.layers, news_map.layers, strict=True):
        assert (one == other).all() and one.dtype == np.float16
    for name in ("models", "data", "regions", "checked", "method", "made"):
        assert getattr(loaded, name) == getattr(news_map, name)


def test_a_map_of_these_stories_and_checkpoints_fits_under_whatever_names(path, news_map):
    found = map_for(path, DATA, {"other name": NAMES["smaller"], "teacher": NAMES["teacher"]})
    assert [model.name for model in found.models] == ["other name", "teacher"]
    assert (found.layers.shared == news_map.layers.shared[[2, 0]]).all()
    assert (found.layers.moved == news_map.layers.moved[[2, 0]]).all()
    assert found.regions["other name"] == news_map.regions["smaller"]


def test_a_map_of_other_stories_is_refused(path):
    other = hash_of(IDS, [*TITLES[:-1], "another title"])
    with pytest.raises(
        ValueError, match=f"other stories: expected {other[:8]}, found {DATA[:8]}.*training.news_map"
    ):
        map_for(path, other, NAMES)


def test_a_map_of_other_checkpoints_is_refused(path):
    with pytest.raises(
        ValueError, match=r"expected new \(0123abcd\), found teacher \(aaaa1111\).*training.news_map"
    ):
        map_for(path, DATA, NAMES | {"new": "0123abcd4567"})


@pytest.mark.parametrize("damage", [b"", b"nonsense", None])
def test_a_damaged_file_is_named(path, damage):
    path.write_bytes(path.read_bytes()[:-9] if damage is None else damage)
    with pytest.raises(ValueError, match=f"{NEWS_MAP} does not hold a map of news"):
        load_map(path)


def test_a_map_that_lacks_points_is_refused(news_map, tmp_path):
    layers = Layers(news_map.layers.own, news_map.layers.shared[:, :-1], news_map.layers.moved)
    NewsMap(**vars(news_map) | {"layers": layers}).save(tmp_path / NEWS_MAP)
    with pytest.raises(ValueError, match="expected tables of shape"):
        load_map(tmp_path / NEWS_MAP)


def test_the_hash_changes_with_any_id_title_and_their_order():
    different = {
        hash_of(["1", "2"], ["a", "b"]),
        hash_of(["2", "1"], ["a", "b"]),
        hash_of(["1", "2"], ["b", "a"]),
    }
    assert len(different | {hash_of(["1", "2"], ["ab", ""])}) == 4


def test_a_rotated_model_moved_nowhere_and_one_of_its_own_did(news_map):
    turned, strange = news_map.layers.moved[1:]
    assert abs(turned).max() < 1e-3 < strange.min()
    assert [model.met_again for model in news_map.models[:2]] == [1, 1] and news_map.models[2].met_again < 0.5
    np.testing.assert_allclose(news_map.layers.shared[1], news_map.layers.shared[0], atol=2e-3)
    np.testing.assert_allclose(news_map.layers.own[1], news_map.layers.own[0], atol=2e-2)


def test_a_model_shares_all_neighbours_with_itself_and_as_many_with_another_as_that_one_with_it(news_map):
    shares = np.array([[model.overlaps[digest] for digest in NAMES.values()] for model in news_map.models])
    assert (np.diag(shares) == 1).all() and (shares == shares.T).all()
    assert shares[0, 1] == 1 and shares[0, 2] < 0.5


def test_points_fill_the_square_and_keep_their_proportions():
    points = within_one(np.array([[0.0, 10], [8, 12], [4, 14]]))
    np.testing.assert_allclose(points, [[-1, -0.5], [1, 0], [0, 0.5]], atol=1e-3)


def test_pca_keeps_the_two_directions_of_most_spread():
    table = RANDOM.normal(size=(200, 5)) * [1, 9, 0.1, 0.1, 5]
    (points,) = flatten_by_pca([table])
    centred = table - table.mean(0)
    for axis, direction in enumerate((1, 4)):
        assert abs(np.corrcoef(points[:, axis], centred[:, direction])[0, 1]) > 0.95


def test_a_map_is_turned_to_face_another_one():
    points = RANDOM.normal(size=(50, 2))
    mirrored = points @ np.array([[0, 1], [1, 0]]) + 4
    np.testing.assert_allclose(facing(mirrored, points), points - points.mean(0), atol=1e-5)


def test_a_region_is_called_by_what_its_titles_have_and_others_lack():
    left = [f"storm over the coast in {place}" for place in "abcdefghij"]
    right = [f"goal over the line in {place}" for place in "abcdefghij"]
    points = np.concatenate([RANDOM.uniform(-1, -0.8, (10, 2)), RANDOM.uniform(0.8, 1, (10, 2))])
    (found,) = regions(points, [bag_of(title) for title in left + right], [2])
    assert [region.stories for region in found] == [10, 10]
    assert set(found[0].words) == {"storm", "coast"} and set(found[1].words) == {"goal", "line"}
    assert found[0].x < -0.7 < 0.7 < found[1].x


def test_parts_with_few_stories_have_no_name():
    assert regions(RANDOM.normal(size=(7, 2)), [bag_of("storm hits coast")] * 7, [1]) == [[]]


def test_cells_cover_the_map_and_points_in_one_place_share_one():
    assert set(cells_of(RANDOM.uniform(size=(1_000, 2)), 3)) == set(range(9))
    assert set(cells_of(np.ones((5, 2)), 6)) == {0}


def test_what_a_map_says_of_itself_names_no_folder(news_map):
    assert set(asdict(news_map.models[0])) == {
        "name",
        "sha256",
        "way",
        "met_again",
        "trust",
        "trust_shared",
        "overlaps",
    }
