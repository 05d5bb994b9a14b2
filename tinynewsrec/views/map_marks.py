"""What stands out on the map: a story with its neighbours, the reader, typed headlines, what was found."""

from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Float, Int

from tinynewsrec.analysis.neighbours import COMPARED, neighbours_of, overlap, overlap_by_chance, place
from tinynewsrec.analysis.news_map import NewsMap
from tinynewsrec.analysis.title_search import search
from tinynewsrec.views.case import Case, typed_vector, vectors_of
from tinynewsrec.views.map_options import Ends, Options, inside
from tinynewsrec.views.map_points import unit_vectors
from tinynewsrec.views.workspace import Model, Workspace

LISTED = 20  # stories of a list
MARKED = 2_000  # stories that a search marks on the map
ARROWS = 40  # of the stories that moved most


def card_of(workspace: Workspace, case: Case, news_map: NewsMap, options: Options) -> dict[str, Any] | None:
    """The story that is looked at, with its neighbours in each model; None where it names none."""
    row = int(case.news.rows_of(pa.array([options.story], pa.string()))[0])
    if row < 0:
        return None
    near = [
        neighbours_of(np.array([row]), unit_vectors(workspace, model), COMPARED) for model in workspace.models
    ]
    first = near[0].rows
    return {
        "story": story_of(case, row),
        "candidate": case.place_of(options.story) is not None,
        "chance": overlap_by_chance(len(case.news), COMPARED),
        "models": [
            {
                "name": model.name,
                "moved": float(news_map.layers.moved[number, row]),
                "overlap": float(overlap(first, found.rows)[0]),
                "neighbours": [
                    story_of(case, near_row)
                    | {"cosine": round(float(cosine), 3), "common": bool((first == near_row).any())}
                    for near_row, cosine in zip(found.rows[0].tolist(), found.cosines[0], strict=True)
                ],
            }
            for number, (model, found) in enumerate(zip(workspace.models, near, strict=True))
        ],
    }


def story_of(case: Case, row: int) -> dict[str, Any]:
    return case.story(row) | {"row": row}


def reader_of(workspace: Workspace, case: Case, ends: Ends) -> dict[str, Any]:
    """Where the reader's clicks and candidates lie, and, approximately, the reader and typed headlines."""
    known = len(case.news)
    candidates, clicked = case.impression.candidates, case.impression.clicked
    chosen = candidates < known if clicked is None else clicked & (candidates < known)
    longest = max(model.history_length for model in workspace.models)
    return {
        "name": case.original.reader,
        "history": unique(case.impression.history[-longest:]),
        "candidates": candidates[candidates < known].tolist(),
        "clicked": [] if clicked is None else candidates[chosen].tolist(),
        "place": placed(workspace, ends, lambda model: vector_of_reader(workspace, model, case)),
    }


def typed_of(workspace: Workspace, case: Case, ends: Ends) -> list[dict[str, Any]]:
    """Where headlines of one's own would lie, with the stories that say so."""
    return [
        {"title": title}
        | placed(workspace, ends, lambda model, title=title: typed_vector(workspace, model, title)[0])
        | {"near": [story_of(case, row) for row in nearest_to(workspace, ends, title)]}
        for title in case.typed
    ]


def nearest_to(workspace: Workspace, ends: Ends, title: str) -> list[int]:
    model = workspace.models[ends.end]
    found = place(typed_vector(workspace, model, title)[0], unit_vectors(workspace, model), ends.points[1], 5)
    return found.rows.tolist()


def placed(workspace: Workspace, ends: Ends, vector_of: Any) -> dict[str, Any]:
    """Where something new starts and ends; `spread` tells how far its neighbours lie apart."""
    found = [
        place(vector_of(workspace.models[number]), unit_vectors(workspace, workspace.models[number]), points)
        for number, points in zip((ends.start, ends.end), ends.points, strict=True)
    ]
    return {
        "points": [each.position.tolist() for each in found],
        "spread": max(each.spread for each in found),
    }


def vector_of_reader(workspace: Workspace, model: Model, case: Case) -> Float[np.ndarray, " D"]:
    from tinynewsrec.analysis.corpus import reader_vector

    history, _ = vectors_of(workspace, model, case)
    return reader_vector(model.recommender, history)


def unique(rows: Int[np.ndarray, " H"]) -> list[int]:
    return list(dict.fromkeys(rows.tolist()))


def found_of(case: Case, options: Options) -> dict[str, Any] | None:
    if not options.search.strip():
        return None
    rows, total = search(case.news, options.search, MARKED)
    return {
        "rows": rows.tolist(),
        "total": total,
        "stories": [story_of(case, row) for row in rows[:LISTED].tolist()],
    }


def moved_of(case: Case, news_map: NewsMap, ends: Ends) -> dict[str, Any]:
    """The stories that the student sees most unlike the teacher, in the shared space itself."""
    distances = news_map.layers.moved[ends.end].astype(np.float32)
    order = np.argsort(-distances, kind="stable")
    return {
        "rows": order[:ARROWS].tolist(),
        "mean": float(distances.mean()),
        "stories": [
            story_of(case, row) | {"moved": float(distances[row])} for row in order[:LISTED].tolist()
        ],
    }


def picked_rows(ends: Ends, options: Options) -> Int[np.ndarray, " P"]:
    return np.flatnonzero(inside(ends.shown, options.lasso)) if len(options.lasso) >= 6 else np.empty(0, int)


def picked_of(case: Case, ends: Ends, options: Options) -> dict[str, Any] | None:
    if len(options.lasso) < 6:
        return None
    rows = picked_rows(ends, options)
    return {
        "rows": rows[:MARKED].tolist(),
        "total": len(rows),
        "stories": [story_of(case, row) for row in rows[:LISTED].tolist()],
    }
