"""The database: hpstudy's own tables, those of Optuna that it reads, and the attributes that it writes there."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, DateTime, Float, Integer, MetaData, String, Table, Text, column, table

METADATA = MetaData()

OPTUNA_STUDIES = table("studies", column("study_id"), column("study_name"))
OPTUNA_TRIALS = table(
    "trials",
    column("trial_id"),
    column("number"),
    column("study_id"),
    column("state"),
    column("datetime_start"),
    column("datetime_complete"),
)
OPTUNA_VALUES = table("trial_values", column("trial_id"), column("objective"), column("value"), column("value_type"))
OPTUNA_PARAMETERS = table(
    "trial_params",
    column("param_id"),
    column("trial_id"),
    column("param_name"),
    column("param_value"),
    column("distribution_json"),
)
OPTUNA_INTERMEDIATES = table(
    "trial_intermediate_values",
    column("trial_id"),
    column("step"),
    column("intermediate_value"),
    column("intermediate_value_type"),
)
OPTUNA_DIRECTIONS = table("study_directions", column("study_id"), column("objective"), column("direction"))
OPTUNA_STUDY_ATTRIBUTES = table("study_user_attributes", column("study_id"), column("key"), column("value_json"))
OPTUNA_STUDY_SYSTEM_ATTRIBUTES = table(
    "study_system_attributes", column("study_id"), column("key"), column("value_json")
)
OPTUNA_TRIAL_ATTRIBUTES = table("trial_user_attributes", column("trial_id"), column("key"), column("value_json"))
OPTUNA_TRIAL_SYSTEM_ATTRIBUTES = table(
    "trial_system_attributes", column("trial_id"), column("key"), column("value_json")
)
"""Optuna's tables, as far as hpstudy reads them itself."""

OPTUNA_OF_A_TRIAL = tuple(
    table(name, column("trial_id"))
    for name in (
        *("trial_heartbeats", "trial_intermediate_values", "trial_params", "trial_system_attributes"),
        *("trial_user_attributes", "trial_values"),
    )
)
OPTUNA_OF_A_STUDY = tuple(
    table(name, column("study_id"))
    for name in ("study_directions", "study_system_attributes", "study_user_attributes", "trials", "studies")
)
"""All tables of Optuna's that have rows of a trial, or of a study, in an order in which rows can be deleted."""

EPOCHS = Table(
    "hpstudy_epochs",
    METADATA,
    Column("trial_id", Integer, primary_key=True, autoincrement=False),  # Optuna's trials.trial_id
    Column("epoch", Integer, primary_key=True, autoincrement=False),
    Column("learning_rate", Float(53), nullable=False),
    Column("train_loss", Float(53), nullable=False),
    Column("train_accuracy", Float(53), nullable=False),
    Column("val_loss", Float(53)),  # null in a confirmation, but for its last epoch: the test set is read once
    Column("val_accuracy", Float(53)),
    Column("seconds", Float(53), nullable=False),
)
"""One row a trial and epoch."""

RUNS = Table(
    "hpstudy_runs",
    METADATA,
    Column("run_id", Integer, primary_key=True),
    Column("study", String(512), nullable=False, index=True),
    Column("started_at", DateTime, nullable=False),  # UTC
    Column("ended_at", DateTime),  # UTC; null while it runs, and for ever if it was killed
    Column("end_reason", Text),
    Column("command", Text, nullable=False),
    Column("study_file", Text, nullable=False),
    Column("record", Text, nullable=False),  # JSON: versions, device, threads, git commit, data checksums
)
"""One row for each `hpstudy run` and `hpstudy confirm`."""

SERVER_METADATA = MetaData()

LEASES = Table(
    "hpstudy_leases",
    SERVER_METADATA,
    Column("run_id", Integer, primary_key=True, autoincrement=False),  # hpstudy_runs.run_id
    Column("beaten_at", DateTime(timezone=True), nullable=False),  # the server's clock
)
"""On a server alone, where several runners may work on one study: one row a run that is under way, and renewed by it
all the time. The trials of a run are those whose user attribute `run` names it; a trial that is under way and whose run
has no row here is nobody's."""

LEASE_SECONDS = 120.0
"""A run that has not renewed its row for so long counts as dead."""

FINISHED = "finished"
"""The `end_reason` of a run after which nothing was left to train."""

PART_SEPARATOR = "/"
"""Between a study's name and what is a part of it: `NAME/baselines`. No study's own name holds it."""

SEARCH = "search"
BASELINES = "baselines"
CONFIRM = "confirm"
"""What a trial belongs to: the search, the named models, the confirmation. The last two are parts of a study."""

VALIDATION_ACCURACY = "validation accuracy"
TEST_ACCURACY = "test accuracy"
"""What the value of a trial is, and that of a confirmation."""

CONFIG = "config"
RUN = "run"
BASELINE = "baseline"
REASON = "reason"

DIVERGED = "diverged"
"""What the reason of a training begins with whose loss was not finite."""

REMOVED: Final = "removed"
"""The reason of a training that was stopped before it had a configuration, and is not planned any more."""

OUT_OF_TIME = "out of time"
"""What that of a trial begins with that was stopped at `max_seconds`."""
MESSAGE = "message"
TRACEBACK = "traceback"
TRAIN_ACCURACY = "train_accuracy"
N_PARAMETERS = "n_parameters"
WEIGHTS_SHA256 = "weights_sha256"
PREDICTIONS_SHA256 = "predictions_sha256"
CONFIRMS = "confirms"
CONFIRM_SEED = "seed"
REPEATS = "repeats"
DIGEST = "digest"
"""User attributes of a trial: its configuration, the run that trained it, the baseline that it is, how it ended, what
model it trained; the checksums of its weights and of its predictions as they were written; of a confirmation the label
of the trial that it confirms, and which of the paired seeds it has; of a draw that is not trained the number of the
trial that it repeats (null where that has failed since, and the draw is trained after all); the digest of all that is
stored of it, once it has ended."""

MOST_FAILURES: Final = 2
"""A configuration that has failed is trained once more when it is drawn again, and not a third time."""

MOST_REPEATS: Final = 100
"""So many draws in a row that repeat, and a search ends: its sampler finds nothing new."""

IDENTITY_ATTRIBUTE = "hpstudy:identity"
BASELINES_ATTRIBUTE = "hpstudy:baselines"
DESCRIPTION_ATTRIBUTE = "hpstudy:description"
CONFIRM_ATTRIBUTE = "hpstudy:confirm"
CANDIDATES_ATTRIBUTE = "hpstudy:candidates"
ARTIFACTS_ATTRIBUTE = "hpstudy:artifacts"
RULES_ATTRIBUTE = "hpstudy:rules"
DIGEST_ATTRIBUTE = "hpstudy:digest"
"""User attributes of the Optuna study `NAME`; the first marks a study as hpstudy's. `confirm` is what its file
says of confirmation. The candidates are the labels of
the trials that confirmations have fixed as the study's answer, oldest first; the last one holds. The artifacts are the
name of the study's folder under the artifacts folder. The rules are the number of those that the study began under
and goes on with; 1 where it is absent. The digest is that of all the others."""

RULES: Final = 2
"""The rules of a study that begins now. Since 2 halving and hyperband cut after `min_epochs` × `reduction_factor`^k
whole epochs; under 1 after one more than (`min_epochs` - 1) × `reduction_factor`^k."""

TEST_DATA_ATTRIBUTE = "hpstudy:test_data"
"""User attribute of the Optuna study `NAME/confirm`: the checksums of the test set that its networks were tested on."""
