"""What each of T tasks' gradients counts for in a step: every strategy is a function of their inner products.

mtrec and aux_only know two tasks, the main one and all auxiliaries merged (mtrec: Bi et al., 2022, as its
figure shows it). The others are those of torchjd, brought to a sum where they give a mean, but for Nash-MTL.
"""

from collections.abc import Callable
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor
from torchjd.aggregation import (
    CAGradWeighting,
    MGDAWeighting,
    PCGradWeighting,
    UPGradWeighting,
)

Strategy = Literal["none", "aux_only", "mtrec", "pcgrad", "upgrad", "cagrad", "mgda", "nash-mtl"]
Weigh = Callable[[Float[Tensor, "T T"]], Float[Tensor, " T"]]

RADIUS = 0.5  # how far CAGrad may leave the mean gradient, as a share of its length
SHORT = 1e-12  # a length that CAGrad takes for none; torchjd's own, 1e-4, is that of a head that has learnt
NEWTON_STEPS = 40
LARGEST = 1e3  # of a weight for lengths of 1: products in single precision say no more
NEAR = 1e-4  # of Newton's step, in the length that it has by itself


def task_weights(strategy: Strategy, products: Float[Tensor, "T T"], seed: int) -> Float[Tensor, " T"]:
    """What each task counts for, given the inner products of the tasks' gradients; at any scale the same.

    Tasks without gradient do not take part. `seed` is that of PCGrad's random order.
    """
    taking_part = products.diagonal() > 0
    weights = torch.ones_like(products.diagonal())
    if taking_part.sum() > 1:
        some = products[taking_part][:, taking_part]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            weights[taking_part] = WEIGH[strategy](some / some.trace())
    return weights


def merging(strategy: Strategy, tasks: int) -> Float[Tensor, "G T"]:
    """Which tasks, of which the main one is the first, a strategy sees as one."""
    first = torch.arange(tasks) == 0
    if strategy == "none":
        return torch.ones(1, tasks, dtype=torch.float64)
    if strategy in ("aux_only", "mtrec"):
        return torch.stack([first, ~first][:tasks]).double()
    return torch.eye(tasks, dtype=torch.float64)


def alone(products: Float[Tensor, "T T"]) -> Float[Tensor, " T"]:
    """The sum, as it is."""
    return torch.ones_like(products.diagonal())


def aux_only(products: Float[Tensor, "2 2"]) -> Float[Tensor, " 2"]:
    """Takes from the auxiliary gradient what opposes the main one."""
    (main, opposition), _ = products
    return torch.stack([1 - opposition.clamp(max=0) / main, torch.ones_like(main)])


def mtrec(products: Float[Tensor, "2 2"]) -> Float[Tensor, " 2"]:
    """Takes from each gradient what opposes the other, both as they were before."""
    opposition = products[0, 1].clamp(max=0)
    return 1 - opposition / products.diagonal()


def as_sum(weigh: Weigh) -> Weigh:
    """Of a strategy whose weights are those of a mean."""
    return lambda products: len(products) * weigh(products)


def nash(products: Float[Tensor, "T T"]) -> Float[Tensor, " T"]:
    """Nash-MTL (Navon et al., 2022): what a task counts for, times how well the step serves it, is 1 for all.

    By damped Newton's method, on gradients of length 1 at first; torchjd's solver gives the plain sum back
    where it fails, which it does where tasks conflict. No step at all where gradients cancel each other: then
    none would serve every task.
    """
    lengths = products.diagonal().sqrt()
    alike, weights = products / torch.outer(lengths, lengths), torch.ones_like(lengths)
    for _ in range(NEWTON_STEPS):
        slope = alike @ weights - 1 / weights
        move = torch.linalg.solve(alike + torch.diag(weights**-2), slope)
        far = slope @ move
        if far < 0 or weights.max() > LARGEST:
            break
        weights = weights - move / (1 + far.sqrt())
        if far.sqrt() < NEAR:
            return weights / lengths
    return torch.zeros_like(lengths)


WEIGH: dict[Strategy, Weigh] = {
    "none": alone,
    "aux_only": aux_only,
    "mtrec": mtrec,
    "pcgrad": PCGradWeighting(),
    "upgrad": as_sum(UPGradWeighting()),
    "cagrad": as_sum(CAGradWeighting(RADIUS, SHORT)),
    "mgda": as_sum(MGDAWeighting()),
    "nash-mtl": nash,
}
