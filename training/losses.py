"""What a model is taught with. Losses are means over the B cases of a batch, each with C candidates; those
of labels are sums over stories, each as it counts.

M teachers are weighted for each case by how well they do on it (Yu et al., 2022).
"""

from typing import Literal

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.functional import cross_entropy

from tinynewsrec.data.labels import IGNORE

Weighting = Literal["confidence", "uniform"]


def click_loss(
    scores: Float[Tensor, "B C"], clicked: Bool[Tensor, "B C"], shown: Bool[Tensor, "B C"]
) -> Float[Tensor, ""]:
    """Cross-entropy of the one clicked candidate among those shown (Wu et al., 2019)."""
    return case_losses(scores, clicked.float().argmax(-1), shown).mean()


def case_losses(
    scores: Float[Tensor, "*M B C"], target: Int[Tensor, " B"], shown: Bool[Tensor, "B C"]
) -> Float[Tensor, "*M B"]:
    """Cross-entropy of the right candidate, case by case."""
    chances = scores.masked_fill(~shown, float("-inf")).log_softmax(-1)
    return -chances.gather(-1, target.expand(scores.shape[:-1])[..., None]).squeeze(-1)


def teacher_weights(
    losses: Float[Tensor, "M B"], weighting: Weighting = "confidence"
) -> Float[Tensor, "M B"]:
    """What each teacher counts for: softmax of its negative loss on a case, or the same everywhere.

    Carries no gradient, also where teachers are trained beside the student.
    """
    return (-losses.detach() if weighting == "confidence" else torch.zeros_like(losses)).softmax(0)


def blend(scores: Float[Tensor, "M B C"], weights: Float[Tensor, "M B"]) -> Float[Tensor, "B C"]:
    """The teachers' scores as one, averaged before any softmax; carries no gradient."""
    return torch.einsum("mbc,mb->bc", scores.detach(), weights)


def distillation_loss(
    scores: Float[Tensor, "B C"],
    taught: Float[Tensor, "B C"],
    shown: Bool[Tensor, "B C"],
    temperature: float = 1.0,
) -> Float[Tensor, ""]:
    """Cross-entropy from the teachers' softened choice to the student's, times T^2 (Hinton et al., 2015)."""
    return distillation_losses_by_case(scores, taught, shown, temperature).mean()


def distillation_losses_by_case(
    scores: Float[Tensor, "B C"],
    taught: Float[Tensor, "*M B C"],
    shown: Bool[Tensor, "B C"],
    temperature: float = 1.0,
) -> Float[Tensor, "*M B"]:
    wanted = (taught / temperature).masked_fill(~shown, float("-inf")).softmax(-1)
    chances = (scores / temperature).masked_fill(~shown, float("-inf")).log_softmax(-1)
    return -(temperature**2) * (wanted * chances.masked_fill(~shown, 0.0)).sum(-1)


def weighted_mean(distances: Float[Tensor, "M B"], weights: Float[Tensor, "M B"]) -> Float[Tensor, ""]:
    """Over cases, of the sum over teachers."""
    return (weights * distances).sum(0).mean()


def slot_means(
    distances: Float[Tensor, "M N"], slots: Int[Tensor, "B S"], filled: Bool[Tensor, "B S"]
) -> Float[Tensor, "M B"]:
    """The mean over the stories that a case meets, of distances kept per story; padding does not count."""
    met = distances[:, slots].masked_fill(~filled, 0.0)
    return met.sum(-1) / filled.sum(-1).clamp(min=1)


def label_loss(
    scores: Float[Tensor, "N *T K"], labels: Int[Tensor, " N *T"], counts: Float[Tensor, " N"]
) -> Float[Tensor, ""]:
    """Cross-entropy of the stories, or word pieces, whose label is known, each as its story counts."""
    losses = cross_entropy(
        scores.flatten(0, -2), labels.flatten(), ignore_index=IGNORE, reduction="none"
    ).view(labels.shape)
    return counted_sum(losses, counts)


def taught_label_loss(
    scores: Float[Tensor, "N *T K"],
    taught: Float[Tensor, "M N *T K"],
    weights: Float[Tensor, "M N"],
    counted: Bool[Tensor, " N *T"],
    counts: Float[Tensor, " N"],
    temperature: float = 1.0,
) -> Float[Tensor, ""]:
    """Cross-entropy from what the teachers say of each story, as they count for it, times T^2."""
    wanted = torch.einsum("mn,mn...->n...", weights, (taught / temperature).softmax(-1))
    losses = -(wanted * (scores / temperature).log_softmax(-1)).sum(-1)
    return temperature**2 * counted_sum(losses.masked_fill(~counted, 0.0), counts)


def counted_sum(losses: Float[Tensor, " N *T"], counts: Float[Tensor, " N"]) -> Float[Tensor, ""]:
    return (losses.reshape(len(counts), -1).sum(-1) * counts).sum()


def story_weights(
    weights: Float[Tensor, "M B"], slots: Int[Tensor, "B S"], filled: Bool[Tensor, "B S"], stories: int
) -> Float[Tensor, "M N"]:
    """What each teacher counts for on a story: the mean over the slots of all cases that hold it."""
    cases, met = filled.nonzero(as_tuple=True)[0], slots[filled]
    sums = weights.new_zeros(len(weights), stories).index_add(1, met, weights[:, cases])
    return sums / met.bincount(minlength=stories).clamp(min=1)
