from typing import get_args

import pytest
import torch
from accelerate import Accelerator
from runs import Killed
from surgical import WEIGHTS, Learner, batch_of, cases, operated, plain, run

from tinynewsrec.model.conflicts import CONFLICTS, read_conflicts
from training.aggregators import Strategy
from training.conflicts import in_order, layer_of
from training.surgery import Surgery, SurgeryConfig

STRATEGIES = get_args(Strategy)
PRIVATE = ("reader.weight", "reader.bias", "heads.category", "heads.sentiment")
BATCH = cases(9)  # of which both auxiliary tasks oppose the main one


def same(found, expected, names=None):
    for name in names or expected:
        torch.testing.assert_close(found[name], expected[name], atol=1e-6, rtol=1e-4)


def by_task(learner, batch, shared):
    """The weighted gradients of main task and merged auxiliaries on some parameters, flat."""
    losses = learner(batch)
    totals = [losses["click"], sum(weight * losses[task] for task, weight in WEIGHTS.items())]
    parameters = [dict(learner.named_parameters())[name] for name in shared]
    found = [torch.autograd.grad(loss, parameters, retain_graph=True) for loss in totals]
    return [torch.cat([g.flatten() for g in gradients]) for gradients in found]


def of_task(learner, task, shared):
    parameters = [dict(learner.named_parameters())[name] for name in shared]
    return torch.autograd.grad(learner(BATCH)[task], parameters)


def flat(gradients, shared):
    return torch.cat([gradients[name].flatten() for name in shared])


def shared_names(learner):
    return [name for name, _ in learner.named_parameters() if name not in PRIVATE]


@pytest.mark.parametrize("step", [0, 1])
def test_no_surgery_is_the_gradient_of_the_weighted_sum(step, tmp_path):
    learner = Learner()
    same(operated(learner, BATCH, tmp_path, "none", step), plain(learner, BATCH))


@pytest.mark.parametrize("step", [0, 1])
def test_mtrec_projects_main_and_merged_auxiliaries_on_each_other(step, tmp_path):
    learner = Learner()
    shared = shared_names(learner)
    main, merged = by_task(learner, BATCH, shared)
    product = main @ merged
    assert product < 0
    expected = main - product / (merged @ merged) * merged + merged - product / (main @ main) * main
    found = operated(learner, BATCH, tmp_path, "mtrec", step)
    torch.testing.assert_close(flat(found, shared), expected, atol=1e-6, rtol=1e-4)
    protected = flat(operated(learner, BATCH, tmp_path, "aux_only", step), shared)
    torch.testing.assert_close(protected @ main, main @ main)


def test_each_layer_can_be_compared_by_itself(tmp_path):
    learner = Learner()
    found = operated(learner, BATCH, tmp_path, "mtrec", scope="layer")
    opposed = 0
    for layer in ("language_model.layer.0.", "language_model.layer.1.", "pool."):
        names = [name for name in shared_names(learner) if name.startswith(layer)]
        main, merged = by_task(learner, BATCH, names)
        product = (main @ merged).clamp(max=0)
        opposed += int(product < 0)
        expected = main - product / (merged @ merged) * merged + merged - product / (main @ main) * main
        torch.testing.assert_close(flat(found, names), expected, atol=1e-6, rtol=1e-4)
    assert opposed


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_surgery_is_done_on_shared_parameters_alone(strategy, tmp_path):
    """Whatever the size of the gradients of others, which keep their own."""
    learner, scaled = Learner(), Learner(scale=50.0)
    expected, found = (operated(each, BATCH, tmp_path, strategy) for each in (learner, scaled))
    same(found, expected, shared_names(learner))
    assert not torch.allclose(found["heads.category"], expected["heads.category"])
    same(expected, plain(learner, BATCH), PRIVATE)
    same(found, plain(scaled, BATCH), PRIVATE)
    assert all(gradient.isfinite().all() for gradient in found.values())


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_logging_changes_no_gradient(strategy, tmp_path):
    learner = Learner()
    logged = operated(learner, BATCH, tmp_path, strategy, step=0)
    if strategy != "pcgrad":
        same(operated(learner, BATCH, tmp_path, strategy, step=1), logged)


