"""MTRec on tiny models: clicks, and what stories are."""

import json
from dataclasses import replace

import pytest
import torch
from conftest import make_recommender, title
from runs import gradients, json_lines, run_killed, same_student, save_language_model
from torch.nn.functional import cross_entropy

from tinynewsrec.data.batches import EMPTY
from tinynewsrec.data.labels import IGNORE
from tinynewsrec.data.read import read_split
from tinynewsrec.model.config import ModelConfig
from tinynewsrec.model.folder import WEIGHTS
from tinynewsrec.model.recommender import Recommender
from training import finetune_teacher, release
from training.click_stage import click_sampler
from training.config import TrainConfig
from training.distillation import DistillConfig
from training.finetune_mtrec import Arguments, Lessons, MTRec, backward_of, main
from training.finetune_student import ClickLessons
from training.head_lessons import HeadLessons
from training.lora import LoraConfig
from training.samples import Sampler
from training.stage import start
from training.story_labels import HeadsConfig, teaching_labels
from training.surgery import SurgeryConfig
from training.teachers import find_teachers

SMALL = {"news_size": 8, "query_size": 4, "heads": 2, "title_length": 12, "history_length": 3}
TRAINING = TrainConfig(epochs=2, batch_size=2, save_every=2, head_learning_rate=1e-2)  # six steps
ALL = ("category", "subcategory", "sentiment", "entities")


@pytest.fixture
def folder(mind_folder):
    """Names in every second title, a tone for all but two stories, and three stories that nobody met."""
    labelled(mind_folder, 12)
    dev = mind_folder.parent / "later"
    dev.mkdir()
    (dev / "behaviors.tsv").write_text((mind_folder / "behaviors.tsv").read_text())
    labelled(dev, 15)
    tones = [json.dumps({"id": f"N{i}", "sentiment": ("negative", "positive")[i % 2]}) for i in range(2, 15)]
    (mind_folder.parent / "labels.jsonl").write_text("\n".join(tones))
    return mind_folder


def labelled(folder, stories):
    rows = []
    for i in range(stories):
        name = title(i).split()[0]
        names = json.dumps([{"SurfaceForms": [name], "OccurrenceOffsets": [0]}]) if i % 2 else "[]"
        rows.append(f"N{i}\t{('sports', 'finance')[i % 2]}\tsub{i % 3}\t{title(i)}\tText\turl\t{names}\t[]")
    (folder / "news.tsv").write_text("\n".join(rows) + "\n")


@pytest.fixture
def arguments(tokenizer, folder, tmp_path, monkeypatch):
    monkeypatch.setenv("TINYNEWSREC_CACHE", str(tmp_path / "cache"))
    language_model = save_language_model(tokenizer, tmp_path / "bert")
    return Arguments(
        data=folder,
        out=tmp_path / "mtrec",
        model=ModelConfig(language_model=language_model, layers=2, **SMALL),
        trained_layers=1,
        negatives=2,
        heads=HeadsConfig(ALL),
        surgery=SurgeryConfig(log_every=2),
        training=TRAINING,
    )


def losses(folder):
    return [line["losses"] for line in json_lines(folder / "losses.jsonl")]


def test_a_run_leaves_heads_that_say_what_they_were_taught(arguments):
    main(replace(arguments, dev=arguments.data.parent / "later"))
    loaded = Recommender.from_pretrained(arguments.out)
    assert loaded.heads.specs["category"].labels == ("finance", "sports")
    assert loaded.heads.specs["sentiment"].source == "gold labels of labels.jsonl"
    assert loaded.heads.specs["entities"].reads == "words"
    assert loaded.training_record["labels"]["sentiment"]["stories"] == 10
    heads = loaded.metrics["heads"]
    assert heads["held_out"] == 3 and heads["tasks"].keys() == set(ALL)
    assert all(0 <= found["accuracy"] <= 100 and found["stories"] == 3 for found in heads["tasks"].values())
    card = (arguments.out / "README.md").read_text()
    assert "the 3 stories of MIND, later that no training impression showed" in card
    assert "| sentiment | gold labels of labels.jsonl | 3 stories | " in card
    assert set(losses(arguments.out)[0]) == {"click", *ALL}
    assert json_lines(arguments.out / "conflicts.jsonl")[0]["tasks"].keys() == {"main", *ALL}


