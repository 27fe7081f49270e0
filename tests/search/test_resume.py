"""Trials go on under their number from their last whole epoch, wherever the run or a worker died."""

from __future__ import annotations

import multiprocessing
import os
import signal
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import optuna
import pytest

from hpstudy.errors import StudyInterruptedError
from hpstudy.executors.local import LocalExecutor
from hpstudy.executors.protocol import WorkerLost
from hpstudy.search.keepsakes import Keepsakes
from hpstudy.search.storage import Storage
from hpstudy.spec.study import Baseline, Component, Confirm, StudySpec
from hpstudy.training import checkpoints
from hpstudy.training import train as engine
from hpstudy.training.job import Answer
from tests.search.conftest import Lab, Notes, told

HALVING = Component("successive_halving", {"min_epochs": 2, "reduction_factor": 2})


@pytest.fixture
def spec(small_spec: StudySpec) -> StudySpec:
    """Six trials of five epochs, half of which are stopped early, and a baseline."""
    baseline = Baseline("plain", "nets.py:tiny", 3, {"batch_size": 64})
    return replace(small_spec, pruner=HALVING, epochs=5, baselines=(baseline,))


@pytest.fixture
def straight(lab: Lab, spec: StudySpec, tmp_path: Path):
    """What the study gives without an interruption."""
    url = f"sqlite:///{tmp_path / 'straight.db'}"
    lab.run(spec, url=url)
    results = lab.results(url=url)
    assert set(results.trials["state"]) == {"complete", "pruned"}
    return told(results)


@dataclass
class Trained(Notes):
    """Keeps which epochs were seen, in order."""

    epochs: list[tuple[str, int]] = field(default_factory=list)

    def epoch_ended(self, key, result, answer):
        self.epochs.append((key, result.epoch))
        super().epoch_ended(key, result, answer)


def files_of(lab: Lab, kind: str) -> list[str]:
    return sorted(path.name for path in lab.folder.glob(f"artifacts/*/{kind}/*"))


def weights_of(lab: Lab) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in lab.folder.glob("artifacts/*/weights/*")}


def killed_after(folder: Path, spec: StudySpec, n_epochs: int) -> None:
    """In a process of its own: a run that kills itself, as the kernel would, once it has seen so many epochs."""
    Lab(folder).run(spec, notes=Notes(after_epoch=lambda n: n == n_epochs and os.kill(os.getpid(), signal.SIGKILL)))


@pytest.mark.slow
def test_after_kill_9_a_study_ends_like_one_that_was_not_killed(
    lab: Lab, spec: StudySpec, tmp_path_factory: pytest.TempPathFactory
) -> None:
    spec = replace(spec, confirm=Confirm(1, 2))
    apart = Lab(tmp_path_factory.mktemp("apart"))
    apart.run(spec)
    for n_epochs in (2, 4, 9):  # in the baseline, twice in one trial
        process = multiprocessing.get_context("spawn").Process(target=killed_after, args=(lab.folder, spec, n_epochs))
        process.start()
        process.join()
        assert process.exitcode == -signal.SIGKILL
        assert len(files_of(lab, "checkpoints")) == 1
    lab.run(spec)
    assert told(lab.results()) == told(apart.results())
    assert weights_of(lab) == weights_of(apart)
    assert files_of(lab, "checkpoints") == []


def test_an_interrupted_trial_goes_on_where_it_was(lab: Lab, spec: StudySpec, monkeypatch: pytest.MonkeyPatch) -> None:
    trained: list[int] = []
    train_epoch = engine._train_epoch

    def noted(*arguments, epoch, **rest):
        trained.append(epoch)
        return train_epoch(*arguments, epoch=epoch, **rest)

    monkeypatch.setattr(engine, "_train_epoch", noted)
    spec = replace(spec, baselines=(), trials=1)
    with pytest.raises(StudyInterruptedError):
        lab.run(spec, notes=Notes(after_epoch=lambda n: n == 3 and os.kill(os.getpid(), signal.SIGINT)))
    before = lab.results().epochs["seconds"].tolist()
    assert files_of(lab, "checkpoints") == ["search-0.ckpt"]
    notes = Trained()
    lab.run(spec, notes=notes)
    assert trained == [0, 1, 2, 3, 4]
    assert notes.epochs == [("small#0", epoch) for epoch in range(5)]
    assert lab.results().epochs["seconds"].tolist()[:3] == before
    assert files_of(lab, "checkpoints") == []


KILLS: dict[str, tuple[type, str, str]] = {
    "before an epoch is stored": (Storage, "write_epoch", "before"),
    "after an epoch is stored": (Storage, "write_epoch", "after"),
    "before an epoch is reported": (optuna.Trial, "report", "before"),
    "before the pruner is asked": (optuna.Trial, "should_prune", "before"),
    "before an end is told": (optuna.Study, "tell", "before"),
    "after an end is told": (optuna.Study, "tell", "after"),
    "before files are tidied": (Keepsakes, "tidy", "before"),
    "before predictions are kept": (Keepsakes, "keep_predictions", "before"),
    "after a trial was asked for": (optuna.Study, "ask", "after"),
}


class Killed(BaseException):
    """No code of ours may stop it."""


@dataclass
class Fuse:
    """Calls that a run has left before it is killed, and how many runs have been."""

    n_left: int = 0
    n_blown: int = 0


