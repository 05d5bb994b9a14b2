"""The gradients of several tasks, kept apart until it is known what each counts for.

A row is those of a task, or of a group of tasks; R rows, the main task's the first; L layers.
"""

from collections.abc import Sequence

import torch
from accelerate import Accelerator
from jaxtyping import Float
from torch import Tensor

Gradients = list[Tensor | None]  # of one row, by parameter; None where it does not reach


def gradients(loss: Tensor, parameters: Sequence[Tensor], kept: bool) -> Gradients:
    """Of one row; `kept` is the graph, for another."""
    if not loss.requires_grad:
        return [None] * len(parameters)
    return list(torch.autograd.grad(loss, parameters, retain_graph=kept, allow_unused=True))


def added(row: Gradients, more: Gradients) -> Gradients:
    return [total(pair, [1.0, 1.0]) for pair in zip(row, more, strict=True)]


def total(found: Sequence[Tensor | None], counts: Sequence[float]) -> Tensor | None:
    """The weighted sum of the gradients that there are."""
    terms = [count * g for count, g in zip(counts, found, strict=True) if g is not None]
    return sum(terms[1:], terms[0]) if terms else None


def is_shared(found: Sequence[Tensor | None]) -> bool:
    """Whether the main task and another reach a parameter."""
    return found[0] is not None and any(g is not None for g in found[1:])


def mean_over_processes(
    rows: list[Gradients], parameters: Sequence[Tensor], accelerator: Accelerator
) -> list[Gradients]:
    """A row reaches a parameter where it does in any process."""
    if accelerator.num_processes == 1:
        return rows
    here = torch.tensor([[g is not None for g in row] for row in rows], device=accelerator.device)
    anywhere = accelerator.reduce(here.int(), "sum").bool().tolist()
    return [
        [
            accelerator.reduce(torch.zeros_like(p) if g is None else g, "mean") if reached else None
            for p, g, reached in zip(parameters, row, reaching, strict=True)
        ]
        for row, reaching in zip(rows, anywhere, strict=True)
    ]


def inner_products(rows: list[Gradients], of_layer: list[int], layers: int) -> Float[Tensor, "L R R"]:
    """Of the rows, in each layer; `of_layer` is that of each parameter."""
    products = torch.zeros(layers, len(rows), len(rows), dtype=torch.float64)
    for layer, column in zip(of_layer, zip(*rows, strict=True), strict=True):
        vectors = torch.stack(flat(column))
        products[layer] += (vectors @ vectors.T).cpu()
    return products


def flat(column: Sequence[Tensor | None]) -> list[Tensor]:
    """The gradients of one parameter as vectors of single precision, zero where a row does not reach."""
    like = next(g for g in column if g is not None)
    return [(torch.zeros_like(like) if g is None else g).flatten().float() for g in column]
