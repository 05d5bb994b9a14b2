"""The slow start, in the background: data, models, story vectors, and readers worth looking at."""

import json
import sys
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tinynewsrec.analysis import pickers
from tinynewsrec.analysis.pickers import Pick
from tinynewsrec.data.read import SAMPLE, read_split
from tinynewsrec.data.tables import Split
from tinynewsrec.views.workspace import Model, Progress, Workspace

TOPIC = "category"  # column of the news that says what a reader follows
MOST_COMPARED = 5_000  # impressions; on two cores a second for each model


def prepare(workspace: Workspace) -> None:
    """Whatever fails becomes a message on the page: a thread that died in silence would leave it waiting."""
    attempt(workspace, prepare_all, workspace)
    workspace.change(progress=Progress("finished"))


def prepare_all(workspace: Workspace) -> None:
    read_data(workspace)
    load_models(workspace)
    compare_models(workspace)


def attempt(workspace: Workspace, step: Callable[..., Any], *arguments: Any) -> Any:
    """What the step returns; None where it failed, which then stands on the page and on stderr."""
    try:
        return step(*arguments)
    except Exception as error:
        if not isinstance(error, OSError | ValueError):
            traceback.print_exc()
        tell(workspace, str(error) or repr(error))
        return None


def tell(workspace: Workspace, problem: str) -> None:
    if problem not in workspace.problems:
        print(problem, file=sys.stderr, flush=True)
        workspace.change(problems=(*workspace.problems, problem))


def read_data(workspace: Workspace) -> None:
    split = read_split(workspace.data)
    if not len(split.impressions):
        raise ValueError(f"{workspace.data} holds no impression that could be shown; name another part.")
    workspace.change(split=split, notice=read_notice(workspace.data), picks=picks_without_scores(split))


def read_notice(folder: Path) -> str:
    """What a sample says of itself in SAMPLE.json, in its own folder or the one above."""
    for path in (folder / SAMPLE, folder.resolve().parent / SAMPLE):
        if path.is_file():
            found = json.loads(path.read_text(encoding="utf-8"))
            return str(found.get("notice") or found["name"])
    return ""


def load_models(workspace: Workspace) -> None:
    """Smallest first, so that something is ranked soon; a broken one does not take the others along."""
    workspace.progress = Progress("opening")
    for checkpoint in reversed(open_each(workspace)):
        workspace.progress = Progress("loading", checkpoint.name)
        if model := attempt(workspace, load, workspace, checkpoint):
            workspace.change(models=(model, *workspace.models))


def open_each(workspace: Workspace) -> list:
    """The checkpoints that can be opened, each once, largest first; all is kept by a model's name."""
    # Imported here, for it takes seconds, and the data can be shown meanwhile.
    from tinynewsrec.checkpoints import Checkpoint, checkpoint_places, rank
    from tinynewsrec.evaluation.named import told_apart

    places = [
        place for name in workspace.places for place in attempt(workspace, checkpoint_places, name) or ()
    ]
    opened = filter(None, (attempt(workspace, Checkpoint.open, place) for place in places))
    checkpoints = sorted({each.folder.resolve(): each for each in opened}.values(), key=rank)
    return [replace(each, name=name) for each, name in zip(checkpoints, told_apart(checkpoints), strict=True)]


def load(workspace: Workspace, checkpoint) -> Model:
    from tinynewsrec.evaluation.vectors import news_vectors

    def report(done: int, total: int) -> None:
        workspace.progress = Progress("encoding", checkpoint.name, done, total)

    lent = next((model for model in workspace.lent if model.checkpoint == checkpoint), None)
    recommender = lent.recommender if lent else checkpoint.load()
    titles = workspace.split.news.texts("title")
    vectors = news_vectors(checkpoint, titles, lambda: recommender, report)
    return Model(checkpoint, recommender, vectors)


def picks_without_scores(split: Split) -> dict[str, list[Pick]]:
    _, topics = np.unique(split.news.texts(TOPIC), return_inverse=True)
    return {
        "one topic": pickers.one_topic(split.impressions, topics),
        "short history": pickers.short_history(split.impressions),
        "newcomer": pickers.newcomers(split.impressions),
    }


def compare_models(workspace: Workspace) -> None:
    """Finds where the models part; of many impressions it looks at some, spread evenly over the file."""
    if len(workspace.models) < 2:
        return
    count = min(MOST_COMPARED, len(workspace.split.impressions))
    rows = np.linspace(0, len(workspace.split.impressions) - 1, count).astype(np.int64)
    impressions = workspace.split.impressions.take(rows)
    scores = {model.name: scores_of(workspace, model, impressions) for model in workspace.models}
    teacher, *students = scores.values()
    found = {
        "disagreement": pickers.disagreement(impressions, teacher, np.stack(students)),
        "right and wrong": pickers.right_and_wrong(impressions, teacher, students[-1]),
    }
    named = {
        kind: [pick._replace(row=int(rows[pick.row])) for pick in picks] for kind, picks in found.items()
    }
    workspace.change(picks=workspace.picks | named, compared=impressions, scores=scores)


def scores_of(workspace: Workspace, model: Model, impressions) -> np.ndarray:
    from tinynewsrec.evaluation.scores import score_impressions

    def report(done: int, total: int) -> None:
        workspace.progress = Progress("comparing", model.name, done, total)

    return score_impressions(model.recommender, model.vectors, impressions, report, batch_size=64)
