"""Stories to be read with their abstracts: a copy of a data set whose titles go on with them.

What a model reads is the title, wherever it learns, is measured or shown; here that is both texts, and the
abstract is empty. Give such a model room with --model.title-length. Post-training needs the two apart: pass
it the data as they were, --corpus MIND/train say.

python -m training.join_abstracts --data MIND --out MIND-with-abstracts
"""

import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import tyro
from rich import print

from tinynewsrec.commands import readable_errors
from tinynewsrec.data.ebnerd import ARTICLES, find_articles, is_ebnerd
from tinynewsrec.data.gold import LABELS, find_labels
from tinynewsrec.data.mind import is_mind
from tinynewsrec.data.read import SAMPLE, describe, read_split
from tinynewsrec.data.tables import DataError, News
from tinynewsrec.model.folder import write_json
from training.holdout import news_lines
from training.mind_format import write_lines


@dataclass(frozen=True)
class Arguments:
    data: Path
    """Folder with the parts of a data set, `train` and `dev` say."""
    out: Path
    """Where to write the same parts, with longer titles."""


def main(arguments: Arguments) -> None:
    """Raises FileNotFoundError where no folder in it is a part of a data set."""
    folders = sorted(path for path in arguments.data.glob("*") if path.is_dir())
    parts = [path for path in folders if is_mind(path) or is_ebnerd(path)]
    if not parts:
        raise FileNotFoundError(f"Expected a folder of parts, train and dev say. {describe(arguments.data)}")
    for part in parts:
        write_part(part, arguments.out / part.name)


def write_part(source: Path, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    split = read_split(source)
    if is_ebnerd(source):
        names = ["behaviors.parquet", "history.parquet"]
        pq.write_table(joined_articles(pq.read_table(find_articles(source))), out / ARTICLES)
    else:
        names = ["behaviors.tsv"]
        news = joined(split.news)
        write_lines(out / "news.tsv", news_lines(news, np.arange(len(news))))
    for name in names:
        shutil.copy(source / name, out)
    if (labels := find_labels(source)) is not None:
        shutil.copy(labels, out / LABELS)
    write_json({"name": f"{split.name.rpartition(',')[0]} with abstracts"}, out / SAMPLE)
    longer = int(np.sum([abstract != "" for abstract in split.news.texts("abstract")]))
    print(f"{out}: {longer:,} of {len(split.news):,} titles go on with an abstract")


def joined(news: News) -> News:
    """Names of the abstract stand behind those of the title, each where it is now."""
    titles, abstracts = news.texts("title"), news.texts("abstract")
    first, second = news.texts("title_entities"), news.texts("abstract_entities")
    values = {
        "title": [f"{title} {rest}".strip() for title, rest in zip(titles, abstracts, strict=True)],
        "abstract": [""] * len(news),
        "title_entities": [
            moved_behind(title, names, more if rest else "[]")
            for title, rest, names, more in zip(titles, abstracts, first, second, strict=True)
        ],
        "abstract_entities": [""] * len(news),
    }
    columns = news.columns
    for name, column in values.items():
        columns = columns.set_column(columns.column_names.index(name), name, pa.array(column, pa.string()))
    return replace(news, columns=columns)


def moved_behind(title: str, first: str, second: str) -> str:
    """Both lists of entities, MIND's JSON, as one; the second's places begin behind the title and a space.

    Nothing is known of the names in both where it is not of those in one.
    """
    if not (first and second):
        return ""
    shift = len(title) + 1
    entities = json.loads(second)
    for entity in entities:
        entity["OccurrenceOffsets"] = [offset + shift for offset in entity.get("OccurrenceOffsets", [])]
    return json.dumps(json.loads(first) + entities, ensure_ascii=False, separators=(",", ":"))


def joined_articles(articles: pa.Table) -> pa.Table:
    """EB-NeRD's table, the subtitle behind the title. Raises DataError where there is none."""
    if "subtitle" not in articles.column_names:
        raise DataError(
            f"{ARTICLES} has no column subtitle, so there is nothing to join. Use the data as they are."
        )
    longer = pc.binary_join_element_wise(
        articles["title"].cast(pa.string()),
        articles["subtitle"].cast(pa.string()),
        " ",
        null_handling="skip",
    )
    values = {
        "title": pc.if_else(articles["title"].is_valid(), longer, pa.scalar(None, pa.string())),
        "subtitle": pa.array([""] * len(articles), pa.string()),
    }
    for name, column in values.items():
        articles = articles.set_column(articles.column_names.index(name), name, column)
    return articles


if __name__ == "__main__":
    with readable_errors():
        main(tyro.cli(Arguments, description=__doc__))
