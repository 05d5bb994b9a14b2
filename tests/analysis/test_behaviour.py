import numpy as np
import pytest
from conftest import make_recommender

from tinynewsrec.analysis import behaviour_examples
from tinynewsrec.analysis.behaviour import passes, places_moved, share
from tinynewsrec.analysis.behaviour_examples import TESTS, examples, readers
from tinynewsrec.analysis.reader import ranks_of
from tinynewsrec.analysis.rescoring import scores_of_each
from tinynewsrec.analysis.sweep import lengths_of, sweep
from tinynewsrec.evaluation.vectors import encode_news

LOOKED_AT = 20


@pytest.fixture
def roomy(tokenizer):
    """A recommender that looks at more clicks than anybody here has, twice over."""
    return make_recommender(tokenizer, history_length=LOOKED_AT)


@pytest.fixture
def vectors(roomy, split):
    return encode_news(roomy, roomy.tokens(split.news.texts("title")))


@pytest.fixture
def rows(split):
    return readers(split, 100, seed=0)


def test_the_sample_has_readers_with_clicks_and_depends_on_its_seed_alone(split, rows):
    assert rows.tolist() == [0, 2, 3, 4]
    assert readers(split, 2, seed=1).tolist() == readers(split, 2, seed=1).tolist()


@pytest.mark.parametrize("test", ["every click twice", "other order"])
def test_attention_pooling_sees_neither_order_nor_doubles(test, roomy, vectors, split, rows):
    found = examples(test, split, rows, 0, LOOKED_AT)
    assert len(found) == len(rows)
    assert places_moved(roomy, vectors, split, test, found).tolist() == [0] * len(rows)


def test_doubled_clicks_push_older_ones_out_of_a_short_memory(tokenizer, split):
    short = make_recommender(tokenizer, history_length=4)
    vectors = encode_news(short, short.tokens(split.news.texts("title")))
    row = 4
    found = examples("every click twice", split, np.array([row]), 0, LOOKED_AT)
    impression = split.impressions[row]
    clicks = vectors[impression.history]
    both = scores_of_each(
        short, clicks, [np.arange(4), np.array([2, 2, 3, 3])], vectors[impression.candidates]
    )
    moved = np.abs(ranks_of(both[0]) - ranks_of(both[1])).max()
    assert places_moved(short, vectors, split, "every click twice", found).tolist() == [moved]


def test_another_order_forgets_no_click(split):
    """Of four clicks a model with room for two reads the same two, in whatever order."""
    (example,) = examples("other order", split, np.array([4]), 0, 2)
    history = split.impressions[4].history.tolist()
    assert list(example.history[:2]) == history[:2] and sorted(example.history) == sorted(history)


def test_an_example_alone_moves_what_it_moves_among_others(roomy, vectors, split, rows):
    for test in TESTS:
        found = examples(test, split, rows, 0, LOOKED_AT)
        together = places_moved(roomy, vectors, split, test, found)
        alone = [places_moved(roomy, vectors, split, test, [example])[0] for example in found]
        assert together.tolist() == alone, test


def test_a_rewritten_headline_is_scored_as_if_typed(roomy, vectors, split, rows):
    (example, *_) = found = examples("shorter headline", split, rows, 0, LOOKED_AT)
    impression = split.impressions[example.row]
    candidates = vectors[impression.candidates]
    history = vectors[impression.history]
    before = scores_of_each(roomy, history, [np.arange(len(history))], candidates)[0]
    candidates[list(example.watched)] = encode_news(roomy, roomy.tokens([example.title]))
    after = scores_of_each(roomy, history, [np.arange(len(history))], candidates)[0]
    watched = example.watched[0]
    expected = abs(ranks_of(before)[watched] - ranks_of(after)[watched])
    assert places_moved(roomy, vectors, split, "shorter headline", found)[0] == expected


def test_a_clicked_candidate_is_rewritten_before_others(split, rows):
    for example in examples("shorter headline", split, rows, 0, LOOKED_AT):
        impression = split.impressions[example.row]
        assert impression.clicked[list(example.watched)].all()


