"""Reads the bundled invented stories, with the hidden truth about them, and checks every line."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np

DAYS = 7
TONES = ("negative", "neutral", "positive")


class SampleStory(NamedTuple):
    """A line of stories.jsonl; `appeal` (1 to 5) and `storyline` are never inputs of a model."""

    category: str
    subcategory: str
    day: int
    title: str
    abstract: str
    entities: tuple[tuple[str, str], ...]  # surface form, and MIND's letter of its type
    sentiment: str
    appeal: int
    storyline: str | None


@dataclass(frozen=True, eq=False)
class Stories:
    """The stories by row, and the columns that the click model reads."""

    rows: tuple[SampleStory, ...]

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def subcategories(self) -> list[tuple[str, str]]:
        """Category and subcategory, sorted."""
        return sorted({(story.category, story.subcategory) for story in self.rows})

    @cached_property
    def storylines(self) -> list[str | None]:
        """Sorted; None, for the stories without one, comes last."""
        return [*sorted({story.storyline for story in self.rows} - {None}), None]

    @cached_property
    def subcategory(self) -> np.ndarray:
        return positions([(story.category, story.subcategory) for story in self.rows], self.subcategories)

    @cached_property
    def category_of(self) -> np.ndarray:
        """The category of each subcategory."""
        categories = [category for category, _ in self.subcategories]
        return positions(categories, sorted(set(categories)))

    @cached_property
    def storyline(self) -> np.ndarray:
        return positions([story.storyline for story in self.rows], self.storylines)

    @cached_property
    def storyline_subcategories(self) -> np.ndarray:
        """The subcategory of each storyline's first story."""
        return self.subcategory[np.unique(self.storyline, return_index=True)[1]]

    @cached_property
    def day(self) -> np.ndarray:
        return np.array([story.day for story in self.rows])

    @cached_property
    def sentiment(self) -> np.ndarray:
        return np.array([TONES.index(story.sentiment) - 1 for story in self.rows])

    @cached_property
    def appeal(self) -> np.ndarray:
        return np.array([story.appeal for story in self.rows])


def positions(values: list, among: list) -> np.ndarray:
    row_of = {value: row for row, value in enumerate(among)}
    return np.array([row_of[value] for value in values])


def read_stories(path: Path) -> Stories:
    """Raises FileNotFoundError, or ValueError naming the line of a story that breaks the format."""
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing. The bundled stories are assets/sample/stories.jsonl.")
    with open(path, encoding="utf-8") as lines:
        return Stories(tuple(parse_story(line, f"{path}, line {n}") for n, line in enumerate(lines, start=1)))


def parse_story(line: str, where: str) -> SampleStory:
    values = json.loads(line)
    if set(values) != set(SampleStory._fields):
        raise ValueError(f"{where}: expected the fields {SampleStory._fields}, found {tuple(values)}.")
    entities = tuple((entity["surface"], entity["type"]) for entity in values["entities"])
    story = SampleStory(**{**values, "entities": entities})
    problem = next(problems(story), None)
    if problem:
        raise ValueError(f"{where}: {problem}; correct the line.")
    return story


def problems(story: SampleStory):
    for text in (story.title, story.abstract):
        if not text or text != " ".join(text.split()):
            yield f"expected text without tabs, line breaks and double spaces, found {text!r}"
    for surface, _ in story.entities:
        if not (occurrences(surface, story.title) or occurrences(surface, story.abstract)):
            yield f"expected the entity {surface!r} in title or abstract, found it in neither"
    if story.day not in range(1, DAYS + 1):
        yield f"expected a day from 1 to {DAYS}, found {story.day}"
    if story.sentiment not in TONES:
        yield f"expected a sentiment among {TONES}, found {story.sentiment!r}"
    if story.appeal not in range(1, 6):
        yield f"expected an appeal from 1 to 5, found {story.appeal}"


def occurrences(surface: str, text: str) -> list[int]:
    """Where a name starts, in characters; whole words only."""
    starts = [start for start in range(len(text)) if text.startswith(surface, start)]
    beside = [text[start - 1 : start] + text[start + len(surface) :][:1] for start in starts]
    return [start for start, edges in zip(starts, beside, strict=True) if not any(map(str.isalnum, edges))]
