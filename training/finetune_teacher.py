"""Finetunes a language model to recommend: PLM-NR (FT) of any number of layers (Wu et al., 2021).

python -m training.finetune_teacher --data MINDsmall_train --out checkpoints/teacher
"""

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
import tyro
from rich import print
from torch import nn

from tinynewsrec.commands import readable_errors
from tinynewsrec.data.batches import EMPTY, Batch
from tinynewsrec.data.read import read_split
from tinynewsrec.data.tables import Split
from tinynewsrec.evaluation.report import evaluate_recommender, metrics_record
from tinynewsrec.model.card import metrics_table
from tinynewsrec.model.config import ModelConfig
from tinynewsrec.model.folder import WEIGHTS
from tinynewsrec.model.frozen import freeze_stories
from tinynewsrec.model.language_models import load_language_model
from tinynewsrec.model.recommender import Recommender
from training.config import TrainConfig
from training.holdout import hold_out_last_day
from training.loop import STATE, Losses, this_process, train
from training.losses import click_loss
from training.record import training_record
from training.samples import Sampler, find_clicks


@dataclass(frozen=True)
class Arguments:
    data: Path
    """Folder of a split to train on."""
    out: Path
    """Where to write the checkpoint; a killed run started again with the same settings goes on from here."""
    dev: Path | None = None
    """Folder of a split to measure the result on."""
    hold_out: bool = False
    """Leave out the last day of the data and measure on it: for choosing settings without seeing dev."""
    negatives: int = 4
    """Stories beside each click, drawn anew each epoch from what the reader saw and did not click."""
    drop_history: float = 0.1
    """Share of the clicks shown without history, so that readers without one get a learnt vector."""
    trained_layers: int = 2
    """Layers of the language model that are trained, from the last; others and embeddings are frozen."""
    model: ModelConfig = field(default_factory=ModelConfig)
    training: TrainConfig = field(default_factory=TrainConfig)


def main(arguments: Arguments) -> None:
    refuse_finished(arguments.out)
    split, dev = splits(arguments)
    recommender = fresh_recommender(arguments)
    sampler = make_sampler(arguments, split, recommender)
    print(
        f"{split.name}: {len(sampler.clicks):,} clicks, {sampler.clicks.skipped:,} impressions skipped "
        f"(none or all clicked), {sampler.steps_per_epoch} steps an epoch"
    )
    steps = sampler.steps_per_epoch * arguments.training.epochs
    record = training_record(
        "finetune_teacher",
        arguments.data,
        split.name,
        seed=arguments.training.seed,
        parents=[arguments.model.language_model],
        clicks=len(sampler.clicks),
        skipped_impressions=sampler.clicks.skipped,
        processes=this_process().num_processes,
        settings=settings(arguments),
    )
    decisive = {name: record[name] for name in ("settings", "data", "processes")}
    train(recommender, sampler.batch, steps, losses_of, arguments.training, arguments.out, decisive)
    if not this_process().is_main_process:
        return
    recommender.training_record = record
    if dev is not None:
        recommender.metrics = metrics_record(evaluate_recommender(recommender, dev), dev)
        print(metrics_table(recommender.metrics))
    recommender.save_pretrained(arguments.out)
    (arguments.out / STATE).unlink(missing_ok=True)


def refuse_finished(folder: Path) -> None:
    """Raises ValueError rather than train over a checkpoint that is there."""
    if (folder / WEIGHTS).exists() and not (folder / STATE).exists():
        raise ValueError(f"{folder} holds a finished checkpoint. Delete it, or choose another --out.")


def splits(arguments: Arguments) -> tuple[Split, Split | None]:
    """What to train on, and what to measure on."""
    split = read_split(arguments.data)
    if not arguments.hold_out:
        return split, read_split(arguments.dev) if arguments.dev else None
    if arguments.dev:
        raise ValueError(
            "--hold-out and --dev exclude each other: choose on the held-out day, then report on dev."
        )
    return hold_out_last_day(split)


def fresh_recommender(arguments: Arguments) -> Recommender:
    language_model, tokenizer = load_language_model(arguments.model.language_model)
    torch.manual_seed(arguments.training.seed)
    recommender = Recommender(arguments.model, language_model, tokenizer)
    recommender.news_encoder.freeze_below(arguments.trained_layers)
    return recommender.to(this_process().device)


def make_sampler(arguments: Arguments, split: Split, recommender: Recommender) -> Sampler:
    """Raises ValueError where a batch cannot be dealt to all processes alike."""
    clicks = find_clicks(split.impressions)
    parts = arguments.training.accumulate * this_process().num_processes
    if arguments.training.batch_size % parts or len(clicks) < parts:
        raise ValueError(
            f"batch_size must be a multiple of {parts}, the parts that a batch is computed in, and "
            f"{split.name} have as many clicks; got {arguments.training.batch_size} and {len(clicks)}."
        )
    sampler = Sampler(
        split.impressions,
        clicks,
        recommender.tokens(split.news.texts("title")),
        arguments.model.history_length,
        arguments.training.batch_size,
        arguments.negatives,
        arguments.drop_history,
        arguments.training.seed,
    )
    return with_frozen_layers(sampler, recommender)


def with_frozen_layers(sampler: Sampler, recommender: Recommender) -> Sampler:
    """The same batches, with what the frozen layers make of each story computed beforehand."""
    encoder = recommender.news_encoder
    if not encoder.frozen_layers:
        return sampler
    rows = torch.from_numpy(sampler.stories().astype(np.int64))
    print(f"Reading {len(rows):,} stories through the {encoder.frozen_layers} frozen layers, once")
    frozen = freeze_stories(encoder.language_model, encoder.frozen_layers, sampler.tokens, rows)
    return replace(sampler, tokens=frozen)


def losses_of(model: nn.Module, batch: Batch) -> Losses:
    return {"click": click_loss(model(batch), batch.clicked, batch.candidates != EMPTY)}


def settings(arguments: Arguments) -> dict:
    """All that decides the result; the folders are named elsewhere."""
    chosen = asdict(arguments)
    return {name: value for name, value in chosen.items() if name not in ("data", "out", "dev")}


if __name__ == "__main__":
    with readable_errors():
        main(tyro.cli(Arguments, description=__doc__))
