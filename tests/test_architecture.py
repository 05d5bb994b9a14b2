"""Imports point one way: files -> scores -> app, and nothing depends on training."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
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
    "time_models",
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


def imported(path: Path) -> Iterator[str]:
    """Full names of all that a file imports, wherever in it that happens."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}, line {node.lineno}: expected an import by its full name."
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_imports_are_seen_in_every_form(tmp_path):
    source = tmp_path / "source.py"
    source.write_text(
        "from tinynewsrec import views\ndef late():\n    import training.loop as loop, gradio\n"
    )
    assert list(imported(source)) == ["tinynewsrec.views", "training.loop", "gradio"]
    source.write_text("from .views import page\n")
    with pytest.raises(AssertionError, match="line 1: expected an import by its full name"):
        list(imported(source))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_imports_point_back(path):
    here = place(".".join(path.relative_to(ROOT).with_suffix("").parts))
    ours = [name for name in imported(path) if name.split(".")[0] in ("tinynewsrec", "training")]
    assert all(place(name) <= here for name in ours)


def test_the_app_does_not_need_training():
    assert not [name for name in imported(ROOT / "app.py") if name.split(".")[0] == "training"]


def test_training_without_its_extra_is_one_line_that_says_what_to_install():
    bare = [sys.executable, "-S", "-m", "training.holdout"]  # -S: no package is found
    found = subprocess.run(bare, cwd=ROOT, capture_output=True, text=True)
    assert found.returncode == 1
    assert re.fullmatch(r".*training lacks accelerate, .*pip install -e '.\[train\]'.*\n", found.stderr)


def test_only_the_views_and_the_app_know_gradio():
    knowing = {
        path.parent.name for path in SOURCES if any(name.split(".")[0] == "gradio" for name in imported(path))
    }
    assert knowing <= {"views", ROOT.name}


def test_nothing_unpickles():
    for path in SOURCES:
        text = path.read_text()
        assert not re.search(r"\bpickle\.(load|Unpickler)|allow_pickle=True|weights_only=False", text), path
        assert "torch.load(" not in text or "weights_only=True" in text, path
