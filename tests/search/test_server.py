"""The connector: how long a server that has gone is waited for."""

from __future__ import annotations

import pickle
import threading
import time
from contextlib import suppress

import pytest

psycopg = pytest.importorskip("psycopg", reason="no driver of PostgreSQL")

from hpstudy.search.server import ServerConnector  # noqa: E402

URL = "postgresql+psycopg://me:s3cret@h/db"


class Server:
    """A server that can be taken away."""

    def __init__(self) -> None:
        self.gone: type[Exception] | None = None
        self.n_tries = 0

    def connect(self) -> str:
        self.n_tries += 1
        if self.gone:
            raise self.gone
        return "a connection"

    def connector(self) -> ServerConnector:
        connector = ServerConnector(URL)
        connector._connect_once = self.connect
        connector.opened()
        return connector


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    """Time goes by a second a try."""
    server = Server()
    monkeypatch.setattr(time, "monotonic", lambda: float(server.n_tries))
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)
    return server


def test_a_server_that_is_away_for_longer_is_waited_for_again_once_it_was_there(server: Server) -> None:
    connector = server.connector()
    server.gone = psycopg.OperationalError
    with pytest.raises(psycopg.OperationalError):
        connector.connect()
    assert server.n_tries == 60
    with pytest.raises(psycopg.OperationalError):  # the run is about to end: it does not wait a second time
        connector.connect()
    assert server.n_tries == 61
    beat = threading.Thread(target=suppressed, args=(connector,))  # another thread waits for itself
    beat.start()
    beat.join()
    assert server.n_tries == 61 + 60
    server.gone = None
    assert connector.connect() == "a connection"
    server.gone = psycopg.OperationalError
    with pytest.raises(psycopg.OperationalError):
        connector.connect()
    assert server.n_tries == 61 + 60 + 1 + 60


def test_a_server_that_takes_no_notice_is_waited_for_longer(server: Server) -> None:
    connector = server.connector()
    server.gone = psycopg.errors.ConnectionTimeout
    with pytest.raises(psycopg.errors.ConnectionTimeout):
        connector.connect()
    assert server.n_tries == 600


def test_a_connector_can_be_pickled() -> None:
    server = Server()
    connector = pickle.loads(pickle.dumps(ServerConnector(URL)))
    assert connector._connect_once.keywords["password"] == "s3cret"
    assert not connector._is_patient
    server.gone = psycopg.OperationalError
    connector._connect_once = server.connect
    with pytest.raises(psycopg.OperationalError):  # no storage is open there yet
        connector.connect()
    assert server.n_tries == 1


def suppressed(connector: ServerConnector) -> None:
    with suppress(psycopg.OperationalError):
        connector.connect()
