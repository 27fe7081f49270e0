"""A user's own architecture on its way to machines that lack its files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from hpstudy.architectures.sources import architecture_files

Sources = Mapping[str, bytes]
"""What files hold, by their paths from the study's folder."""


def pack_sources(architecture: str, *, folder: Path) -> Sources:
    """The files of a user's architecture that lie in the study's folder.

    What is installed, or lies elsewhere, must be there on every machine; so must what the code reads as it runs.

    Args:
        architecture: A name as in the study file. A dotted one's module must have been imported.
        folder: The study's, absolute.
    """
    files = [file.resolve() for file in architecture_files(architecture, folder=folder).values()]
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in files if file.is_relative_to(folder)}


def unpack_sources(sources: Sources, *, theirs: Path, own: Path) -> Path:
    """Where the files are found on this machine.

    Args:
        sources: What `pack_sources` gave.
        theirs: The folder that they come from; it is taken where this machine has the same files there.
        own: Where else they are written.

    Returns:
        One of the two folders.
    """
    if all((theirs / name).is_file() and (theirs / name).read_bytes() == text for name, text in sources.items()):
        return theirs
    for name, text in sources.items():
        file = own / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text)
    return own
