"""Task distillation of TinyBERT (Jiao et al., 2020), and of TinyBERT-MT: a student learns clicks and layers.

How we read it: hidden states and attention scores of the last two layers, the teachers' softened scores, and
clicks with a weight of 0.1 are learnt at once, from finetuned teachers that stay as they are; layers as in
training/layer_distillation.py. Several teachers weigh in each case by softmax of -CE (Yu et al., 2022).

python -m training.finetune_tinybert --data MINDsmall_train --parent checkpoints/tinybert-general \
    --teachers checkpoints/teacher-1 --out checkpoints/tinybert-4
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, NamedTuple

import torch
import tyro
from jaxtyping import Float
from torch import Tensor, nn

from tinynewsrec.commands import readable_errors
from tinynewsrec.data.batches import Batch
from tinynewsrec.model.config import ModelConfig
from tinynewsrec.model.recommender import Recommender
from training.click_stage import (
    ClickArguments,
    case_distances,
    click_record,
    met_stories,
    sampler_over,
    splits,
    target_of,
)
from training.config import refuse_below
from training.distillation import Lesson, Watched, teach, watched_batch, write_weights
from training.finetune_student import named
from training.layer_distillation import Compared, LayerConfig, LayerMap, LayerTeachers
from training.loop import Losses, on_device
from training.losses import (
    blend,
    case_losses,
    distillation_loss,
    weighted_mean,
)
from training.stage import finish, learn, parents_of, refuse_finished, start
from training.teachers import find_teachers


@dataclass(frozen=True)
class TaskConfig(LayerConfig):
    layer_map: LayerMap = "last"
    """Which layers are copied: spread over the teacher from below, or the last of both."""
    distill: float = 1.0
    """Weight of the loss that copies the teachers' scores."""
    target: float = 0.1
    """Weight of the clicked story."""
    temperature: float = 1.0
    """What scores are divided by before they are copied."""
    watched: int = 32
    """Training cases whose teacher weights are written to teacher_weights.jsonl at each saved state."""

    def __post_init__(self):
        super().__post_init__()
        if self.temperature <= 0:
            raise ValueError(f"temperature must be above 0, got {self.temperature}.")
        if min(self.distill, self.target) < 0 or self.watched < 1:
            raise ValueError("distill and target must be 0 or more, watched 1 or more.")


@dataclass(frozen=True, kw_only=True)
class Arguments(ClickArguments):
    teachers: tuple[Path, ...]
    """Finetuned checkpoints."""
    teacher_count: int | None = None
    """How many of these teach, from the first; None: all."""
    parent: Path | None = None
    """Checkpoint whose first layers to begin with, posttrain_tinybert's say; None: the language model's."""
    distillation: TaskConfig = field(default_factory=TaskConfig)
    model: ModelConfig = field(default_factory=lambda: ModelConfig(layers=4))
    least_trained: ClassVar[int] = 1  # what is frozen cannot copy


def main(arguments: Arguments) -> None:
    refuse_finished(arguments.out)
    refuse_below(arguments, trained_layers=arguments.least_trained)
    split, dev = splits(arguments)
    found = find_teachers(arguments.teachers, arguments.teacher_count)
    student = start(arguments.model, arguments.trained_layers, arguments.training.seed, arguments.parent)
    teachers = LayerTeachers([teacher.load() for teacher in found], student, arguments.distillation)
    titles = student.tokens(split.news.texts("title"))
    sampler = sampler_over(teachers.reading(student, titles, met_stories(split)), arguments, split)
    record = click_record(arguments, split, sampler, parents_of(arguments, found))
    learner = TaskStudent(student, teachers, arguments.distillation)
    cases = watched_batch(sampler, arguments.distillation.watched)

    def watch(step: int) -> None:
        write_weights(arguments.out, step, named(cases, split.news), learner.watch(cases))

    learn(learner, sampler, arguments, record, at_state=watch)
    finish(student, record, arguments.out, dev)


class Studied(NamedTuple):
    """What a student and its teachers make of a batch."""

    lesson: Lesson
    scores: Float[Tensor, "B C"]
    losses: Float[Tensor, " B"]  # of the clicked story
    compared: Compared


class TaskStudent(nn.Module):
    """A recommender that is taught scores and layers; gives the losses of a batch."""

    def __init__(self, student: Recommender, teachers: LayerTeachers, config: TaskConfig):
        super().__init__()
        self.student, self.teachers, self.config = student, teachers, config

    def forward(self, batch: Batch) -> Losses:
        lesson, scores, losses, compared = self.study(batch)
        config, shown = self.config, target_of(batch)[1]
        taught = blend(lesson.scores, lesson.weights)

        def layer_loss(distances: Float[Tensor, "M N"]) -> Float[Tensor, ""]:
            return weighted_mean(case_distances(distances, batch), lesson.weights)

        return {
            "distill": config.distill * distillation_loss(scores, taught, shown, config.temperature),
            "target": config.target * losses.mean(),
            "hidden": config.hidden * layer_loss(compared.hidden),
            "attention": config.attention * layer_loss(compared.attention),
        }

    def study(self, batch: Batch) -> Studied:
        compared = self.teachers.compare(self.student.news_encoder, batch.tokens)
        target, shown = target_of(batch)
        scores = self.student.score(compared.news, batch.history, batch.candidates)
        taught = self.teachers.scores(compared.taught, batch)
        lesson = teach(taught, target, shown, self.config.weighting)
        return Studied(lesson, scores, case_losses(scores, target, shown), compared)

    @torch.no_grad()
    def watch(self, batch: Batch) -> Watched:
        """How teachers and student do on a fixed batch, without dropout."""
        self.eval()
        studied = self.study(on_device(batch, next(self.parameters()).device))
        return Watched(studied.lesson, studied.losses)


if __name__ == "__main__":
    with readable_errors():
        main(tyro.cli(Arguments, description=__doc__))
