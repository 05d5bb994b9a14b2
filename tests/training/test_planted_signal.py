"""The whole of Tiny-NewsRec in seconds: of a planted signal, what teachers know reaches a student."""

from pathlib import Path

import numpy as np
import pytest
from conftest import WORDS, make_recommender

from tinynewsrec.model.config import ModelConfig
from tinynewsrec.model.recommender import Recommender
from training import recipe
from training.config import TrainConfig
from training.distillation import DistillConfig

TOPICS = np.array(WORDS[:16]).reshape(4, 4)
STORIES = 60
BRIEF = TrainConfig(epochs=10, batch_size=20, learning_rate=3e-3, head_learning_rate=1e-2, save_every=10)


def write_split(folder: Path, impressions: int, noise: float, seed: int) -> None:
    """Texts draw on the words of one topic; a reader likes one and clicks it, but for the noise."""
    folder.mkdir(parents=True)
    draw = np.random.default_rng(seed)
    topic = np.arange(STORIES) % len(TOPICS)
    texts = [[" ".join(draw.choice(TOPICS[t], size)) for size in (3, 5)] for t in topic]
    news = [
        f"N{seed}{i}\tnews\ttopic{topic[i]}\t{title}\t{body}\t\t[]\t[]"
        for i, (title, body) in enumerate(texts)
    ]
    behaviors = []
    for number in range(impressions):
        liked = draw.integers(len(TOPICS))
        history = draw.choice(np.flatnonzero(topic == liked), 3)
        clicked = draw.integers(len(TOPICS)) if draw.random() < noise else liked
        shown = " ".join(
            f"N{seed}{draw.choice(np.flatnonzero(topic == t))}-{int(t == clicked)}"
            for t in draw.permutation(len(TOPICS))
        )
        past = " ".join(f"N{seed}{story}" for story in history)
        behaviors.append(f"{number}\tU{number}\t11/15/2019 8:00:00 AM\t{past}\t{shown}")
    (folder / "news.tsv").write_text("\n".join(news) + "\n")
    (folder / "behaviors.tsv").write_text("\n".join(behaviors) + "\n")


@pytest.fixture
def settings(tokenizer, tmp_path, monkeypatch):
    monkeypatch.setenv("TINYNEWSREC_CACHE", str(tmp_path / "cache"))
    make_recommender(tokenizer, layers=3).news_encoder.language_model.save_pretrained(tmp_path / "bert")
    tokenizer.save_pretrained(tmp_path / "bert")
    write_split(tmp_path / "data" / "train", impressions=20, noise=0.5, seed=1)
    write_split(tmp_path / "data" / "dev", impressions=300, noise=0.0, seed=2)
    return {
        "data": tmp_path / "data",
        "out": tmp_path / "out",
        "language_model": str(tmp_path / "bert"),
        "layers": (1,),
        "teachers": 2,
        "snapshots": 2,
        "model": ModelConfig(news_size=8, query_size=4, heads=2, title_length=12, history_length=3),
        "posttrain": BRIEF,
        "posttrain_student": BRIEF,
        "finetune": TrainConfig(epochs=2, batch_size=20, learning_rate=1e-3, head_learning_rate=3e-3),
        "finetune_student": TrainConfig(
            epochs=10, batch_size=20, learning_rate=1e-3, head_learning_rate=3e-3
        ),
    }


def test_a_student_of_its_teachers_alone_beats_its_twin_that_learnt_from_clicks_alone(settings):
    """Without a loss of its own, all that the student knows came from its teachers."""
    auc, taught = {}, DistillConfig(target=0.0)
    for name in ("tiny-newsrec", "plm-nr-ft"):
        recipe.main(recipe.Arguments(name=name, distillation=taught, **settings))
        found = Recommender.from_pretrained(settings["out"] / "seed-0" / f"{name}-1").metrics
        auc[name] = found["metrics"]["AUC"]["value"]
    assert auc["tiny-newsrec"] > auc["plm-nr-ft"] + 10
    assert auc["tiny-newsrec"] > 80
