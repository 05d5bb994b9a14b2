import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import tyro
from conftest import make_recommender
from hypothesis import given
from hypothesis import strategies as st

from tinynewsrec.data.batches import EMPTY
from training.config import TrainConfig
from training.finetune_teacher import Arguments, main
from training.loop import STATE, learning_rate_share, train
from training.losses import click_loss
from training.samples import Dealt, Sampler, find_clicks

CONFIG = TrainConfig(epochs=1, batch_size=6, save_every=2, learning_rate=1e-3, head_learning_rate=1e-2)


@pytest.fixture
def sampler(split, tokens):
    return Sampler(split.impressions, find_clicks(split.impressions), tokens, 3, 6, 2, 0.2, 0)


def losses_of(model, batch):
    return {"click": click_loss(model(batch), batch.clicked, batch.candidates != EMPTY)}


def run(tokenizer, sampler, folder, steps=6, batch_of=None, config=CONFIG, total=None):
    recommender = make_recommender(tokenizer)
    recommender.news_encoder.freeze_below(1)
    settings = {"steps": total or steps, "seed": config.seed}
    train(recommender, batch_of or sampler.batch, steps, losses_of, config, folder, settings)
    return recommender.state_dict()


def test_training_learns_its_clicks_by_heart(tokenizer, sampler, tmp_path):
    run(tokenizer, sampler, tmp_path, steps=60)
    lines = (tmp_path / "losses.jsonl").read_text().splitlines()
    losses = [json.loads(line)["losses"]["click"] for line in lines]
    assert len(losses) == 60
    assert sum(losses[-5:]) < 0.6 * sum(losses[:5])


class Killed(Exception):
    pass


def test_a_killed_run_ends_as_one_that_was_left_alone(tokenizer, sampler, tmp_path):
    alone = run(tokenizer, sampler, tmp_path / "alone")

    def dying(step, part, parts):
        if step == 5:
            raise Killed
        return sampler.batch(step, part, parts)

    with pytest.raises(Killed):
        run(tokenizer, sampler, tmp_path / "killed", batch_of=dying)
    resumed = run(tokenizer, sampler, tmp_path / "killed")
    assert all(torch.equal(resumed[name], alone[name]) for name in alone)
    curves = [(tmp_path / name / "losses.jsonl").read_text().splitlines() for name in ("alone", "killed")]
    alone_losses, killed_losses = ([json.loads(line)["losses"] for line in lines] for lines in curves)
    assert killed_losses == alone_losses


def test_a_state_of_other_settings_is_refused(tokenizer, sampler, tmp_path):
    run(tokenizer, sampler, tmp_path)
    with pytest.raises(ValueError, match=r"other settings \(seed\)"):
        run(tokenizer, sampler, tmp_path, config=replace(CONFIG, seed=1))


def test_dropout_and_seed_change_the_result(tokenizer, sampler, tmp_path):
    first = run(tokenizer, sampler, tmp_path / "0")
    second = run(tokenizer, sampler, tmp_path / "1", config=replace(CONFIG, seed=1))
    assert any(not torch.equal(first[name], second[name]) for name in first)


def test_accumulated_parts_take_the_same_step(tokenizer, sampler, tmp_path):
    def scores(accumulate):
        recommender = make_recommender(tokenizer)
        recommender.news_encoder.freeze_below(1)
        for part in recommender.modules():
            if isinstance(part, torch.nn.Dropout):
                part.p = 0.0
        config = replace(CONFIG, accumulate=accumulate)
        train(recommender, sampler.batch, 3, losses_of, config, tmp_path / str(accumulate), {})
        return recommender(sampler.batch(0))

    untrained = make_recommender(tokenizer)(sampler.batch(0))
    torch.testing.assert_close(scores(3), scores(1), atol=1e-3, rtol=0)
    assert (scores(1) - untrained).abs().max() > 0.05


def test_half_precision_trains_single_precision_weights(tokenizer, sampler, tmp_path):
    single = run(tokenizer, sampler, tmp_path / "fp32")
    half = run(tokenizer, sampler, tmp_path / "bf16", config=replace(CONFIG, precision="bf16"))
    assert all(tensor.dtype == torch.float32 and tensor.isfinite().all() for tensor in half.values())
    difference = max((half[name] - single[name]).abs().max() for name in half)
    assert 0 < difference < 0.2


def test_frozen_parts_do_not_move(tokenizer, sampler, tmp_path):
    before = make_recommender(tokenizer).state_dict()
    after = run(tokenizer, sampler, tmp_path)
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert not any("embeddings" in name or "layer.0." in name for name in moved)
    assert any("layer.1." in name for name in moved) and any("user_encoder" in name for name in moved)


def test_the_learning_rate_rises_then_falls_to_nothing():
    shares = [learning_rate_share(step, 100, 0.1) for step in range(100)]
    assert shares[0] == pytest.approx(0.1) and shares[9] == 1 and 0 < shares[-1] < 0.02
    assert max(shares) == 1


class Cases(Dealt):
    def __init__(self, cases: int, batch_size: int):
        self.count, self.batch_size, self.seed = cases, batch_size, 0

    @property
    def cases(self) -> int:
        return self.count


@given(st.integers(1, 60), st.integers(1, 70), st.integers(1, 4), st.floats(0, 1))
def test_rates_and_cases_last_exactly_to_the_end(clicks, batch_size, epochs, warmup):
    cases = Cases(clicks, batch_size)
    steps = cases.steps_per_epoch * epochs
    assert all(len(cases.chosen(step)[0]) == min(clicks, batch_size) for step in range(steps))
    assert all(0 < learning_rate_share(step, steps, warmup) <= 1 for step in range(steps))
    assert learning_rate_share(steps, steps, warmup) == 0


def test_a_wrong_warmup_is_explained():
    with pytest.raises(ValueError, match="between 0 and 1; got 500"):
        TrainConfig(warmup=500)


def test_the_command_survives_a_kill(tokenizer, mind_folder, tmp_path):
    """A real process, killed without warning, then started again."""
    bert = make_recommender(tokenizer, layers=3).news_encoder.language_model
    bert.save_pretrained(tmp_path / "bert")
    tokenizer.save_pretrained(tmp_path / "bert")

    def flags(out):
        line = (
            f"--data {mind_folder} --out {out} --model.language-model {tmp_path / 'bert'} --model.layers 2 "
        )
        line += "--model.news-size 8 --training.batch-size 2 --training.epochs 30 --training.save-every 1"
        return line.split()

    alone, killed = tmp_path / "alone", tmp_path / "killed"
    command = [sys.executable, "-m", "training.finetune_teacher", *flags(killed)]
    process = subprocess.Popen(command, cwd=Path(__file__).parents[2], stdout=subprocess.DEVNULL)
    until(lambda: (killed / STATE).exists())
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not (killed / "model.safetensors").exists()
    for out in (alone, killed):
        main(tyro.cli(Arguments, args=flags(out)))
    assert (alone / "model.safetensors").read_bytes() == (killed / "model.safetensors").read_bytes()
    assert not (killed / STATE).exists()


def until(done, seconds=120):
    start = time.monotonic()
    while not done():
        assert time.monotonic() - start < seconds, "the run never saved its state"
        time.sleep(0.01)
