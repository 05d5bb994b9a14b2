"""Which checkpoints teach."""

from collections.abc import Sequence
from pathlib import Path

from tinynewsrec.checkpoints import Checkpoint
from training.snapshots import MANIFEST, snapshots_in


def find_teachers(folders: Sequence[Path], count: int | None) -> list[Checkpoint]:
    """The first `count` of these checkpoints; a folder of snapshots stands for all of them, latest first.

    Raises ValueError where there are fewer, or where their vectors are of different sizes.
    """
    found = [Checkpoint.open(place) for folder in folders for place in teachers_in(folder)]
    if not found:
        raise ValueError("Expected at least one teacher: a folder of snapshots, or a checkpoint. Found none.")
    if count is not None and not 1 <= count <= len(found):
        raise ValueError(f"Expected between 1 and {len(found)} teachers, as many as there are; got {count}.")
    sizes = {teacher.config.news_size for teacher in found}
    if len(sizes) != 1:
        raise ValueError(f"Teachers must have vectors of one size, found {sorted(sizes)}.")
    return found[:count]


def teachers_in(folder: Path) -> list[Path]:
    return snapshots_in(folder) if (folder / MANIFEST).is_file() else [folder]
