"""A stage of a recipe: run where it is not done, refused where it was done otherwise."""

import json
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, NamedTuple

from filelock import FileLock
from rich import print

from tinynewsrec.checkpoints import Checkpoint
from tinynewsrec.data.read import read_split
from tinynewsrec.model.folder import read_json
from training.config import refuse_below
from training.loop import this_process
from training.record import as_now, command_of, data_record, deciding, settings_of
from training.resume import different
from training.snapshots import MANIFEST
from training.stage import is_finished
from training.story_labels import refuse_unlabelled
from training.teachers import teachers_in


def is_there(folder: Path) -> bool:
    """Whether a checkpoint or all snapshots are."""
    return is_finished(folder) or (folder / MANIFEST).is_file()


def refuse_unable(stages: Sequence["Stage"]) -> None:
    """Raises ValueError, before anything is run, where one freezes what it must teach, or has no labels."""
    for stage in stages:
        refuse_below(stage.arguments, trained_layers=getattr(stage.arguments, "least_trained", 0))
    labelling = [stage.arguments for stage in stages if not stage.done and hasattr(stage.arguments, "heads")]
    if labelling:
        split = read_split(labelling[0].data)
        for arguments in labelling:
            refuse_unlabelled(split, arguments.heads)


def refuse_done_otherwise(stages: Iterable["Stage"]) -> None:
    """Raises ValueError, before anything is run, where one was done with other settings or data.

    One that was made from what is gone, or begun again, is compared once that is there.
    """
    for stage in stages:
        if stage.done and all(map(is_there, stage.sources)):
            stage.refuse_others()


class Stage(NamedTuple):
    """One command, as `python -m` would run it."""

    main: Callable[[Any], None]
    arguments: Any

    @property
    def folder(self) -> Path:
        return self.arguments.out

    @property
    def done(self) -> bool:
        return is_there(self.folder)

    @property
    def sources(self) -> list[Path]:
        """What it begins with and is taught by."""
        parent = getattr(self.arguments, "parent", None)
        return [*([parent] if parent else []), *getattr(self.arguments, "teachers", ())]

    @property
    def command(self) -> str:
        return command_of(self.arguments)

    def run(self) -> None:
        """Nothing where it is done; waits where another recipe is at it.

        Raises ValueError where what is done was done with other settings or data.
        """
        lock = FileLock(f"{self.folder}.lock") if this_process().is_main_process else nullcontext()
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        with lock:
            this_process().wait_for_everyone()  # nobody looks before the lock is held
            if not self.done:
                print(f"[bold]{self.folder}[/bold]")
                self.main(self.arguments)
        this_process().wait_for_everyone()
        self.refuse_others()

    def refuse_others(self) -> None:
        found = read_json(self.folder / MANIFEST).get("training") or read_json(self.folder / "training.json")
        made, wanted = as_now(found["settings"], self.arguments), settings_of(self.arguments)
        changed = different(*(json.loads(json.dumps(deciding(each))) for each in (made, wanted)))
        # What was made before labels and dev were recorded has none to compare.
        data = data_record(self.arguments)
        others = [name for name, hashes in data.items() if found["data"].get(name, hashes) != hashes]
        changed += sorted({"dev" if name == "dev" else "data" for name in others})
        if not self.has_parents(found["parents"]):
            changed.append("parents")
        if changed:
            raise ValueError(
                f"{self.folder} was made with other settings ({', '.join(changed)}). Choose another --out, "
                f"or delete it, and what was made from it, to make it anew."
            )

    def has_parents(self, recorded: list[dict[str, str]]) -> bool:
        """Whether it began with this checkpoint and was taught by these, as they are now.

        Snapshots of one folder are the first of those that its manifest names.
        """
        wanted = [place for source in self.sources for place in teachers_in(source)]
        found = [parent["sha256"] for parent in recorded if "sha256" in parent]
        hashes = [Checkpoint.open(place).content_hash for place in wanted]
        counted = getattr(self.arguments, "teacher_count", None) is not None
        return not wanted or (hashes[: len(found)] if counted else hashes) == found
