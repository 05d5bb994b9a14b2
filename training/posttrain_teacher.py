"""Teaches a language model the domain before any click: matching bodies with titles (DP of Yu et al., 2022).

python -m training.posttrain_teacher --data MINDsmall_train --out checkpoints/posttrain
"""

from dataclasses import dataclass, field
from pathlib import Path

import tyro
from jaxtyping import Float
from torch import Tensor, nn

from tinynewsrec.commands import readable_errors
from tinynewsrec.model.config import ModelConfig
from tinynewsrec.model.news_encoder import NewsEncoder
from training.config import TrainConfig, refuse_below
from training.loop import STATE, Losses, this_process
from training.losses import case_losses
from training.pair_samples import PairBatch, first_is_own, make_pair_sampler, match
from training.pairs import read_pairs
from training.record import training_record
from training.snapshots import Snapshots, refuse_finished_snapshots, refuse_short
from training.stage import learn, start

TRAINING = TrainConfig(epochs=6, batch_size=128, learning_rate=5e-5, head_learning_rate=5e-4, save_every=11)


@dataclass(frozen=True, kw_only=True)
class Arguments:
    data: Path
    """Folder of a split, whose abstracts are the bodies, or a file of titles and bodies."""
    out: Path
    """Where to write the snapshots; a killed run started again with the same settings goes on from here."""
    negatives: int | None = None
    """Titles beside each body's own, drawn from the whole corpus (the paper: 9); None: those of the batch."""
    body_length: int = 128
    """Tokens of a body, the special ones included; the rest is cut off."""
    trained_layers: int = 3
    """Layers of the language model that are trained, from the last; others and embeddings are frozen."""
    snapshots: int = 4
    """The last states that are kept as teachers, training.save_every steps apart."""
    model: ModelConfig = field(default_factory=ModelConfig)
    training: TrainConfig = TRAINING

    def __post_init__(self):
        refuse_below(self, negatives=1, body_length=3, trained_layers=0, snapshots=1)


def main(arguments: Arguments) -> None:
    refuse_finished_snapshots(arguments.out)
    pairs = read_pairs(arguments.data)
    steps = arguments.training.steps(len(pairs))
    refuse_short(arguments.snapshots, arguments.training.save_every, steps)
    recommender = start(arguments.model, arguments.trained_layers, arguments.training.seed)
    sampler = make_pair_sampler(
        pairs, recommender, arguments.negatives, arguments.body_length, arguments.training
    )
    record = training_record(
        arguments, pairs.name, parents=[arguments.model.language_model], pairs=len(pairs)
    )
    snapshots = Snapshots(arguments.out, arguments.snapshots, arguments.training.save_every, steps, record)
    learner = Matcher(recommender.news_encoder)
    learn(learner, sampler, arguments, record, losses_of, lambda step: snapshots.keep(step, recommender))
    if this_process().is_main_process:
        snapshots.write_manifest()
        (arguments.out / STATE).unlink(missing_ok=True)


class Matcher(nn.Module):
    """One encoder for titles and bodies; a pair's score is the dot product of the two vectors."""

    def __init__(self, news_encoder: NewsEncoder):
        super().__init__()
        self.news_encoder = news_encoder

    def forward(self, batch: PairBatch) -> Float[Tensor, "B C"]:
        return match(self.news_encoder(batch.titles), self.news_encoder(batch.bodies), batch.candidates)


def losses_of(model: nn.Module, batch: PairBatch) -> Losses:
    scores = model(batch)
    return {"match": case_losses(scores, *first_is_own(scores)).mean()}


if __name__ == "__main__":
    with readable_errors():
        main(tyro.cli(Arguments, description=__doc__))
