"""What would put story B above story A, by model: clicks that go, at once; words that go, searched for."""

from collections.abc import Hashable, Iterator
from threading import Event
from typing import Any

from tinynewsrec.views.changed import NAME, Changed, changed_of, title_of
from tinynewsrec.views.rewritten import vectors_of
from tinynewsrec.views.state import Page
from tinynewsrec.views.turns import Progress
from tinynewsrec.views.words import words
from tinynewsrec.views.workspace import Model, Workspace


def flips_of(workspace: Workspace, changed: Changed) -> list[dict[str, Any]]:
    return [
        {
            "model": model.name,
            "behind": bool(scores[changed.first] < scores[changed.second]),
            "clicks": clicks_of(workspace, model, changed),
            "words": words_of(workspace, model, changed),
        }
        for model, scores in zip(workspace.models, changed.scores_after, strict=True)
    ]


def clicks_of(workspace: Workspace, model: Model, changed: Changed) -> dict[str, Any]:
    """The fewest clicks without which A stands below B. Self-attention is searched within a small budget."""
    from tinynewsrec.analysis.flips import fewest_clicks

    impression = changed.case.impression
    rows = impression.candidates[[changed.first, changed.second]]
    history = vectors_of(workspace, model, changed.case, impression.history, changed.titles)
    ahead, behind = vectors_of(workspace, model, changed.case, rows, changed.titles)
    *_, found = fewest_clicks(model.recommender, history, ahead, behind, budget=200)
    titles = [title_of(changed, int(impression.history[place])) for place in found.gone or ()]
    return told(found, len(impression.history)) | {"titles": titles}


def words_of(workspace: Workspace, model: Model, changed: Changed) -> dict[str, Any] | None:
    """What was searched for before; None where it was not."""
    from tinynewsrec.analysis.flips import without

    found = workspace.results.get(key_of(model, changed))
    if found is None:
        return None
    title = title_of(changed, int(changed.case.impression.candidates[changed.first])).split()
    dropped = [title[place] for place in found.gone or ()]
    return told(found, len(title)) | {"titles": dropped, "left": without(title, found.gone or ())}


def told(found: Any, count: int) -> dict[str, Any]:
    return {
        "gone": None if found.gone is None else list(found.gone),
        "of": count,
        "smallest": found.smallest,
        "impossible": found.impossible,
        "least": found.least,
        "tried": found.tried,
    }


def key_of(model: Model, changed: Changed) -> Hashable:
    """All that a search over words depends on."""
    impression = changed.case.impression
    titles = tuple(
        title_of(changed, int(impression.candidates[place])) for place in (changed.first, changed.second)
    )
    clicks = impression.history[-model.history_length :]
    return NAME, "words", model.name, titles, tuple(title_of(changed, row) for row in clicks.tolist())


def search_words(workspace: Workspace, page: Page, values: dict[str, Any], stop: Event) -> Iterator[Progress]:
    """For every model that has A above B, the fewest words of A's headline."""
    from tinynewsrec.analysis.corpus import reader_vector
    from tinynewsrec.analysis.flips import BUDGET, fewest_words

    said = words(page.shared.language, NAME)
    changed = changed_of(workspace, page)
    impression = changed.case.impression
    title = title_of(changed, int(impression.candidates[changed.first]))
    for done, model in enumerate(workspace.models):
        history = vectors_of(workspace, model, changed.case, impression.history, changed.titles)
        reader = reader_vector(model.recommender, history)
        behind = float(changed.scores_after[done][changed.second])
        for found in fewest_words(model.recommender, reader, title, behind):
            text = said["searching"].format(model=model.name, tried=found.tried)
            yield Progress(text, done * BUDGET + found.tried, len(workspace.models) * BUDGET)
        workspace.results.put(key_of(model, changed), found)


def sweep_of(workspace: Workspace, changed: Changed) -> dict[str, Any]:
    """Every model on the latest clicks alone: the ranks of A and B, agreement with the whole, and AUC."""
    from tinynewsrec.analysis.sweep import lengths_of, sweep

    impression, case = changed.case.impression, changed.case
    lengths = lengths_of(len(impression.history))
    models = []
    for model in workspace.models:
        history = vectors_of(workspace, model, case, impression.history, changed.titles)
        candidates = vectors_of(workspace, model, case, impression.candidates, changed.titles)
        found = sweep(model.recommender, history, candidates, impression.clicked, lengths)
        models.append(
            {
                "model": model.name,
                "rank": found.ranks[:, changed.first].tolist(),
                "agreement": found.agreement.tolist(),
                "auc": None if found.auc is None else found.auc.tolist(),
            }
        )
    return {"lengths": lengths, "models": models}
