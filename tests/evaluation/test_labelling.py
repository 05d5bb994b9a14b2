"""How well heads label, against scikit-learn and by hand."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score

from tinynewsrec.data.labels import IGNORE
from tinynewsrec.evaluation.labelling import agreement, heads_record, held_out
from tinynewsrec.model.card import metrics_table
from tinynewsrec.model.heads import HeadSpec


@pytest.mark.parametrize("seed", range(20))
def test_agreement_is_that_of_scikit_learn(seed):
    draw = np.random.default_rng(seed)
    right, found = draw.integers(0, 6, 40), draw.integers(0, 5, 40)
    right[draw.random(40) < 0.2] = IGNORE
    known = right != IGNORE
    measured = agreement(found, right)
    assert measured["stories"] == known.sum()
    assert measured["accuracy"] == pytest.approx(100 * accuracy_score(right[known], found[known]), abs=0.01)
    wanted = 100 * f1_score(right[known], found[known], average="macro")
    assert measured["macro_f1"] == pytest.approx(wanted, abs=0.01)


def test_word_pieces_count_where_a_label_is_known():
    right = np.array([[IGNORE, 0, 1, IGNORE, IGNORE], [IGNORE] * 5])
    measured = agreement(np.array([[2, 0, 0], [1, 1, 1]]), right)
    assert (measured["stories"], measured["tokens"]) == (1, 2)
    assert measured["accuracy"] == measured["most_common"] == 50


def test_nothing_known_is_nothing_measured():
    assert agreement(np.array([1, 2]), np.array([IGNORE, IGNORE])) == {"stories": 0}


def test_held_out_stories_are_those_that_no_impression_names(split):
    few = replace(split, impressions=split.impressions.take(np.array([2])))
    assert held_out(few, split.news).tolist() == [0, 1, 2, 3, 4, 5, 11]
    assert held_out(split, split.news).tolist() == []
    later = replace(split.news, columns=split.news.columns.slice(5))
    assert held_out(few, later).tolist() == [0, 6]  # ids decide, not rows


def test_the_record_is_shown_on_the_card(recommender, split):
    recommender.add_heads({"category": HeadSpec(("finance", "sports"), source="category of other data")})
    sources = {"category": "category of the data set"}
    codes = {"category": np.array([1, 0] * 6)}
    record = heads_record(recommender, split, np.array([0, 3, 4]), codes, sources)
    found = recommender.predict(split.news.texts("title"))["category"].probabilities.argmax(-1)
    right = 100 * np.mean(found[[0, 3, 4]] == codes["category"][[0, 3, 4]])
    assert record["tasks"]["category"]["accuracy"] == pytest.approx(right, abs=0.01)
    shown = metrics_table({"heads": record})
    assert "Not measured." in shown and "on the 3 stories of MIND, dev" in shown
    assert f"| category | category of the data set | 3 stories | {right:.2f} |" in shown
    assert heads_record(recommender, split, np.array([], dtype=int), codes, sources)["tasks"] == {}
