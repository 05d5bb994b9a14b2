import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import WORDS, make_recommender
from runs import run_killed
from torch.nn import functional as F

from tinynewsrec.data.tokens import tokenize
from tinynewsrec.model.config import ModelConfig
from tinynewsrec.model.recommender import Recommender
from training.config import TrainConfig
from training.posttrain_simcse import Arguments, BodySampler, TwinReader, alike, main, twin_loss
from training.stage import start, with_frozen_layers

BODIES = [" ".join(WORDS[(i * j + i) % len(WORDS)] for j in range(3 + i % 7)) for i in range(1, 17)]


@pytest.fixture
def arguments(tokenizer, tmp_path):
    bert = make_recommender(tokenizer, layers=3).news_encoder.language_model
    bert.save_pretrained(tmp_path / "bert")
    tokenizer.save_pretrained(tmp_path / "bert")
    (tmp_path / "bodies.tsv").write_text("".join(f"Title {i}\t{body}\n" for i, body in enumerate(BODIES)))
    return Arguments(
        data=tmp_path / "bodies.tsv",
        out=tmp_path / "simcse",
        body_length=12,
        trained_layers=1,
        model=ModelConfig(language_model=str(tmp_path / "bert"), layers=2, news_size=8, heads=2),
        training=TrainConfig(epochs=3, batch_size=8, save_every=2, learning_rate=1e-3),
    )


def reader_and_sampler(recommender, bodies=BODIES):
    encoder = recommender.news_encoder
    encoder.freeze_below(1)
    tokens = tokenize(bodies, recommender.tokenizer, 12)
    stories = with_frozen_layers(encoder, tokens, torch.arange(len(bodies)))
    return TwinReader(encoder, 0.05), BodySampler(stories, alike(tokens), len(bodies), seed=0)


def curve(folder):
    lines = (folder / "losses.jsonl").read_text().splitlines()
    return [json.loads(line)["losses"]["twins"] for line in lines]


@torch.no_grad()
def leads(recommender):
    """By how much each body's own second reading is nearer than the nearest other."""
    torch.manual_seed(0)
    reader, sampler = reader_and_sampler(recommender)
    first, second = (F.normalize(view, dim=-1) for view in reader.train().read(sampler.batch(0)))
    cosines = first @ second.T
    return cosines.diag() - (cosines - 3 * torch.eye(len(cosines))).amax(-1)


def test_the_loss_is_that_of_the_paper():
    torch.manual_seed(0)
    first, second = torch.randn(5, 4), torch.randn(5, 4)
    expected = [
        -(
            torch.cosine_similarity(first[i], second[i], dim=0) / 0.05
            - torch.stack([torch.cosine_similarity(first[i], s, dim=0) / 0.05 for s in second]).logsumexp(0)
        )
        for i in range(5)
    ]
    loss = twin_loss(first, second, torch.arange(5), 0.05)
    torch.testing.assert_close(loss, torch.stack(expected).mean())


def test_equal_bodies_are_not_each_others_negatives():
    torch.manual_seed(0)
    first, second = torch.randn(4, 8), torch.randn(4, 8)
    first[1], second[1] = first[0], second[0]
    alone = twin_loss(first[[0, 2, 3]], second[[0, 2, 3]], torch.tensor([0, 1, 2]), 1.0)
    kinds = torch.tensor([0, 0, 1, 2])
    rows = twin_loss(first[:2], second[:2], kinds[:2], 1.0)
    assert rows.item() == pytest.approx(0, abs=1e-6)
    chances = torch.cosine_similarity(first[0][None], second[[0, 2, 3]]).log_softmax(-1)
    of_two = twin_loss(first, second, kinds, 1.0) * 4
    of_the_twins_alone = -2 * chances[0]
    rest = [torch.cosine_similarity(first[i][None], second).log_softmax(-1)[i] for i in (2, 3)]
    torch.testing.assert_close(of_two, of_the_twins_alone - sum(rest))
    assert twin_loss(first, second, torch.arange(4), 1.0) > alone


def test_bodies_are_equal_where_the_encoder_reads_the_same(tokenizer):
    bodies = ["storm closes bridge", "Storm  closes bridge", "storm closes", "storm closes garden"]
    kinds = alike(tokenize(bodies, tokenizer, 12))
    assert kinds[0] == kinds[1] and len(set(kinds)) == 3
    cut = alike(tokenize([*bodies, "team"], tokenizer, 4))
    assert len(set(cut)) == 2
    with pytest.raises(ValueError, match="two different bodies or more, found 1"):
        alike(tokenize(bodies, tokenizer, 4))


