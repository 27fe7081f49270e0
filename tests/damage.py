"""Databases that somebody has damaged: one finished study and its neighbours, copied and changed in one place."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import optuna
import pytest

from hpstudy.main import main
from hpstudy.spec.load import load_study
from hpstudy.spec.study import Baseline, Confirm
from tests.conftest import SMALL_NET, SMALL_STUDY
from tests.search.conftest import Lab

HURT, NEIGHBOUR, FOREIGN = "hurt", "sound", "plain"

OF_A_TRIAL = {
    "trials": ("number", "study_id", "state", "datetime_start", "datetime_complete"),
    "trial_values": ("trial_id", "objective", "value", "value_type"),
    "trial_params": ("trial_id", "param_name", "param_value", "distribution_json"),
    "trial_user_attributes": ("trial_id", "key", "value_json", "value_json", "value_json"),
    "trial_intermediate_values": ("step", "intermediate_value", "intermediate_value_type"),
    "trial_system_attributes": ("key", "value_json"),
    "hpstudy_epochs": (
        *("trial_id", "epoch", "learning_rate", "train_loss", "train_accuracy", "val_loss", "val_accuracy"),
        "seconds",
    ),
}
OF_A_STUDY = {
    "studies": ("study_name",),
    "study_directions": ("direction", "objective"),
    "study_user_attributes": ("key", "value_json", "value_json", "value_json"),
    "study_system_attributes": ("key", "value_json"),
}
OF_A_NAME = {
    "hpstudy_runs": (
        *("study", "started_at", "ended_at", "end_reason", "command", "study_file", "record", "record", "record"),
    )
}

HOSTILE: tuple[object, ...] = (
    *(None, "", "text", b"\x00\xff\xfe", 2**62, -1, 3, 0.5, 1e309, 1e300, -1e300),
    *("nan", "1e309", "../../outside", "a\x00b", "\x1b[2J\x1b]0;x\x07", "2026-13-45 99:99:99", "20260101T000000"),
    *("[" * 100_000, '{"a":' * 100_000, "[]", "{}", "[1]", '"word"', "null", "true", "NaN", "1e309", '"\\ud800"'),
    *(json.dumps("x" * 2_000_000), "x" * 2_000_000, json.dumps("\x1b[2J\x00"), "9" * 5_000),
)
"""What no column is meant to hold, or only one of another kind."""

INSIDE = (
    *(
        None,
        True,
        -1,
        0,
        3,
        2**70,
        0.5,
        -1e300,
        "",
        "text",
        "../../outside",
        "\x1b[2J",
        "\x00",
        "\ud800",
        "x" * 100_000,
    ),
    *([], {}, [[]], [1], {"a": 1}, ["x"], float("nan"), float("inf")),
)
"""What stands somewhere inside of JSON instead of what belongs there."""


@dataclass(frozen=True)
class Bench:
    """A folder with a finished study `hurt`, its neighbours, and its artifacts; each copy of it may be broken."""

    folder: Path

    def copy(self, to: Path) -> Path:
        shutil.copytree(self.folder, to)
        return to / "lab.db"


def make_bench(folder: Path) -> Bench:
    """Searches, confirms and closes: the write-ahead log is part of the file."""
    lab = Lab(folder)
    (folder / "nets.py").write_text(SMALL_NET, encoding="utf-8")
    for name, confirm in ((HURT, Confirm(top=1, seeds=2)), (NEIGHBOUR, None)):
        text = SMALL_STUDY.replace("name: small", f"name: {name}\ndescription: Which?").replace(
            "epochs: 3", "epochs: 2"
        )
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
        baselines = (Baseline("plain one", "nets.py:tiny", 2, {"batch_size": 64}),) if confirm else ()
        spec = load_study(folder / f"{name}.yaml")
        lab.run(replace(spec, trials=3, baselines=baselines, confirm=confirm))
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    storage = optuna.storages.RDBStorage(lab.url)
    study = optuna.create_study(study_name=FOREIGN, storage=storage)
    study.set_user_attr("theirs", [1, 2])
    study.optimize(
        lambda trial: trial.suggest_float("x", 0, 1) + trial.suggest_categorical("y", ["a", "b"]).count("a"), n_trials=6
    )
    storage.remove_session()
    storage.engine.dispose()
    for left in folder.glob(".*.lock"):
        left.unlink()
    with closing(sqlite3.connect(folder / "lab.db")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("PRAGMA journal_mode=DELETE")
    return Bench(folder)


def hurt(database: Path, *, seed: int) -> tuple[str, str]:
    """Changes one cell of a study; returns the study's name and what was changed."""
    generator = random.Random(seed)
    with closing(sqlite3.connect(database)) as connection:
        connection.text_factory = lambda content: content.decode(errors="surrogateescape")
        while True:
            study = generator.choice((HURT, HURT, HURT, FOREIGN))
            table, column, rows = _cells(connection, study, generator)
            if not rows:
                continue
            row = generator.choice(rows)
            was = connection.execute(f"SELECT {column} FROM {table} WHERE rowid = ?", (row,)).fetchone()[0]
            value = _value(was, generator)
            try:
                with connection:
                    if value == "\udcff":
                        connection.execute(
                            f"UPDATE {table} SET {column} = CAST(x'22ff22' AS TEXT) WHERE rowid = ?", (row,)
                        )
                    else:
                        connection.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (value, row))
            except (sqlite3.IntegrityError, OverflowError):
                continue
            return study, f"{table}.{column} of row {row}: {str(was)[:60]!r} became {str(value)[:60]!r}"


