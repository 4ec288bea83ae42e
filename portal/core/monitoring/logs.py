"""Structured logs: one JSON object a line, with the request or job that a line belongs to.

A line names the request (id, route template, never the path, whose parts may be secrets), the person, the device, the
organisation. Bodies, query strings and headers are never logged, and what looks like a secret inside of a message or
of an exception is blotted out.
"""

import contextlib
import logging
import re
from collections.abc import Iterator
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from django.conf import settings
from django.http import HttpRequest

from portal.core.common import clock

_SECRETS: Final = re.compile(
    r"(?P<token>eyJ[\w-]{8,}\.[\w-]+\.[\w-]*)"
    r"|(?P<name>\b(?:bearer|basic)\s+|\b\w*(?:password|passwd|secret|token|authorization|cookie|session_?id|api_?key)\w*"
    r"[\"']?\s*[:=]\s*[\"']?(?:(?:bearer|basic)\s+)?)(?P<value>[^\s\"',;&)}]{3,})",
    re.IGNORECASE,
)
_request: ContextVar[HttpRequest | None] = ContextVar("request", default=None)
_job: ContextVar[dict[str, Any] | None] = ContextVar("job", default=None)

access_log = logging.getLogger("marsad.request")


@contextlib.contextmanager
def during(request: HttpRequest) -> Iterator[None]:
    """What is logged inside of the block belongs to `request`."""
    token = _request.set(request)
    try:
        yield
    finally:
        _request.reset(token)


@contextlib.contextmanager
def during_job(**facts: Any) -> Iterator[None]:
    token = _job.set(facts)
    try:
        yield
    finally:
        _job.reset(token)


def note(**facts: Any) -> None:
    """Add to the line of the request under way: outcomes of a synchronisation, coordinates of a survey call (004)."""
    request = _request.get()
    if request is not None:
        request.__dict__.setdefault("noted", {}).update(facts)


def route_of(request: HttpRequest) -> str:
    """The template that the path matched (`/api/v1/samples/<id:sample_id>`); one word for what matched nothing."""
    match = request.resolver_match
    return f"/{match.route}" if match is not None else "(none)"


def surface_of(path: str) -> str:
    """portal, v1, mobile; `machine` is what programs ask (health, metrics)."""
    if path.startswith("/api/"):
        return "mobile" if path.startswith("/api/mobile") else "v1"
    return "machine" if path.startswith(("/health/", "/metrics")) else "portal"


def facts() -> dict[str, Any]:
    """What is known of the request or job under way."""
    request = _request.get()
    return dict(_job.get() or {}) if request is None else facts_of(request)


def facts_of(request: HttpRequest) -> dict[str, Any]:
    """Who asks for what: everything that is known by now, never what it would take a query to learn."""
    user = getattr(request, "auth", None) or request.__dict__.get("_cached_user")
    claims = getattr(request, "claims", None)
    organization = getattr(request, "organization", None)
    found = {
        "requestId": getattr(request, "request_id", ""),
        "method": request.method,
        "route": route_of(request),
        "surface": surface_of(request.path),
        "ip": getattr(request, "client_ip", ""),
        "userId": getattr(user, "pk", None),
        "organizationId": getattr(organization, "pk", None) or getattr(user, "organization_id", None),
        "deviceId": (claims.device if claims is not None else "") or request.headers.get("X-Device-ID", "")[:200],
    }
    return {name: str(value) for name, value in found.items() if value}


def access(request: HttpRequest, *, status: int, ms: float, code: str) -> None:
    """The line of a request that was answered: structured logs alone have one."""
    if settings.LOG_FORMAT == "json":
        said = {"status": status, "ms": round(ms, 1), **getattr(request, "noted", {})}
        if code:
            said["code"] = code
        level = logging.ERROR if status >= 500 else logging.INFO
        access_log.log(level, "answered", extra={"facts": said})


def blot(text: str) -> str:
    """`text` without what looks like a password, token, cookie or key."""
    return _SECRETS.sub(lambda found: f"{found['name'] or ''}[blotted]", text)


def _said(record: logging.LogRecord) -> str:
    """The message; Django's own about a refused request names the path, which may hold the token of a share link."""
    request = getattr(record, "request", None)
    if record.name == "django.request" and isinstance(request, HttpRequest):
        return f"{getattr(record, 'status_code', '')} {request.method} {route_of(request)}"
    text, work = record.getMessage(), getattr(record, "job", None)
    if isinstance(work, dict) and "call_string" in work:  # whose arguments hold people's addresses
        text = text.replace(work["call_string"], f"{work['task_name']}[{work['id']}]")
    return blot(text)


class LineFormatter(logging.Formatter):
    """For people at a terminal."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  the library's name
        record.message = _said(record)
        return super().formatMessage(record)

    def formatException(self, ei: Any) -> str:  # noqa: N802
        return blot(super().formatException(ei))


class JsonFormatter(logging.Formatter):
    """For programs that collect logs. Keys: at, level, logger, message, exception, and `facts` of request or job."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": clock.wire(datetime.fromtimestamp(record.created, UTC)),
            "level": record.levelname,
            "logger": record.name,
            "message": _said(record),
            **facts(),
            **getattr(record, "facts", {}),
        }
        if record.exc_info:
            line["exception"] = blot(self.formatException(record.exc_info))
        return orjson.dumps(line, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
