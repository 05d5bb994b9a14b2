"""The command line in a checkpoint's record gives the arguments that it was trained with."""

import json
import shlex
from dataclasses import MISSING, dataclass, field, fields, replace
from importlib import import_module
from pathlib import Path

import pytest
import tyro
from conftest import make_recommender
from ebnerd_files import article, write_ebnerd

from tinynewsrec.model.config import ModelConfig
from training import finetune_mtrec, finetune_student, finetune_teacher, posttrain_student, posttrain_teacher
from training.config import TrainConfig
from training.distillation import DistillConfig
from training.record import data_record, decisive, flags_of, settings_of, stage_of, training_record
from training.story_labels import HeadsConfig

PLACES = {"data": Path("MIND/train"), "out": Path("out")}
MODEL = ModelConfig(language_model="my model", layers=1, pooling="cls", user_encoder="self-attention")
TRAINING = TrainConfig(epochs=3, learning_rate=1e-5, decay=False, warmup=0, precision="bf16", save_every=7)
DISTILLATION = DistillConfig(
    distill=0.5, embedding=0, temperature=4, projection_side="student", weighting="uniform", watched=3
)
CLICKS = {"dev": Path("dev"), "negatives": 9, "drop_history": 0.0, "model": MODEL, "training": TRAINING}
PAIRS = {"negatives": 9, "body_length": 64, "trained_layers": 1, "model": MODEL, "training": TRAINING}
TAUGHT = {"teachers": (Path("a b"), Path("c")), "teacher_count": 2, "parent": Path("parent")}


@pytest.mark.parametrize(
    "arguments",
    [
        posttrain_teacher.Arguments(**PLACES),
        posttrain_teacher.Arguments(**PLACES, **PAIRS, snapshots=2),
        posttrain_student.Arguments(**PLACES, teachers=(Path("one"),)),
        posttrain_student.Arguments(**PLACES, **PAIRS, **TAUGHT, distillation=DISTILLATION),
        finetune_teacher.Arguments(**PLACES),
        finetune_teacher.Arguments(**PLACES, **CLICKS, parent=Path("snapshot-1")),
        finetune_student.Arguments(**PLACES, teachers=(Path("one"), Path("two"))),
        finetune_student.Arguments(**PLACES, **CLICKS, **TAUGHT, distillation=DISTILLATION),
    ],
    ids=lambda arguments: type(arguments).__module__.removeprefix("training."),
)
def test_flags_give_the_same_arguments(arguments):
    assert tyro.cli(type(arguments), args=list(flags_of(arguments))) == arguments


STAGES = [
    f"training.{path.stem}"
    for path in Path(import_module("training").__file__).parent.glob("*.py")
    if path.stem.startswith(("posttrain_", "finetune_"))
]


@pytest.mark.parametrize("stage", STAGES)
def test_the_flags_of_every_stage_give_the_same_arguments(stage):
    made = import_module(stage).Arguments
    several = {tuple[Path, ...]: (Path("a b"), Path("c")), tuple[str, ...]: ("a b", "c")}
    needed = {
        entry.name: several.get(entry.type, Path(entry.name))
        for entry in fields(made)
        if entry.default is MISSING and entry.default_factory is MISSING
    }
    plain = made(**needed)
    changed = replace(
        plain,
        model=replace(plain.model, layers=1, pooling="cls"),
        training=replace(plain.training, epochs=77, decay=not plain.training.decay, precision="bf16"),
    )
    for arguments in (plain, changed):
        assert tyro.cli(made, args=list(flags_of(arguments))) == arguments


@dataclass(frozen=True)
class Inner:
    on: bool = True
    off: bool = False
    some: int | None = 3
    two_words: tuple[int, ...] = (1,)


@dataclass(frozen=True, kw_only=True)
class Outer:
    needed: int
    on: bool = True
    off: bool = False
    limit: int | None = 3
    name: str | None = None
    numbers: tuple[int, ...] = (1, 2)
    inner: Inner = field(default_factory=Inner)
    made: Inner = Inner(on=False, some=None)


