"""Maps between the vectors of a student and those of its teachers, learnt while it was distilled."""

import json
from pathlib import Path
from typing import Literal

import torch
from jaxtyping import Float
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

PROJECTIONS = "projections.safetensors"
Side = Literal["teacher", "student"]


class Projection(nn.Module):
    """One affine map for each of M teachers."""

    def __init__(self, teachers: int, from_size: int, to_size: int):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(teachers, to_size, from_size))
        self.bias = nn.Parameter(torch.zeros(teachers, to_size))
        for matrix in self.weight:
            nn.init.xavier_uniform_(matrix)

    def forward(self, vectors: Float[Tensor, "M N E"]) -> Float[Tensor, "M N D"]:
        return torch.einsum("mne,mde->mnd", vectors, self.weight) + self.bias[:, None]


class Projections(nn.Module):
    """Brings M teachers and a student into one space, each kind of vector by maps of its own.

    On the teachers' side (Yu et al., 2022) teachers are brought to the student, else the student to each of
    them.
    """

    def __init__(
        self,
        kinds: tuple[str, ...],
        teachers: tuple[str, ...],
        teacher_size: int,
        student_size: int,
        side: Side = "teacher",
    ):
        super().__init__()
        sizes = (teacher_size, student_size) if side == "teacher" else (student_size, teacher_size)
        self.maps = nn.ModuleDict({kind: Projection(len(teachers), *sizes) for kind in kinds})
        self.teachers, self.side = teachers, side

    def distances(
        self, kind: str, taught: Float[Tensor, "M N E"], learnt: Float[Tensor, "N D"]
    ) -> Float[Tensor, "M N"]:
        """Mean squared difference of the student's vector of a story or reader to each teacher's."""
        theirs, own = self.compared(kind, taught, learnt)
        return (theirs - own).square().mean(-1)

    def compared(
        self, kind: str, taught: Float[Tensor, "M N E"], learnt: Float[Tensor, "N D"]
    ) -> tuple[Float[Tensor, "M N C"], Float[Tensor, "M N C"]]:
        """The vectors of each teacher and of the student in the space in which they are compared."""
        several = learnt.expand(len(taught), -1, -1)
        if self.side == "teacher":
            return self.maps[kind](taught), several
        return taught, self.maps[kind](several)

    def only(self, names: dict[int, str]) -> "Projections":
        """Those of some teachers, by their places, under other names."""
        weights = {name: tensor[list(names)] for name, tensor in self.state_dict().items()}
        return rebuilt(weights, tuple(names.values()), self.side)

    def save(self, folder: Path) -> None:
        described = {"teachers": json.dumps(self.teachers), "side": self.side}
        weights = {name: tensor.detach().cpu().contiguous() for name, tensor in self.state_dict().items()}
        save_file(weights, folder / PROJECTIONS, described)

    @classmethod
    def load(cls, folder: Path) -> "Projections | None":
        """Those of a checkpoint, or None where it was not distilled. Raises ValueError for a damaged file."""
        path = folder / PROJECTIONS
        if not path.is_file():
            return None
        try:
            with safe_open(path, framework="pt") as file:
                described = file.metadata()
                weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            return rebuilt(weights, tuple(json.loads(described["teachers"])), described["side"])
        except (SafetensorError, LookupError, TypeError, ValueError, RuntimeError, OSError) as error:
            raise ValueError(
                f"{path} does not hold projections ({error}); distil the student again."
            ) from error


def rebuilt(weights: dict[str, Tensor], teachers: tuple[str, ...], side: Side) -> Projections:
    kinds = tuple(sorted({name.split(".")[1] for name in weights}))
    to_size, from_size = weights[f"maps.{kinds[0]}.weight"].shape[1:]
    sizes = (from_size, to_size) if side == "teacher" else (to_size, from_size)
    projections = Projections(kinds, teachers, *sizes, side)
    projections.load_state_dict(weights)
    return projections.eval()
