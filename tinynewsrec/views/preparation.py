"""The slow start, in the background: data, models, story vectors, and readers worth looking at."""

import json
import traceback
from pathlib import Path

import numpy as np

from tinynewsrec.analysis import pickers
from tinynewsrec.analysis.pickers import Pick
from tinynewsrec.data.read import SAMPLE, read_split
from tinynewsrec.data.tables import Split
from tinynewsrec.views.workspace import Model, Progress, Workspace

MOST_COMPARED = 5_000  # impressions; on two cores a second for each model


def prepare(workspace: Workspace) -> None:
    """Whatever fails becomes a message on the page: a thread that died in silence would leave it waiting."""
    try:
        read_data(workspace)
        load_models(workspace)
        compare_models(workspace)
    except Exception as error:
        if not isinstance(error, OSError | ValueError):
            traceback.print_exc()
        workspace.change(problems=(*workspace.problems, str(error) or repr(error)))
    workspace.change(progress=Progress("finished"))


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
    """Smallest first, so that something is ranked soon."""
    workspace.progress = Progress("opening")
    # Imported here, for it takes seconds, and the data can be shown meanwhile.
    from tinynewsrec.checkpoints import open_checkpoints

    for checkpoint in reversed(open_checkpoints(workspace.places)):
        workspace.progress = Progress("loading", checkpoint.name)
        try:
            model = load(workspace, checkpoint)
        except (OSError, ValueError) as error:
            workspace.change(problems=(*workspace.problems, str(error)))
        else:
            workspace.change(models=(model, *workspace.models))


def load(workspace: Workspace, checkpoint) -> Model:
    from tinynewsrec.evaluation.vectors import news_vectors

    def report(done: int, total: int) -> None:
        workspace.progress = Progress("encoding", checkpoint.name, done, total)

    recommender = checkpoint.load()
    titles = workspace.split.news.texts("title")
    vectors = news_vectors(checkpoint, titles, lambda: recommender, report)
    return Model(checkpoint, recommender, vectors)


def picks_without_scores(split: Split) -> dict[str, list[Pick]]:
    _, topics = np.unique(split.news.texts("category"), return_inverse=True)
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
    teacher, *students = (scores_of(workspace, model, impressions) for model in workspace.models)
    found = {
        "disagreement": pickers.disagreement(impressions, teacher, np.stack(students)),
        "right and wrong": pickers.right_and_wrong(impressions, teacher, students[-1]),
    }
    named = {
        kind: [pick._replace(row=int(rows[pick.row])) for pick in picks] for kind, picks in found.items()
    }
    workspace.change(picks=workspace.picks | named, compared=count)


def scores_of(workspace: Workspace, model: Model, impressions) -> np.ndarray:
    from tinynewsrec.evaluation.scores import score_impressions

    def report(done: int, total: int) -> None:
        workspace.progress = Progress("comparing", model.name, done, total)

    return score_impressions(model.recommender, model.vectors, impressions, report, batch_size=64)
