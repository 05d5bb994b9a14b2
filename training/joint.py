"""Several models on the same stories, and teachers that learn clicks through their student's heads."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from tinynewsrec.data.batches import Batch
from tinynewsrec.data.tables import Split
from tinynewsrec.data.tokens import Stories, Tokens
from tinynewsrec.model.news_encoder import NewsEncoder
from tinynewsrec.model.recommender import Recommender
from training.click_stage import ClickArguments, met_stories, sampler_over
from training.config import refuse_below
from training.losses import case_losses
from training.samples import Sampler
from training.stage import with_frozen_layers


@dataclass(frozen=True, kw_only=True)
class JointArguments(ClickArguments):
    teachers_learning_rate: float | None = None
    """Peak rate of the teachers' layers, which are more than the student's; None: that of the student's."""

    def __post_init__(self):
        super().__post_init__()
        refuse_below(self, teachers_learning_rate=0)


def teachers_rates(arguments: JointArguments, teachers: int) -> dict[str, float]:
    """By how the names of their parameters begin."""
    rate = arguments.teachers_learning_rate
    names = [f"teachers.{place}.language_model." for place in range(teachers)]
    return {} if rate is None else dict.fromkeys(names, rate)


@dataclass(frozen=True)
class JointStories:
    """The same stories as each of several models reads them, the student first."""

    models: tuple[Stories, ...]

    @property
    def lengths(self) -> Int[Tensor, " N"]:
        return self.models[0].lengths

    def take(self, rows: Int[Tensor, " M"]) -> "JointStories":
        return JointStories(tuple(stories.take(rows) for stories in self.models))

    def to(self, device: torch.device) -> "JointStories":
        return JointStories(tuple(stories.to(device) for stories in self.models))


def joint_sampler(
    arguments: ClickArguments, split: Split, encoders: Sequence[NewsEncoder], tokens: Sequence[Tokens]
) -> Sampler:
    """Cases for several models, each with frozen layers of its own that are computed beforehand, once."""
    rows = met_stories(split)
    stories = [with_frozen_layers(*model, rows) for model in zip(encoders, tokens, strict=True)]
    return sampler_over(JointStories(tuple(stories)), arguments, split)


class WordMap(nn.Linear):
    """Brings words to another width; begins orthogonal: where it does not narrow, no two come closer."""

    def __init__(self, width: int, other: int):
        super().__init__(width, other)
        nn.init.orthogonal_(self.weight)
        nn.init.zeros_(self.bias)


class Bridge(nn.Module):
    """Brings the words of a teacher to the student's width, then pools them as the student does."""

    def __init__(self, width: int, shared_width: int, pool: nn.Module):
        super().__init__()
        self.widen, self.pool = WordMap(width, shared_width), pool

    def forward(self, words: Float[Tensor, "N T W"], mask: Bool[Tensor, "N T"]) -> Float[Tensor, "N V"]:
        return self.pool(self.widen(words), mask)


def share_heads(teacher: NewsEncoder, student: NewsEncoder) -> None:
    """From now on both pool and project with the same weights."""
    width, shared = width_of(teacher), width_of(student)
    teacher.pool = student.pool if width == shared else Bridge(width, shared, student.pool)
    teacher.project = student.project


def width_of(encoder: NewsEncoder) -> int:
    return encoder.language_model.config.hidden_size


class Reading(NamedTuple):
    """What M models make of a batch, the student first."""

    news: Float[Tensor, "M N D"]
    readers: Float[Tensor, "M B D"]
    scores: Float[Tensor, "M B C"]


def read(student: Recommender, news: Float[Tensor, "M N D"], batch: Batch) -> Reading:
    """Every model's stories, read by the one user encoder."""
    readers = torch.stack([student.read(vectors, batch.history) for vectors in news])
    return Reading(news, readers, torch.einsum("mbd,mbcd->mbc", readers, news[:, batch.candidates]))


def word_distances(
    taught: Float[Tensor, "N T W"], learnt: Float[Tensor, "N T W"], mask: Bool[Tensor, "N T"]
) -> Float[Tensor, " N"]:
    """Mean squared difference over the words of each story; padding does not count."""
    squares = (taught - learnt).float().square().mean(-1).masked_fill(~mask, 0.0)
    return squares.sum(-1) / mask.sum(-1)


def teachers_loss(
    scores: Float[Tensor, "M B C"], target: Int[Tensor, " B"], shown: Bool[Tensor, "B C"]
) -> Float[Tensor, ""]:
    """A sum over teachers, so that each learns as fast as it would alone."""
    return case_losses(scores, target, shown).mean(-1).sum()
