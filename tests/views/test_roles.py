from unittest.mock import Mock

import pytest

from tinynewsrec.views.roles import role_of
from tinynewsrec.views.workspace import Model, Workspace


def model(name: str, layers: int, stage: str = "", heads: bool = False):
    checkpoint = Mock(training={"stage": stage} if stage else {})
    recommender = Mock(heads={"category": None} if heads else None)
    made = Mock(spec=Model, layers=layers, checkpoint=checkpoint, recommender=recommender)
    made.name = name
    return made


@pytest.mark.parametrize(
    ("second", "role"),
    [
        (model("mtrec", 6, "finetune_mtrec", heads=True), "multitask"),
        (model("student-4", 4, "finetune_student"), "student"),
        (model("tinybert", 4, "finetune_tinybert"), "student"),
        (model("someone's", 2), "student"),
        (model("plm-nr-ft", 1, "finetune_teacher"), "other"),
        (model("twin", 6), "other"),
    ],
)
def test_a_model_is_a_student_only_if_it_was_taught(second, role):
    teacher = model("teacher", 6, "finetune_teacher")
    workspace = Mock(spec=Workspace, models=(teacher, second))
    assert [role_of(workspace, each) for each in workspace.models] == ["teacher", role]
