"""A checkpoint is a folder:

config.json         what to build: our ModelConfig, the language model's own, heads, where shared weights lie
model.safetensors   the weights
tokenizer*.json     how titles become token ids
metrics.json        how it did, on which data, with how many cases
training.json       how it came about: data and its hash, command line, seed, versions, parents
README.md           the same for people

Beside that a distilled student has

projections.safetensors   maps between its vectors and its teachers' (projections.py)
teacher_weights.jsonl     of a fixed sample of cases: what each teacher counted for, how long vectors were

and one that learnt several tasks

conflicts.jsonl           how their gradients pulled on one another (conflicts.py)
adapter/                  its low-rank adapters alone, as peft saves them, where it has any (lora.py)
"""

import json
import re
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

from tinynewsrec.model.config import ModelConfig
from tinynewsrec.model.heads import Specs, read_specs
from tinynewsrec.model.weights import Weights, read_weights

WEIGHTS = "model.safetensors"
HUB_ID = re.compile(r"[\w.-]+(/[\w.-]+)?")
TOKENIZER = ["tokenizer*", "vocab*", "merges.txt", "special_tokens_map.json", "*.model"]
DISTILLED = ["projections.safetensors", "teacher_weights.jsonl"]
MULTITASK = ["conflicts.jsonl", "adapter/*"]
FILES = [
    "config.json",
    WEIGHTS,
    *TOKENIZER,
    *DISTILLED,
    *MULTITASK,
    "metrics.json",
    "training.json",
    "README.md",
]


class Blueprint(NamedTuple):
    """config.json."""

    config: ModelConfig
    language_model: dict[str, Any]
    shared_weights: str | None = None
    heads: Specs = MappingProxyType({})


def find_folder(name: str | Path, revision: str | None = None, token: str | None = None) -> Path:
    """A checkpoint's folder on this machine, fetched from the hub where `name` is not a folder.

    Raises FileNotFoundError where it is neither.
    """
    if Path(name).is_dir():
        return Path(name)
    expected = f"expected a folder with config.json and {WEIGHTS}, or the id of a public model on the hub."
    train = "To train one: python -m training.finetune_teacher --data DIR --out DIR"
    if not HUB_ID.fullmatch(str(name)):
        raise FileNotFoundError(f"There is no folder {name}: {expected} {train}")
    try:
        return Path(snapshot_download(str(name), revision=revision, token=token, allow_patterns=FILES))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
        raise FileNotFoundError(
            f"No checkpoint {name}: {expected} There is no such folder here, and the hub could not give it "
            f"({reason}); is there a network? {train}"
        ) from error


def read_blueprint(folder: Path) -> Blueprint:
    """Raises FileNotFoundError or ValueError, naming the file and what is wrong with it."""
    path = folder / "config.json"
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing, so {folder} is not a checkpoint of this program.")
    found = read_json(path)
    shared = found.get("shared_weights")
    if shared is not None and (not isinstance(shared, str) or Path(shared).name != shared):
        raise ValueError(
            f"{path}: shared_weights must be the plain name of a file beside {folder.name}, got {shared!r}."
        )
    try:
        config, heads = ModelConfig(**found["recommender"]), read_specs(found.get("heads", {}))
        return Blueprint(config, dict(found["language_model"]), shared, heads)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path} does not describe a recommender: expected the keys 'recommender' and "
            f"'language_model'; {error}"
        ) from error


def write_blueprint(blueprint: Blueprint, folder: Path) -> None:
    written = {"recommender": asdict(blueprint.config), "language_model": blueprint.language_model}
    if blueprint.heads:
        written["heads"] = {name: asdict(spec) for name, spec in blueprint.heads.items()}
    if blueprint.shared_weights:
        written["shared_weights"] = blueprint.shared_weights
    write_json(written, folder / "config.json")


def read_state(folder: Path, blueprint: Blueprint) -> Weights:
    """The weights of a checkpoint, those it shares with its neighbours included."""
    weights = read_weights(folder / WEIGHTS)
    if blueprint.shared_weights is None:
        return weights
    return read_weights(folder.parent / blueprint.shared_weights) | weights


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object, or nothing for a file that is not there. Raises ValueError, naming file and line."""
    if not path.exists():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is not valid JSON: {error}") from error
    if not isinstance(found, dict):
        raise ValueError(f"{path}: expected a JSON object, found a {type(found).__name__}.")
    return found


def write_json(value: dict[str, Any], path: Path) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
