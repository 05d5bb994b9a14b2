"""A map of all stories: a point for each story and model, and what may be said of it; kept in one file.

M models, the first of them the one the others are held against; N stories.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from tinynewsrec.analysis.alignment import Way
from tinynewsrec.analysis.regions import Region

NEWS_MAP = "news_map.safetensors"
"""In the folder of the data."""


@dataclass(frozen=True)
class MappedModel:
    name: str
    sha256: str
    """Of everything that decides a vector."""
    way: Way
    """How it came into the shared space."""
    met_again: float
    """Share of stories that are nearest to themselves there, the first model's held against this one's."""
    trust: float
    """Trustworthiness of its own map, of the nearest 15."""
    trust_shared: float
    """The same of its points in the shared map."""
    overlaps: dict[str, float]
    """Share of the nearest 10 stories that it has in common with each model, by hash; mean."""


class Layers(NamedTuple):
    """Both coordinates between -1 and 1; float16, for nobody can tell two points closer than that."""

    own: Float[np.ndarray, "M N 2"]
    """Of each model a map of its own."""
    shared: Float[np.ndarray, "M N 2"]
    """Of all models one map."""
    moved: Float[np.ndarray, "M N"]
    """Cosine distance to the first model's vector in the shared space, before it was drawn flat."""


@dataclass(frozen=True, eq=False)
class NewsMap:
    layers: Layers
    models: tuple[MappedModel, ...]
    data: str
    """Hash of the stories' ids and titles, in their order."""
    regions: dict[str, list[list[Region]]]
    """What parts are about, from far to near: by the name of the model, and of the "shared" map."""
    checked: int
    """Stories that all these means are over, each held against all."""
    method: str
    """UMAP, or PCA where none was made beforehand."""
    made: dict[str, Any]
    """Command, seed, versions."""

    def only(self, wanted: dict[str, str]) -> "NewsMap":
        """Of the models with these hashes, under these names. Raises ValueError where one is missing."""
        known = {model.sha256: place for place, model in enumerate(self.models)}
        missing = [name for name, digest in wanted.items() if digest not in known]
        if missing:
            there = ", ".join(f"{model.name} ({model.sha256[:8]})" for model in self.models)
            raise ValueError(
                f"It was made of other checkpoints: expected {missing[0]} ({wanted[missing[0]][:8]}), "
                f"found {there}."
            )
        places = [known[digest] for digest in wanted.values()]
        names = dict(zip((self.models[place].name for place in places), wanted, strict=True))
        return replace(
            self,
            layers=Layers(*(table[places] for table in self.layers)),
            models=tuple(
                replace(self.models[place], name=name) for place, name in zip(places, wanted, strict=True)
            ),
            regions={names.get(name, name): found for name, found in self.regions.items()},
        )

    def save(self, path: Path) -> None:
        described = {name: value for name, value in vars(self).items() if name != "layers"}
        described["models"] = [asdict(model) for model in self.models]
        arrays = {
            name: np.ascontiguousarray(table, np.float16) for name, table in self.layers._asdict().items()
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(save(arrays, {"map": json.dumps(described, ensure_ascii=False)}))


def load_map(path: Path) -> NewsMap:
    """Raises ValueError for a file that is no map."""
    try:
        with safe_open(path, framework="numpy") as file:
            layers = Layers(*(file.get_tensor(name) for name in Layers._fields))
            described = json.loads(file.metadata()["map"])
        found = NewsMap(layers, **described | readable(described))
        stories = layers.moved.shape[1]
        expected = ((len(found.models), stories, 2),) * 2 + ((len(found.models), stories),)
        if tuple(table.shape for table in layers) != expected:
            raise ValueError(f"expected tables of shape {expected}")
        return found
    except (SafetensorError, LookupError, TypeError, ValueError, OSError) as error:
        raise ValueError(f"{path} does not hold a map of news ({error}); make it again.") from error


def readable(described: dict[str, Any]) -> dict[str, Any]:
    """What JSON turned into lists and dictionaries."""
    return {
        "models": tuple(MappedModel(**model) for model in described["models"]),
        "regions": {
            name: [
                [Region(x, y, tuple(words), stories) for x, y, words, stories in level] for level in levels
            ]
            for name, levels in described["regions"].items()
        },
    }


def map_for(path: Path, data: str, models: dict[str, str]) -> NewsMap:
    """The map in that file, if it was made of these stories and of these checkpoints, by name and hash.

    Raises ValueError otherwise, saying what it was made of and how to make another.
    """
    found = load_map(path)
    try:
        if found.data != data:
            raise ValueError(f"It was made of other stories: expected {data[:8]}, found {found.data[:8]}.")
        return found.only(models)
    except ValueError as error:
        command = "python -m training.news_map --data DIR --checkpoints DIR"
        raise ValueError(f"{path} does not fit. {error} Make one that does: {command}") from None


def hash_of(ids: Sequence[str], titles: Sequence[str]) -> str:
    """Changes with any id or title, and with their order."""
    digest = sha256()
    for text in (*ids, *titles):
        digest.update(text.encode() + b"\0")
    return digest.hexdigest()


def within_one(points: Float[np.ndarray, "*any 2"]) -> Float[np.ndarray, "*any 2"]:
    """Moved and scaled so that both coordinates lie between -1 and 1, in the same proportion."""
    flat = points.reshape(-1, 2)
    low, high = flat.min(0), flat.max(0)
    half = max(float((high - low).max()) / 2, np.finfo(np.float32).tiny)
    return ((points - (low + high) / 2) / half).astype(np.float16)