@pytest.mark.parametrize("source", ["auto", "column"])
def test_heads_are_not_measured_by_labels_of_another_kind(arguments, capsys, source):
    """What people said of the training stories is nothing that a lexicon says of those of dev."""
    later = arguments.data.parent / "later"
    (later / "labels.jsonl").write_text('{"id": "N99", "sentiment": "neutral"}\n')
    main(replace(arguments, dev=later, heads=replace(arguments.heads, sentiment_source=source)))
    measured = Recommender.from_pretrained(arguments.out).metrics["heads"]["tasks"]
    assert set(measured) == {"category", "subcategory", "entities"}
    assert "sentiment is not measured: it is learnt from gold labels" in " ".join(
        capsys.readouterr().out.split()
    )


def test_where_no_head_can_be_measured_nothing_is_said_of_heads(arguments):
    later = arguments.data.parent / "later"
    (later / "labels.jsonl").write_text('{"id": "N99", "sentiment": "neutral"}\n')
    main(replace(arguments, dev=later, heads=HeadsConfig(("sentiment",))))
    assert "heads" not in Recommender.from_pretrained(arguments.out).metrics


def test_a_dev_without_labels_is_refused_before_anything_is_learnt(arguments):
    later = arguments.data.parent / "later"
    rows = [line.split("\t") for line in (later / "behaviors.tsv").read_text().splitlines()]
    bare = ["\t".join([*row[:4], row[4].replace("-0", "").replace("-1", "")]) for row in rows]
    (later / "behaviors.tsv").write_text("\n".join(bare) + "\n")
    with pytest.raises(ValueError, match="has no labels, so nothing can be measured"):
        main(replace(arguments, dev=later))
    assert not arguments.out.exists()


def test_a_run_begun_anew_forgets_what_the_one_before_left(arguments, tmp_path):
    main(replace(arguments, lora=LoraConfig(rank=2)))
    (arguments.out / WEIGHTS).unlink()
    main(replace(arguments, heads=HeadsConfig(())))
    left = {path.name for path in arguments.out.iterdir()}
    assert not left & {"adapter", "conflicts.jsonl"} and WEIGHTS in left


def test_label_heads_move_as_fast_as_their_own_rate_says(arguments, tmp_path):
    main(replace(arguments, heads=HeadsConfig(ALL, learning_rate=0.0)))
    still, moved = Recommender.from_pretrained(arguments.out), start(arguments.model, 1, 0)
    moved.add_heads(still.heads.specs)
    for name, weight in still.heads.named_parameters():
        assert torch.equal(weight, moved.heads.get_parameter(name)), name
    assert not torch.equal(still.user_encoder.pool.query.weight, moved.user_encoder.pool.query.weight)


def test_without_tasks_it_is_plm_nr_to_the_last_bit(arguments, tmp_path):
    main(replace(arguments, heads=HeadsConfig(())))
    names = ("data", "model", "trained_layers", "negatives", "training")
    shared = {name: getattr(arguments, name) for name in names}
    finetune_teacher.main(finetune_teacher.Arguments(out=tmp_path / "plain", **shared))
    assert (arguments.out / WEIGHTS).read_bytes() == (tmp_path / "plain" / WEIGHTS).read_bytes()
    assert losses(arguments.out) == losses(tmp_path / "plain")
    assert not (arguments.out / "conflicts.jsonl").exists()


def test_tasks_that_count_for_nothing_leave_the_ranking_as_it_would_be(arguments, tmp_path):
    weightless = {f"{task}_weight": 0.0 for task in ALL}
    surgery = SurgeryConfig(strategy="none")
    main(replace(arguments, heads=HeadsConfig(ALL, **weightless), surgery=surgery))
    main(replace(arguments, heads=HeadsConfig(()), out=tmp_path / "none"))
    places = (arguments.out, tmp_path / "none")
    one, other = (Recommender.from_pretrained(place).state_dict() for place in places)
    for name, tensor in other.items():
        torch.testing.assert_close(one[name], tensor, atol=1e-6, rtol=1e-5)


