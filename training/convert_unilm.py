"""Converts a checkpoint of UniLMv2 in its authors' format into a folder that Hugging Face can read.

python -m training.convert_unilm --checkpoint unilm2-base-uncased.bin --vocab vocab.txt --out unilmv2-base
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
import tyro
from safetensors.torch import load_file
from torch import Tensor
from transformers import BertTokenizer

from tinynewsrec.commands import readable_errors
from tinynewsrec.model.unilm import BUCKETS, UniLMv2Config, UniLMv2Model

Weights = dict[str, Tensor]  # by name

UNUSED = re.compile(r"(bert\.pooler|classifier|cls)\.|bert\.embeddings\.position_ids$")
NAMES = (  # what a name in the checkpoint becomes, one step after another
    (r"^bert\.", ""),
    (r"\.gamma$", ".weight"),
    (r"\.beta$", ".bias"),
    (r"^(encoder\.)?rel_pos_bias\.", "encoder.relative_positions.table."),
    (r"\.self\.q_bias$", ".query.bias"),
    (r"\.self\.v_bias$", ".value.bias"),
    (r"\.self\.(query|key|value)\.", r".\1."),
    (r"\.attention\.output\.LayerNorm\.", ".attention_norm."),
    (r"\.attention\.output\.dense\.", ".attention.output."),
    (r"\.intermediate\.dense\.", ".expand."),
    (r"\.output\.dense\.", ".contract."),
    (r"(\.output)?\.LayerNorm\.", ".norm."),
)


@dataclass(frozen=True)
class Arguments:
    checkpoint: Path
    """The file of weights: a .bin of torch, or .safetensors."""
    out: Path
    """Folder to write config.json, model.safetensors and the tokenizer to."""
    vocab: Path | None = None
    """The vocabulary, one word piece a line; without it no tokenizer is written."""


class Conversion(NamedTuple):
    model: UniLMv2Model
    unused: tuple[str, ...]  # names of weights that belong to heads which the encoder does not have
    key_biases: tuple[str, ...]  # names of weights left out because softmax does not see them


def main(arguments: Arguments) -> None:
    conversion = convert(read_weights(arguments.checkpoint))
    tokenizer = read_tokenizer(arguments.vocab, conversion.model.config) if arguments.vocab else None
    arguments.out.mkdir(parents=True, exist_ok=True)
    conversion.model.save_pretrained(arguments.out)
    if tokenizer:
        tokenizer.save_pretrained(arguments.out)
    print(describe(conversion))
    print(f"Wrote {arguments.out}" + ("" if tokenizer else ", without a tokenizer: give --vocab to add one"))


def read_weights(path: Path) -> Weights:
    """The tensors of a file by name. Nothing in it is run: anything but tensors raises ValueError."""
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} is missing. Expected a checkpoint of UniLMv2, such as unilm2-base-uncased.bin."
        )
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        weights = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch's reader meets a damaged file with any of a dozen errors
        raise ValueError(
            f"{path}: expected a file of tensors alone, found one that is damaged or has objects that could "
            f"run code and are never loaded. Where it is trusted, save its state_dict() as .safetensors."
        ) from error
    if not isinstance(weights, dict):
        raise ValueError(f"{path}: expected tensors by name, found a {type(weights).__name__}.")
    others = [n for n, value in weights.items() if not (isinstance(n, str) and isinstance(value, Tensor))]
    if others:
        raise ValueError(
            f"{path}: expected tensors by name, found other things under {listed(map(str, others))}."
        )
    return weights


def convert(weights: Weights) -> Conversion:
    """The checkpoint's encoder. Raises ValueError naming the weights that are unknown or missing."""
    if not any(name.startswith("bert.") for name in weights):
        raise ValueError(f"Expected names that begin with 'bert.', found {listed(weights)}.")
    unused = {name for name in weights if UNUSED.match(name)}
    key_biases = {name for name in weights if name.endswith(".attention.self.key.bias")}
    renamed = rename({name: weights[name] for name in weights if name not in unused | key_biases})
    model = UniLMv2Model(deduce_config(renamed))
    check(renamed, model.state_dict())
    model.load_state_dict(renamed)
    return Conversion(model.eval(), tuple(sorted(unused)), tuple(sorted(key_biases)))


def rename(weights: Weights) -> Weights:
    """The same weights under our names. Raises ValueError where two get the same name."""
    renamed = {}
    for name, weight in split_fused(weights):
        for pattern, replacement in NAMES:
            name = re.sub(pattern, replacement, name)
        if name in renamed:
            raise ValueError(f"Expected each weight once, found {name} twice, perhaps fused and split.")
        renamed[name] = weight
    return renamed


