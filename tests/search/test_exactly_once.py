"""Connections to a server that end at any moment: what was under way is done again, and nothing is done twice."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import optuna
import pytest
from optuna.distributions import FloatDistribution
from optuna.trial import TrialState
from sqlalchemy import select, text

from hpstudy.search import patience, session
from hpstudy.search.patience import TransactionLostError
from hpstudy.search.runs import begin_run, end_run
from hpstudy.search.storage import Storage, open_storage
from hpstudy.search.studies import open_studies
from hpstudy.search.subject import subject_of
from hpstudy.spec.study import Baseline, Confirm, StudySpec
from hpstudy.tables import RUNS
from hpstudy.training.job import EpochResult
from tests.conftest import run_on_server
from tests.search.conftest import Lab, told

psycopg = pytest.importorskip("psycopg", reason="no driver of PostgreSQL")

from hpstudy.server_connection import ServerConnection  # noqa: E402

EPOCH = EpochResult(0, 0.1, 1.5, 0.25, 1.25, 0.5, 2.0)


@dataclass
class Network:
    """Counts what is sent to the server, and loses some of it.

    Attributes:
        lost: Whether the nth statement or commit is lost.
        answered: Of the nth that is lost, whether the server had done it, so that only its answer is lost.
        n: Of the last one.
        n_lost: So many were lost.
    """

    lost: Callable[[int], bool] = lambda _n: False
    answered: Callable[[int], bool] = lambda _n_lost: False
    n: int = 0
    n_lost: int = 0

    def send(self, connection: ServerConnection, ask: Callable[[], object]) -> object:
        self.n += 1
        if not self.lost(self.n):
            return ask()
        self.n_lost += 1
        if self.answered(self.n_lost):
            ask()
        connection.pgconn.finish()
        raise psycopg.OperationalError("server closed the connection unexpectedly")


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Network:
    network, wait = Network(), ServerConnection.wait
    monkeypatch.setattr(
        ServerConnection, "wait", lambda self, *rest, **more: network.send(self, lambda: wait(self, *rest, **more))
    )
    monkeypatch.setattr(patience, "_PAUSE_SECONDS", 0.01)
    return network


@pytest.fixture
def storage(database: str) -> Iterator[Storage]:
    with open_storage(database) as storage:
        yield storage


def everything(spec: StudySpec) -> StudySpec:
    """Every kind of training: sampled trials, a baseline, a confirmation."""
    baselines = (Baseline("plain", "nets.py:tiny", 2, {"batch_size": 64}),)
    return replace(spec, trials=2, epochs=2, baselines=baselines, confirm=Confirm(top=1, seeds=1))


def test_a_study_whose_connections_end_all_the_time_comes_out_as_on_sqlite(
    lab: Lab, small_spec: StudySpec, database: str, network: Network
) -> None:
    spec = everything(small_spec)
    lab.run(spec)
    # Once in 127: each exclusive body, which is begun again as a whole, has fewer statements.
    network.lost, network.answered = lambda n: n > 100 and n % 127 == 0, lambda n_lost: n_lost % 2 == 1
    lab.run(spec, url=database)
    assert network.n_lost > 8
    network.lost = lambda _n: False
    assert told(lab.results(url=database)) == told(lab.results())
    assert len(lab.results(url=database).runs) == 1


@pytest.mark.slow
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("answered", [False, True])
def test_no_statement_of_a_study_is_lost_or_repeated(
    lab: Lab,
    small_spec: StudySpec,
    database: str,
    server: str,
    network: Network,
    monkeypatch: pytest.MonkeyPatch,
    *,
    answered: bool,
) -> None:
    """Each statement of the run in turn, but for every few of them, from where the storage is open."""
    spec = everything(small_spec)
    lab.run(spec)
    first: list[int] = []

    def open_and_note(*arguments, **keywords):
        first.append(network.n)
        return open_studies(*arguments, **keywords)

    with monkeypatch.context() as patch:
        patch.setattr(session, "open_studies", open_and_note)
        lab.run(spec, url=database)
    for nth in range(first[0] + 1, network.n, 23):
        name = f"lost{int(answered)}_{nth}"
        run_on_server(server, f"CREATE DATABASE {name}")
        again = re.sub(r"/empty\d+\?", f"/{name}?", database)
        network.n, network.n_lost, network.answered = 0, 0, lambda _n_lost: answered
        network.lost = lambda n, nth=nth: n == nth
        lab.run(spec, url=again)
        assert network.n_lost == 1
        assert told(lab.results(url=again)) == told(lab.results()), f"statement {nth}"
        run_on_server(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def commits(monkeypatch: pytest.MonkeyPatch) -> Network:
    """Commits alone."""
    network, commit = Network(), ServerConnection.commit
    monkeypatch.setattr(ServerConnection, "commit", lambda self: network.send(self, lambda: commit(self)))
    monkeypatch.setattr(patience, "_PAUSE_SECONDS", 0.01)
    return network


def lose_the_next(network: Network, *, answered: bool) -> None:
    network.lost = lambda n, lost=network.n + 1: n == lost
    network.answered = lambda _n_lost: answered


@pytest.mark.parametrize("answered", [False, True])
def test_a_write_whose_commit_is_lost_is_there_once(
    database: str, small_spec: StudySpec, commits: Network, *, answered: bool
) -> None:
    with open_storage(database) as storage:
        study = optuna.create_study(study_name="s", storage=storage.optuna)
        trial_id, subject = study.ask()._trial_id, subject_of(small_spec)
        run_ids: list[int] = []
        writes = [
            lambda: storage.write_epoch(trial_id, EPOCH),
            lambda: storage.optuna.set_trial_param(trial_id, "x", 0.5, FloatDistribution(0.0, 1.0)),
            lambda: storage.optuna.set_trial_intermediate_value(trial_id, 0, 0.5),
            lambda: storage.optuna.set_trial_user_attr(trial_id, "config", "{}"),
            lambda: storage.optuna.set_study_user_attr(study._study_id, "description", "why"),
            lambda: optuna.create_study(study_name="t", storage=storage.optuna, load_if_exists=True),
            lambda: run_ids.append(begin_run(storage, subject=subject, command="run", record={})),
            lambda: end_run(storage, run_id=run_ids[0], reason="finished"),
            lambda: storage.optuna.set_trial_state_values(trial_id, TrialState.COMPLETE, [0.5]),
            lambda: storage.exclusive("s", lambda: claim(storage)),
        ]
        for write in writes:
            lose_the_next(commits, answered=answered)
            write()
        assert commits.n_lost == len(writes)
        told_trial, claimed = optuna.load_study(study_name="s", storage=storage.optuna).get_trials()
        assert (told_trial.state, told_trial.value) == (TrialState.COMPLETE, 0.5)
        assert (told_trial.params, told_trial.intermediate_values) == ({"x": 0.5}, {0: 0.5})
        assert (told_trial.user_attrs, study.user_attrs) == ({"config": "{}"}, {"description": "why"})
        assert (claimed.state, claimed.user_attrs) == (TrialState.RUNNING, {"run": 7})
        assert storage.study_names() == ["s", "t"]
        runs = select(RUNS.c.run_id, RUNS.c.end_reason)
        found = storage.transact(lambda connection: connection.execute(runs).all())
        assert found == [(run_ids[0], "finished")]
        assert storage.n_epochs(trial_id) == 1


def claim(storage: Storage) -> None:
    """As a runner does: it looks for what it has claimed already."""
    study = optuna.load_study(study_name="s", storage=storage.optuna)
    if not any(trial.user_attrs.get("run") == 7 for trial in study.get_trials()):
        study.ask().set_user_attr("run", 7)


def test_a_trial_that_is_asked_for_alone_is_not_asked_for_twice(database: str, commits: Network) -> None:
    """Nobody can say whether the first was stored; hpstudy asks within exclusive bodies alone."""
    with open_storage(database) as storage:
        study = optuna.create_study(study_name="s", storage=storage.optuna)
        lose_the_next(commits, answered=True)
        with pytest.raises(TransactionLostError):
            storage.optuna.create_new_trial(study._study_id)
        assert len(study.get_trials()) == 1


def test_a_state_that_another_has_told_is_no_repetition(database: str, commits: Network) -> None:
    with open_storage(database) as storage:
        study = optuna.create_study(study_name="s", storage=storage.optuna)
        trial = study.ask()
        storage.optuna.set_trial_state_values(trial._trial_id, TrialState.FAIL)
        lose_the_next(commits, answered=False)  # of the look at what the trial is
        with pytest.raises(optuna.exceptions.UpdateFinishedTrialError):
            storage.optuna.set_trial_state_values(trial._trial_id, TrialState.COMPLETE, [0.5])
        assert commits.n_lost == 1


def test_an_exclusive_body_is_stored_whole_or_not_at_all(storage: Storage) -> None:
    study = optuna.create_study(study_name="s", storage=storage.optuna)

    def body() -> None:
        study.ask().set_user_attr("run", 7)
        assert len(optuna.load_study(study_name="s", storage=storage.optuna).get_trials()) == 1
        with pytest.raises(optuna.exceptions.DuplicatedStudyError):  # which spoils nothing
            optuna.create_study(study_name="s", storage=storage.optuna)
        storage.write_epoch(1, EPOCH)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        storage.exclusive("s", body)
    assert optuna.load_study(study_name="s", storage=storage.optuna).get_trials() == []
    assert storage.n_epochs(1) == 0


def test_a_backend_that_is_terminated_in_an_exclusive_body_lets_it_begin_again(storage: Storage) -> None:
    study = optuna.create_study(study_name="s", storage=storage.optuna)
    attempts, undone = [], []

    def body() -> None:
        again = optuna.load_study(study_name="s", storage=storage.optuna)
        again.ask()
        attempts.append(len(again.get_trials()))
        if len(attempts) == 1:
            pid = storage.transact(lambda connection: connection.execute(text("SELECT pg_backend_pid()")).scalar())
            run_on_server(storage.optuna._connector._url, f"SELECT pg_terminate_backend({pid}, 5000)")
        again.ask()

    storage.exclusive("s", body, undo=lambda: undone.append(len(attempts)))
    assert (attempts, undone) == ([1, 1], [1])
    assert [trial.number for trial in study.get_trials()] == [0, 1]
