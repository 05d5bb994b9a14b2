"""What the tab Map hands to its script, and what its actions do to the page."""

import json
from threading import Event

import numpy as np
import pytest
from conftest import make_recommender

from tinynewsrec.analysis.news_map import NEWS_MAP, hash_of
from tinynewsrec.views import errors, map_options, map_points
from tinynewsrec.views import map as view
from tinynewsrec.views.map import ACTIONS, SLOW, payload
from tinynewsrec.views.map_options import Options, inside
from tinynewsrec.views.map_points import FINEST, data_hash, found_map, hashes_of, made_at_once, unit_vectors
from tinynewsrec.views.preparation import prepare
from tinynewsrec.views.state import Page, page_from, query_of
from tinynewsrec.views.workspace import Progress, Workspace


@pytest.fixture(scope="module")
def checkpoints(tokenizer, tmp_path_factory):
    folder = tmp_path_factory.mktemp("checkpoints")
    for name, layers in (("teacher", 3), ("student-2", 2), ("student-1", 1)):
        make_recommender(tokenizer, layers, layers=layers).save_pretrained(folder / name)
    return folder


@pytest.fixture
def workspace(mind_folder, checkpoints, tmp_path, monkeypatch):
    monkeypatch.setenv("TINYNEWSREC_CACHE", str(tmp_path / "cache"))
    workspace = Workspace(mind_folder, [checkpoints])
    prepare(workspace)
    return workspace


@pytest.fixture
def page():
    """Looks at the impression with most candidates, of reader U4, whose clicks are N2 N4 N6 N8."""
    return Page().select(impression="5")


def after(workspace, page, action, **values) -> Page:
    return ACTIONS[action](workspace, page, values)


def numbers_of(shown) -> np.ndarray:
    return np.fromfile(shown["points"]["file"], dtype="<i2")


def test_the_points_are_fetched_once_and_are_those_of_the_map(workspace, page):
    shown = payload(workspace, page)
    own, shared, moved = found_map(workspace).news_map.layers
    numbers = numbers_of(shown)
    assert len(numbers) == own.size + shared.size + moved.size + 12
    np.testing.assert_allclose(numbers[: own.size] / FINEST, own.ravel(), atol=1e-4)
    np.testing.assert_allclose(numbers[own.size : 2 * own.size] / FINEST, shared.ravel(), atol=1e-4)
    np.testing.assert_allclose(2 * numbers[2 * own.size : -12] / FINEST, moved.ravel(), atol=1e-4)
    assert shown["points"]["groups"] == [("sports", 6), ("finance", 6)]
    assert numbers[-12:].tolist() == [0, 1] * 6
    with open(shown["points"]["titles"]) as file:
        assert json.load(file) == workspace.split.news.texts("title")
    assert payload(workspace, page.select(impression="2"))["points"] == shown["points"]


def test_many_categories_share_the_last_colour(workspace):
    workspace.results.put(("categories",), [f"topic {row % 11}" for row in range(12)])
    names, groups = map_points.groups_of(workspace)
    assert names == [("topic 0", 2), *[(f"topic {n}", 1) for n in range(1, 7)], ("", 4)]
    assert groups.tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 7, 7, 7, 0]


def test_without_a_map_beside_the_data_one_is_made_by_pca_and_says_so(workspace, page):
    about = payload(workspace, page)["map"]
    assert (about["method"], about["problem"], about["checked"]) == ("PCA", "", 12)


def test_a_map_beside_the_data_is_used(workspace, page):
    drawn = made_at_once(workspace)
    type(drawn)(**vars(drawn) | {"method": "UMAP", "made": {"seed": 7}}).save(workspace.data / NEWS_MAP)
    about = payload(workspace, page)["map"]
    assert (about["method"], about["problem"], about["seed"]) == ("UMAP", "", 7)


@pytest.mark.parametrize(
    ("wrong", "told"), [({"data": "0" * 64}, "other stories"), (None, "does not hold a map")]
)
def test_a_map_that_does_not_fit_is_refused_and_the_page_says_why(workspace, page, wrong, told):
    path = workspace.data / NEWS_MAP
    if wrong:
        drawn = made_at_once(workspace)
        type(drawn)(**vars(drawn) | wrong).save(path)
    else:
        path.write_bytes(b"nonsense")
    about = payload(workspace, page)["map"]
    assert about["method"] == "PCA" and told in about["problem"]


