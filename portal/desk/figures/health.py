"""How the system is, for administrators: the probes that `/platform/health` shows, the cache, and the proofs."""

from typing import Any

from django.conf import settings
from django.core.cache import cache

from portal.core.audit.integrity import SOUND
from portal.core.audit.overview import chain_state
from portal.core.common import health
from portal.core.common.health import State
from portal.core.common.ids import uuid7
from portal.core.files.models import FileScan


def system_health() -> dict[str, Any]:
    """`status` is the worst of the parts'."""
    said = health.report()
    parts: dict[str, dict[str, Any]] = {
        "database": said["database"] | {"responseTimeMs": said["performance"]["databaseResponseTimeMs"]},
        "cache": _cache(),
        "queue": said["backgroundJobs"],
        **{name: said[name] for name in ("storage", "mail", "auditSealer") if name in said},
        "integrity": _integrity(),
        "virusScanner": _scanner(),
    }
    worst = max((State[part["status"].upper()] for part in parts.values()), default=State.HEALTHY)
    return {"status": str(worst), "timestamp": said["timestamp"], **parts, "performance": said["performance"]}


def _cache() -> dict[str, Any]:
    key = f"desk.health:{uuid7()}"
    try:
        cache.set(key, 1, 5)
        works = cache.get(key) == 1 and not getattr(cache, "away", False)
    except Exception:  # noqa: BLE001 whatever the back end raises, the other parts are still to be told
        works = False
    kind = "redis" if settings.REDIS_URL else "process"
    return {"status": str(State.HEALTHY if works else State.DEGRADED), "backend": kind, "reachable": works}


def _integrity() -> dict[str, Any]:
    """What the last verification of the audit log found."""
    last = chain_state().standing
    sound = last is None or last.status in SOUND
    return {
        "status": str(State.HEALTHY if sound else State.UNHEALTHY),
        "result": last.status if last else None,
        "verifiedAt": last.at if last else None,
        "findings": len(last.findings) if last else 0,
    }


def _scanner() -> dict[str, Any]:
    """The engine of the newest scan, with the edition of its signatures."""
    last = FileScan.objects.exclude(engine="").order_by("-created_at", "-id").first() if settings.CLAMD else None
    return {
        "status": str(State.HEALTHY),
        "configured": bool(settings.CLAMD),
        "engine": last.engine if last else None,
        "lastScanAt": last.finished_at if last else None,
    }
