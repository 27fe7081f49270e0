"""A connection to a PostgreSQL server that a signal can end."""

from __future__ import annotations

from typing import Any, TypeVar

import psycopg
from psycopg import waiting
from psycopg.abc import PQGen

_Result = TypeVar("_Result")

_LOOK_SECONDS = 0.1
"""So often psycopg looks whether a signal has come while it waits for the server."""


class ServerConnection(psycopg.Connection[Any]):
    """psycopg's connection, but for a KeyboardInterrupt while it waits.

    psycopg then asks the server to cancel the statement, and waits for an answer, twice five seconds long. A server
    that is frozen gives none, and a run that was told to stop at once does not want one: the connection is closed.
    """

    def wait(self, gen: PQGen[_Result], interval: float = _LOOK_SECONDS, timeout: float | None = None) -> _Result:
        """What a generator of psycopg's gives once the server has answered.

        Args:
            gen: Sends a statement, and takes the answer.
            interval: Seconds between two looks for a signal.
            timeout: As psycopg's.
        """
        limit = {} if timeout is None else {"timeout": timeout}  # psycopg 3.2 knows none
        try:
            return waiting.wait(gen, self.pgconn.socket, interval=interval, **limit)
        except KeyboardInterrupt:
            self.pgconn.finish()
            raise