@pytest.mark.parametrize(
    "arguments",
    [
        Outer(needed=0),
        Outer(needed=1, on=False, off=True, limit=None, name="a 'quoted' name", numbers=(3,)),
        Outer(needed=1, inner=Inner(on=False, off=True, some=None, two_words=(4, 5)), made=Inner()),
        Outer(needed=1, numbers=(), inner=Inner(two_words=())),
    ],
)
def test_flags_stand_for_every_kind_of_value(arguments):
    assert tyro.cli(Outer, args=shlex.split(shlex.join(flags_of(arguments)))) == arguments


def test_what_is_as_by_default_is_not_repeated():
    assert list(flags_of(finetune_teacher.Arguments(**PLACES))) == ["--data", "MIND/train", "--out", "out"]


@pytest.fixture
def recorded(mind_folder, tokenizer, tmp_path):
    make_recommender(tokenizer).save_pretrained(tmp_path / "teacher")
    arguments = finetune_student.Arguments(
        data=mind_folder, out=tmp_path / "out", teachers=(tmp_path / "teacher",), training=TRAINING
    )
    return arguments, lambda changed: training_record(changed, "MIND", ["bert", *changed.teachers], clicks=6)


def test_a_record_says_where_a_checkpoint_came_from_and_nothing_of_the_machine(recorded, tmp_path):
    arguments, record_of = recorded
    record = record_of(arguments)
    assert stage_of(arguments) == "training.finetune_student" and record["stage"] == "finetune_student"
    assert [parent["name"] for parent in record["parents"]] == ["bert", "teacher"]
    assert len(record["parents"][1]["sha256"]) == 64 and record["clicks"] == 6
    assert str(tmp_path) not in json.dumps(record)
    front, flags = shlex.split(record["command"])[:3], shlex.split(record["command"])[3:]
    assert front == ["python", "-m", "training.finetune_student"]
    parsed = tyro.cli(finetune_student.Arguments, args=flags)
    assert settings_of(parsed) == settings_of(arguments) and parsed.teachers == (Path("teacher"),)


def test_a_run_goes_on_wherever_its_folders_lie_but_not_with_other_data_or_parents(
    recorded, tmp_path, tokenizer
):
    arguments, record_of = recorded
    first = decisive(record_of(arguments))
    assert decisive(record_of(replace(arguments, out=Path("elsewhere")))) == first
    assert decisive(record_of(replace(arguments, drop_history=0.2))) != first
    (arguments.data / "behaviors.tsv").write_text((arguments.data / "behaviors.tsv").read_text()[:-1])
    second = decisive(record_of(arguments))
    make_recommender(tokenizer, seed=1).save_pretrained(tmp_path / "teacher")
    assert second != first and decisive(record_of(arguments)) != second


def test_labels_belong_to_the_data_of_stages_that_are_taught_them(mind_folder):
    def data_of(*tasks, source="auto"):
        heads = HeadsConfig(tasks, sentiment_source=source)
        return data_record(finetune_mtrec.Arguments(data=mind_folder, out=Path("out"), heads=heads))

    assert "labels" not in data_of()
    unlabelled = data_of("sentiment")
    assert unlabelled == data_of() | {"labels": {}} and data_of("sentiment", source="vader") == data_of()
    (mind_folder.parent / "labels.jsonl").write_text('{"id": "N1", "sentiment": "neutral"}')
    first = data_of("sentiment")
    (mind_folder.parent / "labels.jsonl").write_text('{"id": "N1", "sentiment": "negative"}')
    assert unlabelled != first != data_of("sentiment")
    assert data_of("category") == data_of("sentiment", source="vader") == data_of()
    assert data_record(finetune_teacher.Arguments(**PLACES | {"data": mind_folder})) == data_of()


def test_stories_that_lie_above_a_part_belong_to_its_data(tmp_path):
    folder = write_ebnerd(tmp_path / "demo" / "train")
    first = data_record(finetune_teacher.Arguments(**PLACES | {"data": folder}))
    assert sorted(first["sha256"]) == ["articles.parquet", "behaviors.parquet", "history.parquet"]
    write_ebnerd(folder, articles=[article(number, title="Broen") for number in range(8)])
    assert data_record(finetune_teacher.Arguments(**PLACES | {"data": folder})) != first
