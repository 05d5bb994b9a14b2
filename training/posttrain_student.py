"""Teaches a small language model the domain as several post-trained teachers see it: stage I of Tiny-NewsRec.

Bodies are matched with titles, the teachers' scores and vectors are copied (Yu et al., 2022).

python -m training.posttrain_student --data MINDsmall_train --teachers checkpoints/posttrain \
    --out checkpoints/stage-1
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import torch
import tyro
from jaxtyping import Float
from torch import Tensor, nn

from tinynewsrec.checkpoints import Checkpoint
from tinynewsrec.commands import readable_errors
from tinynewsrec.model.config import ModelConfig
from tinynewsrec.model.projections import Projections
from tinynewsrec.model.recommender import Recommender
from training.config import TrainConfig, refuse_below
from training.distillation import (
    DistillConfig,
    Watched,
    distillation_losses,
    norms_of,
    teach,
    watched_batch,
    write_weights,
)
from training.loop import Losses, on_device
from training.losses import case_losses, slot_means
from training.pair_samples import PairBatch, first_is_own, make_pair_sampler, match
from training.pairs import Pairs, read_pairs
from training.record import training_record
from training.stage import finish, learn, parents_of, refuse_finished, start
from training.taught_vectors import taught_vectors
from training.teachers import find_teachers

TRAINING = TrainConfig(epochs=10, batch_size=128, learning_rate=2e-4, head_learning_rate=1e-3, save_every=25)


@dataclass(frozen=True, kw_only=True)
class Arguments:
    data: Path
    """Folder of a split, whose abstracts are the bodies, or a file of titles and bodies."""
    out: Path
    """Where to write the student; a killed run started again with the same settings goes on from here."""
    teachers: tuple[Path, ...]
    """Folder of snapshots that posttrain_teacher wrote, or checkpoints one by one."""
    teacher_count: int | None = None
    """How many of these teach, from the first, which is the latest snapshot; None: all."""
    parent: Path | None = None
    """Checkpoint whose first layers the student begins with, a teacher say; None: the language model's."""
    negatives: int | None = None
    """Titles beside each body's own, drawn from the whole corpus (the paper: 9); None: those of the batch."""
    body_length: int = 128
    """Tokens of a body, the special ones included; the rest is cut off."""
    trained_layers: int = 2
    """Layers of the language model that are trained, from the last; others and embeddings are frozen."""
    distillation: DistillConfig = field(default_factory=DistillConfig)
    model: ModelConfig = field(default_factory=lambda: ModelConfig(layers=4))
    training: TrainConfig = TRAINING

    def __post_init__(self):
        refuse_below(self, negatives=1, body_length=3, trained_layers=0)


def main(arguments: Arguments) -> None:
    refuse_finished(arguments.out)
    pairs = read_pairs(arguments.data)
    teachers = find_teachers(arguments.teachers, arguments.teacher_count)
    student = start(arguments.model, arguments.trained_layers, arguments.training.seed, arguments.parent)
    sampler = make_pair_sampler(
        pairs, student, arguments.negatives, arguments.body_length, arguments.training
    )
    record = training_record(arguments, pairs.name, parents_of(arguments, teachers), pairs=len(pairs))
    learner = MatchingStudent(student, teachers, arguments.distillation)
    lessons = PairLessons(teachers, pairs, arguments.body_length)
    cases = watched_batch(sampler, arguments.distillation.watched)

    def watch(step: int) -> None:
        names = [{"story": pairs.ids[row]} for row in cases.body_rows.tolist()]
        write_weights(arguments.out, step, names, learner.watch(cases, lessons))

    def losses_of(model: nn.Module, batch: PairBatch) -> Losses:
        return model(batch, lessons.take(batch))

    learn(learner, sampler, arguments, record, losses_of, watch)
    finish(student, record, arguments.out, projections=learner.projections)


class Taught(NamedTuple):
    """What M teachers make of a batch."""

    titles: Float[Tensor, "M N E"]
    bodies: Float[Tensor, "M B E"]
    scores: Float[Tensor, "M B C"]


class PairLessons:
    """The vectors of M teachers for all titles and bodies."""

    def __init__(self, teachers: list[Checkpoint], pairs: Pairs, body_length: int):
        titles = [taught_vectors(t, pairs.ids, pairs.titles, t.config.title_length) for t in teachers]
        bodies = [taught_vectors(t, pairs.ids, pairs.bodies, body_length) for t in teachers]
        self.titles, self.bodies = torch.stack(titles), torch.stack(bodies)

    def take(self, batch: PairBatch) -> Taught:
        device = batch.candidates.device
        titles = self.titles[:, batch.title_rows.cpu()].to(device)
        bodies = self.bodies[:, batch.body_rows.cpu()].to(device)
        return Taught(titles, bodies, torch.einsum("mbe,mbce->mbc", bodies, titles[:, batch.candidates]))


class MatchingStudent(nn.Module):
    """A news encoder and its projections; gives the losses of a batch."""

    def __init__(self, student: Recommender, teachers: list[Checkpoint], config: DistillConfig):
        super().__init__()
        self.news_encoder, self.config = student.news_encoder, config
        names = tuple(teacher.name for teacher in teachers)
        sizes = teachers[0].config.news_size, student.config.news_size
        self.projections = Projections(("news",), names, *sizes, config.projection_side)

    def forward(self, batch: PairBatch, taught: Taught) -> Losses:
        titles, bodies = self.news_encoder(batch.titles), self.news_encoder(batch.bodies)
        scores = match(titles, bodies, batch.candidates)
        own, shown = first_is_own(scores)
        lesson = teach(taught.scores, own, shown, self.config.weighting)
        of_titles = self.projections.distances("news", taught.titles, titles)
        of_bodies = self.projections.distances("news", taught.bodies, bodies)
        distances = slot_means(of_titles, batch.candidates, shown) + of_bodies
        return distillation_losses(lesson, scores, own, shown, distances, self.config)

    @torch.no_grad()
    def watch(self, batch: PairBatch, lessons: PairLessons) -> Watched:
        """How teachers and student do on a fixed batch, without dropout."""
        self.eval()
        batch = on_device(batch, next(self.parameters()).device)
        bodies, taught = self.news_encoder(batch.bodies), lessons.take(batch)
        scores = match(self.news_encoder(batch.titles), bodies, batch.candidates)
        own, shown = first_is_own(scores)
        lesson = teach(taught.scores, own, shown, self.config.weighting)
        norms = norms_of(*self.projections.compared("news", taught.bodies, bodies))
        return Watched(lesson, case_losses(scores, own, shown), norms)


if __name__ == "__main__":
    with readable_errors():
        main(tyro.cli(Arguments, description=__doc__))
