"""EB-NeRD, the Ekstra Bladet News Recommendation Dataset (Kruse et al., 2024), as published.

A part (train, validation or test; of demo, small or large) is a folder of two files; a third holds the
stories of all parts, beside them or one or two folders above:

    behaviors.parquet   impression_id, user_id, impression_time, article_ids_inview, article_ids_clicked;
                        in the test set no clicks, and is_beyond_accuracy: which rows are of that task
    history.parquet     user_id, article_id_fixed (oldest first): one history for all visits of a reader
    articles.parquet    article_id, title; subtitle, category_str or category, subcategory, ner_clusters with
                        entity_groups, sentiment_label, published_time as far as they are there

Other columns are not read. What is not as published is refused with a DataError, or counted in Split.skipped:

    missing file                                 FileNotFoundError
    damaged or empty file, column missing        refused
    id that is null, or 2^63 or more             refused
    is_beyond_accuracy that is null              refused
    story id or reader again, other content      refused
    story id or reader again, same content       counted, the repeat is left out
    candidate that articles.parquet has not      counted, the whole impression is left out
    impression without candidates                counted, left out
    click on a story that was not in view        counted, left out; the impression stays
    impression whose clicks are null             counted, read as without a click
    reader without a history, or with a null     counted, read as an empty one
    history click on an unknown story            counted, the click is left out
    story clicked again later in a history       counted, the last click stays
    sentiment other than the three               counted, read as unknown
    time that is null                            counted, NaT

Impressions stay in the order of the file, by which a file of predictions is read; their ids need not differ.
A story's subtitle is its abstract, the first subcategory its subcategory. Names come without a place: they
are somewhere in headline, subtitle or body. Sentiment is of headline and subtitle, by the publisher's model.
"""

from pathlib import Path

from tinynewsrec.data.ebnerd_articles import read_articles
from tinynewsrec.data.ebnerd_behaviors import read_impressions
from tinynewsrec.data.ebnerd_history import read_histories
from tinynewsrec.data.tables import Split
from tinynewsrec.data.text_columns import add_up

FILES = ("behaviors.parquet", "history.parquet")
ARTICLES = "articles.parquet"
PREDICTIONS = "predictions.txt"
WHERE_TO_GET_IT = "EB-NeRD is published at https://recsys.eb.dk, for research."


def is_ebnerd(folder: Path) -> bool:
    return any((folder / name).exists() for name in FILES)


def read_ebnerd(folder: Path) -> Split:
    """Reads one part of EB-NeRD, named after its folder. Raises DataError and FileNotFoundError."""
    for name in FILES:
        if not (folder / name).is_file():
            raise FileNotFoundError(
                f"{folder / name} is missing: an EB-NeRD folder holds {' and '.join(FILES)}. "
                f"{WHERE_TO_GET_IT}"
            )
    articles, about_articles = read_articles(find_articles(folder))
    histories, about_histories = read_histories(folder / "history.parquet", articles)
    impressions, about_impressions = read_impressions(folder / "behaviors.parquet", articles, histories)
    skipped = add_up(about_articles + about_histories + about_impressions)
    return Split(f"EB-NeRD, {folder.resolve().name}", articles.news, impressions, skipped, PREDICTIONS)


def find_articles(folder: Path) -> Path:
    folder = folder.resolve()
    places = [place / ARTICLES for place in (folder, *list(folder.parents)[:2])]
    for place in places:
        if place.is_file():
            return place
    raise FileNotFoundError(
        f"{ARTICLES} is missing: expected it beside behaviors.parquet or one or two folders above, at "
        f"{', '.join(map(str, places))}. {WHERE_TO_GET_IT}"
    )
