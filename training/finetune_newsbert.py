"""Finetunes a student beside its teachers: NewsBERT and, with several of them, NewsBERT-MT (Wu et al., 2021).

Pooling, projection and user encoder are one for all; the authors' optimiser left them out, here they learn,
from every loss. They begin as the first teacher's, but for the user encoder, which is new. A teacher's layers
learn from its own clicks alone. How NewsBERT-MT is read: every loss that copies a teacher is weighted case by
case, as Tiny-NewsRec's are, and momentum comes from all teachers alike.

python -m training.finetune_newsbert --data MINDsmall_train --teachers checkpoints/posttrain \
    --teacher-count 1 --out checkpoints/newsbert-4
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import torch
import tyro
from jaxtyping import Float
from torch import Tensor, nn

from tinynewsrec.checkpoints import Checkpoint
from tinynewsrec.commands import readable_errors
from tinynewsrec.data.batches import Batch
from tinynewsrec.data.tokens import tokenize
from tinynewsrec.model.config import ModelConfig
from tinynewsrec.model.news_encoder import NewsEncoder, by_length
from tinynewsrec.model.recommender import Recommender
from training.click_stage import case_distances, click_record, splits, target_of
from training.config import refuse_below
from training.distillation import Watched, teach, watched_batch, write_weights
from training.finetune_student import named
from training.joint import (
    JointArguments,
    JointStories,
    Reading,
    joint_sampler,
    read,
    share_heads,
    teachers_loss,
    teachers_rates,
)
from training.layers import COPIED, blend_gradients, last_layers, layer_distances, refuse_misfit
from training.loop import Losses, on_device, this_process
from training.losses import (
    Weighting,
    blend,
    case_losses,
    distillation_loss,
    weighted_mean,
)
from training.stage import finish, learn, parents_of, refuse_finished, start, take_over
from training.teachers import find_teachers


@dataclass(frozen=True)
class NewsBertConfig:
    target: float = 0.1
    """Weight of the student's own click loss; all others weigh 1."""
    momentum: float = 0.1
    """Share of the teachers' gradient in that of a student's layer."""
    temperature: float = 1.0
    """What scores are divided by before they are copied."""
    weighting: Weighting = "confidence"
    """Teachers by their loss on each case, or all alike."""
    watched: int = 32
    """Training cases whose teacher weights are written to teacher_weights.jsonl at each saved state."""

    def __post_init__(self):
        if self.temperature <= 0 or self.target < 0 or self.watched < 1:
            raise ValueError("temperature must be above 0, target 0 or more, watched 1 or more.")
        if not 0 <= self.momentum <= 1:
            raise ValueError(f"momentum is a share, between 0 and 1; got {self.momentum}.")


@dataclass(frozen=True, kw_only=True)
class Arguments(JointArguments):
    teachers: tuple[Path, ...]
    """Folder of snapshots that posttrain_teacher wrote, or checkpoints one by one."""
    teacher_count: int | None = None
    """How many of these teach, from the first, which is the latest snapshot; None: all."""
    parent: Path | None = None
    """Checkpoint whose first layers the student begins with, a teacher say; None: the language model's."""
    distillation: NewsBertConfig = field(default_factory=NewsBertConfig)
    model: ModelConfig = field(default_factory=lambda: ModelConfig(layers=4))
    least_trained: ClassVar[int] = COPIED


def main(arguments: Arguments) -> None:
    refuse_finished(arguments.out)
    refuse_below(arguments, trained_layers=arguments.least_trained)
    split, dev = splits(arguments)
    checkpoints = find_teachers(arguments.teachers, arguments.teacher_count)
    student = start(arguments.model, arguments.trained_layers, arguments.training.seed, arguments.parent)
    titles = split.news.texts("title")
    teachers = [load_teacher(place, student, titles, arguments.trained_layers) for place in checkpoints]
    for part in ("pool", "project"):
        source = getattr(teachers[0], part)
        take_over(getattr(student.news_encoder, part), source, checkpoints[0].folder)
    encoders = [student.news_encoder, *teachers]
    sampler = joint_sampler(arguments, split, encoders, [student.tokens(titles)] * len(encoders))
    record = click_record(arguments, split, sampler, parents_of(arguments, checkpoints))
    learner = NewsBert(student, teachers, arguments.distillation)
    cases = watched_batch(sampler, arguments.distillation.watched)

    def watch(step: int) -> None:
        write_weights(arguments.out, step, named(cases, split.news), learner.watch(cases))

    rates = teachers_rates(arguments, len(teachers))
    learn(
        learner, sampler, arguments, record, at_state=watch, before_step=learner.blend_gradients, rates=rates
    )
    finish(student, record, arguments.out, dev)


