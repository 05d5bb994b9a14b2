import numpy as np
import pytest
import torch

from tinynewsrec.data.batches import EMPTY
from training.holdout import hold_out_last_day
from training.losses import click_loss
from training.samples import Sampler, find_clicks, order_of


def sampler(split, tokens, **changes) -> Sampler:
    settings = {"history_length": 3, "batch_size": 6, "negatives": 2, "drop_history": 0.0, "seed": 0}
    return Sampler(split.impressions, find_clicks(split.impressions), tokens, **(settings | changes))


def stories_of(batch, places):
    return [[int(batch.stories[p]) if p != EMPTY else EMPTY for p in row] for row in places.tolist()]


def test_every_click_is_a_case(split):
    clicks = find_clicks(split.impressions)
    assert clicks.impression.tolist() == [0, 1, 2, 2, 3, 4]
    assert split.impressions.candidates.values[clicks.place].tolist() == [4, 1, 9, 10, 10, 7]


def test_impressions_without_a_choice_are_counted(split):
    impressions = split.impressions.take(np.array([0, 1]))
    impressions.clicked[:3] = True
    assert find_clicks(impressions).skipped == 1
    assert find_clicks(impressions).impression.tolist() == [1]


def test_negatives_were_shown_in_the_same_impression_and_not_clicked(split, tokens):
    source = sampler(split, tokens)
    shown = {(9, 7, 8), (9, 8, 7), (10, 7, 8), (10, 8, 7)}
    for step in range(20):
        batch = source.batch(step)
        rows = stories_of(batch, batch.candidates)
        assert shown >= {tuple(row) for row in rows if row[0] in (9,)}
        assert {row[0] for row in rows} == {4, 1, 9, 10, 7}
        assert batch.clicked[:, 0].all() and not batch.clicked[:, 1:].any()


def test_missing_negatives_are_empty_and_do_not_count(split, tokens):
    batch = sampler(split, tokens, negatives=4).batch(0)
    rows = {row[0]: row for row in stories_of(batch, batch.candidates) if row[0] != 10}
    assert rows[9][3:] == [EMPTY, EMPTY] and EMPTY not in rows[7]
    scores = torch.randn(batch.candidates.shape)
    shown = batch.candidates != EMPTY
    loud = torch.where(shown, scores, torch.tensor(50.0))
    torch.testing.assert_close(
        click_loss(scores, batch.clicked, shown), click_loss(loud, batch.clicked, shown)
    )


def test_negatives_are_drawn_anew_each_epoch_and_alike_for_one_seed(split, tokens):
    def drawn(epoch, seed):
        batch = sampler(split, tokens, seed=seed).batch(epoch)
        return sorted(map(tuple, stories_of(batch, batch.candidates)))

    assert drawn(0, seed=0) == drawn(0, seed=0)
    assert len({str(drawn(epoch, seed=0)) for epoch in range(6)}) > 1
    assert len({str(drawn(0, seed=seed)) for seed in range(6)}) > 1


def test_parts_make_up_the_whole_batch(split, tokens):
    source = sampler(split, tokens)
    whole = source.batch(3)
    parts = [source.batch(3, part, 3) for part in range(3)]
    joined = [row for part in parts for row in stories_of(part, part.candidates)]
    assert joined == stories_of(whole, whole.candidates)


def test_an_epoch_sees_every_click_once(split, tokens):
    source = sampler(split, tokens, batch_size=2)
    batches = [source.batch(step) for step in range(3)]
    seen = [row[0] for batch in batches for row in stories_of(batch, batch.candidates)]
    assert sorted(seen) == [1, 4, 7, 9, 10, 10]


def test_dropped_histories_are_empty(split, tokens):
    assert (sampler(split, tokens, drop_history=1.0).batch(0).history == EMPTY).all()
    assert (sampler(split, tokens).batch(0).history != EMPTY).any()


def test_the_last_day_is_held_out(split):
    before, last = hold_out_last_day(split)
    assert (len(before.impressions), len(last.impressions)) == (2, 3)
    assert before.impressions.times.max() < last.impressions.times.min()
    assert "2019-11-16 held out" in last.name


def test_one_day_cannot_be_held_out(split):
    _, last = hold_out_last_day(split)
    with pytest.raises(ValueError, match="one day only"):
        hold_out_last_day(last)


def test_another_epoch_and_another_seed_have_another_order():
    orders = [tuple(order_of(seed, epoch, 50)) for seed in (0, 1) for epoch in (0, 1)]
    assert len(set(orders)) == 4 and all(sorted(order) == list(range(50)) for order in orders)
