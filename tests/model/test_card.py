"""The model card says what is true elsewhere too, and nothing pasted into it breaks it."""

import pytest

from tinynewsrec.model.card import model_card
from tinynewsrec.model.config import ModelConfig


def card(language_model: str, metrics=None) -> str:
    return model_card(ModelConfig(language_model, layers=2), 1234, metrics or {}, {"note": "```\n---"})


def front_matter(text: str) -> list[str]:
    return text.split("---\n")[1].splitlines()


def test_a_language_model_on_the_hub_is_named_in_the_front_matter():
    text = card("sentence-transformers/all-MiniLM-L6-v2")
    assert 'base_model: "sentence-transformers/all-MiniLM-L6-v2"' in front_matter(text)
    assert "layers of sentence-transformers/all-MiniLM-L6-v2, " in text


@pytest.mark.parametrize(
    ("language_model", "shown"),
    [
        ("evil\nlicense: mit", "evil license: mit"),
        ("org/evil\nlicense: mit", "evil license: mit"),
        ("/home/somebody/models/bert", "bert"),
        ("../bert/", "bert"),
        ("C:\\models\\bert", "bert"),
        ("bert\n---\n```", "bert --- ```"),
    ],
)
def test_anything_else_is_shown_on_one_line_without_its_folder(language_model, shown):
    text = card(language_model)
    assert [line.split(":")[0] for line in front_matter(text)] == ["library_name", "tags"]
    assert f"layers of {shown}, " in text.replace("\n", " ")
    assert text.splitlines().count("---") == 2
    assert [line for line in text.splitlines() if line.startswith("```")] == ["```python", "```"] + [
        "```json",
        "```",
    ]


def test_a_folder_that_looks_like_a_hub_id_is_a_folder(tmp_path, monkeypatch):
    (tmp_path / "models" / "bert").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    text = card("models/bert")
    assert "base_model" not in text and "layers of bert, " in text


def test_names_in_metrics_stay_on_their_line():
    value = {"value": 61.0, "low": 60.0, "high": 62.0}
    metrics = {"data": "dev\n---", "impressions": 5, "readers": 4, "skipped": 0, "metrics": {"AUC\n#": value}}
    assert "On dev ---: 5 impressions" in card("org/bert", metrics)
    assert "| AUC # | 61.00 | 60.00 to 62.00 |" in card("org/bert", metrics)
