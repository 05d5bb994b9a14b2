"""What a recommender must beat: chance, popularity, freshness, and its language model untrained."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Float

from tinynewsrec.data.tables import Impressions, News, Split
from tinynewsrec.evaluation.report import System, device
from tinynewsrec.evaluation.scores import score_impressions
from tinynewsrec.evaluation.vectors import Progress, unsaved_vectors, unseen
from tinynewsrec.model.config import ModelConfig
from tinynewsrec.model.language_models import load_language_model
from tinynewsrec.model.recommender import Recommender

PRIOR = 20.0  # times shown at the mean rate, added to each story's count: a story shown twice proves little


def chance(split: Split, seed: int = 0) -> System:
    scores = np.random.default_rng(seed).random(len(split.impressions.candidates.values))
    return System("random", scores, note=f"seed {seed}")


def popularity(split: Split, train: Split | None) -> System:
    """What readers clicked before; no click on a candidate of the evaluated split is looked at."""
    if train is None:
        rates, note = history_clicks(split), "clicks in the history of each reader's first visit"
    else:
        rates = click_rates(split.news, train)
        note = f"click-through rate on {train.name}; stories not shown there get the mean rate"
    return System("popularity", rates[split.impressions.candidates.values], note=note)


def click_rates(news: News, train: Split) -> Float[np.ndarray, " N"]:
    """Clicks by times shown in `train`, smoothed towards the mean.

    Raises ValueError where `train` has no clicks.
    """
    shown = train.impressions.candidates.values
    clicked = train.impressions.clicked
    if clicked is None or not clicked.any():
        raise ValueError(f"{train.name} has no clicks to count popularity on; pass another --train.")
    total = np.bincount(shown, minlength=len(train.news)).astype(float)
    clicks = np.bincount(shown[clicked], minlength=len(train.news))
    mean = clicked.mean()
    rates = (clicks + PRIOR * mean) / (total + PRIOR)
    return by_id(rates, train.news, news, otherwise=mean)


def history_clicks(split: Split) -> Float[np.ndarray, " N"]:
    """How often a story was clicked before its readers' first visits.

    A later history of the same reader may hold what is to be predicted in the visits before it.
    """
    impressions = split.impressions
    by_reader = np.lexsort((impressions.times, impressions.readers))
    first = by_reader[np.unique(impressions.readers[by_reader], return_index=True)[1]]
    history = impressions.history.take(first)
    return np.bincount(history.values, minlength=len(split.news)).astype(float)


def newest_first(split: Split, train: Split | None) -> System:
    """By the time of publication where the data set has it; else by id, where ids are numbers that grow, as
    EB-NeRD's; else by the time first shown.
    """
    candidates = split.impressions.candidates.values
    if not np.isnat(split.news.published).all():
        ages, note = published(split.news), f"time of publication: {split.news.sources['published']}"
    elif pc.all(pc.utf8_is_digit(split.news.known_ids)).as_py():
        ages, note = split.news.known_ids.cast(pa.int64()).to_numpy(), "highest story id; no time is known"
    else:
        return newest_shown_first(split, train)
    return System("newest first", ages[candidates].astype(float), note=note)


def published(news: News) -> Float[np.ndarray, " N"]:
    """Seconds since 1970; a story of unknown time counts as the oldest."""
    return np.where(np.isnat(news.published), -np.inf, news.published.astype(np.int64).astype(float))


def newest_shown_first(split: Split, train: Split | None) -> System:
    """The candidate that was first shown last; those first shown in the same second are tied.

    A candidate's first time shown is never later than the visit, so nothing is known too early.
    """
    seen = first_shown(split.impressions, len(split.news))
    if train is not None:
        earlier = first_shown(train.impressions, len(train.news))
        seen = np.minimum(seen, by_id(earlier, train.news, split.news, otherwise=np.inf))
    # A story whose times were all unreadable counts as the oldest.
    seen[np.isinf(seen)] = -np.inf
    note = "age since first shown in " + (f"{train.name} or {split.name}" if train else split.name)
    return System("newest first", seen[split.impressions.candidates.values], note=note)


def first_shown(impressions: Impressions, stories: int) -> Float[np.ndarray, " N"]:
    """When each story was first a candidate, in seconds since 1970; infinity for never."""
    times = np.repeat(impressions.times, impressions.candidates.lengths)
    known = ~np.isnat(times)
    seen = np.full(stories, np.inf)
    np.minimum.at(seen, impressions.candidates.values[known], times[known].astype(np.int64).astype(float))
    return seen


def by_id(
    values: Float[np.ndarray, " M"], news: News, wanted: News, otherwise: float
) -> Float[np.ndarray, " N"]:
    """Values kept per story of one news table, for the stories of another."""
    rows = news.rows_of(wanted.known_ids)
    return np.where(rows >= 0, values[rows], otherwise)


def zero_shot(split: Split, language_model: str, progress: Progress = unseen) -> System:
    """The whole language model without training: a candidate's unit vector by the mean of the history's.

    Readers without history get equal scores. Raises ValueError where the language model cannot be loaded.
    """
    recommender = untrained(language_model).to(device())
    vectors = unsaved_vectors(recommender, split.news.texts("title"), progress)
    unit = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True).clip(min=1e-12)
    scores = score_impressions(recommender, unit, split.impressions)
    return System("zero-shot", scores, note=f"{language_model}, all its layers, mean over words, untrained")


def untrained(name: str) -> Recommender:
    """Mean of the word pieces, mean of the clicks: a recommender in which nothing was learnt from clicks."""
    language_model, tokenizer = load_language_model(name)
    config = ModelConfig(
        name,
        layers=language_model.config.num_hidden_layers,
        pooling="mean",
        news_size=language_model.config.hidden_size,
        projection=False,
    )
    return Recommender(config, language_model.float(), tokenizer).eval()
