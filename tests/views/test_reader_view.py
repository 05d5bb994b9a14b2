"""What the tab Reader hands to its script, and what its actions do to the page."""

from collections import Counter

import numpy as np
import pytest
from conftest import make_recommender

from tinynewsrec.analysis.pickers import Pick
from tinynewsrec.evaluation.rerank import mmr_order
from tinynewsrec.evaluation.vectors import encode_news
from tinynewsrec.views import reader
from tinynewsrec.views.preparation import prepare
from tinynewsrec.views.reader import ACTIONS, payload
from tinynewsrec.views.reader_choice import label_of
from tinynewsrec.views.reader_edits import MOST_HEADLINES
from tinynewsrec.views.state import Page
from tinynewsrec.views.words import words
from tinynewsrec.views.workspace import Workspace

SAID = words("en", "reader")
HEADLINE = "mayor opens <b>bridge</b>"


@pytest.fixture(scope="session")
def checkpoints(tokenizer, tmp_path_factory):
    folder = tmp_path_factory.mktemp("checkpoints")
    for name, layers in (("teacher", 3), ("student-1", 1)):
        make_recommender(tokenizer, layers, layers=layers).save_pretrained(folder / name)
    return folder


@pytest.fixture
def workspace(mind_folder, checkpoints, tmp_path, monkeypatch):
    monkeypatch.setenv("TINYNEWSREC_CACHE", str(tmp_path / "cache"))
    workspace = Workspace(mind_folder, [checkpoints])
    prepare(workspace)
    assert workspace.problems == ()
    return workspace


@pytest.fixture
def page():
    """Looks at the impression with most candidates, of reader U4."""
    return Page().select(impression="5")


def after(workspace, page, action, **values) -> Page:
    return ACTIONS[action](workspace, page, values)


def ranks(shown):
    ranking = shown["ranking"]
    return [[story["ranks"][model] for story in ranking["candidates"]] for model in range(2)]


def titles(shown):
    return [story["title"] for story in shown["history"]["stories"]]


def test_every_candidate_has_a_rank_by_every_model(workspace, page):
    shown = payload(workspace, page)
    assert [sorted(row) for row in ranks(shown)] == [[1, 2, 3, 4, 5]] * 2
    assert [story["clicked"] for story in shown["ranking"]["candidates"]] == [
        False,
        False,
        False,
        True,
        False,
    ]
    names = [row["name"] for row in shown["ranking"]["metrics"]]
    assert names == ["AUC", "MRR", "nDCG@5", "nDCG@10", "ILD@10"]


def test_no_raw_score_reaches_the_page(workspace, page):
    shown = payload(workspace, page)
    written = np.array([story["scores"] for story in shown["ranking"]["candidates"]])
    np.testing.assert_allclose(written.mean(0), 0, atol=0.01)
    np.testing.assert_allclose(written.std(0), 1, atol=0.02)


def test_the_history_is_newest_first_and_says_what_the_models_do_not_see(workspace, page):
    shown, news = payload(workspace, page)["history"], workspace.split.news
    assert [story["title"] for story in shown["stories"]] == [news[row].title for row in (8, 6, 4)]
    assert [story["place"] for story in shown["stories"]] == [3, 2, 1]
    assert (shown["clicks"], shown["older"], shown["length"]) == (4, 1, 3)


def test_an_impression_without_labels_has_a_reason_instead_of_accuracy(workspace, page):
    impressions = workspace.split.impressions
    unlabelled = type(impressions)(**{**vars(impressions), "clicked": None})
    workspace.split = type(workspace.split)("unlabelled", workspace.split.news, unlabelled)
    ranking = payload(workspace, page)["ranking"]
    assert [row["name"] for row in ranking["metrics"]] == ["ILD@10"]
    assert (ranking["gap"], ranking["clicked"]) == ("no labels", None)
    assert ranking["gap"] in SAID["gaps"]


def test_a_model_that_cannot_tell_the_candidates_apart_is_named(workspace):
    for parameter in workspace.models[1].recommender.user_encoder.parameters():
        parameter.data.zero_()
    assert payload(workspace, Page().select(impression="2"))["ranking"]["undecided"] == ["student-1"]


def test_candidates_are_shown_without_ranks_while_no_model_is_loaded(workspace, page):
    workspace.models = ()
    shown = payload(workspace, page.set(reader, corpus=True, diversity=0.5))
    assert [story["ranks"] for story in shown["ranking"]["candidates"]] == [[]] * 5
    assert (shown["ranking"]["metrics"], shown["corpus"]) == ([], None)


def test_the_list_is_sorted_by_the_model_of_the_link_where_there_is_one(workspace, page):
    assert payload(workspace, page.set(reader, sort="student-1"))["ranking"]["sort"] == 1
    assert payload(workspace, page.set(reader, sort="another"))["ranking"]["sort"] == 0


