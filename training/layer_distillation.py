"""How teachers teach the layers of a student: hidden states and attention (TinyBERT: Jiao et al., 2020).

How we read it: layers are compared by the mean squared difference of their hidden states, over words and
width, and of their attention scores before softmax, over heads, queries and keys; padding does not count, and
layers are summed. What is added to all scores of one query changes no attention, so scores are centred over
the keys of each query first. Embeddings are frozen, and so not compared. Layers of the student that are
frozen are left out of a map. Several teachers (-MT) count for a story as they count for the cases that meet
it: every case has its own weights, and the mean distances of the stories that it meets. Teachers read the
tokens that the student reads, whatever their own title_length.

M teachers, N stories, B cases.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal, NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from tinynewsrec.data.batches import Batch
from tinynewsrec.data.tokens import Tokens
from tinynewsrec.model.news_encoder import NewsEncoder, by_length
from tinynewsrec.model.recommender import Recommender
from training.joint import JointStories, word_distances
from training.layer_outputs import LayerOutputs, layer_outputs
from training.loop import this_process
from training.losses import Weighting
from training.stage import with_frozen_layers

LayerMap = Literal["uniform", "last"]


@dataclass(frozen=True)
class LayerConfig:
    hidden: float = 1.0
    """Weight of the loss that copies hidden states."""
    attention: float = 1.0
    """Weight of the loss that copies attention scores."""
    layer_map: LayerMap = "uniform"
    """Which layers are copied: spread over the teacher from below, or the last of both."""
    last: int = 2
    """How many layers the map `last` pairs; a student of fewer pairs all it has."""
    weighting: Weighting = "confidence"
    """Several teachers by their loss on each case, or all alike."""

    def __post_init__(self):
        if min(self.hidden, self.attention) < 0 or self.last < 1:
            raise ValueError("hidden and attention must be 0 or more, last 1 or more.")


class LayerPair(NamedTuple):
    """Layers counted from 1."""

    student: int
    teacher: int


def pair_layers(student: int, teacher: int, config: LayerConfig, frozen: int = 0) -> list[LayerPair]:
    """Which layer of a student learns from which of a teacher, but for the student's first `frozen`.

    Raises ValueError where the student has more layers than the teacher, or none that learns.
    """
    if student > teacher or frozen >= student:
        raise ValueError(
            f"Expected a student of at most {teacher} layers, as its teacher has, some of them trained; "
            f"it has {student}, of which {frozen} are frozen. Change --model.layers or --trained-layers."
        )
    places = range(1, student + 1)
    if config.layer_map == "uniform":
        pairs = [LayerPair(place, place * teacher // student) for place in places]
    else:
        pairs = [LayerPair(place, place + teacher - student) for place in places[-config.last :]]
    return [pair for pair in pairs if pair.student > frozen]


def attention_distances(
    learnt: Float[Tensor, "N K T T"], taught: Float[Tensor, "N K T T"], mask: Bool[Tensor, "N T"]
) -> Float[Tensor, " N"]:
    """The mean squared difference over the heads, queries and keys of each story, centred for each query."""
    visible = mask[:, None, :, None] & mask[:, None, None]
    count = mask.sum(-1).clamp(min=1)
    apart = (learnt - taught).float().masked_fill(~visible, 0.0)
    centre = apart.sum(-1, keepdim=True) / count[:, None, None, None]
    squares = (apart - centre).square().masked_fill(~visible, 0.0)
    return squares.mean(1).sum((1, 2)) / count.square()


def layer_distances(
    learnt: LayerOutputs, taught: LayerOutputs, mask: Bool[Tensor, "N T"]
) -> Float[Tensor, "N 2"]:
    """Of hidden states and of attention, summed over layers."""
    hidden = map(word_distances, learnt.states, taught.states, [mask] * len(learnt.states))
    attention = map(attention_distances, learnt.scores, taught.scores, [mask] * len(learnt.scores))
    return torch.stack([sum(hidden), sum(attention)], dim=-1)


class Compared(NamedTuple):
    """What a student and M teachers make of N stories, and how far the student's layers are from theirs."""

    news: Float[Tensor, "N D"]
    taught: Float[Tensor, "M N E"]
    hidden: Float[Tensor, "M N"]
    attention: Float[Tensor, "M N"]


