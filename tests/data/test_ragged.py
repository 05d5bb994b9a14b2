"""Rows held once are rows all the same."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tinynewsrec.data.batches import pad
from tinynewsrec.data.ragged import Ragged, SharedRagged

ROWS = st.lists(st.lists(st.integers(0, 9), max_size=4), min_size=1, max_size=5)


@given(ROWS, st.data())
def test_shared_rows_are_those_written_out(rows, data):
    places = data.draw(st.lists(st.integers(0, len(rows) - 1), max_size=8))
    shared = SharedRagged(Ragged.stack(rows), np.array(places, dtype=np.int64))
    plain = Ragged.stack([rows[place] for place in places])
    chosen = data.draw(st.lists(st.integers(0, max(0, len(places) - 1)), max_size=5)) if places else []
    chosen = np.array(chosen, dtype=np.int64)
    assert len(shared) == len(plain)
    assert [row.tolist() for row in map(shared.__getitem__, range(len(places)))] == [rows[p] for p in places]
    for name in ("lengths", "offsets", "values", "named"):
        np.testing.assert_array_equal(getattr(shared, name), getattr(plain, name))
    for one, other in [
        (shared.take(chosen), plain.take(chosen)),
        (shared.select(chosen), plain.select(chosen)),
    ]:
        np.testing.assert_array_equal(one.values, other.values)
        np.testing.assert_array_equal(one.offsets, other.offsets)
        np.testing.assert_array_equal(pad(one, 2), pad(other, 2))


def test_selecting_shared_rows_copies_no_values():
    distinct = Ragged.stack([[1, 2], [3]])
    shared = SharedRagged(distinct, np.array([0, 1, 1, 0]))
    assert shared.select(np.array([3, 1])).distinct is distinct
