"""How a checkpoint came about, for its training.json."""

import platform
import shlex
import sys
from hashlib import file_digest
from importlib.metadata import version
from pathlib import Path
from typing import Any

PACKAGES = ("tinynewsrec", "torch", "transformers", "accelerate", "numpy")


def training_record(stage: str, data: Path, name: str, **more: Any) -> dict[str, Any]:
    return {
        "stage": stage,
        "data": {"name": name, "sha256": {path.name: file_hash(path) for path in data_files(data)}},
        "command": shlex.join(["python", "-m", f"training.{stage}", *sys.argv[1:]]),
        "versions": {"python": platform.python_version()} | {name: version(name) for name in PACKAGES},
        **more,
    }


def data_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix in (".tsv", ".parquet"))


def file_hash(path: Path) -> str:
    with open(path, "rb") as file:
        return file_digest(file, "sha256").hexdigest()
