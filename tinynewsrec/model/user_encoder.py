import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from tinynewsrec.model.attention import AttentionPooling, SelfAttention
from tinynewsrec.model.config import ModelConfig


class UserEncoder(nn.Module):
    """Reads the vectors of clicked stories and returns the reader's vector.

    A reader without history gets a learnt vector, the same for all of them.
    """

    def __init__(self, config: ModelConfig):
        super().__init__()
        exact = config.user_encoder == "attention"
        self.mix = None if exact else SelfAttention(config.news_size, config.heads)
        self.pool = AttentionPooling(config.news_size, config.query_size)
        self.newcomer = nn.Parameter(torch.zeros(config.news_size))

    def forward(self, history: Float[Tensor, "B H D"], mask: Bool[Tensor, "B H"]) -> Float[Tensor, "B D"]:
        reader = self.pool(history if self.mix is None else self.mix(history, mask), mask)
        return torch.where(mask.any(-1, keepdim=True), reader, self.newcomer)
