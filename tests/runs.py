"""What tests of training runs have in common: a language model on disk, and a death in mid-run."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import make_recommender

from tinynewsrec.data.tokens import tokenize
from tinynewsrec.model.folder import WEIGHTS
from tinynewsrec.model.projections import Projections
from tinynewsrec.model.recommender import Recommender
from training.distillation import WEIGHTS_LOG
from training.every_slot import padded
from training.loop import Losses


def save_language_model(tokenizer, folder: Path, dropout: float = 0.1) -> str:
    """A random encoder of three layers; returns its name."""
    bert = make_recommender(tokenizer, layers=3).news_encoder.language_model
    bert.config.hidden_dropout_prob = bert.config.attention_probs_dropout_prob = dropout
    bert.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


def json_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def first_losses(folder: Path) -> dict[str, float]:
    return json_lines(folder / "losses.jsonl")[0]["losses"]


class Killed(Exception):
    pass


def run_killed(main, arguments, sampler: type, step: int) -> None:
    """Runs a stage that dies when it asks for the batch of `step`, counted from 0."""

    def dying(self, asked, part=0, parts=1):
        if asked == step:
            raise Killed
        return alive(self, asked, part, parts)

    alive = sampler.batch
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sampler, "batch", dying)
        with pytest.raises(Killed):
            main(arguments)


def same_student(one: Path, other: Path) -> bool:
    """Whether two distilled students are equal to the last bit, and what is recorded of their teachers."""
    maps = [Projections.load(folder).state_dict() for folder in (one, other)]
    files = [[(folder / name).read_bytes() for name in (WEIGHTS, WEIGHTS_LOG)] for folder in (one, other)]
    return files[0] == files[1] and all(maps[0][name].equal(maps[1][name]) for name in maps[0] | maps[1])


def encode_naively(recommender: Recommender, texts: list[str], length: int) -> torch.Tensor:
    """Each text through the whole encoder, padded to the full length, nothing sorted or left out."""
    encoder = recommender.news_encoder
    ids, mask = padded(tokenize(texts, recommender.tokenizer, length), length)
    words = encoder.language_model(ids, attention_mask=mask.long()).last_hidden_state
    return encoder.project(encoder.pool(words, mask))


def gradients(module: torch.nn.Module, losses: Losses) -> dict[str, torch.Tensor]:
    """By name, of the sum of the losses."""
    module.zero_grad()
    sum(losses.values()).backward()
    return {name: p.grad.clone() for name, p in module.named_parameters() if p.grad is not None}
