"""optuna-dashboard on a storage and its artifacts, in this process."""

from __future__ import annotations

import errno
import io
import logging
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import optuna_dashboard
from optuna.artifacts import FileSystemArtifactStore

from hpstudy.database import file_of, open_to_read
from hpstudy.errors import ArtifactError, InputError, StorageError
from hpstudy.search.dashboard_access import own_pages_alone
from hpstudy.search.interruption import Interruption
from hpstudy.search.storage import open_storage

if TYPE_CHECKING:  # a module of type checkers alone
    from _typeshed.wsgi import WSGIApplication

HOST = "127.0.0.1"
"""The dashboard asks nobody who they are and can delete studies: this machine alone."""

_LONGEST_FACT = 200
_MOST_FACTS = 20  # who sees these knows that something is wrong

Say = Callable[[str], None]


def serve_dashboard(url: str, *, artifacts: Path, port: int, announce: Say, warn: Say) -> None:
    """Serves optuna-dashboard until Ctrl-C, SIGTERM or SIGHUP, each of which is its proper end.

    The storage may be in use by a runner. The folder of a SQLite file has to be writable: the dashboard edits
    notes, and readers of a write-ahead log share an index file beside it.

    Args:
        url: The storage.
        artifacts: The artifacts folder; made where there is none, for files that are uploaded in the dashboard.
        port: Where it listens; 0 takes a free port.
        announce: Called once with the address, when the dashboard can be opened.
        warn: Called with a line, from any thread, for each different fault that a request has met in the dashboard; the
            server goes on.

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
        with (
            _listening(own_pages_alone(application), port, warn=_once(warn)) as server,
            Interruption(announce=lambda _: server.shutdown()),
        ):
            announce(f"http://{HOST}:{server.server_port}/")
            server.serve_forever(poll_interval=0.1)


def _make(artifacts: Path) -> None:
    try:
        artifacts.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ArtifactError(f"{artifacts}: cannot be made ({error.strerror}); choose another --artifacts") from error


class _Server(ThreadingMixIn, WSGIServer):
    """A request a thread: a slow one, such as the importances of many trials, does not hold the others up."""

    daemon_threads = True
    warn: Say

    def handle_error(self, *_: object) -> None:
        """Nothing: clients that break a connection, or send no HTTP, are no fault of the dashboard's."""


class _RequestHandler(WSGIRequestHandler):
    """Without a line in the terminal for each request; of a traceback the last line, which says what was wrong."""

    server: _Server

    def log_message(self, *_: object) -> None:
        pass

    def handle(self) -> None:
        self._errors = io.StringIO()
        super().handle()
        if written := self._errors.getvalue().strip():
            self.server.warn(written.splitlines()[-1])

    def get_stderr(self) -> io.StringIO:
        return self._errors


class _Faults(logging.Handler):
    """Of what the dashboard logs the first line: a traceback follows it. A client that is gone is no fault."""

    def __init__(self, warn: Say) -> None:
        super().__init__(level=logging.ERROR)
        self._warn = warn

    def emit(self, record: logging.LogRecord) -> None:
        if isinstance(sys.exc_info()[1], ConnectionError):
            return
        self._warn(record.getMessage().partition("\n")[0].removeprefix("Exception: "))


def _once(warn: Say) -> Say:
    """Says of each different fact one line: an open page asks again every few seconds."""
    known: set[str] = set()

    def say(fact: str) -> None:
        short = " ".join(fact.split())[:_LONGEST_FACT]
        if short not in known and len(known) < _MOST_FACTS:
            known.add(short)
            warn(f"optuna-dashboard could not answer a request: {short}")

    return say


@contextmanager
def _listening(application: WSGIApplication, port: int, *, warn: Say) -> Iterator[WSGIServer]:
    """The server, not serving yet; while the body runs nothing but `warn` tells of the dashboard's faults."""
    try:
        server = make_server(HOST, port, application, server_class=_Server, handler_class=_RequestHandler)
    except OSError as error:
        fact = (
            "is taken by another program" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
        )
        raise InputError(f"--port: {port} {fact}; choose another, or 0 for a free one") from error
    server.warn = warn
    log, faults = logging.getLogger("optuna_dashboard"), _Faults(warn)
    log.propagate = False
    log.addHandler(faults)
    try:
        with server, warnings.catch_warnings(action="ignore"):
            yield server
    finally:
        log.removeHandler(faults)
        log.propagate = True
