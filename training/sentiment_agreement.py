"""Measures a lexicon's sentiment against what a data set states: how far pseudo-labels can be trusted.

python -m training.sentiment_agreement --data assets/sample/train
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import tyro
from jaxtyping import Int

from tinynewsrec.commands import readable_errors
from tinynewsrec.data.labels import IGNORE, SENTIMENTS
from tinynewsrec.data.read import read_split
from tinynewsrec.data.sentiment import lexicon_of, sentiment_labels


@dataclass(frozen=True)
class Arguments:
    data: Path
    """Folder of a split whose stories have a sentiment."""
    lexicon: Literal["auto", "vader", "afinn"] = "auto"
    """VADER for English, AFINN for Danish or English; auto: by the data set's language."""


class Agreement(NamedTuple):
    n: int
    accuracy: float  # percent
    macro_f1: float  # percent; mean over the classes that occur
    commonest: float  # percent; the accuracy of always naming the commonest class
    confusion: Int[np.ndarray, "K K"]  # stated by guessed


def main(arguments: Arguments) -> None:
    news = read_split(arguments.data).news
    stated, source = sentiment_labels(news, "column")
    lexicon = lexicon_of(news.language) if arguments.lexicon == "auto" else arguments.lexicon
    guessed, guess = sentiment_labels(news, lexicon)
    found = agreement(SENTIMENTS.codes(stated), SENTIMENTS.codes(guessed))
    print(f"{guess}, against {source}: {found.n:,} stories")
    print(f"accuracy {found.accuracy:.1f} %, macro-F1 {found.macro_f1:.1f} %")
    print(f"always the commonest class: accuracy {found.commonest:.1f} %")
    print(confusion_table(found.confusion))


def agreement(stated: Int[np.ndarray, " N"], guessed: Int[np.ndarray, " N"]) -> Agreement:
    """On the stories with both labels. Raises ValueError where there is none."""
    known = (stated != IGNORE) & (guessed != IGNORE)
    if not known.any():
        raise ValueError("Expected stories with a stated and a guessed sentiment, found none.")
    confusion = np.zeros((len(SENTIMENTS), len(SENTIMENTS)), dtype=np.int64)
    np.add.at(confusion, (stated[known], guessed[known]), 1)
    right, rows, columns = np.diag(confusion), confusion.sum(1), confusion.sum(0)
    occurring = (rows + columns) > 0
    f1 = 2 * right[occurring] / (rows + columns)[occurring]
    n = int(known.sum())
    return Agreement(n, 100 * right.sum() / n, 100 * f1.mean(), 100 * rows.max() / n, confusion)


def confusion_table(confusion: Int[np.ndarray, "K K"]) -> str:
    header = ["stated \\ guessed", *SENTIMENTS.names]
    rows = [[name, *map(str, row)] for name, row in zip(SENTIMENTS.names, confusion.tolist(), strict=True)]
    return "\n".join("| " + " | ".join(row) + " |" for row in [header, ["---"] * len(header), *rows])


if __name__ == "__main__":
    with readable_errors():
        main(tyro.cli(Arguments, description=__doc__))
