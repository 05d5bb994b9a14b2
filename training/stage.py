"""How a stage of training begins and ends: from a language model or a checkpoint, to a checkpoint."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import psutil
import torch
from jaxtyping import Int
from rich import print
from torch import Tensor, nn

from tinynewsrec.checkpoints import Checkpoint
from tinynewsrec.data.tables import Split
from tinynewsrec.data.tokens import Stories, Tokens
from tinynewsrec.evaluation.report import evaluate, metrics_record, recommender_system
from tinynewsrec.evaluation.vectors import encode_news, keep_in_cache
from tinynewsrec.model.card import metrics_table
from tinynewsrec.model.config import ModelConfig
from tinynewsrec.model.conflicts import CONFLICTS
from tinynewsrec.model.folder import WEIGHTS
from tinynewsrec.model.frozen import can_freeze, freeze_stories
from tinynewsrec.model.language_models import load_language_model
from tinynewsrec.model.lora import ADAPTER
from tinynewsrec.model.news_encoder import NewsEncoder
from tinynewsrec.model.projections import PROJECTIONS, Projections
from tinynewsrec.model.recommender import Recommender
from training.distillation import WEIGHTS_LOG
from training.loop import (
    NO_RATES,
    STATE,
    SUM,
    AtState,
    Backward,
    Losses,
    LossesOf,
    this_process,
    train,
    unchanged,
    unseen,
)
from training.record import decisive
from training.samples import Dealt

KEPT = 0.5  # share of the free memory that frozen layers' outputs may take
LEFT = (WEIGHTS_LOG, CONFLICTS, PROJECTIONS)  # an adapter, too


def own_losses(learner: nn.Module, batch: Any) -> Losses:
    """Of a learner that gives them itself."""
    return learner(batch)


def start(model: ModelConfig, trained_layers: int, seed: int, parent: Path | None = None) -> Recommender:
    """A recommender to be trained: its news encoder is the bottom of the parent's, or of the language model.

    The reader's side is new in either case. Raises ValueError where the parent's weights do not all fit.
    """
    if parent is None:
        language_model, tokenizer = load_language_model(model.language_model)
        torch.manual_seed(seed)
        recommender = Recommender(model, language_model, tokenizer)
    else:
        source = Recommender.from_pretrained(parent)
        model = replace(model, language_model=source.config.language_model)
        torch.manual_seed(seed)
        recommender = Recommender(model, source.news_encoder.language_model, source.tokenizer)
        take_over(recommender.news_encoder.pool, source.news_encoder.pool, parent)
        take_over(recommender.news_encoder.project, source.news_encoder.project, parent)
    recommender.news_encoder.freeze_below(trained_layers)
    return recommender.to(this_process().device)


def take_over(part: nn.Module, source: nn.Module, parent: Path) -> None:
    """Every weight of a part of the parent. Raises ValueError where one is missing or does not fit."""
    try:
        part.load_state_dict(source.state_dict())
    except RuntimeError as error:
        raise ValueError(
            f"{parent} has another kind of news encoder: {' '.join(str(error).split())} "
            f"Give --model.pooling, --model.projection, --model.news-size and --model.query-size as "
            f"in its config.json."
        ) from error


def with_frozen_layers(encoder: NewsEncoder, tokens: Tokens, rows: Int[Tensor, " M"]) -> Stories:
    """The named stories, with what the encoder's frozen layers make of each computed beforehand."""
    if not encoder.frozen_layers:
        return tokens
    if not can_freeze(encoder.language_model, encoder.frozen_layers, tokens.take(rows[:2])):
        print("This language model cannot be read in two goes: frozen layers are run at every step, too")
        return tokens
    width, free = encoder.language_model.config.hidden_size, psutil.virtual_memory().available
    needed = int(tokens.lengths[rows].sum()) * width * torch.float32.itemsize
    if needed > KEPT * free:
        print(
            f"To keep what frozen layers make of {len(rows):,} texts would take {needed / 1e9:,.1f} GB, and "
            f"{free / 1e9:,.1f} are free: they are run at every step, too"
        )
        return tokens
    print(f"Reading {len(rows):,} texts through the {encoder.frozen_layers} frozen layers, once")
    return freeze_stories(encoder.language_model, encoder.frozen_layers, tokens, rows)


def parents_of(arguments: Any, teachers: Sequence[Checkpoint] = ()) -> list[str | Path]:
    """What a model begins with, a checkpoint or the language model, then its teachers."""
    return [arguments.parent or arguments.model.language_model, *(teacher.folder for teacher in teachers)]


def refuse_finished(folder: Path) -> None:
    """Raises ValueError rather than train over a checkpoint that is there."""
    if is_finished(folder):
        raise ValueError(f"{folder} holds a finished checkpoint. Delete it, or choose another --out.")


def is_finished(folder: Path) -> bool:
    return (folder / WEIGHTS).exists() and not (folder / STATE).exists()


def learn(
    learner: nn.Module,
    sampler: Dealt,
    arguments: Any,
    record: dict[str, Any],
    losses_of: LossesOf = own_losses,
    at_state: AtState = unseen,
    before_step: Callable[[], None] = unchanged,
    backward: Backward = SUM,
    rates: Mapping[str, float] = NO_RATES,
) -> None:
    """The one loop, with what every stage hands to it: its epochs of the sampler, its settings and folder."""
    if not (arguments.out / STATE).exists():
        forget(arguments.out)
    steps = arguments.training.steps(sampler.cases)
    settings = decisive(record)
    train(
        learner,
        sampler.batch,
        steps,
        losses_of,
        arguments.training,
        arguments.out,
        settings,
        at_state,
        before_step,
        backward,
        rates,
    )


def forget(folder: Path) -> None:
    """What a run whose weights were deleted, or one under another name, left beside them."""
    for name in LEFT:
        (folder / name).unlink(missing_ok=True)
    shutil.rmtree(folder / ADAPTER, ignore_errors=True)


def finish(
    recommender: Recommender,
    record: dict[str, Any],
    folder: Path,
    dev: Split | None = None,
    projections: Projections | None = None,
    measured: Mapping[str, Any] = MappingProxyType({}),
) -> None:
    """Measures a trained recommender and saves it, with what was `measured` of it before.

    What the run could have resumed from goes last.
    """
    if not this_process().is_main_process:
        return
    recommender.training_record = record
    if dev is None:
        recommender.save_pretrained(folder)
    else:
        titles = dev.news.texts("title")
        vectors = encode_news(recommender.to(this_process().device), recommender.tokens(titles))
        recommender.cpu()
        report = evaluate(recommender_system(folder.name, recommender, vectors, dev), dev)
        recommender.metrics = {**metrics_record(report, dev), **measured}
        print(metrics_table(recommender.metrics))
        recommender.save_pretrained(folder)
        keep_in_cache(Checkpoint.open(folder), titles, vectors)
    if projections is not None:
        projections.save(folder)
    (folder / STATE).unlink(missing_ok=True)
