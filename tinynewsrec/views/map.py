"""All stories as points: near where a model sees them alike, with arrows from the teacher to a student."""

from collections.abc import Iterator
from dataclasses import asdict, replace
from threading import Event
from typing import Any

from tinynewsrec import views
from tinynewsrec.analysis.neighbours import COMPARED, evenly, overlap_by_chance
from tinynewsrec.analysis.news_map import NewsMap
from tinynewsrec.views import map_options
from tinynewsrec.views.case import case_of, source
from tinynewsrec.views.map_marks import (
    card_of,
    found_of,
    moved_of,
    picked_of,
    picked_rows,
    reader_of,
    typed_of,
)
from tinynewsrec.views.map_options import NAME, SHARED, Ends, Options, ends_of
from tinynewsrec.views.map_points import Found, found_map, points_of
from tinynewsrec.views.reader_edits import drop, headline
from tinynewsrec.views.sentences import sentence
from tinynewsrec.views.state import MOST_VALUES, Page
from tinynewsrec.views.turns import Progress
from tinynewsrec.views.words import words
from tinynewsrec.views.workspace import Workspace

SCRIPTS = ("story", "map_points", "map_chart", "map_lists")
ERRORS = "errors"  # the tab that takes a slice
CORNERS = 60  # of a lasso that is remembered; more would make links long

__all__ = ["ACTIONS", "NAME", "SCRIPTS", "SLOW", "Options", "payload"]


def payload(workspace: Workspace, page: Page) -> dict[str, Any]:
    said = words(page.shared.language, "common")
    if not workspace.models:
        return {"empty": said["no models" if workspace.finished else "models awaited"]}
    if not ready(workspace):
        return {"empty": said["models awaited"]}
    found = found_map(workspace)
    if found is None:
        return {"unmade": len(workspace.split.news), "source": workspace.split.name}
    return shown(workspace, page, found)


def ready(workspace: Workspace) -> bool:
    """Whether all models are there: a map of some would be another map."""
    return workspace.progress.stage in ("comparing", "finished")


def shown(workspace: Workspace, page: Page, found: Found) -> dict[str, Any]:
    options, case = page.of(map_options), case_of(workspace, page)
    news_map = found.news_map
    ends = ends_of(news_map, options)
    return {
        "options": asdict(options) | {"between": ends.share},
        "map": described(found, ends, options) | {"problem": problem_of(page, found)},
        "points": points_of(workspace, news_map),
        "card": card_of(workspace, case, news_map, options),
        "reader": reader_of(workspace, case, ends) if options.reader else None,
        "typed": typed_of(workspace, case, ends),
        "found": found_of(case, options),
        "moved": moved_of(case, news_map, ends) if ends.start != ends.end else None,
        "picked": picked_of(case, ends, options),
        "slices": any(view.NAME == ERRORS for view in views.VIEWS),
        "most": MOST_VALUES,
        "source": source(workspace.split, case),
        "invented": bool(workspace.notice),
    }


def described(found: Found, ends: Ends, options: Options) -> dict[str, Any]:
    """What may be said of the map, and what its parts are called."""
    news_map, models = found.news_map, found.news_map.models
    own = options.space in [model.name for model in models]
    return {
        "method": news_map.method,
        "seed": news_map.made.get("seed"),
        "space": options.space if own else SHARED,
        "start": ends.start,
        "end": ends.end,
        "regions": news_map.regions[options.space if own else SHARED],
        "models": [about(news_map, place) for place in range(len(models))],
        "checked": news_map.checked,
        "compared": COMPARED,
        "chance": overlap_by_chance(news_map.layers.moved.shape[1], COMPARED),
    }


def problem_of(page: Page, found: Found) -> str:
    return sentence(page.shared.language, found.problem) if found.problem else ""


def about(news_map: NewsMap, place: int) -> dict[str, Any]:
    model = news_map.models[place]
    overlaps = [model.overlaps[other.sha256] for other in news_map.models]
    return asdict(model) | {"sha256": model.sha256[:8], "overlaps": overlaps}


def pick(workspace: Workspace, page: Page, values: dict[str, Any]) -> Page:
    """Looks at the story of a row; a row that there is not changes nothing."""
    row = int(values["row"])
    if not 0 <= row < len(workspace.split.news):
        return page
    return page.set(map_options, story=workspace.split.news.columns["id"][row].as_py())


def lasso(workspace: Workspace, page: Page, values: dict[str, Any]) -> Page:
    """Remembers what was drawn around, with so many corners as a link can carry."""
    corners = [(float(x), float(y)) for x, y in values["corners"]]
    step = max(1, -(-len(corners) // CORNERS))
    kept = tuple(round(min(9.0, max(-9.0, value)), 3) for corner in corners[::step] for value in corner)
    return page.set(map_options, lasso=kept, between=float(values["between"]), story="")


def slice_of(workspace: Workspace, page: Page, values: dict[str, Any]) -> Page:
    """Hands the stories drawn around to the tab of errors; of too many, some, spread evenly."""
    ends = ends_of(found_map(workspace).news_map, page.of(map_options))
    rows = picked_rows(ends, page.of(map_options))
    kept = rows[evenly(len(rows), MOST_VALUES)]
    ids = workspace.split.news.columns["id"].take(kept).to_pylist()
    errors = next(view for view in views.VIEWS if view.NAME == ERRORS)
    moved = page.select(tab=ERRORS).set(errors, stories=ids)
    if len(kept) == len(rows):
        return moved
    notice = words(page.shared.language, NAME)["slice cut"].format(kept=len(ids), total=len(rows))
    return replace(moved, notice=notice)


def draw(workspace: Workspace, page: Page, values: dict[str, Any], stop: Event) -> Iterator[Progress]:
    """Makes a map of many stories, where none was drawn beforehand."""
    yield Progress(words(page.shared.language, NAME)["making"])
    found_map(workspace, at_any_cost=True)


ACTIONS = {"pick": pick, "lasso": lasso, "slice": slice_of, "headline": headline, "drop": drop}
SLOW = {"draw": draw}
