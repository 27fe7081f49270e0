"""What a study shows in optuna-dashboard beside its trials: a note, and pictures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import optuna
from optuna.study import Study
from optuna_dashboard import get_note, save_note

from hpstudy.errors import InputError
from hpstudy.search.attachments import attach, detach, study_attachments
from hpstudy.search.storage import Storage, open_storage

BOUNDARY = "*hpstudy wrote this and will replace it; what you write below this line stays.*"
"""The line that ends hpstudy's part of a note, and says so."""


def publish(url: str, *, study: str, note: str, pictures: Mapping[str, bytes], artifacts: Path) -> None:
    """Shows a note and pictures with a study in optuna-dashboard, in place of those that an earlier call has left.

    Called again with the same, it changes nothing. What people have written below hpstudy's part of the note stays,
    and so do their own files. Others may read the storage and the pictures meanwhile.

    Args:
        url: The storage.
        study: The study's name.
        note: Markdown, in which the strings of users are escaped.
        pictures: Name, without `.png`, to PNG picture. These are all: one that was published and is not among them is
            removed.
        artifacts: The artifacts folder; made where there is none.

    Raises:
        InputError: The URL cannot be used, or the storage has no such study.
        StorageError: The storage cannot be used.
        ArtifactError: A picture cannot be written or removed.
    """
    files = {f"{name}.png": picture for name, picture in pictures.items()}
    with open_storage(url) as storage:
        storage.exclusive(study, lambda: _show(storage, study, note=note, files=files, artifacts=artifacts))


def _show(storage: Storage, study: str, *, note: str, files: Mapping[str, bytes], artifacts: Path) -> None:
    try:
        shown = optuna.load_study(study_name=study, storage=storage.optuna)
    except KeyError:
        raise InputError(f"{study}: the storage has no such study; `hpstudy list` shows those it has") from None
    _replace_note(shown, note)
    for name, picture in files.items():
        attach(storage, study=study, name=name, content=picture, folder=artifacts)
    for attachment in study_attachments(storage, study):
        # Another machine may show what it has in an artifacts folder of its own.
        is_here = (artifacts / attachment.identifier).is_file()
        if attachment.ours and attachment.name not in files and is_here:
            detach(storage, study=study, attachment=attachment, folder=artifacts)


def _replace_note(study: Study, note: str) -> None:
    known: str = get_note(study)
    _, _, theirs = known.rpartition(BOUNDARY)  # without a boundary it is all theirs
    whole = "\n\n".join(part for part in (note.strip(), BOUNDARY, theirs.strip()) if part) + "\n"
    if whole != known:
        save_note(study, whole)
