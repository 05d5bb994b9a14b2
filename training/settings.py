"""What all systems of one comparison have in common, and can be set in one place."""

from dataclasses import dataclass, field
from pathlib import Path

from tinynewsrec.model.config import MINILM, ModelConfig
from training import posttrain_student, posttrain_teacher
from training.config import TrainConfig
from training.distillation import DistillConfig
from training.finetune_newsbert import NewsBertConfig
from training.finetune_tinybert import TaskConfig
from training.layer_distillation import LayerConfig
from training.lora import LoraConfig
from training.story_labels import HeadsConfig
from training.surgery import SurgeryConfig

STUDENT = TrainConfig(epochs=6, learning_rate=8e-4)


@dataclass(frozen=True, kw_only=True)
class Settings:
    data: Path
    """Folder with the splits `train` and `dev`."""
    out: Path
    """Where stages go, each to a folder of its own; those that are there are not run again."""
    language_model: str = MINILM
    """Name or folder of a Hugging Face encoder."""
    co_teachers: tuple[str, ...] = ()
    """Other language models that teach beside it in mt-bert; none: what TAPT makes of it."""
    corpus: Path | None = None
    """Titles and bodies to post-train on; None: titles and abstracts of the training stories."""
    teachers: int = 4
    """How many snapshots become teachers."""
    snapshots: int = 6
    """How many are kept, for the table of teachers."""
    from_teacher: bool = False
    """Students of tiny-newsrec begin with the latest snapshot's first layers, not the language model's."""
    model: ModelConfig = field(default_factory=ModelConfig)
    """Of all systems; language_model and layers are set above and by system."""
    posttrain: TrainConfig = posttrain_teacher.TRAINING
    """Of the teachers' post-training, whether by matching, masked words or SimCSE."""
    posttrain_student: TrainConfig = posttrain_student.TRAINING
    """Of the students' post-training."""
    posttrain_layers: int = 3
    """Layers of whole language models that learn in post-training, from the last."""
    body_length: int = 128
    """Tokens of a body in all post-training, the special ones included."""
    posttrain_negatives: int | None = None
    """Titles beside each body's own, drawn from the whole corpus (the paper: 9); None: those of the batch."""
    trained_layers: int = 2
    """Layers that learn from clicks, from the last; those below are frozen and read once. 0: all are."""
    negatives: int = 4
    """Stories beside each click."""
    finetune: TrainConfig = field(default_factory=TrainConfig)
    """Of whole language models, when they learn from clicks."""
    finetune_student: TrainConfig = STUDENT
    """Of all smaller ones, distilled or not."""
    distillation: DistillConfig = field(default_factory=DistillConfig)
    """Of both stages of tiny-newsrec."""
    tinybert_general: LayerConfig = field(default_factory=LayerConfig)
    """Of tinybert's first stage, on bodies."""
    tinybert_task: TaskConfig = field(default_factory=TaskConfig)
    """Of its second, on clicks."""
    joint_learning_rate: float = 2e-4
    """Peak rate of the layers of teachers that learn beside their student, in newsbert and mt-bert."""
    newsbert: NewsBertConfig = field(default_factory=NewsBertConfig)
    """Of newsbert's joint training."""
    heads: HeadsConfig = field(default_factory=HeadsConfig)
    """What mtrec learns beside clicks."""
    surgery: SurgeryConfig = field(default_factory=SurgeryConfig)
    """Of mtrec."""
    lora: LoraConfig = field(default_factory=lambda: LoraConfig(rank=16))
    """Of mtrec-lora."""
    lora_learning_rate: float = 7e-4
    """Peak rate of adapters, in the place of the language model's."""

    def __post_init__(self):
        if not self.heads.tasks:
            raise ValueError("heads.tasks must name a task: clicks alone are plm-nr-ft.")
        if self.heads.distillation:
            raise ValueError(
                "Recipes and tables have no teachers with heads. Train such a student by itself: "
                "python -m training.finetune_mtrec --heads.distillation 1 --teachers FOLDER."
            )
        if not self.lora.rank:
            raise ValueError("lora.rank must be 1 or more: without an adapter mtrec-lora is mtrec.")
        if not 1 <= self.teachers <= self.snapshots:
            raise ValueError(
                f"teachers must be between 1 and the {self.snapshots} snapshots that are kept, "
                f"got {self.teachers}. Raise snapshots to have more."
            )
