"""Django's PostgreSQL backend, whose kept connections are mostly looked at without asking the server."""

import select
import time
from datetime import UTC, datetime
from typing import Any

from django.db.backends.postgresql import base
from psycopg.adapt import Buffer, Loader
from psycopg.errors import DataError

IDLE = 30  # seconds after which a firewall on the way may have dropped a connection, which no socket shows


class Moment(Loader):
    """A moment of a session in UTC. Django's loader reads it and then changes its zone, in three times the time."""

    timezone = UTC  # Django compares it with the zone in force and takes a loader of its own where they differ

    def load(self, data: Buffer) -> datetime:
        try:
            return datetime.fromisoformat(str(data, "ascii"))
        except ValueError as error:
            raise DataError(f"no moment that Python can hold: {bytes(data)!r}") from error


class DatabaseWrapper(base.DatabaseWrapper):
    used = 0.0

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        connection = super().get_new_connection(conn_params)
        if self.timezone is UTC:
            connection.adapters.register_loader("timestamptz", Moment)
        return connection

    def is_usable(self) -> bool:
        """A server that hung up is seen at the socket: `SELECT 1` costs every request a way to it and back."""
        before, self.used = self.used, time.monotonic()
        if self.connection is None or self.connection.closed or self.used - before > IDLE:
            return super().is_usable()
        watched = select.poll()
        watched.register(self.connection.fileno(), select.POLLIN)
        return not watched.poll(0)  # between requests the server has nothing to say but that it ends
