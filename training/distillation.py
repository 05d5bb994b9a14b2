"""How several teachers teach one student, whatever the task: matching titles with bodies, or clicks."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from jaxtyping import Bool, Float, Int
from torch import Tensor

from tinynewsrec.model.projections import Side
from training.losses import (
    Weighting,
    blend,
    case_losses,
    distillation_loss,
    teacher_weights,
    weighted_mean,
)

WEIGHTS_LOG = "teacher_weights.jsonl"


@dataclass(frozen=True)
class DistillConfig:
    distill: float = 1.0
    """Weight of the loss that copies the teachers' scores."""
    embedding: float = 1.0
    """Weight of the losses that copy the teachers' vectors."""
    target: float = 1.0
    """Weight of the loss that every model has: the right title, the clicked story."""
    temperature: float = 1.0
    """What scores are divided by before they are copied."""
    projection_side: Side = "teacher"
    """Whose vectors are projected: the teachers' (the paper), or the student's."""
    weighting: Weighting = "confidence"
    """Teachers by their loss on each case (the paper), or all alike."""
    watched: int = 32
    """Training cases whose teacher weights are written to teacher_weights.jsonl at each saved state."""

    def __post_init__(self):
        if self.temperature <= 0:
            raise ValueError(f"temperature must be above 0, got {self.temperature}.")
        if min(self.distill, self.embedding, self.target) < 0 or self.watched < 1:
            raise ValueError("distill, embedding and target must be 0 or more, watched 1 or more.")
        if not self.distill + self.embedding + self.target:
            raise ValueError("With distill, embedding and target all 0 there is nothing to learn from.")


class Lesson(NamedTuple):
    """What M teachers make of B cases."""

    scores: Float[Tensor, "M B C"]
    losses: Float[Tensor, "M B"]
    weights: Float[Tensor, "M B"]


def teach(
    scores: Float[Tensor, "M B C"],
    target: Int[Tensor, " B"],
    shown: Bool[Tensor, "B C"],
    weighting: Weighting,
) -> Lesson:
    """Carries no gradient, also where teachers are trained beside the student."""
    losses = case_losses(scores.detach(), target, shown)
    return Lesson(scores.detach(), losses, teacher_weights(losses, weighting))


def distillation_losses(
    lesson: Lesson,
    scores: Float[Tensor, "B C"],
    target: Int[Tensor, " B"],
    shown: Bool[Tensor, "B C"],
    distances: Float[Tensor, "M B"],
    config: DistillConfig,
) -> dict[str, Float[Tensor, ""]]:
    """The losses of either stage; `distances` are those of each teacher's vectors to the student's."""
    taught = blend(lesson.scores, lesson.weights)
    return {
        "distill": config.distill * distillation_loss(scores, taught, shown, config.temperature),
        "embedding": config.embedding * weighted_mean(distances, lesson.weights),
        "target": config.target * case_losses(scores, target, shown).mean(),
    }


class Watched(NamedTuple):
    """A fixed sample of training cases, at one step."""

    lesson: Lesson
    student: Float[Tensor, " B"]  # its loss on each case
    norms: tuple[Float[Tensor, "M B"], Float[Tensor, "M B"]] | None = None  # norms_of what is compared


def norms_of(
    theirs: Float[Tensor, "M B D"], own: Float[Tensor, "M B D"]
) -> tuple[Float[Tensor, "M B"], Float[Tensor, "M B"]]:
    """Of the teachers' vectors and of the student's: both could shrink to come closer, and none the wiser."""
    return theirs.norm(dim=-1), own.norm(dim=-1)


def watched_batch(sampler: Any, count: int) -> Any:
    """About the first `count` cases of the first batch, from either kind of sampler."""
    cases = min(sampler.batch_size, sampler.cases)
    return sampler.batch(0, 0, max(1, cases // count))


def write_weights(folder: Path, step: int, cases: list[dict[str, Any]], watched: Watched) -> None:
    """Adds one line for each case; lines of this step and later ones, left by a killed run, go first."""
    path = folder / WEIGHTS_LOG
    lines = path.read_text().splitlines() if path.exists() else []
    kept = [line for line in lines if json.loads(line)["step"] < step]
    written = [json.dumps(line) for line in weight_lines(step, cases, watched)]
    path.write_text("".join(line + "\n" for line in [*kept, *written]))


def weight_lines(step: int, cases: list[dict[str, Any]], watched: Watched) -> Iterator[dict[str, Any]]:
    for place, case in enumerate(cases):
        yield {
            "step": step,
            **case,
            "teacher_weights": rounded(watched.lesson.weights[:, place]),
            "teacher_losses": rounded(watched.lesson.losses[:, place]),
            "student_loss": round(watched.student[place].item(), 4),
        } | norms_line(watched, place)


def norms_line(watched: Watched, place: int) -> dict[str, list[float]]:
    """Where vectors are compared: the lengths of the teachers' and, beside each, of the student's."""
    if watched.norms is None:
        return {}
    theirs, own = watched.norms
    return {"teacher_norms": rounded(theirs[:, place]), "student_norms": rounded(own[:, place])}


def rounded(values: Float[Tensor, " M"]) -> list[float]:
    return [round(value, 4) for value in values.tolist()]
