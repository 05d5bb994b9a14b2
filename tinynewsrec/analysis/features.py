"""What impressions can be told apart by before any model sees them; each feature puts each in one bin.

An impression may have several clicked stories: numbers are then their mean, and stories of several
categories have a bin of their own.
"""

from typing import Literal, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Bool, Float, Int, Shaped

from tinynewsrec.analysis.compared import Compared
from tinynewsrec.analysis.pickers import owners
from tinynewsrec.data.tables import News, Ragged, Split

Kind = Literal["count", "share", "hour", "name", "word"]
RARE = 3  # times: a word that stands in all titles fewer times is rare


class Bin(NamedTuple):
    kind: Kind
    """What `low` and `high` are (a share is of 1, `high` is not included), or what `text` is: a name of the
    data, or a word: "several", "unknown", "no history", "all", "some", "none"."""
    text: str = ""
    low: float = 0.0
    high: float = np.inf

    @property
    def key(self) -> str:
        """Short, and different from that of the feature's other bins."""
        return f"{self.kind}:{self.text or f'{self.low:g}'}"


class Feature(NamedTuple):
    name: str
    bins: tuple[Bin, ...]
    places: Int[np.ndarray, " M"]
    """The bin of each impression."""

    def members(self, place: int) -> Bool[np.ndarray, " M"]:
        return self.places == place

    @property
    def table(self) -> Bool[np.ndarray, "M B"]:
        """Every bin's members."""
        return self.places[:, None] == np.arange(len(self.bins))


def features(compared: Compared, news: News, seen: Bool[np.ndarray, " N"]) -> tuple[Feature, ...]:
    """Everything below; `seen` are the stories that are not cold."""
    clicked, histories = compared.clicked_stories, compared.impressions.history
    _, categories = np.unique(news.texts("category"), return_inverse=True)
    return (
        category(clicked, news),
        numbered("history length", "count", (0, 1, 6, 21, 51), histories.lengths),
        numbered("candidates", "count", (2, 6, 11, 21, 51), compared.impressions.candidates.lengths),
        numbered("title length", "count", (0, 7, 10, 13), np.rint(means(word_counts(news), clicked))),
        numbered("rare words", "share", (0, 0.05, 0.2), means(rare_words(news), clicked)),
        cold(clicked, seen),
        familiarity(clicked, histories, categories),
        hour(compared.impressions.times),
    )


def numbered(name: str, kind: Kind, lows: tuple[float, ...], values: Shaped[np.ndarray, " M"]) -> Feature:
    """Bins that begin at `lows`; what is below the first belongs to it too."""
    bins = tuple(Bin(kind, "", low, high) for low, high in zip(lows, (*lows[1:], np.inf), strict=True))
    return Feature(name, bins, np.maximum(np.searchsorted(lows, values, side="right") - 1, 0))


def category(clicked: Ragged, news: News) -> Feature:
    """Of the clicked stories; the commonest category first."""
    names, codes = np.unique(news.columns["category"].take(clicked.values).to_pylist(), return_inverse=True)
    several = len(names)
    first = codes[clicked.offsets[:-1]]
    same = reduced(np.minimum, codes, clicked) == reduced(np.maximum, codes, clicked)
    places = np.where(same, first, several)
    order = np.argsort(-np.bincount(places, minlength=several + 1)[:several], kind="stable")
    back = np.append(np.argsort(order), several)
    bins = (*(Bin("name", str(names[place])) for place in order), Bin("word", "several"))
    return Feature("category", bins, back[places])


def cold(clicked: Ragged, seen: Bool[np.ndarray, " N"]) -> Feature:
    """Whether the clicked stories are cold: all, some or none of them."""
    share = means(~seen, clicked)
    bins = tuple(Bin("word", word) for word in ("all", "some", "none"))
    return Feature("cold", bins, np.select([share == 1, share > 0], [0, 1], 2))


