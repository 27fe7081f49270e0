"""A storage that cannot be used ends `hpstudy run` before any training, in a sentence, and is left as it was."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.faults.bench import Bench
from tests.faults.study import small_bench

pytestmark = pytest.mark.faults

AS_ANYBODY = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-dac_override,-dac_read_search"]
"""Permissions do not bind root, unless it lays down the capabilities that say so."""


def hpstudy(bench: Bench, *words: str) -> subprocess.CompletedProcess[str]:
    """A command as a user to whom permissions matter."""
    prefix = AS_ANYBODY if os.geteuid() == 0 else []
    if prefix and not shutil.which(prefix[0]):
        pytest.skip("root cannot lay its rights down here")
    command = [*prefix, sys.executable, "-m", "hpstudy", *words]
    return subprocess.run(command, cwd=bench.folder, capture_output=True, text=True)


def empty(database: Path) -> None:
    database.write_bytes(b"")


def text(database: Path) -> None:
    database.write_text("name: a study file\n" * 9, encoding="utf-8")


def folder(database: Path) -> None:
    database.unlink()
    database.mkdir()


def cut_in_half(database: Path) -> None:
    n_pages = database.stat().st_size // 4096
    database.write_bytes(database.read_bytes()[: n_pages // 2 * 4096])


def without_its_end(database: Path) -> None:
    database.write_bytes(database.read_bytes()[:-1])


def newer(database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = 'v9.9.9'")


def read_only(database: Path) -> None:
    database.chmod(0o444)


def in_a_read_only_folder(database: Path) -> None:
    database.parent.chmod(0o555)


def absent_in_a_read_only_folder(database: Path) -> None:
    for file in (database, *database.parent.glob(".*.lock")):
        file.unlink()
    database.parent.chmod(0o555)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (empty, "hpstudy.db: is an empty file; nothing was overwritten; choose another --storage"),
        (text, "hpstudy.db: is no SQLite database; nothing was overwritten; choose another --storage"),
        (folder, "hpstudy.db: is no file; choose another --storage"),
        (cut_in_half, "hpstudy.db: cannot be read (database disk image is malformed)"),
        (without_its_end, "hpstudy.db: its end is missing; restore a copy, or choose another --storage"),
        (newer, "hpstudy.db: the database cannot be used (The runtime optuna version 5"),
        (read_only, "hpstudy.db: the database cannot be used (attempt to write a readonly database)"),
        (in_a_read_only_folder, ".: cannot be written to (Permission denied)"),
        (absent_in_a_read_only_folder, ".: cannot be written to (Permission denied)"),
    ],
)
def test_a_storage_that_cannot_be_used(tmp_path: Path, reference: Bench, spoil: Callable, told: str) -> None:
    bench = small_bench(tmp_path / "study")
    shutil.copy(reference.database, bench.database)
    spoil(bench.database)
    before = contents(bench.folder)
    try:
        done = hpstudy(bench, "run", "study.yaml", "--trials", "9")
        assert (done.returncode, done.stdout) == (3, "")
        assert done.stderr.startswith(told), done.stderr
        assert done.stderr.count("\n") == 1
        assert contents(bench.folder) == before
    finally:
        bench.folder.chmod(0o755)


def contents(where: Path) -> dict[str, bytes]:
    """Every file that a user would miss: not locks, and not what SQLite lays beside a database that it reads."""
    files = [
        file
        for file in where.rglob("*")
        if file.is_file() and not file.name.startswith(".") and not file.name.endswith(("-shm", "-wal"))
    ]
    return {str(file.relative_to(where)): file.read_bytes() for file in files}


@pytest.mark.parametrize("words", [("list",), ("show", "points"), ("show", "points", "best"), ("report",)])
def test_what_reads_works_where_nothing_can_be_written(
    tmp_path: Path, reference: Bench, words: tuple[str, ...]
) -> None:
    bench = small_bench(tmp_path / "study")
    shutil.copy(reference.database, bench.database)
    (bench.folder / "reports").mkdir()
    read_only(bench.database)
    in_a_read_only_folder(bench.database)
    try:
        done = hpstudy(bench, *words)
        assert (done.returncode, done.stderr) == (0, "")
        assert "points" in done.stdout
    finally:
        bench.folder.chmod(0o755)
