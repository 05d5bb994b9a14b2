"""Gradient surgery: what several tasks make of the weights that they share.

    surgery = Surgery(learner, arguments.surgery, {"category": 0.3}, arguments.out, arguments.training.seed)
    learn(learner, sampler, arguments, record, losses_of, backward=surgery)

The learner's losses come without weights: those that `weights` names are auxiliary and count that much, under
every strategy, `none` included; all the others together are the main task. What is done to their gradients
is done on the shared parameters, those that both the main task and an auxiliary one reach, once a step, over
all parts and processes. Every other parameter gets the plain gradient of the weighted sum.

L layers; R rows, each a task, or a group of tasks that a strategy sees as one; the main task is the first.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from accelerate import Accelerator
from jaxtyping import Float
from rich import print
from torch import Tensor, nn

from tinynewsrec.model.conflicts import CONFLICTS, conflict_line
from training.aggregators import Strategy, merging, task_weights
from training.conflicts import in_order, layer_of, measured
from training.curves import keep_lines
from training.loop import Backward, Losses
from training.task_gradients import (
    Gradients,
    added,
    gradients,
    inner_products,
    is_shared,
    mean_over_processes,
    total,
)

MAIN = "main"


@dataclass(frozen=True)
class SurgeryConfig:
    strategy: Strategy = "mtrec"
    """How tasks that pull against one another are reconciled; none: their gradients are added."""
    scope: Literal["global", "layer"] = "global"
    """Whether gradients are compared as a whole, or in each layer by itself."""
    log_every: int = 1
    """Steps from one line of conflicts.jsonl to the next; a line costs one backward pass per task."""

    def __post_init__(self):
        if self.log_every < 1:
            raise ValueError(f"log_every must be 1 or more, got {self.log_every}.")


class Surgery(Backward):
    """Stands in the loop where losses would be added; writes conflicts.jsonl to `folder`.

    Make it when all that trains is in the learner. Raises ValueError for weights that are none.
    """

    def __init__(
        self,
        learner: nn.Module,
        config: SurgeryConfig,
        weights: Mapping[str, float],
        folder: Path,
        seed: int,
    ):
        if MAIN in weights or not all(0 <= weight < float("inf") for weight in weights.values()):
            raise ValueError(f"expected auxiliary tasks with weights of 0 or more, got {dict(weights)}.")
        trained = {name: p for name, p in learner.named_parameters() if p.requires_grad}
        self.parameters, self.layers = list(trained.values()), [layer_of(name) for name in trained]
        self.config, self.weights, self.folder, self.seed = config, dict(weights), folder, seed
        self.tasks = [MAIN, *self.weights]
        self.rows: list[Gradients] = []
        self.began = False

    def forward(self, accelerator: Accelerator, model: nn.Module) -> AbstractContextManager:
        """Without sharing gradients: that is done row by row, once all parts are in."""
        return accelerator.no_sync(model)

    def add(self, losses: Losses, step: int, accelerator: Accelerator) -> None:
        """One backward pass for each row; tasks are rows of their own where conflicts are logged."""
        tasks = self.weighted(losses)
        merged = torch.eye(len(tasks)) if self.logs(step) else merging(self.config.strategy, len(tasks))
        totals = [sum(tasks[place] for place in row.nonzero()[:, 0].tolist()) for row in merged]
        parts = accelerator.gradient_accumulation_steps
        found = [gradients(loss / parts, self.parameters, loss is not totals[-1]) for loss in totals]
        self.rows = list(map(added, self.rows, found)) if self.rows else found

    def finish(self, step: int, accelerator: Accelerator) -> None:
        """Weighs the rows by their inner products on what they share, and adds them up.

        Raises ValueError for a gradient that is not finite.
        """
        rows = mean_over_processes(self.rows, self.parameters, accelerator)
        self.rows = []
        refuse_infinite(rows, step)
        shared = [place for place, found in enumerate(zip(*rows, strict=True)) if is_shared(found)]
        layers = in_order({self.layers[place] for place in shared})
        of_layer = [layers.index(self.layers[place]) for place in shared]
        products = inner_products([[row[place] for place in shared] for row in rows], of_layer, len(layers))
        weights = self.row_weights(products, step) if layers else products.new_ones(0, len(rows))
        counts = dict(zip(shared, weights[of_layer].tolist(), strict=True))
        for place, (parameter, found) in enumerate(
            zip(self.parameters, zip(*rows, strict=True), strict=True)
        ):
            parameter.grad = total(found, counts.get(place, [1.0] * len(rows)))
        if self.logs(step) and accelerator.is_main_process:
            if layers:
                self.log(step, layers, products, weights)
            elif not self.began:
                print(f"No trained parameter serves both clicks and labels: no surgery, and no {CONFLICTS}.")
            self.began = True

    def weighted(self, losses: Losses) -> list[Tensor]:
        """By task. Raises ValueError where one has no loss."""
        main = [loss for name, loss in losses.items() if name not in self.weights]
        if not main or self.weights.keys() - losses.keys():
            raise ValueError(
                f"expected the losses of {', '.join(self.weights)} and one more at least, "
                f"got {', '.join(losses)}."
            )
        return [sum(main), *(weight * losses[name] for name, weight in self.weights.items())]

    def logs(self, step: int) -> bool:
        return step % self.config.log_every == 0

    def row_weights(self, products: Float[Tensor, "L R R"], step: int) -> Float[Tensor, "L R"]:
        """What each row counts for in each layer."""
        rows = products.shape[-1]
        merged = merging(self.config.strategy, rows) if self.logs(step) else torch.eye(rows).double()
        groups = merged @ products @ merged.T
        compared = groups if self.config.scope == "layer" else groups.sum(0, keepdim=True)
        seed = hash((self.seed, step)) % 2**63  # the same in all processes
        weights = torch.stack([task_weights(self.config.strategy, found, seed) for found in compared])
        return (weights @ merged).expand(len(products), -1)

    def log(
        self,
        step: int,
        layers: Sequence[str],
        products: Float[Tensor, "L R R"],
        weights: Float[Tensor, "L R"],
    ) -> None:
        path = self.folder / CONFLICTS
        if not self.began:
            keep_lines(path, -(-step // self.config.log_every))
        with open(path, "a") as file:
            file.write(conflict_line(measured(step + 1, self.tasks, layers, products, weights)) + "\n")


def refuse_infinite(rows: Sequence[Gradients], step: int) -> None:
    if not all(part.isfinite().all() for row in rows for part in row if part is not None):
        raise ValueError(
            f"Step {step + 1}: a gradient is not finite. Choose a lower --training.learning-rate, "
            f"or --training.precision fp32."
        )