def load_teacher(
    checkpoint: Checkpoint, student: Recommender, titles: Sequence[str], trained: int
) -> NewsEncoder:
    """Raises ValueError where its layers cannot be laid beside the student's, or cut titles otherwise."""
    teacher = checkpoint.load()
    refuse_misfit(student.news_encoder, teacher.news_encoder, checkpoint.folder)
    length = student.config.title_length
    if not all(map(torch.equal, student.tokens(titles), tokenize(titles, teacher.tokenizer, length))):
        raise ValueError(f"{checkpoint.folder} and the student cut titles into other word pieces.")
    teacher.news_encoder.freeze_below(trained)
    return teacher.news_encoder.to(this_process().device)


class NewsBert(nn.Module):
    """A student and its teachers' news encoders, all of which learn; gives the losses of a batch."""

    def __init__(self, student: Recommender, teachers: Sequence[NewsEncoder], config: NewsBertConfig):
        super().__init__()
        self.student, self.config = student, config
        for teacher in teachers:
            share_heads(teacher, student.news_encoder)
        self.teachers = nn.ModuleList(teachers)

    def forward(self, batch: Batch) -> Losses:
        (news, readers, scores), words = self.read(batch)
        target, shown = target_of(batch)
        lesson = teach(scores[1:], target, shown, self.config.weighting)
        taught, weights = blend(lesson.scores, lesson.weights), lesson.weights
        of_news = squares(news[1:].detach(), news[0])
        of_readers = squares(readers[1:].detach(), readers[0])
        return {
            "teachers": teachers_loss(scores[1:], target, shown),
            "distill": distillation_loss(scores[0], taught, shown, self.config.temperature),
            "words": weighted_mean(case_distances(words, batch), weights),
            "news": weighted_mean(case_distances(of_news, batch), weights),
            "readers": weighted_mean(of_readers, weights),
            "target": self.config.target * case_losses(scores[0], target, shown).mean(),
        }

    def read(self, batch: Batch) -> tuple[Reading, Float[Tensor, "M N"]]:
        """What each model makes of a batch, and how far each teacher's words are from the student's."""
        news, words = by_length(batch.tokens, self.encode)
        return read(self.student, news.movedim(1, 0), batch), words.T

    def encode(self, stories: JointStories) -> tuple[Float[Tensor, "N K D"], Float[Tensor, "N M"]]:
        """The vectors by student and teachers, and how far each teacher's words are from the student's."""
        encoders, mask = [self.student.news_encoder, *self.teachers], stories.models[0].mask
        models = list(zip(encoders, stories.models, strict=True))
        learnt, *taught = layers = [last_layers(encoder, tokens) for encoder, tokens in models]
        vectors = [e.project(e.pool(words[-1], mask)) for e, words in zip(encoders, layers, strict=True)]
        return torch.stack(vectors, 1), torch.stack([layer_distances(t, learnt, mask) for t in taught], 1)

    def blend_gradients(self) -> None:
        blend_gradients(self.student.news_encoder, self.teachers, self.config.momentum)

    @torch.no_grad()
    def watch(self, batch: Batch) -> Watched:
        """How teachers and student do on a fixed batch, without dropout."""
        self.eval()
        batch = on_device(batch, next(self.parameters()).device)
        scores, (target, shown) = self.read(batch)[0].scores, target_of(batch)
        lesson = teach(scores[1:], target, shown, self.config.weighting)
        return Watched(lesson, case_losses(scores[0], target, shown))


def squares(taught: Float[Tensor, "M N D"], learnt: Float[Tensor, "N D"]) -> Float[Tensor, "M N"]:
    return (taught - learnt).square().mean(-1)


if __name__ == "__main__":
    with readable_errors():
        main(tyro.cli(Arguments, description=__doc__))