def split_fused(weights: Weights) -> Iterable[tuple[str, Tensor]]:
    """Takes fused query, key and value apart; gives biases and the position table their shape here."""
    for name, weight in weights.items():
        if name.endswith(".qkv_linear.weight"):
            for part, rows in zip(("query", "key", "value"), weight.tensor_split(3), strict=True):
                yield name.replace("qkv_linear", part), rows
        elif name.endswith("rel_pos_bias.weight"):
            yield name, weight.transpose(0, -1)
        elif name.endswith((".q_bias", ".v_bias")):
            yield name, weight.flatten()
        else:
            yield name, weight


def deduce_config(weights: Weights) -> UniLMv2Config:
    """The sizes that the shapes of renamed weights tell. Raises ValueError where they make no sense."""
    words, width = shape(weights, "embeddings.word_embeddings.weight")
    buckets, heads = shape(weights, "encoder.relative_positions.table.weight")
    layers = {int(found[1]) for name in weights if (found := re.match(r"encoder\.layer\.(\d+)\.", name))}
    if buckets != BUCKETS or not heads or width % heads:
        raise ValueError(
            f"Expected relative positions of [heads, {BUCKETS}] with heads dividing the width {width}, "
            f"found [{heads}, {buckets}]."
        )
    if not layers or layers != set(range(len(layers))):
        raise ValueError(f"Expected layers numbered from 0 without a gap, found {sorted(layers)}.")
    return UniLMv2Config(
        vocab_size=words,
        hidden_size=width,
        num_hidden_layers=len(layers),
        num_attention_heads=heads,
        intermediate_size=shape(weights, "encoder.layer.0.expand.weight")[0],
        max_position_embeddings=shape(weights, "embeddings.position_embeddings.weight")[0],
        type_vocab_size=shape(weights, "embeddings.token_type_embeddings.weight")[0],
    )


def shape(weights: Weights, name: str) -> tuple[int, int]:
    """Rows and columns. Raises ValueError where the weight is missing or is not a matrix."""
    if name not in weights or weights[name].dim() != 2:
        raise ValueError(f"Expected a matrix {name}, found none.")
    return tuple(weights[name].shape)


def check(found: Weights, expected: Weights) -> None:
    """Raises ValueError naming every weight that is missing, unknown or of another shape."""
    wrong = {
        "missing": expected.keys() - found.keys(),
        "unknown": found.keys() - expected.keys(),
        "of another shape": {n for n in found.keys() & expected if found[n].shape != expected[n].shape},
    }
    if any(wrong.values()):
        parts = [f"{len(names)} {kind}: {', '.join(sorted(names))}" for kind, names in wrong.items() if names]
        raise ValueError("Expected the weights of UniLMv2, found " + "; ".join(parts) + ".")


def read_tokenizer(vocab: Path, config: UniLMv2Config) -> BertTokenizer:
    """Uncased BERT's tokenizer. Raises ValueError where the vocabulary is not that of the weights."""
    if not vocab.is_file():
        raise FileNotFoundError(
            f"{vocab} is missing. Expected the vocabulary of uncased BERT, one word piece a line."
        )
    pieces = vocab.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    special = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"}
    if len(pieces) != config.vocab_size or not special <= set(pieces):
        raise ValueError(
            f"{vocab}: expected {config.vocab_size} lines with {', '.join(sorted(special))} among them, "
            f"found {len(pieces)} lines, {len(special - set(pieces))} of these missing."
        )
    rows = {piece: row for row, piece in enumerate(pieces)}
    longest = config.max_position_embeddings
    return BertTokenizer(vocab=rows, do_lower_case=True, model_max_length=longest)


def describe(conversion: Conversion) -> str:
    config, count = conversion.model.config, conversion.model.num_parameters()
    unused = ", ".join(conversion.unused) or "none"
    return (
        f"UniLMv2: {config.num_hidden_layers} layers, {config.num_attention_heads} heads, width "
        f"{config.hidden_size}, {config.vocab_size} word pieces, {count:,} parameters\n"
        f"Left out {len(conversion.key_biases)} key biases, which softmax does not see\n"
        f"Left out {len(conversion.unused)} weights of heads that nothing uses: {unused}"
    )


def listed(names: Iterable[str], most: int = 5) -> str:
    """The first few names and how many more."""
    names = list(names)
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more if names else "nothing"


if __name__ == "__main__":
    with readable_errors():
        main(tyro.cli(Arguments, description=__doc__))
