"""What must hold of a study after any fault: each check raises AssertionError with what does not."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable, Hashable, Mapping
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import optuna
from PIL import Image
from safetensors.numpy import load_file

from hpstudy.artifacts import read_predictions, read_test_predictions
from hpstudy.numbers import heading, percent, value
from hpstudy.results.study import StudyResults, title_of
from tests.faults.bench import Bench, Ended
from tests.search.conftest import told

UNFINISHED = ("running", "interrupted", "waiting")


def check_after_kill(bench: Bench) -> None:
    """What holds as soon as a runner is dead, whatever it was doing."""
    check_database(bench.database)
    check_files(bench)
    if not has_study(bench):
        assert not bench.printed(), "a training was printed as ended, and the storage has no study"
        return
    results = bench.results()
    check_printed(results, bench.printed())
    assert results.state != "running", "the study is shown as running, and its runner is dead"
    shown = {*results.trials["state"], *results.confirmations["state"]}
    assert "running" not in shown, "a trial is shown as running, and its runner is dead"


def check_database(database: Path) -> None:
    """A database that is there can be opened by plain SQLite, and is whole.

    A copy is opened, so that the next run meets the files as the kill has left them.
    """
    if not database.exists():
        return
    with TemporaryDirectory() as folder:
        for file in (database, database.with_name(f"{database.name}-wal")):
            if file.exists():
                shutil.copy(file, folder)
        with closing(sqlite3.connect(Path(folder) / database.name)) as connection:
            try:
                (found,) = connection.execute("PRAGMA integrity_check").fetchone()
                (n_tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            except sqlite3.Error as error:
                raise AssertionError(f"the database cannot be opened: {error}") from error
            assert found == "ok", f"integrity_check: {found}"
            assert n_tables, "the database is empty"


def has_study(bench: Bench) -> bool:
    """Whether the storage has the study, with all that its readers need."""
    if not bench.database.exists():
        return False
    with closing(sqlite3.connect(f"file:{bench.database}?mode=ro", uri=True)) as connection:
        marked = "SELECT count(*) FROM study_user_attributes WHERE key = 'hpstudy:identity'"
        return bool(connection.execute(marked).fetchone()[0])


def check_printed(results: StudyResults, printed: list[Ended]) -> None:
    """Every training that was printed as ended is stored as it was printed, and none was printed twice."""
    stored = {ended.label: ended for ended in stored_ends(results)}
    for ended in printed:
        assert stored.get(ended.label) == ended, f"printed {ended}, stored {stored.get(ended.label)}"
    twice = [label for label, n in Counter(ended.label for ended in printed).items() if n > 1]
    assert not twice, f"trained twice: {twice}"


def stored_ends(results: StudyResults) -> list[Ended]:
    """The trainings that have ended as the storage has them, in the words of the runner's lines."""
    by_trial = results.epochs.sort_values("epoch").groupby("trial_id")["val_accuracy"]
    accuracies = by_trial.last().to_dict()
    trials = results.trials.to_dict("records")
    by_label = {trial["label"]: trial for trial in trials}
    ends = [_ended(trial, title_of(trial), trial, results, accuracies) for trial in trials if _has_ended(trial)]
    for row in filter(_has_ended, results.confirmations.to_dict("records")):
        configuration = by_label[row["configuration"]]
        label = f"{title_of(configuration)}, seed {row['seed']}"
        ends.append(_ended(row, label, configuration, results, accuracies))
    return ends


def _has_ended(row: Mapping[Hashable, Any]) -> bool:
    return row["state"] not in UNFINISHED


def _ended(
    row: Mapping[Hashable, Any],
    label: str,
    configuration: Mapping[Hashable, Any],
    results: StudyResults,
    accuracies: Mapping[int, float],
) -> Ended:
    if row["state"] == "failed":
        return Ended(label, "failed", "–", 0, row["reason"])
    diverged = row["reason"].startswith("diverged")
    held = {name: configuration[name] for name in results.searched if value(configuration[name]) != "–"}
    return Ended(
        label=label,
        state="diverged" if diverged else row["state"],
        accuracy="–" if diverged else percent(accuracies.get(row["trial_id"], float("nan"))),
        epochs=row["epochs"] + diverged,  # the divergent epoch is counted, and not stored
        settings=", ".join(f"{heading(name)} {value(setting)}" for name, setting in held.items()),
    )


def check_files(bench: Bench) -> None:
    """Whatever has its final name is whole."""
    for file in bench.artifacts.rglob("*"):
        if file.is_dir() or file.name.startswith("."):
            continue
        try:
            _READ.get(file.suffix, Path.read_bytes)(file)
        except Exception as error:
            raise AssertionError(f"{file} is damaged: {error}") from error


