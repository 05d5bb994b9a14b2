"""Runs and prints a whole table of the paper's shape, every row against the one above it.

python -m training.table main --data assets/sample --out checkpoints --seeds 0 1 2
"""

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise, product
from pathlib import Path
from statistics import mean
from typing import Annotated, Literal, NamedTuple

import tyro
from rich.console import Console

from tinynewsrec.commands import readable_errors
from tinynewsrec.data.read import read_split
from tinynewsrec.data.tables import Split
from tinynewsrec.model.folder import read_json
from tinynewsrec.model.heads import Task
from training.aggregators import Strategy
from training.config import refuse_no_set
from training.loop import this_process
from training.measurements import SHOWN, Runs, measured
from training.paper import published
from training.planned import Stage, refuse_done_otherwise, refuse_unable
from training.recipe import STUDENTS, layers_in, refuse_missing
from training.settings import Settings
from training.systems import Plan, Variant, unique

Name = Literal["main", "teachers", "stages", "losses", "controls", "mtrec"]
TaskSet = Literal["main", "category", "subcategory", "sentiment", "entities", "all"]
TEACHERS = ("plm-nr-ft", "plm-nr-dapt", "plm-nr-tapt", "plm-nr-simcse", "plm-nr-dp", "ensemble-teacher")
DISTILLED = ("plm-nr-ft", "mt-bert", "tinybert", "tinybert-mt", "newsbert", "newsbert-mt", "tiny-newsrec")
NOTE = """AUC, MRR and nDCG@10 in percent: mean and standard deviation over seeds, full candidate lists.
Differences are of the seeds that both have, with a paired 95 % bootstrap interval over readers."""
NOTES = {
    "AUC against its control": "A control differs in one thing: of a way to reconcile tasks it is adding the "
    "losses up (none),\nof tasks it is clicks alone, of an adapter whole layers.",
    "paper (other data), AUC": "The paper's figures were measured on other data with another language model.",
}


@dataclass(frozen=True, kw_only=True)
class Arguments(Settings):
    name: Annotated[Name, tyro.conf.Positional]
    """main: all systems; teachers: 1 to 6; stages, losses: each left out; controls: others in their place;
    mtrec: tasks, surgery and adapters."""
    layers: tuple[int, ...] | None = None
    """Sizes; None: students of 4, 2 and 1, in main the whole language model as well; mtrec whole."""
    seeds: tuple[int, ...] = (0,)
    """One run of everything for each."""
    train: bool = True
    """Train what is missing; otherwise rows without a finished run say so."""
    tasks: tuple[TaskSet, ...] = ("main", "category", "sentiment", "entities", "all")
    """Of the table mtrec: clicks alone, with one task each, with all of heads.tasks."""
    strategies: tuple[Strategy, ...] = ("none", "aux_only", "mtrec", "pcgrad", "upgrad")
    """Of the table mtrec, for every row with a task."""
    adapters: tuple[Literal["full", "lora"], ...] = ("full", "lora")
    """Of the table mtrec: whole layers are trained, or low-rank adapters of them."""

    def __post_init__(self):
        super().__post_init__()
        refuse_no_set(self, "layers", "seeds", "tasks", "strategies", "adapters")


class Row(NamedTuple):
    label: str
    layers: int
    stages: Callable[[Plan], list[Stage]]
    results: Callable[[Plan], list[Path]]
    known_as: str = ""
    """What others of its size are held against by this name."""
    paper: str = ""
    control: str = ""
    """The label of the row of its size that differs in one thing; without, the row above is."""
    more: Callable[[list[Path]], dict[str, str]] = lambda places: {}


def main(arguments: Arguments) -> None:
    whole = layers_in(arguments.language_model)
    students = tuple(size for size in STUDENTS if size < whole) if arguments.name != "mtrec" else ()
    arguments = replace(arguments, layers=arguments.layers or students or (whole,))
    refuse_missing(arguments, arguments.layers, whole)
    plans = [Plan(arguments, seed, whole) for seed in arguments.seeds]
    rows = list(ROWS[arguments.name](arguments, whole))
    if arguments.train:
        stages = unique(stage for plan in plans for row in rows for stage in row.stages(plan))
        refuse_unable(stages)
        refuse_done_otherwise(stages)
        for stage in stages:
            stage.run()
    if not this_process().is_main_process:
        return
    dev = read_split(arguments.data / "dev")
    references = ("plm-nr-ft",) if arguments.name in ("main", "mtrec") else ("plm-nr-ft", "tiny-newsrec")
    lines = list(lines_of(rows, plans, dev, references))
    folder = arguments.out / "tables"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{arguments.name}.md").write_text(markdown(lines, dev), encoding="utf-8")
    (folder / f"{arguments.name}.csv").write_text(as_csv(lines), encoding="utf-8")
    Console().print(markdown(lines, dev), markup=False, highlight=False, soft_wrap=True)


