"""Checkpoints by the name that a comparison shows."""

from collections.abc import Sequence

from tinynewsrec.checkpoints import Checkpoint, open_checkpoints


def open_named(names: Sequence[str]) -> dict[str, Checkpoint]:
    """Checkpoints by name, each once: the first that was named, then the others, largest first."""
    opened = [*open_checkpoints(names[:1])[:1], *open_checkpoints(names)]
    if not opened:
        raise ValueError("Expected at least one folder or hub id after --checkpoints, found none.")
    checkpoints = list({checkpoint.folder.resolve(): checkpoint for checkpoint in opened}.values())
    return dict(zip(told_apart(checkpoints), checkpoints, strict=True))


def told_apart(checkpoints: Sequence[Checkpoint]) -> list[str]:
    """Their names; folders of one name by as much of their paths as tells them apart.

    Each is a way down from a folder of predictions. Raises ValueError where paths tell nothing apart.
    """
    names = [name_within(checkpoint, 1) for checkpoint in checkpoints]
    deepest = max((len(checkpoint.folder.resolve().parts) for checkpoint in checkpoints), default=0)
    for depth in range(2, 2 + deepest):
        names = [
            name_within(checkpoint, depth) if names.count(name) > 1 else name
            for name, checkpoint in zip(names, checkpoints, strict=True)
        ]
    if len(set(names)) < len(names):
        raise ValueError(f"Expected checkpoints of different names, found {', '.join(names)}; rename one.")
    return names


def name_within(checkpoint: Checkpoint, depth: int) -> str:
    """A hub id whole; of a folder, the last parts of its path."""
    below_root = checkpoint.folder.resolve().parts[1:]
    parts = checkpoint.name.split("/") if from_hub(checkpoint) else below_root[-depth:]
    return "/".join(part for part in parts if part not in ("", ".", "..")) or "checkpoint"


def from_hub(checkpoint: Checkpoint) -> bool:
    return checkpoint.name != checkpoint.folder.resolve().name
