"""optuna-dashboard on a storage and its artifacts, in this process."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import optuna_dashboard
from optuna.artifacts import FileSystemArtifactStore

from hpstudy.database import file_of, open_to_read
from hpstudy.errors import ArtifactError, InputError, StorageError
from hpstudy.search.interruption import Interruption
from hpstudy.search.storage import open_storage

if TYPE_CHECKING:  # a module of type checkers alone
    from _typeshed.wsgi import WSGIApplication

HOST = "127.0.0.1"
"""The dashboard asks nobody who they are and can delete studies: this machine alone."""


def serve_dashboard(url: str, *, artifacts: Path, port: int, announce: Callable[[str], None]) -> None:
    """Serves optuna-dashboard until Ctrl-C or SIGTERM, either of which is its proper end.

    The storage may be in use by a runner. The folder of a SQLite file has to be writable: the dashboard edits
    notes, and readers of a write-ahead log share an index file beside it.

    Args:
        url: The storage.
        artifacts: The artifacts folder; made where there is none, for files that are uploaded in the dashboard.
        port: Where it listens; 0 takes a free port.
        announce: Called once with the address, when the dashboard can be opened.

    Raises:
        InputError: The URL cannot be used, or the port is taken or reserved.
        StorageError: There is no storage, it cannot be used, or its folder cannot be written to.
        ArtifactError: The artifacts folder cannot be made.
    """
    with open_to_read(url):
        pass  # opening it to write would make one where there is none
    database = file_of(url)
    folder = database.parent if database else None
    if folder and not os.access(folder, os.W_OK):
        raise StorageError(
            f"{folder}: cannot be written to, which optuna-dashboard needs; copy the storage to a folder of yours, or "
            "use `hpstudy show` and `hpstudy report`, which only read"
        )
    with open_storage(url) as storage:
        _make(artifacts)
        application = optuna_dashboard.wsgi(storage.optuna, FileSystemArtifactStore(artifacts))
        with _listening(application, port) as server, Interruption(announce=lambda _: server.shutdown()):
            announce(f"http://{HOST}:{server.server_port}/")
            server.serve_forever(poll_interval=0.1)


def _make(artifacts: Path) -> None:
    try:
        artifacts.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ArtifactError(f"{artifacts}: cannot be made ({error.strerror}); choose another --artifacts") from error


class _ThreadingServer(ThreadingMixIn, WSGIServer):
    """A request a thread: a slow one, such as the importances of many trials, does not hold the others up."""

    daemon_threads = True


class _QuietRequestHandler(WSGIRequestHandler):
    """Without a line in the terminal for each request."""

    def log_message(self, *_: object) -> None:
        pass


def _listening(application: WSGIApplication, port: int) -> WSGIServer:
    try:
        return make_server(HOST, port, application, server_class=_ThreadingServer, handler_class=_QuietRequestHandler)
    except OSError as error:
        fact = (
            "is taken by another program" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
        )
        raise InputError(f"--port: {port} {fact}; choose another, or 0 for a free one") from error
