"""Files that others may have put there, opened only where they are files: no pipe that waits, no device without end."""

from __future__ import annotations

import errno
import os
import stat
from io import BufferedReader
from pathlib import Path

_KINDS = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}

_NONBLOCKING = getattr(os, "O_NONBLOCK", 0)
_BINARY = getattr(os, "O_BINARY", 0)  # Windows would change the ends of lines


def open_regular(path: Path, *, most_bytes: int | None = None) -> BufferedReader:
    """A regular file, open to read; links are followed.

    Its kind is looked up before it is opened, since to open a device may do something, and again afterwards, since
    another may be there by then. In no case does it wait.

    Args:
        path: The file.
        most_bytes: How large it may be; None for any size.

    Raises:
        OSError: There is none, it may not be read, it is something else than a file, or it is larger. `strerror` says
            which, as a clause.
    """
    _require_regular(os.stat(path), path, most_bytes=most_bytes)  # noqa: PTH116  # what Path.stat gives, as below
    descriptor = os.open(path, os.O_RDONLY | _NONBLOCKING | _BINARY)
    try:
        _require_regular(os.fstat(descriptor), path, most_bytes=most_bytes)
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def read_regular(path: Path, *, most_bytes: int | None = None) -> bytes:
    """The bytes of a regular file; arguments and errors as for `open_regular`."""
    with open_regular(path, most_bytes=most_bytes) as file:
        return file.read()


def _require_regular(found: os.stat_result, path: Path, *, most_bytes: int | None) -> None:
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(found.st_mode):
        kind = _KINDS.get(stat.S_IFMT(found.st_mode), "something else")
        raise OSError(errno.EINVAL, f"it is {kind}, not a file", str(path))
    if most_bytes is not None and found.st_size > most_bytes:
        raise OSError(errno.EFBIG, f"it has {found.st_size:,} bytes, and may have {most_bytes:,}", str(path))