def test_an_unknown_id_leaves_the_reader_and_offers_a_near_one(workspace, page):
    found = after(workspace, page, "find", id="U44")
    assert found.shared == page.shared
    choice = payload(workspace, found)["choice"]
    assert "'U44'" in choice["message"] and choice["near"] == "U4"
    assert after(workspace, found, "surprise").of(reader).asked == ""


def test_a_known_id_shows_its_impression_and_leaves_the_kinds(workspace, page):
    found = after(workspace, page.set(reader, kind="newcomer"), "find", id=" u2 ")
    assert (found.shared.impression, found.of(reader).kind) == ("2", "")


def test_a_story_id_is_said_to_be_one_and_nothing_is_no_id(workspace, page):
    story = workspace.split.news[3].id
    choice = payload(workspace, after(workspace, page, "find", id=story))["choice"]
    assert (choice["message"], choice["near"]) == (SAID["is a story"].format(id=story), "")
    assert after(workspace, page, "find", id="  ").notice == SAID["type an id"]


def test_an_id_that_cannot_be_printed_is_shown_with_question_marks(workspace, page):
    found = after(workspace, page, "find", id="U1\u200b\u00fc\ud800")
    assert "'U1?\u00fc?'" in payload(workspace, found)["choice"]["message"]


@pytest.mark.parametrize(
    ("kind", "evidence", "label"),
    [
        ("one topic", 1.0, "U4: 3 of 4 clicks on {topic}"),
        ("disagreement", -0.35, "U4: rank correlation with teacher −0.35"),
        ("right and wrong", 5.0, "U4: rank 1 in teacher, 5 of 5 in student-1"),
    ],
)
def test_a_picked_reader_says_what_for(workspace, kind, evidence, label):
    clicked = workspace.split.impressions[4].history.tolist()
    topics = Counter(workspace.split.news[row].category for row in clicked)
    topic, most = topics.most_common(1)[0]
    expected = label.replace("3 of 4", f"{most} of 4").format(topic=topic)
    assert label_of(workspace, "en", kind, Pick(4, evidence)) == expected


def test_a_kind_without_readers_says_so_and_nothing_is_lost(workspace, page):
    found = after(workspace, page, "pick", kind="one topic")
    assert found.shared == page.shared
    assert "no reader of this kind" in payload(workspace, found)["choice"]["message"]
    with pytest.raises(ValueError, match="one topic, short history"):
        after(workspace, page, "pick", kind="<b>")


def test_a_kind_shows_its_first_reader_and_offers_the_others(workspace, page):
    workspace.picks = {"newcomer": [Pick(1, 3.0), Pick(0, 3.0)]}
    found = after(workspace, page, "pick", kind="newcomer")
    choice = payload(workspace, found)["choice"]
    assert (choice["impression"], [id for id, _ in choice["readers"]]) == ("2", ["2", "1"])
    assert payload(workspace, Page())["choice"]["kind"] == "newcomer"


def test_a_reader_with_two_impressions_offers_both_with_their_times(workspace):
    choice = payload(workspace, Page().select(impression="4"))["choice"]
    assert choice["impressions"] == [["1", "2019-11-15T08:00:00"], ["4", "2019-11-16T23:59:59"]]


def test_surprise_never_shows_the_same_impression_again(workspace, page):
    assert {after(workspace, page, "surprise").shared.impression for _ in range(60)} == {"1", "2", "3", "4"}


def test_a_reader_is_built_by_clicking_and_goes_back_to_what_it_was(workspace, page):
    before = payload(workspace, page)
    news = workspace.split.news
    made = after(workspace, page, "clear")
    assert payload(workspace, made)["history"]["stories"] == []
    for story in ("N3", "N7", "no story"):
        made = after(workspace, made, "add", story=story)
    shown = payload(workspace, made)
    assert titles(shown) == [news[7].title, news[3].title] and shown["edited"]
    assert shown["ranking"]["candidates"] != before["ranking"]["candidates"]
    made = after(workspace, made, "remove", place=0)
    assert titles(payload(workspace, made)) == [news[7].title]
    assert payload(workspace, after(workspace, made, "restore"))["history"] == before["history"]


def test_a_built_reader_is_scored_as_one_with_that_history(workspace, page):
    impression = workspace.split.impressions[4]._replace(history=np.array([3, 7]))
    made = page.select(history=("N3", "N7"))
    for model, found in zip(workspace.models, ranks(payload(workspace, made)), strict=True):
        order = np.argsort(-model.score(impression), kind="stable")
        assert np.argsort(found).tolist() == order.tolist()


def test_stories_to_click_are_found_by_their_words_and_those_clicked_are_known(workspace, page):
    assert payload(workspace, page)["builder"] is None
    made = page.set(reader, build=True, search=workspace.split.news[8].title)
    (story,) = [s for s in payload(workspace, made)["builder"]["stories"] if s["id"] == "N8"]
    assert story["taken"]