def test_surgery_has_its_settings_and_each_task_its_weight(arguments):
    weights = dict(zip(ALL, (0.1, 0.2, 0.4, 0.8), strict=True))
    heads = HeadsConfig(ALL, **{f"{task}_weight": weight for task, weight in weights.items()})
    arguments = replace(arguments, heads=heads, surgery=SurgeryConfig("cagrad", "layer", log_every=3))
    found = backward_of(torch.nn.Linear(1, 1), arguments)
    assert found.config == arguments.surgery and found.weights == weights


def test_strategy_and_scope_decide_where_a_run_ends(arguments, tmp_path):
    ends = set()
    for name, surgery in enumerate((("none", "global"), ("mtrec", "global"), ("mtrec", "layer"))):
        out = tmp_path / str(name)
        main(replace(arguments, surgery=SurgeryConfig(*surgery), out=out))
        ends.add((out / WEIGHTS).read_bytes())
    assert len(ends) == 3


@pytest.mark.parametrize("lora", [LoraConfig(), LoraConfig(rank=2)], ids=["full", "lora"])
def test_killed_and_resumed_it_ends_as_one_left_alone(arguments, tmp_path, lora):
    arguments = replace(arguments, lora=lora)
    alone = replace(arguments, out=tmp_path / "alone")
    main(alone)
    run_killed(main, arguments, Sampler, 5)
    main(arguments)
    for name in (WEIGHTS, "conflicts.jsonl"):
        assert (arguments.out / name).read_bytes() == (alone.out / name).read_bytes(), name


def learner_of(arguments, teachers=()):
    learner, lessons, sampler = sampled(arguments, teachers)
    return learner, lessons, sampler.batch(0)


def sampled(arguments, teachers=()):
    """A learner, its lessons and batches with pads, repeated stories and unknown tones; no dropout."""
    split = read_split(arguments.data)
    recommender = start(arguments.model, 1, 0)
    labels = teaching_labels(split, recommender, arguments.heads)
    recommender.add_heads(labels.specs)
    sampler = click_sampler(replace(arguments, drop_history=0.3), split, recommender)
    heads = HeadLessons(teachers, recommender, split) if arguments.heads.distillation else None
    lessons = Lessons(labels, heads, ClickLessons(teachers, split) if teachers else None)
    torch.manual_seed(0)  # projections are drawn
    return MTRec(recommender, teachers, arguments).eval(), lessons, sampler


