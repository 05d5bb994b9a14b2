"""What the app was started with, and what of it is ready by now. Views read from here and change nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Any, Literal, NamedTuple

import numpy as np
from jaxtyping import Float

from tinynewsrec.analysis.pickers import Pick
from tinynewsrec.data.tables import Impression, Impressions, Split
from tinynewsrec.views.results import Results
from tinynewsrec.views.turns import Turns

Stage = Literal["reading", "opening", "loading", "encoding", "comparing", "finished"]


class Progress(NamedTuple):
    """What is being prepared; `done` of `total` stories or impressions, where they are counted."""

    stage: Stage
    model: str = ""
    done: int = 0
    total: int = 0


@dataclass(frozen=True, eq=False)
class Model:
    """A checkpoint that is ready to rank: its weights, and a vector for each story of the split."""

    # Neither type is named here: their modules import torch, which takes longer than the whole first page.
    checkpoint: Any
    recommender: Any
    vectors: Float[np.ndarray, "N D"]

    @property
    def name(self) -> str:
        return self.checkpoint.name

    @property
    def layers(self) -> int:
        return self.checkpoint.config.layers

    @property
    def history_length(self) -> int:
        return self.checkpoint.config.history_length

    @property
    def parameters(self) -> int:
        return sum(parameter.numel() for parameter in self.recommender.parameters())

    def score(self, impression: Impression) -> Float[np.ndarray, " C"]:
        """One score for each candidate, from the vectors of all stories."""
        history = impression.history[-self.history_length :]
        return self.score_vectors(
            self.vectors[history].astype(np.float32), self.vectors[impression.candidates].astype(np.float32)
        )

    def score_vectors(
        self, history: Float[np.ndarray, "H D"], candidates: Float[np.ndarray, "C D"]
    ) -> Float[np.ndarray, " C"]:
        """One score for each candidate, through the same `score` as training."""
        import torch

        news = np.concatenate([history, candidates])
        places = torch.arange(len(news))[None]
        clicks = places[:, : len(history)] if len(history) else torch.full((1, 1), -1)
        with torch.no_grad():
            scores = self.recommender.score(torch.from_numpy(news), clicks, places[:, len(history) :])
        return scores[0].float().numpy()

    def encode(self, titles: Sequence[str]) -> Float[np.ndarray, "N D"]:
        """Vectors of titles that the split does not have."""
        from tinynewsrec.analysis.headlines import encode

        return encode(self.recommender, titles)


@dataclass(eq=False)
class Workspace:
    """Filled in the background by `start`; `version` grows whenever a view has something new to show."""

    data: Path
    places: Sequence[str | Path]
    """Where checkpoints are looked for: folders or hub ids."""
    split: Split | None = None
    notice: str = ""
    """What a sample says of itself; empty for other data."""
    models: tuple[Model, ...] = ()
    """Largest first; the first is the one the others are held against."""
    picks: dict[str, list[Pick]] = field(default_factory=dict)
    """Readers worth looking at, by the name of the picker; a picker that has not run yet is missing."""
    compared: Impressions | None = None
    """Impressions that every model has ranked, spread evenly over the data; None until that is done."""
    scores: dict[str, Float[np.ndarray, " total"]] = field(default_factory=dict)
    """Of those impressions, by the name of the model; aligned with `compared.candidates.values`."""
    problems: tuple[str, ...] = ()
    progress: Progress = Progress("reading")
    version: int = 0
    results: Results = field(default_factory=Results)
    turns: Turns = field(default_factory=Turns)
    rooms: Any = None
    """Where a page with data or models of its own is given another workspace."""
    lent: tuple[Model, ...] = ()
    """Models of another workspace, whose weights need not be loaded again."""

    @property
    def finished(self) -> bool:
        return self.progress.stage == "finished"

    def start(self) -> Thread:
        """Reads the data and loads the models in a thread of their own, while the page is already there."""
        from tinynewsrec.views.preparation import prepare

        thread = Thread(target=prepare, args=(self,), name="preparation", daemon=True)
        thread.start()
        return thread

    def change(self, **values: Any) -> None:
        """Sets what views read, then tells them; only the preparing thread calls this."""
        for name, value in values.items():
            setattr(self, name, value)
        self.version += 1
