"""How long each model takes on this machine, against how well it ranks."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import gradio as gr
import numpy as np
from jaxtyping import Float

from tinynewsrec.analysis.latency import interleaved
from tinynewsrec.views.drawn import drawn
from tinynewsrec.views.speed_report import chart, rounds_done, table
from tinynewsrec.views.workspace import Model, Workspace

TITLE = "Speed"
TITLES, BATCH, ROUNDS = "Titles", "Titles in a batch", "Rounds"
TITLES_INFO = "How many titles each model encodes in a round"
BATCH_INFO = "1: as a single story comes in; more: as a whole day is encoded"
ROUNDS_INFO = "Every round times every model; one more, the first, is dropped"
MEASURE, STOP = "Measure", "Stop"
CHART = "Time of each model on this machine"
NOT_READY = "Timing starts once the models are loaded and nothing else runs; see the line above."
NO_MODEL = "There is no model to time; the message above says why."
WARMING_UP = "Warming up: this round is dropped."
STOPPED = "Stopped. What was measured until then is shown."
MOST_TITLES, MOST_ROUNDS = 512, 50

Update = Any  # what Gradio takes as a new state of a component


def jobs_of(model: Model, titles: list[str], batch_size: int) -> tuple[Callable[[], object], ...]:
    """Tokenising the titles, and encoding them once they are tokenised."""
    from tinynewsrec.evaluation.vectors import encode_news

    tokens = model.recommender.tokens(titles)
    return (
        partial(model.recommender.tokens, titles),
        partial(encode_news, model.recommender, tokens, batch_size=batch_size),
    )


def some_titles(workspace: Workspace, count: int) -> list[str]:
    """Titles spread evenly over the news table."""
    titles = workspace.split.news.texts("title")
    return [titles[row] for row in np.linspace(0, len(titles) - 1, min(count, len(titles))).astype(int)]


def measure(workspace: Workspace, titles: int, batch_size: int, rounds: int) -> Iterator[tuple[Update, ...]]:
    """After each round: a line about it, whether it can be stopped, the table so far, and the chart."""
    if not workspace.finished or not workspace.models:
        yield {"text": NO_MODEL if workspace.finished else NOT_READY}, *[gr.skip()] * 3
        return
    models, chosen = workspace.models, some_titles(workspace, min(int(titles), MOST_TITLES))
    rounds = min(int(rounds), MOST_ROUNDS)
    jobs = [job for model in models for job in jobs_of(model, chosen, int(batch_size))]
    yield {"text": WARMING_UP}, gr.update(interactive=True), gr.skip(), gr.skip()
    for seconds in interleaved(jobs, rounds):
        if len(seconds):
            last = len(seconds) == rounds
            yield report(
                workspace, per_title(seconds, len(chosen)), len(chosen), int(batch_size), rounds, last
            )


def per_title(seconds: Float[np.ndarray, "R J"], titles: int) -> Float[np.ndarray, "R J"]:
    """Milliseconds for each title."""
    return 1000 * seconds / titles


def report(
    workspace: Workspace,
    durations: Float[np.ndarray, "R J"],
    titles: int,
    batch_size: int,
    rounds: int,
    last: bool,
) -> tuple[Update, ...]:
    """The chart is drawn again at the end only, for drawing it takes the time that is being measured."""
    rows = table(workspace, durations, titles, batch_size)
    message = {"text": "" if last else rounds_done(len(durations), rounds)}
    figure = gr.update(value=chart(workspace, durations), visible=True) if last else gr.skip()
    return message, gr.update(interactive=not last), rows, figure


def stopped() -> tuple[Update, ...]:
    return {"text": STOPPED}, gr.update(interactive=False)


def build(workspace: Workspace) -> None:
    with gr.Row(elem_classes="pickers"):
        titles = gr.Slider(1, 256, 64, step=1, label=TITLES, info=TITLES_INFO, min_width=200)
        batch_size = gr.Slider(1, 128, 32, step=1, label=BATCH, info=BATCH_INFO, min_width=200)
        rounds = gr.Slider(3, MOST_ROUNDS, 10, step=1, label=ROUNDS, info=ROUNDS_INFO, min_width=200)
        with gr.Column(min_width=140):
            start = gr.Button(MEASURE, variant="primary")
            stop = gr.Button(STOP, interactive=False)
    message = drawn("message", {})
    plot = gr.Plot(label=CHART, visible=False, elem_classes="chart")
    figures = drawn("table", None)
    running = start.click(
        partial(measure, workspace),
        [titles, batch_size, rounds],
        [message, stop, figures, plot],
        show_progress="hidden",
        concurrency_id="timing",
        api_visibility="private",
    )
    stop.click(stopped, None, [message, stop], cancels=[running], api_visibility="private")
