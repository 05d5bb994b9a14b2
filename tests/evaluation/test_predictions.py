"""A ranking is written as the rank of each candidate, and is the same ranking when read back."""

import json
from dataclasses import replace
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tinynewsrec.data.tables import Ragged
from tinynewsrec.evaluation.metrics import measure
from tinynewsrec.evaluation.predictions import in_blocks, ranks_of, texts, write_predictions


def read_ranks(text: bytes) -> tuple[list[str], Ragged]:
    rows = [line.split(" ", 1) for line in text.decode().splitlines()]
    return [id for id, _ in rows], Ragged.stack([json.loads(ranks) for _, ranks in rows])


def test_ranks_are_the_inverse_of_the_best_first_order():
    scores = np.array([0.1, 0.5, 0.9, 0.7, 2.0, 1.0])
    # Best first the candidates of the first row are 3, 4, 2, 1; the ranks are another permutation.
    assert ranks_of(scores, np.array([0, 4, 6])).tolist() == [4, 3, 1, 2, 1, 2]


def test_ties_are_ranked_in_the_order_of_the_file():
    assert ranks_of(np.array([1.0, 2.0, 1.0, 2.0]), np.array([0, 4])).tolist() == [3, 1, 4, 2]


@given(st.lists(st.integers(1, 5), min_size=1, max_size=6), st.data())
def test_candidates_put_in_the_order_of_their_ranks_are_best_first(lengths, data):
    offsets = np.cumsum([0, *lengths])
    scores = data.draw(arrays(np.float64, int(offsets[-1]), elements=st.floats(-3, 3)))
    ranks = Ragged(ranks_of(scores, offsets), offsets)
    for row, own in enumerate(np.split(scores, offsets[1:-1])):
        assert sorted(ranks[row].tolist()) == list(range(1, lengths[row] + 1))
        placed = np.empty_like(own)
        placed[ranks[row] - 1] = own
        np.testing.assert_array_equal(placed, np.sort(own)[::-1])


def test_metrics_of_the_ranks_read_back_are_those_of_the_scores(split, tmp_path, monkeypatch):
    monkeypatch.setattr("tinynewsrec.evaluation.predictions.BLOCK", 2)
    impressions, path = split.impressions, tmp_path / "model" / "predictions.txt"
    scores = np.random.default_rng(0).normal(size=len(impressions.clicked))
    write_predictions(in_blocks(scores, impressions), impressions, path)
    ids, ranks = read_ranks(path.read_bytes())
    assert ids == impressions.ids.to_pylist()
    np.testing.assert_array_equal(ranks.offsets, impressions.candidates.offsets)
    read_back = measure(1 / ranks.values, impressions.clicked, ranks.offsets)
    for name, values in measure(scores, impressions.clicked, ranks.offsets).values.items():
        np.testing.assert_allclose(read_back.values[name], values)


def test_the_zip_holds_the_file_and_no_folder(split, tmp_path):
    path = tmp_path / "predictions.txt"
    write_predictions([np.zeros(len(split.impressions.clicked))], split.impressions, path)
    with ZipFile(tmp_path / "predictions.zip") as archive:
        assert archive.namelist() == ["predictions.txt"]
        assert archive.read("predictions.txt") == path.read_bytes()


def test_a_line_is_the_id_as_the_file_has_it_and_the_ranks(split):
    ids = pa.array(["0", "0", "é", "4", "5"])  # ids of the beyond-accuracy task repeat
    impressions = replace(split.impressions, ids=ids)
    scores = np.arange(len(impressions.clicked), dtype=float)
    found = b"".join(texts([scores], impressions)).decode().splitlines()
    assert found == ["0 [3,2,1]", "0 [3,2,1]", "é [4,3,2,1]", "4 [2,1]", "5 [5,4,3,2,1]"]


def test_blocks_are_written_before_the_next_one_is_asked_for(split):
    asked = []

    def blocks():
        for block in in_blocks(np.zeros(len(split.impressions.clicked)), split.impressions):
            asked.append(len(block))
            yield block

    written = texts(blocks(), split.impressions)
    assert asked == []
    next(written)
    assert len(asked) == 1


@pytest.mark.parametrize("cut", [slice(0, 3), slice(0, 4), slice(0, 0)])
def test_scores_of_other_impressions_are_refused(split, tmp_path: Path, cut):
    scores = np.zeros(len(split.impressions.clicked))[cut]
    with pytest.raises(ValueError, match="Expected scores of"):
        write_predictions([scores], split.impressions, tmp_path / "predictions.txt")


def test_a_score_that_is_no_number_is_refused(split, tmp_path):
    scores = np.zeros(len(split.impressions.clicked))
    scores[2] = np.nan
    with pytest.raises(ValueError, match="got NaN"):
        write_predictions([scores], split.impressions, tmp_path / "predictions.txt")
