"""What all tabs look at: one impression, with the edits and typed headlines of this page."""

from typing import NamedTuple

import numpy as np
import pyarrow as pa
from jaxtyping import Float

from tinynewsrec.data.tables import Impression, News, Split
from tinynewsrec.views.state import Page
from tinynewsrec.views.workspace import Model, Workspace

TYPED = "H"  # before the number of a typed headline; such an id is looked up among these first


class Case(NamedTuple):
    row: int
    """Of the impression, in the table of impressions."""
    impression: Impression
    """Typed headlines are further candidates, whose rows come after those of the news table."""
    original: Impression
    """As the data has it."""
    typed: tuple[str, ...]
    news: News

    @property
    def edited(self) -> bool:
        return self.impression is not self.original

    def id_of(self, row: int) -> str:
        known = len(self.news)
        return f"{TYPED}{row - known + 1}" if row >= known else self.news.columns["id"][row].as_py()

    def title_of(self, row: int) -> str:
        known = len(self.news)
        return self.typed[row - known] if row >= known else self.news.columns["title"][row].as_py()

    def story(self, row: int) -> dict[str, str]:
        """What a script shows of a story; a typed headline has no category."""
        known = row < len(self.news)
        topic = {
            name: self.news.columns[name][row].as_py() if known else ""
            for name in ("category", "subcategory")
        }
        return {"id": self.id_of(row), "title": self.title_of(row), "typed": not known} | topic

    def place_of(self, story: str) -> int | None:
        """Which candidate has that id."""
        ids = [self.id_of(row) for row in self.impression.candidates.tolist()]
        return ids.index(story) if story in ids else None

    def chosen(self, page: Page, order: list[int]) -> tuple[int, int]:
        """Places of stories A and B; where the page names none, the first of `order` that is free."""
        first = self.place_of(page.shared.story)
        second = self.place_of(page.shared.other)
        first = next((place for place in order if place != second), 0) if first is None else first
        if second is None or second == first:
            second = next((place for place in order if place != first), first)
        return first, second


def case_of(workspace: Workspace, page: Page) -> Case | None:
    """None while there is no data."""
    split = workspace.split
    if split is None:
        return None
    row = row_of(workspace, page)
    original = split.impressions[row]
    impression = original
    if page.shared.history is not None:
        impression = impression._replace(history=known_rows(split.news, page.shared.history))
    typed = page.shared.headlines
    if typed:
        rows = np.arange(len(split.news), len(split.news) + len(typed), dtype=original.candidates.dtype)
        clicked = original.clicked
        impression = impression._replace(
            candidates=np.concatenate([original.candidates, rows]),
            clicked=None if clicked is None else np.concatenate([clicked, np.zeros(len(typed), bool)]),
        )
    return Case(row, impression, original, typed, split.news)


def row_of(workspace: Workspace, page: Page) -> int:
    """The page's impression; where it names none that there is, the first reader worth a look."""
    found = named_row(workspace, page)
    if found >= 0:
        return found
    return next((picks[0].row for picks in workspace.picks.values() if picks), 0)


def named_row(workspace: Workspace, page: Page) -> int:
    """Of the impression that the page names; -1 where there is none of that name."""
    ids = workspace.split.impressions.ids
    return ids.index(pa.scalar(page.shared.impression, ids.type)).as_py() if page.shared.impression else -1


def known_rows(news: News, ids: tuple[str, ...]) -> np.ndarray:
    """Rows of the stories that there are, in the order given."""
    rows = news.rows_of(pa.array(ids, pa.string()))
    return rows[rows >= 0].astype(np.int32)


def vectors_of(
    workspace: Workspace, model: Model, case: Case
) -> tuple[Float[np.ndarray, "H D"], Float[np.ndarray, "C D"]]:
    """News vectors of the history, cut as the model cuts it, and of the candidates."""
    history = case.impression.history[-model.history_length :]
    candidates = case.impression.candidates
    known = len(case.news)
    vectors = model.vectors[candidates[candidates < known]].astype(np.float32)
    typed = [typed_vector(workspace, model, title) for title in case.typed]
    return model.vectors[history].astype(np.float32), np.concatenate([vectors, *typed])


def typed_vector(workspace: Workspace, model: Model, title: str) -> Float[np.ndarray, "1 D"]:
    return workspace.results.of(("typed", model.name, title), lambda: model.encode([title]))


def scores_of(workspace: Workspace, model: Model, case: Case) -> Float[np.ndarray, " C"]:
    """One score for each candidate of the case, through the same `score` as training."""
    return model.score_vectors(*vectors_of(workspace, model, case))


def source(split: Split, case: Case) -> dict[str, str | int]:
    """What every number of a case is measured on; for the words of a view to name."""
    return {
        "data": split.name,
        "impression": case.original.id,
        "reader": case.original.reader,
        "candidates": len(case.impression.candidates),
        "clicks": len(case.impression.history),
    }
