"""What the errors of two models are counted on: the compared impressions, cut down to a slice of them."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from jaxtyping import Bool, Int

from tinynewsrec.analysis.compared import Compared, compared_on
from tinynewsrec.analysis.features import Bin, Feature, features, seen_stories, with_story
from tinynewsrec.data.tables import Impressions, News
from tinynewsrec.views.words import Words
from tinynewsrec.views.workspace import Workspace


@dataclass(frozen=True, eq=False)
class Base:
    given: Impressions
    """Those all models have ranked; some of them cannot be judged."""
    compared: Compared
    features: tuple[Feature, ...]

    def feature(self, name: str) -> Feature:
        """The first one where there is none of that name."""
        return next((feature for feature in self.features if feature.name == name), self.features[0])


class Comparison(NamedTuple):
    """Two models on a slice."""

    base: Base
    key: tuple[object, ...]
    """Differs wherever anything computed from the others does."""
    teacher: str
    student: str
    conditions: tuple[tuple[Feature, int], ...]
    unknown: tuple[str, ...]
    """Conditions that the data does not have."""
    members: Bool[np.ndarray, " M"]

    @property
    def models(self) -> list[str]:
        return list(self.base.compared.scores)

    @property
    def readers(self) -> Int[np.ndarray, " M"]:
        return self.base.compared.impressions.readers


def base_of(workspace: Workspace) -> Base:
    """Computed once for the impressions at hand, and kept with them."""
    given = workspace.compared

    def compute() -> Base:
        compared = compared_on(given, workspace.scores)
        news = workspace.split.news
        seen = seen_stories(news, workspace.split.impressions.history, None)
        return Base(given, compared, features(compared, news, seen))

    return workspace.results.of(("errors", "base", id(given)), compute)


def comparison_of(
    workspace: Workspace, teacher: str, student: str, conditions: tuple[str, ...], stories: tuple[str, ...]
) -> Comparison:
    """Names that no model has fall back to the largest and the smallest."""
    base = base_of(workspace)
    names = list(base.compared.scores)
    teacher = teacher if teacher in names else names[0]
    others = [name for name in names if name != teacher]
    student = student if student in others else others[-1]
    known = {written(condition): condition for condition in all_conditions(base)}
    chosen = tuple(known[text] for text in conditions if text in known)
    members = np.ones(len(base.compared), dtype=bool)
    for feature, place in chosen:
        members &= feature.members(place)
    if stories:
        members &= with_story(
            base.compared, rows_of(workspace.split.news, stories), len(workspace.split.news)
        )
    unknown = tuple(text for text in conditions if text not in known)
    key = (id(base.given), teacher, student, conditions, stories)
    return Comparison(base, key, teacher, student, chosen, unknown, members)


def all_conditions(base: Base) -> list[tuple[Feature, int]]:
    return [(feature, place) for feature in base.features for place in range(len(feature.bins))]


def written(condition: tuple[Feature, int]) -> str:
    """As it stands in a link."""
    feature, place = condition
    return f"{feature.name}={feature.bins[place].key}"


def rows_of(news: News, ids: tuple[str, ...]) -> Int[np.ndarray, " S"]:
    rows = news.rows_of(pa.array(ids, pa.string()))
    return rows[rows >= 0]


def told(said: Words, feature: Feature, place: int) -> str:
    """A condition for people: "category: sports"."""
    return said["condition"].format(
        feature=said["features"][feature.name]["name"], bin=bin_text(said, feature.bins[place])
    )


def bin_text(said: Words, bin: Bin) -> str:
    """What stands at a bin's place in a chart; names are those of the data."""
    forms = said["bins"]
    if bin.kind == "name":
        return bin.text
    if bin.kind == "word":
        return forms[bin.text]
    if bin.kind == "hour":
        return forms["hour"].format(low=f"{bin.low:.0f}", high=f"{bin.high:.0f}")
    if bin.kind == "share":
        return share_text(forms, 100 * bin.low, 100 * bin.high)
    if np.isinf(bin.high):
        return forms["or more"].format(low=f"{bin.low:.0f}")
    last = bin.high - 1
    return f"{bin.low:.0f}" if last == bin.low else f"{bin.low:.0f}–{last:.0f}"


def share_text(forms: dict[str, str], low: float, high: float) -> str:
    """Of percents; what is next to nothing is an edge just above zero."""
    if high < 1e-3:
        return forms["zero share"]
    form = "least share" if np.isinf(high) else "most share" if low < 1e-3 else "share"
    return forms[form].format(low=f"{low:.0f}", high=f"{high:.0f}")
