"""The map drawn beforehand: neighbours from all models alike, the same for the same seed, and found again."""

import json

import numpy as np
import pytest
from conftest import make_recommender

from tinynewsrec.analysis.news_map import NEWS_MAP, load_map
from tinynewsrec.checkpoints import Checkpoint
from tinynewsrec.data.read import read_split
from tinynewsrec.evaluation.beyond_accuracy import unit
from training import layer_similarity, news_map
from training.news_map import near_in_all

RANDOM = np.random.default_rng(0)


@pytest.fixture
def family(tokenizer, tmp_path, monkeypatch):
    monkeypatch.setenv("TINYNEWSREC_CACHE", str(tmp_path / "cache"))
    for layers, name in ((2, "teacher"), (1, "student")):
        make_recommender(tokenizer, seed=layers, layers=layers).save_pretrained(tmp_path / "family" / name)
    return tmp_path / "family"


def test_neighbours_come_from_every_table_and_never_from_the_story_itself():
    tables = [unit(RANDOM.normal(size=(40, 6))) for _ in range(3)]
    rows, distances = near_in_all(tables, 12)
    assert rows.shape == (120, 13) and (rows[:, 0] == np.arange(120)).all() and not distances[:, 0].any()
    assert (np.sort(rows[:, 1:] // 40, axis=1) == np.repeat([0, 1, 2], 4)).all()
    assert not (rows[:, 1:] % 40 == (np.arange(120) % 40)[:, None]).any()
    assert (np.diff(distances, axis=1) >= 0).all()


def test_the_map_is_written_where_the_app_looks_and_names_what_it_was_made_of(family, mind_folder, tmp_path):
    settings = {"data": mind_folder, "checkpoints": (str(family),), "neighbours": 4, "epochs": 5}
    news_map.main(news_map.Arguments(**settings))
    first = load_map(mind_folder / NEWS_MAP)
    opened = [Checkpoint.open(family / name) for name in ("teacher", "student")]
    assert [(model.name, model.sha256) for model in first.models] == [
        (c.name, c.content_hash) for c in opened
    ]
    assert first.layers.shared.shape == (2, len(read_split(mind_folder).news), 2)
    assert first.made["seed"] == 0 and str(tmp_path) not in json.dumps(first.made)

    news_map.main(news_map.Arguments(**settings, out=tmp_path / "again.safetensors"))
    again = load_map(tmp_path / "again.safetensors")
    assert all((one == other).all() for one, other in zip(first.layers, again.layers, strict=True))

    news_map.main(news_map.Arguments(**settings | {"fitted": 9}, out=tmp_path / "few.safetensors"))
    few = load_map(tmp_path / "few.safetensors").layers
    assert np.isfinite(few.shared).all() and few.shared.shape == first.layers.shared.shape


def test_layers_are_compared_with_the_teachers_and_a_model_with_itself(family, mind_folder):
    layer_similarity.main(layer_similarity.Arguments(data=mind_folder, checkpoints=(str(family),)))
    found = json.loads((mind_folder / "layer_similarity.json").read_text())
    own, student = found["pairs"]
    assert np.allclose(np.diag(own["values"]), 1) and np.shape(own["values"]) == (3, 3)
    assert student["model"] == "student" and np.shape(student["values"]) == (3, 2)
    assert np.min(student["values"]) >= 0 and np.max(student["values"]) <= 1 and found["stories"] == 12


def test_a_layer_is_the_mean_of_its_word_pieces_and_the_last_one_is_the_vector(recommender):
    titles = ["mayor opens bridge", "storm", "the river wins a vote in the garden"]
    together = layer_similarity.states_of(recommender, titles)
    for place, title in enumerate(titles):
        tokens = recommender.tokens([title])
        states = recommender.news_encoder.language_model(tokens.ids, output_hidden_states=True).hidden_states
        for layer, table in zip(states[1:], together, strict=False):
            np.testing.assert_allclose(table[place], layer[0].mean(0).detach(), atol=1e-5)
        np.testing.assert_allclose(together[-1][place], recommender.encode(tokens)[0].detach(), atol=1e-5)


@pytest.mark.parametrize("wrong", [{"neighbours": 1}, {"epochs": 0}, {"fitted": 2}])
def test_settings_that_draw_nothing_are_refused(wrong, tmp_path):
    with pytest.raises(ValueError, match="at least 2 neighbours, 1 epoch and 3 stories"):
        news_map.Arguments(data=tmp_path, checkpoints=(), **wrong)
