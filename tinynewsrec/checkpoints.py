"""Finds trained models: folders on this machine, or models on the hub (what they hold: model/folder.py)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

from tinynewsrec.model.config import ModelConfig
from tinynewsrec.model.folder import TOKENIZER, WEIGHTS, find_folder, read_blueprint, read_json
from tinynewsrec.model.heads import Specs
from tinynewsrec.model.recommender import Recommender


@dataclass(frozen=True)
class Checkpoint:
    """A trained model on disk, described; `load` reads its weights."""

    name: str
    """Of its folder, or its id on the hub."""
    folder: Path
    config: ModelConfig
    metrics: dict[str, Any]
    training: dict[str, Any]
    shared_weights: Path | None
    heads: Specs = field(default_factory=dict)
    """What it labels stories with, by task."""

    @classmethod
    def open(cls, name: str | Path) -> "Checkpoint":
        """Raises FileNotFoundError or ValueError, naming the file and what is wrong with it."""
        folder = find_folder(name)
        blueprint = read_blueprint(folder)
        shared = blueprint.shared_weights
        shared_weights = folder.parent / shared if shared else None
        records = (read_json(folder / file) for file in ("metrics.json", "training.json"))
        called = folder.resolve().name if Path(name).is_dir() else str(name)
        return cls(called, folder, blueprint.config, *records, shared_weights, blueprint.heads)

    def load(self) -> Recommender:
        return Recommender.from_pretrained(self.folder)

    @property
    def weight_files(self) -> list[Path]:
        own = self.folder / WEIGHTS
        return [own, self.shared_weights] if self.shared_weights else [own]

    @property
    def tokenizer_files(self) -> list[Path]:
        return sorted({path for pattern in TOKENIZER for path in self.folder.glob(pattern)})

    @cached_property
    def content_hash(self) -> str:
        """Of everything that decides a vector: configuration, weights and tokenizer."""
        digest = sha256()
        for path in [*self.weight_files, self.folder / "config.json", *self.tokenizer_files]:
            with open(path, "rb") as file:
                while block := file.read(1 << 20):
                    digest.update(block)
        return digest.hexdigest()


def open_checkpoints(names: Sequence[str | Path]) -> list[Checkpoint]:
    """The checkpoints under each name, in the order of `rank`; a name is a checkpoint, a folder, or a hub id.

    Raises FileNotFoundError where there is none.
    """
    found = [Checkpoint.open(place) for name in names for place in checkpoint_places(name)]
    return sorted(found, key=rank)


def rank(checkpoint: Checkpoint) -> tuple[int, bool]:
    """Largest first, and of one size those without heads: the first is what others are held against."""
    return -checkpoint.config.layers, bool(checkpoint.heads)


def checkpoint_places(name: str | Path) -> list[str | Path]:
    """The folders under a name that look like checkpoints, or the name itself where it is one, or a hub id.

    Raises FileNotFoundError for a folder that holds none.
    """
    root = Path(name)
    if not root.is_dir() or (root / "config.json").is_file():
        return [name]
    folders = sorted({path.parent for path in root.rglob("config.json")})
    if not folders:
        raise FileNotFoundError(
            f"No checkpoint under {root}: expected folders with config.json and {WEIGHTS}. "
            f"Train one with python -m training.finetune_teacher --data DIR --out {root}/teacher"
        )
    return list(folders)
