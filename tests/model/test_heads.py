"""Heads tell what stories are, and leave the ranking alone."""

import json

import numpy as np
import pytest
import torch
from conftest import make_recommender, title

from tinynewsrec.checkpoints import Checkpoint
from tinynewsrec.model import news_encoder
from tinynewsrec.model.heads import Heads, HeadSpec
from tinynewsrec.model.news_encoder import Depths
from tinynewsrec.model.recommender import Recommender

SPECS = {
    "category": HeadSpec(("finance", "sports"), "pooled", "category of the data set"),
    "sentiment": HeadSpec(("negative", "neutral", "positive")),
    "subcategory": HeadSpec(("a", "b", "c", "d"), "cls"),
    "entities": HeadSpec(("O", "B", "I"), "words"),
}
TITLES = [title(story) for story in range(9)]


@pytest.fixture
def labelling(tokenizer):
    recommender = make_recommender(tokenizer)
    recommender.add_heads(SPECS)
    return recommender


def scores(recommender):
    history, candidates = torch.tensor([[0, 1, -1], [-1, -1, -1]]), torch.tensor([[3, 4], [1, 5]])
    return recommender.score(recommender.encode(recommender.tokens(TITLES)), history, candidates)


def test_a_head_reads_what_its_spec_names():
    sizes = {"pooled": 6, "vector": 5}
    depths = Depths(torch.randn(2, 3, 6), *(torch.randn(2, size) for size in sizes.values()))
    heads = Heads(SPECS, *sizes.values())
    read = [depths.pooled, depths.vector, depths.words[:, 0], depths.words]
    for (name, scores), depth in zip(heads(depths).items(), read, strict=True):
        assert torch.equal(scores, heads[name](depth)), name


def test_with_and_without_heads_it_ranks_the_same(labelling, recommender):
    assert torch.equal(scores(labelling), scores(recommender))
    vectors, _ = labelling.encode_and_label(labelling.tokens(TITLES))
    assert torch.equal(vectors, recommender.encode(recommender.tokens(TITLES)))
    assert recommender.encode_and_label(recommender.tokens(TITLES))[1] == {} == recommender.predict(TITLES)


def test_saved_heads_say_the_same_under_the_same_names(labelling, tmp_path):
    labelling.save_pretrained(tmp_path / "one")
    loaded, opened = Recommender.from_pretrained(tmp_path / "one"), Checkpoint.open(tmp_path / "one")
    assert loaded.heads.specs == opened.heads == SPECS and list(loaded.heads) == list(SPECS)
    assert {"heads.category.weight", "heads.entities.bias"} <= loaded.state_dict().keys()
    before, after = labelling.predict(TITLES), loaded.predict(TITLES)
    for task, spec in SPECS.items():
        assert after[task].labels == spec.labels
        assert np.array_equal(before[task].probabilities, after[task].probabilities)
    assert torch.equal(scores(labelling), scores(loaded))


def test_a_checkpoint_without_heads_says_nothing_of_them(recommender, tmp_path):
    recommender.save_pretrained(tmp_path)
    assert "heads" not in json.loads((tmp_path / "config.json").read_text())
    assert Recommender.from_pretrained(tmp_path).heads is None and not Checkpoint.open(tmp_path).heads


def test_a_title_is_labelled_the_same_in_any_company(labelling, monkeypatch):
    together = labelling.predict(TITLES)
    assert together["entities"].probabilities.ndim == 3
    monkeypatch.setattr(news_encoder, "TOGETHER", 2)
    in_twos = labelling.predict(TITLES)
    for task, found in together.items():
        assert np.allclose(found.probabilities.sum(-1), 1, atol=1e-5)
        for row, text in enumerate(TITLES):
            length = int(labelling.tokens([text]).mask.sum())
            kept = (row, slice(length)) if task == "entities" else row
            for other in (
                labelling.predict([text])[task].probabilities[0],
                in_twos[task].probabilities[kept],
            ):
                assert np.allclose(found.probabilities[kept], other, atol=1e-5), (task, row)


@pytest.mark.parametrize(
    ("heads", "reason"),
    [
        ({"category": {"labels": []}}, "needs the names of its labels"),
        ({"category": {"labels": ["a", "a"]}}, "must differ"),
        ({"category": {"labels": ["a"], "reads": "tea leaves"}}, "tea leaves"),
        ({"category": {}}, "does not describe a recommender"),
        ({"horoscope": {"labels": ["a"]}}, "heads are called category"),
        ("category", "does not describe a recommender"),
    ],
)
def test_damaged_heads_are_explained(recommender, tmp_path, heads, reason):
    recommender.save_pretrained(tmp_path)
    path = tmp_path / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"heads": heads}))
    with pytest.raises(ValueError, match=reason):
        Recommender.from_pretrained(tmp_path)


def test_new_heads_take_the_place_of_old_ones(labelling):
    labelling.add_heads({"sentiment": SPECS["sentiment"]})
    assert list(labelling.heads) == ["sentiment"] and isinstance(labelling.heads, Heads)
    labelling.add_heads({})
    assert labelling.heads is None
