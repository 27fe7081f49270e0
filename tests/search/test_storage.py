"""The storage: what it refuses to open, and how it is opened."""

from __future__ import annotations

import errno
import os
import sqlite3
from dataclasses import replace
from functools import partial
from pathlib import Path

import optuna
import pytest
from sqlalchemy import select, text

from hpstudy.database import file_of
from hpstudy.errors import InputError, StorageError, StudyBusyError
from hpstudy.results.listing import list_studies
from hpstudy.runner_lock import hold, is_held, lock_path
from hpstudy.search.removal import check_deletable, delete_study
from hpstudy.search.storage import open_storage
from hpstudy.spec.study import Baseline
from hpstudy.tables import EPOCHS
from hpstudy.training.job import EpochResult
from tests.search.conftest import Lab


def url(path: Path) -> str:
    return f"sqlite:///{path}"


def opened(path: Path) -> None:
    with open_storage(url(path)):
        pass


def test_the_write_ahead_log_is_on(tmp_path: Path) -> None:
    with open_storage(url(tmp_path / "s.db")) as storage, storage.engine.connect() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(text("PRAGMA synchronous")).scalar() == 1


def test_an_epoch_is_replaced_not_doubled(tmp_path: Path) -> None:
    with open_storage(url(tmp_path / "s.db")) as storage:
        storage.write_epoch(3, EpochResult(0, 0.1, 1.5, 0.25, 1.25, 0.5, 2.0))
        storage.write_epoch(3, EpochResult(0, 0.1, 1.5, 0.25, 1.25, 0.75, 2.0))
        with storage.engine.connect() as connection:
            assert connection.execute(select(EPOCHS)).all() == [(3, 0, 0.1, 1.5, 0.25, 1.25, 0.75, 2.0)]


@pytest.mark.parametrize(
    ("content", "fact"),
    [
        (b"", "is an empty file; nothing was overwritten"),
        (b"name: a study file\n" * 9, "is no SQLite database; nothing was overwritten"),
    ],
)
def test_a_file_that_is_no_database_is_left_as_it_was(tmp_path: Path, content: bytes, fact: str) -> None:
    file = tmp_path / "s.db"
    file.write_bytes(content)
    for use in (opened, lambda path: list_studies(url(path))):
        with pytest.raises(StorageError, match=fact):
            use(file)
    assert file.read_bytes() == content


def test_a_folder_a_missing_folder_and_a_truncated_database_are_refused(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="is no file"):
        opened(tmp_path)
    with pytest.raises(StorageError, match="there is no such folder"):
        opened(tmp_path / "absent" / "s.db")
    assert not (tmp_path / "absent").exists()
    opened(tmp_path / "s.db")
    whole = (tmp_path / "s.db").read_bytes()
    (tmp_path / "cut.db").write_bytes(whole[:-4096])
    with pytest.raises(StorageError, match=r"cut\.db: the database cannot be used \(.*malformed"):
        opened(tmp_path / "cut.db")
    (tmp_path / "cut.db").write_bytes(whole[:-1])
    with pytest.raises(StorageError, match=r"cut\.db: its end is missing; restore a copy"):
        opened(tmp_path / "cut.db")


def test_a_database_of_another_schema_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "s.db"
    opened(file)
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'v9.9.9'")
    connection.close()
    with pytest.raises(StorageError, match=r"s\.db: the database cannot be used \(The runtime optuna version"):
        opened(file)


@pytest.mark.skipif(not Path("/sys/kernel").is_dir(), reason="a folder that not even root can write to: Linux has one")
def test_a_folder_that_cannot_be_written_to_is_refused() -> None:
    with pytest.raises(StorageError, match="/sys/kernel: cannot be written to"):
        opened(Path("/sys/kernel/s.db"))