@pytest.mark.faults
@pytest.mark.parametrize("with_checkpoints", [True, False])
@pytest.mark.parametrize("kill", KILLS)
def test_a_run_killed_anywhere_goes_on_as_if_it_had_not_been(
    lab: Lab, spec: StudySpec, straight, monkeypatch: pytest.MonkeyPatch, kill: str, with_checkpoints: bool
) -> None:
    owner, name, when = KILLS[kill]
    real, fuse = getattr(owner, name), Fuse()
    if not with_checkpoints:
        monkeypatch.setattr(checkpoints.CheckpointWriter, "write", lambda _self, _state: None)

    def killed(*arguments, **rest):
        fuse.n_left -= 1
        if fuse.n_left == 0 and when == "before":
            raise Killed
        done = real(*arguments, **rest)
        if fuse.n_left == 0:
            raise Killed
        return done

    monkeypatch.setattr(owner, name, killed)
    for n_calls in (1, 2, 3, 5, 8):
        fuse.n_left = n_calls
        with suppress(Killed):
            lab.run(spec)
        fuse.n_blown += fuse.n_left <= 0
    monkeypatch.undo()
    lab.run(spec)
    assert fuse.n_blown >= 2
    assert told(lab.results()) == straight
    assert files_of(lab, "checkpoints") == []


class Losing(LocalExecutor):
    """Loses the worker of a training once: of the first after one answer, of the next after two, then three."""

    def __init__(self, **place) -> None:
        super().__init__(**place)
        self.lost: dict[str, Answer] = {}
        self.n_answers = 0

    def start(self, jobs):
        self.n_answers = 0
        super().start(jobs)

    def answer(self, key, answer):
        self.n_answers += 1
        super().answer(key, answer)

    def events(self, timeout_seconds):
        training = self._training
        if training and training.key not in self.lost and self.n_answers == 1 + len(self.lost) % 3:
            self.lost[training.key] = training.answer
            self._training = None
            return [WorkerLost(training.key, "SIGKILL")]
        return super().events(timeout_seconds)


def test_a_lost_worker_changes_nothing(lab: Lab, spec: StudySpec, straight) -> None:
    """Also where it dies after it was told to stop, and before it could say that it has."""
    made: list[Losing] = []

    def open_executor(**place) -> Losing:
        made.append(Losing(**place))
        return made[-1]

    lab.open_executor = open_executor
    lab.run(spec)
    assert "stop" in made[0].lost.values()
    assert len(made[0].lost) >= 5
    assert told(lab.results()) == straight


def test_a_failure_that_was_not_told_is_told_and_not_tried_again(
    lab: Lab, small_spec: StudySpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nets = tmp_path / "nets.py"
    text = nets.read_text(encoding="utf-8")
    nets.write_text(text.replace("channels, height", "raise MemoryError('no')\n    channels, height"), encoding="utf-8")
    tell = optuna.Study.tell

    def killed(*_arguments, **_rest):
        raise Killed

    monkeypatch.setattr(optuna.Study, "tell", killed)
    with pytest.raises(Killed):
        lab.run(replace(small_spec, trials=1))
    monkeypatch.setattr(optuna.Study, "tell", tell)
    nets.write_text(text, encoding="utf-8")
    notes = lab.run(replace(small_spec, trials=2))
    trials = lab.results().trials
    assert trials["state"].tolist() == ["failed", "complete"]
    assert trials["message"].tolist() == ["MemoryError: batch size 256: no", ""]
    assert notes.labels == ["trial 1"]


def test_left_over_checkpoints_are_removed_and_those_of_trials_under_way_stay(lab: Lab, spec: StudySpec) -> None:
    spec = replace(spec, baselines=())
    with pytest.raises(StudyInterruptedError):
        lab.run(spec, notes=Notes(after_epoch=lambda n: n == 6 and os.kill(os.getpid(), signal.SIGINT)))
    folder = next(lab.folder.glob("artifacts/*/checkpoints"))
    (kept,) = files_of(lab, "checkpoints")
    for name in ("search-0.ckpt", ".search-0.ckpt.x7f", "search-99.ckpt", "confirm-0.ckpt"):
        (folder / name).write_bytes(b"left")
    half_written = folder / f".{kept}.abc"
    half_written.write_bytes(b"left")
    with pytest.raises(StudyInterruptedError):
        lab.run(spec, notes=Notes(after_epoch=lambda n: n == 1 and os.kill(os.getpid(), signal.SIGINT)))
    assert files_of(lab, "checkpoints") == ["confirm-0.ckpt", kept]
    lab.run(replace(spec, confirm=Confirm(1, 2)))
    assert files_of(lab, "checkpoints") == []


def test_optunas_trial_goes_on_in_place(lab: Lab) -> None:
    """The behaviour of Optuna that going on relies on: same number, same settings, one curve, and pruners see it."""
    study = optuna.create_study(study_name="plain", storage=lab.url, direction="maximize")
    trial = study.ask()
    drawn = trial.suggest_float("x", 0, 1)
    trial.report(0.25, 0)
    trial.set_user_attr("kept", 1)
    again = optuna.load_study(study_name="plain", storage=lab.url)
    storage = again._storage
    trial_id = storage.get_trial_id_from_study_id_trial_number(storage.get_study_id_from_name("plain"), 0)
    gone_on = optuna.trial.Trial(again, trial_id)
    assert (gone_on.number, gone_on.suggest_float("x", 0, 1), gone_on.user_attrs) == (0, drawn, {"kept": 1})
    gone_on.report(0.5, 1)
    again.tell(gone_on, 0.5)
    (frozen,) = again.trials
    assert frozen.state == optuna.trial.TrialState.COMPLETE
    assert frozen.intermediate_values == {0: 0.25, 1: 0.5}