def familiarity(clicked: Ragged, histories: Ragged, categories: Int[np.ndarray, " N"]) -> Feature:
    """The share of the history that has the clicked story's category: a low one is a story that is new to
    the reader."""
    width = int(categories.max(initial=0)) + 1
    counts = np.bincount(
        owners(histories) * width + categories[histories.values], minlength=len(histories) * width
    )
    met = counts[owners(clicked) * width + categories[clicked.values]]
    shares = mean_of(met, clicked) / np.maximum(histories.lengths, 1)
    found = numbered("familiarity", "share", (0, 1e-9, 0.1, 0.25, 0.5), shares)
    bins = (*found.bins, Bin("word", "no history"))
    return Feature(found.name, bins, np.where(histories.lengths == 0, len(found.bins), found.places))


def hour(times: Shaped[np.ndarray, " M"]) -> Feature:
    """Of the day, in the file's own time."""
    unknown = np.isnat(times)
    hours = np.where(unknown, 0, times.astype("datetime64[h]").astype(np.int64) % 24)
    lows = (0, 6, 12, 18)
    bins = tuple(Bin("hour", "", low, low + 6) for low in lows)
    places = np.where(unknown, len(lows), hours // 6)
    return Feature("hour", (*bins, Bin("word", "unknown")), places)


def seen_stories(news: News, histories: Ragged, training: Split | None) -> Bool[np.ndarray, " N"]:
    """Stories a model may know from its readers: candidates and clicks of the training part where it is
    given, else clicks of the histories."""
    seen = np.zeros(len(news), dtype=bool)
    if training is None:
        seen[histories.values] = True
        return seen
    met = np.zeros(len(training.news), dtype=bool)
    for lists in (training.impressions.history, training.impressions.candidates):
        met[lists.values] = True
    rows = training.news.rows_of(news.known_ids)
    known = rows >= 0
    seen[known] = met[rows[known]]
    return seen


def with_story(
    compared: Compared, stories: Int[np.ndarray, " S"], count: int, clicked: bool = True
) -> Bool[np.ndarray, " M"]:
    """Impressions with one of the named stories among the clicked, or else among all candidates.

    `count` is the length of the news table the stories are rows of.
    """
    named = np.zeros(count, dtype=bool)
    named[stories] = True
    lists = compared.clicked_stories if clicked else compared.impressions.candidates
    return reduced(np.maximum, named[lists.values], lists).astype(bool)


def word_counts(news: News) -> Int[np.ndarray, " N"]:
    return words(news)[1]


def rare_words(news: News) -> Float[np.ndarray, " N"]:
    """The share of each title's words that are rare among all titles; 0 for no words."""
    flat, lengths = words(news)
    coded = flat.dictionary_encode()
    codes = coded.indices.to_numpy(zero_copy_only=False)
    rare = np.bincount(codes, minlength=len(coded.dictionary))[codes] < RARE
    return mean_of(rare, Ragged(codes, np.concatenate([[0], np.cumsum(lengths)])))


def words(news: News) -> tuple[pa.Array, Int[np.ndarray, " N"]]:
    """The words of all titles, in lower case and without the signs around them, and how many each has."""
    titles = pc.utf8_lower(news.columns["title"].combine_chunks())
    plain = pc.utf8_trim_whitespace(pc.replace_substring_regex(titles, r"[^\p{L}\p{N}'\x{2019} -]+", " "))
    split = pc.utf8_split_whitespace(plain)
    flat = pc.list_flatten(split)
    # Splitting an empty text gives one empty word.
    lengths = pc.if_else(pc.equal(plain, ""), 0, pc.list_value_length(split))
    return flat.filter(pc.not_equal(flat, "")), lengths.to_numpy(zero_copy_only=False).astype(np.int64)


def means(values: Shaped[np.ndarray, " N"], lists: Ragged) -> Float[np.ndarray, " M"]:
    """The mean over each row's stories."""
    return mean_of(values[lists.values], lists)


def mean_of(values: Shaped[np.ndarray, " total"], lists: Ragged) -> Float[np.ndarray, " M"]:
    """The mean of each row; 0 for an empty one."""
    return np.bincount(owners(lists), values, minlength=len(lists)) / np.maximum(lists.lengths, 1)


def reduced(how: np.ufunc, values: Shaped[np.ndarray, " total"], lists: Ragged) -> Shaped[np.ndarray, " M"]:
    """`how` over each row; every row has at least one value."""
    if not len(lists):
        return values[:0]
    return how.reduceat(values, lists.offsets[:-1])