def test_pcgrads_order_is_drawn_anew_at_each_step_and_the_same_again_for_it(tmp_path):
    found = [[operated(Learner(), BATCH, tmp_path, "pcgrad", step=n) for n in range(1, 9)] for _ in (1, 2)]
    for one, again in zip(*found, strict=True):
        same(one, again)
    assert len({each["pool.weight"].sum().item() for each in found[0]}) > 1


def test_where_nothing_is_shared_that_is_said_once(tmp_path, capsys):
    learner = Learner()
    for part in (learner.language_model, learner.pool):
        part.requires_grad_(False)
    run(tmp_path, "mtrec", learner=learner)
    assert capsys.readouterr().out.count("No trained parameter serves both") == 1
    assert not (tmp_path / CONFLICTS).exists()


@pytest.mark.parametrize("strategy", ["none", "mtrec", "pcgrad", "upgrad", "cagrad", "mgda"])
def test_accumulated_parts_take_the_step_of_the_whole_batch(strategy, tmp_path):
    """Here one task has no labels at all in the first part."""
    whole, parts = (run(tmp_path / str(n), strategy, accumulate=n, batch_size=12) for n in (1, 3))
    same(parts, whole)
    untrained = Learner().state_dict()
    assert max((whole[name] - untrained[name]).abs().max() for name in whole) > 0.01
    one, three = (read_conflicts(tmp_path / str(n)) for n in (1, 3))
    assert [line.step for line in one] == [line.step for line in three] == [1, 3, 5]
    for line, other in zip(one, three, strict=True):
        assert line.tasks["category"].cosine == pytest.approx(other.tasks["category"].cosine, abs=1e-3)


@pytest.mark.parametrize("strategy", ["mtrec", "pcgrad", "nash-mtl"])
def test_a_killed_run_ends_as_one_that_was_left_alone(strategy, tmp_path):
    def dying(step, part, parts):
        if step == 3:
            raise Killed
        return batch_of(step, part, parts)

    alone = run(tmp_path / "alone", strategy, dropout=0.2)
    with pytest.raises(Killed):
        run(tmp_path / "killed", strategy, dropout=0.2, batches=dying)
    with open(tmp_path / "killed" / CONFLICTS, "a") as file:
        file.write('{"written after the last state": 1}\n{"and half of')
    resumed = run(tmp_path / "killed", strategy, dropout=0.2)
    assert all(torch.equal(resumed[name], alone[name]) for name in alone)
    files = [(tmp_path / name / CONFLICTS).read_text() for name in ("alone", "killed")]
    assert files[0] == files[1] and len(files[0].splitlines()) == 3


def test_half_precision_is_projected_in_single_precision(tmp_path):
    found = run(tmp_path, "mtrec", precision="bf16")
    assert all(weight.dtype == torch.float32 and weight.isfinite().all() for weight in found.values())


def test_conflicts_tell_what_surgery_did(tmp_path):
    learner = Learner()
    shared = shared_names(learner)
    main, merged = by_task(learner, BATCH, shared)
    taken = flat(operated(learner, BATCH, tmp_path, "aux_only"), shared)
    (line,) = read_conflicts(tmp_path)
    cosine = torch.nn.functional.cosine_similarity
    assert line.step == 1 and list(line.tasks) == ["main", "category", "sentiment"]
    assert line.removed == pytest.approx(
        ((taken - main - merged).norm() / (main + merged).norm()).item(), 1e-3
    )
    assert line.tasks["main"].norm == pytest.approx(main.norm().item(), 1e-3)
    assert line.tasks["main"].before == pytest.approx(cosine(main, main + merged, 0).item(), 1e-3)
    assert line.tasks["main"].after == pytest.approx(cosine(main, taken, 0).item(), 1e-3)
    pulls = [torch.cat([g.flatten() for g in of_task(learner, task, shared)]) for task in WEIGHTS]
    assert line.pairs == {"category": {"sentiment": pytest.approx(cosine(*pulls, 0).item(), 1e-3)}}
    assert line.tasks["main"].cosine == 1 and not line.tasks["main"].conflict
    for task in WEIGHTS:
        assert line.tasks[task].conflict == (line.tasks[task].cosine < 0)
    assert list(line.layers) == ["layer 0", "layer 1", "pooling"]
    assert all(list(found) == list(line.tasks) for found in line.layers.values())
    for task, pull in line.tasks.items():
        of_layers = [found[task] for found in line.layers.values()]
        assert sum(found.norm**2 for found in of_layers) == pytest.approx(pull.norm**2, 1e-2)
        assert [found.conflict for found in of_layers] == [found.cosine < 0 for found in of_layers]
    assert any(found[task].conflict for found in line.layers.values() for task in WEIGHTS)


