import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import tyro
from conftest import make_recommender

from training.finetune_teacher import Arguments, main


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def losses(folder: Path) -> list[float]:
    return [
        json.loads(line)["losses"]["click"] for line in (folder / "losses.jsonl").read_text().splitlines()
    ]


def test_two_processes_take_the_steps_of_one(tokenizer, mind_folder, tmp_path):
    bert = make_recommender(tokenizer, layers=3).news_encoder.language_model
    bert.config.hidden_dropout_prob = bert.config.attention_probs_dropout_prob = 0.0
    bert.save_pretrained(tmp_path / "bert")
    tokenizer.save_pretrained(tmp_path / "bert")
    flags = f"--data {mind_folder} --model.language-model {tmp_path / 'bert'} --model.layers 2 "
    flags += "--model.news-size 8 --training.batch-size 6 --training.epochs 4"

    launch = ["torch.distributed.run", "--nproc_per_node", "2", "--master_port", str(free_port())]
    subprocess.run(
        [sys.executable, "-m", *launch, "-m", "training.finetune_teacher"]
        + [*flags.split(), "--out", str(tmp_path / "two")],
        cwd=Path(__file__).parents[2],
        env=os.environ | {"ACCELERATE_USE_CPU": "true"},
        check=True,
        capture_output=True,
    )
    state = (tmp_path / "two" / "training.json").read_text()
    assert json.loads(state)["processes"] == 2
    main(tyro.cli(Arguments, args=[*flags.split(), "--out", str(tmp_path / "one")]))
    assert losses(tmp_path / "two") == pytest.approx(losses(tmp_path / "one"), abs=1e-4)
    assert (tmp_path / "two" / "model.safetensors").exists()
