"""The last states of one run, kept as several teachers."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tinynewsrec.checkpoints import Checkpoint
from tinynewsrec.model.folder import read_json, write_json
from tinynewsrec.model.recommender import Recommender
from training.loop import STATE

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Snapshots:
    """`count` states, `every` steps apart, counted back: snapshot-1 is the last."""

    folder: Path
    count: int
    every: int
    steps: int
    record: dict[str, Any]

    def __post_init__(self):
        refuse_short(self.count, self.every, self.steps)

    def keep(self, step: int, recommender: Recommender) -> None:
        """A recommender whose user encoder is new: untrained, it takes the mean of the clicks."""
        place, between = divmod(self.steps - step, self.every)
        if between == 0 and place < self.count:
            recommender.training_record = self.record | {"step": step}
            recommender.save_pretrained(self.folder / f"snapshot-{place + 1}")

    def write_manifest(self) -> None:
        folders = [self.folder / f"snapshot-{place}" for place in range(1, self.count + 1)]
        listed = [
            {
                "folder": folder.name,
                "step": read_json(folder / "training.json")["step"],
                "sha256": Checkpoint.open(folder).content_hash,
            }
            for folder in folders
        ]
        write_json({"snapshots": listed, "training": self.record}, self.folder / MANIFEST)


def refuse_short(count: int, every: int, steps: int) -> None:
    """Raises ValueError where the run is too short for so many snapshots."""
    least = (count - 1) * every
    if not steps > least:
        raise ValueError(
            f"{count} snapshots {every} steps apart need more than {least} steps; this run has {steps}. "
            f"Lower save_every."
        )


def snapshots_in(folder: Path) -> list[Path]:
    """Latest first. Raises FileNotFoundError or ValueError where a folder has no finished snapshots."""
    if not (folder / MANIFEST).is_file():
        raise FileNotFoundError(
            f"{folder} has no {MANIFEST}: expected what python -m training.posttrain_teacher wrote, finished."
        )
    listed = read_json(folder / MANIFEST)["snapshots"]
    for entry in listed:
        if Checkpoint.open(folder / entry["folder"]).content_hash != entry["sha256"]:
            raise ValueError(
                f"{folder / entry['folder']} is not the snapshot that {MANIFEST} names; post-train again."
            )
    return [folder / entry["folder"] for entry in listed]


def refuse_finished_snapshots(folder: Path) -> None:
    """Raises ValueError rather than train over snapshots that are there."""
    if (folder / MANIFEST).exists() and not (folder / STATE).exists():
        raise ValueError(f"{folder} holds finished snapshots. Delete it, or choose another --out.")
