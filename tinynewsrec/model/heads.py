"""What else a news encoder tells of a story: category, tone, the names in its title (Bi et al., 2022).

Heads only listen: with or without them a recommender ranks the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

import numpy as np
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import pad

from tinynewsrec.model.news_encoder import Depths

Task = Literal["category", "subcategory", "sentiment", "entities"]
TASKS: tuple[str, ...] = get_args(Task)
Reads = Literal["vector", "pooled", "cls", "words"]


@dataclass(frozen=True)
class HeadSpec:
    """What config.json says of a head."""

    labels: tuple[str, ...]
    """What it chooses from, in the order of its outputs."""
    reads: Reads = "vector"
    """The news vector, the pooled words before they are projected, the first word piece, or each of them."""
    source: str = ""
    """Where the labels came from that it was taught with."""

    def __post_init__(self):
        if not self.labels or not all(isinstance(label, str) for label in self.labels):
            raise ValueError(f"a head needs the names of its labels, got {self.labels!r}.")
        if len(set(self.labels)) < len(self.labels):
            raise ValueError(f"the labels of a head must differ, got {', '.join(self.labels)}.")
        if self.reads not in get_args(Reads):
            raise ValueError(f"a head reads one of {', '.join(get_args(Reads))}; got {self.reads!r}.")


Specs = Mapping[str, HeadSpec]


class Prediction(NamedTuple):
    """What a head makes of N titles, or of each of their T word pieces; K labels."""

    labels: tuple[str, ...]
    probabilities: Float[np.ndarray, "N *T K"]


class Heads(nn.ModuleDict):
    """One affine map for each task, from a story to the labels it may have."""

    def __init__(self, specs: Specs, width: int, news_size: int):
        unknown = sorted(specs.keys() - set(TASKS))
        if unknown:
            raise ValueError(f"heads are called {', '.join(TASKS)}; found {', '.join(unknown)}.")
        sizes = {name: news_size if spec.reads == "vector" else width for name, spec in specs.items()}
        super().__init__({name: nn.Linear(sizes[name], len(spec.labels)) for name, spec in specs.items()})
        self.specs = dict(specs)

    def forward(self, depths: Depths) -> dict[str, Float[Tensor, "N ..."]]:
        """By task the score of each label."""
        read = depths._asdict() | {"cls": depths.words[:, 0]}
        return {name: head(read[self.specs[name].reads]) for name, head in self.items()}


def widened(scores: Float[Tensor, "N *T K"], width: int) -> Float[Tensor, "N *V K"]:
    """Scores of word pieces with as many columns as all stories need; those of whole stories as they are."""
    return pad(scores, (0, 0, 0, width - scores.shape[1])) if scores.dim() == 3 else scores


def read_specs(found: Mapping[str, Mapping]) -> dict[str, HeadSpec]:
    """As config.json has them. Raises TypeError or ValueError."""
    return {name: HeadSpec(**{**spec, "labels": tuple(spec["labels"])}) for name, spec in found.items()}
