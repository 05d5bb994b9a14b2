"""Finetunes for clicks and for what stories are: MTRec (Bi et al., 2022), of a whole encoder or a student.

Category, subcategory, sentiment and entities are told by heads on the news encoder, of every story of a batch
once, whether a reader clicked on it before or is offered it now. Where their gradients pull against that of
the clicks, surgery decides. With teachers, the clicks are learnt as in stage II of Tiny-NewsRec.

python -m training.finetune_mtrec --data MINDsmall_train --out checkpoints/mtrec \
    --heads.tasks category entities --surgery.strategy mtrec --lora.rank 16
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import torch
import tyro
from rich import print
from torch import nn

from tinynewsrec.checkpoints import Checkpoint
from tinynewsrec.commands import readable_errors
from tinynewsrec.data.batches import EMPTY, Batch
from tinynewsrec.data.labels import IGNORE
from tinynewsrec.data.tables import Split
from tinynewsrec.evaluation.labelling import heads_record, held_out
from tinynewsrec.model.recommender import Recommender
from training.click_stage import ClickArguments, click_record, click_sampler, splits
from training.distillation import DistillConfig, Lesson
from training.finetune_student import ClickLessons, ClickStudent, Taught, watcher
from training.head_lessons import HeadLessons, Scores
from training.loop import SUM, Backward, Losses, this_process, unseen
from training.lora import LoraConfig, adapt, merge
from training.losses import click_loss, label_loss, story_weights, taught_label_loss
from training.stage import finish, learn, parents_of, refuse_finished, start
from training.story_labels import Codes, Counts, HeadsConfig, StoryLabels, labels_of, teaching_labels
from training.surgery import Surgery, SurgeryConfig
from training.teachers import find_teachers


@dataclass(frozen=True, kw_only=True)
class Arguments(ClickArguments):
    parent: Path | None = None
    """Checkpoint whose first layers to begin with; None: the language model's."""
    heads: HeadsConfig = field(default_factory=HeadsConfig)
    surgery: SurgeryConfig = field(default_factory=SurgeryConfig)
    lora: LoraConfig = field(default_factory=LoraConfig)
    teachers: tuple[Path, ...] = ()
    """Finetuned checkpoints, to learn clicks from as well; none: clicks alone."""
    teacher_count: int | None = None
    """How many of these teach, from the first; None: all."""
    distillation: DistillConfig = field(default_factory=DistillConfig)
    """How teachers teach, where there are any."""

    def __post_init__(self):
        super().__post_init__()
        if self.heads.distillation and not (self.teachers and self.heads.tasks):
            raise ValueError("heads.distillation expects --teachers, and --heads.tasks.")
        if self.lora.rank and not self.trained_layers:
            raise ValueError(
                "Adapters go into trained layers: expected --trained-layers of 1 or more, or no adapter "
                "(in a table --adapters full)."
            )


def main(arguments: Arguments) -> None:
    refuse_finished(arguments.out)
    split, dev = splits(arguments)
    teachers = find_teachers(arguments.teachers, arguments.teacher_count) if arguments.teachers else []
    recommender = start(arguments.model, arguments.trained_layers, arguments.training.seed, arguments.parent)
    labels = teaching_labels(split, recommender, arguments.heads)
    right = right_labels(dev, recommender, labels, arguments.heads) if labels.codes and dev else None
    recommender.add_heads(labels.specs)
    sampler = click_sampler(arguments, split, recommender)
    record = click_record(arguments, split, sampler, parents_of(arguments, teachers))
    adapt(recommender.news_encoder, arguments.lora, arguments.training.seed)
    learner = MTRec(recommender, teachers, arguments)
    heads = HeadLessons(teachers, recommender, split) if arguments.heads.distillation else None
    lessons = Lessons(labels, heads, ClickLessons(teachers, split) if teachers else None)

    def losses_of(model: nn.Module, batch: Batch) -> Losses:
        return model(batch, *lessons.take(batch))

    watch = (
        watcher(learner.clicks, lessons.clicks, sampler, split.news, arguments.out) if teachers else unseen
    )
    rates = {"recommender.heads.": arguments.heads.learning_rate}
    backward = backward_of(learner, arguments)
    learn(learner, sampler, arguments, record, losses_of, watch, backward=backward, rates=rates)
    merge(recommender, arguments.out)
    measured = measure_heads(recommender, right, split, dev) if right and right.codes else {}
    projections = learner.clicks.projections if teachers else None
    finish(recommender, record | {"labels": labels.record}, arguments.out, dev, projections, measured)


