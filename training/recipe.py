"""Trains a system from the data to its measurement: all stages, each skipped where it is done.

python -m training.recipe tiny-newsrec --data assets/sample --out checkpoints
"""

from dataclasses import dataclass
from typing import Annotated

import tyro
from rich import box
from rich.console import Console
from rich.table import Table
from transformers import AutoConfig

from tinynewsrec.commands import readable_errors
from tinynewsrec.data.read import read_split
from tinynewsrec.data.tables import Split
from tinynewsrec.data.tokens import tokenize
from tinynewsrec.model.language_models import load_tokenizer, locate
from training.config import refuse_no_set
from training.cost import cost_of, operations_per_second
from training.ensemble import write_ensemble
from training.loop import this_process
from training.measurements import SHOWN, Runs, measured
from training.planned import Stage, refuse_done_otherwise, refuse_unable
from training.settings import Settings
from training.systems import WHOLE, Plan, System, unique

STUDENTS = (4, 2, 1)


@dataclass(frozen=True, kw_only=True)
class Arguments(Settings):
    name: Annotated[System, tyro.conf.Positional]
    """The system."""
    layers: tuple[int, ...] | None = None
    """Sizes to train; None: a teacher is whole, students have 4, 2 and 1, and plm-nr-ft comes in all."""
    seeds: tuple[int, ...] = (0,)
    """One run of everything for each."""
    dry_run: bool = False
    """Print the stages and what they will cost, and stop."""

    def __post_init__(self):
        super().__post_init__()
        refuse_no_set(self, "layers", "seeds")
        if self.name == "ensemble-teacher" and self.layers:
            raise ValueError("An ensemble is of whole teachers: leave --layers out.")


def main(arguments: Arguments) -> None:
    whole = layers_in(arguments.language_model)
    sizes = arguments.layers or usual_sizes(arguments.name, whole)
    refuse_missing(arguments, sizes, whole)
    plans = [Plan(arguments, seed, whole) for seed in arguments.seeds]
    stages = unique(stage for plan in plans for size in sizes for stage in plan.system(arguments.name, size))
    refuse_unable(stages)
    refuse_done_otherwise(stages)
    if arguments.dry_run:
        return show_costs(stages)
    for stage in stages:
        stage.run()
    if this_process().is_main_process:
        dev = read_split(arguments.data / "dev")
        if arguments.name == "ensemble-teacher":
            for plan in plans:
                write_ensemble(plan.ensemble(), dev, plan.folder("ensemble-teacher"))
        show(arguments.name, {size: runs_of(plans, arguments.name, size, dev) for size in sizes}, dev)


def runs_of(plans: list[Plan], name: str, layers: int, dev: Split) -> Runs:
    return measured({plan.seed: plan.results(name, layers) for plan in plans}, dev)


def show(name: str, runs: dict[int, Runs], dev: Split) -> None:
    first = next(iter(runs.values()))
    table = Table(title=f"{name} on {dev.name}: {len(first.any.rows):,} impressions", box=box.SIMPLE_HEAD)
    for column in ("layers", "seeds", *SHOWN):
        table.add_column(column, justify="right")
    for layers, found in runs.items():
        table.add_row(str(layers), str(len(found.reports)), *(found.shown(metric) for metric in SHOWN))
    Console().print(table)


def show_costs(stages: list[Stage]) -> None:
    """What is done costs nothing; the rest is counted, and divided by what this machine does."""
    table = Table(title="Stages, and about what they cost on this machine", box=box.SIMPLE_HEAD)
    for column in ("stage", "steps", "operations", "minutes"):
        table.add_column(column, justify="left" if column == "stage" else "right")
    total = 0.0
    for stage in stages:
        if stage.done:
            table.add_row(str(stage.folder), "", "", "done")
            continue
        cost = cost_of(stage.arguments)
        minutes = cost.operations / operations_per_second() / 60
        total += minutes
        table.add_row(str(stage.folder), f"{cost.steps:,}", f"{cost.operations:.1e}", f"{minutes:.1f}")
    console = Console()
    console.print(table)
    for stage in stages:
        console.print(stage.command, markup=False, highlight=False, soft_wrap=True)
    console.print(
        f"{total:.0f} minutes in all at this moment's load, if products of matrices were all; in fact more."
    )


def layers_in(language_model: str) -> int:
    """Raises ValueError where there is no such language model."""
    try:
        return AutoConfig.from_pretrained(locate(language_model)).num_hidden_layers
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"Cannot find the language model {language_model!r}: {reason}") from error


def refuse_missing(settings: Settings, sizes: tuple[int, ...], whole: int) -> None:
    """Raises ValueError or FileNotFoundError before anything is trained that could not be finished."""
    if not all(1 <= size <= whole for size in sizes):
        raise ValueError(
            f"layers must be between 1 and the {whole} of {settings.language_model}; got {sizes}."
        )
    tokenizer = load_tokenizer(locate(settings.language_model))
    for length in (settings.model.title_length, settings.body_length):
        tokenize([], tokenizer, length)
    for part in ("train", "dev"):
        if not (settings.data / part).is_dir():
            raise FileNotFoundError(
                f"There is no folder {settings.data / part}: --data must hold the folders train and dev."
            )


def usual_sizes(name: str, whole: int) -> tuple[int, ...]:
    students = tuple(size for size in STUDENTS if size < whole)
    if name in WHOLE:
        return (whole,)
    return (whole, *students) if name == "plm-nr-ft" else students or (whole,)


if __name__ == "__main__":
    with readable_errors():
        main(tyro.cli(Arguments, description=__doc__))
