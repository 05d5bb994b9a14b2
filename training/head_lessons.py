"""What the heads of several teachers say of the stories that a student learns to label."""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from rich import print
from torch import Tensor

from tinynewsrec.checkpoints import Checkpoint
from tinynewsrec.data.tables import Split
from tinynewsrec.evaluation.report import device
from tinynewsrec.model.heads import Specs
from tinynewsrec.model.recommender import Recommender

Scores = dict[str, Float[Tensor, "..."]]  # by task: [N *T K] of a model, [M N *T K] of M teachers


class HeadLessons:
    """The scores that M teachers give each label, for a whole split, by the student's tasks.

    Raises ValueError for a teacher without such a head, or with one of other labels or other word pieces.
    """

    def __init__(self, teachers: Sequence[Checkpoint], student: Recommender, split: Split):
        titles, specs = split.news.texts("title"), student.heads.specs
        words = student.tokens(titles).ids
        scores = []
        for teacher in teachers:
            refuse_other_heads(teacher, specs)
        for teacher in teachers:
            recommender = teacher.load().to(device())
            tokens = recommender.tokens(titles)
            if "entities" in specs and not torch.equal(tokens.ids, words):
                raise ValueError(
                    f"{teacher.folder} cuts titles into other word pieces than the student, so its head for "
                    f"entities has nothing to say. Give teachers of the student's language model and "
                    f"title_length, leave entities out of --heads.tasks, or set --heads.distillation 0."
                )
            print(f"{teacher.name} labels {len(titles):,} titles")
            with torch.no_grad():
                scores.append(recommender.encode_and_label(tokens.to(torch.device(device())))[1])
        self.scores: Scores = {task: torch.stack([each[task].cpu() for each in scores]) for task in specs}

    def take(self, stories: Int[Tensor, " N"], width: int) -> Scores:
        """Those of the named stories, of their first `width` word pieces."""
        rows = stories.cpu()
        taken = {task: scores[:, rows] for task, scores in self.scores.items()}
        return {
            task: (scores[:, :, :width] if scores.dim() == 4 else scores).to(stories.device)
            for task, scores in taken.items()
        }


def refuse_other_heads(teacher: Checkpoint, wanted: Specs) -> None:
    missing = [task for task in wanted if task not in teacher.heads]
    known = wanted.keys() & teacher.heads.keys()
    others = sorted(task for task in known if teacher.heads[task].labels != wanted[task].labels)
    if missing:
        raise ValueError(
            f"--heads.distillation expects teachers with the student's heads; {teacher.folder} has none for "
            f"{', '.join(missing)}. Train it with training.finetune_mtrec, or set --heads.distillation 0."
        )
    if others:
        raise ValueError(
            f"The labels of {', '.join(others)} in {teacher.folder} are not those of the training data. Give "
            f"teachers that were trained on the same data, or set --heads.distillation 0."
        )
