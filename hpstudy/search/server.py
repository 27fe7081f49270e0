"""A PostgreSQL server as a study storage: several runners open it, and one at a time changes what they share."""

from __future__ import annotations

import hashlib
import threading
import time
from typing import Any

from sqlalchemy import Connection, func, select, text

from hpstudy.database import server_connections, server_engine
from hpstudy.search.optuna_storage import PatientStorage
from hpstudy.search.patience import Patience
from hpstudy.tables import LEASE_SECONDS, METADATA, SERVER_METADATA

_PATIENCE_SECONDS = 60.0
"""How long a runner waits for a server that has gone, as while it is started again."""

_SILENT_SECONDS = 600.0
"""How long it tries to reach one that takes no notice, neither connecting nor refusing: a machine that is frozen."""

_RETRY_SECONDS = 1.0

_TABLES = ""
"""What is locked while tables are made; no study has this name."""


def open_server(url: str, patience: Patience) -> PatientStorage:
    """Opens Optuna's storage on a server, and makes its tables and hpstudy's where there are none.

    Raises:
        InputError: The URL cannot be used.
        StorageError: The driver is not installed.
        SQLAlchemyError: The server cannot be reached, refuses, or fails.
        RuntimeError: The tables are those of another version of Optuna.
    """
    engine = server_engine(url)
    try:
        # Several runners that make the tables at once fail in each other's way.
        with engine.begin() as connection:
            lock(connection, _TABLES)
            storage = PatientStorage(ServerConnector(url), patience=patience)
            METADATA.create_all(storage.engine)
            SERVER_METADATA.create_all(storage.engine)
    finally:
        engine.dispose()
    return storage


def lock(connection: Connection, study: str) -> None:
    """Waits until nobody else has a study locked, and locks it until the transaction of `connection` ends.

    The server ends the transaction itself when the process or its connection ends, or when it hears nothing for as long
    as makes a run count as dead: a machine that freezes here does not hold the others up for ever.
    """
    connection.execute(text(f"SET LOCAL idle_in_transaction_session_timeout = '{LEASE_SECONDS:.0f}s'"))
    key = int.from_bytes(hashlib.sha256(f"hpstudy {study}".encode()).digest()[:8], signed=True)
    connection.execute(select(func.pg_advisory_xact_lock(key)))


class ServerConnector:
    """Connects to a server; once a storage is open there, it waits for a server that has gone.

    Attributes:
        url: Of no server: who has it, as SQLAlchemy and Optuna, learns no password.
        pings: A server may end connections at any time.
    """

    url = "postgresql+psycopg://"
    pings = True

    def __init__(self, url: str) -> None:
        """Connects to nothing yet.

        Args:
            url: Of the server.

        Raises:
            InputError: The URL cannot be used.
            StorageError: The driver is not installed.
        """
        self._url = url
        self._connect_once = server_connections(url)
        self._is_patient = False
        self._given_up = threading.local()  # the thread that renews the lease gives up for itself alone

    def __reduce__(self) -> tuple[type[ServerConnector], tuple[str]]:
        return ServerConnector, (self._url,)

    def opened(self) -> None:
        """From here on a server that has gone is waited for."""
        self._is_patient = True

    def connect(self) -> Any:  # noqa: ANN401  # whatever the driver calls a connection
        """A connection of psycopg's.

        Raises:
            OperationalError: psycopg's own; there is no server. Until there is one again nothing is waited for: the
                run is about to end, and what it has still to say would only wait once more.
        """
        import psycopg  # noqa: PLC0415  # an extra

        began = time.monotonic()
        is_patient = self._is_patient and not getattr(self._given_up, "is_so", False)
        while True:
            try:
                connection = self._connect_once()
            except psycopg.OperationalError as error:
                is_silent = isinstance(error, psycopg.errors.ConnectionTimeout)
                limit = _SILENT_SECONDS if is_silent else _PATIENCE_SECONDS
                if not is_patient or time.monotonic() - began >= limit:
                    self._given_up.is_so = True
                    raise
            else:
                self._given_up.is_so = False
                return connection
            time.sleep(_RETRY_SECONDS)
