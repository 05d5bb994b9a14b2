"""Imports point one way: files -> scores -> app, and nothing depends on training."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ORDER = [
    "commands",
    "data",
    "model",
    "checkpoints",
    "evaluation",
    "evaluate",
    "analysis",
    "views",
    "training",
    "app",
]
SOURCES = [
    path
    for path in [ROOT / "app.py", *ROOT.glob("tinynewsrec/**/*.py"), *ROOT.glob("training/**/*.py")]
    if path.stem != "__init__"
]


def place(name: str) -> int:
    return ORDER.index(name.removeprefix("tinynewsrec.").split(".")[0])


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_imports_point_back(path):
    here = place(".".join(path.relative_to(ROOT).with_suffix("").parts))
    imported = re.findall(r"^\s*(?:from|import) ((?:tinynewsrec|training)\.[\w.]*)", path.read_text(), re.M)
    assert all(place(name) <= here for name in imported)


def test_the_app_does_not_need_training():
    imported = re.findall(r"^\s*(?:from|import) training", (ROOT / "app.py").read_text(), re.M)
    assert not imported


def test_only_the_views_and_the_app_know_gradio():
    knowing = {
        path.parent.name for path in SOURCES if re.search(r"^\s*(import|from) gradio", path.read_text(), re.M)
    }
    assert knowing <= {"views", ROOT.name}


def test_nothing_unpickles():
    for path in SOURCES:
        text = path.read_text()
        assert not re.search(r"\bpickle\.(load|Unpickler)|allow_pickle=True|weights_only=False", text), path
        assert "torch.load(" not in text or "weights_only=True" in text, path
