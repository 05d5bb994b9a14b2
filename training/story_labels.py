"""What the heads are taught: a label for each story, or for each word piece of its title."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from tinynewsrec.data.batches import Batch
from tinynewsrec.data.entities import bio_labels
from tinynewsrec.data.labels import IGNORE, SENTIMENTS, TAGS, LabelSpace, category_space
from tinynewsrec.data.sentiment import Source, sentiment_labels, settled
from tinynewsrec.data.tables import News, Split, parse_entities
from tinynewsrec.model.heads import HeadSpec, Specs, Task
from tinynewsrec.model.recommender import Recommender

Codes = Mapping[str, Int[Tensor, "N ..."]]  # by task, of the stories of a batch
Counts = Mapping[str, Float[Tensor, " N"]]  # by task, what one label of each story counts


@dataclass(frozen=True)
class HeadsConfig:
    tasks: tuple[Task, ...] = ("category", "sentiment", "entities")
    """What is learnt beside the clicks; none: PLM-NR."""
    reads: Literal["vector", "pooled", "cls"] = "vector"
    """What labels of stories are read from; entities are read from each word piece."""
    sentiment_source: Source = "auto"
    """The data's own labels where there are any, else a lexicon."""
    category_weight: float = 0.3
    """What the loss counts beside that of the clicks, as all the next."""
    subcategory_weight: float = 0.3
    sentiment_weight: float = 0.3
    entities_weight: float = 0.3
    learning_rate: float = 3e-2
    """Peak rate of the heads for labels, new and small; head_learning_rate is that of the ranking's."""
    distillation: float = 0.0
    """Weight of what the teachers' heads say, beside the labels; needs teachers with the same heads."""

    def __post_init__(self):
        if len(set(self.tasks)) < len(self.tasks):
            raise ValueError(f"tasks must differ, got {', '.join(self.tasks)}.")
        if min(self.distillation, *self.weights.values(), 0) < 0:
            raise ValueError("weights and distillation must be 0 or more.")

    @property
    def reads_labels(self) -> bool:
        """Whether a file of labels beside the data, or none, decides what is learnt."""
        return "sentiment" in self.tasks and self.sentiment_source in ("auto", "column")

    @property
    def weights(self) -> dict[str, float]:
        return {task: getattr(self, f"{task}_weight") for task in self.tasks}


@dataclass(frozen=True, eq=False)
class StoryLabels:
    """By task the number of each story's label, IGNORE for an unknown one, and what the numbers mean."""

    codes: dict[str, Int[np.ndarray, "N ..."]]
    specs: Specs

    def take(self, stories: Int[Tensor, " M"], width: int) -> Codes:
        """Those of the named stories, of their first `width` word pieces."""
        rows = stories.cpu().numpy()
        return {
            task: torch.from_numpy(codes[rows] if codes.ndim == 1 else codes[rows, :width]).to(stories.device)
            for task, codes in self.codes.items()
        }

    def counts(self, batch: Batch) -> Counts:
        """What one label of each story counts, so that the losses of all parts add up to the mean."""
        whole = batch.whole.cpu().numpy()
        known = {task: int((codes[whole] != IGNORE).sum()) for task, codes in self.codes.items()}
        return {task: batch.shares / max(1, count) for task, count in known.items()}

    @property
    def record(self) -> dict[str, Any]:
        """For training.json: where labels came from, how many there are, how many stories have one."""
        return {
            task: {
                "source": self.specs[task].source,
                "labels": len(self.specs[task].labels),
                "stories": int((codes != IGNORE).reshape(len(codes), -1).any(-1).sum()),
            }
            for task, codes in self.codes.items()
        }


def teaching_labels(split: Split, recommender: Recommender, config: HeadsConfig) -> StoryLabels:
    """What a training split teaches; its own categories are the labels that there are.

    Raises ValueError for a task that no story has a label of.
    """
    refuse_unlabelled(split, config)
    specs = {}
    for task in config.tasks:
        reads = "words" if task == "entities" else config.reads
        specs[task] = HeadSpec(space_of(split.news, task).names, reads)
    found = labels_of(split.news, recommender, specs, config.sentiment_source)
    for task, codes in found.codes.items():
        if (codes == IGNORE).all():
            raise ValueError(nothing_to_learn(task, split))
    return found


def refuse_unlabelled(split: Split, config: HeadsConfig) -> None:
    """Raises ValueError for a task that no story has a label of, as far as can be seen at once."""
    for task in config.tasks:
        if task == "sentiment":
            settled(split.news, config.sentiment_source)
        elif task == "entities":
            if not any(map(parse_entities, set(split.news.texts("title_entities")))):
                raise ValueError(nothing_to_learn(task, split))
        elif not any(split.news.texts(task)):
            raise ValueError(nothing_to_learn(task, split))


def labels_of(news: News, recommender: Recommender, specs: Specs, sentiment_source: Source) -> StoryLabels:
    """The labels of any stories, as numbers of these heads."""
    codes, sourced = {}, {}
    for task, spec in specs.items():
        codes[task], source = label_codes(news, recommender, task, LabelSpace(spec.labels), sentiment_source)
        sourced[task] = HeadSpec(spec.labels, spec.reads, source)
    return StoryLabels(codes, sourced)


def label_codes(
    news: News, recommender: Recommender, task: str, space: LabelSpace, sentiment_source: Source
) -> tuple[Int[np.ndarray, " N *T"], str]:
    if task == "entities":
        codes = bio_labels(news, recommender.tokenizer, recommender.config.title_length)
        return codes, "entities of the data set, where titles name them"
    if task == "sentiment":
        values, source = sentiment_labels(news, sentiment_source)
        return space.codes(values), source
    return space.codes(news.texts(task)), f"{task} of the data set"


def space_of(news: News, task: str) -> LabelSpace:
    fixed: Mapping[str, LabelSpace] = {"sentiment": SENTIMENTS, "entities": TAGS}
    return fixed.get(task) or category_space(news, task)


def nothing_to_learn(task: str, split: Split) -> str:
    return (
        f"Expected stories with a label of {task} in {split.name}, found none. Leave {task} out of "
        f"--heads.tasks, and of a table's --tasks, or give data that has it."
    )
