"""Optuna's own contract of a storage, on the one that hpstudy opens; and that it can be pickled."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path

import optuna
import pytest
from optuna.storages import BaseStorage, RDBStorage
from optuna.testing.pytest_storages import StorageTestCase

from hpstudy.search.optuna_storage import PatientStorage
from hpstudy.search.storage import open_storage

CALL_OTHERS = {
    "create_new_trial",
    "get_all_trials",
    "get_best_trial",
    "get_n_trials",
    "get_trial_number_from_id",
    "get_trial_params",
    "set_trial_param",
}
"""Those of Optuna's methods that reach the database through another."""


class TestContract(StorageTestCase):
    """Optuna's 59 tests of a storage."""

    @pytest.fixture
    def storage(self, tmp_path: Path) -> Iterator[BaseStorage]:
        with open_storage(f"sqlite:///{tmp_path / 's.db'}") as storage:
            yield storage.optuna


@pytest.mark.slow
class TestContractOnAServer(StorageTestCase):
    """The same on PostgreSQL."""

    @pytest.fixture
    def storage(self, database: str) -> Iterator[BaseStorage]:
        with open_storage(database) as storage:
            yield storage.optuna


def check_pickled(url: str) -> None:
    with open_storage(url) as storage:
        study = optuna.create_study(study_name="s", storage=storage.optuna)
        study.ask().set_user_attr("config", "{}")
        copy = pickle.loads(pickle.dumps(storage.optuna))
        assert type(copy) is PatientStorage
        (trial,) = optuna.load_study(study_name="s", storage=copy).trials
        assert trial.user_attrs == {"config": "{}"}
        copy.set_trial_user_attr(trial._trial_id, "run", 7)
        assert study.trials[0].user_attrs == {"config": "{}", "run": 7}
        with copy.engine.connect() as connection:
            if url.startswith("sqlite"):
                assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 1
        copy.remove_session()
        copy.engine.dispose()


def test_it_can_be_pickled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    check_pickled("sqlite:///s.db")


def test_on_a_server_it_can_be_pickled(database: str) -> None:
    check_pickled(database)


def test_every_method_that_asks_the_database_has_patience() -> None:
    methods = {name for name in vars(BaseStorage) if not name.startswith("_") and callable(getattr(RDBStorage, name))}
    inner = {"_create_new_trial", "_set_trial_param", "_get_trials", "_get_best_trial_id"}
    expected = methods - CALL_OTHERS - {"remove_session", "check_trial_is_updatable"}
    assert {name for name in expected | inner if name not in vars(PatientStorage)} == set()
