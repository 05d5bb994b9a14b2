"""Finetunes a student beside several different language models: MT-BERT (Wu et al., 2021).

The teachers share the student's pooling, projection and user encoder; each learns from its own clicks. How
it is read: the loss that copies a teacher's scores is divided by 1 + the teacher's own on the case. The words
of its last layer are copied through a linear map where it cuts every title into the student's word pieces;
elsewhere its news vectors are, which the shared projection puts into the student's space. A teacher of other
width is brought to the student's before pooling, by one more map. The maps are not kept: the student is.

python -m training.finetune_mtbert --data MINDsmall_train --out checkpoints/mt-bert-4 --model.layers 4 \
    --language-models sentence-transformers/all-MiniLM-L6-v2 distilbert/distilroberta-base
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
import tyro
from jaxtyping import Float
from torch import Tensor, nn

from tinynewsrec.commands import readable_errors
from tinynewsrec.data.batches import Batch
from tinynewsrec.data.tokens import Tokens, tokenize
from tinynewsrec.model.config import ModelConfig
from tinynewsrec.model.folder import read_json
from tinynewsrec.model.language_models import layers_of, load_language_model
from tinynewsrec.model.news_encoder import NewsEncoder, by_length
from tinynewsrec.model.projections import Side
from tinynewsrec.model.recommender import Recommender
from training.click_stage import case_distances, click_record, splits, target_of
from training.joint import (
    JointArguments,
    JointStories,
    WordMap,
    joint_sampler,
    read,
    share_heads,
    teachers_loss,
    teachers_rates,
    width_of,
    word_distances,
)
from training.loop import Losses, this_process
from training.losses import case_losses, distillation_losses_by_case
from training.stage import finish, learn, parents_of, refuse_finished, start


@dataclass(frozen=True, kw_only=True)
class Arguments(JointArguments):
    language_models: tuple[str, ...]
    """The teachers: names or folders of Hugging Face encoders; with all of their layers."""
    teachers: tuple[Path, ...] = ()
    """Checkpoints whose language models teach beside them, posttrain_masked's say."""
    parent: Path | None = None
    """Checkpoint whose first layers the student begins with; None: those of model.language_model."""
    temperature: float = 1.0
    """What scores are divided by before they are copied."""
    map_side: Side = "teacher"
    """Whose words are mapped; on the teachers' side maps and student can also meet by shrinking both."""
    model: ModelConfig = field(default_factory=lambda: ModelConfig(layers=4))

    def __post_init__(self):
        super().__post_init__()
        if self.temperature <= 0:
            raise ValueError(f"temperature must be above 0, got {self.temperature}.")
        named = [*self.language_models, *map(str, self.teachers)]
        if len(set(named)) < max(2, len(named)):
            raise ValueError(
                f"MT-BERT learns from two or more different language models, got {', '.join(named)}."
            )


def main(arguments: Arguments) -> None:
    refuse_finished(arguments.out)
    split, dev = splits(arguments)
    student = start(arguments.model, arguments.trained_layers, arguments.training.seed, arguments.parent)
    titles = split.news.texts("title")
    loaded = [
        load_teacher(name, arguments.model, titles, arguments.trained_layers)
        for name in (*arguments.language_models, *arguments.teachers)
    ]
    teachers, tokens = [encoder for encoder, _ in loaded], [student.tokens(titles), *(t for _, t in loaded)]
    same_pieces = [all(map(torch.equal, tokens[0], others)) for others in tokens[1:]]
    learner = MtBert(student, teachers, same_pieces, arguments.temperature, arguments.map_side)
    sampler = joint_sampler(arguments, split, [student.news_encoder, *teachers], tokens)
    parents = [*parents_of(arguments), *arguments.language_models, *arguments.teachers]
    record = click_record(arguments, split, sampler, parents)
    learn(learner, sampler, arguments, record, rates=teachers_rates(arguments, len(teachers)))
    finish(student, record, arguments.out, dev)


def load_teacher(
    name: str | Path, model: ModelConfig, titles: Sequence[str], trained: int
) -> tuple[NewsEncoder, Tokens]:
    """A teacher, whose pooling and projection are still its own, and the titles in its word pieces."""
    if isinstance(name, Path):
        source = Recommender.from_pretrained(name)
        language_model, tokenizer = source.news_encoder.language_model, source.tokenizer
    elif "recommender" in read_json(Path(name) / "config.json"):
        raise ValueError(f"{name} is a checkpoint, no language model: name it with --teachers.")
    else:
        language_model, tokenizer = load_language_model(name)
    teacher = NewsEncoder(language_model, replace(model, layers=len(layers_of(language_model))))
    teacher.freeze_below(trained)
    return teacher.to(this_process().device), tokenize(titles, tokenizer, model.title_length)


class MtBert(nn.Module):
    """A student and its teachers' news encoders, all of which learn; gives the losses of a batch."""

    def __init__(
        self,
        student: Recommender,
        teachers: Sequence[NewsEncoder],
        same_pieces: Sequence[bool],
        temperature: float = 1.0,
        map_side: Side = "teacher",
    ):
        super().__init__()
        self.student, self.temperature, self.map_side = student, temperature, map_side
        for teacher in teachers:
            share_heads(teacher, student.news_encoder)
        self.teachers = nn.ModuleList(teachers)
        width = width_of(student.news_encoder)
        maps = {
            str(place): WordMap(width_of(teacher), width)
            if map_side == "teacher"
            else WordMap(width, width_of(teacher))
            for place, (teacher, same) in enumerate(zip(teachers, same_pieces, strict=True), start=1)
            if same
        }
        self.maps = nn.ModuleDict(maps)

    def forward(self, batch: Batch) -> Losses:
        news, hidden = by_length(batch.tokens, self.encode)
        scores = read(self.student, news.movedim(1, 0), batch).scores
        target, shown = target_of(batch)
        taught = scores[1:].detach()
        doubts = 1 + case_losses(taught, target, shown)
        copied = distillation_losses_by_case(scores[0], taught, shown, self.temperature)
        return {
            "teachers": teachers_loss(scores[1:], target, shown),
            "distill": (copied / doubts).sum(0).mean(),
            "hidden": case_distances(hidden.T, batch).sum(0).mean(),
            "target": case_losses(scores[0], target, shown).mean(),
        }

    def encode(self, stories: JointStories) -> tuple[Float[Tensor, "N K D"], Float[Tensor, "N M"]]:
        """The vectors by student and teachers, and how far each teacher is from the student."""
        encoders = [self.student.news_encoder, *self.teachers]
        models = list(zip(encoders, stories.models, strict=True))
        words = [encoder.words(tokens) for encoder, tokens in models]
        vectors = [e.project(e.pool(w, tokens.mask)) for (e, tokens), w in zip(models, words, strict=True)]
        mask = stories.models[0].mask
        distances = [
            word_distances(*self.mapped(place, words[place].detach(), words[0]), mask)
            if str(place) in self.maps
            else (vectors[place].detach() - vectors[0]).square().mean(-1)
            for place in range(1, len(models))
        ]
        return torch.stack(vectors, 1), torch.stack(distances, 1)

    def mapped(
        self, place: int, taught: Float[Tensor, "N T V"], own: Float[Tensor, "N T W"]
    ) -> tuple[Float[Tensor, "N T U"], Float[Tensor, "N T U"]]:
        """A teacher's words and the student's, in one space."""
        bring = self.maps[str(place)]
        return (bring(taught), own) if self.map_side == "teacher" else (taught, bring(own))


if __name__ == "__main__":
    with readable_errors():
        main(tyro.cli(Arguments, description=__doc__))