def main_rows(arguments: Arguments, whole: int) -> Iterator[Row]:
    yield from (system_row(name, whole, whole) for name in TEACHERS)
    sizes = [size for size in arguments.layers if size < whole]
    yield from (system_row(name, size, whole) for size in sizes for name in DISTILLED)


def teacher_rows(arguments: Arguments, whole: int) -> Iterator[Row]:
    for size in arguments.layers:
        yield system_row("plm-nr-ft", size, whole)
        for count in range(1, arguments.snapshots + 1):
            # As many as everywhere else is no variant: it shares their folder.
            name = "tiny-newsrec" + (f"-m{count}" if count != arguments.teachers else "")
            yield variant_row(
                f"{count} teacher{'s' * (count > 1)}", size, whole, Variant(name, teachers=count)
            )


def stage_rows(arguments: Arguments, whole: int) -> Iterator[Row]:
    for size in arguments.layers:
        yield system_row("plm-nr-ft", size, whole)
        yield variant_row(
            "without stage II", size, whole, Variant("tiny-newsrec-without-stage-2", stage_2=False)
        )
        yield variant_row(
            "without stage I", size, whole, Variant("tiny-newsrec-without-stage-1", stage_1=False)
        )
        yield variant_row("both stages", size, whole, Variant())


def loss_rows(arguments: Arguments, whole: int) -> Iterator[Row]:
    for size in arguments.layers:
        yield system_row("plm-nr-ft", size, whole)
        yield variant_row("all losses", size, whole, Variant())
        for loss in ("distill", "embedding", "target"):
            variant = Variant(f"tiny-newsrec-without-{loss}", distillation={loss: 0.0})
            yield variant_row(f"without {loss}", size, whole, variant)


def control_rows(arguments: Arguments, whole: int) -> Iterator[Row]:
    for size in arguments.layers:
        yield system_row("plm-nr-ft", size, whole)
        yield system_row("plm-nr-dp", size, whole, "cut from the post-trained teacher, not distilled")
        yield variant_row("tiny-newsrec", size, whole, Variant())
        uniform = Variant("tiny-newsrec-uniform", distillation={"weighting": "uniform"})
        yield variant_row("teachers weighted alike", size, whole, uniform)
        yield variant_row(
            "teachers of different seeds", size, whole, Variant("tiny-newsrec-seeds", teachers_of="seeds")
        )


def mtrec_rows(arguments: Arguments, whole: int) -> Iterator[Row]:
    """Clicks alone have nothing to reconcile, so one row for each size and kind of adapter."""
    for size, adapter, name in product(arguments.layers, arguments.adapters, arguments.tasks):
        tasks = {"main": (), "all": arguments.heads.tasks}.get(name, (name,))
        for strategy in arguments.strategies if tasks else ("none",):
            yield mtrec_row(name, size, tasks, strategy, adapter == "lora")


def mtrec_row(name: str, layers: int, tasks: tuple[Task, ...], strategy: Strategy, lora: bool) -> Row:
    def stages(plan: Plan) -> list[Stage]:
        return [plan.mtrec(layers, tasks, strategy, lora)]

    def labelled(parts: list[str]) -> str:
        return ", ".join(parts + ["LoRA"] * lora)

    clicks = labelled(["clicks alone"]) if lora else "plm-nr-ft"
    if not tasks:
        label, control = clicks, "plm-nr-ft"
    else:
        label = labelled([f"+ {name}", strategy])
        control = clicks if strategy == "none" else labelled([f"+ {name}", "none"])
    return Row(
        label,
        layers,
        stages,
        lambda plan: [stages(plan)[0].folder],
        known_as="" if tasks or lora else "plm-nr-ft",
        control=control,
        more=heads_shown,
    )