def test_without_history_everybody_gets_the_list_of_a_new_reader(roomy, vectors, split, rows):
    found = examples("no history", split, rows, 0, LOOKED_AT)
    assert {example.history for example in found} == {()}
    newcomer = roomy.user_encoder.newcomer.detach().numpy()
    for example, moved in zip(found, places_moved(roomy, vectors, split, "no history", found), strict=True):
        impression = split.impressions[example.row]
        candidates, history = vectors[impression.candidates], vectors[impression.history]
        before = ranks_of(scores_of_each(roomy, history, [np.arange(len(history))], candidates)[0])
        climbs = before - ranks_of(candidates @ newcomer)
        assert moved == climbs[impression.clicked].mean()


def test_another_category_replaces_the_history_by_stories_of_what_is_watched(monkeypatch, split, rows):
    monkeypatch.setattr(behaviour_examples, "SWITCHED", 2)
    category = np.array(split.news.texts("category"))
    found = examples("other category", split, rows, 0, LOOKED_AT)
    assert found
    for example in found:
        impression = split.impressions[example.row]
        (wanted,) = set(category[list(example.history)])
        assert np.flatnonzero(category[impression.candidates] == wanted).tolist() == list(example.watched)
        assert not set(example.history) & set(impression.candidates)
        read = category[impression.history]
        assert (read == wanted).sum() == min((read == name).sum() for name in category[impression.candidates])


def test_tests_without_labels_or_without_a_word_to_change_have_no_examples(roomy, vectors, split, rows):
    assert examples("synonym", split, rows[:0], 0, LOOKED_AT) == []
    assert places_moved(roomy, vectors, split, "synonym", []).tolist() == []


@pytest.mark.parametrize(
    ("test", "moved", "passed"),
    [
        ("typo", [0.0, 1.0, 2.0, 3.0], [True, True, True, False]),
        ("other category", [-0.5, 0.0, 1.0, 2.0], [False, True, True, True]),
        ("no history", [-0.5, 0.0, 1.0, 2.0], [True, True, False, False]),
    ],
)
def test_what_passes_follows_from_what_is_expected(test, moved, passed):
    assert passes(test, np.array(moved), np.full(4, 21), 0.1).tolist() == passed


def test_one_place_is_always_tolerated():
    assert passes("typo", np.array([1.0, 2.0]), np.full(2, 3), 0.0).tolist() == [True, False]


def test_the_interval_is_wilsons():
    """Values of Newcombe (1998), table I: 81 of 263, and 15 of 148."""
    assert share(np.arange(263) < 81)[2:] == pytest.approx((25.53, 36.62), abs=0.01)
    assert share(np.arange(148) < 15)[2:] == pytest.approx((6.24, 16.05), abs=0.01)
    assert share(np.zeros(0, bool))[:] == (0, 0, 0.0, 100.0)
    assert share(np.zeros(20, bool)).low == 0 and share(np.ones(20, bool)).high == pytest.approx(100)


def test_a_sweep_ends_with_the_whole_history_and_starts_without(roomy, vectors, split):
    impression = split.impressions[4]
    history, candidates = vectors[impression.history], vectors[impression.candidates]
    lengths = lengths_of(len(history))
    assert lengths == [0, 1, 2, 4]
    found = sweep(roomy, history, candidates, impression.clicked, lengths)
    whole = scores_of_each(roomy, history, [np.arange(4)], candidates)[0]
    assert found.ranks[-1].tolist() == ranks_of(whole).tolist() and found.agreement[-1] == 1
    newcomer = candidates @ roomy.user_encoder.newcomer.detach().numpy()
    assert found.ranks[0].tolist() == ranks_of(newcomer).tolist()
    latest = scores_of_each(roomy, history[-2:], [np.arange(2)], candidates)[0]
    assert found.ranks[2].tolist() == ranks_of(latest).tolist()


def test_a_sweep_of_an_impression_without_labels_has_no_auc(roomy, vectors, split):
    impression = split.impressions[4]
    arguments = roomy, vectors[impression.history], vectors[impression.candidates]
    assert sweep(*arguments, None, [0, 4]).auc is None
    assert sweep(*arguments, impression.clicked, [0, 4]).auc.shape == (2,)