_READ: Mapping[str, Callable[[Path], object]] = {
    ".npy": read_predictions,
    ".npz": read_test_predictions,
    ".safetensors": load_file,
    "": lambda file: Image.open(file).verify(),  # what is attached to a study has its id for a name
}


def check_finished(bench: Bench, *, n_trials: int, may_crash: bool = False) -> None:
    """What holds once the command has ended well: all is there, once, and nothing is left over.

    Args:
        bench: The study.
        n_trials: Sampled trials in all.
        may_crash: Whether a training may have failed because its process was killed three times.
    """
    check_database(bench.database)
    check_files(bench)
    results = bench.results()
    check_printed(results, bench.printed())
    assert results.state == "finished", f"the study is {results.state}"
    search = results.search
    assert search["number"].tolist() == list(range(n_trials)), f"trials {search['number'].tolist()}"
    shown = {*results.trials["state"], *results.confirmations["state"]}
    assert shown <= ({"complete", "pruned", "failed"} if may_crash else {"complete", "pruned"}), f"states {shown}"
    failed = results.trials[results.trials["state"] == "failed"]
    assert set(failed["reason"]) <= {"crashed"}, f"failed: {set(failed['message'])}"
    check_epochs(results)
    check_no_leftovers(bench)
    check_plain_optuna(bench, results)


def check_epochs(results: StudyResults) -> None:
    """Each trial has its epochs from the first one on, without a gap; a complete one all of them."""
    epochs = {trial_id: group["epoch"].tolist() for trial_id, group in results.epochs.groupby("trial_id")}
    for row in [*results.trials.to_dict("records"), *results.confirmations.to_dict("records")]:
        found = sorted(epochs.get(row["trial_id"], []))
        assert found == list(range(len(found))), f"trial {row['number']} has the epochs {found}"
        if row["state"] == "complete":
            assert len(found) == row["epochs_planned"], f"trial {row['number']} is complete with the epochs {found}"


def check_no_leftovers(bench: Bench) -> None:
    """No checkpoint, no half-written file."""
    hidden = [file for file in bench.folder.rglob(".*") if not file.name.endswith(".lock")]
    assert not hidden, f"half-written files are left: {hidden}"
    checkpoints = list(bench.artifacts.rglob("*.ckpt"))
    assert not checkpoints, f"checkpoints are left: {checkpoints}"


def check_plain_optuna(bench: Bench, results: StudyResults) -> None:
    """Optuna itself reads the study, and finds the same."""
    study = optuna.load_study(study_name=results.name, storage=bench.url)
    assert len(study.trials) == len(results.search)
    assert study.best_value == results.search["value"].max()


def check_equal(bench: Bench, reference: Bench) -> None:
    """A study of one worker equals the one that was never interrupted: values, curves, files, bit for bit."""
    assert told(bench.results()) == told(reference.results()), "values or curves differ from the uninterrupted study's"
    ours, theirs = file_sums(bench), file_sums(reference)
    assert ours.keys() == theirs.keys(), f"other files: {sorted(ours.keys() ^ theirs.keys())}"
    assert ours == theirs, f"files differ: {[name for name in ours if ours[name] != theirs[name]]}"


def file_sums(bench: Bench) -> dict[str, str]:
    """SHA-256 of each weight and prediction of a study, by its name below the study's own folder."""
    own = bench.artifacts / bench.results().artifacts
    files = [file for file in own.rglob("*") if file.is_file()]
    return {str(file.relative_to(own)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


class Curves:
    """The curve of every configuration that was seen: an equal configuration must give an equal curve."""

    def __init__(self) -> None:
        self._known: dict[str, list[tuple[float, ...]]] = {}

    def check(self, bench: Bench) -> None:
        """Compares the study's curves with those seen before, as far as both go, and remembers them."""
        for config, curve in stored_curves(bench).items():
            known = self._known.get(config, [])
            n_both = min(len(curve), len(known))
            assert curve[:n_both] == known[:n_both], f"another curve than before of {config}: {curve}, {known}"
            self._known[config] = max(curve, known, key=len)


def stored_curves(bench: Bench) -> dict[str, list[tuple[float, ...]]]:
    """What was measured in each epoch of each trial, by the trial's configuration as it is stored."""
    measured = "learning_rate, train_loss, train_accuracy, ifnull(val_loss, -1), ifnull(val_accuracy, -1)"
    query = (
        f"SELECT value_json, {measured} FROM hpstudy_epochs JOIN trial_user_attributes USING (trial_id) "
        "WHERE key = 'config' ORDER BY trial_id, epoch"
    )
    curves: dict[str, list[tuple[float, ...]]] = {}
    with closing(sqlite3.connect(f"file:{bench.database}?mode=ro", uri=True)) as connection:
        for config, *numbers in connection.execute(query):
            assert np.isfinite(numbers).all(), f"stored: {numbers}"
            curves.setdefault(config, []).append(tuple(numbers))
    return curves
