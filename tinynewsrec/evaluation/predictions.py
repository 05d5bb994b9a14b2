"""prediction.txt, the form in which MIND's competition takes a ranking."""

from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from tinynewsrec.data.tables import Impressions, Ragged

BLOCK = 50_000  # impressions ranked at a time


def write_predictions(scores: Float[np.ndarray, " total"], impressions: Impressions, folder: Path) -> Path:
    """A line for each impression, `id [r1,r2,...]`: each candidate's rank, from 1, in the file's order."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "prediction.txt"
    ragged = Ragged(scores, impressions.candidates.offsets)
    with open(path, "w", encoding="utf-8") as file:
        for start in range(0, len(impressions), BLOCK):
            rows = np.arange(start, min(start + BLOCK, len(impressions)))
            block = ragged.take(rows)
            ranks = Ragged(ranks_of(block.values, block.offsets), block.offsets)
            ids = impressions.ids.slice(start, len(rows)).to_pylist()
            for row, id in enumerate(ids):
                file.write(f"{id} [{','.join(map(str, ranks[row].tolist()))}]\n")
    return path


def ranks_of(
    scores: Float[np.ndarray, " total"], offsets: Int[np.ndarray, " ends"]
) -> Int[np.ndarray, " total"]:
    """The rank of each candidate in its impression, 1 for the highest score; ties in the file's order."""
    impressions = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    best_first = np.lexsort((-scores, impressions))
    ranks = np.empty(len(scores), dtype=np.int64)
    ranks[best_first] = np.arange(len(scores)) - offsets[impressions] + 1
    return ranks
