"""The README is a promise; these keep it."""

import json
import re
import shlex
import shutil
import subprocess
import tomllib
from importlib import import_module
from pathlib import Path

import pytest
import tyro

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "training" / "README.md"]
COMMANDS = [
    command
    for page in PAGES
    for command in re.findall(
        r"^python -m ((?:training|tinynewsrec)\.\w+.*)$", page.read_text().replace("\\\n", " "), re.M
    )
]


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_parse(command):
    module, *flags = shlex.split(command)
    tyro.cli(import_module(module).Arguments, args=flags)


@pytest.mark.parametrize("flags", re.findall(r"^python app\.py(.*)$", PAGES[0].read_text(), re.M))
def test_app_commands_parse(flags):
    tyro.cli(import_module("app").Arguments, args=shlex.split(flags))


def test_a_space_installs_what_the_app_needs():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    listed = [
        line for line in (ROOT / "requirements.txt").read_text().splitlines() if line[:1] not in ("", "#")
    ]
    assert listed[: len(project["dependencies"])] == project["dependencies"]
    assert sorted(listed[len(project["dependencies"]) :]) == sorted(project["optional-dependencies"]["app"])


def test_every_command_is_documented():
    runnable = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in [*ROOT.glob("training/*.py"), *ROOT.glob("tinynewsrec/*.py")]
        if '__name__ == "__main__"' in path.read_text()
    }
    assert {command.split()[0] for command in COMMANDS} == runnable


def test_the_tree_is_the_tree_on_disk():
    tree = PAGES[0].read_text().split("```\napp.py", 1)[1].split("```")[0]
    sources = [ROOT / "app.py", *ROOT.glob("tinynewsrec/**/*.py"), *ROOT.glob("training/**/*.py")]
    files = {path.relative_to(ROOT) for path in sources if path.name != "__init__.py"}
    folders = {parent for path in files for parent in path.parents} - {Path(".")}
    assert sorted(drawn_paths("app.py" + tree)) == sorted(
        [*map(str, files), *(f"{folder}/" for folder in folders)]
    )


def drawn_paths(tree: str) -> list[str]:
    """Every line's path: the folders it is indented under, and the name it begins with."""
    paths, folders = [], []
    for line in tree.strip().splitlines():
        depth = (len(line) - len(line.lstrip())) // 2
        folders[depth:] = [line.split()[0]]
        paths.append("".join(folders))
    return paths


def test_bundled_files_are_not_ignored():
    if not shutil.which("git") or not (ROOT / ".git").exists():
        pytest.skip("needs git and a checkout")
    bundled = [path for path in ROOT.glob("assets/**/*") if path.is_file()]
    weights = ROOT / "assets/checkpoints/teacher/model.safetensors"
    command = ["git", "check-ignore", "--no-index", *map(str, [*bundled, weights])]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (found.returncode, found.stdout) == (1, ""), found.stdout + found.stderr


def test_pictures_and_links_exist():
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
            assert target.startswith("http") or (page.parent / target).exists(), target


def test_the_figures_are_those_of_the_shipped_checkpoints():
    table = (ROOT / "training" / "README.md").read_text()
    for path in (ROOT / "assets" / "checkpoints").glob("*/metrics.json"):
        found = json.loads(path.read_text())
        row = next(line for line in table.splitlines() if line.startswith(f"| {path.parent.name}, "))
        for name in ("AUC", "MRR", "nDCG@5", "nDCG@10"):
            assert f"{found['metrics'][name]['value']:.2f}" in row, (path.parent.name, name)
        assert f"dev: {found['impressions']:,} impressions of {found['readers']:,} readers" in table
        if path.parent.name in ("teacher", "student-1"):
            assert f"{found['metrics']['AUC']['value']:.1f}" in (ROOT / "README.md").read_text()
