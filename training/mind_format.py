"""Writes stories and simulated visits as MIND publishes them: news.tsv and behaviors.tsv."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from training.click_model import Life, Visit
from training.sample_stories import SampleStory, Stories, occurrences

FIRST_DAY = datetime(2019, 11, 2)  # a Saturday


def write_split(
    folder: Path, stories: Stories, lives: Sequence[Life], visits: Sequence[Visit], day: int
) -> None:
    """One folder: `visits`, with the clicks before `day` as history, and the stories that they name."""
    folder.mkdir(parents=True, exist_ok=True)
    histories = {row: history(lives[row], day) for row in sorted({visit.reader for visit in visits})}
    named = [*histories.values(), *(visit.candidates.tolist() for visit in visits)]
    rows = sorted({row for some in named for row in some})
    write_lines(folder / "news.tsv", news_lines(stories, rows))
    write_lines(folder / "behaviors.tsv", behavior_lines(lives, visits, histories))


def write_labels(path: Path, stories: Stories) -> None:
    """The tone of each story: news.tsv has no place for it."""
    labels = [{"id": story_id(row), "sentiment": story.sentiment} for row, story in enumerate(stories.rows)]
    write_lines(path, ([json.dumps(label)] for label in labels))


def history(life: Life, day: int) -> list[int]:
    """The stories clicked before a day, oldest first."""
    return [row for visit in life.before(day) for row in visit.candidates[visit.clicked].tolist()]


def write_lines(path: Path, lines: Iterable[Sequence[str]]) -> None:
    path.write_text("".join("\t".join(line) + "\n" for line in lines), encoding="utf-8", newline="\n")


def news_lines(stories: Stories, rows: Sequence[int]) -> Iterable[Sequence[str]]:
    names = sorted({entity for story in stories.rows for entity in story.entities})
    sample_id = {name: f"S{number}" for number, name in enumerate(names, start=1)}
    for row in rows:
        story = stories.rows[row]
        yield (
            story_id(row),
            story.category,
            story.subcategory,
            story.title,
            story.abstract,
            f"https://example.org/{story_id(row)}",
            entities_json(story, story.title, sample_id),
            entities_json(story, story.abstract, sample_id),
        )


def entities_json(story: SampleStory, text: str, sample_id: dict[tuple[str, str], str]) -> str:
    """MIND's shape; "WikidataId" holds an id of the sample's own (S1, S2, ...), never one of Wikidata."""
    offsets = entity_offsets(story, text)
    entities = [
        {
            "Label": surface,
            "Type": type,
            "WikidataId": sample_id[surface, type],
            "Confidence": 1.0,
            "OccurrenceOffsets": offsets[surface],
            "SurfaceForms": [surface],
        }
        for surface, type in story.entities
        if offsets[surface]
    ]
    return json.dumps(entities, ensure_ascii=False, separators=(",", ":"))


def entity_offsets(story: SampleStory, text: str) -> dict[str, list[int]]:
    """Where each entity starts; a name inside a longer one ("Lee" in "Ann Lee") belongs to the longer."""
    taken: set[int] = set()
    offsets = {}
    for surface in sorted({surface for surface, _ in story.entities}, key=lambda name: (-len(name), name)):
        offsets[surface] = [start for start in occurrences(surface, text) if start not in taken]
        taken.update(place for start in offsets[surface] for place in range(start, start + len(surface)))
    return offsets


def behavior_lines(
    lives: Sequence[Life], visits: Sequence[Visit], histories: dict[int, list[int]]
) -> Iterable[Sequence[str]]:
    for number, visit in enumerate(visits, start=1):
        shown = zip(visit.candidates.tolist(), visit.clicked.tolist(), strict=True)
        yield (
            str(number),
            lives[visit.reader].reader.id,
            clock(FIRST_DAY + timedelta(days=visit.day - 1, seconds=visit.second)),
            " ".join(story_id(row) for row in histories[visit.reader]),
            " ".join(f"{story_id(row)}-{int(clicked)}" for row, clicked in shown),
        )


def story_id(row: int) -> str:
    return f"N{row + 1}"


def clock(time: datetime) -> str:
    """MIND's form, for instance 11/8/2019 9:05:22 AM, whatever the locale."""
    hour, half = (time.hour - 1) % 12 + 1, "AM" if time.hour < 12 else "PM"
    return f"{time.month}/{time.day}/{time.year} {hour}:{time:%M:%S} {half}"
