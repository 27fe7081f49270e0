"""A stored format, laid out in a folder of its own as its user left it."""

from __future__ import annotations

import json
import shutil
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.test_cli import Shell

FORMATS = sorted(folder.name for folder in Path(__file__).parent.glob("[0-9]*"))


@dataclass(frozen=True)
class Opened:
    """A copy of what a format has stored.

    Attributes:
        folder: The copy: studies, database, artifacts, exports; the current folder.
        hpstudy: Runs commands there.
    """

    folder: Path
    hpstudy: Shell

    @property
    def url(self) -> str:
        """The storage's."""
        return f"sqlite:///{self.folder / 'hpstudy.db'}"

    def expected(self, name: str = "expected") -> Any:  # what JSON holds
        """What the hpstudy that wrote it reads there."""
        return json.loads((self.folder / f"{name}.json").read_text(encoding="utf-8"))

    def text(self, name: str) -> str:
        """A text file of the copy."""
        return (self.folder / name).read_text(encoding="utf-8")


@pytest.fixture(params=FORMATS)
def opened(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Opened:
    """Each format in turn."""
    source = Path(__file__).parent / request.param
    shutil.copytree(source / "stored", tmp_path, dirs_exist_ok=True)
    for file in (*source.glob("*.yaml"), source / "nets.py"):
        shutil.copy(file, tmp_path)
    _move(tmp_path / "hpstudy.db", folder=tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    return Opened(tmp_path, Shell(monkeypatch, capsys))


def _move(database: Path, *, folder: Path) -> None:
    """Makes a copy's studies lie where the copy is: each run has recorded the folder of its study file."""
    connection = sqlite3.connect(database)
    with connection:
        rows = connection.execute("SELECT run_id, record FROM hpstudy_runs").fetchall()
        moved = [(json.dumps({**json.loads(record), "folder": str(folder)}), run_id) for run_id, record in rows]
        connection.executemany("UPDATE hpstudy_runs SET record = ? WHERE run_id = ?", moved)
    connection.close()
