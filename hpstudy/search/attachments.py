"""Files that are shown with a study in Optuna's tools: Optuna calls them artifacts and registers them in its tables."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from optuna.artifacts import FileSystemArtifactStore
from optuna.artifacts.exceptions import ArtifactNotFound
from sqlalchemy import ColumnElement, Select, delete, select

from hpstudy.artifacts import study_folder, written_whole
from hpstudy.errors import ArtifactError
from hpstudy.search.storage import Storage
from hpstudy.tables import (
    ARTIFACTS_ATTRIBUTE,
    OPTUNA_STUDIES,
    OPTUNA_STUDY_SYSTEM_ATTRIBUTES,
    OPTUNA_TRIAL_SYSTEM_ATTRIBUTES,
    OPTUNA_TRIALS,
)

_KEY = "artifacts:"
"""How the system attribute of a registered file begins; the rest is its id (`optuna.artifacts.upload_artifact`)."""

_IDENTIFIER = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

_MADE_BY = "made_by"
"""Our mark in a registration: a file of the same name that a person has uploaded is not ours to replace."""


@dataclass(frozen=True)
class Attachment:
    """A file registered with a study or one of its trials.

    Attributes:
        identifier: Optuna's `artifact_id`, which is also the file's name under the artifacts folder.
        name: What Optuna's tools call it.
        ours: Whether hpstudy attached it.
    """

    identifier: str
    name: str
    ours: bool


def attach(storage: Storage, *, study: str, name: str, content: bytes, folder: Path) -> None:
    """Shows a PNG picture with a study, in place of the one that had its name; equal content changes nothing.

    The picture keeps its id for ever, and its file is replaced whole: whoever reads meanwhile gets the old or the new.

    Args:
        storage: Where the study is.
        study: Name of the Optuna study.
        name: What Optuna's tools call the file, such as `confusion.png`.
        content: The picture.
        folder: The artifacts folder.

    Raises:
        ArtifactError: The file cannot be written.
    """
    same = [one for one in study_attachments(storage, study) if one.ours and one.name == name]
    identifier = same[0].identifier if same else _identifier(storage, study=study, name=name)
    file = folder / identifier
    if not (file.is_file() and file.read_bytes() == content):
        for left in folder.glob(f".{identifier}.*"):  # of a run that was killed while it wrote
            left.unlink(missing_ok=True)
        with written_whole(file) as written:
            written.write(content)
    if not same:
        registration = {"artifact_id": identifier, "filename": name, "mimetype": "image/png", "encoding": None}
        study_id = storage.optuna.get_study_id_from_name(study)
        stored = json.dumps(registration | {_MADE_BY: "hpstudy"})
        storage.optuna.set_study_system_attr(study_id, _KEY + identifier, stored)


def detach(storage: Storage, *, study: str, attachment: Attachment, folder: Path) -> None:
    """Removes a file from a study.

    Optuna's tools have no removal of a registration; optuna-dashboard stores null in its place, which
    `optuna.artifacts.get_all_artifact_meta` cannot read (5.0). So the row itself is deleted.

    Raises:
        ArtifactError: The file cannot be removed.
    """
    same_study = select(OPTUNA_STUDIES.c.study_id).where(OPTUNA_STUDIES.c.study_name == study)
    registration = delete(OPTUNA_STUDY_SYSTEM_ATTRIBUTES).where(
        OPTUNA_STUDY_SYSTEM_ATTRIBUTES.c.study_id.in_(same_study),
        OPTUNA_STUDY_SYSTEM_ATTRIBUTES.c.key == _KEY + attachment.identifier,
    )
    storage.transact(lambda connection: connection.execute(registration))
    remove_file(attachment, folder=folder)


def remove_file(attachment: Attachment, *, folder: Path) -> None:
    """Removes the file of a registration, if it is there; the registration stays.

    Raises:
        ArtifactError: It cannot be removed.
    """
    with suppress(ArtifactNotFound):
        try:
            FileSystemArtifactStore(folder).remove(attachment.identifier)
        except OSError as error:
            fact = error.strerror or error
            raise ArtifactError(f"{folder / attachment.identifier}: cannot be removed ({fact})") from error


def study_attachments(storage: Storage, study: str) -> list[Attachment]:
    """What is attached to an Optuna study itself."""
    attributes, studies = OPTUNA_STUDY_SYSTEM_ATTRIBUTES, OPTUNA_STUDIES
    joined = attributes.join(studies, attributes.c.study_id == studies.c.study_id)
    statement = select(attributes.c.value_json).select_from(joined)
    return _read(storage, statement.where(studies.c.study_name == study, _is_attachment(attributes.c.key)))


def trial_attachments(storage: Storage, study: str) -> list[Attachment]:
    """What is attached to the trials of an Optuna study: hpstudy attaches nothing there, but users may."""
    attributes, trials, studies = OPTUNA_TRIAL_SYSTEM_ATTRIBUTES, OPTUNA_TRIALS, OPTUNA_STUDIES
    joined = attributes.join(trials, attributes.c.trial_id == trials.c.trial_id).join(
        studies, trials.c.study_id == studies.c.study_id
    )
    statement = select(attributes.c.value_json).select_from(joined)
    return _read(storage, statement.where(studies.c.study_name == study, _is_attachment(attributes.c.key)))


def _identifier(storage: Storage, *, study: str, name: str) -> str:
    """An id for a study's file, always the same: what a killed run has written and not registered is found again."""
    attributes = storage.optuna.get_study_user_attrs(storage.optuna.get_study_id_from_name(study))
    folder = study_folder(attributes.get(ARTIFACTS_ATTRIBUTE), study=study)
    return str(uuid5(NAMESPACE_URL, f"{folder or study}/{name}"))


def _is_attachment(key: ColumnElement[Any]) -> ColumnElement[bool]:
    return key.startswith(_KEY)


def _read(storage: Storage, statement: Select[Any]) -> list[Attachment]:
    values = storage.transact(lambda connection: connection.scalars(statement).all())
    return [one for value in values for one in _parsed(value)]


def _parsed(value: str) -> Iterator[Attachment]:
    """The registration in a system attribute; none where the dashboard has removed it, or where it is no file of ours.

    The id names a file to be removed, so whatever does not look like Optuna's is left alone.
    """
    try:
        registration = json.loads(json.loads(value))
    except (TypeError, ValueError, RecursionError):
        return
    found = registration if isinstance(registration, dict) else {}
    identifier, name = found.get("artifact_id"), found.get("filename")
    if isinstance(identifier, str) and isinstance(name, str) and _IDENTIFIER.fullmatch(identifier):
        yield Attachment(identifier, name, _MADE_BY in found)
