"""A whole study through the storage: totals, resumption, identity, failures."""

from __future__ import annotations

import os
import re
import signal
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import optuna
import pytest
from sqlalchemy import select

from hpstudy.errors import (
    InputError,
    StorageError,
    StudyBusyError,
    StudyFailedError,
    StudyInterruptedError,
    StudyTimeoutError,
)
from hpstudy.runner_lock import hold, lock_path
from hpstudy.search import runner
from hpstudy.search.storage import open_storage
from hpstudy.spec.load import load_study
from hpstudy.spec.study import Baseline, Choices, Component, Confirm, Fixed, Range, Setting, StudySpec
from hpstudy.tables import RUNS
from hpstudy.training.train import ENGINE
from tests.search.conftest import Lab, Notes, told

MEDIAN = Component("median", {"startup_trials": 2, "warmup_epochs": 1})


def with_settings(spec: StudySpec, *settings: Setting) -> StudySpec:
    return replace(spec, settings={**spec.settings, **{setting.name: setting for setting in settings}})


def test_a_study_trains_its_trials_and_then_does_nothing(lab: Lab, small_spec: StudySpec) -> None:
    first = lab.run(small_spec)
    assert first.labels == [f"trial {number}" for number in range(6)]
    assert first.n_epochs == 18
    results = lab.results()
    assert results.trials["state"].tolist() == ["complete"] * 6
    assert results.trials["epochs"].tolist() == [3] * 6
    assert results.trials["learning_rate"].between(1e-3, 1.0).all()
    last = results.epochs[results.epochs["epoch"] == 2].set_index("trial_id")["val_accuracy"]
    assert results.trials.set_index("trial_id")["value"].to_dict() == last.to_dict()
    again = lab.run(small_spec)
    assert (again.labels, again.plans[0].n_ended) == ([], 6)
    assert told(lab.results()) == told(results)


def test_more_trials_go_on_and_fewer_do_nothing(lab: Lab, small_spec: StudySpec, tmp_path: Path) -> None:
    lab.run(replace(small_spec, trials=4))
    lab.run(small_spec)
    assert lab.run(replace(small_spec, trials=2)).labels == []
    straight = f"sqlite:///{tmp_path / 'straight.db'}"
    lab.run(small_spec, url=straight)
    assert told(lab.results()) == told(lab.results(url=straight))


def test_momentum_is_sampled_only_for_the_optimizer_that_has_it(lab: Lab, small_spec: StudySpec) -> None:
    lab.run(replace(small_spec, trials=8, epochs=1))
    trials = lab.results().trials
    assert set(trials["optimizer"]) == {"sgd", "adam"}
    assert trials[trials["optimizer"] == "sgd"]["momentum"].between(0, 0.9).all()
    assert trials[trials["optimizer"] == "adam"]["momentum"].isna().all()
    study = optuna.load_study(study_name="small", storage=lab.url)
    for trial in study.trials:
        assert ("momentum" in trial.params) == (trial.params["optimizer"] == "sgd")


PRUNERS = {
    "median": MEDIAN,
    "successive_halving": Component("successive_halving", {"min_epochs": 2, "reduction_factor": 2}),
    "hyperband": Component("hyperband", {"min_epochs": 2, "reduction_factor": 2}),
}


@pytest.mark.parametrize(
    "name",
    [
        "successive_halving",
        pytest.param("median", marks=pytest.mark.slow),
        pytest.param("hyperband", marks=pytest.mark.slow),
    ],
)
def test_an_interrupted_study_ends_like_one_that_was_not(
    lab: Lab, small_spec: StudySpec, tmp_path: Path, name: str
) -> None:
    baseline = Baseline("plain", "nets.py:tiny", 3, {"batch_size": 64})
    spec = replace(small_spec, pruner=PRUNERS[name], baselines=(baseline,), epochs=4, trials=8)
    straight = f"sqlite:///{tmp_path / 'straight.db'}"
    lab.run(spec, url=straight)
    assert "pruned" in set(lab.results(url=straight).trials["state"])
    n_epochs, n_interruptions = len(lab.results(url=straight).epochs), 0

    # An interrupted trial begins again from its first epoch, so that the next attempt gets further in it.
    for attempt in range(n_epochs):
        last = attempt % 4 + 1
        notes = Notes(after_epoch=lambda n, last=last: n == last and os.kill(os.getpid(), signal.SIGINT))
        with suppress(StudyInterruptedError):
            lab.run(spec, notes=notes)
        n_interruptions += lab.results().state == "interrupted"
    lab.run(spec)
    assert n_interruptions >= 8
    assert lab.results().state == "finished"
    assert told(lab.results()) == told(lab.results(url=straight))


