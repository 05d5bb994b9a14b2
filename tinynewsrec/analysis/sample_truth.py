"""Why the simulated readers of the bundled sample click, which no model is told.

The sample's README says how: a story's utility for a reader adds up four parts. S subcategories, H clicks.
"""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from jaxtyping import Bool, Float

from tinynewsrec.data.read import SAMPLE
from tinynewsrec.data.tables import Impression, News

READERS, IMPRESSIONS, STORIES = "truth_readers.parquet", "truth_impressions.parquet", "stories.jsonl"
TONES = {"negative": -1, "neutral": 0, "positive": 1}
MEDIUM = 3  # the appeal that neither adds nor takes

Tie = Literal["storyline", "subcategory", "category", "none"]


class Utility(NamedTuple):
    """What draws a reader to a story; the parts sum to what the simulator chose by."""

    interest: float
    """In its subcategory."""
    storyline: float
    """In the running matter that it belongs to."""
    tone: float
    appeal: float

    @property
    def total(self) -> float:
        return sum(self)


class Click(NamedTuple):
    """What is true of a click of the history, beside one candidate."""

    tie: Tie
    """The closest thing that both stories share."""
    accident: bool
    """It says nothing about the reader."""
    interest: float
    """Of the reader in its subcategory, as a share of all interests."""
    evidence: float
    """Parts of the candidate's utility that such a click shows: interest for the same subcategory, following
    for the same storyline; none for an accident."""


@dataclass(frozen=True, eq=False)
class Truth:
    stories: list[dict[str, Any]]
    """By row of the news table; with appeal and storyline, which no model may read."""
    weights: dict[str, float]
    """Of the click model."""
    subcategories: list[str]
    readers: pa.Table
    impressions: pa.Table

    def utility(self, impression: Impression, place: int) -> Utility:
        """Of one candidate of an impression of the split."""
        reader, story = self.reader(impression), self.stories[impression.candidates[place]]
        interest = self.weights["interest"] * np.log1p(len(self.subcategories) * self.interest(reader, story))
        tone = reader["tone"] * TONES[story["sentiment"]]
        appeal = reader["appeal"] * (story["appeal"] - MEDIUM)
        # What is left is the storyline's part, which changes with every click of the day.
        storyline = self.utilities(impression)[place] - interest - tone - appeal
        return Utility(float(interest), float(storyline) if story["storyline"] else 0.0, tone, appeal)

    def clicks(self, impression: Impression, place: int) -> list[Click]:
        """The whole history, oldest first, beside one candidate."""
        utility, story = self.utility(impression, place), self.stories[impression.candidates[place]]
        reader = self.reader(impression)
        return [
            self.click(reader, self.stories[row], story, accident, utility)
            for row, accident in zip(impression.history.tolist(), reader["history_accident"], strict=True)
        ]

    def click(
        self,
        reader: dict[str, Any],
        clicked: dict[str, Any],
        story: dict[str, Any],
        accident: bool,
        utility: Utility,
    ) -> Click:
        tie = tie_of(clicked, story)
        same_subject = clicked["subcategory"] == story["subcategory"]
        evidence = (tie == "storyline") * utility.storyline + same_subject * utility.interest
        return Click(tie, accident, self.interest(reader, clicked), 0.0 if accident else float(evidence))

    def interest(self, reader: dict[str, Any], story: dict[str, Any]) -> float:
        return reader["interests"][self.place_of[story["subcategory"]]]

    def reader(self, impression: Impression) -> dict[str, Any]:
        return row_of(self.readers, "reader", impression.reader)

    def utilities(self, impression: Impression) -> list[float]:
        """What the simulator chose by, for each candidate."""
        return row_of(self.impressions, "impression", impression.id)["utility"]

    @cached_property
    def place_of(self) -> dict[str, int]:
        return {name: place for place, name in enumerate(self.subcategories)}


def tie_of(one: dict[str, Any], other: dict[str, Any]) -> Tie:
    """Subcategories of one name belong to one category."""
    if one["storyline"] and one["storyline"] == other["storyline"]:
        return "storyline"
    if one["subcategory"] == other["subcategory"]:
        return "subcategory"
    return "category" if one["category"] == other["category"] else "none"


def read_truth(folder: Path, news: News) -> Truth | None:
    """Of a split of the sample; None for other data, or where stories were exchanged."""
    parts = [
        folder / READERS,
        folder / IMPRESSIONS,
        folder.resolve().parent / STORIES,
        folder.resolve().parent / SAMPLE,
    ]
    if not all(part.is_file() for part in parts):
        return None
    lines = parts[2].read_text(encoding="utf-8").splitlines()
    story_of = {f"N{number}": json.loads(line) for number, line in enumerate(lines, start=1)}
    stories = [story_of.get(id) for id in news.texts("id")]
    if [story and story["title"] for story in stories] != news.texts("title"):
        return None
    readers, impressions = (pq.read_table(part) for part in parts[:2])
    weights = json.loads(parts[3].read_text(encoding="utf-8"))["click_model"]
    return Truth(
        stories, weights, readers.schema.metadata[b"subcategories"].decode().split(), readers, impressions
    )


def row_of(table: pa.Table, column: str, id: str) -> dict[str, Any]:
    return table.slice(pc.index(table[column], pa.scalar(id)).as_py(), 1).to_pylist()[0]


def found_again(values: Float[np.ndarray, " H"], true: Bool[np.ndarray, " H"]) -> float:
    """How often a click that is true has a higher value than one that is not; NaN where either is missing."""
    differences = values[true][:, None] - values[~true]
    return float(((differences > 0) + (differences == 0) / 2).mean()) if differences.size else float("nan")
