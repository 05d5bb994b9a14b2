"""Where the time of encoding titles goes, part by part."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import NamedTuple

import torch
from torch import nn

from tinynewsrec.data.tokens import Tokens
from tinynewsrec.model.language_models import layers_of
from tinynewsrec.model.recommender import Recommender


class Parts(NamedTuple):
    """Seconds; the rest is what lies between the parts: sorting, masks, copies."""

    embeddings: float
    layers: tuple[float, ...]
    pooling: float
    projection: float
    rest: float


@torch.no_grad()
def parts_of(recommender: Recommender, tokens: Tokens, rounds: int = 3) -> Parts:
    """The fastest of some rounds after a warm-up, each part on its own."""
    encoder = recommender.news_encoder
    embeddings = encoder.language_model.get_input_embeddings()
    inner = getattr(encoder.language_model, "embeddings", embeddings)
    watched = [inner, *layers_of(encoder.language_model), encoder.pool, encoder.project]
    seen = []
    for _ in range(rounds + 1):
        with timed(watched) as seconds:
            start = perf_counter()
            recommender.encode(tokens)
            whole = perf_counter() - start
        seen.append([*seconds, whole - sum(seconds)])
    first, *layers, pooling, projection, rest = map(min, zip(*seen[1:], strict=True))
    return Parts(first, tuple(layers), pooling, projection, rest)


@contextmanager
def timed(modules: list[nn.Module]) -> Iterator[list[float]]:
    """Seconds spent in each module's forward, summed over its calls; the hooks are gone afterwards."""
    seconds, starts = [0.0] * len(modules), [0.0] * len(modules)
    handles = []

    def begin(place: int) -> None:
        starts[place] = perf_counter()

    def end(place: int) -> None:
        seconds[place] += perf_counter() - starts[place]

    for place, module in enumerate(modules):
        handles += [
            module.register_forward_pre_hook(lambda *_, place=place: begin(place)),
            module.register_forward_hook(lambda *_, place=place: end(place)),
        ]
    try:
        yield seconds
    finally:
        for handle in handles:
            handle.remove()