def test_a_task_without_labels_pulls_nowhere(tmp_path):
    silent = BATCH._replace(labels=BATCH.labels.clone())
    silent.labels[:, 1] = -100
    operated(Learner(), silent, tmp_path, "pcgrad")
    (line,) = read_conflicts(tmp_path)
    assert line.tasks["sentiment"] == (0, None, False, None, None)
    assert line.layers["pooling"]["sentiment"] == (0, None, False)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_main_task_alone_learns_as_ever(strategy, tmp_path):
    learner = Learner()
    loss = learner(BATCH)["click"]
    names, parameters = zip(*learner.named_parameters(), strict=True)
    expected = torch.autograd.grad(loss, parameters, retain_graph=True, allow_unused=True)
    surgery, accelerator = Surgery(learner, SurgeryConfig(strategy), {}, tmp_path, 0), Accelerator()
    surgery.add({"click": loss}, 0, accelerator)
    surgery.finish(0, accelerator)
    assert learner.heads["category"].grad is None
    for parameter, gradient in zip(parameters, expected, strict=True):
        assert parameter.grad is gradient is None or torch.equal(parameter.grad, gradient)
    assert read_conflicts(tmp_path) == []


def test_layers_are_told_from_names():
    names = {
        "student.news_encoder.language_model.embeddings.word_embeddings.weight": "embeddings",
        "news_encoder.language_model.encoder.layer.11.attention.self.query.weight": "layer 11",
        "language_model.transformer.layer.2.ffn.lin1.lora_A.default.weight": "layer 2",
        "student.news_encoder.pool.query": "pooling",
        "news_encoder.project.weight": "projection",
        "maps.weight": "other",
    }
    assert {name: layer_of(name) for name in names} == names
    assert in_order(set(names.values())) == [
        "embeddings",
        "layer 2",
        "layer 11",
        "pooling",
        "projection",
        "other",
    ]


def test_wrong_weights_and_losses_are_explained(tmp_path):
    learner = Learner()
    for wrong in ({"category": -1.0}, {"main": 1.0}, {"category": float("nan")}):
        with pytest.raises(ValueError, match="weights of 0 or more"):
            Surgery(learner, SurgeryConfig(), wrong, tmp_path, 0)
    with pytest.raises(ValueError, match="losses of subcategory and one more at least, got click, category"):
        Surgery(learner, SurgeryConfig(), {"subcategory": 1.0}, tmp_path, 0).weighted(learner(BATCH))
    with pytest.raises(ValueError, match="log_every must be 1 or more, got 0"):
        SurgeryConfig(log_every=0)


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("step", [0, 1])
def test_a_gradient_that_is_not_finite_stops_the_run(strategy, step, tmp_path):
    broken = BATCH._replace(features=BATCH.features * float("nan"))
    with pytest.raises(ValueError, match=f"Step {step + 1}: a gradient is not finite"):
        operated(Learner(), broken, tmp_path, strategy, step)


def test_a_gradient_of_one_head_alone_is_looked_at_as_well(tmp_path):
    learner = Learner()
    learner.heads["category"].register_hook(lambda gradient: gradient * float("inf"))
    with pytest.raises(ValueError, match="Step 2: a gradient is not finite"):
        operated(learner, BATCH, tmp_path, "none", step=1)


def test_a_damaged_line_of_conflicts_is_named(tmp_path):
    (tmp_path / CONFLICTS).write_text('{"step": 1}\n')
    with pytest.raises(ValueError, match=r"conflicts\.jsonl, line 1: not a line of conflicts"):
        read_conflicts(tmp_path)
