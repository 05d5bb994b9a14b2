"""Which stages each system consists of. Systems that share a stage share its folder."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, get_args

from tinynewsrec.model.config import ModelConfig
from tinynewsrec.model.heads import Task
from training import (
    finetune_mtbert,
    finetune_mtrec,
    finetune_newsbert,
    finetune_student,
    finetune_teacher,
    finetune_tinybert,
    posttrain_masked,
    posttrain_simcse,
    posttrain_student,
    posttrain_teacher,
    posttrain_tinybert,
)
from training.aggregators import Strategy
from training.config import TrainConfig
from training.lora import LoraConfig
from training.planned import Stage
from training.settings import Settings

System = Literal[
    "plm-nr-ft",
    "plm-nr-dapt",
    "plm-nr-tapt",
    "plm-nr-dp",
    "plm-nr-simcse",
    "tinybert",
    "newsbert",
    "tinybert-mt",
    "newsbert-mt",
    "mt-bert",
    "ensemble-teacher",
    "tiny-newsrec",
    "mtrec",
    "mtrec-lora",
]
SYSTEMS: tuple[str, ...] = get_args(System)
WHOLE = ("plm-nr-dapt", "plm-nr-tapt", "plm-nr-dp", "plm-nr-simcse", "ensemble-teacher")
WHOLE += ("mtrec", "mtrec-lora")
"""Systems of teacher size, unless other layers are asked for."""


@dataclass(frozen=True)
class Variant:
    """Tiny-NewsRec with something left out or put in another's place."""

    name: str = "tiny-newsrec"
    teachers: int | None = None
    stage_1: bool = True
    stage_2: bool = True
    distillation: dict[str, Any] = field(default_factory=dict)
    """Changes of the distillation's settings, in both stages."""
    teachers_of: Literal["snapshots", "seeds"] = "snapshots"

    @property
    def of_stage_1(self) -> "Variant":
        """What stage I knows of it: whether there is a stage II makes no difference."""
        return self if self.stage_2 else Variant()


