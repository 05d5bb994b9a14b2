"""Timings made beforehand, on a machine that did nothing else: speed.json beside each checkpoint."""

import json
from collections.abc import Sequence
from typing import Any

from tinynewsrec.views.workspace import Model

FILE = "speed.json"


def reference_rows(models: Sequence[Model]) -> list[dict[str, Any]]:
    """Of the models whose checkpoint brings one that was made with these very weights."""
    return [row for row in map(reference_of, models) if row]


def reference_of(model: Model) -> dict[str, Any] | None:
    path = model.checkpoint.folder / FILE
    if not path.is_file():
        return None
    found = json.loads(path.read_text(encoding="utf-8"))
    return {"model": model.name} | found if found.get("checkpoint") == model.checkpoint.content_hash else None
