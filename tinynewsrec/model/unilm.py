"""UniLMv2 (Bao et al., 2020), the language model of Tiny-NewsRec (Yu et al., 2022).

It is BERT with the relative positions of T5 (Raffel et al., 2020) beside the absolute ones: every layer adds
to the score of a query and a key a number that depends on their distance, learnt once for all layers.

N texts, T tokens, W width, K attention heads.
"""

import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import AutoConfig, AutoModel, PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import BaseModelOutput

# Where the 16 buckets of a side start: at every distance up to 8, then each a factor of sqrt(2) further on.
BUCKET_STARTS = (0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 23, 32, 46, 64, 91)
BUCKETS = 2 * len(BUCKET_STARTS)
# The score of a padding key: far below any other, yet finite in float16, so that an empty text gives no NaN.
MASKED = -1e4


BASE = {
    "vocab_size": 30522,
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
    "hidden_dropout_prob": 0.1,
    "attention_probs_dropout_prob": 0.1,
    "max_position_embeddings": 512,
    "type_vocab_size": 2,
    "initializer_range": 0.02,
    "layer_norm_eps": 1e-12,
    "pad_token_id": 0,
}


class UniLMv2Config(PretrainedConfig):
    """The settings of BASE, unless given."""

    model_type = "unilmv2"

    def __init__(self, **settings):
        super().__init__(**BASE | settings)


class Embeddings(nn.Module):
    def __init__(self, config: UniLMv2Config):
        super().__init__()
        width = config.hidden_size
        self.word_embeddings = nn.Embedding(config.vocab_size, width)
        self.position_embeddings = nn.Embedding(config.max_position_embeddings, width)
        self.token_type_embeddings = nn.Embedding(config.type_vocab_size, width)
        self.norm = nn.LayerNorm(width, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def forward(
        self, words: Float[Tensor, "N T W"], types: Int[Tensor, "N T"] | None
    ) -> Float[Tensor, "N T W"]:
        length, longest = words.shape[1], self.position_embeddings.num_embeddings
        if length > longest:
            raise ValueError(f"UniLMv2 reads at most {longest} tokens, got {length}; cut the texts shorter.")
        positions = self.position_embeddings.weight[:length]
        types = self.token_type_embeddings.weight[0] if types is None else self.token_type_embeddings(types)
        return self.dropout(self.norm(words + positions + types))


class RelativePositions(nn.Module):
    """What the distance from a query to a key adds to their score, for each attention head."""

    def __init__(self, heads: int):
        super().__init__()
        self.table = nn.Embedding(BUCKETS, heads)

    def forward(self, length: int) -> Float[Tensor, "K T T"]:
        position = torch.arange(length, device=self.table.weight.device)
        return self.table(buckets(position - position[:, None])).permute(2, 0, 1)


class Attention(nn.Module):
    def __init__(self, config: UniLMv2Config):
        super().__init__()
        width = config.hidden_size
        self.heads = config.num_attention_heads
        self.dropout = config.attention_probs_dropout_prob
        self.query = nn.Linear(width, width)
        # A key bias would move all scores of a query by the same amount, which softmax does not see.
        self.key = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(width, width)
        self.output = nn.Linear(width, width)

    def forward(
        self, words: Float[Tensor, "N T W"], bias: Float[Tensor, "#N K T T"]
    ) -> Float[Tensor, "N T W"]:
        query, key, value = (
            part(words).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for part in (self.query, self.key, self.value)
        )
        mixed = F.scaled_dot_product_attention(
            query, key, value, attn_mask=bias, dropout_p=self.dropout if self.training else 0.0
        )
        return self.output(mixed.transpose(1, 2).flatten(2))


class Layer(nn.Module):
    def __init__(self, config: UniLMv2Config):
        super().__init__()
        width, eps = config.hidden_size, config.layer_norm_eps
        self.attention = Attention(config)
        self.attention_norm = nn.LayerNorm(width, eps=eps)
        self.expand = nn.Linear(width, config.intermediate_size)
        self.contract = nn.Linear(config.intermediate_size, width)
        self.norm = nn.LayerNorm(width, eps=eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def forward(
        self, words: Float[Tensor, "N T W"], bias: Float[Tensor, "#N K T T"]
    ) -> Float[Tensor, "N T W"]:
        words = self.attention_norm(words + self.dropout(self.attention(words, bias)))
        return self.norm(words + self.dropout(self.contract(F.gelu(self.expand(words)))))


class Encoder(nn.Module):
    def __init__(self, config: UniLMv2Config):
        super().__init__()
        self.relative_positions = RelativePositions(config.num_attention_heads)
        self.layer = nn.ModuleList(Layer(config) for _ in range(config.num_hidden_layers))

    def forward(
        self, words: Float[Tensor, "N T W"], mask: Bool[Tensor, "N T"] | None, keep_states: bool
    ) -> BaseModelOutput:
        bias = self.relative_positions(words.shape[1])[None]
        if mask is not None:
            bias = torch.where(mask[:, None, None], bias, MASKED)
        states = [words]
        for layer in self.layer:
            words = layer(words, bias)
            if keep_states:
                states.append(words)
        return BaseModelOutput(words, tuple(states) if keep_states else None)


class UniLMv2Model(PreTrainedModel):
    """The encoder, without a pooler or any other head."""

    config_class = UniLMv2Config
    base_model_prefix = "unilmv2"
    _supports_sdpa = True
    _input_embed_layer = "word_embeddings"

    def __init__(self, config: UniLMv2Config):
        super().__init__(config)
        if config.hidden_size % config.num_attention_heads:
            raise ValueError(
                f"hidden_size must be a multiple of num_attention_heads, "
                f"got {config.hidden_size} and {config.num_attention_heads}."
            )
        self.embeddings = Embeddings(config)
        self.encoder = Encoder(config)
        self.post_init()

    def forward(
        self,
        input_ids: Int[Tensor, "N T"] | None = None,
        attention_mask: Shaped[Tensor, "N T"] | None = None,
        token_type_ids: Int[Tensor, "N T"] | None = None,
        inputs_embeds: Float[Tensor, "N T W"] | None = None,
        output_hidden_states: bool = False,
    ) -> BaseModelOutput:
        """The vectors of the words after the last layer; those of padding (mask 0) mean nothing."""
        if (input_ids is None) == (inputs_embeds is None):
            raise ValueError("Expected either input_ids or inputs_embeds, found both or neither.")
        words = self.embeddings.word_embeddings(input_ids) if inputs_embeds is None else inputs_embeds
        mask = None if attention_mask is None else attention_mask.bool()
        return self.encoder(self.embeddings(words, token_type_ids), mask, output_hidden_states)


def buckets(distance: Int[Tensor, "*any"]) -> Int[Tensor, "*any"]:
    """The row of the relative position table for key position minus query position: 0 to 15 backward and for
    the same place, 17 to 31 forward (T5's buckets: 32 in two directions, up to a distance of 128).
    """
    starts = torch.tensor(BUCKET_STARTS, device=distance.device)
    side = torch.bucketize(distance.abs(), starts, right=True) - 1
    return side + len(BUCKET_STARTS) * (distance > 0)


AutoConfig.register("unilmv2", UniLMv2Config)
AutoModel.register(UniLMv2Config, UniLMv2Model)
