"""Several processes take the steps of one, whatever the stage."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import two_processes
from conftest import make_recommender, write_mind
from runs import json_lines, save_language_model
from safetensors.torch import load_file
from surgical import WEIGHTS_FILE

from tinynewsrec.model.conflicts import CONFLICTS
from training.distillation import WEIGHTS_LOG

TEACHER, STUDENT, SURGERY = "training.finetune_teacher", "training.finetune_student", "surgical"
POSTTRAIN, STAGE_1 = "training.posttrain_teacher", "training.posttrain_student"
NEWSBERT, MTREC = "training.finetune_newsbert", "training.finetune_mtrec"
MTBERT, MASKED = "training.finetune_mtbert", "training.posttrain_masked"
GENERAL, TASK = "training.posttrain_tinybert", "training.finetune_tinybert"
STAGES = [TEACHER, STUDENT, POSTTRAIN, STAGE_1, NEWSBERT, MTREC, MTBERT, MASKED, GENERAL, TASK]
TESTS = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def runs(tokenizer, tmp_path_factory) -> tuple[Path, Path]:
    """What one process and two leave behind, a folder for each stage in either."""
    folder = tmp_path_factory.mktemp("processes")
    for seed in (1, 2):
        teacher = make_recommender(tokenizer, seed)
        known = teacher.news_encoder.language_model.config
        known.hidden_dropout_prob = known.attention_probs_dropout_prob = 0.0  # lots differ by process
        teacher.save_pretrained(folder / f"teacher-{seed}")
    bert = save_language_model(tokenizer, folder / "bert", dropout=0.0)
    common = f"--data {write_mind(folder)} --model.layers 2 --model.news-size 8 --training.batch-size 6 "
    common += f"--model.language-model {bert} --training.epochs 4"
    teachers = f"--teachers {folder / 'teacher-1'} {folder / 'teacher-2'} --training.save-every 2"
    mixed = f"--language-models {bert} --teachers {folder / 'teacher-1'}"
    tasks = "--heads.tasks category sentiment --heads.sentiment-source vader"
    one, two = (
        [
            f"{TEACHER} {common} --out {out / TEACHER}",
            f"{STUDENT} {common} {teachers} --out {out / STUDENT}",
            f"{POSTTRAIN} {common} --training.save-every 1 --out {out / POSTTRAIN}",
            f"{STAGE_1} {common} {teachers} --out {out / STAGE_1}",
            f"{NEWSBERT} {common} {teachers} --model.query-size 4 --out {out / NEWSBERT}",
            f"{MTREC} {common} {tasks} --out {out / MTREC}",
            f"{MTBERT} {common} {mixed} --out {out / MTBERT}",
            f"{MASKED} {common} --out {out / MASKED}",
            f"{GENERAL} {common} {teachers} --out {out / GENERAL}",
            f"{TASK} {common} {teachers} --out {out / TASK}",
            f"{SURGERY} --strategy pcgrad --accumulate {accumulate} --out {out / SURGERY}",
        ]
        for out, accumulate in ((folder / "one", 1), (folder / "two", 2))
    )
    surroundings = {"TINYNEWSREC_CACHE": str(folder / "cache")}
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", two_processes.__file__]
    subprocess.run(
        [sys.executable, *launch, *two],
        env=os.environ
        | surroundings
        | {"ACCELERATE_USE_CPU": "true", "PYTHONPATH": os.pathsep.join(map(str, (TESTS.parent, TESTS)))},
        check=True,
    )
    with pytest.MonkeyPatch.context() as patch:
        for name, value in surroundings.items():
            patch.setenv(name, value)
        for line in one:
            two_processes.run(line)
    return folder / "one", folder / "two"


def losses(folder: Path) -> dict[str, list[float]]:
    lines = [line["losses"] for line in json_lines(folder / "losses.jsonl")]
    return {name: [line[name] for line in lines] for name in lines[0]}


@pytest.mark.parametrize("stage", STAGES)
def test_two_processes_take_the_steps_of_one(stage, runs):
    one, two = (folder / stage for folder in runs)
    if stage != POSTTRAIN:  # whose snapshots are its checkpoints
        assert json.loads((two / "training.json").read_text())["processes"] == 2
        assert (two / "model.safetensors").exists()
    expected, found = losses(one), losses(two)
    assert found.keys() == expected.keys()
    assert all(found[name] == pytest.approx(expected[name], abs=1e-4) for name in expected)


def test_two_processes_weigh_the_teachers_of_as_many_candidates(runs):
    one, two = (json_lines(folder / STUDENT / WEIGHTS_LOG) for folder in runs)
    assert [line["candidates"] for line in two] == [line["candidates"] for line in one] and len(one) == 12


def test_two_processes_operate_on_the_gradients_of_one(runs):
    """Of two parts each; no part of the first process has a label of sentiment."""
    one, two = (load_file(folder / SURGERY / WEIGHTS_FILE) for folder in runs)
    assert one.keys() == two.keys()
    assert all(two[name].numpy() == pytest.approx(one[name].numpy(), abs=1e-6, rel=1e-4) for name in one)
    lines = [json_lines(folder / SURGERY / CONFLICTS) for folder in runs]
    assert len(lines[0]) == len(lines[1]) == 3
    for line, other in zip(*lines, strict=True):
        assert line["tasks"]["main"] == pytest.approx(other["tasks"]["main"], abs=1e-3)
