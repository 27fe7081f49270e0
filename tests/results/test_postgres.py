"""Studies on a PostgreSQL server, a real one that the tests start: read as on SQLite."""

from __future__ import annotations

import sys

import optuna
import pandas as pd
import pytest
from sqlalchemy import MetaData, create_engine, text

from hpstudy import database as storages
from hpstudy.database import open_to_read, read_storage
from hpstudy.errors import InputError, StorageError
from hpstudy.results.listing import list_studies
from hpstudy.results.load import load_results, study_state
from hpstudy.tables import METADATA, SERVER_METADATA
from tests.conftest import run_on_server
from tests.results.big import write_big_study

ABSENT = "postgresql+psycopg://me:s3cret@127.0.0.1:1/studies?application_name=s3cret-too"


@pytest.fixture(scope="module")
def pair(server: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """The same studies on SQLite and on the server: one of hpstudy's, one of plain Optuna."""
    run_on_server(server, "CREATE DATABASE pair")
    server = server.replace("/postgres?", "/pair?")
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
    SERVER_METADATA.create_all(engines[1])
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
        pytest.raises(StorageError, match=r"localhost/pair: cannot be read \(.*read-only transaction"),
        open_to_read(pair[1]) as connection,
    ):
        connection.execute(text("DELETE FROM trials"))
    assert len(load_results(pair[1], study="big").trials) == 62


def test_a_study_runs_where_a_runner_has_a_fresh_lease(pair: tuple[str, str]) -> None:
    _, url = pair
    (run_id,) = load_results(url, study="big").runs["run_id"]
    lease = "INSERT INTO hpstudy_leases VALUES ({run_id}, now() - interval '{seconds} seconds')"
    run_on_server(url, "UPDATE hpstudy_runs SET end_reason = NULL")
    assert load_results(url, study="big").state == "interrupted"
    run_on_server(url, lease.format(run_id=run_id + 1, seconds=0))  # of a run of another study
    assert load_results(url, study="big").state == "interrupted"
    run_on_server(url, lease.format(run_id=run_id, seconds=100))
    assert load_results(url, study="big").state == "running"
    assert list_studies(url)["state"].tolist()[0] == "running"
    run_on_server(url, "UPDATE hpstudy_leases SET beaten_at = now() - interval '121 seconds'")
    assert load_results(url, study="big").state == "interrupted"
    run_on_server(url, "UPDATE hpstudy_runs SET end_reason = 'finished'", "DELETE FROM hpstudy_leases")
    assert list_studies(url)["state"].tolist()[0] == "finished"


@pytest.mark.parametrize(
    ("first", "second", "state"),
    [
        (("finished", "12:00"), (None, None), "finished"),  # the second was killed, the first went on to the end
        (("finished", "12:00"), ("stopped", "11:30"), "finished"),
        (("finished", "10:30"), ("stopped", "11:30"), "interrupted"),  # the second began after the first's end
        (("stopped", "10:30"), ("finished", "11:30"), "finished"),
        (("stopped", "12:00"), (None, None), "interrupted"),
    ],
)
def test_of_several_runs_the_one_that_left_nothing_to_train_counts(
    pair: tuple[str, str], first: tuple[str, str], second: tuple[str | None, str | None], state: str
) -> None:
    runs = pd.DataFrame(
        {
            "started_at": pd.to_datetime(["2026-01-01 10:00", "2026-01-01 11:00"]),
            "ended_at": [pd.Timestamp(f"2026-01-01 {at}") if at else pd.NaT for _, at in (first, second)],
            "end_reason": [first[0], second[0]],
            "command": ["hpstudy run big.yaml"] * 2,
        }
    )
    with open_to_read(pair[1]) as connection:
        assert study_state(connection, pair[1], "big", runs) == state


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


def test_a_server_without_studies_is_told_so(database: str) -> None:
    with pytest.raises(StorageError, match=r"^localhost/empty\d+: holds no studies$"):
        list_studies(database)


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
            "--storage: postgresql needs its driver; run pip install -e '.[postgres]' in hpstudy's folder"
        )


def test_another_driver_that_nobody_knows_is_bad_input() -> None:
    with pytest.raises(InputError, match=r"no such driver; write postgresql\+psycopg://USER:PASSWORD@HOST/DATABASE"):
        list_studies("postgresql+s3cret://me:s3cret@h/db")


@pytest.mark.parametrize(("n_ended", "n_asked"), [(1, 2), (9, 5)])
def test_what_is_read_is_asked_again_where_its_connection_is_ended(
    database: str, monkeypatch: pytest.MonkeyPatch, n_ended: int, n_asked: int
) -> None:
    monkeypatch.setattr(storages, "_PAUSE_SECONDS", 0.0)
    backends = []

    def body(connection) -> int:
        backends.append(connection.execute(text("SELECT pg_backend_pid()")).scalar())
        if len(backends) <= n_ended:
            run_on_server(database, f"SELECT pg_terminate_backend({backends[-1]})")
        return connection.execute(text("SELECT 7")).scalar()

    if n_ended < n_asked:
        assert read_storage(database, body) == 7
    else:
        with pytest.raises(StorageError):
            read_storage(database, body)
    assert len(set(backends)) == n_asked
