"""Both ways of a step are the same step; only then is their speed worth comparing."""

import pytest
from conftest import make_recommender

from training.benchmark_step import Arguments, compare, main, take_step


@pytest.fixture
def arguments(tokenizer, mind_folder, tmp_path):
    make_recommender(tokenizer).save_pretrained(tmp_path / "teacher")
    return Arguments(
        data=mind_folder,
        tokenizer=tmp_path / "teacher",
        layers=3,
        width=16,
        trained_layers=1,
        batch_size=6,
        rounds=2,
    )


@pytest.mark.parametrize("trained_layers", [1, 3])
def test_both_ways_have_the_same_loss_and_gradients(arguments, trained_layers):
    found = compare(Arguments(**vars(arguments) | {"trained_layers": trained_layers}))
    naive, ours, _ = found
    assert ours.loss == pytest.approx(naive.loss, abs=1e-6)
    assert len(ours.gradients) > 10 and found.difference < 1e-5 < found.largest_gradient
    assert (naive.way.layers, ours.way.layers) == (3, trained_layers)


def test_the_naive_way_encodes_all_slots_and_all_padding(arguments):
    naive, ours, _ = compare(arguments)
    assert naive.stories == 6 * (50 + 5) and naive.pieces == 30 * naive.stories
    assert ours.stories <= 12 and ours.pieces <= 12 * 12
    assert len(naive.seconds) == len(ours.seconds) == 2


def test_the_word_pieces_of_either_way_are_those_that_are_read(arguments, monkeypatch):
    for module in ("tinynewsrec.model.news_encoder", "training.benchmark_step"):
        monkeypatch.setattr(f"{module}.TOGETHER", 5)
    naive, ours, _ = compare(arguments)
    read = []
    ours.way.model.news_encoder.language_model.register_forward_pre_hook(
        lambda _, given, named: read.append(named["attention_mask"].numel()), with_kwargs=True
    )
    for measured in (naive, ours):
        read.clear()
        take_step(measured.way, measured.way.batch_of(0), "fp32")
        assert sum(read) == measured.pieces


def test_half_precision_is_near(arguments):
    naive, ours, _ = compare(Arguments(**vars(arguments) | {"precision": "bf16"}))
    assert ours.loss == pytest.approx(naive.loss, abs=0.02)


def test_the_command_ends_with_the_ratio(arguments, capsys):
    main(arguments)
    shown = capsys.readouterr().out
    assert "every slot, padded" in shown and "largest difference" in shown
    assert "times as fast: 3 layers of width 16, 1 trained, 6 clicks, fp32" in " ".join(shown.split())
