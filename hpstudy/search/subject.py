"""What a run needs to know of a study beside its trials: from its file or, where only a name is given, from storage."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from hpstudy.errors import InputError
from hpstudy.search.storage import Storage
from hpstudy.spec.load import written_confirm
from hpstudy.spec.study import Confirm, StudySpec
from hpstudy.spec.wording import did_you_mean
from hpstudy.tables import IDENTITY_ATTRIBUTE, RUNS


@dataclass(frozen=True)
class Subject:
    """A study that is run.

    Attributes:
        name: Its name.
        text: The study file's text.
        folder: Where that file lies: a user's own architectures are found beside it.
        seed: The study's seed.
        architectures: All that it may train, baselines included.
        confirm: How far its file has it confirmed; the usual where the file has it not confirmed at all.
    """

    name: str
    text: str
    folder: Path
    seed: int
    architectures: tuple[str, ...]
    confirm: Confirm


def subject_of(spec: StudySpec) -> Subject:
    """A study as its file has it."""
    named = (*spec.architectures, *(baseline.architecture for baseline in spec.baselines))
    architectures = tuple(dict.fromkeys(named))
    return Subject(spec.name, spec.text, spec.folder, spec.seed, architectures, spec.confirm or Confirm())


def stored_subject(storage: Storage, study: str) -> Subject:
    """A study as its last run has recorded it.

    Raises:
        InputError: The storage has no such study of hpstudy's, or it never ran.
    """
    heads = {found.study_name: found.user_attrs for found in storage.optuna.get_all_studies()}
    ours = [name for name, attributes in heads.items() if IDENTITY_ATTRIBUTE in attributes]
    runs = select(RUNS.c.study_file, RUNS.c.record).where(RUNS.c.study == study).order_by(RUNS.c.run_id.desc())
    last = storage.transact(lambda connection: connection.execute(runs).first())
    if study in ours and last is None:
        raise InputError(f"{study}: has never been run; `hpstudy run` it with its study file first")
    if study not in ours or last is None:
        raise InputError(f"{study}: the storage has no such study of hpstudy's.{did_you_mean(study, ours)}")
    record = json.loads(last.record)
    return Subject(
        name=study,
        text=last.study_file,
        folder=Path(record["folder"]),
        seed=int(heads[study][IDENTITY_ATTRIBUTE]["seed"]),
        architectures=tuple(record["architectures"]),
        confirm=written_confirm(last.study_file) or Confirm(),
    )
