from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import torch
from accelerate import Accelerator, PartialState
from accelerate.utils import convert_outputs_to_fp32, parse_flag_from_env
from torch import Tensor, nn

from training.config import Precision, TrainConfig
from training.curves import Curves
from training.resume import load_state, save_state

Losses = dict[str, Tensor]  # by name, as on the curves
BatchOf = Callable[[int, int, int], Any]  # step, part, parts -> a NamedTuple of tensors
LossesOf = Callable[[nn.Module, Any], Losses]
AtState = Callable[[int], None]  # steps done
BeforeStep = Callable[[], None]
Batch = TypeVar("Batch", bound=tuple)

STATE = "state.safetensors"
PATIENCE = timedelta(days=7)
NO_RATES: Mapping[str, float] = MappingProxyType({})


def unseen(step: int) -> None:
    """A state that nobody looks at."""


def unchanged() -> None:
    """Gradients as the losses gave them."""


class Backward:
    """From the losses of a batch to the gradients of a step: those of their sum. Others derive from it."""

    def forward(self, accelerator: Accelerator, model: nn.Module) -> AbstractContextManager:
        """What each part of a batch goes forward and backward in."""
        return nullcontext()

    def add(self, losses: Losses, step: int, accelerator: Accelerator) -> None:
        """Takes in the losses of one part of the batch."""
        accelerator.backward(sum(losses.values()))

    def finish(self, step: int, accelerator: Accelerator) -> None:
        """Once all parts of the batch are in, leaves the gradients where the optimiser finds them."""


SUM = Backward()


def train(
    learner: nn.Module,
    batch_of: BatchOf,
    steps: int,
    losses_of: LossesOf,
    config: TrainConfig,
    folder: Path,
    settings: dict,
    at_state: AtState = unseen,
    before_step: BeforeStep = unchanged,
    backward: Backward = SUM,
    rates: Mapping[str, float] = NO_RATES,
) -> None:
    """The one loop. A stage differs only in what it passes as `batch_of`, `losses_of` and `backward`.

    Random numbers, learning rate and batches depend on seed, step and process alone. Every `save_every`
    steps, counted back from the last, the rest goes to state.safetensors in `folder`, from where a killed
    run goes on exactly as if it had been left alone; `settings` tell whether it may. Losses go to
    losses.jsonl, one line a step. The main process calls `at_state` after each state, and again after the
    one that a run resumes from. Every process calls `before_step` on the gradients of a whole batch,
    before they are clipped. `rates` are peak rates of their own, by how the names of parameters begin.
    """
    folder.mkdir(parents=True, exist_ok=True)
    accelerator = Accelerator(mixed_precision="no", gradient_accumulation_steps=config.accumulate)
    learner.to(accelerator.device)
    optimizer = torch.optim.AdamW(parameter_groups(learner, config, rates))
    done = load_state(folder / STATE, settings, learner, optimizer)
    model, optimizer = accelerator.prepare(learner, optimizer)
    if done and accelerator.is_main_process:
        at_state(done)
    with (
        Curves(folder / "losses.jsonl", done, steps, accelerator.is_main_process) as curves,
        forward_in(config.precision, learner, accelerator.device),
    ):
        for step in range(done, steps):
            model.train()
            seed_step(config.seed, step, accelerator.process_index)
            share = set_learning_rates(optimizer, step, steps, config)
            losses = take_step(
                model, optimizer, accelerator, config, step, batch_of, losses_of, before_step, backward
            )
            curves.add(step + 1, losses, share * config.learning_rate)
            if accelerator.is_main_process and (steps - step - 1) % config.save_every == 0:
                save_state(folder / STATE, step + 1, settings, learner, optimizer)
                at_state(step + 1)
    accelerator.wait_for_everyone()
    learner.cpu().eval()


@contextmanager
def forward_in(precision: Precision, learner: nn.Module, device: torch.device) -> Iterator[None]:
    """For a while, the learner's forward pass in that precision, and what it gives in single.

    Accelerator would do so for the life of a process, and the stages of a recipe may differ.
    """
    if precision == "bf16":
        half = torch.autocast(device.type, torch.bfloat16)(learner.forward)
        learner.forward = convert_outputs_to_fp32(half)
    try:
        yield
    finally:
        vars(learner).pop("forward", None)


def this_process() -> PartialState:
    """Which process this is, of how many; asked before there is an Accelerator, on CPUs too.

    Others wait for the main one, while it measures or while another recipe has a stage, as long as it takes.
    """
    return PartialState(cpu=parse_flag_from_env("ACCELERATE_USE_CPU"), timeout=PATIENCE)


def take_step(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    accelerator: Accelerator,
    config: TrainConfig,
    step: int,
    batch_of: BatchOf,
    losses_of: LossesOf,
    before_step: BeforeStep,
    backward: Backward,
) -> dict[str, float]:
    """One optimiser step over all parts of a batch; returns the mean of each loss."""
    parts = accelerator.num_processes * config.accumulate
    first = accelerator.process_index * config.accumulate
    means: dict[str, float] = {}
    for part in range(first, first + config.accumulate):
        with accelerator.accumulate(model), backward.forward(accelerator, model):
            losses = losses_of(model, on_device(batch_of(step, part, parts), accelerator.device))
            backward.add(losses, step, accelerator)
            if accelerator.sync_gradients:
                backward.finish(step, accelerator)
                before_step()
                accelerator.clip_grad_norm_(model.parameters(), config.clip)
            optimizer.step()
            optimizer.zero_grad()
        for name, loss in losses.items():
            mean = accelerator.reduce(loss.detach(), "mean").item()
            means[name] = means.get(name, 0.0) + mean / config.accumulate
    return means


def parameter_groups(
    learner: nn.Module, config: TrainConfig, rates: Mapping[str, float] = NO_RATES
) -> list[dict]:
    """What is trained, by learning rate and weight decay."""
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in learner.named_parameters():
        if parameter.requires_grad:
            usual = config.learning_rate if "language_model." in name else config.head_learning_rate
            rate = next((own for part, own in rates.items() if name.startswith(part)), usual)
            decay = config.weight_decay if parameter.dim() > 1 else 0.0
            groups.setdefault((rate, decay), []).append(parameter)
    return [
        {"params": parameters, "lr": rate, "peak": rate, "weight_decay": decay}
        for (rate, decay), parameters in groups.items()
    ]


def set_learning_rates(optimizer: torch.optim.Optimizer, step: int, steps: int, config: TrainConfig) -> float:
    share = learning_rate_share(step, steps, config.warmup, config.decay)
    for group in optimizer.param_groups:
        group["lr"] = group["peak"] * share
    return share


def learning_rate_share(step: int, steps: int, warmup: float, decay: bool = True) -> float:
    """Linear warm-up, then linear decay to zero, or none."""
    rising = max(1, round(warmup * steps))
    return min((step + 1) / rising, (steps - step) / max(1, steps - rising) if decay else 1.0)


def seed_step(seed: int, step: int, process: int) -> None:
    """Dropout depends on nothing that happened before this step."""
    torch.manual_seed(hash((seed, step, process)) % 2**63)


def on_device(batch: Batch, device: torch.device) -> Batch:
    return type(batch)(*(value.to(device) for value in batch))
