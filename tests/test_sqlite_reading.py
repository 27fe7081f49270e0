"""What a reader of a SQLite file sees beside a writer, after a writer's death, and where nothing can be written."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import optuna
import pytest

from hpstudy import sqlite_reading
from hpstudy.database import open_to_read
from hpstudy.errors import StorageError
from hpstudy.results.load import load_results
from hpstudy.sqlite_reading import read_committed

WRITER = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA cache_size = 2")
for statement in sys.argv[2].split(";"):
    connection.execute(statement)
print("written", flush=True)
sys.stdin.readline()
connection.execute("COMMIT")
"""

SPILLED = "BEGIN; UPDATE numbers SET x = 1000, padding = padding"
"""More pages than the writer may hold in memory: they are in the file, and not committed."""

IN_MEMORY = "BEGIN; UPDATE numbers SET x = 1000 WHERE rowid = 1"

READER = """
import sys
from pathlib import Path
from hpstudy.sqlite_reading import read_committed
with read_committed(Path(sys.argv[1])) as connection:
    print(*connection.execute("SELECT count(*), max(x) FROM numbers").fetchone())
"""

AS_ANYBODY = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-dac_override,-dac_read_search"]
"""Permissions do not bind root, unless it lays down the capabilities that say so."""


@pytest.fixture
def database(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """100 rows of 0 to 99, with the rollback journal that plain Optuna leaves on, or with a write-ahead log."""
    (tmp_path / "study").mkdir()
    path = tmp_path / "study" / "numbers.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"PRAGMA journal_mode = {getattr(request, 'param', 'delete')}")
        connection.execute("CREATE TABLE numbers (x INTEGER, padding TEXT)")
        connection.executemany("INSERT INTO numbers VALUES (?, ?)", [(x, "p" * 1000) for x in range(100)])
    return path


@contextmanager
def writer(database: Path, statements: str) -> Iterator[subprocess.Popen[str]]:
    """A program in the middle of a transaction; it commits once it reads a line."""
    command = [sys.executable, "-c", WRITER, str(database), statements]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "written\n"
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def largest(database: Path) -> int:
    with read_committed(database) as connection:
        return connection.execute("SELECT max(x) FROM numbers").fetchone()[0]


def files(folder: Path) -> dict[str, bytes]:
    """Every file; of the index of a log, in which readers are counted, the name alone."""
    return {file.name: b"" if file.name.endswith("-shm") else file.read_bytes() for file in folder.iterdir()}


both = pytest.mark.parametrize("database", ["delete", "wal"], indirect=True)


@both
def test_a_transaction_under_way_is_not_seen(database: Path) -> None:
    with writer(database, IN_MEMORY) as process:
        assert largest(database) == 99
        process.communicate("commit\n")
        assert largest(database) == 1000


def test_a_lock_is_waited_for(database: Path) -> None:
    with writer(database, SPILLED) as process:
        later = subprocess.Popen(["sleep", "0.4"])
        began = time.monotonic()
        reader = subprocess.Popen(
            [sys.executable, "-c", READER, str(database)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        later.wait()
        assert reader.poll() is None, reader.communicate()
        process.communicate("commit\n")
        assert reader.communicate(timeout=20)[0] == "100 1000\n"
        assert time.monotonic() - began < 10


def test_a_lock_that_stays_is_told(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_reading, "PATIENCE_SECONDS", 0.1)
    with (
        writer(database, SPILLED),
        pytest.raises(StorageError, match=r"numbers\.db: .*locked.*; wait for the program"),
        open_to_read(f"sqlite:///{database}"),
    ):
        pass


@both
def test_what_a_killed_writer_has_not_committed_is_not_seen_and_its_files_stay(database: Path) -> None:
    with writer(database, SPILLED):
        pass
    left = files(database.parent)
    assert len(left) > 1
    assert largest(database) == 99
    assert files(database.parent) == left


def test_a_log_that_a_killed_writer_left_is_read_without_its_index(tmp_path: Path, database: Path) -> None:
    with writer(database, f"PRAGMA journal_mode = wal; {SPILLED}; COMMIT; BEGIN; DELETE FROM numbers"):
        pass
    copied = tmp_path / "copied"
    copied.mkdir()
    for name in ("numbers.db", "numbers.db-wal"):
        shutil.copy(database.with_name(name), copied)
    assert largest(copied / "numbers.db") == 1000
    assert sorted(files(copied)) == ["numbers.db", "numbers.db-wal"]


@both
def test_nothing_is_left_beside_a_file_that_was_read(database: Path) -> None:
    before, written_at = files(database.parent), database.stat().st_mtime_ns
    assert largest(database) == 99
    assert (files(database.parent), database.stat().st_mtime_ns) == (before, written_at)


@both
def test_nothing_is_written(database: Path) -> None:
    with read_committed(database) as connection, pytest.raises(sqlite3.OperationalError, match="readonly"):
        connection.execute("DELETE FROM numbers")


@both
def test_a_link_is_followed_to_where_the_journals_are(tmp_path: Path, database: Path) -> None:
    link = tmp_path / "link.db"
    link.symlink_to(database)
    with writer(database, SPILLED):
        pass
    assert largest(link) == 99


@pytest.mark.skipif(os.geteuid() == 0 and not shutil.which("setpriv"), reason="permissions do not bind root")
@both
@pytest.mark.parametrize("killed", [False, True], ids=["closed", "killed"])
@pytest.mark.parametrize(("folder_mode", "file_mode"), [(0o555, 0o444), (0o755, 0o444), (0o555, 0o644)])
def test_what_cannot_be_written_is_read(database: Path, killed: bool, folder_mode: int, file_mode: int) -> None:
    if killed:
        with writer(database, SPILLED):
            pass
    database.chmod(file_mode)
    database.parent.chmod(folder_mode)
    before = files(database.parent)
    prefix = AS_ANYBODY if os.geteuid() == 0 else []
    try:
        done = subprocess.run(
            [*prefix, sys.executable, "-c", READER, str(database)], capture_output=True, text=True, timeout=20
        )
        assert (done.stdout, done.stderr) == ("100 99\n", "")
        assert files(database.parent) == before
    finally:
        database.parent.chmod(0o755)


@pytest.mark.parametrize("database", ["wal"], indirect=True)
def test_a_file_read_without_locks_that_is_written_meanwhile_is_told(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda path, _mode: path != database.parent)
    with (
        pytest.raises(StorageError, match=r"numbers\.db: was written to while it was read"),
        read_committed(database),
        closing(sqlite3.connect(database)) as other,
        other,
    ):
        other.execute("DELETE FROM numbers")


def test_a_copy_for_which_there_is_no_room_is_told(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with writer(database, SPILLED):
        pass

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("shutil.copyfile", full)
    with pytest.raises(StorageError, match=r"numbers\.db: cannot be read in place.*No space left.*TMPDIR"):
        largest(database)


def test_files_that_change_while_they_are_copied_are_copied_again(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with writer(database, SPILLED):
        pass
    monkeypatch.setattr(sqlite_reading, "_PAUSE_SECONDS", 0.0)
    copyfile, n_copied = shutil.copyfile, 0

    def rolled_back(source: Path, target: Path, *, follow_symlinks: bool) -> None:
        nonlocal n_copied
        n_copied += 1
        if n_copied == 2:  # between the file and its journal another program rolls back
            with closing(sqlite3.connect(database)) as other:
                other.execute("SELECT count(*) FROM numbers")
        copyfile(source, target, follow_symlinks=follow_symlinks)

    monkeypatch.setattr("shutil.copyfile", rolled_back)
    assert largest(database) == 99
    assert n_copied == 3


@pytest.mark.parametrize("suffix", ["-journal", "-wal", "-shm"])
def test_a_journal_that_is_no_file_is_refused(database: Path, suffix: str) -> None:
    journal = database.with_name(f"numbers.db{suffix}")
    os.mkfifo(journal)
    with pytest.raises(StorageError, match="is no file"), open_to_read(f"sqlite:///{database}"):
        pass
    journal.unlink()
    journal.symlink_to(database)
    with pytest.raises(StorageError, match="is no file"), open_to_read(f"sqlite:///{database}"):
        pass


def test_a_journal_that_names_a_file_does_not_delete_it(tmp_path: Path, database: Path) -> None:
    """SQLite takes the name for that of a transaction over several files, and deletes it after the rollback."""
    with writer(database, SPILLED):
        pass
    outside = tmp_path / "thesis.tex"
    outside.write_text("years of work", encoding="utf-8")
    name = str(outside).encode()
    with database.with_name("numbers.db-journal").open("ab") as journal:
        page = 2**30 // 4096 + 1
        journal.write(struct.pack(">I", page) + name + struct.pack(">II", len(name), sum(name)))
        journal.write(bytes.fromhex("d9d505f920a163d7"))
    with pytest.raises(StorageError, match="names a file for SQLite to delete"), open_to_read(f"sqlite:///{database}"):
        pass
    assert outside.read_text(encoding="utf-8") == "years of work"


def test_a_value_that_was_never_committed_is_in_no_leaderboard(tmp_path: Path) -> None:
    """A study of plain Optuna whose program was killed in the middle of a transaction."""
    database = tmp_path / "plain.db"
    study = optuna.create_study(study_name="plain", storage=f"sqlite:///{database}", direction="maximize")
    for value in (0.5, 0.988):
        study.add_trial(optuna.trial.create_trial(value=value))
    padding = "INSERT INTO studies SELECT NULL, hex(randomblob(2000)) FROM trials, trial_values, alembic_version"
    with writer(database, f"BEGIN; UPDATE trial_values SET value = 1000; {padding}; {padding}; {padding}"):
        pass
    assert database.with_name("plain.db-journal").stat().st_size > 0
    assert load_results(f"sqlite:///{database}", study="plain").trials["value"].tolist() == [0.5, 0.988]


OPTUNA = """
import optuna
optuna.logging.set_verbosity(optuna.logging.ERROR)
study = optuna.create_study(study_name="plain", storage="sqlite:///live.db", direction="maximize")
print("written", flush=True)

def objective(trial):
    for step in range(3):
        trial.report(trial.suggest_float(f"x{step}", 0, 1), step)
    return 0.5

study.optimize(objective)
"""


@pytest.mark.faults
def test_a_hundred_reads_beside_a_program_of_plain_optuna(tmp_path: Path) -> None:
    writing = subprocess.Popen([sys.executable, "-c", OPTUNA], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    try:
        assert writing.stdout.readline() == "written\n"
        n_trials = 0
        for _ in range(100):
            trials = load_results(f"sqlite:///{tmp_path / 'live.db'}", study="plain").trials
            assert (trials.loc[trials["state"] == "complete", "value"] == 0.5).all()
            assert len(trials) >= n_trials
            n_trials = len(trials)
        assert n_trials > 5
        assert writing.poll() is None
    finally:
        writing.kill()
        writing.communicate()