def test_many_stories_are_drawn_when_asked_for(workspace, page, monkeypatch):
    monkeypatch.setattr(map_points, "AT_ONCE", 5)
    assert payload(workspace, page) == {"unmade": 12, "source": workspace.split.name}
    assert [progress.text for progress in SLOW["draw"](workspace, page, {}, Event())]
    assert payload(workspace, page)["map"]["method"] == "PCA"


def test_the_map_waits_for_all_models(workspace, page):
    workspace.progress = Progress("loading", "teacher")
    assert set(payload(workspace, page)) == {"empty"}
    workspace.models = ()
    assert set(payload(workspace, page)) == {"empty"}


def test_the_shared_map_leads_from_the_teacher_to_the_chosen_student(workspace, page):
    about = payload(workspace, page)["map"]
    assert (about["space"], about["start"], about["end"]) == ("shared", 0, 2)
    assert payload(workspace, page.set(map_options, student="student-2"))["map"]["end"] == 1
    own = payload(workspace, page.set(map_options, space="student-1"))
    assert (own["map"]["space"], own["map"]["start"], own["map"]["end"], own["moved"]) == (
        "student-1",
        2,
        2,
        None,
    )
    assert own["map"]["regions"] == found_map(workspace).news_map.regions["student-1"]


def test_a_picked_story_shows_the_nearest_stories_of_each_model(workspace, page):
    card = payload(workspace, after(workspace, page, "pick", row=3))["card"]
    assert card["story"]["id"] == "N3" and card["candidate"] and card["chance"] == 10 / 11
    for model, told in zip(workspace.models, card["models"], strict=True):
        cosines = unit_vectors(workspace, model) @ unit_vectors(workspace, model)[3]
        expected = [row for row in np.argsort(-cosines, kind="stable") if row != 3][:10]
        assert [round(float(c), 3) for c in cosines[expected]] == [
            near["cosine"] for near in told["neighbours"]
        ]
    shares = [np.mean([near["common"] for near in told["neighbours"]]) for told in card["models"]]
    assert shares == [told["overlap"] for told in card["models"]] and shares[0] == 1


@pytest.mark.parametrize("row", [-1, 12])
def test_a_row_that_there_is_not_picks_nothing(workspace, page, row):
    assert after(workspace, page, "pick", row=row) == page
    assert payload(workspace, page.set(map_options, story="N999"))["card"] is None


def test_the_reader_is_on_the_map_with_clicks_and_candidates(workspace, page):
    reader = payload(workspace, page)["reader"]
    assert reader["name"] == "U4" and reader["history"] == [4, 6, 8]  # the models look at three
    assert reader["candidates"] == [1, 3, 5, 7, 9] and reader["clicked"] == [7]
    assert np.isfinite(reader["place"]["points"]).all()
    assert payload(workspace, page.set(map_options, reader=False))["reader"] is None


def test_a_reader_of_one_click_lies_on_that_story_and_a_new_one_somewhere(workspace, page):
    single = payload(workspace, page.select(history=("N6",)))["reader"]
    shared = found_map(workspace).news_map.layers.shared.astype(float)
    np.testing.assert_allclose(single["place"]["points"], shared[[0, 2], 6], atol=1e-2)
    newcomer = payload(workspace, page.select(history=()))["reader"]
    assert newcomer["history"] == [] and np.isfinite(newcomer["place"]["points"]).all()


def test_a_headline_that_stands_in_the_data_lands_on_its_story(workspace, page):
    title = workspace.split.news.texts("title")[7]
    twins = [row for row, other in enumerate(workspace.split.news.texts("title")) if other == title]
    typed = payload(workspace, after(workspace, page, "headline", text=title))["typed"]
    shared = found_map(workspace).news_map.layers.shared.astype(float)
    assert typed[0]["title"] == title and typed[0]["near"][0]["row"] in twins
    np.testing.assert_allclose(
        typed[0]["points"], [shared[0][twins].mean(0), shared[2][twins].mean(0)], atol=2e-2
    )


