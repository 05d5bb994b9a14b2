"""A case whose headlines were rewritten on this page: what a rewritten story is called, and its vectors."""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
from jaxtyping import Float, Int

from tinynewsrec.views.case import TYPED, Case, typed_vector
from tinynewsrec.views.workspace import Model, Workspace

MOST = 12  # rewritten headlines; each stands in the link

Titles = Mapping[int, str]  # new headlines, by the story's row


def titles_of(case: Case, entries: Sequence[str]) -> dict[int, str]:
    """From "ID new headline"; entries of stories that there are not, or of nothing, are left out."""
    found = {}
    for entry in entries[:MOST]:
        story, _, title = entry.partition(" ")
        row = row_of(case, story)
        if row is not None and title.strip() and title != case.title_of(row):
            found[row] = title
    return found


def row_of(case: Case, story: str) -> int | None:
    if story.startswith(TYPED) and story[1:].isdigit() and 0 < int(story[1:]) <= len(case.typed):
        return len(case.news) + int(story[1:]) - 1
    row = int(case.news.rows_of(pa.array([story]))[0])
    return row if row >= 0 else None


def with_title(case: Case, entries: Sequence[str], row: int, title: str) -> tuple[str, ...]:
    """The entries with a new headline for that story; its own one takes the rewriting back."""
    story = case.id_of(row)
    others = [entry for entry in entries if entry.partition(" ")[0] != story]
    new = [f"{story} {title}"] if title.strip() and title != case.title_of(row) else []
    return (*others[len(others) + len(new) - MOST if len(others) + len(new) > MOST else 0 :], *new)


def vectors_of(
    workspace: Workspace, model: Model, case: Case, rows: Int[np.ndarray, " R"], titles: Titles
) -> Float[np.ndarray, "R D"]:
    """The vectors of stories of the case, by their rows, under their new headlines where they have one."""
    known = rows < len(case.news)
    vectors = np.empty((len(rows), model.vectors.shape[1]), np.float32)
    vectors[known] = model.vectors[rows[known]]
    for place, row in enumerate(rows.tolist()):
        if row in titles or not known[place]:
            title = titles.get(row) or case.title_of(row)
            vectors[place] = typed_vector(workspace, model, title)[0]
    return vectors
