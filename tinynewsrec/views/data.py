"""What is loaded and where it comes from; and a reader's own data and models in their place."""

import os
import platform
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from tinynewsrec.views.roles import role_of
from tinynewsrec.views.rooms import new_folder
from tinynewsrec.views.sentences import sentence
from tinynewsrec.views.state import Page
from tinynewsrec.views.words import words
from tinynewsrec.views.workspace import Model, Workspace

NAME = "data"
FILES = {
    "MIND": ("news.tsv", "behaviors.tsv"),
    "EB-NeRD": ("behaviors.parquet", "history.parquet", "articles.parquet"),
}
PACKAGES = ("tinynewsrec", "torch", "transformers", "gradio", "plotly", "captum", "numpy", "pyarrow")
MOST_NAMES = 8  # checkpoints that one request may name
CITED = ("tiny-newsrec", "mtrec", "mind", "ebnerd", "minilm")


@dataclass(frozen=True)
class Options:
    """None: a link names no files and no models of others."""


def payload(workspace: Workspace, page: Page) -> dict[str, Any]:
    split, language = workspace.split, page.shared.language
    return {
        "own": bool(page.room),
        "split": {
            "name": split.name,
            "impressions": len(split.impressions),
            "readers": len(np.unique(split.impressions.readers)),
            "stories": len(split.news),
            "labelled": split.impressions.clicked is not None,
            "clicks": float(split.impressions.history.lengths.mean()),
            "candidates": float(split.impressions.candidates.lengths.mean()),
            "skipped": [
                {"what": sentence(language, what), "count": count, "first": sentence(language, first)}
                for what, count, first in split.skipped
            ],
        },
        "models": [told(workspace, language, model) for model in workspace.models],
        "problems": [sentence(language, problem) for problem in workspace.problems],
        "versions": [["python", platform.python_version()], *versions()],
        "files": {name: list(files) for name, files in FILES.items()},
        "public": on_a_space(),
        "cited": list(CITED),
    }


def told(workspace: Workspace, language: str, model: Model) -> dict[str, Any]:
    """Of a model, what its checkpoint says of itself."""
    record, config = model.recommender.training_record, model.checkpoint.config
    tasks = words(language, "headline")["tasks"]
    return {
        "name": model.name,
        "role": words(language, "common")["roles"][role_of(workspace, model)],
        "layers": model.layers,
        "language model": config.language_model,
        "pooling": config.pooling,
        "reader": config.user_encoder,
        "stage": record.get("stage", ""),
        "trained on": record.get("data", {}).get("name", ""),
        "command": record.get("command", ""),
        "hash": model.checkpoint.content_hash,
        "heads": [tasks[task] for task in model.recommender.heads or ()],
    }


def versions() -> list[list[str]]:
    found = []
    for name in PACKAGES:
        try:
            found.append([name, version(name)])
        except PackageNotFoundError:
            continue
    return found


def on_a_space() -> bool:
    """Whether strangers may use this app: they name models on the hub, never folders of the machine."""
    return bool(os.environ.get("SPACE_ID"))


def load_files(workspace: Workspace, page: Page, values: dict[str, Any]) -> Page:
    """A workspace of the uploaded files with the models at hand. Raises ValueError where one is missing."""
    from tinynewsrec.data.read import read_split

    said = words(page.shared.language, NAME)
    folder, own = new_folder()
    for path in uploaded(values["paths"], said):
        take(path, own, said)
    try:
        split = read_split(own)
    except (OSError, ValueError) as error:  # whose place on this machine is nobody's business
        raise type(error)(str(error).replace(f"{own}{os.sep}", "")) from error
    if not len(split.impressions):
        raise ValueError(said["no impressions"])
    made = Workspace(own, workspace.places, lent=workspace.models)
    room = workspace.rooms.open(made, folder)
    return replace(moved(page), room=room, notice=said["loading"])


def uploaded(paths: Any, said: dict[str, Any]) -> list[Path]:
    """Raises ValueError for a path that no upload gave: it comes from the browser, so it may be any."""
    from gradio.utils import get_upload_folder

    allowed = Path(get_upload_folder()).resolve()
    found = [Path(str(path)).resolve() for path in paths] if isinstance(paths, list) else []
    if not found or not all(path.is_relative_to(allowed) and path.is_file() for path in found):
        raise ValueError(said["not uploaded"])
    return found


def take(path: Path, folder: Path, said: dict[str, Any]) -> None:
    """A file of a data set, or those in a zip archive. Raises ValueError for any other file."""
    from tinynewsrec.data.unpack import unpack

    known = {name for files in FILES.values() for name in files}
    if path.name in known:
        path.replace(folder / path.name)
    elif path.suffix == ".zip":
        unpack(path, folder, names_in(path, said))
    else:
        raise ValueError(said["unknown file"].format(name=path.name[:80], known=", ".join(sorted(known))))


def names_in(archive: Path, said: dict[str, Any]) -> tuple[str, ...]:
    """The files of the data set that an archive holds. Raises ValueError where it holds none whole."""
    import zipfile

    try:
        with zipfile.ZipFile(archive) as file:
            inside = {name.rpartition("/")[2] for name in file.namelist()}
    except zipfile.BadZipFile as error:
        raise ValueError(said["no archive"].format(name=archive.name[:80])) from error
    for files in FILES.values():
        if inside >= set(files):
            return files
    raise ValueError(said["nothing inside"].format(name=archive.name[:80]))


def load_models(workspace: Workspace, page: Page, values: dict[str, Any]) -> Page:
    """A workspace of the same data with the named models. Raises ValueError for a name that may not be."""
    said = words(page.shared.language, NAME)
    names = [name.strip() for name in str(values["names"]).split(",") if name.strip()]
    if not 1 <= len(names) <= MOST_NAMES:
        raise ValueError(said["names"].format(most=MOST_NAMES))
    if on_a_space() and any(Path(name).exists() or name.count("/") != 1 for name in names):
        raise ValueError(said["hub only"])
    made = Workspace(workspace.data, tuple(names))
    room = workspace.rooms.open(made, workspace.rooms.folder_of(page))
    return replace(moved(page), room=room, notice=said["loading"])


def leave(workspace: Workspace, page: Page, values: dict[str, Any]) -> Page:
    """Back to what the app was started with."""
    return replace(moved(page), room="")


def moved(page: Page) -> Page:
    """What was chosen of other data means nothing here."""
    return replace(page.select(impression=""), options={})


ACTIONS = {"files": load_files, "models": load_models, "leave": leave}
SLOW: dict[str, Any] = {}
