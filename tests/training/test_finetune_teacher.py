import json
from dataclasses import replace
from types import SimpleNamespace

import pytest
from conftest import make_recommender
from runs import json_lines

from tinynewsrec.checkpoints import Checkpoint
from tinynewsrec.evaluation.vectors import encode_news, news_vectors
from tinynewsrec.model.config import ModelConfig
from tinynewsrec.model.recommender import Recommender
from training.config import TrainConfig
from training.finetune_teacher import Arguments, main
from training.record import without_machine


@pytest.fixture
def arguments(tokenizer, mind_folder, tmp_path):
    bert = make_recommender(tokenizer, layers=3).news_encoder.language_model
    bert.save_pretrained(tmp_path / "bert")
    tokenizer.save_pretrained(tmp_path / "bert")
    return Arguments(
        data=mind_folder,
        out=tmp_path / "teacher",
        model=ModelConfig(language_model=str(tmp_path / "bert"), layers=2, news_size=8, heads=2),
        training=TrainConfig(epochs=2, batch_size=2),
    )


def test_a_finished_run_is_a_checkpoint_that_says_how_it_came_about(arguments):
    main(replace(arguments, dev=arguments.data))
    loaded = Recommender.from_pretrained(arguments.out)
    record = loaded.training_record
    assert record["clicks"] == 6 and record["skipped_impressions"] == 0
    assert record["settings"]["training"]["epochs"] == 2
    assert len(record["data"]["sha256"]["behaviors.tsv"]) == 64
    assert loaded.metrics["impressions"] == 5 and loaded.metrics["data"] == "MIND, dev"
    lines = (arguments.out / "losses.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [1, 2, 3, 4, 5, 6]


def test_vectors_that_measured_a_run_are_not_computed_again(arguments, split, tmp_path, monkeypatch):
    monkeypatch.setenv("TINYNEWSREC_CACHE", str(tmp_path / "cache"))
    main(replace(arguments, dev=arguments.data))

    def load() -> Recommender:
        raise AssertionError("The vectors are in the cache.")

    checkpoint, titles = Checkpoint.open(arguments.out), split.news.texts("title")
    kept = news_vectors(checkpoint, titles, load)
    recommender = checkpoint.load()
    assert kept == pytest.approx(encode_news(recommender, recommender.tokens(titles)))


def test_training_changes_what_is_trained_and_nothing_else(arguments, tokenizer):
    main(replace(arguments, trained_layers=1))
    trained = Recommender.from_pretrained(arguments.out).state_dict()
    before = make_recommender(tokenizer, layers=3).state_dict()
    moved = {name for name in trained if "language_model" in name and not before[name].equal(trained[name])}
    assert moved and all(".layer.1." in name for name in moved)


@pytest.mark.parametrize(("free", "kept"), [(10**9, True), (10**3, False)])
def test_where_memory_is_short_frozen_layers_are_run_at_every_step_to_the_same_losses(
    arguments, monkeypatch, capsys, free, kept
):
    arguments = replace(arguments, trained_layers=1)
    main(replace(arguments, out=arguments.out.parent / "other"))
    capsys.readouterr()
    monkeypatch.setattr("training.stage.psutil.virtual_memory", lambda: SimpleNamespace(available=free))
    main(arguments)
    said = " ".join(capsys.readouterr().out.split())
    assert ("frozen layers, once" in said) == kept
    assert ("GB, and 0.0 are free: they are run at every step, too" in said) != kept
    found, expected = (
        [line["losses"]["click"] for line in json_lines(folder / "losses.jsonl")]
        for folder in (arguments.out, arguments.out.parent / "other")
    )
    assert found == pytest.approx(expected, abs=1e-5)


def test_a_finished_checkpoint_is_not_trained_over(arguments):
    main(arguments)
    with pytest.raises(ValueError, match="holds a finished checkpoint"):
        main(arguments)


def test_a_batch_that_cannot_be_dealt_out_is_explained(arguments):
    few = replace(arguments.training, batch_size=8, accumulate=8)
    with pytest.raises(
        ValueError, match="A batch must be a multiple of 8.* got a batch_size of 8, and 6 cases"
    ):
        main(replace(arguments, training=few))


@pytest.mark.parametrize(
    ("setting", "value"), [("negatives", 0), ("trained_layers", -1), ("drop_history", 1.5)]
)
def test_a_setting_that_teaches_nothing_is_refused(arguments, setting, value):
    with pytest.raises(ValueError, match=f"{setting} .*got {value}"):
        replace(arguments, **{setting: value})


@pytest.mark.parametrize("setting", ["epochs", "learning_rate", "head_learning_rate", "weight_decay", "clip"])
def test_a_rate_or_a_count_below_what_makes_sense_is_refused(setting):
    with pytest.raises(ValueError, match=f"{setting} must be .*, got -1"):
        TrainConfig(**{setting: -1})


@pytest.mark.parametrize("label", ["-0", "-1"])
def test_data_where_all_or_nothing_was_clicked_is_refused(arguments, label):
    path = arguments.data / "behaviors.tsv"
    rows = [line.split("\t") for line in path.read_text().splitlines()]
    told = [[*row[:4], row[4].replace("-0", label).replace("-1", label)] for row in rows]
    path.write_text("\n".join(map("\t".join, told)) + "\n")
    with pytest.raises(ValueError, match="some stories were clicked and others not, found none"):
        main(arguments)


def test_a_checkpoint_names_the_language_model_that_it_came_from(arguments, tmp_path):
    main(arguments)
    child = replace(arguments, parent=arguments.out, out=tmp_path / "child")
    main(replace(child, model=replace(arguments.model, language_model="another")))
    assert Checkpoint.open(child.out).config.language_model == arguments.model.language_model


def test_no_machine_path_is_recorded():
    assert without_machine("/home/somebody/MIND/train") == "train"
    assert without_machine("--data") == "--data" and without_machine("MIND/train") == "MIND/train"
