"""What a stage will cost: multiplications counted before any is done, and how many this machine does."""

import time
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from transformers import AutoConfig

from tinynewsrec.data.read import read_split
from tinynewsrec.model.config import ModelConfig
from tinynewsrec.model.language_models import locate
from training import posttrain_teacher
from training.click_stage import ClickArguments
from training.pairs import read_pairs
from training.record import stage_of
from training.samples import find_clicks
from training.snapshots import refuse_short

PIECES = 1.4  # word pieces in a word of English, about
LIVE = tuple(
    f"training.{name}"
    for name in ("posttrain_tinybert", "finetune_tinybert", "finetune_newsbert", "finetune_mtbert")
)
BACKWARD = 3  # forward and backward pass of a trained layer, in forward passes


class Cost(NamedTuple):
    steps: int
    operations: float  # multiplications and additions


class Texts(NamedTuple):
    cases: int  # in an epoch
    stories: int  # texts that are read
    met: float  # stories of one case, the same one counted as often as it is met
    words: float  # of one text


def cost_of(arguments: Any) -> Cost:
    """Teachers that are read or trained in each step count as much as the student does.

    Raises ValueError for a post-training too short for its snapshots.
    """
    training = arguments.training
    if isinstance(arguments, ClickArguments):
        texts = clicks_of(arguments.data, arguments.model.history_length, 1 + arguments.negatives)
    else:
        texts = pairs_of(arguments.data)
    steps = training.steps(texts.cases)
    if isinstance(arguments, posttrain_teacher.Arguments):
        refuse_short(arguments.snapshots, training.save_every, steps)
    met = texts.met * min(training.batch_size, texts.cases)
    distinct = texts.stories * (1 - np.exp(-met / texts.stories))
    pieces = 2 + PIECES * texts.words
    layer = layer_operations(arguments.model)
    trained = min(arguments.trained_layers, arguments.model.layers)
    once = texts.stories * (arguments.model.layers - trained)
    return Cost(steps, models_of(arguments) * pieces * layer * (once + steps * distinct * trained * BACKWARD))


def models_of(arguments: Any) -> int:
    """The student, and those teachers whose vectors are not known beforehand."""
    if stage_of(arguments) not in LIVE:
        return 1
    named = (*getattr(arguments, "language_models", ()), *arguments.teachers)
    return 1 + (getattr(arguments, "teacher_count", None) or len(named))


@cache
def clicks_of(folder: Path, history_length: int, candidates: int) -> Texts:
    split = read_split(folder)
    impressions, clicks = split.impressions, find_clicks(split.impressions)
    stories = len(np.unique(np.concatenate([impressions.history.named, impressions.candidates.values])))
    met = np.minimum(impressions.history.lengths, history_length).mean() + candidates
    return Texts(len(clicks), stories, met, mean_words(split.news.texts("title")))


@cache
def pairs_of(place: Path) -> Texts:
    pairs = read_pairs(place)
    words = (mean_words(pairs.titles) + mean_words(pairs.bodies)) / 2
    return Texts(len(pairs), 2 * len(pairs), 2, words)


def mean_words(texts: list[str]) -> float:
    return float(np.mean([len(text.split()) for text in texts]))


@cache
def layer_operations(model: ModelConfig) -> float:
    """For one word piece: four square matrices, and two to the wider middle and back."""
    found = AutoConfig.from_pretrained(locate(model.language_model))
    middle = getattr(found, "intermediate_size", 4 * found.hidden_size)
    return 2 * (4 * found.hidden_size**2 + 2 * found.hidden_size * middle)


@cache
def operations_per_second(size: int = 1024, seconds: float = 1.0) -> float:
    """Measured now, with a product of two matrices, on what training would use."""
    matrix = torch.randn(size, size, device="cuda" if torch.cuda.is_available() else "cpu")
    start, done = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        (matrix @ matrix)[0, 0].item()
        done += 1
    return 2 * size**3 * done / (time.perf_counter() - start)