def _cells(connection: sqlite3.Connection, study: str, generator: random.Random) -> tuple[str, str, list[int]]:
    like = (study, f"{study}/%")
    studies = "SELECT study_id FROM studies WHERE study_name = ? OR study_name LIKE ?"
    trials = f"SELECT trial_id FROM trials WHERE study_id IN ({studies})"
    tables = OF_A_TRIAL | OF_A_STUDY | OF_A_NAME
    table = generator.choice(list(tables))
    column = generator.choice(tables[table])
    if table in OF_A_NAME:
        query, arguments = f"SELECT rowid FROM {table} WHERE study = ?", (study,)
    elif table in OF_A_TRIAL:
        query, arguments = f"SELECT rowid FROM {table} WHERE trial_id IN ({trials})", like
    else:
        query, arguments = f"SELECT rowid FROM {table} WHERE study_id IN ({studies})", like
    return table, column, [row[0] for row in connection.execute(query, arguments)]


def _value(was: object, generator: random.Random) -> object:
    if isinstance(was, str) and was[:1] in '{["' and generator.random() < 0.6:
        try:
            return json.dumps(_changed(json.loads(was), generator))
        except ValueError:
            pass
    return generator.choice((*HOSTILE, "\udcff"))


def _changed(data: object, generator: random.Random) -> object:
    """Data in which one value, anywhere inside, is another or is gone."""
    if isinstance(data, (dict, list)) and data and generator.random() < 0.85:
        key = generator.choice(list(data) if isinstance(data, dict) else range(len(data)))
        copied = dict(data) if isinstance(data, dict) else list(data)
        if generator.random() < 0.15:
            del copied[key]
        else:
            copied[key] = _changed(data[key], generator)
        return copied
    return generator.choice(INSIDE)


def forget_digests(database: Path) -> None:
    """Makes a study one of before there were digests: what a test changes in it is taken as it stands."""
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("DELETE FROM trial_user_attributes WHERE key = 'digest'")
        connection.execute("DELETE FROM study_user_attributes WHERE key = 'hpstudy:digest'")
        connection.execute("UPDATE hpstudy_runs SET record = json_remove(record, '$.digest')")


def flip(database: Path, *, seed: int) -> str:
    """Changes one bit of the file; returns where."""
    generator = random.Random(seed)
    content = bytearray(database.read_bytes())
    place, bit = generator.randrange(len(content)), generator.randrange(8)
    content[place] ^= 1 << bit
    database.write_bytes(content)
    return f"bit {bit} of byte {place}"


@dataclass(frozen=True)
class Shell:
    """Runs commands in this process, in a folder, as a person would.

    An exception that is no exit of the command is a traceback, and fails the test.
    """

    folder: Path
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def __call__(self, *words: str) -> tuple[int, str]:
        """The exit code and all that was printed."""
        self.monkeypatch.chdir(self.folder)
        self.monkeypatch.setattr(sys, "argv", ["hpstudy", *words])
        self.monkeypatch.setenv("HPSTUDY_STORAGE", "sqlite:///lab.db")
        code = 0
        try:
            main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        printed = self.capsys.readouterr()
        return code, printed.out + printed.err


def files(folder: Path) -> set[Path]:
    """All files below a folder."""
    return {path for path in folder.rglob("*") if path.is_file()}


def outside(before: set[Path], after: set[Path], *, chosen: tuple[Path, ...]) -> Iterator[Path]:
    """Files that came or went elsewhere than in some folders; lock files beside a database are hpstudy's own."""
    for path in sorted(before ^ after):
        if not any(folder in path.parents for folder in chosen) and not path.name.startswith(".lab.db."):
            yield path
