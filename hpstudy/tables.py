"""hpstudy's own tables, which stand beside Optuna's in the same database."""

from __future__ import annotations

from sqlalchemy import Column, DateTime, Float, Integer, MetaData, String, Table, Text

METADATA = MetaData()

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

IDENTITY_ATTRIBUTE = "hpstudy:identity"
BASELINES_ATTRIBUTE = "hpstudy:baselines"
DESCRIPTION_ATTRIBUTE = "hpstudy:description"
"""User attributes of the Optuna study `NAME`; the first marks a study as hpstudy's."""
