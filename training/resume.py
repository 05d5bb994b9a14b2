"""The state of a half-finished run: one safetensors file, written whole or not at all.

Weights and the optimiser's moments are tensors. Learning rate, batches and random numbers are functions of
the step, so the step is all that is left to know.
"""

import json
import os
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

MODEL, MOMENT = "model.", "optimizer."


def save_state(
    path: Path, step: int, settings: dict, model: nn.Module, optimizer: torch.optim.Optimizer
) -> None:
    trained = {MODEL + name: p.detach() for name, p in model.named_parameters() if p.requires_grad}
    moments = {
        f"{MOMENT}{index}.{name}": tensor
        for index, state in optimizer.state_dict()["state"].items()
        for name, tensor in state.items()
    }
    partial = path.with_suffix(".partial")
    tensors = {name: tensor.contiguous() for name, tensor in (trained | moments).items()}
    save_file(tensors, partial, {"step": str(step), "settings": json.dumps(settings, sort_keys=True)})
    os.replace(partial, path)


def load_state(path: Path, settings: dict, model: nn.Module, optimizer: torch.optim.Optimizer) -> int:
    """Sets model and optimiser as they were and returns the steps already done: 0 without a state.

    Raises ValueError where the state belongs to a run with other settings.
    """
    if not path.exists():
        return 0
    with safe_open(path, framework="pt") as file:
        found = file.metadata()
        if changed := different(json.loads(found["settings"]), json.loads(json.dumps(settings))):
            raise ValueError(
                f"{path} is the state of a run with other settings ({', '.join(changed)}). Resume with the "
                f"settings it was started with, delete it to start anew, or choose another --out."
            )
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    parameters = dict(model.named_parameters())
    moments: dict[int, dict[str, torch.Tensor]] = {}
    for name, tensor in tensors.items():
        if name.startswith(MODEL):
            parameters[name.removeprefix(MODEL)].data.copy_(tensor)
        else:
            index, moment = name.removeprefix(MOMENT).split(".")
            moments.setdefault(int(index), {})[moment] = tensor
    optimizer.load_state_dict(optimizer.state_dict() | {"state": moments})
    return int(found["step"])


def different(found: dict, wanted: dict, group: str = "") -> list[str]:
    """The names of what two settings have not alike, those of a group as `group.name`."""
    names = []
    for name in sorted(found.keys() | wanted.keys()):
        first, second = found.get(name), wanted.get(name)
        if isinstance(first, dict) and isinstance(second, dict):
            names += different(first, second, f"{group}{name}.")
        elif first != second:
            names.append(group + name)
    return names
