"""Teaches a student clicks as several teachers see them: stage II of Tiny-NewsRec (Yu et al., 2022).

python -m training.finetune_student --data MINDsmall_train --parent checkpoints/stage-1 \
    --teachers checkpoints/teacher-1 checkpoints/teacher-2 --out checkpoints/student-4
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import torch
import tyro
from jaxtyping import Float
from torch import Tensor, nn

from tinynewsrec.checkpoints import Checkpoint
from tinynewsrec.commands import readable_errors
from tinynewsrec.data.batches import EMPTY, Batch
from tinynewsrec.data.tables import News, Split
from tinynewsrec.model.config import ModelConfig
from tinynewsrec.model.projections import Projections
from tinynewsrec.model.recommender import Recommender
from training.click_stage import (
    ClickArguments,
    case_distances,
    click_record,
    click_sampler,
    met_stories,
    splits,
    target_of,
)
from training.distillation import (
    DistillConfig,
    Lesson,
    Watched,
    distillation_losses,
    norms_of,
    teach,
    watched_batch,
    write_weights,
)
from training.loop import AtState, Losses, on_device
from training.losses import case_losses
from training.samples import Sampler
from training.stage import finish, learn, parents_of, refuse_finished, start
from training.taught_vectors import taught_vectors
from training.teachers import find_teachers


@dataclass(frozen=True, kw_only=True)
class Arguments(ClickArguments):
    teachers: tuple[Path, ...]
    """Finetuned checkpoints."""
    teacher_count: int | None = None
    """How many of these teach, from the first; None: all."""
    parent: Path | None = None
    """Checkpoint whose first layers to begin with, that of stage I say; None: the language model's."""
    distillation: DistillConfig = field(default_factory=DistillConfig)
    model: ModelConfig = field(default_factory=lambda: ModelConfig(layers=4))


def main(arguments: Arguments) -> None:
    refuse_finished(arguments.out)
    split, dev = splits(arguments)
    teachers = find_teachers(arguments.teachers, arguments.teacher_count)
    student = start(arguments.model, arguments.trained_layers, arguments.training.seed, arguments.parent)
    sampler = click_sampler(arguments, split, student)
    record = click_record(arguments, split, sampler, parents_of(arguments, teachers))
    learner = ClickStudent(student, teachers, arguments.distillation)
    lessons = ClickLessons(teachers, split)
    watch = watcher(learner, lessons, sampler, split.news, arguments.out)

    def losses_of(model: nn.Module, batch: Batch) -> Losses:
        return model(batch, lessons.take(batch))

    learn(learner, sampler, arguments, record, losses_of, watch)
    finish(student, record, arguments.out, dev, learner.projections)


class Taught(NamedTuple):
    """What M teachers make of a batch."""

    news: Float[Tensor, "M N E"]
    readers: Float[Tensor, "M B E"]
    scores: Float[Tensor, "M B C"]


class ClickLessons:
    """The news vectors of M teachers for all stories of a split that a case can meet, zeros for others; and
    their user encoders, which stay as they are."""

    def __init__(self, teachers: list[Checkpoint], split: Split):
        met = met_stories(split)
        ids, titles = split.news.columns.select(["id", "title"]).take(met.numpy()).to_pydict().values()
        vectors = torch.stack([taught_vectors(t, ids, titles, t.config.title_length) for t in teachers])
        self.news = vectors.new_zeros(len(teachers), len(split.news), vectors.shape[-1])
        self.news[:, met] = vectors
        self.user_encoders = [t.load().user_encoder.requires_grad_(False).eval() for t in teachers]

    @torch.no_grad()
    def take(self, batch: Batch) -> Taught:
        device, mask = batch.history.device, batch.history != EMPTY
        news = self.news[:, batch.stories.cpu()].to(device)
        readers = torch.stack(
            [
                encoder.to(device)(vectors[batch.history], mask)
                for encoder, vectors in zip(self.user_encoders, news, strict=True)
            ]
        )
        return Taught(news, readers, torch.einsum("mbe,mbce->mbc", readers, news[:, batch.candidates]))


class ClickStudent(nn.Module):
    """A recommender and its projections, one for news and one for readers; gives the losses of a batch."""

    def __init__(self, student: Recommender, teachers: list[Checkpoint], config: DistillConfig):
        super().__init__()
        self.student, self.config = student, config
        names = tuple(teacher.name for teacher in teachers)
        sizes = teachers[0].config.news_size, student.config.news_size
        self.projections = Projections(("news", "reader"), names, *sizes, config.projection_side)

    def forward(self, batch: Batch, taught: Taught) -> Losses:
        return self.losses(self.student.encode(batch.tokens), batch, taught, self.lesson(batch, taught))

    def losses(self, news: Float[Tensor, "N D"], batch: Batch, taught: Taught, lesson: Lesson) -> Losses:
        readers = self.student.read(news, batch.history)
        scores = torch.einsum("bd,bcd->bc", readers, news[batch.candidates])
        target, shown = target_of(batch)
        distances = case_distances(self.projections.distances("news", taught.news, news), batch)
        distances = distances + self.projections.distances("reader", taught.readers, readers)
        return distillation_losses(lesson, scores, target, shown, distances, self.config)

    def lesson(self, batch: Batch, taught: Taught) -> Lesson:
        return teach(taught.scores, *target_of(batch), self.config.weighting)

    @torch.no_grad()
    def watch(self, batch: Batch, lessons: ClickLessons) -> Watched:
        """How teachers and student do on a fixed batch, without dropout."""
        self.eval()
        batch = on_device(batch, next(self.parameters()).device)
        (target, shown), taught = target_of(batch), lessons.take(batch)
        lesson = self.lesson(batch, taught)
        news = self.student.encode(batch.tokens)
        scores = self.student.score(news, batch.history, batch.candidates)
        readers = self.student.read(news, batch.history)
        norms = norms_of(*self.projections.compared("reader", taught.readers, readers))
        return Watched(lesson, case_losses(scores, target, shown), norms)


def watcher(
    learner: ClickStudent, lessons: ClickLessons, sampler: Sampler, news: News, folder: Path
) -> AtState:
    """Writes at each state how much each teacher is trusted, on the same few cases."""
    cases = watched_batch(sampler, learner.config.watched)

    def watch(step: int) -> None:
        write_weights(folder, step, named(cases, news), learner.watch(cases, lessons))

    return watch


def named(cases: Batch, news: News) -> list[dict[str, Any]]:
    """The stories of each case by id: the history, and the candidates, of which the first was clicked."""
    ids = [news.known_ids[row].as_py() for row in cases.stories.tolist()]
    return [
        {
            "history": [ids[place] for place in history if place != EMPTY],
            "candidates": [ids[place] for place in candidates if place != EMPTY],
        }
        for history, candidates in zip(cases.history.tolist(), cases.candidates.tolist(), strict=True)
    ]


if __name__ == "__main__":
    with readable_errors():
        main(tyro.cli(Arguments, description=__doc__))
