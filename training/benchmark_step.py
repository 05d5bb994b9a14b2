"""Times one training step against the naive way, which encodes every slot, padded, through all layers.

python -m training.benchmark_step --layers 12 --trained-layers 2
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Literal, NamedTuple

import torch
import tyro
from jaxtyping import Int
from rich import box, print
from rich.table import Table
from torch import Tensor, nn
from transformers import BertConfig, BertModel

from tinynewsrec.commands import readable_errors
from tinynewsrec.data.batches import Batch
from tinynewsrec.data.read import read_split
from tinynewsrec.data.tables import Split
from tinynewsrec.data.tokens import Tokens
from tinynewsrec.evaluation.report import device
from tinynewsrec.model.config import ModelConfig
from tinynewsrec.model.language_models import load_tokenizer
from tinynewsrec.model.news_encoder import TOGETHER
from tinynewsrec.model.recommender import Recommender
from training.click_stage import click_sampler
from training.config import TrainConfig
from training.every_slot import EverySlot, every_slot, padded
from training.finetune_teacher import Arguments as Stage
from training.finetune_teacher import losses_of
from training.loop import on_device
from training.samples import Sampler

HEAD_SIZE = 64  # numbers in an attention head, as BERT has them


@dataclass(frozen=True, kw_only=True)
class Arguments:
    data: Path = Path("assets/sample/train")
    """Folder of a split to draw clicks from."""
    tokenizer: Path = Path("assets/checkpoints/teacher")
    """Folder with a tokenizer; the weights of the language model are random."""
    layers: int = 12
    """Of the language model: a BERT."""
    width: int = 768
    """Numbers in the vector of a word."""
    trained_layers: int = 2
    """Layers that are trained, from the last."""
    batch_size: int = 32
    """Clicks in a step."""
    negatives: int = 4
    """Stories beside each click."""
    precision: Literal["fp32", "bf16"] = "fp32"
    """Of the forward pass."""
    rounds: int = 5
    """Steps that are timed in either way, in turn, after one that is not."""
    seed: int = 0


class Way(NamedTuple):
    """One way of taking a step."""

    name: str
    model: nn.Module
    batch_of: Callable[[int], Batch]
    layers: int  # that each word piece goes through


class Measured(NamedTuple):
    """What a way of taking a step does, and how long that takes."""

    way: Way
    stories: int  # encoded in the first step
    pieces: int  # of words and padding in them
    loss: float  # of the first step
    gradients: list[Tensor]
    seconds: list[float]  # of each round


class Comparison(NamedTuple):
    naive: Measured
    ours: Measured
    beforehand: float  # seconds for the frozen layers of all stories, once in a training

    @property
    def ratio(self) -> float:
        return median(self.naive.seconds) / median(self.ours.seconds)

    @property
    def largest_gradient(self) -> float:
        return max(float(gradient.abs().max()) for gradient in self.naive.gradients)

    @property
    def difference(self) -> float:
        """The largest between the two gradients of any weight."""
        pairs = zip(self.naive.gradients, self.ours.gradients, strict=True)
        return max(float((naive - ours).abs().max()) for naive, ours in pairs)


def main(arguments: Arguments) -> None:
    found = compare(arguments)
    print(table(found))
    print(
        f"Largest gradient {found.largest_gradient:.1e}, largest difference between the two "
        f"{found.difference:.1e}. Beforehand, once in a training: {found.beforehand:.1f} s."
    )
    print(
        f"{found.ratio:.1f} times as fast: {arguments.layers} layers of width {arguments.width}, "
        f"{arguments.trained_layers} trained, {arguments.batch_size} clicks, {arguments.precision} on "
        f"{device()}, {torch.get_num_threads()} threads."
    )


def compare(arguments: Arguments) -> Comparison:
    """Both ways in turn, without dropout. Times hold drawing the batch, the loss and all gradients."""
    split, recommender = read_split(arguments.data), random_recommender(arguments)
    start = time.perf_counter()
    sampler = sampler_of(arguments, split, recommender)
    beforehand = time.perf_counter() - start
    ways = both_ways(sampler, split, recommender)
    first = [first_step(way, arguments.precision) for way in ways]
    for step in range(1, arguments.rounds + 1):
        for way, measured in zip(ways, first, strict=True):
            measured.seconds.append(time_step(way, step, arguments.precision))
    return Comparison(*first, beforehand)


def random_recommender(arguments: Arguments) -> Recommender:
    tokenizer = load_tokenizer(str(arguments.tokenizer))
    bert = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=arguments.width,
        num_hidden_layers=arguments.layers,
        num_attention_heads=max(1, arguments.width // HEAD_SIZE),
        intermediate_size=4 * arguments.width,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    torch.manual_seed(arguments.seed)
    language_model = BertModel(bert, add_pooling_layer=False)
    recommender = Recommender(ModelConfig(layers=arguments.layers), language_model, tokenizer)
    recommender.news_encoder.freeze_below(arguments.trained_layers)
    return recommender.to(device()).train()


def sampler_of(arguments: Arguments, split: Split, recommender: Recommender) -> Sampler:
    """That of training/finetune_teacher.py."""
    stage = Stage(
        data=arguments.data,
        out=arguments.data,
        negatives=arguments.negatives,
        trained_layers=arguments.trained_layers,
        model=recommender.config,
        training=TrainConfig(batch_size=arguments.batch_size, seed=arguments.seed),
    )
    return click_sampler(stage, split, recommender)


def both_ways(sampler: Sampler, split: Split, recommender: Recommender) -> list[Way]:
    """The same clicks and weights, first the naive way."""
    config = recommender.config
    tokens = padded(recommender.tokens(split.news.texts("title")), config.title_length)
    plain = replace(sampler, tokens=tokens)

    def naive_batch(step: int) -> Batch:
        return every_slot(plain.batch(step), tokens, config.history_length)

    trained = config.layers - recommender.news_encoder.frozen_layers
    return [
        Way("every slot, padded", EverySlot(recommender).train(), naive_batch, config.layers),
        Way("as trained here", recommender, sampler.batch, trained),
    ]


def first_step(way: Way, precision: str) -> Measured:
    batch = way.batch_of(0)
    loss = take_step(way, batch, precision)
    gradients = [p.grad.clone() for p in way.model.parameters() if p.requires_grad]
    return Measured(way, len(batch.stories), pieces_in(batch), loss, gradients, [])


def time_step(way: Way, step: int, precision: str) -> float:
    start = time.perf_counter()
    take_step(way, way.batch_of(step), precision)
    if device() == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start


def take_step(way: Way, batch: Batch, precision: str) -> float:
    """Sets the gradients and returns the loss."""
    way.model.zero_grad()
    with torch.autocast(device(), torch.bfloat16, enabled=precision == "bf16"):
        loss = losses_of(way.model, on_device(batch, torch.device(device())))["click"]
    loss.backward()
    return loss.item()


def pieces_in(batch: Batch) -> int:
    """Word pieces that a step encodes, padding included: stories of similar length go together."""
    if isinstance(batch.tokens, Tokens):
        return batch.tokens.mask.numel()
    lengths: Int[Tensor, " N"] = batch.tokens.lengths.sort(descending=True).values
    return sum(len(part) * int(part[0]) for part in lengths.split(TOGETHER))


def table(found: Comparison) -> Table:
    shown = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    shown.add_column("one step", no_wrap=True)
    for name in ("stories", "pieces", "layers", "loss", "median\nseconds", "fastest to\nslowest"):
        shown.add_column(name, justify="right", no_wrap=True)
    for way, stories, pieces, loss, _, seconds in (found.naive, found.ours):
        shown.add_row(
            way.name,
            f"{stories:,}",
            f"{pieces:,}",
            str(way.layers),
            f"{loss:.6f}",
            f"{median(seconds):.3f}",
            f"{min(seconds):.3f} to {max(seconds):.3f}",
        )
    return shown


if __name__ == "__main__":
    with readable_errors():
        main(tyro.cli(Arguments, description=__doc__))
