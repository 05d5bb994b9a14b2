"""Measures how alike the layers of a teacher and of its students are, for the app to show.

python -m training.layer_similarity --data assets/sample/dev --checkpoints assets/checkpoints
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import tyro
from jaxtyping import Float
from rich import print

from tinynewsrec.analysis.neighbours import evenly
from tinynewsrec.analysis.similarity import linear_cka, shuffled_cka
from tinynewsrec.checkpoints import Checkpoint, open_checkpoints
from tinynewsrec.commands import readable_errors
from tinynewsrec.data.read import read_split
from tinynewsrec.data.tokens import Tokens
from tinynewsrec.model.folder import write_json
from tinynewsrec.model.recommender import Recommender
from training.layer_outputs import layer_outputs
from training.record import command_of, without_machine

LAYER_SIMILARITY = "layer_similarity.json"
TOGETHER = 64  # titles that are read at once

States = list[Float[np.ndarray, "N _"]]
"""Of each layer, then of the news vector."""


@dataclass(frozen=True, kw_only=True)
class Arguments:
    data: Path
    """Folder of a split whose titles are read."""
    checkpoints: tuple[str, ...]
    """Folders of the checkpoints, or one folder that holds them all; that of most layers is the teacher."""
    out: Path | None = None
    """Where to write; none: layer_similarity.json in the folder of the data, where the app looks."""
    stories: int = 2_000
    """How many titles at most, spread evenly over the data."""

    def __post_init__(self):
        if self.stories < 2:
            raise ValueError(f"Layers are compared on at least 2 stories, got {self.stories}.")


def main(arguments: Arguments) -> None:
    found = measure(arguments)
    path = arguments.out or arguments.data / LAYER_SIMILARITY
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(found, path)
    print(f"{path}: layers of {len(found['models'])} models, {found['stories']:,} stories")


def measure(arguments: Arguments) -> dict[str, Any]:
    split = read_split(arguments.data)
    all_titles = split.news.texts("title")
    titles = [all_titles[row] for row in evenly(len(all_titles), arguments.stories)]
    checkpoints = open_checkpoints(arguments.checkpoints)
    states = {checkpoint.name: states_of(checkpoint.load(), titles) for checkpoint in checkpoints}
    teacher = checkpoints[0].name
    return {
        "measure": "linear CKA of the mean state of a title's word pieces, behind each layer",
        "data": split.name,
        "stories": len(titles),
        "command": command_of(arguments, without_machine),
        "models": [described(checkpoint) for checkpoint in checkpoints],
        "teacher": teacher,
        "pairs": [compared(teacher, name, states) for name in states],
    }


def described(checkpoint: Checkpoint) -> dict[str, Any]:
    layers = checkpoint.config.layers
    return {"name": checkpoint.name, "sha256": checkpoint.content_hash, "layers": layers}


def compared(teacher: str, model: str, states: dict[str, States]) -> dict[str, Any]:
    """Rows: layers of the teacher, then its news vector; columns: the same of the model."""
    rows, columns = states[teacher], states[model]
    return {
        "model": model,
        "values": [[round(linear_cka(one, other), 4) for other in columns] for one in rows],
        "by_chance": round(max(shuffled_cka(one, other) for one in rows for other in columns), 4),
    }


@torch.no_grad()
def states_of(recommender: Recommender, titles: list[str]) -> States:
    tokens = recommender.eval().tokens(titles)
    batches = torch.arange(len(titles)).split(TOGETHER)
    found = [states_of_batch(recommender, tokens.take(rows)) for rows in batches]
    return [np.concatenate(layer) for layer in zip(*found, strict=True)]


def states_of_batch(recommender: Recommender, tokens: Tokens) -> States:
    layers = range(1, recommender.config.layers + 1)
    outputs = layer_outputs(recommender.news_encoder, tokens, layers)
    shares = tokens.mask / tokens.mask.sum(-1, keepdim=True)
    means = [torch.einsum("nt,ntw->nw", shares, states) for states in outputs.states]
    return [table.numpy() for table in (*means, recommender.encode(tokens))]


if __name__ == "__main__":
    with readable_errors():
        main(tyro.cli(Arguments, description=__doc__))