@pytest.mark.parametrize(
    ("wrong", "fact"),
    [
        ("", "this is no database URL; write for example sqlite:///hpstudy.db"),
        ("hpstudy.db", "this is no database URL"),
        ("sqlite://", "a study needs a file: sqlite:///hpstudy.db"),
        ("sqlite:///:memory:", "a study needs a file"),
        ("postgresql://u:p@s3cret@h/db", "write an @ in a password as %40, a / as %2F and a : as %3A"),
        ("postgresql://u:p@s3/cr@et@h/db", "write an @ in a password as %40, a / as %2F and a : as %3A"),
        ("postgresql://u:p@h:s3cret/db", "this is no database URL"),
        ("foo://s3cret", "foo is not supported yet"),
    ],
)
def test_a_url_that_names_no_database_is_bad_input(wrong: str, fact: str) -> None:
    with pytest.raises(InputError) as raised:
        file_of(wrong)
    assert str(raised.value).startswith(f"--storage: {fact}")
    assert "s3cret" not in str(raised.value)


def test_a_lock_is_held_by_one_and_seen_by_all(tmp_path: Path) -> None:
    path = lock_path(tmp_path / "s.db", study="mine")
    assert path.name == ".s.db.mine.lock"
    (tmp_path / "s.db").touch()
    (tmp_path / "link.db").symlink_to(tmp_path / "s.db")
    assert lock_path(tmp_path / "link.db", study="mine") == path
    assert not is_held(path)
    with hold(path, study="mine"):
        assert is_held(path)
        with (
            pytest.raises(StudyBusyError, match=f"mine: is being run by process {os.getpid()} on"),
            hold(path, study="mine"),
        ):
            pass
    assert not is_held(path)


def test_deletion_takes_the_study_and_nothing_else(lab: Lab, small_spec) -> None:
    lab.run(small_spec)
    with open_storage(lab.url) as storage:
        optuna.create_study(study_name="small2", storage=storage.optuna)
        optuna.create_study(study_name="other", storage=storage.optuna)
    delete_study(lab.url, study="small", artifacts=lab.folder)
    with open_storage(lab.url) as storage, storage.engine.connect() as connection:
        assert {study.study_name for study in optuna.get_all_study_summaries(storage.optuna)} == {"small2", "other"}
        assert connection.execute(select(EPOCHS)).all() == []
    with pytest.raises(InputError, match="other: the storage has no such study"):
        delete_study(lab.url, study="other", artifacts=lab.folder)


def test_what_is_left_of_a_study_is_refused_and_can_be_deleted(lab: Lab, small_spec) -> None:
    lab.run(replace(small_spec, trials=1, baselines=(Baseline("b", "nets.py:tiny", 1, {}),)))
    optuna.delete_study(study_name="small", storage=lab.url)
    with pytest.raises(InputError, match="small: the storage has parts of a study of this name that was deleted"):
        lab.run(small_spec)
    delete_study(lab.url, study="small", artifacts=lab.folder)
    lab.run(replace(small_spec, trials=1))
    assert lab.results().trials["label"].tolist() == ["0"]


def test_what_plain_optuna_calls_like_a_part_is_not_deleted(lab: Lab, small_spec) -> None:
    with open_storage(lab.url) as storage:
        theirs = optuna.create_study(study_name="small/tpe", storage=storage.optuna)
        optuna.create_study(study_name="small/empty", storage=storage.optuna)
        theirs.tell(theirs.ask(), 1.0)
    with pytest.raises(InputError) as raised:
        lab.run(small_spec)
    assert str(raised.value) == (
        "small: the storage has small/empty and small/tpe, which a study of this name would take for part of it; "
        "choose another name with --name"
    )
    for refuse in (check_deletable, partial(delete_study, artifacts=lab.folder)):
        with pytest.raises(InputError, match="small: the storage has no such study"):
            refuse(lab.url, study="small")
    with open_storage(lab.url) as storage:
        assert storage.study_names() == ["small/tpe", "small/empty"]


def test_a_full_disk_does_not_keep_a_runner_from_its_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_arguments, **_rest):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    path = lock_path(tmp_path / "hpstudy.db", study="mine")
    with hold(path, study="mine"):
        assert is_held(path)
