"""Writes conflicts.jsonl, whose lines tinynewsrec.model.conflicts describes, from inner products alone.

L layers, T tasks, the main one first.
"""

import re
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from tinynewsrec.model.conflicts import Conflicts, LayerPull, TaskPull

PARTS = {"pool": "pooling", "project": "projection"}


def layer_of(name: str) -> str:
    """Where a parameter stands, from its name."""
    path = name.split(".")
    if "language_model" in path:
        numbers = [part for part in path[path.index("language_model") :] if part.isdecimal()]
        return f"layer {numbers[0]}" if numbers else "embeddings"
    return next((PARTS[part] for part in path if part in PARTS), "other")


def in_order(layers: set[str]) -> list[str]:
    """From the first to the last that a title goes through."""
    ends = ["embeddings", "layer", "pooling", "projection", "other"]
    return sorted(
        layers, key=lambda layer: (ends.index(layer.split()[0]), int("0" + re.sub(r"\D", "", layer)))
    )


def measured(
    step: int,
    tasks: Sequence[str],
    layers: Sequence[str],
    products: Float[Tensor, "L T T"],
    weights: Float[Tensor, "L T"],
) -> Conflicts:
    """From the inner products in each layer, and what each task counted for there."""
    whole, plain = products.sum(0), torch.ones_like(weights)
    with_plain, plain_length = service(products, plain)
    with_taken, taken_length = service(products, weights)
    pulls = {}
    for place, (task, pull) in enumerate(pulls_of(tasks, whole).items()):
        length = whole[place, place].sqrt()
        before = cosine(with_plain[place], plain_length * length)
        pulls[task] = TaskPull(*pull, before, after=cosine(with_taken[place], taken_length * length))
    by_layer = {layer: pulls_of(tasks, found) for layer, found in zip(layers, products, strict=True)}
    moved = service(products, weights - plain)[1]
    removed = rounded(moved / plain_length) if plain_length else 0.0
    return Conflicts(step, removed, pulls, by_layer, pairs_of(tasks, whole))


def pulls_of(tasks: Sequence[str], products: Float[Tensor, "T T"]) -> dict[str, LayerPull]:
    """Each task beside the main one, by the inner products of their gradients."""
    lengths = products.diagonal().sqrt()
    return {
        task: LayerPull(rounded(length), cosine(product, lengths[0] * length), bool(product < 0))
        for task, length, product in zip(tasks, lengths, products[0], strict=True)
    }


def pairs_of(tasks: Sequence[str], products: Float[Tensor, "T T"]) -> dict[str, dict[str, float | None]]:
    """The cosine of each auxiliary task with those after it."""
    lengths = products.diagonal().sqrt()
    return {
        task: {
            other: cosine(products[place, later], lengths[place] * lengths[later])
            for later, other in enumerate(tasks[place + 1 :], start=place + 1)
        }
        for place, task in enumerate(tasks[1:-1], start=1)
    }


def service(
    products: Float[Tensor, "L T T"], weights: Float[Tensor, "L T"]
) -> tuple[Float[Tensor, " T"], Float[Tensor, ""]]:
    """Each task's inner product with the weighted sum of all, and that sum's length."""
    each = torch.einsum("lst,ls->lt", products, weights)
    return each.sum(0), (each * weights).sum().clamp(min=0).sqrt()


def cosine(product: Float[Tensor, ""], lengths: Float[Tensor, ""]) -> float | None:
    return rounded((product / lengths).clamp(-1, 1)) if lengths > 0 else None


def rounded(number: Float[Tensor, ""]) -> float:
    return float(f"{number.item():.4g}")
