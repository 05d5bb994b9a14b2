"""Tensors on disk: safetensors, whole or compact.

A compact file keeps each matrix as int8 with one scale per row (`name` and `name#scale`), and may leave
tensors that several checkpoints have in common to one file beside their folders. What is read back is float32
either way.
"""

from collections.abc import Mapping
from pathlib import Path

import torch
from jaxtyping import Float, Int8
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

SCALE = "#scale"
Weights = dict[str, Tensor]


def write_weights(weights: Mapping[str, Tensor], path: Path) -> None:
    save_file({name: tensor.contiguous() for name, tensor in weights.items()}, path, {"format": "pt"})


def read_weights(path: Path) -> Weights:
    """The tensors of a file, compact ones restored. Raises FileNotFoundError or ValueError."""
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing; a checkpoint without its weights cannot be loaded.")
    try:
        stored = load_file(path)
    except (SafetensorError, OSError) as error:
        raise ValueError(
            f"{path} is not a readable safetensors file ({error}); fetch or train it again."
        ) from error
    weights = {name: tensor for name, tensor in stored.items() if not name.endswith(SCALE)}
    for scale in stored.keys() - weights.keys():
        matrix = weights.get(scale.removesuffix(SCALE))
        if matrix is None or stored[scale].shape != (len(matrix), 1):
            raise ValueError(f"{path}: {scale} has no matrix that it fits. Fetch the checkpoint again.")
        weights[scale.removesuffix(SCALE)] = restored(matrix, stored[scale])
    for name, tensor in weights.items():
        if not tensor.is_floating_point() or not tensor.isfinite().all():
            raise ValueError(f"{path}: {name} holds what no weight can be. Fetch the checkpoint again.")
    return weights


def compact(weights: Mapping[str, Tensor]) -> Weights:
    """Matrices as int8 with one scale per row, everything else as it is."""
    stored: Weights = {}
    for name, tensor in weights.items():
        if tensor.dim() == 2 and min(tensor.shape) > 1:
            stored[name], stored[name + SCALE] = rounded(tensor)
        else:
            stored[name] = tensor
    return stored


def rounded(matrix: Float[Tensor, "R C"]) -> tuple[Int8[Tensor, "R C"], Float[Tensor, "R 1"]]:
    """Each row as whole numbers from -127 to 127, and what one of them is worth."""
    scale = matrix.abs().amax(-1, keepdim=True).clamp(min=1e-12) / 127
    return (matrix / scale).round().to(torch.int8), scale


def restored(whole: Int8[Tensor, "R C"], scale: Float[Tensor, "R 1"]) -> Float[Tensor, "R C"]:
    return whole.float() * scale
