from dataclasses import dataclass
from typing import Any, Literal

Precision = Literal["fp32", "bf16"]


@dataclass(frozen=True)
class TrainConfig:
    epochs: int = 4
    """How often every click is seen, but for the few that do not fill a last batch."""
    batch_size: int = 2048
    """Clicks per optimiser step, over all processes and accumulated parts."""
    accumulate: int = 1
    """Parts in which a batch is computed, to save memory."""
    learning_rate: float = 4e-4
    """Peak rate of the language model's layers."""
    head_learning_rate: float = 3e-3
    """Peak rate of everything on top of the language model."""
    warmup: float = 0.1
    """Share of the steps spent warming up."""
    decay: bool = True
    """Whether the rates then fall to zero, linearly, or stay."""
    weight_decay: float = 0.01
    """Of matrices; biases and norms have none."""
    clip: float = 1.0
    """Largest norm of a step's gradient."""
    precision: Precision = "fp32"
    """Of the forward pass; weights stay fp32."""
    save_every: int = 10
    """Steps between two states that a killed run can resume from, counted back from the last step."""
    seed: int = 0

    def __post_init__(self):
        refuse_below(self, epochs=1, batch_size=1, accumulate=1, save_every=1)
        refuse_below(self, learning_rate=0, head_learning_rate=0, weight_decay=0)
        if not self.clip > 0:
            raise ValueError(f"clip must be above 0, got {self.clip}.")
        if not 0 <= self.warmup <= 1:
            raise ValueError(f"warmup is a share of the steps, between 0 and 1; got {self.warmup}.")
        if self.batch_size % self.accumulate:
            raise ValueError(
                f"batch_size must be a multiple of accumulate, got {self.batch_size} and {self.accumulate}."
            )

    def steps(self, cases: int) -> int:
        """Of the whole run; cases that do not fill a batch wait for another epoch's order."""
        return max(1, cases // self.batch_size) * self.epochs


def refuse_below(settings: Any, **least: int) -> None:
    """Raises ValueError for a setting that is less than the least that makes sense; None is a choice."""
    for name, bound in least.items():
        value = getattr(settings, name)
        if value is not None and not value >= bound:
            raise ValueError(f"{name} must be {bound} or more, got {value}.")


def refuse_no_set(settings: Any, *names: str) -> None:
    """Raises ValueError for a setting that names nothing, or one thing twice; None is a choice."""
    for name in names:
        found = getattr(settings, name)
        if found is not None and not 0 < len(set(found)) == len(found):
            raise ValueError(f"{name} must name one at least, and none twice; got {found}.")
