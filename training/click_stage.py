"""What all stages that learn from clicks have in common: data and training cases."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from rich import print
from torch import Tensor

from tinynewsrec.data.batches import EMPTY, Batch
from tinynewsrec.data.read import read_split
from tinynewsrec.data.tables import Split
from tinynewsrec.data.tokens import Stories
from tinynewsrec.model.config import ModelConfig
from tinynewsrec.model.recommender import Recommender
from training.config import TrainConfig, refuse_below
from training.loop import this_process
from training.losses import slot_means
from training.record import training_record
from training.samples import Sampler, find_clicks, refuse_uneven
from training.stage import with_frozen_layers


@dataclass(frozen=True, kw_only=True)
class ClickArguments:
    data: Path
    """Folder of a split to train on."""
    out: Path
    """Where to write the checkpoint; a killed run started again with the same settings goes on from here."""
    dev: Path | None = None
    """Folder of a split to measure the result on."""
    negatives: int = 4
    """Stories beside each click, drawn anew each epoch from what the reader saw and did not click."""
    drop_history: float = 0.1
    """Share of the clicks shown without history, so that readers without one get a learnt vector."""
    trained_layers: int = 2
    """Layers of the language model that are trained, from the last; others and embeddings are frozen."""
    model: ModelConfig = field(default_factory=ModelConfig)
    training: TrainConfig = field(default_factory=TrainConfig)

    def __post_init__(self):
        refuse_below(self, negatives=1, trained_layers=0)
        if not 0 <= self.drop_history <= 1:
            raise ValueError(f"drop_history is a share, from 0 to 1; got {self.drop_history}.")


def splits(arguments: ClickArguments) -> tuple[Split, Split | None]:
    """What to train on, and what to measure on. Raises ValueError where the latter has no labels."""
    split, dev = read_split(arguments.data), read_split(arguments.dev) if arguments.dev else None
    if dev is not None and dev.impressions.clicked is None:
        raise ValueError(
            f"{dev.name} has no labels, so nothing can be measured on it. Name another --dev, or none."
        )
    return split, dev


def click_sampler(arguments: ClickArguments, split: Split, recommender: Recommender) -> Sampler:
    """Cases for a recommender whose frozen layers are computed beforehand, once."""
    tokens = recommender.tokens(split.news.texts("title"))
    stories = with_frozen_layers(recommender.news_encoder, tokens, met_stories(split))
    return sampler_over(stories, arguments, split)


def sampler_over(stories: Stories, arguments: ClickArguments, split: Split) -> Sampler:
    """Raises ValueError where a batch cannot be dealt to all processes alike."""
    clicks = find_clicks(split.impressions)
    refuse_uneven(arguments.training, len(clicks), this_process().num_processes, split.name)
    sampler = Sampler(
        split.impressions,
        clicks,
        stories,
        arguments.model.history_length,
        arguments.training.batch_size,
        arguments.negatives,
        arguments.drop_history,
        arguments.training.seed,
    )
    print(
        f"{split.name}: {len(clicks):,} clicks, {clicks.skipped:,} impressions skipped "
        f"(none or all clicked), {sampler.steps_per_epoch} steps an epoch"
    )
    return sampler


def met_stories(split: Split) -> Int[Tensor, " N"]:
    """The rows of all stories that a training case can hold."""
    rows = np.unique(find_clicks(split.impressions).impression)
    if not len(rows):
        raise ValueError(
            f"Expected impressions of which some stories were clicked and others not, found none in "
            f"{split.name}. Name other data."
        )
    impressions = split.impressions.take(rows)
    met = np.unique(np.concatenate([impressions.history.named, impressions.candidates.values]))
    return torch.from_numpy(met.astype(np.int64))


def target_of(batch: Batch) -> tuple[Int[Tensor, " B"], Bool[Tensor, "B C"]]:
    """The place of the clicked candidate, and which candidates there are."""
    return batch.clicked.float().argmax(-1), batch.candidates != EMPTY


def case_distances(distances: Float[Tensor, "M N"], batch: Batch) -> Float[Tensor, "M B"]:
    """The mean over the stories that each case meets, clicked before or offered now."""
    slots = torch.cat([batch.history, batch.candidates], dim=-1)
    return slot_means(distances, slots, slots != EMPTY)


def click_record(
    arguments: ClickArguments, split: Split, sampler: Sampler, parents: Sequence[str | Path]
) -> dict[str, Any]:
    clicks = sampler.clicks
    return training_record(
        arguments, split.name, parents, clicks=len(clicks), skipped_impressions=clicks.skipped
    )