def test_the_sampler_knows_which_bodies_are_alike(tokenizer):
    _, sampler = reader_and_sampler(make_recommender(tokenizer), [*BODIES, BODIES[3]])
    batch = sampler.batch(0)
    _, counts = batch.kinds.unique(return_counts=True)
    assert sorted(counts.tolist()) == [1] * 15 + [2]
    twins = (batch.kinds == batch.kinds[counts[batch.kinds] == 2][0]).nonzero().flatten().tolist()
    words, mask = batch.bodies.words, batch.bodies.mask
    assert torch.equal(mask[twins[0]], mask[twins[1]])
    torch.testing.assert_close(words[twins[0]], words[twins[1]])


def test_parts_hold_the_whole_batch_once(tokenizer):
    _, sampler = reader_and_sampler(make_recommender(tokenizer))
    parts = [sampler.batch(3, part, 4) for part in range(4)]
    assert torch.equal(torch.cat([part.kinds for part in parts]), sampler.batch(3).kinds)
    assert [len(part.kinds) for part in parts] == [4] * 4
    assert torch.equal(parts[2].bodies.mask.sum(-1), sampler.batch(3).bodies.mask.sum(-1)[8:12])


def test_the_two_readings_differ_by_dropout_alone(tokenizer):
    reader, sampler = reader_and_sampler(make_recommender(tokenizer))
    batch = sampler.batch(0)
    first, second = reader.train().read(batch)
    assert ((first - second).norm(dim=-1) > 1e-3).all()
    first, second = reader.eval().read(batch)
    torch.testing.assert_close(first, second)


def test_a_model_without_dropout_is_refused(arguments, tokenizer, tmp_path):
    bert = make_recommender(tokenizer, layers=3).news_encoder.language_model
    bert.config.hidden_dropout_prob = bert.config.attention_probs_dropout_prob = 0.0
    bert.save_pretrained(tmp_path / "bert")
    with pytest.raises(ValueError, match="no dropout"):
        main(arguments)


def test_frozen_layers_alone_are_refused(arguments):
    with pytest.raises(ValueError, match="trained_layers must be 1 or more, got 0"):
        main(replace(arguments, trained_layers=0))


def test_a_part_with_nothing_to_tell_apart_is_refused(arguments):
    with pytest.raises(ValueError, match="8 parts of a batch needs two bodies or more"):
        main(replace(arguments, training=replace(arguments.training, accumulate=8)))


def test_after_training_each_body_is_found_again(arguments, tokenizer):
    training = TrainConfig(epochs=60, batch_size=16, learning_rate=3e-3, head_learning_rate=1e-2)
    main(replace(arguments, training=training, trained_layers=2))
    trained = leads(Recommender.from_pretrained(arguments.out))
    assert (trained > 0).all()
    assert trained.mean() > 2 * leads(start(arguments.model, 2, arguments.training.seed)).mean()
    losses = curve(arguments.out)
    assert np.mean(losses[-10:]) < 0.5 * np.mean(losses[:10])


def test_the_result_is_a_recommender_of_which_only_trained_parts_moved(arguments):
    main(arguments)
    fresh = start(arguments.model, 1, arguments.training.seed).state_dict()
    loaded = Recommender.from_pretrained(arguments.out)
    trained = loaded.state_dict()
    moved = {name for name in fresh if not torch.equal(fresh[name], trained[name])}
    assert trained.keys() == fresh.keys() and any(".layer.1." in name for name in moved)
    assert not any("embeddings" in name or ".layer.0." in name or "user" in name for name in moved)
    assert {"news_encoder.project.weight", "news_encoder.pool.query.weight"} <= moved
    assert loaded.training_record["bodies"] == 16 and loaded.training_record["stage"] == "posttrain_simcse"
    child = start(arguments.model, 1, 0, parent=arguments.out).state_dict()
    assert all(torch.equal(child[name], trained[name]) for name in child if "news_encoder" in name)


def test_a_killed_run_ends_as_one_that_was_left_alone(arguments):
    main(arguments)
    killed = replace(arguments, out=arguments.out.with_name("killed"))
    run_killed(main, killed, BodySampler, step=5)
    main(killed)
    assert curve(killed.out) == curve(arguments.out)
    files = [out / "model.safetensors" for out in (arguments.out, killed.out)]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_a_wrong_temperature_is_explained(arguments):
    with pytest.raises(ValueError, match="above 0, got 0"):
        replace(arguments, temperature=0.0)
