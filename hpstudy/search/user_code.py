"""The text of a user's networks: the same from a run's beginning to its end."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from hpstudy.architectures.sources import architecture_sources
from hpstudy.errors import InputError
from hpstudy.search.subject import Subject
from hpstudy.spec.identity import short_sum


@dataclass(frozen=True)
class UserCode:
    """What a run trains that is not hpstudy's.

    Attributes:
        study: The study's name.
        folder: Where its file and the user's lie.
        sums: By architecture the checksums of its files, as they were when the run began.
    """

    study: str
    folder: Path
    sums: Mapping[str, Mapping[str, str]]

    def require_unchanged(self, architecture: str) -> None:
        """To be asked before each training, which reads the files again.

        Raises:
            InputError: A file has been changed since the run began: what follows would be another network.
        """
        known = self.sums.get(architecture, {})
        if not known:
            return
        now = source_sums([architecture], self.folder)
        names = {name for name in known.keys() | now.keys() if known.get(name) != now.get(name)}
        if not names:
            return
        require_there(self.study, names, folder=self.folder)
        changed = ", ".join(sorted(_file(name) for name in names))
        raise InputError(
            f"{self.study}: {changed} was changed while the study ran; undo the change and go on with "
            "the same command, or begin another study with --name"
        )


def require_there(study: str, sources: Iterable[str], *, folder: Path) -> None:
    """Refuses files of the user's networks that are gone: a folder that was moved is no changed network.

    Args:
        study: The study's name.
        sources: The files as `architecture_sources` names them; dotted modules are left out.
        folder: Where they lay.

    Raises:
        InputError: One of them is not there any more.
    """
    files = sorted({_file(name) for name in sources})
    gone = [file for file in files if file.endswith(".py") and not (folder / file).exists()]
    if gone:
        raise InputError(
            f"{study}: {', '.join(gone)} is not in {folder} any more, where the study was run; put it back and go on "
            "with the same command, or `hpstudy run` the study file where it is now"
        )


def _file(source: str) -> str:
    """`nets.py` of `nets.py:Net`."""
    return source.partition(":")[0]


def read_user_code(subject: Subject, *, also: Iterable[str] = ()) -> UserCode:
    """The files of all architectures that a study may train, as they are now.

    Args:
        subject: The study.
        also: Further architectures: those of baselines that its file has no more, and that are confirmed.
    """
    sums = {name: source_sums([name], subject.folder) for name in {*subject.architectures, *also}}
    return UserCode(subject.name, subject.folder, sums)


def source_sums(architectures: Iterable[str], folder: Path) -> dict[str, str]:
    """The checksum of each of the user's files that some architectures consist of, by their names."""
    sources = architecture_sources(architectures, folder=folder)
    return {name: short_sum(hashlib.sha256(text.encode()).hexdigest()) for name, text in sources.items()}
