"""What happens, counted: for Prometheus in files that processes share, for the page in a table of minutes.

`counted("geo_denials", rule="outside_area")` costs a few microseconds and never touches the database: each process
writes its sums every few seconds. Labels are words of a small, known set (routes as templates, codes, states), never
ids or what people type.
"""

import atexit
import contextlib
import logging
import threading
import time
from bisect import bisect_left
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import orjson
from django.conf import settings
from django.db import DatabaseError, close_old_connections, connection

BOUNDS: Final = (1, 2, 5, 10, 20, 35, 50, 75, 100, 150, 250, 500, 1000, 2500, 5000, 10_000)  # milliseconds
MOST_ROWS: Final = 20_000  # kept while the database is away; what comes on top is left out of the page
Key = tuple[int, str, tuple[str, ...]]  # minute since 1970, kind, labels

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Kind:
    """Something that is counted; `timed` ones have a duration, too."""

    help: str
    labels: tuple[str, ...]
    timed: bool = False


KINDS: Final = {
    "requests": Kind("Requests by route template", ("surface", "method", "route", "status"), timed=True),
    "errors": Kind("Refusals and failures by error code", ("surface", "code")),
    "logins": Kind("Sign-ins by outcome: success, or the reason of the refusal", ("surface", "outcome")),
    "devices": Kind("Devices registered", ("surface",)),
    "sync_items": Kind("Synchronised records by outcome", ("operation", "outcome")),
    "uploads": Kind("Uploads of files by outcome: stored, or the error code", ("surface", "outcome")),
    "geo_denials": Kind("Refused for the place: geographic access violations", ("rule",)),
    "security_events": Kind("Security events", ("type", "severity")),
    "jobs": Kind("Background jobs", ("task", "state"), timed=True),
    "deliveries": Kind("Deliveries of notifications settled", ("channel", "state")),
}

_lock, _making = threading.Lock(), threading.Lock()
_metrics: dict[str, Any] = {}
_rows: dict[Key, list[Any]] = {}
_writer: threading.Thread | None = None
_stop = threading.Event()


def counted(kind: str, n: int = 1, /, *, ms: float | None = None, **labels: str) -> None:
    """Count `n` of `kind` (one of KINDS, with exactly its labels); `ms` is the duration of a timed one."""
    global _writer  # noqa: PLW0603  started with the first count, so that a process which counts nothing has none
    what = KINDS[kind]
    if labels.keys() != set(what.labels) or what.timed != (ms is not None):
        raise ValueError(f"{kind} is counted with {what.labels}{' and ms' if what.timed else ''}, not {labels}")
    values = tuple(labels[name] for name in what.labels)
    shared = _shared(kind, values)
    if ms is None:
        shared.inc(n)
    else:
        shared.observe(ms / 1000)
    key = (int(time.time() // 60), kind, values)
    with _lock:
        row = _rows.get(key)
        if row is None:
            if len(_rows) >= MOST_ROWS:
                return
            row = _rows[key] = [0, 0.0, [0] * (len(BOUNDS) + 1) if what.timed else None]
        row[0] += n
        if ms is not None:
            row[1] += ms
            row[2][bisect_left(BOUNDS, ms)] += 1
        if _writer is None and settings.METRICS_SECONDS:
            _writer = threading.Thread(target=_write_on, name="metrics", daemon=True)
            _writer.start()


def metric(kind: str) -> Any:
    """Prometheus' own counter; its library decides at import whether processes share their numbers."""
    from portal.core.monitoring.shared import Counter, Histogram

    what = KINDS[kind]
    with _making:  # the first requests come together
        if kind not in _metrics:
            _metrics[kind] = (
                Histogram(f"marsad_{kind}_seconds", what.help, what.labels, buckets=[bound / 1000 for bound in BOUNDS])
                if what.timed
                else Counter(f"marsad_{kind}", what.help, what.labels)
            )
    return _metrics[kind]


@cache
def _shared(kind: str, values: tuple[str, ...]) -> Any:
    return metric(kind).labels(*values)


def flush() -> int:
    """Write what was counted since the last time; how many rows. What the database does not take is kept."""
    with _lock:
        rows = dict(_rows)
        _rows.clear()
    if not rows:
        return 0
    said = [
        {"minute": minute, "kind": kind, "labels": labels, "count": count, "ms": ms, "buckets": buckets}
        for (minute, kind, labels), (count, ms, buckets) in sorted(rows.items(), key=lambda item: item[0])
    ]
    from portal.core.monitoring.sql import ADD

    try:
        with connection.cursor() as cursor:
            cursor.execute(ADD, [orjson.dumps(said).decode()])
    except DatabaseError:
        _back(rows)
        raise
    return len(rows)


def _back(rows: dict[Key, list[Any]]) -> None:
    with _lock:
        for key, (count, ms, buckets) in rows.items():
            row = _rows.setdefault(key, [0, 0.0, [0] * len(buckets) if buckets else None])
            row[0] += count
            row[1] += ms
            if buckets:
                row[2] = [a + b for a, b in zip(row[2], buckets, strict=True)]


def _write_on() -> None:
    atexit.register(_last)
    while not _stop.wait(settings.METRICS_SECONDS):
        _write()


def _write() -> None:
    close_old_connections()
    try:
        flush()
    except DatabaseError as error:
        logger.warning("metrics wait for the database: %s", str(error).partition("\n")[0])
        connection.close()


def _last() -> None:
    """The process ends: what it counted since its last turn is written, and its connection closed."""
    _stop.set()
    with contextlib.suppress(DatabaseError):
        flush()
    connection.close()
