"""A rerun: the same bits again, or a sentence that says where they differ."""

from __future__ import annotations

import sqlite3
from dataclasses import replace

import pytest

from hpstudy.artifacts import StudyFiles
from hpstudy.errors import InputError, RerunDiffersError
from hpstudy.search.rerun import rerun_trial
from hpstudy.spec.study import Baseline, Component, StudySpec
from hpstudy.training.train import ENGINE
from tests.damage import forget_digests
from tests.search.conftest import Lab, Notes

PRUNES = Component("median", {"startup_trials": 2, "warmup_epochs": 1})


@pytest.fixture
def spec(small_spec: StudySpec) -> StudySpec:
    return replace(small_spec, epochs=4, trials=8, pruner=PRUNES, baselines=(Baseline("plain", "nets.py:tiny", 2),))


def rerun(lab: Lab, trial: str):
    return rerun_trial("small", trial, place=lab.place(), observer=Notes())


def test_every_trial_comes_out_the_same_and_complete_ones_leave_their_weights(lab: Lab, spec: StudySpec) -> None:
    lab.run(spec)
    results = lab.results()
    files = StudyFiles(lab.folder / "artifacts" / results.artifacts)
    assert {"complete", "pruned"} <= set(results.search["state"])
    for trial in results.trials.to_dict("records"):
        found = rerun(lab, trial["label"])
        assert (found.n_epochs, found.weights_kept) == (trial["epochs"], trial["state"] == "complete")
    complete = results.search[results.search["state"] == "complete"]["number"]
    assert all(files.weights("search", number).exists() for number in complete)
    assert not list(files.folder.glob("weights/.*"))


def test_a_difference_is_told_with_its_epoch_and_what_has_changed(lab: Lab, spec: StudySpec) -> None:
    lab.run(spec)
    best = lab.results().ranked.iloc[0]
    with sqlite3.connect(lab.folder / "lab.db") as connection:
        connection.execute(
            "UPDATE hpstudy_epochs SET val_accuracy = 0.5 WHERE trial_id = ? AND epoch = 2", [int(best["trial_id"])]
        )
        engines = [f'"engine": {ENGINE}', '"engine": 0']
        connection.execute("UPDATE hpstudy_runs SET record = replace(record, ?, ?)", engines)
    connection.close()
    forget_digests(lab.folder / "lab.db")
    with pytest.raises(
        RerunDiffersError,
        match=rf"^small, trial {best['label']}: the val accuracy of epoch 3 was 0\.5 and is 0\.\d+; "
        rf"engine 0 then, {ENGINE} now$",
    ):
        rerun(lab, "best")


def test_other_code_is_refused(lab: Lab, spec: StudySpec) -> None:
    lab.run(spec)
    (lab.folder / "nets.py").write_text((lab.folder / "nets.py").read_text(encoding="utf-8") + "\n")
    with pytest.raises(InputError, match=r"small: has been trained on something else than what is there now"):
        rerun(lab, "best")
