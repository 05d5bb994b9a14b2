"""The tone of each story: as the data set says, else guessed from its title by a lexicon."""

from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import Literal

from tinynewsrec.data.tables import News

Source = Literal["auto", "column", "vader", "afinn"]
LEXICONS = {"en": "vader", "da": "afinn"}
READS: dict[Source, tuple[str, ...]] = {"vader": ("en",), "afinn": ("en", "da")}
NEUTRAL = 0.05  # VADER's authors call a compound score (-1 to 1) of less, either way, neutral


def sentiment_labels(news: News, source: Source = "auto") -> tuple[list[str], str]:
    """negative, neutral or positive for each story, "" for unknown, and where that comes from.

    `auto` takes what the data set says, else the lexicon of its language: VADER (Hutto and Gilbert, 2014)
    for English, AFINN (Nielsen, 2011) for Danish. Raises ValueError where there is neither, or the lexicon
    does not read the language, and ImportError where it is not installed.
    """
    source = settled(news, source)
    if source == "column":
        return news.sentiments, news.sources.get("sentiment", "column")
    titles = news.texts("title")
    if source == "vader":
        return by_vader(titles), f"vader {version('vaderSentiment')}, on titles"
    return by_afinn(titles, news.language), f"afinn {version('afinn')} ({news.language}), on titles"


def settled(news: News, source: Source) -> Source:
    """What `auto` stands for. Raises ValueError for a source that has nothing to say of these stories."""
    if source == "auto":
        source = "column" if any(news.sentiments) else lexicon_of(news.language)
    if source == "column" and not any(news.sentiments):
        raise ValueError(
            "Expected stories with a sentiment, found none in this data set. Name a lexicon instead: vader "
            "for English, afinn for Danish; or put labels.jsonl beside the data, with lines like "
            '{"id": "N1", "sentiment": "neutral"}.'
        )
    if source in READS and news.language not in READS[source]:
        raise ValueError(
            f"Expected stories in a language that {source} reads ({', '.join(READS[source])}), found "
            f"{news.language!r}. Choose another lexicon with --heads.sentiment-source, or auto."
        )
    return source


def lexicon_of(language: str) -> Source:
    if language not in LEXICONS:
        raise ValueError(
            f"Expected stories in one of the languages {', '.join(LEXICONS)}, found {language!r}, for which "
            f"there is no lexicon. Train without sentiment, or label the stories in labels.jsonl."
        )
    return LEXICONS[language]


def by_vader(titles: Sequence[str]) -> list[str]:
    try:
        from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer
    except ImportError:
        raise missing("vaderSentiment") from None
    scores = SentimentIntensityAnalyzer().polarity_scores
    return guessed(titles, lambda title: scores(title)["compound"], NEUTRAL)


def by_afinn(titles: Sequence[str], language: str) -> list[str]:
    try:
        from afinn import Afinn
    except ImportError:
        raise missing("afinn") from None
    return guessed(titles, Afinn(language=language).score, 1)


def guessed(titles: Sequence[str], score: Callable[[str], float], least: float) -> list[str]:
    """Of a story without a title nothing is known."""
    return [named(score(title), least) if title else "" for title in titles]


def named(score: float, least: float) -> str:
    return "positive" if score >= least else "negative" if score <= -least else "neutral"


def missing(package: str) -> ImportError:
    return ImportError(
        f"The lexicon {package} is not installed: pip install {package}, or tinynewsrec[train]."
    )
