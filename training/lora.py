"""Low-rank adapters (Hu et al., 2022): a language model learns a small matrix beside a few large ones.

    adapt(recommender.news_encoder, arguments.lora, seed)  # before the learner is made
    merge(recommender, arguments.out)                      # before the recommender is saved

Adapters go into trained layers alone, so what the frozen ones make of a story can be computed beforehand.
"""

from dataclasses import dataclass
from pathlib import Path

import peft
import torch
from peft.tuners.tuners_utils import BaseTunerLayer
from torch import nn
from transformers import PreTrainedModel

from tinynewsrec.model.language_models import layers_of
from tinynewsrec.model.lora import ADAPTER, PREFIX, WEIGHTS
from tinynewsrec.model.news_encoder import NewsEncoder
from tinynewsrec.model.recommender import Recommender
from tinynewsrec.model.weights import write_weights
from training.loop import this_process
from training.record import without_machine

# What language models call the maps to queries and values: BERT, RoBERTa, XLM-R, ELECTRA, UniLMv2; then
# DistilBERT; MPNet; DeBERTa; its first version; ModernBERT. In the last two queries, keys and values are one.
QUERY_AND_VALUE = (
    ("query", "value"),
    ("q_lin", "v_lin"),
    ("q", "v"),
    ("query_proj", "value_proj"),
    ("in_proj",),
    ("Wqkv",),
)


@dataclass(frozen=True)
class LoraConfig:
    rank: int = 0
    """Rows of each adapter; 0: none, and all weights of the trained layers learn."""
    alpha: int = 16
    """An adapter counts alpha / sqrt(rank) times, or alpha / rank if not rank-stabilised."""
    rank_stabilised: bool = True
    """rsLoRA (Kalajdzievski, 2023): divides alpha by the root of the rank."""
    dropout: float = 0.0
    """Of what goes into an adapter."""
    targets: tuple[str, ...] = ()
    """Names of the maps that get one; none: queries and values, as the language model calls them."""

    def __post_init__(self):
        if self.rank < 0 or self.alpha <= 0:
            raise ValueError(f"rank must be 0 or more and alpha above 0, got {self.rank} and {self.alpha}.")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout is a share, from 0 to less than 1; got {self.dropout}.")


def adapt(encoder: NewsEncoder, config: LoraConfig, seed: int) -> None:
    """Puts adapters into the trained layers, in place; nothing else of the language model is trained then.

    Call it after `freeze_below`, and before a learner or an optimiser sees the parameters. They change
    nothing until they are trained. Raises ValueError where there is nothing to adapt.
    """
    if not config.rank:
        return
    model = encoder.language_model
    wanted = peft.LoraConfig(
        r=config.rank,
        lora_alpha=config.alpha,
        use_rslora=config.rank_stabilised,
        lora_dropout=config.dropout,
        target_modules=targets(model, encoder.frozen_layers, config.targets),
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        peft.inject_adapter_in_model(wanted, model)


def targets(model: PreTrainedModel, frozen: int, names: tuple[str, ...]) -> list[str]:
    """The full names of the maps to adapt. Raises ValueError where a trained layer has none of a name."""
    stack = layers_of(model)
    place = next(name for name, part in model.named_modules() if part is stack)
    maps = {
        f"{place}.{layer}.{name}": name.split(".")[-1]
        for layer in range(frozen, len(stack))
        for name, part in stack[layer].named_modules()
        if isinstance(part, nn.Linear)
    }
    found = set(maps.values())
    chosen = next((known for known in ((names,) if names else QUERY_AND_VALUE) if found >= set(known)), None)
    if chosen is None:
        raise ValueError(
            f"Expected maps called {' and '.join(names) or 'query and value'} in the trained layers of "
            f"{type(model).__name__}, found {', '.join(sorted(found)) or 'no trained layer'}. Choose among "
            f"them with --lora.targets, and --trained-layers of 1 or more: frozen layers are read once, "
            f"without adapters."
        )
    return [name for name, last in maps.items() if last in chosen]


def merge(recommender: Recommender, folder: Path) -> None:
    """Saves the adapters alone, as peft does, then adds them to the weights in place, if there are any."""
    model = recommender.news_encoder.language_model
    adapted = {name: part for name, part in model.named_modules() if isinstance(part, BaseTunerLayer)}
    if not adapted:
        return
    if this_process().is_main_process:
        save(model, without_machine(recommender.config.language_model), folder / ADAPTER)
    for name, part in adapted.items():
        part.merge()
        model.set_submodule(name, part.get_base_layer())
    del model.peft_config


def save(model: PreTrainedModel, name: str, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    weights = peft.get_peft_model_state_dict(model)
    write_weights({PREFIX + weight: tensor for weight, tensor in weights.items()}, folder / WEIGHTS)
    config = model.peft_config["default"]
    config.base_model_name_or_path = name
    config.save_pretrained(folder)
