import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import tyro
from conftest import make_recommender
from runs import json_lines, save_language_model

from training import finetune_student, finetune_teacher
from training.distillation import WEIGHTS_LOG


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def losses(folder: Path) -> dict[str, list[float]]:
    lines = [line["losses"] for line in json_lines(folder / "losses.jsonl")]
    return {name: [line[name] for line in lines] for name in lines[0]}


@pytest.mark.parametrize("stage", [finetune_teacher, finetune_student], ids=lambda stage: stage.__name__)
def test_two_processes_take_the_steps_of_one(stage, tokenizer, mind_folder, tmp_path, monkeypatch):
    monkeypatch.setenv("TINYNEWSREC_CACHE", str(tmp_path / "cache"))
    flags = f"--data {mind_folder} --model.layers 2 --model.news-size 8 --training.batch-size 6 "
    flags += f"--model.language-model {save_language_model(tokenizer, tmp_path / 'bert', dropout=0.0)} "
    flags += "--training.epochs 4"
    if stage is finetune_student:
        for seed in (1, 2):
            make_recommender(tokenizer, seed).save_pretrained(tmp_path / f"teacher-{seed}")
        flags += f" --teachers {tmp_path / 'teacher-1'} {tmp_path / 'teacher-2'} --training.save-every 2"

    launch = ["torch.distributed.run", "--nproc_per_node", "2", "--master_port", str(free_port())]
    subprocess.run(
        [sys.executable, "-m", *launch, "-m", stage.__name__, *flags.split(), "--out", str(tmp_path / "two")],
        cwd=Path(__file__).parents[2],
        env=os.environ | {"ACCELERATE_USE_CPU": "true"},
        check=True,
        capture_output=True,
    )
    state = (tmp_path / "two" / "training.json").read_text()
    assert json.loads(state)["processes"] == 2
    stage.main(tyro.cli(stage.Arguments, args=[*flags.split(), "--out", str(tmp_path / "one")]))
    two, one = losses(tmp_path / "two"), losses(tmp_path / "one")
    assert two.keys() == one.keys()
    assert all(two[name] == pytest.approx(one[name], abs=1e-4) for name in one)
    assert (tmp_path / "two" / "model.safetensors").exists()
    if stage is finetune_student:
        two, one = (json_lines(tmp_path / name / WEIGHTS_LOG) for name in ("two", "one"))
        assert [line["candidates"] for line in two] == [line["candidates"] for line in one] and len(one) == 12