def backward_of(learner: nn.Module, arguments: Arguments) -> Backward:
    """Without tasks there is nothing to reconcile with the clicks."""
    weights, seed = arguments.heads.weights, arguments.training.seed
    return Surgery(learner, arguments.surgery, weights, arguments.out, seed) if weights else SUM


class Lessons(NamedTuple):
    """All that is taught of a split."""

    labels: StoryLabels
    heads: HeadLessons | None
    clicks: ClickLessons | None

    def take(self, batch: Batch) -> tuple[Codes, Counts, Taught | None, Scores]:
        width = batch.tokens.mask.shape[1]
        return (
            self.labels.take(batch.stories, width),
            self.labels.counts(batch),
            self.clicks.take(batch) if self.clicks else None,
            self.heads.take(batch.stories, width) if self.heads else {},
        )


class MTRec(nn.Module):
    """A recommender with heads, and what it learns clicks by; gives the losses of a batch, unweighted."""

    def __init__(self, recommender: Recommender, teachers: Sequence[Checkpoint], arguments: Arguments):
        super().__init__()
        self.recommender, self.arguments = recommender, arguments
        self.clicks = ClickStudent(recommender, list(teachers), arguments.distillation) if teachers else None
        self.parts = arguments.training.accumulate * this_process().num_processes

    def forward(
        self, batch: Batch, labels: Codes, counts: Counts, taught: Taught | None, told: Scores
    ) -> Losses:
        news, scores = self.recommender.encode_and_label(batch.tokens)
        heads = {
            task: self.parts * label_loss(scores[task], codes, counts[task]) for task, codes in labels.items()
        }
        if taught is None:
            ranked = self.recommender.score(news, batch.history, batch.candidates)
            return {"click": click_loss(ranked, batch.clicked, batch.candidates != EMPTY)} | heads
        lesson = self.clicks.lesson(batch, taught)
        copied = self.copied(scores, told, lesson, batch, labels, counts)
        share = self.arguments.heads.distillation
        heads |= {task: heads[task] + share * self.parts * loss for task, loss in copied.items()}
        return self.clicks.losses(news, batch, taught, lesson) | heads

    def copied(
        self, scores: Scores, told: Scores, lesson: Lesson, batch: Batch, labels: Codes, counts: Counts
    ) -> Losses:
        """The losses that copy the teachers' heads, as far as each teacher is trusted with the clicks.

        A teacher says something of every story, also where its label is unknown, but of word pieces only
        where the title's names are known.
        """
        slots = torch.cat([batch.history, batch.candidates], dim=-1)
        weights = story_weights(lesson.weights, slots, slots != EMPTY, len(batch.stories))
        temperature = self.arguments.distillation.temperature
        every = batch.shares / len(batch.whole)
        return {
            task: taught_label_loss(
                scores[task],
                said,
                weights,
                (labels[task] != IGNORE) | (said.ndim == 3),
                every if said.ndim == 3 else counts[task],
                temperature,
            )
            for task, said in told.items()
        }


def right_labels(
    dev: Split, recommender: Recommender, taught: StoryLabels, config: HeadsConfig
) -> StoryLabels:
    """What heads should say of the stories of `dev`, as far as labels there are of the taught kind.

    A head that learnt what people said is not to be measured by what a lexicon guesses.
    """
    source = "auto" if config.sentiment_source == "column" else config.sentiment_source
    found = labels_of(dev.news, recommender, taught.specs, source)
    codes = {}
    for task, spec in found.specs.items():
        if spec.source == taught.specs[task].source:
            codes[task] = found.codes[task]
        else:
            print(
                f"{task} is not measured: it is learnt from {taught.specs[task].source}, and {dev.name} "
                f"has {spec.source}"
            )
    return StoryLabels(codes, {task: found.specs[task] for task in codes})


def measure_heads(recommender: Recommender, right: StoryLabels, split: Split, dev: Split) -> dict[str, Any]:
    """On the stories of `dev` that training never showed."""
    sources = {task: spec.source for task, spec in right.specs.items()}
    return {"heads": heads_record(recommender, dev, held_out(split, dev.news), right.codes, sources)}


if __name__ == "__main__":
    with readable_errors():
        main(tyro.cli(Arguments, description=__doc__))
