"""The low-rank adapter of a checkpoint, which its weights hold merged, and how much of it to use.

The folder `adapter` is as peft saves it, so peft can put it on the language model too; none is needed here.
"""

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jaxtyping import Float
from torch import Tensor

from tinynewsrec.model.folder import read_json
from tinynewsrec.model.recommender import Recommender
from tinynewsrec.model.weights import Weights, read_weights

ADAPTER, WEIGHTS, CONFIG = "adapter", "adapter_model.safetensors", "adapter_config.json"
PREFIX = "base_model.model."  # before the name of a map in a language model, when peft writes it
MODEL = "news_encoder.language_model."  # and in a recommender
DOWN, UP = ".lora_A.weight", ".lora_B.weight"


@dataclass(frozen=True)
class Adapter:
    """By name of a weight of the recommender, what training added to it."""

    deltas: dict[str, Float[Tensor, "out in"]]
    rank: int
    scale: float
    """What the product of each two matrices was multiplied with: alpha / sqrt(rank), or alpha / rank."""

    @classmethod
    def load(cls, folder: Path) -> "Adapter | None":
        """That of a checkpoint, or None where it has none. Raises ValueError for a damaged one."""
        if not (folder / ADAPTER).is_dir():
            return None
        config, weights = read_json(folder / ADAPTER / CONFIG), read_weights(folder / ADAPTER / WEIGHTS)
        try:
            return adapter_of(config, weights)
        except (LookupError, TypeError, ValueError, RuntimeError, ZeroDivisionError) as error:
            raise ValueError(
                f"{folder / ADAPTER} does not hold an adapter as peft saves it ({error!r}). Train it again."
            ) from error

    @property
    def parameters(self) -> int:
        """How many numbers were trained in its place."""
        return sum(self.rank * sum(delta.shape) for delta in self.deltas.values())

    def used(self, recommender: Recommender, scale: float) -> Recommender:
        """The recommender that it belongs to, with `scale` times the adapter: 1 is as released, 0 without.

        All other weights are shared with the one that is given. Where released weights are compact, those
        at 0 are the language model's up to their rounding. Raises ValueError where the adapter does not fit.
        """
        parameters = dict(recommender.named_parameters())
        for name, delta in self.deltas.items():
            if name not in parameters or parameters[name].shape != delta.shape:
                raise ValueError(
                    f"The adapter has a matrix of {tuple(delta.shape)} for {name}, which has none."
                )
        shared = [recommender.tokenizer, *(p for name, p in parameters.items() if name not in self.deltas)]
        rescaled = copy.deepcopy(recommender, {id(part): part for part in shared})
        for name, delta in self.deltas.items():
            weight = rescaled.get_parameter(name).data
            weight.add_(delta.to(weight.device), alpha=scale - 1)
        return rescaled


def adapter_of(config: dict[str, Any], weights: Weights) -> Adapter:
    rank, alpha = config["r"], config["lora_alpha"]
    scale = alpha / (rank**0.5 if config["use_rslora"] else rank)
    maps = [name.removesuffix(DOWN) for name in weights if name.endswith(DOWN)]
    if not maps or len(weights) != 2 * len(maps):
        raise ValueError(f"expected two matrices a map, found {len(weights)} in {len(maps)} maps")
    deltas = {
        MODEL + name.removeprefix(PREFIX) + ".weight": scale * weights[name + UP] @ weights[name + DOWN]
        for name in maps
    }
    return Adapter(deltas, rank, scale)
