"""What heads make of headlines, for people to look at."""

import numpy as np
import pytest
import torch
from conftest import make_recommender

from tinynewsrec.analysis.labelled import label, names
from tinynewsrec.model.heads import HeadSpec


def spans(tags: str) -> list[tuple[int, int]]:
    """Of word pieces of two letters each with a space behind them; S is a special token."""
    chances = np.array([[tag in "OS", tag == "B", tag == "I"] for tag in tags], dtype=np.float32)
    places = np.array([(3 * place, 3 * place + 2) for place in range(len(tags))])
    special = np.array([tag == "S" for tag in tags])
    return [(name.start // 3, (name.end + 1) // 3) for name in names(chances, places, special)]


@pytest.mark.parametrize(
    ("tags", "wanted"),
    [
        ("SBIOBS", [(1, 3), (4, 5)]),
        ("SBBIS", [(1, 2), (2, 4)]),
        ("SOIIOS", [(2, 4)]),
        ("SOOOS", []),
        ("SIIIS", [(1, 4)]),
    ],
)
def test_tags_become_names(tags, wanted):
    assert spans(tags) == wanted


def test_labels_come_most_probable_first_and_names_lie_in_the_title(tokenizer):
    recommender = make_recommender(tokenizer)
    recommender.add_heads({"sentiment": HeadSpec(("negative", "neutral", "positive"))})
    [found] = label(recommender, ["mayor opens bridge"])
    assert found.names is None and sum(found.labels["sentiment"].values()) == pytest.approx(1, abs=1e-5)
    assert list(found.labels["sentiment"].values()) == sorted(
        found.labels["sentiment"].values(), reverse=True
    )
    recommender.add_heads({"entities": HeadSpec(("O", "B", "I"), "words")})
    recommender.heads["entities"].bias.data += torch.tensor([0.0, 0.0, 9.0])
    [found, empty] = label(recommender, ["mayor opens bridge", ""])
    assert [(name.start, name.end) for name in found.names] == [(0, len("mayor opens bridge"))]
    assert found.labels == {} and empty.names == []


def test_without_heads_there_is_nothing_to_say(recommender):
    assert label(recommender, ["mayor opens bridge"]) == [({}, None)]
