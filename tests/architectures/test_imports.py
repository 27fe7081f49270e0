"""Which of the user's own files an architecture's file imports."""

from __future__ import annotations

from pathlib import Path

import pytest

from hpstudy.architectures.imports import own_imports


def written(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import blocks", ["blocks.py", "deep.py"]),
        ("def net():\n    from blocks import Block", ["blocks.py", "deep.py"]),
        ("import own.parts.heads as h", ["own/__init__.py", "own/parts/__init__.py", "own/parts/heads.py"]),
        ("from own.parts import heads, NAME", ["own/__init__.py", "own/parts/__init__.py", "own/parts/heads.py"]),
        ("from own import tail", ["own/__init__.py", "own/parts/__init__.py", "own/tail.py"]),
        ("import torch, json\nfrom torch import nn", []),
        ("import circle", ["circle.py"]),
        ("import broken", ["broken.py"]),
        ("import elsewhere", []),
        ("from ..outside import x", []),
    ],
)
def test_imports_are_followed(tmp_path: Path, text: str, expected: list[str]) -> None:
    folder = tmp_path / "studies"
    written(
        folder,
        {
            "nets.py": text,
            "blocks.py": "import deep\nimport numpy",
            "deep.py": "import blocks",
            "own/__init__.py": "",
            "own/parts/__init__.py": "",
            "own/parts/heads.py": "from . import NAME",
            "own/tail.py": "from .parts import NAME",
            "circle.py": "import nets",
            "broken.py": "def (",
            "unused.py": "",
        },
    )
    written(tmp_path, {"outside.py": "", "real.py": ""})
    (folder / "elsewhere.py").symlink_to(tmp_path / "real.py")
    found = own_imports(folder / "nets.py", folder=folder)
    assert [path.relative_to(folder.resolve()).as_posix() for path in found] == expected


def test_the_packages_that_a_module_lies_in_are_run_too_and_an_installed_one_is_left_out(tmp_path: Path) -> None:
    written(tmp_path, {"own/__init__.py": "import besides", "own/nets.py": "", "besides.py": ""})
    found = own_imports(tmp_path / "own" / "nets.py", folder=tmp_path)
    assert [path.name for path in found] == ["besides.py", "__init__.py"]
    (tmp_path / "studies").mkdir()
    assert own_imports(tmp_path / "own" / "nets.py", folder=tmp_path / "studies") == ()
