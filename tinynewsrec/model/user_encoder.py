import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from tinynewsrec.model.attention import AttentionPooling, SelfAttention
from tinynewsrec.model.config import ModelConfig


class UserEncoder(nn.Module):
    """Reads the vectors of clicked stories and returns the reader's vector.

    A reader without history gets a learnt vector, the same for all of them. Every reader's vector is
    multiplied by `factor`, and so is every score.
    """

    def __init__(self, config: ModelConfig):
        super().__init__()
        exact = config.user_encoder == "attention"
        self.mix = None if exact else SelfAttention(config.news_size, config.heads)
        self.pool = AttentionPooling(config.news_size, config.query_size)
        self.newcomer = nn.Parameter(torch.zeros(config.news_size))
        self.fixed = config.news_size**-0.5 if config.score_scale == "root" else 1.0
        self.log_factor = nn.Parameter(torch.zeros(())) if config.score_scale == "learned" else None

    @property
    def factor(self) -> Float[Tensor, ""] | float:
        return self.fixed if self.log_factor is None else self.log_factor.exp()

    def forward(self, history: Float[Tensor, "B H D"], mask: Bool[Tensor, "B H"]) -> Float[Tensor, "B D"]:
        reader = self.pool(history if self.mix is None else self.mix(history, mask), mask)
        return self.factor * torch.where(mask.any(-1, keepdim=True), reader, self.newcomer)
