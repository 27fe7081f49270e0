"""What a run needs to know of a study beside its trials: from its file or, where only a name is given, from storage."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hpstudy.errors import DamagedStudyError, InputError
from hpstudy.results.queries import attribute_texts, part_names, run_frame, study_attributes, study_names
from hpstudy.search.storage import Storage
from hpstudy.spec.load import written_confirm
from hpstudy.spec.study import Confirm, StudySpec
from hpstudy.spec.wording import did_you_mean
from hpstudy.tables import IDENTITY_ATTRIBUTE


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
        DamagedStudyError: What it recorded is not what hpstudy writes.
    """
    ours = storage.transact(study_names)
    parts = storage.transact(lambda connection: part_names(connection, study))
    heads = [found for found, part in parts.items() if not part and study in ours]
    runs = storage.transact(lambda connection: run_frame(connection, study))
    texts = storage.transact(lambda connection: attribute_texts(connection, heads[0])) if heads else {}
    if not heads:
        raise InputError(f"{study}: the storage has no such study of hpstudy's.{did_you_mean(study, ours)}")
    if runs.empty:
        raise InputError(f"{study}: has never been run; `hpstudy run` it with its study file first")
    last = runs.iloc[-1]
    record = last["record"]
    if not {"folder", "architectures"} <= record.keys():
        raise DamagedStudyError(f"run {last['run_id']}, record: does not say where its file lay", study=study)
    return Subject(
        name=study,
        text=last["study_file"],
        folder=Path(record["folder"]),
        seed=int(study_attributes(texts)[IDENTITY_ATTRIBUTE]["seed"]),
        architectures=tuple(record["architectures"]),
        confirm=written_confirm(last["study_file"]) or Confirm(),
    )
