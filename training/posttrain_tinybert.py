"""General distillation of TinyBERT (Jiao et al., 2020), and of TinyBERT-MT: a student copies layers on texts.

Titles and bodies alike are read; hidden states and attention scores are copied, predictions are not. How we
read it: layers as in training/layer_distillation.py, on the corpus that the teachers were post-trained on;
several teachers weigh as they match a body with its title among those of the batch (softmax of -CE).

python -m training.posttrain_tinybert --data MINDsmall_train --teachers checkpoints/posttrain \
    --teacher-count 1 --out checkpoints/tinybert-general
"""

from dataclasses import dataclass, field
from pathlib import Path

import torch
import tyro
from jaxtyping import Float
from torch import Tensor, nn

from tinynewsrec.commands import readable_errors
from tinynewsrec.data.tokens import tokenize
from tinynewsrec.model.config import ModelConfig
from tinynewsrec.model.recommender import Recommender
from training.config import TrainConfig, refuse_below
from training.layer_distillation import LayerConfig, LayerTeachers
from training.loop import Losses, this_process
from training.losses import case_losses, teacher_weights, weighted_mean
from training.pair_samples import PairBatch, PairSampler, first_alike, first_is_own
from training.pairs import Pairs, read_pairs
from training.posttrain_student import TRAINING
from training.record import training_record
from training.samples import refuse_uneven
from training.stage import finish, learn, parents_of, refuse_finished, start
from training.teachers import find_teachers


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
    body_length: int = 128
    """Tokens of a body, the special ones included; the rest is cut off."""
    trained_layers: int = 2
    """Layers of the language model that are trained, from the last; others and embeddings are frozen."""
    distillation: LayerConfig = field(default_factory=LayerConfig)
    model: ModelConfig = field(default_factory=lambda: ModelConfig(layers=4))
    training: TrainConfig = TRAINING

    def __post_init__(self):
        refuse_below(self, body_length=3, trained_layers=0)


def main(arguments: Arguments) -> None:
    refuse_finished(arguments.out)
    pairs = read_pairs(arguments.data)
    found = find_teachers(arguments.teachers, arguments.teacher_count)
    student = start(arguments.model, arguments.trained_layers, arguments.training.seed, arguments.parent)
    teachers = LayerTeachers([teacher.load() for teacher in found], student, arguments.distillation)
    sampler = make_sampler(arguments, pairs, student, teachers)
    record = training_record(arguments, pairs.name, parents_of(arguments, found), pairs=len(pairs))
    learn(GeneralStudent(student, teachers, arguments.distillation), sampler, arguments, record)
    finish(student, record, arguments.out)


def make_sampler(
    arguments: Arguments, pairs: Pairs, student: Recommender, teachers: LayerTeachers
) -> PairSampler:
    """Bodies, each with its own title before all others of the batch."""
    training, rows = arguments.training, torch.arange(len(pairs))
    refuse_uneven(training, len(pairs), this_process().num_processes, pairs.name)
    titles = student.tokens(pairs.titles)
    bodies = tokenize(pairs.bodies, student.tokenizer, arguments.body_length)
    return PairSampler(
        teachers.reading(student, titles, rows),
        teachers.reading(student, bodies, rows),
        first_alike(titles),
        training.batch_size,
        None,
        training.seed,
    )


class GeneralStudent(nn.Module):
    """A language model whose layers are taught; what stands on top of it stays as it is."""

    def __init__(self, student: Recommender, teachers: LayerTeachers, config: LayerConfig):
        super().__init__()
        self.news_encoder, self.teachers, self.config = student.news_encoder, teachers, config
        self.news_encoder.pool.requires_grad_(False)
        self.news_encoder.project.requires_grad_(False)

    def forward(self, batch: PairBatch) -> Losses:
        titles = self.teachers.compare(self.news_encoder, batch.titles)
        bodies = self.teachers.compare(self.news_encoder, batch.bodies)
        scores = torch.einsum("mbe,mbce->mbc", bodies.taught, titles.taught[:, batch.candidates])
        weights = teacher_weights(case_losses(scores, *first_is_own(scores[0])), self.config.weighting)

        def loss(titles: Float[Tensor, "M N"], bodies: Float[Tensor, "M B"]) -> Float[Tensor, ""]:
            return weighted_mean((titles[:, batch.candidates[:, 0]] + bodies) / 2, weights)

        return {
            "hidden": self.config.hidden * loss(titles.hidden, bodies.hidden),
            "attention": self.config.attention * loss(titles.attention, bodies.attention),
        }


if __name__ == "__main__":
    with readable_errors():
        main(tyro.cli(Arguments, description=__doc__))
