"""What the simulator knows and no model may: true interests, utilities, and what an oracle would score."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from jaxtyping import Float

from tinynewsrec.data.tables import Ragged
from tinynewsrec.evaluation.metrics import measure
from training.click_model import NEVER, ClickModel, Life, Visit, follow, note_clicks
from training.sample_stories import Stories

METRICS = ("AUC", "MRR", "nDCG@10")
FOLLOWED = 0.3  # a storyline followed less than this is not named
READERS = pa.schema(
    {
        "reader": pa.string(),
        "interests": pa.list_(pa.float32()),
        "tone": pa.float32(),
        "appeal": pa.float32(),
        "storylines": pa.list_(pa.string()),
        "follows": pa.list_(pa.float32()),
        "history_accident": pa.list_(pa.bool_()),
    }
)
IMPRESSIONS = pa.schema(
    {"impression": pa.string(), "utility": pa.list_(pa.float32()), "accident": pa.list_(pa.bool_())}
)


def truth_of_readers(
    lives: Sequence[Life], stories: Stories, model: ClickModel, first_day: int, last_day: int
) -> pa.Table:
    """A row per reader: tastes on the morning of the last day, and the accidents in the history."""
    rows = [truth_of(life, stories, model, first_day, last_day) for life in lives]
    names = [name for _, name in stories.subcategories]
    schema = READERS.with_metadata({"day": str(last_day), "subcategories": " ".join(names)})
    return pa.Table.from_pylist(rows, schema)


def truth_of(life: Life, stories: Stories, model: ClickModel, first_day: int, last_day: int) -> dict:
    """Rounded, so that the last bits of another machine's logarithm do not show."""
    last_click = np.full(len(stories.storylines), NEVER)
    for visit in life.before(last_day):
        note_clicks(last_click, visit, stories)
    follows = follow(life.reader, last_day, last_click, model)
    followed = np.flatnonzero(follows >= FOLLOWED)
    return {
        "reader": life.reader.id,
        "interests": life.reader.interests[last_day - 1].round(4).tolist(),
        "tone": round(life.reader.tone, 4),
        "appeal": round(life.reader.appeal, 4),
        "storylines": [stories.storylines[line] for line in followed],
        "follows": follows[followed].round(4).tolist(),
        "history_accident": [
            accident
            for visit in life.before(first_day)
            for accident in visit.accident[visit.clicked].tolist()
        ],
    }


def truth_of_impressions(visits: Sequence[Visit]) -> pa.Table:
    """The utility of every candidate, in the order of behaviors.tsv, and which clicks were accidents."""
    columns = {
        "impression": [str(number) for number in range(1, len(visits) + 1)],
        "utility": [visit.utility.round(3).tolist() for visit in visits],
        "accident": [visit.accident.tolist() for visit in visits],
    }
    return pa.table(columns, schema=IMPRESSIONS)


def rankings(
    stories: Stories, train: Sequence[Visit], visits: Sequence[Visit]
) -> dict[str, dict[str, float]]:
    """Means over impressions, in percent: of the oracle, and of two rankings that ignore who reads."""
    popularity = click_through(stories, train)
    return {
        "oracle": means([visit.utility.round(3) for visit in visits], visits),
        "popularity": means([popularity[visit.candidates] for visit in visits], visits),
        "most appeal": means([stories.appeal[visit.candidates] for visit in visits], visits),
    }


def means(scores: Sequence[np.ndarray], visits: Sequence[Visit]) -> dict[str, float]:
    scores = Ragged.stack(scores, np.float64)
    clicked = Ragged.stack([visit.clicked for visit in visits], bool)
    values = measure(scores.values, clicked.values, scores.offsets).values
    return {name: round(float(values[name].mean()), 2) for name in METRICS}


def click_through(stories: Stories, visits: Sequence[Visit]) -> Float[np.ndarray, " N"]:
    """Clicks per showing; a story never shown gets the rate of its subcategory."""
    shown = np.concatenate([visit.candidates for visit in visits])
    clicked = shown[np.concatenate([visit.clicked for visit in visits])]
    own = [np.bincount(rows, minlength=len(stories)) for rows in (clicked, shown)]
    pooled = [np.bincount(stories.subcategory, count)[stories.subcategory] for count in own]
    clicks, shows = np.where(own[1] > 0, own, pooled)
    return clicks / np.maximum(shows, 1)
