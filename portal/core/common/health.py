"""How the program is: probes that apps register for what they depend on, asked together or one by one (003, 002)."""

import logging
import os
import resource
import shutil
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from portal.core.common import clock

LITTLE_ROOM: Final = 2**30  # bytes
_BEGAN: Final = time.monotonic()

logger = logging.getLogger(__name__)


class State(IntEnum):
    HEALTHY = 0
    DEGRADED = 1
    UNHEALTHY = 2

    def __str__(self) -> str:
        return self.name.capitalize()


@dataclass(frozen=True, slots=True)
class Finding:
    """What a probe found: a state, and facts under their wire names."""

    state: State
    facts: dict[str, Any] = field(default_factory=dict)


_probes: dict[str, Callable[[], Finding]] = {}


def register(name: str, probe: Callable[[], Finding]) -> None:
    """`name` is the part's name on the wire. A probe that raises stands for an unhealthy part."""
    _probes[name] = probe


def examine() -> dict[str, Finding]:
    """Ask every probe."""
    return {name: _asked(name, probe) for name, probe in _probes.items()}


def _asked(name: str, probe: Callable[[], Finding]) -> Finding:
    try:
        return probe()
    except Exception:  # whatever is broken, the others are still to be told
        logger.exception("the probe of %s failed", name)
        return Finding(State.UNHEALTHY)


def ready() -> bool:
    """Whether this process can serve: the database answers and has every migration."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        return not _Schema.pending()
    except DatabaseError:
        return False


class _Schema:
    """Migrations that this program has and the database has not; asked until there are none."""

    complete = False

    @classmethod
    def pending(cls) -> int:
        if cls.complete:
            return 0
        executor = MigrationExecutor(connection)
        missing = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
        cls.complete = not missing
        return missing


def database() -> Finding:
    """Connection, time of a query in milliseconds, migrations."""
    facts: dict[str, Any] = {"canConnect": False, "provider": settings.DATABASES["default"]["ENGINE"]}
    try:
        began = time.perf_counter()
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            facts |= {"canConnect": True, "responseTimeMs": round((time.perf_counter() - began) * 1000, 2)}
            cursor.execute("SELECT count(*), (array_agg(name ORDER BY id DESC))[1] FROM django_migrations")
            applied, last = cursor.fetchone()
        missing = _Schema.pending()
    except DatabaseError:
        return Finding(State.UNHEALTHY, facts)
    facts |= {"pendingMigrations": missing, "appliedMigrations": applied, "lastMigration": last}
    return Finding(State.UNHEALTHY if missing else State.HEALTHY, facts)


def report() -> dict[str, Any]:
    """All of it as 003 and 002 write it: the worst part is the whole's state."""
    found = examine()
    base, jobs = found["database"], found["backgroundJobs"]
    facts = {name: value for name, value in base.facts.items() if name != "responseTimeMs"}
    return {
        "status": str(max(finding.state for finding in found.values())),
        "timestamp": clock.now(),
        "database": {"status": str(base.state), **facts},
        "backgroundJobs": {"status": str(jobs.state), **jobs.facts},
        "performance": {
            "databaseResponseTimeMs": base.facts.get("responseTimeMs"),
            "serverUptimeFormatted": uptime(),
            "memoryUsageMB": memory_mb(),
        },
        **{
            name: {"status": str(finding.state), **finding.facts}
            for name, finding in found.items()
            if name not in ("database", "backgroundJobs")
        },
    }


def uptime() -> str:
    """Since this process started, as d.hh:mm:ss."""
    minutes, seconds = divmod(int(time.monotonic() - _BEGAN), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    return f"{days}.{hours:02}:{minutes:02}:{seconds:02}"


def memory_mb() -> float:
    """What this process holds at the moment (its peak, where the system does not tell)."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return round(pages * resource.getpagesize() / 2**20, 2)
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return round(peak / (2**20 if sys.platform == "darwin" else 1024), 2)


def storage() -> Finding:
    """Whether files can be kept, and how much room there is."""
    folder = settings.MEDIA_ROOT if settings.MEDIA_ROOT.exists() else settings.DATA_DIR
    usage = shutil.disk_usage(folder)
    facts = {"freeMB": usage.free // 2**20, "usedPercent": round(100 * usage.used / usage.total, 1)}
    writable = os.access(folder, os.W_OK)
    state = State.HEALTHY if usage.free > LITTLE_ROOM else State.DEGRADED
    return Finding(state if writable else State.UNHEALTHY, facts | {"writable": writable})


def mail() -> Finding:
    """Where mail goes; a server has to be reachable within three seconds."""
    server: Any = settings.MAILERS["default"]
    if settings.MARSAD_MAIL == "smtp":
        try:
            socket.create_connection((server["OPTIONS"]["host"], server["OPTIONS"]["port"]), timeout=3).close()
        except OSError:
            return Finding(State.DEGRADED, {"backend": "smtp", "reachable": False})
    return Finding(State.HEALTHY, {"backend": settings.MARSAD_MAIL, "reachable": True})


register("database", database)
register("storage", storage)
register("mail", mail)
