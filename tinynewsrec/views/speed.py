"""How long each model takes on this machine, against how well it ranks."""

from collections.abc import Callable, Iterator
from functools import partial
from threading import Event, Lock
from typing import Any

import gradio as gr
import numpy as np
from jaxtyping import Float

from tinynewsrec.analysis.latency import Stopped, interleaved
from tinynewsrec.views.drawn import drawn
from tinynewsrec.views.speed_report import Run, chart, rounds_done, stopped_after, table
from tinynewsrec.views.workspace import Model, Workspace

TITLE = "Speed"
TITLES, BATCH, ROUNDS = "Titles", "Titles in a batch", "Rounds"
TITLES_INFO = "How many titles each model encodes in a round"
BATCH_INFO = "1: as a single story comes in; more: as a whole day is encoded"
ROUNDS_INFO = "Every round times every model; one more, the first, is dropped"
MEASURE, MEASURING, STOP, STOPPING = "Measure", "Measuring", "Stop", "Stopping"
CHART = "Time of each model on this machine"
NOT_READY = "Timing starts once the models are loaded and nothing else runs; see the line above."
NO_MODEL = "There is no model to time; the message above says why."
NOT_WHOLE = "{name}: expected a whole number from {least} to {most}, found {value}. Nothing was measured."
WAITING = "Waiting for another measurement to end."
WARMING_UP = "Warming up: this round is dropped."
LIMITS = {TITLES: (1, 256), BATCH: (1, 128), ROUNDS: (3, 50)}
PATIENCE = 0.5  # seconds between two looks at whether it is this page's turn
MOST_WAITING = 8  # pages, for each holds a thread of the server

Count = float | None  # what a slider sends
Update = Any  # what Gradio takes as a new state of a component
Shown = tuple[Update, ...]  # the message, the button that stops, the table, the chart


