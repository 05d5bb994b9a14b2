"""Teaches a news encoder to know a body again, without labels: unsupervised SimCSE (Gao et al., 2021).

Each body is read twice; only the dropout of the trained layers differs, for frozen ones have theirs off. Of
all second readings, the body's own must be the nearest to its first. The news vector stands where the authors
have [CLS] and a layer on top of it, so pooling and projection are trained as well, and kept.

A batch that is computed in several parts, or by several processes, is contrasted within each part alone:
fewer negatives, another loss. Give one part all that should meet.

python -m training.posttrain_simcse --data MINDsmall_train --out checkpoints/simcse
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import tyro
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from tinynewsrec.commands import readable_errors
from tinynewsrec.data.tokens import Stories, Tokens, tokenize
from tinynewsrec.model.config import ModelConfig
from tinynewsrec.model.news_encoder import NewsEncoder
from training.config import TrainConfig, refuse_below
from training.loop import Losses, on_device, this_process
from training.losses import case_losses
from training.pairs import read_pairs
from training.record import training_record
from training.samples import Dealt, refuse_uneven, share
from training.stage import finish, learn, refuse_finished, start, with_frozen_layers

TRAINING = TrainConfig(epochs=8, batch_size=128, learning_rate=5e-5, head_learning_rate=5e-4, save_every=25)


@dataclass(frozen=True, kw_only=True)
class Arguments:
    data: Path
    """Folder of a split, whose abstracts are the bodies, or a file of titles and bodies."""
    out: Path
    """Where to write the checkpoint; a killed run started again with the same settings goes on from here."""
    temperature: float = 0.05
    """What cosines are divided by: the smaller, the more the nearest negatives count."""
    body_length: int = 128
    """Tokens of a body, the special ones included; the rest is cut off."""
    trained_layers: int = 3
    """Layers of the language model that are trained, from the last; others and embeddings are frozen."""
    model: ModelConfig = field(default_factory=ModelConfig)
    training: TrainConfig = TRAINING

    def __post_init__(self):
        refuse_below(self, body_length=3, trained_layers=1)
        if self.temperature <= 0:
            raise ValueError(f"temperature must be above 0, got {self.temperature}.")


def main(arguments: Arguments) -> None:
    refuse_finished(arguments.out)
    pairs = read_pairs(arguments.data, needed=("body",))
    refuse_lonely(arguments.training, len(pairs), pairs.name)
    recommender = start(arguments.model, arguments.trained_layers, arguments.training.seed)
    encoder = recommender.news_encoder
    tokens = tokenize(pairs.bodies, recommender.tokenizer, arguments.body_length)
    sampler = BodySampler(
        with_frozen_layers(encoder, tokens, torch.arange(len(pairs))),
        alike(tokens),
        arguments.training.batch_size,
        arguments.training.seed,
    )
    learner = TwinReader(encoder, arguments.temperature)
    refuse_identical_twins(learner, sampler.batch(0, 0, this_process().num_processes))
    record = training_record(
        arguments, pairs.name, parents=[arguments.model.language_model], bodies=len(pairs)
    )
    learn(learner, sampler, arguments, record)
    finish(recommender, record, arguments.out)


class BodyBatch(NamedTuple):
    """B bodies; those that are alike have the same number in `kinds`."""

    bodies: Stories
    kinds: Int[Tensor, " B"]


@dataclass(frozen=True, eq=False)
class BodySampler(Dealt):
    bodies: Stories
    kinds: Int[np.ndarray, " N"]
    batch_size: int
    seed: int

    @property
    def cases(self) -> int:
        return len(self.kinds)

    def batch(self, step: int, part: int = 0, parts: int = 1) -> BodyBatch:
        """The batch of a step, or one of its equal parts."""
        chosen, _ = self.chosen(step)
        mine = chosen[share(len(chosen), part, parts)]
        return BodyBatch(self.bodies.take(torch.from_numpy(mine)), torch.from_numpy(self.kinds[mine]))


class TwinReader(nn.Module):
    """Reads each body twice; gives the loss of a batch."""

    def __init__(self, news_encoder: NewsEncoder, temperature: float):
        super().__init__()
        self.news_encoder, self.temperature = news_encoder, temperature

    def forward(self, batch: BodyBatch) -> Losses:
        return {"twins": twin_loss(*self.read(batch), batch.kinds, self.temperature)}

    def read(self, batch: BodyBatch) -> tuple[Float[Tensor, "B D"], Float[Tensor, "B D"]]:
        return self.news_encoder(batch.bodies), self.news_encoder(batch.bodies)


def twin_loss(
    first: Float[Tensor, "B D"],
    second: Float[Tensor, "B D"],
    kinds: Int[Tensor, " B"],
    temperature: float,
) -> Float[Tensor, ""]:
    """Cross-entropy of each body's own second reading among all but those of bodies like it."""
    scores = F.normalize(first, dim=-1) @ F.normalize(second, dim=-1).T / temperature
    own = torch.arange(len(kinds), device=kinds.device)
    shown = (kinds[:, None] != kinds) | (own[:, None] == own)
    return case_losses(scores, own, shown).mean()


def alike(tokens: Tokens) -> Int[np.ndarray, " N"]:
    """A number for each body, the same for those of which the encoder reads the same words.

    Raises ValueError where all are the same.
    """
    distinct, kinds = np.unique(tokens.ids.numpy(), axis=0, return_inverse=True)
    if len(distinct) < 2:
        raise ValueError(f"SimCSE needs two different bodies or more, found {len(distinct)} as they are cut.")
    return kinds.reshape(-1).astype(np.int64)


def refuse_lonely(training: TrainConfig, bodies: int, name: str) -> None:
    """Raises ValueError where a batch cannot be dealt out, or where a part of it would hold no negative."""
    processes = this_process().num_processes
    refuse_uneven(training, bodies, processes, name)
    parts = training.accumulate * processes
    if min(training.batch_size, bodies) // parts < 2:
        raise ValueError(
            f"Each of the {parts} parts of a batch needs two bodies or more to tell apart; batch_size is "
            f"{training.batch_size} and {name} has {bodies}. Raise it, or lower accumulate."
        )


@torch.no_grad()
def refuse_identical_twins(learner: TwinReader, batch: BodyBatch) -> None:
    """Raises ValueError where no dropout tells the readings apart: there would be nothing to learn."""
    learner.train()
    first, second = learner.read(on_device(batch, next(learner.parameters()).device))
    if torch.allclose(first, second):
        raise ValueError(
            "Both readings of a body are the same: the layers that are trained have no dropout. Set "
            "--trained-layers to 1 or more, and choose a --model.language-model with dropout in its "
            "config.json."
        )


if __name__ == "__main__":
    with readable_errors():
        main(tyro.cli(Arguments, description=__doc__))