def heads_shown(places: list[Path]) -> dict[str, str]:
    """How well heads label held-out stories: the means over seeds."""
    found = [read_json(place / "metrics.json").get("heads", {}).get("tasks", {}) for place in places]
    cells = [
        f"{task} {mean(each[task]['accuracy'] for each in found):.1f} "
        f"({mean(each[task]['macro_f1'] for each in found):.1f})"
        for task in (found[0] if found else ())
        if "accuracy" in found[0][task]
    ]
    return {"labels of held-out stories, accuracy (macro-F1)": ", ".join(cells)}


ROWS = {
    "main": main_rows,
    "teachers": teacher_rows,
    "stages": stage_rows,
    "losses": loss_rows,
    "controls": control_rows,
    "mtrec": mtrec_rows,
}


def system_row(name: str, layers: int, whole: int, label: str = "") -> Row:
    return Row(
        label or name,
        layers,
        lambda plan: plan.system(name, layers),
        lambda plan: plan.results(name, layers),
        name,
        paper_shown(name, layers, whole),
    )


def variant_row(label: str, layers: int, whole: int, variant: Variant) -> Row:
    def stages(plan: Plan) -> list[Stage]:
        return unique(plan.tiny_newsrec(layers, variant))

    return Row(
        label,
        layers,
        stages,
        lambda plan: [stages(plan)[-1].folder],
        variant.name,
        paper_shown(variant.name, layers, whole),
    )


def paper_shown(name: str, layers: int, whole: int) -> str:
    found = published(name, layers, whole)
    return f"{found.data} {found.auc:.2f}" if found else ""


def lines_of(
    rows: list[Row], plans: list[Plan], dev: Split, references: tuple[str, ...]
) -> Iterator[dict[str, str]]:
    """Each row against its control, or the one above it, and the references of its size, where run."""
    done = [{p.seed: row.results(p) for p in plans if finished(row.stages(p))} for row in rows]
    runs = [measured(folders, dev) if folders else None for folders in done]
    labelled = {(row.label, row.layers): found for row, found in zip(rows, runs, strict=True)}
    known = {(row.known_as, row.layers): found for row, found in zip(rows, runs, strict=True)}
    controls = [labelled.get((row.control, row.layers)) for row in rows]
    pairs = pairwise(zip(rows, runs, strict=True))
    above = [None, *(found if row.layers == below.layers else None for (row, found), (below, _) in pairs)]
    beside = ("its control", controls) if any(row.control for row in rows) else ("the row above", above)
    papers = any(row.paper for row in rows)
    for row, folders, found, other in zip(rows, done, runs, beside[1], strict=True):
        yield {
            "system": row.label,
            "layers": str(row.layers),
            "seeds": ", ".join(map(str, folders)) or "not run",
            **{metric: found.shown(metric) if found else "" for metric in SHOWN},
            f"AUC against {beside[0]}": against(found, other),
            **{f"AUC against {name}": against(found, known.get((name, row.layers))) for name in references},
            **({"paper (other data), AUC": row.paper} if papers else {}),
            **row.more([place for places in folders.values() for place in places]),
        }


def finished(stages: list[Stage]) -> bool:
    """Raises ValueError where they are, but with other settings."""
    if not all(stage.done for stage in stages):
        return False
    for stage in stages:
        stage.refuse_others()
    return True


def against(runs: Runs | None, other: Runs | None) -> str:
    """Of the seeds that both have, which are named where `runs` has others as well."""
    if runs is None or other is None or runs is other:
        return ""
    both = [seed for seed in runs.reports if seed in other.reports]
    if not both:
        return "no seed in common"
    value, low, high = runs.only(both).lead(other.only(both))
    some = f", seed{'s' * (len(both) > 1)} {', '.join(map(str, both))}"
    return f"{value:+.2f} ({low:+.1f} to {high:+.1f}){some * (len(both) < len(runs.reports))}"


def markdown(lines: list[dict[str, str]], dev: Split) -> str:
    head = [*lines[0]]
    rows = [head, ["---"] * len(head), *([*line.values()] for line in lines)]
    table = "\n".join("| " + " | ".join(cells) + " |" for cells in rows)
    notes = "\n".join([NOTE, *(note for column, note in NOTES.items() if column in head)])
    return f"On {dev.name}, {len(dev.impressions):,} impressions.\n\n{table}\n\n{notes}\n"


def as_csv(lines: list[dict[str, str]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=[*lines[0]])
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()


if __name__ == "__main__":
    with readable_errors():
        main(tyro.cli(Arguments, description=__doc__))
