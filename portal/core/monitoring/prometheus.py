"""What Prometheus reads: the counters of all processes of this machine, and states asked at that moment."""

import contextlib
import logging
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from django.conf import settings
from django.db import DatabaseError, connection

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

logger = logging.getLogger(__name__)


class Gauge(NamedTuple):
    """A state at this moment: `rows` are values by labels."""

    name: str
    help: str
    labels: tuple[str, ...]
    rows: Sequence[tuple[tuple[str, ...], float]]


_asked: list[Callable[[], Iterable[Gauge]]] = []
_sockets: list[Any] = []


def register(ask: Callable[[], Iterable[Gauge]]) -> None:
    """`ask` is called at each reading; a database that does not answer costs its gauges alone."""
    if ask not in _asked:
        _asked.append(ask)


def socket_opened(change: int) -> None:
    """One socket more (1) or less (-1) in this process."""
    if not _sockets:  # in the event loop alone
        from portal.core.monitoring.shared import Gauge as Shared

        _sockets.append(Shared("marsad_sockets", "Open WebSockets", multiprocess_mode="livesum"))
    _sockets[0].inc(change)


def text() -> bytes:
    """The exposition format 0.0.4."""
    from prometheus_client import CollectorRegistry, generate_latest
    from prometheus_client.multiprocess import MultiProcessCollector

    registry = CollectorRegistry()
    _forget_the_dead(settings.METRICS_DIR)
    MultiProcessCollector(registry, path=str(settings.METRICS_DIR))  # type: ignore[no-untyped-call]
    registry.register(_Asked())
    return generate_latest(registry)


class _Asked:
    def collect(self) -> Iterator[Any]:
        from prometheus_client.core import GaugeMetricFamily

        for ask in _asked:
            try:
                gauges = list(ask())
            except DatabaseError as error:
                logger.warning("metrics: %s", str(error).partition("\n")[0])
                continue
            for gauge in gauges:
                family = GaugeMetricFamily(f"marsad_{gauge.name}", gauge.help, labels=gauge.labels)
                for labels, value in gauge.rows:
                    family.add_metric(labels, value)
                yield family


def _forget_the_dead(folder: Path) -> None:
    """Sockets of a process that was killed are closed; what it counted still counts."""
    for path in folder.glob("gauge_live*_*.db"):
        try:
            os.kill(int(path.stem.rpartition("_")[2]), 0)
        except ProcessLookupError:
            path.unlink(missing_ok=True)
        except PermissionError:
            continue


def start_afresh(folder: Path) -> None:
    """Before the processes start: counters of the last run are of no use to anybody, since a fall tells a restart."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("*.db"):
        with contextlib.suppress(FileNotFoundError):
            path.unlink()


def database() -> list[Gauge]:
    """Connections of this database by state, the server's limit, and how far its replicas are behind in bytes."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(state, 'other'), count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " GROUP BY 1"
        )
        states = [((state,), float(count)) for state, count in cursor.fetchall()]
        cursor.execute("SELECT current_setting('max_connections')::int, pg_database_size(current_database())")
        limit, size = cursor.fetchone()
        cursor.execute(
            "SELECT application_name, pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn) FROM pg_stat_replication"
            " WHERE replay_lsn IS NOT NULL AND NOT pg_is_in_recovery()"
        )
        replicas = [((str(name),), float(lag)) for name, lag in cursor.fetchall()]
    return [
        Gauge("database_connections", "Connections of the database", ("state",), states),
        Gauge("database_connections_limit", "Connections that the server allows", (), [((), float(limit))]),
        Gauge("database_bytes", "Size of the database", (), [((), float(size))]),
        Gauge("database_replica_lag_bytes", "Changes that a replica has not replayed", ("replica",), replicas),
    ]


register(database)
