"""The smallest learner of several tasks, and a run of it, also as a stage for several processes."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from accelerate import Accelerator
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from training.config import TrainConfig
from training.loop import Losses, train
from training.stage import own_losses
from training.surgery import Surgery, SurgeryConfig

WEIGHTS = {"category": 0.3, "sentiment": 0.7}
CASES = 12
NO_LABEL = -100
WEIGHTS_FILE = "weights.safetensors"


class Cases(NamedTuple):
    features: Tensor
    clicks: Tensor
    labels: Tensor


def cases(seed: int, count: int = CASES) -> Cases:
    """The first half has no label of sentiment: the part of the first of two processes."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, 3, (count, 2), generator=generator)
    labels[: count // 2, 1] = NO_LABEL
    return Cases(
        torch.randn(count, 4, generator=generator), torch.randn(count, 1, generator=generator), labels
    )


def batch_of(step: int, part: int, parts: int) -> Cases:
    return Cases(*(values.chunk(parts)[part] for values in cases(step)))


class Learner(nn.Module):
    """Two shared layers and a pooling, a reader for the main task, heads for the others.

    The heads' weights are kept divided by `scale`, which changes their gradients and nothing else.
    """

    def __init__(self, scale: float = 1.0, dropout: float = 0.0):
        super().__init__()
        torch.manual_seed(0)
        self.language_model = nn.ModuleDict({"layer": nn.ModuleList([nn.Linear(4, 6), nn.Linear(6, 6)])})
        self.pool = nn.Linear(6, 6)
        self.reader = nn.Linear(6, 1)
        self.heads = nn.ParameterDict({task: torch.randn(3, 6) / scale for task in WEIGHTS})
        self.scale, self.dropout = scale, nn.Dropout(dropout)

    def forward(self, batch: Cases) -> Losses:
        hidden = batch.features
        for layer in self.language_model["layer"]:
            hidden = self.dropout(layer(hidden).tanh())
        news = self.pool(hidden).tanh()
        heads = {
            task: self.head_loss(task, news, labels)
            for task, labels in zip(WEIGHTS, batch.labels.T, strict=True)
        }
        return {"click": (self.reader(news) - batch.clicks).square().mean(), **heads}

    def head_loss(self, task: str, news: Tensor, labels: Tensor) -> Tensor:
        """A constant where there are no labels; their number is that of a whole batch."""
        if not (labels != NO_LABEL).any():
            return news.new_zeros(())
        return cross_entropy(news @ (self.scale * self.heads[task]).T, labels, reduction="sum") / len(labels)


def plain(learner: nn.Module, batch: Cases) -> dict[str, Tensor]:
    """The gradients of the weighted sum, by name."""
    losses = learner(batch)
    total = sum(WEIGHTS.get(name, 1.0) * loss for name, loss in losses.items())
    names, parameters = zip(*learner.named_parameters(), strict=True)
    return dict(zip(names, torch.autograd.grad(total, parameters), strict=True))


def operated(
    learner: nn.Module, batch: Cases, folder: Path, strategy: str, step: int = 0, **settings
) -> dict[str, Tensor]:
    """The gradients that surgery leaves, by name; steps other than the first are not logged."""
    config = SurgeryConfig(strategy, log_every=10, **settings)
    surgery, accelerator = Surgery(learner, config, WEIGHTS, folder, seed=0), Accelerator()
    surgery.add(learner(batch), step, accelerator)
    surgery.finish(step, accelerator)
    return {name: parameter.grad for name, parameter in learner.named_parameters()}


def run(
    folder: Path,
    strategy: str,
    steps: int = 5,
    batches=batch_of,
    dropout: float = 0.0,
    learner: Learner | None = None,
    **settings,
):
    learner = learner or Learner(dropout=dropout)
    config = TrainConfig(save_every=1, head_learning_rate=1e-2, learning_rate=1e-2, **settings)
    surgery = Surgery(learner, SurgeryConfig(strategy, log_every=2), WEIGHTS, folder, config.seed)
    train(learner, batches, steps, own_losses, config, folder, {}, backward=surgery)
    return learner.state_dict()


@dataclass(frozen=True, kw_only=True)
class Arguments:
    out: Path
    strategy: str
    accumulate: int


def main(arguments: Arguments) -> None:
    weights = run(arguments.out, arguments.strategy, accumulate=arguments.accumulate)
    if Accelerator().is_main_process:
        save_file(weights, arguments.out / WEIGHTS_FILE)
