"""The README: its commands exist, its file tree is complete, its study file loads."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer.main

from hpstudy.cli import app
from hpstudy.spec.load import load_study

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = typer.main.get_command(app).commands


def test_every_command_that_it_names_exists_and_the_other_way_round() -> None:
    named = set(re.findall(r"hpstudy ([a-z]+)\b(?=[ `\n])", README)) & set(re.findall(r"`?hpstudy ([a-z]+)", README))
    commands = {word for word in named if f"`hpstudy {word}" in README or f"bin/hpstudy {word}" in README}
    assert commands == set(COMMANDS)


@pytest.mark.parametrize("option", sorted(set(re.findall(r"`(--[a-z-]+)", README))))
def test_every_option_that_it_names_exists(option: str) -> None:
    known = {name for command in COMMANDS.values() for parameter in command.params for name in parameter.opts}
    assert option in known


def test_every_make_target_that_it_names_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, flags=re.MULTILINE))
    named = set(re.findall(r"make ([a-z-]+)\b(?= {2,}#|`)", README))
    assert named >= {"demo", "study", "test", "lint"}
    assert named <= targets


def test_the_file_tree_has_every_module_and_nothing_else() -> None:
    tree = re.search(r"```\nhpstudy/\n(.*?)^studies/", README, flags=re.DOTALL | re.MULTILINE)
    assert tree
    listed, room = set(), ""
    for line in tree[1].splitlines():
        name = line.split()[0]
        if name.endswith("/"):
            room = name
        else:
            listed.add((room if line.startswith("    ") else "") + name)
    modules = {
        str(path.relative_to(ROOT / "hpstudy"))
        for path in (ROOT / "hpstudy").rglob("*.py")
        if path.name != "__init__.py"
    }
    assert listed == modules


def test_the_study_file_that_it_shows_loads(tmp_path: Path) -> None:
    shown = re.search(r"## The study file\n\n```yaml\n(.*?)```", README, flags=re.DOTALL)
    assert shown
    file = tmp_path / "shown.yaml"
    file.write_text(shown[1], encoding="utf-8")
    spec = load_study(file)
    assert (spec.name, spec.trials, len(spec.settings)) == ("my_lenet", 50, 10)