def test_an_interruption_says_so_and_ends_the_epoch(lab: Lab, small_spec: StudySpec) -> None:
    notes = Notes(after_epoch=lambda n: n == 2 and os.kill(os.getpid(), signal.SIGINT))
    with pytest.raises(StudyInterruptedError, match=r"^small: stopped by SIGINT; the same command goes on") as raised:
        lab.run(small_spec, notes=notes)
    assert raised.value.exit_code == 130
    assert (notes.n_stopping, notes.n_epochs) == (1, 2)
    assert lab.results().trials["state"].tolist() == ["interrupted"]


def test_a_run_that_is_killed_between_a_verdict_and_its_telling_keeps_the_verdict(
    lab: Lab, small_spec: StudySpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = replace(small_spec, pruner=PRUNERS["successive_halving"], epochs=4, trials=8)
    straight = f"sqlite:///{tmp_path / 'straight.db'}"
    lab.run(spec, url=straight)
    tell = optuna.Study.tell

    def killed_when_pruned(study, trial, values=None, state=None, **rest):
        if state is optuna.trial.TrialState.PRUNED:
            raise RuntimeError("killed")
        return tell(study, trial, values, state, **rest)

    with monkeypatch.context() as patched:
        patched.setattr(optuna.Study, "tell", killed_when_pruned)
        with pytest.raises(RuntimeError, match="killed"):
            lab.run(spec)
    lab.run(spec)
    assert told(lab.results()) == told(lab.results(url=straight))


@pytest.mark.parametrize("sampler", ["tpe", "qmc"])
def test_a_trial_that_was_killed_between_two_draws_gets_the_settings_it_would_have_had(
    lab: Lab, small_spec: StudySpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sampler: str
) -> None:
    small_spec = replace(small_spec, sampler=Component(sampler), epochs=1)
    straight = f"sqlite:///{tmp_path / 'straight.db'}"
    lab.run(small_spec, url=straight)
    suggest = optuna.Trial.suggest_categorical

    def killed_in_the_third(trial, name, choices):
        if trial.number == 2:
            raise RuntimeError("killed")
        return suggest(trial, name, choices)

    with monkeypatch.context() as patched:
        patched.setattr(optuna.Trial, "suggest_categorical", killed_in_the_third)
        with pytest.raises(RuntimeError, match="killed"):
            lab.run(small_spec)
    assert optuna.load_study(study_name="small", storage=lab.url).trials[2].params.keys() == {"learning_rate"}
    lab.run(small_spec)
    assert told(lab.results()) == told(lab.results(url=straight))


def test_an_interrupted_baseline_is_no_finished_study(lab: Lab, small_spec: StudySpec) -> None:
    lab.run(replace(small_spec, trials=3))
    added = replace(small_spec, trials=2, baselines=(Baseline("added", "nets.py:tiny", 3, {}),))
    with pytest.raises(StudyInterruptedError):
        lab.run(added, notes=Notes(after_epoch=lambda n: n == 1 and os.kill(os.getpid(), signal.SIGINT)))
    assert lab.results().state == "interrupted"
    lab.run(added)
    assert lab.results().trials["state"].tolist() == ["complete"] * 4


def test_the_time_may_end_between_two_trials_and_the_run_says_what_is_done(
    lab: Lab, small_spec: StudySpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = replace(small_spec, confirm=Confirm(1, 2))
    with pytest.raises(StudyTimeoutError) as first:
        lab.run(spec, deadline=time.monotonic())
    assert str(first.value) == (
        "small: the time is over, 0 of 6 trainings of the search are done; the same command goes on with it"
    )
    assert first.value.exit_code == 0
    clock = Clock()
    monkeypatch.setattr("hpstudy.search.interruption.time", clock)
    notes = Notes(after_epoch=lambda n: clock.pass_seconds(1))
    with pytest.raises(StudyTimeoutError, match=r"2 of 6 .* `hpstudy confirm small` confirms what there is"):
        lab.run(spec, notes=notes, deadline=8)  # in the third epoch of the third trial
    assert notes.n_epochs == 8
    notes = Notes(after_epoch=lambda n: clock.pass_seconds(1))
    with pytest.raises(StudyTimeoutError, match="1 of 2 trainings of the confirmation are done"):
        lab.run(spec, notes=notes, deadline=8 + 12 + 4)
    assert lab.results().state == "interrupted"
    lab.run(spec)
    results = lab.results()
    assert results.trials["state"].tolist() == ["complete"] * 6
    assert len(results.confirmations) == 2
    reasons = results.runs["end_reason"].tolist()
    assert [reason.startswith("small: the time is over, ") for reason in reasons] == [True] * 3 + [False]


class Clock:
    """In place of `time` for the deadline."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def pass_seconds(self, seconds: float) -> None:
        self.now += seconds


def test_what_is_done_by_the_deadline_is_no_unfinished_study(lab: Lab, small_spec: StudySpec) -> None:
    lab.run(small_spec)
    lab.run(small_spec, deadline=time.monotonic())
    assert lab.results().runs["end_reason"].tolist() == ["finished", "finished"]


def test_a_sampled_trial_is_stopped_after_its_time_and_nothing_else_is(lab: Lab, small_spec: StudySpec) -> None:
    plain = Baseline("plain", "nets.py:tiny", 3, {})
    spec = replace(small_spec, trials=2, baselines=(plain,))
    lab.run(spec)
    lab.run(replace(spec, trials=4, confirm=Confirm(1, 2), max_seconds=1e-6))
    trials = lab.results().trials.set_index("label")
    assert trials["state"].to_dict() == {
        "plain": "complete", "0": "complete", "1": "complete", "2": "pruned", "3": "pruned",
    }  # fmt: skip
    assert trials.loc[["2", "3"], "epochs"].tolist() == [1, 1]
    assert re.match(r"out of time after epoch 1: \d\.\d s, and max_seconds is 1e-06", trials["reason"]["2"])
    assert lab.results().confirmations["epochs"].tolist() == [3] * 4


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_second_ctrl_c_stops_inside_the_epoch(
    lab: Lab, small_spec: StudySpec, number: signal.Signals, code: int
) -> None:
    def stop(n_epochs: int) -> None:
        if n_epochs == 2:
            os.kill(os.getpid(), number)
            os.kill(os.getpid(), number)

    with pytest.raises(StudyInterruptedError) as raised:
        lab.run(small_spec, notes=Notes(after_epoch=stop))
    assert raised.value.exit_code == code
    assert signal.getsignal(number) == signal.SIG_DFL
    lab.run(small_spec)
    assert lab.results().trials["state"].tolist() == ["complete"] * 6


@pytest.mark.parametrize("replaced", [False, True])
def test_a_database_that_is_gone_is_noticed_before_a_trial_is_called_complete(
    lab: Lab, small_spec: StudySpec, tmp_path: Path, replaced: bool
) -> None:
    database = tmp_path / "lab.db"

    def remove(n_epochs: int) -> None:
        if n_epochs == 3 + 2:
            database.rename(tmp_path / "away.db")
            if replaced:
                database.write_bytes(b"another")

    notes = Notes(after_epoch=remove)
    with pytest.raises(StorageError, match=r"lab\.db: was deleted, moved or replaced while the study ran") as raised:
        lab.run(small_spec, notes=notes)
    assert raised.value.exit_code == 3
    assert notes.n_ended == 1
    assert database.exists() == replaced
    (tmp_path / "away.db").replace(database)
    lab.run(small_spec)
    assert lab.results().trials["state"].tolist() == ["complete"] * 6


def test_so_does_it_where_nothing_is_trained(lab: Lab, small_spec: StudySpec, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_arguments: object, **_named: object) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(runner, "describe_model", stop)
    with pytest.raises(StudyInterruptedError, match="small: stopped by SIGTERM; the same command goes on") as raised:
        lab.run(replace(small_spec, trials=1))
    assert raised.value.exit_code == 143
    assert lab.results().runs["end_reason"].tolist() == [str(raised.value)]


def test_a_trial_that_was_killed_before_its_settings_were_sampled_goes_on(
    lab: Lab, small_spec: StudySpec, tmp_path: Path
) -> None:
    straight = f"sqlite:///{tmp_path / 'straight.db'}"
    lab.run(small_spec, url=straight)
    lab.run(replace(small_spec, trials=2))
    optuna.load_study(study_name="small", storage=lab.url).ask()
    assert lab.results().trials["state"].tolist() == ["complete", "complete", "interrupted"]
    lab.run(small_spec)
    assert told(lab.results()) == told(lab.results(url=straight))


def test_weak_trials_are_pruned_and_what_was_saved_is_known(lab: Lab, small_spec: StudySpec) -> None:
    lab.run(replace(small_spec, trials=12, pruner=MEDIAN))
    trials = lab.results().trials
    pruned = trials[trials["state"] == "pruned"]
    assert len(pruned) >= 2
    assert (pruned["epochs"] == 2).all()
    assert set(pruned["reason"]) == {"pruned after epoch 2"}
    assert pruned["value"].isna().all()


def test_baselines_come_first_are_never_pruned_and_can_be_added(lab: Lab, small_spec: StudySpec) -> None:
    hopeless = Baseline("hopeless", "nets.py:tiny", 2, {"learning_rate": 1e-12, "optimizer": "sgd"})
    spec = replace(small_spec, pruner=MEDIAN, baselines=(hopeless,))
    assert lab.run(spec).labels[0] == "hopeless"
    later = Baseline("later", "nets.py:tiny", 3, {"nets.py:tiny.hidden": 4})
    assert lab.run(replace(spec, baselines=(hopeless, later))).labels == ["later"]
    trials = lab.results().trials
    baselines = trials[trials["part"] == "baselines"].set_index("label")
    assert baselines["state"].to_dict() == {"hopeless": "complete", "later": "complete"}
    assert baselines["epochs"].to_dict() == {"hopeless": 2, "later": 3}
    assert baselines.loc["hopeless", "batch_size"] == 256  # fixed by the study
    assert baselines.loc["later", "learning_rate"] == 0.01  # the catalogue's default, for the study searches it
    assert baselines["nets.py:tiny.hidden"].to_dict() == {"hopeless": 8, "later": 4}  # 8 as the function has it
    assert baselines.loc["later", "dropout"] == 0
    assert set(trials["nets.py:tiny.hidden"]) == {4, 8}
    assert len(optuna.load_study(study_name="small/baselines", storage=lab.url).trials) == 2


def test_another_study_of_the_same_name_is_refused_with_the_difference(lab: Lab, small_spec: StudySpec) -> None:
    lab.run(replace(small_spec, trials=1))
    other = replace(with_settings(small_spec, Setting("batch_size", Fixed(128))), epochs=4)
    with pytest.raises(InputError) as raised:
        lab.run(other)
    assert str(raised.value) == (
        f"{small_spec.path}: is not the study small that the storage has:\n"
        "  epochs: 3 in the storage, 4 in the file\n"
        "  settings.batch_size: 256 in the storage, 128 in the file\n"
        "Keep both with --name small-2, or undo the change."
    )


def test_another_text_of_the_users_network_is_another_study(lab: Lab, small_spec: StudySpec, tmp_path: Path) -> None:
    lab.run(replace(small_spec, trials=1))
    nets = tmp_path / "nets.py"
    nets.write_text(nets.read_text(encoding="utf-8").replace("nn.ReLU()", "nn.Tanh()"), encoding="utf-8")
    with pytest.raises(InputError, match=r"  source\.nets\.py:tiny: \w{12} in the storage, \w{12} in the file\n"):
        lab.run(small_spec)


def test_so_is_another_text_of_a_module_that_the_network_imports(
    lab: Lab, small_spec: StudySpec, tmp_path: Path
) -> None:
    nets, own = tmp_path / "nets.py", tmp_path / "layers_of_mine.py"
    nets.write_text(f"import layers_of_mine\n{nets.read_text(encoding='utf-8')}", encoding="utf-8")
    own.write_text("UNITS = 8\n", encoding="utf-8")
    lab.run(replace(small_spec, trials=1))
    (record,) = lab.results().runs["record"]
    assert record["architecture_sources"]["layers_of_mine.py"] == "UNITS = 8\n"
    lab.run(replace(small_spec, trials=2))
    own.write_text("UNITS = 9\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"  source\.layers_of_mine\.py: \w{12} in the storage, \w{12} in the file\n"):
        lab.run(small_spec)


def test_epochs_of_trials_that_optuna_has_deleted_are_not_taken_for_new_ones(lab: Lab, small_spec: StudySpec) -> None:
    lab.run(small_spec)
    optuna.delete_study(study_name="small", storage=lab.url)
    lab.run(replace(small_spec, epochs=1, trials=2))
    assert lab.results().trials["epochs"].tolist() == [1, 1]


def test_a_plain_optuna_study_of_that_name_is_left_alone(lab: Lab, small_spec: StudySpec) -> None:
    optuna.create_study(study_name="small", storage=lab.url).ask()
    with pytest.raises(InputError, match="small: the storage has a study of this name that hpstudy did not make"):
        lab.run(small_spec)


def test_an_empty_one_is_taken_over_only_where_larger_is_better(lab: Lab, small_spec: StudySpec) -> None:
    optuna.create_study(study_name="small", storage=lab.url)
    with pytest.raises(InputError, match="small: the storage has a study of this name that hpstudy did not make"):
        lab.run(small_spec)
    optuna.create_study(study_name="other", storage=lab.url, direction="maximize")
    lab.run(replace(small_spec, name="other", trials=1))
    assert lab.results("other").trials["state"].tolist() == ["complete"]


def test_divergence_is_pruned_and_never_best(lab: Lab, small_spec: StudySpec) -> None:
    spec = with_settings(small_spec, Setting("learning_rate", Choices((1e30, 0.1))), Setting("optimizer", Fixed("sgd")))
    lab.run(spec)
    trials = lab.results().trials
    wild = trials[trials["learning_rate"] == 1e30]
    assert 0 < len(wild) < 6
    assert set(wild["state"]) == {"pruned"}
    assert set(wild["reason"]) == {"diverged in epoch 1: the loss was not finite"}
    assert lab.results().epochs["train_loss"].abs().max() < 1e6
    assert optuna.load_study(study_name="small", storage=lab.url).best_params["learning_rate"] == 0.1


FAILS = """
from torch import nn

def picky(input_shape, n_classes, *, dropout=0.0, hidden=8):
    if hidden > 8:
        raise ValueError(f"{hidden} is too many")
    return nn.Sequential(nn.Flatten(), nn.Linear(64, hidden), nn.Linear(hidden, n_classes))
"""


def picky_study(folder: Path, hidden: str) -> StudySpec:
    (folder / "nets.py").write_text(FAILS, encoding="utf-8")
    file = folder / "picky.yaml"
    file.write_text(
        "name: small\ndataset: digits\narchitecture: nets.py:picky\nepochs: 1\ntrials: 7\npruner: none\n"
        f"settings: {{learning_rate: [0.1, 0.2], nets.py:picky.hidden: {hidden}}}\n",
        encoding="utf-8",
    )
    return load_study(file)


def test_settings_that_fail_do_not_end_the_study(lab: Lab, tmp_path: Path) -> None:
    lab.run(picky_study(tmp_path, "[4, 9]"))
    trials = lab.results().trials
    failed = trials[trials["state"] == "failed"]
    assert 0 < len(failed) < 7
    assert set(failed["nets.py:picky.hidden"]) == {9}
    assert set(failed["reason"]) == {"error"}
    assert set(failed["message"]) == {"nets.py:6: ValueError: 9 is too many"}
    assert lab.run(picky_study(tmp_path, "[4, 9]")).labels == []


def test_five_failures_in_a_row_stop_the_study_which_can_go_on(lab: Lab, tmp_path: Path) -> None:
    spec = picky_study(tmp_path, "[9, 10]")
    with pytest.raises(StudyFailedError) as raised:
        lab.run(spec)
    assert raised.value.exit_code == 1
    assert str(raised.value).startswith("small: 5 trials in a row failed, the last with error: nets.py:6: ValueError:")
    assert len(lab.results().trials) == 5
    with pytest.raises(StudyFailedError, match="small: no trial succeeded; `hpstudy show small` says why"):
        lab.run(spec)
    assert len(lab.results().trials) == 7
    assert lab.results().state == "finished"  # nothing is left to train: to "go on" would do nothing


def test_a_network_that_has_only_failed_may_be_mended(lab: Lab, tmp_path: Path) -> None:
    with pytest.raises(StudyFailedError):
        lab.run(picky_study(tmp_path, "[9, 10]"))
    nets = tmp_path / "nets.py"
    nets.write_text(nets.read_text(encoding="utf-8").replace("hidden > 8", "hidden > 99"), encoding="utf-8")
    lab.run(load_study(tmp_path / "picky.yaml"))
    assert lab.results().trials["state"].tolist() == ["failed"] * 5 + ["complete"] * 2


def test_a_grid_ends_by_itself_and_tries_each_combination_once(lab: Lab, small_spec: StudySpec) -> None:
    settings = {
        "optimizer": Setting("optimizer", Choices(("sgd", "adam"))),
        "momentum": Setting("momentum", Range(0.0, 0.9, step=0.3), {"optimizer": ("sgd",)}),
        "batch_size": Setting("batch_size", Fixed(256)),
    }
    spec = replace(small_spec, settings=settings, sampler=Component("grid"), trials=50, epochs=1)
    notes = lab.run(replace(spec, trials=3))
    notes = lab.run(spec)
    assert notes.plans[0].n_trials == 5
    trials = lab.results().trials
    tried = sorted((row.optimizer, round(row.momentum, 6)) for row in trials.fillna(-1.0).itertuples())
    assert tried == [("adam", -1.0), ("sgd", 0.0), ("sgd", 0.3), ("sgd", 0.6), ("sgd", 0.9)]


def test_a_fair_study_gives_each_architecture_its_trials_in_turn(lab: Lab, small_spec: StudySpec) -> None:
    spec = replace(small_spec, architectures=("nets.py:tiny", "cnn"), fair=True, epochs=1)
    notes = lab.run(spec)
    assert notes.labels[:3] == ["trial nets.py:tiny/0", "trial cnn/0", "trial nets.py:tiny/1"]
    counts = lab.results().trials["architecture"].value_counts().to_dict()
    assert counts == {"nets.py:tiny": 3, "cnn": 3}
    names = {study.study_name for study in optuna.get_all_study_summaries(lab.url)}
    assert names == {"small", "small/nets.py:tiny", "small/cnn"}


def test_the_turns_of_a_fair_study_go_on_where_they_were(lab: Lab, small_spec: StudySpec) -> None:
    spec = replace(small_spec, architectures=("nets.py:tiny", "cnn"), fair=True, epochs=1)
    for _ in range(3):
        stop = Notes(after_epoch=lambda _n: os.kill(os.getpid(), signal.SIGINT))
        with pytest.raises(StudyInterruptedError):
            lab.run(spec, notes=stop)
    assert lab.results().trials["architecture"].tolist() == ["cnn", "nets.py:tiny", "nets.py:tiny"]


def test_a_study_may_choose_among_architectures(lab: Lab, small_spec: StudySpec) -> None:
    lab.run(replace(small_spec, architectures=("nets.py:tiny", "cnn"), epochs=1, trials=8))
    trials = optuna.load_study(study_name="small", storage=lab.url).trials
    assert {trial.params["architecture"] for trial in trials} == {"nets.py:tiny", "cnn"}


def test_a_second_runner_is_told_who_has_the_study(lab: Lab, small_spec: StudySpec, tmp_path: Path) -> None:
    with (
        hold(lock_path(tmp_path / "lab.db", study="small"), study="small"),
        pytest.raises(
            StudyBusyError, match=rf"small: is being run by process {os.getpid()} on .+; wait for it"
        ) as raised,
    ):
        lab.run(small_spec)
    assert raised.value.exit_code == 3


def test_every_run_is_recorded(lab: Lab, small_spec: StudySpec) -> None:
    lab.run(replace(small_spec, trials=1))
    lab.run(replace(small_spec, trials=2))
    runs = lab.results().runs
    assert runs["end_reason"].tolist() == ["finished", "finished"]
    assert (runs["ended_at"] >= runs["started_at"]).all()
    assert runs["study_file"].tolist() == [small_spec.text] * 2
    assert runs["command"].tolist() == ["hpstudy run small.yaml"] * 2
    trials = optuna.load_study(study_name="small", storage=lab.url).trials
    assert [trial.user_attrs["run"] for trial in trials] == runs["run_id"].tolist() == [1, 2]
    with open_storage(lab.url) as storage, storage.engine.connect() as connection:
        record = connection.execute(select(RUNS.c.record)).scalars().first()
    for fact in (
        '"torch": "',
        '"threads": ',
        '"device": "cpu"',
        f'"engine": {ENGINE}',
        '"images": {"channels": 1, "classes": ["0", "1"',
        '"architecture_sources": {"nets.py:tiny": "',
        '"git"',
    ):
        assert fact in record


def test_plain_optuna_reads_the_study(lab: Lab, small_spec: StudySpec) -> None:
    lab.run(small_spec)
    study = optuna.load_study(study_name="small", storage=lab.url)
    assert [len(trial.intermediate_values) for trial in study.trials] == [3] * 6
    assert study.best_value == lab.results().trials["value"].max()


def test_nor_may_a_network_be_changed_between_baselines_and_trials(
    lab: Lab, small_spec: StudySpec, tmp_path: Path
) -> None:
    spec = replace(small_spec, baselines=(Baseline("plain", "nets.py:tiny", 2, {}),))
    notes = Notes(after_epoch=lambda n: n == 2 and os.kill(os.getpid(), signal.SIGINT))
    with pytest.raises(StudyInterruptedError):
        lab.run(spec, notes=notes)
    assert lab.results().trials["state"].tolist()[0] == "complete"
    nets = tmp_path / "nets.py"
    nets.write_text(nets.read_text(encoding="utf-8").replace("nn.ReLU()", "nn.Tanh()"), encoding="utf-8")
    with pytest.raises(InputError, match=r"  source\.nets\.py:tiny: \w{12} in the storage, \w{12} in the file\n"):
        lab.run(spec)


def test_nor_a_network_that_only_a_baseline_has(lab: Lab, small_spec: StudySpec, tmp_path: Path) -> None:
    other = tmp_path / "other.py"
    text = (tmp_path / "nets.py").read_text(encoding="utf-8")
    other.write_text(text, encoding="utf-8")
    spec = replace(small_spec, trials=1, baselines=(Baseline("mine", "other.py:tiny", 1, {}),))
    lab.run(spec)
    assert lab.run(spec).labels == []
    other.write_text(text.replace("nn.ReLU()", "nn.Tanh()"), encoding="utf-8")
    changed = r"  baselines\.mine\.source\.other\.py:tiny: \w{12} in the storage, \w{12} in the file"
    with pytest.raises(InputError, match=changed):
        lab.run(spec)
    with pytest.raises(InputError, match=changed):
        lab.confirm(top=1, seeds=1)


def test_nor_one_of_a_baseline_that_the_file_has_no_more(lab: Lab, small_spec: StudySpec, tmp_path: Path) -> None:
    other = tmp_path / "other.py"
    text = (tmp_path / "nets.py").read_text(encoding="utf-8")
    other.write_text(text, encoding="utf-8")
    spec = replace(small_spec, trials=1, baselines=(Baseline("mine", "other.py:tiny", 1, {}),))
    lab.run(spec)
    bare = replace(spec, baselines=(), confirm=Confirm(1, 1))
    other.write_text(text.replace("nn.ReLU()", "nn.Tanh()"), encoding="utf-8")
    with pytest.raises(InputError, match=r"  baselines\.mine\.source\.other\.py:tiny: \w{12} in the storage"):
        lab.run(bare)
    other.unlink()
    with pytest.raises(InputError, match=r"baselines\.mine\.source"):
        lab.run(bare)
    other.write_text(text, encoding="utf-8")
    assert lab.run(bare).labels == ["trial 0, seed 1", "mine, seed 1"]


def test_a_baseline_in_place_of_another_is_still_to_be_trained(lab: Lab, small_spec: StudySpec) -> None:
    spec = replace(small_spec, trials=1, baselines=(Baseline("a", "nets.py:tiny", 1, {}),))
    lab.run(spec)
    notes = lab.run(replace(spec, baselines=(Baseline("b", "nets.py:tiny", 2, {}),)))
    assert (notes.plans[0].n_ended, notes.plans[0].n_trials, notes.labels) == (2, 3, ["b"])


def test_but_a_network_of_a_baseline_that_has_failed_may_be_mended(
    lab: Lab, small_spec: StudySpec, tmp_path: Path
) -> None:
    nets = tmp_path / "picky.py"
    nets.write_text(FAILS, encoding="utf-8")
    failing = Baseline("failing", "picky.py:picky", 1, {"picky.py:picky.hidden": 9})
    spec = replace(small_spec, trials=1, baselines=(failing,))
    lab.run(spec)
    assert lab.results().trials["state"].tolist() == ["failed", "complete"]
    nets.write_text(FAILS.replace("hidden > 8", "hidden > 99"), encoding="utf-8")
    lab.run(replace(spec, baselines=(failing, replace(failing, name="mended"))))
    assert lab.results().baselines["state"].tolist() == ["failed", "complete"]
    assert "mended, seed 1" in lab.confirm(top=1, seeds=1).labels
