"""Django's PostgreSQL backend, whose kept connections are mostly looked at without asking the server."""

import select
import time

from django.db.backends.postgresql import base

IDLE = 30  # seconds after which a firewall on the way may have dropped a connection, which no socket shows


class DatabaseWrapper(base.DatabaseWrapper):
    used = 0.0

    def is_usable(self) -> bool:
        """A server that hung up is seen at the socket: `SELECT 1` costs every request a way to it and back."""
        before, self.used = self.used, time.monotonic()
        if self.connection is None or self.connection.closed or self.used - before > IDLE:
            return super().is_usable()
        watched = select.poll()
        watched.register(self.connection.fileno(), select.POLLIN)
        return not watched.poll(0)  # between requests the server has nothing to say but that it ends
