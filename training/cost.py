"""What a stage will cost: multiplications counted before any is done, and how many this machine does."""

import time
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from transformers import AutoConfig, PretrainedConfig

from tinynewsrec.data.read import read_split
from tinynewsrec.model.config import ModelConfig
from tinynewsrec.model.language_models import locate
from training import posttrain_masked, posttrain_simcse, posttrain_teacher
from training.aggregators import merging
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
BACKWARD = 2  # a backward pass through a trained layer, in forward passes


class Cost(NamedTuple):
    steps: int
    operations: float  # multiplications and additions


class Texts(NamedTuple):
    cases: int  # in an epoch
    stories: int  # texts that are read
    met: float  # stories of one case, the same one counted as often as it is met
    pieces: float  # of one text


def cost_of(arguments: Any) -> Cost:
    """Teachers that are read or trained in each step count as much as the student does.

    Raises ValueError for a post-training too short for its snapshots.
    """
    training, model, texts = arguments.training, arguments.model, texts_of(arguments)
    steps = training.steps(texts.cases)
    if isinstance(arguments, posttrain_teacher.Arguments):
        refuse_short(arguments.snapshots, training.save_every, steps)
    met = texts.met * min(training.batch_size, texts.cases)
    twins = 2 if isinstance(arguments, posttrain_simcse.Arguments) else 1  # readings of a text in one step
    in_steps = twins * steps * texts.stories * (1 - np.exp(-met / texts.stories))
    trained = min(arguments.trained_layers, model.layers)
    hides_words = isinstance(arguments, posttrain_masked.Arguments)  # anew at each step, so nothing is kept
    frozen = (model.layers - trained) * (in_steps if hides_words else texts.stories)
    readings = models_of(arguments) * (
        frozen + (1 + BACKWARD * backward_passes(arguments)) * trained * in_steps
    )
    pieces = texts.pieces * (readings + kept_readings(arguments, texts))
    return Cost(steps, layer_operations(model) * (pieces + measured_pieces(arguments)))


def texts_of(arguments: Any) -> Texts:
    if isinstance(arguments, ClickArguments):
        candidates, length = 1 + arguments.negatives, arguments.model.title_length
        return clicks_of(arguments.data, arguments.model.history_length, candidates, length)
    lengths = {"title": arguments.model.title_length, "body": arguments.body_length}
    match arguments:
        case posttrain_masked.Arguments():
            needed = ("title" if arguments.texts == "titles" else "body",)
        case posttrain_simcse.Arguments():
            needed = ("body",)
        case _:
            needed = ("title", "body")
    drawn = getattr(arguments, "negatives", None) or 0
    return pairs_of(arguments.data, tuple((text, lengths[text]) for text in needed), drawn)


def backward_passes(arguments: Any) -> float:
    """Of a step, on the average: surgery has one for each group of tasks, and of each task where it logs."""
    surgery = getattr(arguments, "surgery", None)
    if surgery is None:
        return 1
    tasks = 1 + len(arguments.heads.tasks)
    return (tasks + (surgery.log_every - 1) * len(merging(surgery.strategy, tasks))) / surgery.log_every


def models_of(arguments: Any) -> int:
    """The student, and those teachers whose vectors are not known beforehand."""
    return 1 + (teachers_of(arguments) if stage_of(arguments) in LIVE else 0)


def teachers_of(arguments: Any) -> int:
    named = (*getattr(arguments, "language_models", ()), *getattr(arguments, "teachers", ()))
    return getattr(arguments, "teacher_count", None) or len(named)


def kept_readings(arguments: Any, texts: Texts) -> float:
    """Of teachers whose vectors are kept: whole language models, which read each text once."""
    if stage_of(arguments) in LIVE:
        return 0
    return teachers_of(arguments) * texts.stories * described(arguments.model).num_hidden_layers


def measured_pieces(arguments: Any) -> float:
    """Of the stories that the result is measured on, once in each layer."""
    dev = getattr(arguments, "dev", None)
    if dev is None:
        return 0
    return pieces_of(dev, arguments.model.title_length) * arguments.model.layers


@cache
def pieces_of(folder: Path, length: int) -> float:
    titles = read_split(folder).news.texts("title")
    return len(titles) * mean_pieces(titles, length)


@cache
def clicks_of(folder: Path, history_length: int, candidates: int, length: int) -> Texts:
    split = read_split(folder)
    impressions, clicks = split.impressions, find_clicks(split.impressions)
    stories = len(np.unique(np.concatenate([impressions.history.named, impressions.candidates.values])))
    met = np.minimum(impressions.history.lengths, history_length).mean() + candidates
    return Texts(len(clicks), stories, met, mean_pieces(split.news.texts("title"), length))


@cache
def pairs_of(place: Path, needed: tuple[tuple[str, int], ...], drawn: int) -> Texts:
    """`needed` are a title, a body or both, with the word pieces that they are cut to."""
    pairs = read_pairs(place, [text for text, _ in needed])
    columns = {"title": pairs.titles, "body": pairs.bodies}
    pieces = float(np.mean([mean_pieces(columns[text], length) for text, length in needed]))
    return Texts(len(pairs), len(needed) * len(pairs), len(needed) + drawn, pieces)


def mean_pieces(texts: list[str], length: int) -> float:
    """Of texts that are cut, the special ones included."""
    return float(np.mean([min(length, 2 + PIECES * len(text.split())) for text in texts]))


@cache
def layer_operations(model: ModelConfig) -> float:
    """For one word piece: four square matrices, and two to the wider middle and back."""
    found = described(model)
    middle = getattr(found, "intermediate_size", 4 * found.hidden_size)
    return 2 * (4 * found.hidden_size**2 + 2 * found.hidden_size * middle)


@cache
def described(model: ModelConfig) -> PretrainedConfig:
    return AutoConfig.from_pretrained(locate(model.language_model))


@cache
def operations_per_second(size: int = 1024, seconds: float = 1.0) -> float:
    """Measured now, with a product of two matrices, on what training would use."""
    matrix = torch.randn(size, size, device="cuda" if torch.cuda.is_available() else "cpu")
    start, done = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        (matrix @ matrix)[0, 0].item()
        done += 1
    return 2 * size**3 * done / (time.perf_counter() - start)
