"""What a model is among those that are loaded: teacher, student, multi-task model, or just another."""

from typing import Literal

from tinynewsrec.views.workspace import Model, Workspace

Role = Literal["teacher", "student", "multitask", "other"]
TAUGHT = ("student", "newsbert", "tinybert", "mtbert")  # in the name of a stage that distils


def role_of(workspace: Workspace, model: Model) -> Role:
    """The largest is the teacher; a smaller one whose record does not say otherwise was taught by one."""
    first, stage = workspace.models[0], model.checkpoint.training.get("stage", "")
    if model.recommender.heads:
        return "multitask"
    if model.name == first.name:
        return "teacher"
    distilled = any(name in stage for name in TAUGHT) if stage else model.layers < first.layers
    return "student" if distilled else "other"


def roles_of(workspace: Workspace) -> dict[str, Role]:
    """By the name of the model."""
    return {model.name: role_of(workspace, model) for model in workspace.models}