@dataclass(frozen=True)
class Plan:
    """The stages of every system, for one seed."""

    settings: Settings
    seed: int
    whole: int
    """Layers of the language model."""

    def system(self, name: str, layers: int) -> list[Stage]:
        """All stages in order; the last writes the system's checkpoint."""
        return unique(self.stages_of(name, layers))

    def stages_of(self, name: str, layers: int) -> list[Stage]:
        several = name.endswith("-mt")
        match name.removesuffix("-mt"):
            case "plm-nr-ft":
                return [self.finetuned(f"plm-nr-ft-{layers}", layers)]
            case "plm-nr-dp":
                return self.teacher(1) if layers == self.whole else self.cut_from_snapshot(layers)
            case "plm-nr-dapt" | "plm-nr-tapt" | "plm-nr-simcse":
                return self.posttrained_otherwise(name, layers)
            case "tinybert":
                return self.tinybert(layers, self.settings.teachers if several else 1)
            case "newsbert":
                return self.newsbert(layers, self.settings.teachers if several else 1)
            case "mt-bert":
                return self.mtbert(layers)
            case "ensemble-teacher":
                return self.teachers(self.settings.teachers)
            case "tiny-newsrec":
                return self.tiny_newsrec(layers, Variant())
            case "mtrec" | "mtrec-lora":
                return [self.mtrec(layers, lora=name == "mtrec-lora")]
        raise ValueError(f"No system is called {name}; expected one of {', '.join(SYSTEMS)}.")

    def results(self, name: str, layers: int) -> list[Path]:
        """The checkpoints whose scores, averaged, are the system's."""
        if name == "ensemble-teacher":
            return self.ensemble()
        return [self.system(name, layers)[-1].folder]

    def ensemble(self) -> list[Path]:
        return [stage.folder for stage in taught(self.teachers(self.settings.teachers))]

    def folder(self, name: str) -> Path:
        return self.settings.out / f"seed-{self.seed}" / name

    def model(self, layers: int) -> ModelConfig:
        return replace(self.settings.model, language_model=self.settings.language_model, layers=layers)

    def seeded(self, training: TrainConfig) -> TrainConfig:
        return replace(training, seed=self.seed)

    @property
    def train(self) -> Path:
        return self.settings.data / "train"

    @cached_property
    def pairs(self) -> dict[str, Any]:
        return {"data": self.settings.corpus or self.train, "body_length": self.settings.body_length}

    def clicks(self, layers: int) -> dict[str, Any]:
        settings = self.settings
        return {
            "data": self.train,
            "dev": settings.data / "dev",
            "negatives": settings.negatives,
            "trained_layers": settings.trained_layers,
            "model": self.model(layers),
            "training": self.seeded(settings.finetune if layers == self.whole else settings.finetune_student),
        }

    def finetuned(self, name: str, layers: int, parent: Path | None = None) -> Stage:
        return Stage(
            finetune_teacher.main,
            finetune_teacher.Arguments(out=self.folder(name), parent=parent, **self.clicks(layers)),
        )

    def posttrained(self) -> Stage:
        return Stage(
            posttrain_teacher.main,
            posttrain_teacher.Arguments(
                out=self.folder("posttrain"),
                negatives=self.settings.posttrain_negatives,
                trained_layers=self.settings.posttrain_layers,
                snapshots=self.settings.snapshots,
                model=self.model(self.whole),
                training=self.seeded(self.settings.posttrain),
                **self.pairs,
            ),
        )

    def snapshot(self, place: int) -> Path:
        return self.folder("posttrain") / f"snapshot-{place}"

    def teacher(self, place: int) -> list[Stage]:
        name = f"teacher-{place}"
        return [self.posttrained(), self.finetuned(name, self.whole, self.snapshot(place))]

    def teachers(self, count: int) -> list[Stage]:
        return unique(stage for place in range(1, count + 1) for stage in self.teacher(place))

    def cut_from_snapshot(self, layers: int) -> list[Stage]:
        name = f"plm-nr-dp-{layers}"
        return [self.posttrained(), self.finetuned(name, layers, self.snapshot(1))]

    def posttrained_otherwise(self, name: str, layers: int) -> list[Stage]:
        module, more = {
            "plm-nr-dapt": (posttrain_masked, {"texts": "bodies"}),
            "plm-nr-tapt": (posttrain_masked, {"texts": "titles"}),
            "plm-nr-simcse": (posttrain_simcse, {}),
        }[name]
        folder = self.folder("posttrain-" + name.removeprefix("plm-nr-"))
        data = {"data": self.train} if name == "plm-nr-tapt" else self.pairs
        first = module.Arguments(
            out=folder,
            trained_layers=self.settings.posttrain_layers,
            model=self.model(self.whole),
            training=self.seeded(self.settings.posttrain),
            **data,
            **more,
        )
        return [Stage(module.main, first), self.finetuned(f"{name}-{layers}", layers, folder)]

    def tinybert(self, layers: int, count: int) -> list[Stage]:
        suffix = f"{'-mt' * (count > 1)}-{layers}"
        teachers, general = self.teachers(count), self.folder("posttrain-tinybert" + suffix)
        first = posttrain_tinybert.Arguments(
            out=general,
            teachers=(self.folder("posttrain"),),
            teacher_count=count,
            distillation=self.settings.tinybert_general,
            model=self.model(layers),
            training=self.seeded(self.settings.posttrain_student),
            **self.pairs,
        )
        second = finetune_tinybert.Arguments(
            out=self.folder("tinybert" + suffix),
            teachers=folders(teachers[1:]),
            parent=general,
            distillation=self.settings.tinybert_task,
            **self.clicks(layers),
        )
        return [*teachers, Stage(posttrain_tinybert.main, first), Stage(finetune_tinybert.main, second)]

    def newsbert(self, layers: int, count: int) -> list[Stage]:
        arguments = finetune_newsbert.Arguments(
            out=self.folder(f"newsbert{'-mt' * (count > 1)}-{layers}"),
            teachers=(self.folder("posttrain"),),
            teacher_count=count,
            distillation=self.settings.newsbert,
            teachers_learning_rate=self.settings.joint_learning_rate,
            **self.clicks(layers),
        )
        return [self.posttrained(), Stage(finetune_newsbert.main, arguments)]

    def mtbert(self, layers: int) -> list[Stage]:
        adapted = self.posttrained_otherwise("plm-nr-tapt", self.whole)[0]
        before = [] if self.settings.co_teachers else [adapted]
        arguments = finetune_mtbert.Arguments(
            out=self.folder(f"mt-bert-{layers}"),
            language_models=(self.settings.language_model, *self.settings.co_teachers),
            teachers=folders(before),
            teachers_learning_rate=self.settings.joint_learning_rate,
            **self.clicks(layers),
        )
        return [*before, Stage(finetune_mtbert.main, arguments)]

    def mtrec(
        self,
        layers: int,
        tasks: tuple[Task, ...] | None = None,
        strategy: Strategy | None = None,
        lora: bool = False,
    ) -> Stage:
        """Other tasks and another strategy than the settings' have folders of their own."""
        settings, clicks = self.settings, self.clicks(layers)
        heads = settings.heads if tasks is None else replace(settings.heads, tasks=tasks)
        surgery = replace(settings.surgery, strategy=strategy or settings.surgery.strategy)
        if not heads.tasks and not lora:
            return self.finetuned(f"plm-nr-ft-{layers}", layers)
        if lora:
            clicks["training"] = replace(clicks["training"], learning_rate=settings.lora_learning_rate)
        learnt = (*heads.tasks, surgery.strategy) if heads.tasks else ("clicks",)
        arguments = finetune_mtrec.Arguments(
            out=self.folder("-".join(["mtrec", *["lora"] * lora, str(layers), *learnt])),
            heads=heads,
            surgery=surgery,
            lora=settings.lora if lora else LoraConfig(),
            **clicks,
        )
        return Stage(finetune_mtrec.main, arguments)

    def tiny_newsrec(self, layers: int, variant: Variant) -> list[Stage]:
        """Post-trained teachers, a student post-trained by them, teachers finetuned, the student by those."""
        count = variant.teachers or self.settings.teachers
        sources = self.sources(count, variant.teachers_of)
        posttrained = tuple(parent for _, parent in sources)
        finetuned = [stage for stages, _ in sources for stage in stages]
        posttraining = unique(stage for stage in finetuned if stage.main is posttrain_teacher.main)
        first = self.stage_1(layers, variant, posttrained) if variant.stage_1 else None
        source = self.snapshot(1) if self.settings.from_teacher else None
        last = self.stage_2(layers, variant, folders(taught(finetuned)), first.folder if first else source)
        return [
            *posttraining,
            *([first] if first else []),
            *(taught(finetuned) if variant.stage_2 else []),
            last,
        ]

    def sources(self, count: int, kind: str) -> list[tuple[list[Stage], Path]]:
        """For each teacher its stages, and the checkpoint that it was finetuned from."""
        if kind == "snapshots":
            return [(self.teacher(place), self.snapshot(place)) for place in range(1, count + 1)]
        plans = [self, *(replace(self, seed=self.seed + 100 * other) for other in range(1, count))]
        return [(plan.teacher(1), plan.snapshot(1)) for plan in plans]

    def variant_name(self, stage: str, layers: int, variant: Variant) -> str:
        source = "-from-teacher" if self.settings.from_teacher else ""
        return f"{stage}-{layers}{variant.name.removeprefix('tiny-newsrec')}{source}"

    def stage_1(self, layers: int, variant: Variant, teachers: tuple[Path, ...]) -> Stage:
        arguments = posttrain_student.Arguments(
            out=self.folder(self.variant_name("posttrain-student", layers, variant.of_stage_1)),
            teachers=teachers,
            negatives=self.settings.posttrain_negatives,
            parent=self.snapshot(1) if self.settings.from_teacher else None,
            distillation=replace(self.settings.distillation, **variant.distillation),
            model=self.model(layers),
            training=self.seeded(self.settings.posttrain_student),
            **self.pairs,
        )
        return Stage(posttrain_student.main, arguments)

    def stage_2(
        self, layers: int, variant: Variant, teachers: tuple[Path, ...], parent: Path | None
    ) -> Stage:
        name = self.variant_name("tiny-newsrec", layers, variant)
        if not variant.stage_2:
            return self.finetuned(name, layers, parent)
        arguments = finetune_student.Arguments(
            out=self.folder(name),
            teachers=teachers,
            parent=parent,
            distillation=replace(self.settings.distillation, **variant.distillation),
            **self.clicks(layers),
        )
        return Stage(finetune_student.main, arguments)


def unique(stages: Iterator[Stage] | list[Stage]) -> list[Stage]:
    """Each folder once, in order."""
    return list({stage.folder: stage for stage in stages}.values())


def folders(stages: list[Stage]) -> tuple[Path, ...]:
    return tuple(stage.folder for stage in stages)


def taught(stages: list[Stage]) -> list[Stage]:
    """Those of them that learn from clicks."""
    return [stage for stage in stages if stage.main is finetune_teacher.main]
