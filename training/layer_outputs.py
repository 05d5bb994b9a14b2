"""What single layers of a language model give, of any family: hidden states, and the scores of attention.

N stories, T tokens, W width, K attention heads.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any, NamedTuple

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from tinynewsrec.data.tokens import Tokens
from tinynewsrec.model.frozen import FrozenWords, words_of
from tinynewsrec.model.language_models import layers_of
from tinynewsrec.model.news_encoder import NewsEncoder


class LayerOutputs(NamedTuple):
    """Of the layers that were asked for; what stands at padding means nothing."""

    words: Float[Tensor, "N T W"]  # what the whole language model gives
    states: tuple[Float[Tensor, "N T W"], ...]  # behind each of the layers
    scores: tuple[Float[Tensor, "N K T T"], ...]  # of each query and key, before softmax and its dropout


def layer_outputs(encoder: NewsEncoder, stories: Tokens | FrozenWords, layers: Sequence[int]) -> LayerOutputs:
    """Reads stories as the news encoder does; `layers` count from 1.

    Raises ValueError where a layer is not run, or takes no softmax that could be listened to.
    """
    stack = layers_of(encoder.language_model)
    chosen = [stack[place - 1] for place in layers]
    with Listener(chosen) as listener:
        words = encoder.words(stories)
    missing = [place for place, layer in zip(layers, chosen, strict=True) if layer not in listener.scores]
    if missing:
        raise ValueError(
            f"Layers {missing} of {type(encoder.language_model).__name__} gave no attention scores: "
            f"expected layers above the frozen ones, with softmax attention (BERT, MPNet, UniLMv2)."
        )
    states, scores = ([found[layer] for layer in chosen] for found in (listener.states, listener.scores))
    return LayerOutputs(words, tuple(states), tuple(scores))


class Listener(TorchFunctionMode):
    """Notes, while it is entered, what each layer gives and what its attention takes the softmax of.

    Attention probabilities, which transformers would hand out, are those behind dropout: their zeros have no
    logarithm. Nor do all families hand them out.
    """

    def __init__(self, layers: Sequence[nn.Module]):
        super().__init__()
        self.layers, self.hooks = layers, ExitStack()
        self.states: dict[nn.Module, Tensor] = {}
        self.scores: dict[nn.Module, Tensor] = {}
        self.running: nn.Module | None = None

    def __enter__(self) -> "Listener":
        for layer in self.layers:
            self.hooks.enter_context(layer.register_forward_pre_hook(self.begin))
            self.hooks.enter_context(layer.register_forward_hook(self.end))
        return super().__enter__()

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)
        self.hooks.close()

    def begin(self, layer: nn.Module, given: tuple) -> None:
        self.running = layer

    def end(self, layer: nn.Module, given: tuple, found: Tensor | tuple[Tensor | None, ...]) -> None:
        self.states[layer] = words_of(found)
        self.running = None

    def __torch_function__(self, function: Any, types: Any, given: tuple = (), named: dict | None = None):
        if self.running is not None and function is F.scaled_dot_product_attention:
            self.scores[self.running] = attention_scores(*given, **named or {})
        elif self.running is not None and function in (F.softmax, Tensor.softmax):
            self.scores[self.running] = given[0]
        return function(*given, **named or {})


def attention_scores(
    query: Float[Tensor, "N K T S"],
    key: Float[Tensor, "N K T S"],
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    **more: Any,
) -> Float[Tensor, "N K T T"]:
    """What `scaled_dot_product_attention` takes the softmax of, but for keys that a yes-or-no mask hides."""
    scores = query @ key.mT * (query.shape[-1] ** -0.5 if scale is None else scale)
    if attn_mask is None or not attn_mask.is_floating_point():
        return scores
    return scores + attn_mask
