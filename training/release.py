"""Writes a family of checkpoints small enough to ship: matrices as int8, and what they share only once.

python -m training.release --checkpoints checkpoints --out assets/checkpoints --data assets/sample/dev
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

import torch
import tyro
from rich import print
from torch import Tensor

from tinynewsrec.analysis.training_logs import LOSSES
from tinynewsrec.checkpoints import Checkpoint, open_checkpoints
from tinynewsrec.commands import readable_errors
from tinynewsrec.data.read import read_split
from tinynewsrec.evaluation.vectors import keep_beside
from tinynewsrec.model.conflicts import CONFLICTS
from tinynewsrec.model.folder import WEIGHTS
from tinynewsrec.model.lora import ADAPTER
from tinynewsrec.model.projections import Projections
from tinynewsrec.model.recommender import Recommender
from tinynewsrec.model.weights import compact, write_weights
from training.distillation import WEIGHTS_LOG
from training.stage import forget

SHARED = "shared.safetensors"
BEFORE_ROUNDING = "measured before matrices were rounded"


@dataclass(frozen=True)
class Arguments:
    checkpoints: tuple[str, ...]
    """Folders of the checkpoints, or one folder that holds them all."""
    out: Path
    """Where to write the family: a folder for each, and shared.safetensors beside them."""
    names: tuple[str, ...] = ()
    """What to call them, in the order of --checkpoints; none: as their folders are called."""
    data: tuple[Path, ...] = ()
    """Splits whose news vectors are kept beside the checkpoints, so that an app need not compute them."""


def main(arguments: Arguments) -> None:
    checkpoints = named(arguments)
    family = {name: checkpoint.load() for name, checkpoint in checkpoints.items()}
    arguments.out.mkdir(parents=True, exist_ok=True)
    common = in_common([recommender.state_dict() for recommender in family.values()])
    write_weights(compact(common), arguments.out / SHARED)
    for name, recommender in family.items():
        write_member(recommender, common, arguments.out / name)
        write_lessons(checkpoints[name], checkpoints, arguments.out / name)
        print(f"{name}: measure it anew with python -m tinynewsrec.evaluate --write-metrics")
    for data in arguments.data:
        titles = read_split(data).news.texts("title")
        for name in family:
            keep_beside(Checkpoint.open(arguments.out / name), titles)
    size = sum(path.stat().st_size for path in arguments.out.rglob("*") if path.is_file())
    print(f"{len(family)} checkpoints under {arguments.out}: {size / 2**20:.1f} MiB")


def named(arguments: Arguments) -> dict[str, Checkpoint]:
    """Raises ValueError where there are not as many different names as checkpoints."""
    checkpoints = open_checkpoints(arguments.checkpoints)
    if arguments.names:
        checkpoints = [Checkpoint.open(place) for place in arguments.checkpoints]
    names = arguments.names or [checkpoint.name for checkpoint in checkpoints]
    if len(set(names)) != len(checkpoints):
        raise ValueError(
            f"Expected {len(checkpoints)} different names, one for each checkpoint, or one would overwrite "
            f"another; found {', '.join(names)}. Give --names."
        )
    return dict(zip(names, checkpoints, strict=True))


def write_lessons(student: Checkpoint, family: dict[str, Checkpoint], folder: Path) -> None:
    """Maps to teachers of the family, under their names in it, and what went on while it was trained."""
    forget(folder)
    for log in (LOSSES, WEIGHTS_LOG, CONFLICTS):
        if (student.folder / log).is_file():
            shutil.copy(student.folder / log, folder / log)
    if (student.folder / ADAPTER).is_dir():
        shutil.copytree(student.folder / ADAPTER, folder / ADAPTER)
    projections = Projections.load(student.folder)
    if projections is None:
        return
    teachers = student.training["parents"][-len(projections.teachers) :]
    members = {checkpoint.content_hash: name for name, checkpoint in family.items()}
    kept = {
        place: members[teacher["sha256"]]
        for place, teacher in enumerate(teachers)
        if teacher["sha256"] in members
    }
    if kept:
        projections.only(kept).save(folder)


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
    heads = recommender.metrics.get("heads")
    recommender.metrics = {"heads": heads | {"note": BEFORE_ROUNDING}} if heads else {}
    recommender.training_record |= {"released": "matrices rounded to int8 with one scale for each row"}
    write_weights(compact(own), folder / WEIGHTS)
    recommender.save_description(folder, recommender.blueprint._replace(shared_weights=SHARED))


if __name__ == "__main__":
    with readable_errors():
        main(tyro.cli(Arguments, description=__doc__))