def test_a_typed_headline_is_ranked_by_every_model_as_a_story_with_that_title(workspace, page):
    typed = after(workspace, page, "headline", text=f"  {HEADLINE} \n ")
    candidate = payload(workspace, typed)["ranking"]["candidates"][-1]
    assert (candidate["title"], candidate["id"], candidate["typed"]) == (HEADLINE, "H1", True)
    for place, model in enumerate(workspace.models):
        vector = encode_news(model.recommender, model.recommender.tokens([HEADLINE]))
        impression = workspace.split.impressions[4]
        history = model.vectors[impression.history[-3:]]
        candidates = np.concatenate([model.vectors[impression.candidates], vector])
        order = np.argsort(-model.score_vectors(history, candidates), kind="stable").tolist()
        assert candidate["ranks"][place] == order.index(5) + 1


def test_a_typed_headline_changes_no_accuracy(workspace, page):
    typed = after(workspace, page, "headline", text=HEADLINE)
    before, now = (payload(workspace, one)["ranking"]["metrics"][:4] for one in (page, typed))
    assert now == before


def test_headlines_are_kept_once_each_up_to_a_number_and_can_be_dropped(workspace, page):
    assert after(workspace, page, "headline", text="   ").notice == SAID["type a headline"]
    for number in range(MOST_HEADLINES + 1):
        last, page = page, after(workspace, page, "headline", text=f"storm {number}")
    assert page.shared == last.shared and str(MOST_HEADLINES) in page.notice
    assert after(workspace, page, "headline", text="storm 1").notice == SAID["headline is there"]
    assert after(workspace, page, "drop", place=0).shared.headlines[0] == "storm 1"
    assert after(workspace, page, "drop", place=99).shared.headlines == page.shared.headlines


@pytest.mark.parametrize("diversity", [0.4, 1.0, 7.0])
def test_the_slider_re_ranks_every_list_by_its_own_vectors_and_keeps_the_scores(workspace, page, diversity):
    plain, shown = (payload(workspace, page.set(reader, diversity=d)) for d in (0.0, diversity))
    impression = workspace.split.impressions[4]
    for model, found in zip(workspace.models, ranks(shown), strict=True):
        vectors = np.array(model.vectors[impression.candidates])
        order = mmr_order(model.score(impression), vectors, 1 - min(1.0, diversity))
        assert np.argsort(found).tolist() == order.tolist()
    scores = [[story["scores"] for story in one["ranking"]["candidates"]] for one in (plain, shown)]
    assert scores[0] == scores[1]
    for before, now in zip(plain["ranking"]["metrics"], shown["ranking"]["metrics"], strict=True):
        assert now["before"] == before["values"] == before["before"]


def test_diversity_of_all_models_is_measured_by_the_first_ones_vectors(workspace, page):
    (row,) = [row for row in payload(workspace, page)["ranking"]["metrics"] if row["name"] == "ILD@10"]
    news = workspace.models[0].vectors[workspace.split.impressions[4].candidates]
    news = news / np.linalg.norm(news, axis=-1, keepdims=True)
    expected = (1 - news @ news.T)[~np.eye(5, dtype=bool)].mean()
    assert row["values"] == [pytest.approx(expected, abs=0.006)] * 2


def test_the_whole_corpus_is_ranked_without_what_was_clicked(workspace, page):
    assert payload(workspace, page)["corpus"] is None
    corpus = payload(workspace, page.set(reader, corpus=True))["corpus"]
    clicked = {f"N{row}" for row in workspace.split.impressions[4].history}
    for model, column in zip(workspace.models, corpus["models"], strict=True):
        found = [story["id"] for story in column["stories"]]
        assert len(found) == 8 and not clicked & set(found)
        everything = workspace.split.impressions[4]._replace(candidates=np.arange(12))
        order = [f"N{row}" for row in np.argsort(-model.score(everything), kind="stable")]
        assert found == [story for story in order if story not in clicked]
    assert [column["same"] for column in corpus["models"]] == [8, 8]


def test_whatever_the_script_asks_is_refused_or_gives_a_page(workspace, page):
    odd = [None, -1, 10**9, "x" * 9999, [], {}, True, "\ud800"]
    for action in ACTIONS:
        for value in odd:
            values = dict.fromkeys(("kind", "impression", "id", "story", "place", "text"), value)
            try:
                payload(workspace, ACTIONS[action](workspace, page, values))
            except (TypeError, ValueError):
                continue


def test_the_story_and_the_headline_travel_in_the_page_not_in_the_data(workspace, page):
    before = len(workspace.split.news)
    payload(workspace, after(workspace, page, "headline", text=HEADLINE))
    assert len(workspace.split.news) == before


def test_words_are_there_for_every_kind_and_gap():
    for language in ("en", "es"):
        said = words(language, "reader")
        assert set(said["kinds"]) == set(said["evidence"])
        assert set(said["gaps"]) == {"no labels", "none clicked", "all clicked"}
