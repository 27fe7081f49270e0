"""`hpstudy predict` on each folder of a list, in a process that may take little more memory than it has after one."""

from __future__ import annotations

import contextlib
import io
import json
import resource
import sys
from pathlib import Path

from hpstudy.main import main

ROOM_BYTES = 400_000_000


def code_of(words: list[str]) -> tuple[int, str]:
    """Exit code and errors of a command."""
    sys.argv = ["hpstudy", *words]
    errors = io.StringIO()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(errors):
        try:
            main()
        except SystemExit as end:
            return int(end.code or 0), errors.getvalue()
        except BaseException as error:  # noqa: BLE001  # what would be a traceback
            return -1, repr(error)
    return 0, errors.getvalue()


def limit_memory() -> None:
    """From now on no more than some room."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    most = pages * resource.getpagesize() + ROOM_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def run(cases: dict[str, list[str]]) -> dict[str, tuple[int, str]]:
    """The first case twice: before the limit, so that torch and its threads are there, and after."""
    code_of(next(iter(cases.values())))
    limit_memory()
    return {name: code_of(words) for name, words in cases.items()}


if __name__ == "__main__":
    print(json.dumps(run(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))))
