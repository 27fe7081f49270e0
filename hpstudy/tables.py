"""hpstudy's own tables, which stand beside Optuna's in the same database."""

from __future__ import annotations

from sqlalchemy import Column, DateTime, Float, Integer, MetaData, String, Table, Text, column, table

METADATA = MetaData()

OPTUNA_STUDIES = table("studies", column("study_id"), column("study_name"))
OPTUNA_TRIALS = table(
    "trials",
    column("trial_id"),
    column("number"),
    column("study_id"),
    column("state"),
)
"""Optuna's tables, as far as hpstudy reads them itself."""

EPOCHS = Table(
    "hpstudy_epochs",
    METADATA,
    Column("trial_id", Integer, primary_key=True, autoincrement=False),  # Optuna's trials.trial_id
    Column("epoch", Integer, primary_key=True, autoincrement=False),
    Column("learning_rate", Float(53), nullable=False),
    Column("train_loss", Float(53), nullable=False),
    Column("train_accuracy", Float(53), nullable=False),
    Column("val_loss", Float(53), nullable=False),
    Column("val_accuracy", Float(53), nullable=False),
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
"""One row a `hpstudy run`."""

FINISHED = "finished"
"""The `end_reason` of a run after which nothing was left to train."""

PART_SEPARATOR = "/"
"""Between a study's name and what is a part of it: `NAME/baselines`. No study's own name holds it."""

BASELINES = "baselines"

CONFIG = "config"
RUN = "run"
BASELINE = "baseline"
REASON = "reason"
MESSAGE = "message"
TRACEBACK = "traceback"
TRAIN_ACCURACY = "train_accuracy"
"""User attributes of a trial: its configuration, the run that trained it, the baseline that it is, and how it ended."""

IDENTITY_ATTRIBUTE = "hpstudy:identity"
BASELINES_ATTRIBUTE = "hpstudy:baselines"
DESCRIPTION_ATTRIBUTE = "hpstudy:description"
"""User attributes of the Optuna study `NAME`; the first marks a study as hpstudy's."""