class LayerTeachers:
    """M frozen recommenders, none of them part of what is trained, and the layers that a student copies."""

    def __init__(self, teachers: Sequence[Recommender], student: Recommender, config: LayerConfig):
        device = this_process().device
        self.teachers = [teacher.requires_grad_(False).eval().to(device) for teacher in teachers]
        self.pairs: list[list[LayerPair]] = []
        for teacher in self.teachers:
            refuse_stranger(teacher, student)
            layers = student.config.layers, teacher.config.layers
            self.pairs.append(pair_layers(*layers, config, student.news_encoder.frozen_layers))
            teacher.news_encoder.frozen_layers = self.pairs[-1][0].teacher - 1

    def reading(self, student: Recommender, tokens: Tokens, rows: Int[Tensor, " R"]) -> JointStories:
        """The named stories, with what all layers below the copied ones make of them computed beforehand."""
        encoders = [model.news_encoder for model in (student, *self.teachers)]
        return JointStories(tuple(with_frozen_layers(encoder, tokens, rows) for encoder in encoders))

    @torch.no_grad()
    def scores(self, taught: Float[Tensor, "M N E"], batch: Batch) -> Float[Tensor, "M B C"]:
        """What each teacher makes of the candidates, from its own news vectors."""
        read = zip(self.teachers, taught, strict=True)
        return torch.stack([t.score(news, batch.history, batch.candidates) for t, news in read])

    def compare(self, encoder: NewsEncoder, stories: JointStories) -> Compared:
        """Each story is read once by each model."""
        news, taught, distances = by_length(stories, partial(self.compare_part, encoder))
        return Compared(news, taught.transpose(0, 1), *distances.permute(2, 1, 0))

    def compare_part(
        self, encoder: NewsEncoder, joint: JointStories
    ) -> tuple[Float[Tensor, "N D"], Float[Tensor, "N M E"], Float[Tensor, "N M 2"]]:
        own, *others = joint.models
        mask, vectors, distances = own.mask, [], []
        learnt = layer_outputs(encoder, own, [pair.student for pair in self.pairs[0]])
        for teacher, stories, pairs in zip(self.teachers, others, self.pairs, strict=True):
            with torch.no_grad():
                taught = layer_outputs(teacher.news_encoder, stories, [pair.teacher for pair in pairs])
                vectors.append(vectors_of(teacher.news_encoder, taught, mask))
            distances.append(layer_distances(learnt, taught, mask))
        return vectors_of(encoder, learnt, mask), torch.stack(vectors, 1), torch.stack(distances, 1)


def vectors_of(encoder: NewsEncoder, read: LayerOutputs, mask: Bool[Tensor, "N T"]) -> Float[Tensor, "N D"]:
    """The news vectors, as NewsEncoder.encode makes them of words."""
    return encoder.project(encoder.pool(read.words, mask))


def refuse_stranger(teacher: Recommender, student: Recommender) -> None:
    """Raises ValueError where a teacher's words or layers cannot be compared with the student's."""
    if teacher.tokenizer.get_vocab() != student.tokenizer.get_vocab():
        raise ValueError(
            f"A teacher on {teacher.config.language_model} and a student on {student.config.language_model} "
            f"split texts into other words, so their hidden states cannot be compared: give a student of the "
            f"teacher's family, or copy vectors alone with python -m training.finetune_student."
        )
    for size in ("hidden_size", "num_attention_heads"):
        wanted, found = (getattr(m.news_encoder.language_model.config, size) for m in (teacher, student))
        if wanted != found:
            raise ValueError(
                f"Layers are compared number by number: the {size} of teacher and student must be equal, "
                f"got {wanted} and {found}. Begin the student with layers of the teacher's language model."
            )
