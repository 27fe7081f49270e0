"""Named fault points: the runner is killed at the places where most is at stake, then the same command goes on."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.faults.bench import Bench
from tests.faults.invariants import check_after_kill, check_equal, check_finished
from tests.faults.study import CHECKPOINT_EVERY_EPOCH, N_TRIALS, small_bench

pytestmark = pytest.mark.faults

POINTS = {
    # The database is made.
    "before the first table": "sqlalchemy.sql.schema:MetaData.create_all,1,before",
    "between Optuna's tables and their version": "sqlalchemy.sql.schema:MetaData.create_all,1,after",
    "between Optuna's tables and ours": "sqlalchemy.sql.schema:MetaData.create_all,2,before",
    "before the database has its name": "pathlib:Path.replace,1,before,hpstudy.db",
    "after the database has its name": "pathlib:Path.replace,1,after,hpstudy.db",
    # The study is made.
    "before the study is there": "optuna.study.study:create_study,1,before",
    "between the study and what it is": "optuna.study.study:create_study,1,after",
    "before the study knows its folder": "optuna.study.study:Study.set_user_attr,1,before,hpstudy:artifacts",
    # A trial is asked for.
    "between asking for a baseline and its name": "optuna.study.study:Study.ask,1,after",
    "between asking for a trial and its settings": "optuna.study.study:Study.ask,2,after",
    "between two settings": "optuna.trial._trial:Trial.suggest_categorical,3,before,optimizer",
    "between the settings and the configuration": "optuna.trial._trial:Trial.set_user_attr,4,before,config",
    "between asking and the first epoch": "hpstudy.executors.local:LocalExecutor.start,3,before",
    # An epoch ends.
    "before a checkpoint is written": "hpstudy.training.checkpoints:write_checkpoint,5,before",
    "while a checkpoint is written": "pathlib:Path.replace,5,before,.ckpt",
    "between a checkpoint and the epoch's event": "hpstudy.training.checkpoints:write_checkpoint,5,after",
    "between an epoch and its commit": "hpstudy.search.storage:Storage.write_epoch,8,before",
    "between an epoch's row and its report": "hpstudy.search.storage:Storage.write_epoch,8,after",
    "between the commit and the verdict": "optuna.trial._trial:Trial.report,8,after",
    "between the verdict to stop and its answer": "optuna.trial._trial:Trial.set_user_attr,1,after,pruned after",
    "between the commit and the answer": "hpstudy.executors.local:LocalExecutor.answer,8,before",
    "between the answer and the next epoch": "hpstudy.executors.local:LocalExecutor.answer,8,after",
    # A training ends.
    "before the weights are written": "hpstudy.artifacts:written_whole,3,before,weights",
    "while the weights are written": "pathlib:Path.replace,3,before,weights",
    "after the weights are written": "pathlib:Path.replace,3,after,weights",
    "while the predictions are written": "pathlib:Path.replace,3,before,predictions",
    "between the predictions and the end": "pathlib:Path.replace,3,after,predictions",
    "before a trial's end is told": "optuna.study.study:Study.tell,3,before",
    "after a trial's end is told": "optuna.study.study:Study.tell,3,after",
    "before a pruned trial's end is told": "optuna.study.study:Study.tell,1,before,PRUNED",
    "before the last trial's end is told": "optuna.study.study:Study.tell,7,before",
    "after the last trial's end is told": "optuna.study.study:Study.tell,7,after",
    # The confirmation, and what is shown in the end.
    "before the candidate is fixed": "optuna.study.study:Study.set_user_attr,1,before,hpstudy:candidates",
    "between asking for a confirmation and its seed": "optuna.study.study:Study.ask,8,after",
    "before the last confirmation's end is told": "optuna.study.study:Study.tell,11,before",
    "after the last confirmation's end is told": "optuna.study.study:Study.tell,11,after",
    "while the test predictions are written": "pathlib:Path.replace,1,before,test-predictions",
    "before the run's end is noted": "hpstudy.search.runs:end_run,1,before",
    "while a picture is written": "hpstudy.search.attachments:attach,1,before",
    "between a picture and its registration": "optuna.storages:RDBStorage.set_study_system_attr,1,before,artifacts:",
}
"""Where: the call at which the runner is killed, as `points/sitecustomize.py` has it."""


@pytest.mark.parametrize("point", POINTS.values(), ids=POINTS)
def test_a_kill_at_a_delicate_place_loses_and_repeats_nothing(tmp_path: Path, reference: Bench, point: str) -> None:
    bench = small_bench(tmp_path / "study")
    run = bench.start(KILL_AT=point, SET=CHECKPOINT_EVERY_EPOCH)
    code = run.wait()
    assert code == -signal.SIGKILL, f"exit {code}: {run.text()}"
    check_after_kill(bench)
    bench.finish_here()
    check_finished(bench, n_trials=N_TRIALS)
    check_equal(bench, reference)
