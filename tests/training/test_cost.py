"""What a stage will cost, as counted beforehand, against what it does."""

from dataclasses import replace

import pytest
from runs import json_lines, save_language_model

from tinynewsrec.model.config import ModelConfig
from training import cost, recipe
from training.config import TrainConfig
from training.cost import backward_passes, cost_of
from training.story_labels import HeadsConfig
from training.surgery import SurgeryConfig
from training.systems import SYSTEMS, Plan, unique

BRIEF = TrainConfig(epochs=2, batch_size=3, save_every=9)
OF_EVERY_KIND = ("plm-nr-simcse", "tinybert", "newsbert", "mt-bert", "tiny-newsrec", "mtrec")


@pytest.fixture
def plan(tokenizer, mind_folder, tmp_path):
    (mind_folder.parent / "train").symlink_to(mind_folder)
    arguments = recipe.Arguments(
        name="tiny-newsrec",
        data=mind_folder.parent,
        out=tmp_path / "out",
        language_model=save_language_model(tokenizer, tmp_path / "bert"),
        teachers=1,
        snapshots=1,
        model=ModelConfig(news_size=8, query_size=4, heads=2, title_length=12, history_length=3),
        posttrain=BRIEF,
        posttrain_student=BRIEF,
        finetune=BRIEF,
        finetune_student=BRIEF,
        heads=HeadsConfig(("category",)),
        body_length=12,
    )
    return Plan(arguments, 0, 3)


def test_every_kind_of_stage_takes_as_many_steps_as_were_counted(plan):
    stages = unique(stage for name in OF_EVERY_KIND for stage in plan.system(name, 2))
    assert {s.main for s in stages} == {s.main for name in SYSTEMS for s in plan.system(name, 2)}
    for stage in stages:
        counted = cost_of(stage.arguments).steps
        stage.run()
        assert len(json_lines(stage.folder / "losses.jsonl")) == counted


def test_operations_are_those_counted_by_hand(plan, monkeypatch):
    """12 stories of 5.5 word pieces: through a frozen layer once, in two steps through two and back."""
    monkeypatch.setattr(cost, "PIECES", 1)  # all words of the miniature are one
    [stage] = plan.system("plm-nr-ft", 3)
    arguments = replace(stage.arguments, dev=None, training=replace(BRIEF, batch_size=6))
    layer = 2 * (4 * 16 * 16 + 2 * 16 * 32)
    by_hand = 12 * 5.5 * layer * (1 + 2 * 2 * 3)
    assert cost_of(arguments) == (2, pytest.approx(by_hand, rel=0.05))


def test_surgery_goes_back_once_for_each_group_of_tasks_and_for_each_task_where_it_logs(plan):
    def passes(strategy, log_every):
        arguments = plan.mtrec(2, ("category", "subcategory", "sentiment"), strategy).arguments
        return backward_passes(replace(arguments, surgery=SurgeryConfig(strategy, log_every=log_every)))

    assert [passes(name, 1) for name in ("none", "mtrec", "upgrad")] == [4, 4, 4]
    assert [passes(name, 4) for name in ("none", "mtrec", "upgrad")] == [(4 + 3) / 4, (4 + 3 * 2) / 4, 4]
    alone, together = (cost_of(plan.mtrec(2, tasks).arguments) for tasks in ((), ("category",)))
    assert together.operations > 1.3 * alone.operations


def test_texts_are_those_that_a_stage_reads_as_far_as_it_reads_them(plan):
    def operations(name, **changes):
        return cost_of(replace(plan.system(name, 3)[0].arguments, **changes)).operations

    news = plan.settings.data / "train" / "news.tsv"
    rows = [line.split("\t") for line in news.read_text().splitlines()]
    news.write_text("\n".join("\t".join([*row[:4], "", *row[5:]]) for row in rows) + "\n")
    assert operations("plm-nr-tapt") > 0
    news.write_text("\n".join("\t".join([*row[:4], "long " * 99, *row[5:]]) for row in rows) + "\n")
    for cache in (cost.pairs_of, cost.clicks_of):
        cache.cache_clear()
    for name in ("plm-nr-dp", "plm-nr-dapt", "plm-nr-simcse"):
        assert operations(name, body_length=100) > 2 * operations(name, body_length=12)
    assert operations("plm-nr-dp", negatives=9) > operations("plm-nr-dp")
    frozen, trained = (operations("plm-nr-dapt", trained_layers=layers) for layers in (0, 3))
    assert frozen == pytest.approx(trained / 3)  # words are hidden anew, so nothing can be kept
    assert operations("plm-nr-simcse", trained_layers=3) == pytest.approx(2 * trained)  # each body twice
