"""A PostgreSQL server as a study storage: several runners open it, and one at a time changes what they share."""

from __future__ import annotations

import hashlib
import threading
import time
from typing import Any

from optuna.storages import RDBStorage
from sqlalchemy import Connection, Engine, func, select, text

from hpstudy.database import server_engine
from hpstudy.tables import LEASE_SECONDS, METADATA, SERVER_METADATA

_PATIENCE_SECONDS = 60.0
"""How long a runner waits for a server that has gone, as while it is started again."""

_RETRY_SECONDS = 1.0

_TABLES = ""
"""What is locked while tables are made; no study has this name."""


def open_server(url: str) -> RDBStorage:
    """Opens Optuna's storage on a server, and makes its tables and hpstudy's where there are none.

    Raises:
        InputError: The URL cannot be used.
        StorageError: The driver is not installed.
        SQLAlchemyError: The server cannot be reached, refuses, or fails.
        RuntimeError: The tables are those of another version of Optuna.
    """
    engine = server_engine(url)
    connector = _Connector(engine)
    try:
        # Several runners that make the tables at once fail in each other's way.
        with engine.begin() as connection:
            lock(connection, _TABLES)
            # The connector knows the address; the URL with its password is not given to anybody else.
            storage = RDBStorage("postgresql+psycopg://", {"creator": connector.connect, "pool_pre_ping": True})
            METADATA.create_all(storage.engine)
            SERVER_METADATA.create_all(storage.engine)
    finally:
        engine.dispose()
    connector.patience_seconds = _PATIENCE_SECONDS
    return storage


def lock(connection: Connection, study: str) -> None:
    """Waits until nobody else has a study locked, and locks it until the transaction of `connection` ends.

    The server ends the transaction itself when the process or its connection ends, or when it hears nothing for as long
    as makes a run count as dead: a machine that freezes here does not hold the others up for ever.
    """
    connection.execute(text(f"SET LOCAL idle_in_transaction_session_timeout = '{LEASE_SECONDS:.0f}s'"))
    key = int.from_bytes(hashlib.sha256(f"hpstudy {study}".encode()).digest()[:8], signed=True)
    connection.execute(select(func.pg_advisory_xact_lock(key)))


class _Connector:
    """Connects to a server; once that has worked, it waits for a server that has gone.

    Attributes:
        patience_seconds: How long it waits.
    """

    def __init__(self, engine: Engine) -> None:
        self._dialect = engine.dialect
        self._arguments, self._parameters = engine.dialect.create_connect_args(engine.url)
        self.patience_seconds = 0.0
        self._given_up = threading.local()  # the thread that renews the lease gives up for itself alone

    def connect(self) -> Any:  # noqa: ANN401  # whatever the driver calls a connection
        """A connection of the driver's.

        Raises:
            OperationalError: The driver's own; there is no server. Until there is one again nothing is waited for: the
                run is about to end, and what it has still to say would only wait once more.
        """
        until = time.monotonic() + (0.0 if getattr(self._given_up, "is_so", False) else self.patience_seconds)
        while True:
            try:
                connection = self._dialect.connect(*self._arguments, **self._parameters)
            except self._dialect.loaded_dbapi.OperationalError:
                if time.monotonic() >= until:
                    self._given_up.is_so = True
                    raise
            else:
                self._given_up.is_so = False
                return connection
            time.sleep(_RETRY_SECONDS)
