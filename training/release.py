"""Writes a family of checkpoints small enough to ship: matrices as int8, and what they share only once.

python -m training.release --checkpoints checkpoints --out assets/checkpoints --data assets/sample/dev
"""

from dataclasses import dataclass
from pathlib import Path

import torch
import tyro
from rich import print
from torch import Tensor

from tinynewsrec.checkpoints import Checkpoint, open_checkpoints
from tinynewsrec.commands import readable_errors
from tinynewsrec.data.read import read_split
from tinynewsrec.evaluation.vectors import keep_beside
from tinynewsrec.model.folder import WEIGHTS
from tinynewsrec.model.recommender import Recommender
from tinynewsrec.model.weights import compact, write_weights

SHARED = "shared.safetensors"


@dataclass(frozen=True)
class Arguments:
    checkpoints: tuple[str, ...]
    """Folders of the checkpoints, or one folder that holds them all."""
    out: Path
    """Where to write the family: a folder for each, and shared.safetensors beside them."""
    data: tuple[Path, ...] = ()
    """Splits whose news vectors are kept beside the checkpoints, so that an app need not compute them."""


def main(arguments: Arguments) -> None:
    checkpoints = open_checkpoints(arguments.checkpoints)
    family = {checkpoint.name: checkpoint.load() for checkpoint in checkpoints}
    if len(family) < len(checkpoints):
        raise ValueError(
            "Two of these checkpoints have the same folder name, so one would overwrite the other."
        )
    arguments.out.mkdir(parents=True, exist_ok=True)
    common = in_common([recommender.state_dict() for recommender in family.values()])
    write_weights(compact(common), arguments.out / SHARED)
    for name, recommender in family.items():
        write_member(recommender, common, arguments.out / name)
        print(f"{name}: measure it anew with python -m tinynewsrec.evaluate --write-metrics")
    for data in arguments.data:
        titles = read_split(data).news.texts("title")
        for name in family:
            keep_beside(Checkpoint.open(arguments.out / name), titles)
    size = sum(path.stat().st_size for path in arguments.out.rglob("*") if path.is_file())
    print(f"{len(family)} checkpoints under {arguments.out}: {size / 2**20:.1f} MiB")


def in_common(states: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    """The tensors that are equal in every checkpoint: embeddings that training left frozen."""
    first, *others = states
    return {
        name: tensor
        for name, tensor in first.items()
        if others and all(name in state and torch.equal(state[name], tensor) for state in others)
    }


def write_member(recommender: Recommender, common: dict[str, Tensor], folder: Path) -> None:
    own = {name: tensor for name, tensor in recommender.state_dict().items() if name not in common}
    folder.mkdir(parents=True, exist_ok=True)
    recommender.metrics = {}
    recommender.training_record |= {"released": "matrices rounded to int8 with one scale for each row"}
    write_weights(compact(own), folder / WEIGHTS)
    recommender.save_description(folder, recommender.blueprint._replace(shared_weights=SHARED))


if __name__ == "__main__":
    with readable_errors():
        main(tyro.cli(Arguments, description=__doc__))
