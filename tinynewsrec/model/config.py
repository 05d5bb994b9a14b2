from dataclasses import dataclass
from typing import Literal

MINILM = "sentence-transformers/all-MiniLM-L6-v2"


@dataclass(frozen=True)
class ModelConfig:
    language_model: str = MINILM
    """Name or folder of a Hugging Face encoder."""
    layers: int = 6
    """How many of its layers to keep, from the first."""
    pooling: Literal["attention", "cls", "mean"] = "attention"
    """How the words of a title become one vector."""
    user_encoder: Literal["attention", "self-attention"] = "attention"
    """Attention pooling over the clicks (NAML in the authors' code), or self-attention before it (NRMS)."""
    projection: bool = True
    """Whether a learnt map to news_size numbers follows; MTRec has none: news_size is the words' width."""
    news_size: int = 256
    """Numbers in a news vector, and so in a reader's vector."""
    score_scale: Literal["none", "root", "learned"] = "none"
    """What scores are multiplied by: nothing, 1 by the square root of news_size, or a learnt number."""
    query_size: int = 200
    """Hidden size of attention pooling."""
    heads: int = 16
    """Attention heads of the self-attention user encoder."""
    title_length: int = 30
    """Tokens of a title, the special ones included; the rest is cut off."""
    history_length: int = 50
    """Clicks of a reader that are looked at, the latest ones."""

    def __post_init__(self):
        for name in ("layers", "news_size", "query_size", "heads", "title_length", "history_length"):
            if not isinstance(getattr(self, name), int) or getattr(self, name) < 1:
                raise ValueError(f"{name} must be a whole number of 1 or more, got {getattr(self, name)}.")
        if self.title_length < 3:
            raise ValueError(f"title_length must leave room for a word: 3 or more, got {self.title_length}.")
        if self.user_encoder == "self-attention" and self.news_size % self.heads:
            raise ValueError(f"news_size must be a multiple of heads, got {self.news_size} and {self.heads}.")
        for name, known in (
            ("pooling", ("attention", "cls", "mean")),
            ("user_encoder", ("attention", "self-attention")),
            ("score_scale", ("none", "root", "learned")),
        ):
            if getattr(self, name) not in known:
                raise ValueError(f"{name} must be one of {', '.join(known)}; got {getattr(self, name)!r}.")
