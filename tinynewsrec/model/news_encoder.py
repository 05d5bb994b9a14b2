from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from transformers import PreTrainedModel

from tinynewsrec.data.tokens import Tokens
from tinynewsrec.model.attention import AttentionPooling, FirstPooling, MeanPooling
from tinynewsrec.model.config import ModelConfig
from tinynewsrec.model.frozen import FrozenWords, thaw
from tinynewsrec.model.language_models import keep_layers, layers_of

TOGETHER = 256  # stories of similar length that are encoded at once


class Depths(NamedTuple):
    """What the encoder makes of N stories on the way: each word piece, all of them as one, the vector."""

    words: Float[Tensor, "N T W"]
    pooled: Float[Tensor, "N W"]
    vector: Float[Tensor, "N D"]


class NewsEncoder(nn.Module):
    """Reads a title and returns its vector: language model, pooling, projection (Yu et al., 2022)."""

    def __init__(self, language_model: PreTrainedModel, config: ModelConfig):
        super().__init__()
        self.language_model = keep_layers(language_model, config.layers)
        self.frozen_layers = 0
        width = language_model.config.hidden_size
        self.pool = {
            "attention": lambda: AttentionPooling(width, config.query_size),
            "mean": MeanPooling,
            "cls": FirstPooling,
        }[config.pooling]()
        self.project = projection(width, config.news_size) if config.projection else nn.Identity()
        if not config.projection and config.news_size != width:
            raise ValueError(
                f"Without a projection news_size must be the language model's width, {width}; "
                f"got {config.news_size}."
            )

    def forward(self, tokens: Tokens | FrozenWords) -> Float[Tensor, "N D"]:
        return by_length(tokens, lambda part: (self.encode(part),))[0]

    def encode(self, tokens: Tokens | FrozenWords) -> Float[Tensor, "N D"]:
        return self.depths(tokens).vector

    def depths(self, tokens: Tokens | FrozenWords) -> Depths:
        words = self.words(tokens)
        pooled = self.pool(words, tokens.mask)
        return Depths(words, pooled, self.project(pooled))

    def words(self, tokens: Tokens | FrozenWords) -> Float[Tensor, "N T W"]:
        """The last kept layer's vector of each word piece."""
        if isinstance(tokens, FrozenWords):
            return thaw(self.language_model, tokens)
        return self.language_model(tokens.ids, attention_mask=tokens.mask.long()).last_hidden_state

    def freeze_below(self, trained: int) -> None:
        """Leaves only the last `trained` layers of the language model trainable."""
        layers = layers_of(self.language_model)
        self.frozen_layers = max(0, len(layers) - trained)
        self.language_model.requires_grad_(False)
        for layer in layers[self.frozen_layers :]:
            layer.requires_grad_(True)

    def train(self, mode: bool = True) -> "NewsEncoder":
        """As everywhere, but frozen parts keep their dropout off: what they give for a story is constant."""
        super().train(mode)
        for part in self.language_model.modules():
            learns = [parameter.requires_grad for parameter in part.parameters()]
            if learns and not any(learns):
                part.eval()
        return self


def projection(width: int, news_size: int) -> nn.Linear:
    """Keeps angles as far as fewer numbers can: untrained, it ranks as its language model would."""
    project = nn.Linear(width, news_size)
    nn.init.orthogonal_(project.weight)
    nn.init.zeros_(project.bias)
    return project


def by_length(stories: Any, encode: Callable[[Any], tuple[Tensor, ...]]) -> tuple[Tensor, ...]:
    """`encode` on stories of similar length together, so that little padding is computed.

    Stories are the first axis of what it gives.
    """
    order = stories.lengths.argsort(descending=True, stable=True)
    parts = [encode(stories.take(rows)) for rows in order.split(TOGETHER)]
    return tuple(torch.cat(part)[order.argsort()] for part in zip(*parts, strict=True))
