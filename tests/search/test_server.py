"""The connector: how long a server that has gone is waited for."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from types import SimpleNamespace

import pytest

from hpstudy.search.server import _Connector


class GoneError(Exception):
    """The driver's error where there is no server."""


class Server:
    """A dialect whose server can be taken away, and the engine that has it."""

    def __init__(self) -> None:
        self.is_there, self.n_tries, self.url = True, 0, ""
        self.loaded_dbapi = SimpleNamespace(OperationalError=GoneError)
        self.dialect = self

    def create_connect_args(self, _url: str) -> tuple[list[str], dict[str, str]]:
        return [], {}

    def connect(self) -> str:
        self.n_tries += 1
        if not self.is_there:
            raise GoneError
        return "a connection"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    """Time goes by a second a try."""
    server = Server()
    monkeypatch.setattr(time, "monotonic", lambda: float(server.n_tries))
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)
    return server


def test_a_server_that_is_away_for_longer_is_waited_for_again_once_it_was_there(server: Server) -> None:
    connector = _Connector(server)
    connector.patience_seconds = 60.0
    server.is_there = False
    with pytest.raises(GoneError):
        connector.connect()
    assert server.n_tries == 60
    with pytest.raises(GoneError):  # the run is about to end: it does not wait a second time
        connector.connect()
    assert server.n_tries == 61
    beat = threading.Thread(target=suppressed, args=(connector,))  # another thread waits for itself
    beat.start()
    beat.join()
    assert server.n_tries == 61 + 60
    server.is_there = True
    assert connector.connect() == "a connection"
    server.is_there = False
    with pytest.raises(GoneError):
        connector.connect()
    assert server.n_tries == 61 + 60 + 1 + 60


def suppressed(connector: _Connector) -> None:
    with suppress(GoneError):
        connector.connect()
