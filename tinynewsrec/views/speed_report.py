"""What the Speed tab says about durations: a chart, and the same numbers as a table."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float

from tinynewsrec.analysis.latency import ROUNDS_FOR_P95, Machine, Timing, summarise, this_machine
from tinynewsrec.views.drawn import counted
from tinynewsrec.views.workspace import Model, Workspace

CAPTION = "Time and quality of each model"
COLUMNS = (
    ("Model", ""),
    ("Layers", ""),
    ("Parameters", "millions"),
    ("Encode a title", "ms, median of {rounds}"),
    ("Quartiles", "ms, of {rounds}"),
    ("Least", "ms"),
    ("95th percentile", "ms"),
    ("Tokenise a title", "ms, median of {rounds}"),
    ("Titles", "per second"),
    ("AUC", "percent, 95 % interval"),
)
NOT_MEASURED = "not measured"
ROUND = "Round {done} of {rounds} is done."
NOTHING = "Stopped before the first round; nothing was measured."
STOPPED = "Stopped: {done} of {rounds} rounds were measured and are shown."
SOURCE = "{sample}, {how}; the models in turn, one warm-up round dropped."
NO_TAIL = "95th percentile: given from {least} rounds on; with fewer, less than one round lies above it."
CHANCE = "AUC: 50 is chance, what random ranks have."
MACHINE = "This machine: {cores}, torch {torch} with {threads}, load {load:.2f} in the last minute."
QUALITY = "AUC: {model} on {data}, {impressions:,} impressions of {readers:,} readers."
BUSY = (
    "Noisy: the quartiles of {models} lie more than a quarter of the median apart, so something else kept "
    "this machine busy. Measure again, or with more rounds."
)
MISSING = "\u2013"
NO_QUALITY = "AUC is not measured for {models}, so the chart sets time against parameters instead."
TIME_AXIS = "Encoding one title, ms<br>(median and quartiles)"
AUC_AXIS = "AUC, percent<br>(95 % interval; 50 is chance)"
SIZE_AXIS = "Parameters, millions"
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")  # Okabe and Ito, 2008
SHAPES = ("circle", "square", "diamond", "triangle-up", "cross", "star")


class Run(NamedTuple):
    """What is measured: this many titles in batches of this size, this many times."""

    data: str
    titles: int
    batch: int
    rounds: int

    @property
    def sample(self) -> str:
        return f"{counted(self.titles, 'title', 'titles')} of {self.data}"

    @property
    def how(self) -> str:
        return f"{self.batches}; {counted(self.rounds, 'round', 'rounds')}"

    @property
    def batches(self) -> str:
        if self.batch == 1:
            return "one at a time"
        return "in one batch" if self.batch >= self.titles else f"in batches of {self.batch}"


def rounds_done(done: int, rounds: int) -> str:
    return ROUND.format(done=done, rounds=rounds)


def stopped_after(done: int, rounds: int = 0) -> str:
    return STOPPED.format(done=done, rounds=rounds) if done else NOTHING


def timings(run: Run, seconds: Float[np.ndarray, "R J"]) -> tuple[list[Timing], list[Timing]]:
    """Milliseconds for a title, of tokenising and of encoding: the two jobs of a model stand side by side."""
    each = [summarise(1000 * column / run.titles) for column in seconds.T]
    return each[::2], each[1::2]


def table(workspace: Workspace, run: Run, seconds: Float[np.ndarray, "R J"]) -> dict[str, Any]:
    """Of the rounds that are there, which may be fewer than the run will have."""
    run = run._replace(rounds=len(seconds))
    tokenising, encoding = timings(run, seconds)
    return {
        "caption": CAPTION,
        "columns": columns(run.rounds),
        "rows": [row_of(*row) for row in zip(workspace.models, tokenising, encoding, strict=True)],
        "notes": [
            *warnings(workspace.models, encoding),
            *sources(workspace.models, run, this_machine(threads())),
        ],
    }


def columns(rounds: int) -> list[dict[str, Any]]:
    return [
        {"name": name, "unit": unit.format(rounds=rounds), "number": place > 0}
        for place, (name, unit) in enumerate(COLUMNS)
    ]


def row_of(model: Model, tokenising: Timing, encoding: Timing) -> list[str]:
    return [
        model.name,
        str(model.layers),
        f"{model.parameters / 1e6:.1f}",
        f"{encoding.median:.2f}",
        f"{encoding.low:.2f} to {encoding.high:.2f}",
        f"{encoding.least:.2f}",
        MISSING if encoding.p95 is None else f"{encoding.p95:.2f}",
        f"{tokenising.median:.3f}",
        f"{1000 / (encoding.median + tokenising.median):,.0f}",
        quality_of(model),
    ]


def auc_of(model: Model) -> dict[str, float] | None:
    return model.checkpoint.metrics.get("metrics", {}).get("AUC")


def quality_of(model: Model) -> str:
    auc = auc_of(model)
    return "{value:.1f} ({low:.1f} to {high:.1f})".format(**auc) if auc else NOT_MEASURED


def warnings(models: Sequence[Model], encoding: Sequence[Timing]) -> list[dict[str, str]]:
    noisy = [model.name for model, timing in zip(models, encoding, strict=True) if timing.noisy]
    unmeasured = [model.name for model in models if not auc_of(model)]
    texts = [BUSY.format(models=", ".join(noisy))] if noisy else []
    texts += [NO_QUALITY.format(models=", ".join(unmeasured))] if unmeasured else []
    return [{"kind": "message", "text": text} for text in texts]


def sources(models: Sequence[Model], run: Run, machine: Machine) -> list[dict[str, str]]:
    texts = [SOURCE.format(sample=run.sample, how=run.how), machine_line(machine), *quality_lines(models)]
    texts += [CHANCE] if any(auc_of(model) for model in models) else []
    texts += [NO_TAIL.format(least=ROUNDS_FOR_P95)] if run.rounds < ROUNDS_FOR_P95 else []
    return [{"kind": "source", "text": text} for text in texts]


def machine_line(machine: Machine) -> str:
    facts = machine._asdict() | {
        "cores": counted(machine.cores, "core", "cores"),
        "threads": counted(machine.threads, "thread", "threads"),
    }
    return MACHINE.format(**facts)


def quality_lines(models: Sequence[Model]) -> list[str]:
    """On what each AUC was measured; models measured on the same data share a line."""
    names: dict[tuple, list[str]] = {}
    for model in models:
        if auc_of(model):
            metrics = model.checkpoint.metrics
            names.setdefault((metrics["data"], metrics["impressions"], metrics["readers"]), []).append(
                model.name
            )
    return [
        QUALITY.format(model=", ".join(names), data=data, impressions=impressions, readers=readers)
        for (data, impressions, readers), names in names.items()
    ]


def threads() -> int:
    import torch

    return torch.get_num_threads()


def chart(workspace: Workspace, run: Run, seconds: Float[np.ndarray, "R J"]) -> go.Figure:
    """One point for each model. Colours of text and grid come from the page, which knows light from dark."""
    _, encoding = timings(run, seconds)
    models = workspace.models
    by_quality = all(auc_of(model) for model in models)
    points = [
        point(*each, by_quality) for each in zip(models, encoding, COLOURS * 9, SHAPES * 9, strict=False)
    ]
    figure = go.Figure(points)
    figure.update_layout(
        height=380,
        showlegend=False,
        margin={"l": 70, "r": 90, "t": 60, "b": 70},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        title={"text": f"{escaped(run.sample)}<br>{run.how}", "font": {"size": 14}, "x": 0.99},
        font={"size": 14},
        dragmode=False,
    )
    figure.update_xaxes(title=TIME_AXIS, rangemode="tozero")
    figure.update_yaxes(title=AUC_AXIS if by_quality else SIZE_AXIS, automargin=True, nticks=8)
    return figure


def point(model: Model, timing: Timing, colour: str, shape: str, by_quality: bool) -> go.Scatter:
    height, error = model.parameters / 1e6, None
    if by_quality:
        auc = auc_of(model)
        height = auc["value"]
        error = bar([auc["high"] - auc["value"]], [auc["value"] - auc["low"]])
    return go.Scatter(
        x=[timing.median],
        y=[height],
        error_x=bar([timing.high - timing.median], [timing.median - timing.low]),
        error_y=error,
        mode="markers+text",
        cliponaxis=False,
        text=["\u00a0" + escaped(model.name)],
        textposition="top right",  # between the two bars
        marker={"size": 13, "color": colour, "symbol": shape},
        name=escaped(model.name),
        hovertemplate=f"%{{x:.2f}} ms, %{{y:.1f}}<extra>{escaped(model.name)}</extra>",
    )


def bar(above: list[float], below: list[float]) -> dict[str, Any]:
    return {"type": "data", "symmetric": False, "array": above, "arrayminus": below, "thickness": 1.5}


def escaped(text: str) -> str:
    """Plotly reads a few tags and templates in its labels; a model's name has none."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("%{", "%&#123;")
