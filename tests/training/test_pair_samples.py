"""Matching cases: each body with its own title first, and others that are never its own."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import WORDS, make_recommender

from training.config import TrainConfig
from training.pair_samples import make_pair_sampler
from training.pairs import Pairs
from training.posttrain_teacher import Matcher, losses_of

CONFIG = TrainConfig(epochs=1, batch_size=4)


@pytest.fixture
def pairs():
    """Nine stories; the second and the sixth share a title."""
    titles = [" ".join(WORDS[i : i + 1 + i % 3]) for i in range(9)]
    titles[5] = titles[1]
    bodies = [" ".join(WORDS[i : i + 5]) for i in range(9)]
    return Pairs("made up", [f"N{i}" for i in range(9)], titles, bodies)


@pytest.fixture(params=[None, 3], ids=["in batch", "drawn"])
def sampler(request, pairs, recommender):
    return make_pair_sampler(pairs, recommender, request.param, 12, CONFIG)


def titles_met(batch, pairs) -> list[list[str]]:
    return [[pairs.titles[row] for row in batch.title_rows[places]] for places in batch.candidates]


def test_each_body_has_its_own_title_first_and_never_again(sampler, pairs):
    for step in range(12):
        batch = sampler.batch(step)
        for row, titles in zip(batch.body_rows.tolist(), titles_met(batch, pairs), strict=True):
            assert titles[0] == pairs.titles[row]
            assert titles[0] not in titles[1:]


def test_a_shared_title_is_nobodys_negative_among_those_who_share_it(pairs, recommender):
    sampler = make_pair_sampler(pairs, recommender, None, 12, replace(CONFIG, batch_size=9))
    batch = sampler.batch(0)
    assert batch.candidates.shape == (9, 8)  # eight distinct titles: one's own and seven others
    rows = {
        row: titles for row, titles in zip(batch.body_rows.tolist(), titles_met(batch, pairs), strict=True)
    }
    assert rows[1][0] == rows[5][0] and rows[1][0] not in rows[1][1:] + rows[5][1:]


def test_titles_that_the_encoder_reads_alike_are_not_each_others_negatives(pairs, recommender):
    titles = [pairs.titles[0].upper(), pairs.titles[0], *pairs.titles[2:5], *pairs.titles[6:]]
    alike = Pairs("made up", pairs.ids[:8], titles, pairs.bodies[:8])
    sampler = make_pair_sampler(alike, recommender, None, 12, replace(CONFIG, batch_size=8))
    assert sampler.title_of.tolist() == [0, 0, 2, 3, 4, 5, 6, 7]


def test_in_a_batch_every_other_title_is_a_negative(pairs, recommender):
    batch = make_pair_sampler(pairs, recommender, None, 12, CONFIG).batch(0)
    own = {pairs.titles[row] for row in batch.body_rows}
    assert all(set(titles) == own for titles in titles_met(batch, pairs))


def test_drawn_negatives_come_from_the_whole_corpus_and_anew_at_each_step(pairs, recommender):
    sampler = make_pair_sampler(pairs, recommender, 3, 12, CONFIG)
    batches = [sampler.batch(step) for step in range(40)]
    assert all(batch.candidates.shape == (4, 4) for batch in batches)
    for row in range(9):
        negatives = {
            title
            for batch in batches
            for body, titles in zip(batch.body_rows.tolist(), titles_met(batch, pairs), strict=True)
            if body == row
            for title in titles[1:]
        }
        assert negatives == set(pairs.titles) - {pairs.titles[row]}


def test_a_batch_depends_on_seed_and_step_alone(sampler, pairs):
    def drawn(step, seed=0):
        batch = replace(sampler, seed=seed).batch(step)
        return batch.body_rows.tolist(), titles_met(batch, pairs)

    first = [drawn(step) for step in range(6)]
    assert [drawn(step) for step in reversed(range(6))] == first[::-1]
    assert drawn(0, seed=1) != first[0] and drawn(2) != first[0]


def test_an_epoch_sees_every_body_at_most_once(sampler):
    seen = np.concatenate([sampler.batch(step).body_rows for step in range(sampler.steps_per_epoch)])
    assert len(seen) == 8 and len(set(seen.tolist())) == 8


def test_parts_together_have_the_loss_and_the_gradient_of_the_whole_batch(sampler, tokenizer):
    def gradients(parts):
        matcher = Matcher(make_recommender(tokenizer).news_encoder).eval()
        losses = [losses_of(matcher, sampler.batch(1, part, parts))["match"] for part in range(parts)]
        mean = torch.stack(losses).mean()
        mean.backward()
        return {"loss": mean.detach()} | {
            name: p.grad for name, p in matcher.named_parameters() if p.grad is not None
        }

    whole, halves = gradients(1), gradients(2)
    assert len(whole) > 10
    for name, gradient in whole.items():
        torch.testing.assert_close(halves[name], gradient)


def test_tokens_are_those_of_the_rows(sampler, pairs, recommender):
    batch = sampler.batch(2)
    for stories, texts, rows in (
        (batch.titles, pairs.titles, batch.title_rows),
        (batch.bodies, pairs.bodies, batch.body_rows),
    ):
        for ids, mask, row in zip(stories.ids, stories.mask, rows, strict=True):
            assert ids[mask].tolist() == recommender.tokenizer(texts[row])["input_ids"]


def test_one_title_alone_cannot_be_matched(pairs, recommender):
    same = replace(pairs, titles=["the same"] * 9)
    with pytest.raises(ValueError, match="at least two different titles, found 1"):
        make_pair_sampler(same, recommender, None, 12, CONFIG)


def test_a_batch_that_cannot_be_dealt_out_is_explained(pairs, recommender):
    with pytest.raises(ValueError, match="A batch must be a multiple of 12"):
        make_pair_sampler(pairs, recommender, None, 12, TrainConfig(batch_size=12, accumulate=12))
    with pytest.raises(ValueError, match="A batch must be a multiple of 2.* and 9 cases"):
        make_pair_sampler(pairs, recommender, None, 12, TrainConfig(batch_size=12, accumulate=2))