class Turns:
    """Lets one page measure at a time, for whatever runs beside a measurement would slow it."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.stops: dict[str, Event] = {}

    def take(self, page: str, run: Callable[[Event], Iterator[Shown]]) -> Iterator[Shown]:
        """What the run shows, once no other runs; the turn ends when the run does, or is thrown away."""
        stop = self.stops[page] = Event()
        try:
            while not self.lock.acquire(timeout=PATIENCE):
                if stop.is_set():
                    yield cleared(stopped_after(0), stoppable=False)
                    return
                yield cleared(WAITING)
            try:
                yield from run(stop)
            finally:
                self.lock.release()
        finally:
            self.stops.pop(page, None)

    def stop(self, page: str) -> None:
        if page in self.stops:
            self.stops[page].set()


def jobs_of(
    model: Model, titles: list[str], batch_size: int, stop: Event
) -> tuple[Callable[[], object], ...]:
    """Tokenising the titles, and encoding them once they are tokenised; the latter raises Stopped."""
    from tinynewsrec.evaluation.vectors import encode_news

    def watch(_done: int, _total: int) -> None:
        if stop.is_set():
            raise Stopped

    tokens = model.recommender.tokens(titles)
    return (
        partial(model.recommender.tokens, titles),
        partial(encode_news, model.recommender, tokens, watch, batch_size),
    )


def some_titles(workspace: Workspace, count: int) -> list[str]:
    """Titles spread evenly over the news table."""
    titles = workspace.split.news.texts("title")
    return [titles[row] for row in np.linspace(0, len(titles) - 1, min(count, len(titles))).astype(int)]


def obstacle(workspace: Workspace, **settings: Any) -> str:
    """Why nothing can be measured; empty if it can."""
    if not workspace.finished or not workspace.models:
        return NO_MODEL if workspace.finished else NOT_READY
    for (name, (least, most)), value in zip(LIMITS.items(), settings.values(), strict=True):
        if not isinstance(value, int | float) or value not in range(least, most + 1):
            return NOT_WHOLE.format(name=name, least=least, most=most, value=value)
    return ""


def measure(
    workspace: Workspace, titles: Count, batch_size: Count, rounds: Count, stop: Event | None = None
) -> Iterator[Shown]:
    """What to show after each round; the chart, which takes time to draw, only after the last one."""
    if problem := obstacle(workspace, titles=titles, batch_size=batch_size, rounds=rounds):
        yield {"text": problem}, *[gr.skip()] * 3
        return
    yield cleared(WARMING_UP)
    chosen, seconds = some_titles(workspace, int(titles)), np.empty((0, 0))
    run = Run(workspace.split.name, len(chosen), min(int(batch_size), len(chosen)), int(rounds))
    jobs = [job for model in workspace.models for job in jobs_of(model, chosen, run.batch, stop or Event())]
    text = ""
    try:
        for seconds in interleaved(jobs, run.rounds):
            if 0 < len(seconds) < run.rounds:
                message = {"text": rounds_done(len(seconds), run.rounds)}
                yield message, gr.skip(), table(workspace, run, seconds), gr.skip()
    except Stopped:
        text = stopped_after(len(seconds), run.rounds)
    yield ended(workspace, run._replace(rounds=len(seconds)), seconds, text)


def cleared(text: str, stoppable: bool = True) -> Shown:
    """Nothing of an earlier run is left beside the message."""
    return {"text": text}, gr.update(interactive=stoppable), None, gr.update(value=None, visible=False)


def ended(workspace: Workspace, run: Run, seconds: Float[np.ndarray, "R J"], text: str) -> Shown:
    """The chart and the table of the same rounds, if there are any."""
    if not len(seconds):
        return cleared(text, stoppable=False)
    figure = gr.update(value=chart(workspace, run, seconds), visible=True)
    return {"text": text}, gr.update(interactive=False), table(workspace, run, seconds), figure


def settings() -> list[gr.Slider]:
    """How much to measure; the server rounds what a browser sends to whole numbers."""
    rows = ((TITLES, TITLES_INFO, 64), (BATCH, BATCH_INFO, 32), (ROUNDS, ROUNDS_INFO, 10))
    return [
        gr.Slider(*LIMITS[name], value, step=1, precision=0, label=name, info=info, min_width=200)
        for name, info, value in rows
    ]


def build(workspace: Workspace) -> None:
    turns = Turns()
    with gr.Row(elem_classes="pickers"):
        chosen = settings()
        with gr.Column(min_width=140):
            start = gr.Button(MEASURE, variant="primary")
            stop = gr.Button(STOP, interactive=False)
    message = drawn("message", {})
    plot = gr.Plot(label=CHART, visible=False, elem_classes="chart")
    figures = drawn("table", None)
    wire(workspace, turns, (start, stop), chosen, [message, stop, figures, plot])


def wire(
    workspace: Workspace,
    turns: Turns,
    buttons: tuple[gr.Button, gr.Button],
    chosen: list[gr.Slider],
    shown: list[gr.Component],
) -> None:
    start, stop = buttons

    def run(titles: Count, batch: Count, rounds: Count, request: gr.Request) -> Iterator[Shown]:
        yield from turns.take(request.session_hash, partial(measure, workspace, titles, batch, rounds))

    def ask_to_stop(request: gr.Request) -> Update:
        turns.stop(request.session_hash)
        return gr.update(value=STOPPING, interactive=False)

    def begin() -> Update:
        return gr.update(value=MEASURING, interactive=False)

    def end() -> tuple[Update, Update]:
        return gr.update(value=MEASURE, interactive=True), gr.update(value=STOP, interactive=False)

    quick = {"show_progress": "hidden", "queue": False, "api_visibility": "private"}
    start.click(begin, None, start, **quick)
    start.click(
        run,
        chosen,
        shown,
        show_progress="hidden",
        concurrency_limit=MOST_WAITING,
        api_visibility="private",
    ).then(end, None, [start, stop], **quick)
    stop.click(ask_to_stop, None, stop, **quick)