def test_a_search_marks_what_it_finds(workspace, page):
    found = payload(workspace, page.set(map_options, search="SPORTS"))["found"]
    assert found["rows"] == [0, 2, 4, 6, 8, 10] and found["total"] == 6
    assert payload(workspace, page.set(map_options, search="zzz"))["found"]["total"] == 0
    assert payload(workspace, page)["found"] is None


def test_stories_that_moved_most_come_first(workspace, page):
    moved = payload(workspace, page)["moved"]
    distances = found_map(workspace).news_map.layers.moved[2].astype(float)
    assert moved["rows"] == np.argsort(-distances, kind="stable").tolist()
    assert [story["moved"] for story in moved["stories"]] == sorted(distances, reverse=True)


def test_a_line_drawn_around_all_holds_all_and_travels_in_a_link(workspace, page):
    square = [[-2, -2], [2, -2], [2, 2], [-2, 2]]
    drawn = after(workspace, page, "lasso", corners=square, between=0.5)
    assert payload(workspace, drawn)["picked"]["total"] == 12
    linked = page_from(query_of(drawn, (view,)), (view,))
    assert linked.of(view) == drawn.of(view) and linked.of(view).between == 0.5
    circle = [[np.cos(angle), np.sin(angle)] for angle in np.linspace(0, 6, 1_000)]
    assert len(after(workspace, page, "lasso", corners=circle, between=0).of(view).lasso) <= 2 * view.CORNERS
    assert payload(workspace, page.set(view, lasso=()))["picked"] is None


def test_a_line_holds_the_points_that_are_shown_inside_it(workspace, page):
    layers = found_map(workspace).news_map.layers.shared.astype(np.float32)
    middle = layers[0] / 2 + layers[2] / 2
    x, y = middle[4]
    near = [[x - 0.01, y - 0.01], [x + 0.01, y - 0.01], [x + 0.01, y + 0.01], [x - 0.01, y + 0.01]]
    picked = payload(workspace, after(workspace, page, "lasso", corners=near, between=0.5))["picked"]
    assert picked["rows"] == np.flatnonzero((abs(middle - middle[4]) < 0.01).all(1)).tolist()


def test_inside_a_star_is_inside_its_arms_only():
    corners = np.array([[0, 3], [1, 1], [3, 0], [1, -1], [0, -3], [-1, -1], [-3, 0], [-1, 1]], dtype=float)
    points = np.array([[0.0, 0], [0, 2.5], [2, 2], [-2.5, 0], [9, 0]])
    assert inside(points, corners.ravel().tolist()).tolist() == [True, True, False, True, False]


def test_what_is_no_line_is_refused(workspace, page):
    for corners in ([["a", "b"]], [[1]], 3):
        with pytest.raises((TypeError, ValueError)):
            after(workspace, page, "lasso", corners=corners, between=0)


def test_hashes_name_the_data_and_the_checkpoints(workspace):
    news = workspace.split.news
    assert data_hash(workspace) == hash_of(news.texts("id"), news.texts("title"))
    assert list(hashes_of(workspace)) == ["teacher", "student-2", "student-1"]


def test_every_option_of_a_link_is_understood(page):
    chosen = page.set(
        view, space="teacher", colour="moved", arrows=False, search="storm", lasso=(0.1, 0.2), story="N1"
    )
    assert page_from(query_of(chosen, (view,)), (view,)).of(view) == chosen.of(view) != Options()


def test_a_slice_hands_the_stories_inside_the_line_to_the_errors(workspace, page, monkeypatch):
    square = [[-2, -2], [2, -2], [2, 2], [-2, 2]]
    drawn = after(workspace, page, "lasso", corners=square, between=0)
    handed = after(workspace, drawn, "slice")
    assert handed.shared.tab == errors.NAME and handed.notice == ""
    assert handed.of(errors).stories == tuple(workspace.split.news.texts("id"))
    monkeypatch.setattr(view, "MOST_VALUES", 5)
    cut = after(workspace, drawn, "slice")
    assert cut.of(errors).stories == ("N0", "N2", "N5", "N8", "N11") and "5 of the 12" in cut.notice
