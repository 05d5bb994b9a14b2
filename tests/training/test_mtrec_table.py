"""The recipe and the table of MTRec, on tiny models."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest
from runs import save_language_model

from tinynewsrec.model.config import ModelConfig
from tinynewsrec.model.conflicts import read_conflicts
from training import finetune_teacher, recipe, table
from training.config import TrainConfig
from training.lora import LoraConfig
from training.story_labels import HeadsConfig
from training.systems import Plan

BRIEF = TrainConfig(epochs=1, batch_size=4, save_every=1)


@pytest.fixture
def settings(tokenizer, mind_folder, tmp_path):
    (mind_folder.parent / "train").symlink_to(mind_folder)
    return {
        "data": mind_folder.parent,
        "out": tmp_path / "out",
        "language_model": save_language_model(tokenizer, tmp_path / "bert"),
        "model": ModelConfig(news_size=8, query_size=4, heads=2, title_length=12, history_length=3),
        "finetune": BRIEF,
        "heads": HeadsConfig(("category", "subcategory")),
    }


def rows_of(folder: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((folder / "tables" / "mtrec.csv").open()))


def test_the_whole_table_has_one_row_for_clicks_alone_and_one_for_each_way_to_learn_more(settings):
    table.main(table.Arguments(name="mtrec", train=False, **settings))
    labels = [row["system"] for row in rows_of(settings["out"])]
    assert len(labels) == len(set(labels)) == 2 * (1 + 4 * 5)
    assert labels[:2] == ["plm-nr-ft", "+ category, none"] and labels[21] == "clicks alone, LoRA"
    assert labels[-1] == "+ all, upgrad, LoRA"


def test_every_row_is_a_run_of_its_own_with_the_tasks_strategy_and_adapter_that_it_names(settings):
    arguments = table.Arguments(name="mtrec", layers=(2,), **settings)
    plan = Plan(arguments, 0, 3)
    folders = set()
    for row in table.mtrec_rows(arguments, 3):
        [stage] = row.stages(plan)
        folders.add(stage.folder)
        parts = row.label.split(", ")
        if parts[0] == "plm-nr-ft":
            assert stage.main is finetune_teacher.main
            continue
        assert stage.arguments.lora.rank == (16 if "LoRA" in parts else 0)
        if parts[0] == "clicks alone":
            assert stage.arguments.heads.tasks == ()
        else:
            task, strategy = parts[0].removeprefix("+ "), parts[1]
            assert stage.arguments.heads.tasks == (settings["heads"].tasks if task == "all" else (task,))
            assert stage.arguments.surgery.strategy == strategy
    assert len(folders) == 2 * (1 + 4 * 5)


def test_a_control_differs_in_one_thing_tasks_strategy_or_adapter(settings):
    plan, rows = Plan(table.Arguments(name="mtrec", layers=(2,), **settings), 0, 3), {}
    for row in table.mtrec_rows(plan.settings, 3):
        [stage] = row.stages(plan)
        kind = ((), "none", 0)
        if stage.main is not finetune_teacher.main:
            asked = stage.arguments
            kind = (asked.heads.tasks, asked.surgery.strategy, asked.lora.rank)
        rows[row.label] = (kind, row.control)
    assert rows["plm-nr-ft"][1] == "plm-nr-ft"  # against itself: nothing is said
    for label, (kind, control) in rows.items():
        differing = [one != other for one, other in zip(kind, rows[control][0], strict=True)]
        assert sum(differing) == (label != "plm-nr-ft")


def test_a_row_tells_accuracy_and_macro_f1_of_each_head_as_means_over_seeds(tmp_path):
    for seed, (accuracy, macro_f1) in enumerate([(50.0, 20.0), (60.0, 25.0)]):
        found = {"category": {"accuracy": accuracy, "macro_f1": macro_f1}, "sentiment": {"stories": 0}}
        (tmp_path / str(seed)).mkdir()
        (tmp_path / str(seed) / "metrics.json").write_text(json.dumps({"heads": {"tasks": found}}))
    [cell] = table.heads_shown([tmp_path / "0", tmp_path / "1"]).values()
    assert cell == "category 55.0 (22.5)"


def test_each_axis_can_be_narrowed_and_clicks_alone_are_plm_nr(settings):
    narrow = {"tasks": ("main", "all"), "strategies": ("mtrec",), "adapters": ("full", "lora")}
    arguments = table.Arguments(name="mtrec", **narrow, **settings)
    table.main(replace(arguments, adapters=("full",)))
    rows = rows_of(settings["out"])
    assert [row["system"] for row in rows] == ["plm-nr-ft", "+ all, mtrec"]
    assert "(" in rows[1]["AUC against plm-nr-ft"] and rows[1]["seeds"] == "0"
    assert rows[1]["AUC against its control"] == ""  # losses added up were not asked for
    text = (settings["out"] / "tables" / "mtrec.md").read_text()
    assert "A control differs in one thing" in text and "paper" not in text
    folder = settings["out"] / "seed-0"
    assert {path.name for path in folder.iterdir() if path.is_dir()} == {
        "plm-nr-ft-3",
        "mtrec-3-category-subcategory-mtrec",
    }
    recipe.main(recipe.Arguments(name="mtrec", **settings))  # the same stage, so nothing is left to train
    assert len([path for path in folder.iterdir() if path.is_dir()]) == 2


def test_an_adapter_learns_at_a_rate_of_its_own(settings):
    arguments = recipe.Arguments(name="mtrec-lora", lora_learning_rate=0.5, **settings)
    plan = Plan(arguments, 0, 3)
    [lora], [full] = plan.system("mtrec-lora", 3), plan.system("mtrec", 3)
    assert lora.arguments.lora.rank == 16 and full.arguments.lora.rank == 0
    assert lora.arguments.training == replace(full.arguments.training, learning_rate=0.5)
    assert lora.arguments.heads == full.arguments.heads == settings["heads"]
    assert lora.folder.name == "mtrec-lora-3-category-subcategory-mtrec"


def test_a_stage_that_was_taught_other_labels_is_not_taken_for_done(settings):
    arguments = recipe.Arguments(name="mtrec", **settings | {"heads": HeadsConfig(("sentiment",))})
    recipe.main(arguments)
    (settings["data"] / "labels.jsonl").write_text('{"id": "N1", "sentiment": "negative"}')
    with pytest.raises(ValueError, match=r"other settings \(data\)"):
        recipe.main(arguments)
    path = settings["out"] / "seed-0" / "mtrec-3-sentiment-mtrec" / "training.json"
    record = json.loads(path.read_text())
    del record["data"]["labels"]  # as it was before labels were recorded
    path.write_text(json.dumps(record))
    recipe.main(arguments)


def test_with_all_layers_frozen_what_stands_on_them_learns(settings):
    arguments = recipe.Arguments(name="mtrec", trained_layers=0, **settings)
    recipe.main(arguments)
    [stage] = Plan(arguments, 0, 3).system("mtrec", 3)
    assert {layer for line in read_conflicts(stage.folder) for layer in line.layers} == {
        "pooling",
        "projection",
    }
    with pytest.raises(ValueError, match="expected --trained-layers of 1 or more"):
        recipe.main(replace(arguments, name="mtrec-lora"))


def test_what_the_data_cannot_teach_is_refused_before_anything_is_trained(settings):
    news = settings["data"] / "train" / "news.tsv"
    lines = [line.split("\t") for line in news.read_text().splitlines()]
    news.write_text("".join("\t".join([*line[:6], "[]", "[]"]) + "\n" for line in lines))
    heads = HeadsConfig(("category", "entities"))
    arguments = table.Arguments(name="mtrec", strategies=("none",), **settings | {"heads": heads})
    with pytest.raises(ValueError, match="found none. Leave entities out"):
        table.main(arguments)
    with pytest.raises(ValueError, match="expected --trained-layers of 1 or more"):
        table.main(replace(arguments, tasks=("main", "category"), trained_layers=0))
    assert not settings["out"].exists()
    table.main(replace(arguments, tasks=("main",), adapters=("full",)))


@pytest.mark.parametrize("named", ["layers", "seeds", "tasks", "strategies", "adapters"])
def test_an_option_that_names_nothing_or_one_thing_twice_is_refused(settings, named):
    some = {"layers": 1, "seeds": 1, "tasks": "all", "strategies": "none", "adapters": "lora"}[named]
    for value in ((), (some, some)):
        with pytest.raises(ValueError, match=f"{named} must name one at least, and none twice"):
            table.Arguments(name="mtrec", **settings, **{named: value})


def test_settings_that_no_recipe_can_follow_are_refused(settings):
    refused = {
        "heads": [(HeadsConfig(()), "name a task"), (HeadsConfig(distillation=1.0), "finetune_mtrec")],
        "lora": [(LoraConfig(), "rank must be 1")],
    }
    for name, cases in refused.items():
        for setting, said in cases:
            with pytest.raises(ValueError, match=said):
                recipe.Arguments(name="mtrec", **settings | {name: setting})
