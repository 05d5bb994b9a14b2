"""Finetunes a language model to recommend: PLM-NR (FT) of any number of layers (Wu et al., 2021).

python -m training.finetune_teacher --data MINDsmall_train --out checkpoints/teacher
"""

from dataclasses import dataclass
from pathlib import Path

import tyro
from torch import nn

from tinynewsrec.commands import readable_errors
from tinynewsrec.data.batches import EMPTY, Batch
from training.click_stage import ClickArguments, click_record, click_sampler, splits
from training.loop import Losses
from training.losses import click_loss
from training.stage import finish, learn, parents_of, refuse_finished, start


@dataclass(frozen=True, kw_only=True)
class Arguments(ClickArguments):
    parent: Path | None = None
    """Checkpoint whose news encoder to begin with, a snapshot say; None: the language model's."""


def main(arguments: Arguments) -> None:
    refuse_finished(arguments.out)
    split, dev = splits(arguments)
    recommender = start(arguments.model, arguments.trained_layers, arguments.training.seed, arguments.parent)
    sampler = click_sampler(arguments, split, recommender)
    record = click_record(arguments, split, sampler, parents_of(arguments))
    learn(recommender, sampler, arguments, record, losses_of)
    finish(recommender, record, arguments.out, dev)


def losses_of(model: nn.Module, batch: Batch) -> Losses:
    return {"click": click_loss(model(batch), batch.clicked, batch.candidates != EMPTY)}


if __name__ == "__main__":
    with readable_errors():
        main(tyro.cli(Arguments, description=__doc__))