@pytest.mark.parametrize("taught", [False, True], ids=["labels", "teachers"])
def test_parts_of_a_batch_have_the_losses_and_gradients_of_the_whole(arguments, teachers, taught):
    """Although a story may be in both, and the labels of a task in one."""
    arguments = replace(arguments, training=replace(TRAINING, batch_size=6))
    if taught:
        heads = replace(arguments.heads, distillation=1.0)
        arguments = replace(arguments, teachers=teachers, heads=heads)
    found = []
    for parts in (1, 2):
        training = replace(arguments.training, accumulate=parts)
        learner, lessons, sampler = sampled(
            replace(arguments, training=training), find_teachers(teachers, None) if taught else ()
        )
        lessons.labels.codes["sentiment"][sampler.batch(0, 0, 2).stories] = IGNORE
        batches = [sampler.batch(0, part, parts) for part in range(parts)]
        losses = [learner(batch, *lessons.take(batch)) for batch in batches]
        mean = {name: sum(each[name] for each in losses) / parts for name in losses[0]}
        found.append(mean | gradients(learner, mean))
    assert set(batches[0].stories.tolist()) & set(batches[1].stories.tolist())
    tones = [(lessons.take(batch)[0]["sentiment"] != IGNORE).sum() for batch in batches]
    assert tones[0] == 0 < tones[1]
    whole, halves = found
    for name, value in whole.items():
        torch.testing.assert_close(halves[name], value, atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("reads", ["vector", "pooled", "cls"])
def test_each_story_is_labelled_once_and_as_if_it_were_alone(arguments, reads):
    heads = replace(arguments.heads, reads=reads)
    training = replace(TRAINING, batch_size=6)
    learner, lessons, batch = learner_of(replace(arguments, heads=heads, training=training))
    assert (batch.history == EMPTY).any() and len(batch.stories) < (batch.history != EMPTY).sum() + 18
    found = learner(batch, *lessons.take(batch))
    recommender, news = learner.recommender, read_split(arguments.data).news
    for task in ALL:
        told = []
        for row in batch.stories.tolist():
            tokens = recommender.tokens([news.texts("title")[row]])
            _, scores = recommender.encode_and_label(tokens)
            right = torch.from_numpy(lessons.labels.codes[task][row : row + 1])
            right = right[:, : tokens.mask.shape[1]] if right.dim() == 2 else right
            known = right != IGNORE
            told += cross_entropy(scores[task][known], right[known], reduction="none").tolist()
        assert found[task].item() == pytest.approx(sum(told) / len(told), abs=1e-5)


def test_pads_change_no_loss(arguments):
    learner, lessons, batch = learner_of(arguments)
    padded = batch._replace(history=torch.nn.functional.pad(batch.history, (0, 4), value=EMPTY))
    one, other = (learner(each, *lessons.take(each)) for each in (batch, padded))
    assert one.keys() == other.keys() == {"click", *ALL}
    for name in one:
        torch.testing.assert_close(one[name], other[name])


def test_a_batch_without_a_known_label_has_no_loss_and_finite_gradients(arguments):
    learner, lessons, batch = learner_of(arguments)
    for codes in lessons.labels.codes.values():
        codes[:] = IGNORE
    found = learner(batch, *lessons.take(batch))
    assert all(found[task] == 0 for task in ALL)
    assert all(each.isfinite().all() for each in gradients(learner, found).values())


@pytest.fixture
def teachers(arguments, tokenizer, tmp_path):
    """Two checkpoints with the student's heads."""
    split = read_split(arguments.data)
    for seed in (1, 2):
        teacher = make_recommender(tokenizer, seed)
        teacher.add_heads(teaching_labels(split, teacher, arguments.heads).specs)
        teacher.save_pretrained(tmp_path / f"teacher-{seed}")
    return (tmp_path / "teacher-1", tmp_path / "teacher-2")


def test_a_student_learns_clicks_and_labels_of_its_teachers(arguments, teachers, tmp_path):
    heads = replace(arguments.heads, distillation=1.0)
    arguments = replace(arguments, teachers=teachers, heads=heads)
    main(replace(arguments, out=tmp_path / "alone"))
    assert set(losses(tmp_path / "alone")[0]) == {"distill", "embedding", "target", *ALL}
    record = json.loads((tmp_path / "alone" / "training.json").read_text())
    assert [parent["name"] for parent in record["parents"][1:]] == ["teacher-1", "teacher-2"]
    run_killed(main, arguments, Sampler, 5)
    main(arguments)
    assert same_student(arguments.out, tmp_path / "alone")


def test_heads_copy_each_teacher_as_far_as_it_is_trusted_with_the_cases_of_a_story(arguments, teachers):
    heads = HeadsConfig(("category", "entities"), distillation=0.5)
    warm = DistillConfig(temperature=2.0)
    arguments = replace(arguments, teachers=teachers, heads=heads, distillation=warm)
    learner, lessons, batch = learner_of(arguments, find_teachers(teachers, None))
    lessons.labels.codes["category"][batch.stories[0]] = IGNORE  # teachers speak of it all the same
    codes, counts, taught, told = lessons.take(batch)
    weights = learner.clicks.lesson(batch, taught).weights
    plain = learner(batch, codes, counts, taught, {})
    copied = learner(batch, codes, counts, taught, told)
    _, scores = learner.recommender.encode_and_label(batch.tokens)
    for task in heads.tasks:
        wanted = []
        for place in range(len(batch.stories)):
            slots = torch.cat([batch.history, batch.candidates], dim=-1)
            cases = [case for case, row in enumerate(slots.tolist()) for slot in row if slot == place]
            trust = weights[:, cases].mean(-1)
            soft = sum(w * (each[place] / 2).softmax(-1) for w, each in zip(trust, told[task], strict=True))
            losses = -4 * (soft * (scores[task][place] / 2).log_softmax(-1)).sum(-1)
            wanted += losses[codes[task][place] != IGNORE].tolist() if losses.dim() else [losses.item()]
        expected = 0.5 * sum(wanted) / len(wanted)
        assert (copied[task] - plain[task]).item() == pytest.approx(expected, rel=1e-4)


def test_what_teachers_say_is_of_the_very_stories_and_word_pieces_of_the_batch(arguments, teachers):
    arguments = replace(arguments, teachers=teachers, heads=replace(arguments.heads, distillation=1.0))
    split, found = read_split(arguments.data), find_teachers(teachers, None)
    learner, lessons, _ = learner_of(arguments, found)
    titles = split.news.texts("title")
    short = min(len(title.split()) for title in titles)
    rows = torch.tensor([row for row, title in enumerate(titles) if len(title.split()) == short])
    batch = learner.recommender.tokens([titles[row] for row in rows])
    width = batch.mask.shape[1]
    assert width < learner.recommender.tokens(titles).mask.shape[1] and len(rows) > 1
    told = lessons.heads.take(rows, width)
    for place, teacher in enumerate(found):
        with torch.no_grad():
            _, scores = teacher.load().eval().encode_and_label(batch)
        for task in ALL:
            torch.testing.assert_close(told[task][place], scores[task], atol=1e-5, rtol=1e-4)


def test_teachers_without_the_heads_are_named(arguments, teachers, tokenizer, tmp_path):
    with pytest.raises(ValueError, match="expects --teachers"):
        replace(arguments, heads=HeadsConfig(distillation=1.0))
    make_recommender(tokenizer, 3).save_pretrained(tmp_path / "headless")
    heads = replace(arguments.heads, distillation=1.0)
    with pytest.raises(ValueError, match="headless has none for category, subcategory, sentiment, entities"):
        main(replace(arguments, teachers=(*teachers, tmp_path / "headless"), heads=heads))
    other = Recommender.from_pretrained(teachers[0])
    specs = other.heads.specs
    other.add_heads(specs | {"category": replace(specs["category"], labels=("a", "b"))})
    other.save_pretrained(tmp_path / "others")
    with pytest.raises(ValueError, match="labels of category in .*others are not those of the training data"):
        main(replace(arguments, teachers=(tmp_path / "others",), heads=heads))


def test_a_task_that_nothing_teaches_is_refused(arguments):
    news = arguments.data / "news.tsv"
    lines = [line.split("\t") for line in news.read_text().splitlines()]
    news.write_text("".join("\t".join([*line[:6], "[]", "[]"]) + "\n" for line in lines))
    with pytest.raises(ValueError, match="Leave entities out of --heads.tasks"):
        main(arguments)


def test_a_released_checkpoint_labels_and_keeps_what_went_on(arguments, tmp_path):
    arguments = replace(arguments, lora=LoraConfig(rank=2), dev=arguments.data.parent / "later")
    main(arguments)
    released = tmp_path / "released"
    release.main(release.Arguments(checkpoints=(str(arguments.out),), out=released, names=("mtrec",)))
    whole, small = (Recommender.from_pretrained(place) for place in (arguments.out, released / "mtrec"))
    titles = read_split(arguments.data).news.texts("title")
    one, other = whole.predict(titles), small.predict(titles)
    assert one.keys() == other.keys() == set(ALL)
    for task in ALL:
        assert one[task].labels == other[task].labels
        assert abs(one[task].probabilities - other[task].probabilities).max() < 0.02
    assert (released / "mtrec" / "conflicts.jsonl").is_file() and (released / "mtrec" / "adapter").is_dir()
    assert "measured before matrices were rounded" in (released / "mtrec" / "README.md").read_text()


def test_a_release_over_another_keeps_nothing_of_it(arguments, tmp_path):
    for name, changes in (("one", {"lora": LoraConfig(rank=2)}), ("two", {"heads": HeadsConfig(())})):
        made = replace(arguments, out=tmp_path / name, **changes)
        main(made)
        release.main(release.Arguments(checkpoints=(str(made.out),), out=tmp_path / "all", names=("it",)))
    assert not {path.name for path in (tmp_path / "all" / "it").iterdir()} & {"adapter", "conflicts.jsonl"}
