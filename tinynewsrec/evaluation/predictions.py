"""Rankings in the form in which a data set's competition takes them: text, and the same in a flat zip."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Float, Int

from tinynewsrec.data.tables import Impressions

BLOCK = 50_000  # impressions ranked at a time


def write_predictions(
    scores: Iterable[Float[np.ndarray, " some"]], impressions: Impressions, path: Path
) -> None:
    """A line for each impression, `id [r1,r2,...]`: each candidate's rank, from 1, in the file's order.

    Scores come in blocks of whole impressions, in order, and no more than one block is held. Raises
    ValueError where they are not those of all impressions, and for a NaN.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "wb") as file:
        for text in texts(scores, impressions):
            file.write(text)
    with ZipFile(path.with_suffix(".zip"), "w", ZIP_DEFLATED) as archive:
        archive.write(path, path.name)


def texts(scores: Iterable[Float[np.ndarray, " some"]], impressions: Impressions) -> Iterator[bytes]:
    """The lines of each block."""
    offsets, row = impressions.candidates.offsets, 0
    for block in scores:
        end = int(np.searchsorted(offsets, offsets[row] + len(block)))
        own = offsets[row : end + 1] - offsets[row]
        if own[-1] != len(block) or np.isnan(block).any():
            found = "NaN" if np.isnan(block).any() else f"{len(block)}"
            raise ValueError(f"Expected scores of whole impressions, got {found} from row {row} on.")
        yield lines(impressions.ids.slice(row, end - row), ranks_of(block, own), own)
        row = end
    if row != len(impressions):
        raise ValueError(f"Expected scores of {len(impressions)} impressions, got those of {row}.")


def in_blocks(
    scores: Float[np.ndarray, " total"], impressions: Impressions
) -> Iterator[Float[np.ndarray, " some"]]:
    """Scores that are there already, cut for `write_predictions`."""
    for start in range(0, len(impressions), BLOCK):
        end = min(start + BLOCK, len(impressions))
        yield scores[slice(*impressions.candidates.offsets[[start, end]])]


def lines(ids: pa.Array, ranks: Int[np.ndarray, " total"], offsets: Int[np.ndarray, " ends"]) -> bytes:
    """The text of some impressions, UTF-8."""
    lists = pa.ListArray.from_arrays(offsets.astype(np.int32), pa.array(ranks).cast(pa.string()))
    rows = pc.binary_join_element_wise(ids, " [", pc.binary_join(lists, ","), "]\n", "")
    return "".join(rows.to_pylist()).encode()


def ranks_of(
    scores: Float[np.ndarray, " total"], offsets: Int[np.ndarray, " ends"]
) -> Int[np.ndarray, " total"]:
    """The rank of each candidate in its impression, 1 for the highest score; ties in the file's order.

    It is the inverse of the order by score: the candidate that comes first has rank 1, wherever it stands.
    """
    impressions = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    best_first = np.lexsort((-scores, impressions))
    ranks = np.empty(len(scores), dtype=np.int64)
    ranks[best_first] = np.arange(len(scores)) - offsets[impressions] + 1
    return ranks
