"""The one body of v1: `{success, data, message, errors, meta}`."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

import orjson
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.functional import Promise

from portal.core.common import clock
from portal.core.common.errors import DomainError

JSON: Final = "application/json"
_UNDERSCORE = re.compile(r"_+([a-z0-9])")


@dataclass(slots=True)
class Page:
    """One page of a list; `total` counts all rows of it."""

    items: Sequence[Any]
    page: int
    limit: int
    total: int

    @property
    def meta(self) -> dict[str, int]:
        return {"page": self.page, "limit": self.limit, "total": self.total, "totalPages": -(-self.total // self.limit)}


@dataclass(slots=True)
class Reply:
    """An operation's answer where plain data does not say enough."""

    data: Any = None
    message: Any = None
    status: int | None = None
    meta: dict[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


def camel(path: str) -> str:
    """`results.0.value_text` as `results.0.valueText`."""
    return _UNDERSCORE.sub(lambda found: found.group(1).upper(), path)


def _plain(value: Any) -> Any:
    if isinstance(value, (Decimal, float)):  # a float that orjson does not know is a Typed one
        return float(value)
    if isinstance(value, Promise):
        return str(value)
    if isinstance(value, datetime):
        return clock.wire(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (set, frozenset, QuerySet)):
        return list(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def dumps(value: Any) -> bytes:
    """JSON with UUIDs, moments in UTC with `Z`, decimals as numbers, lazy texts in the request's language."""
    return orjson.dumps(value, default=_plain, option=orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS)


def _whole(data: Any) -> dict[str, int]:
    """A list that has no pages says so in the words of one that has."""
    return Page((), 1, max(len(data), 200), len(data)).meta if isinstance(data, (list, tuple)) else {}


def success(result: Any, *, status: int, meta: Mapping[str, Any]) -> HttpResponse:
    reply = result if isinstance(result, Reply) else Reply(result)
    page = reply.data if isinstance(reply.data, Page) else None
    data, more = (page.items, page.meta) if page else (reply.data, _whole(reply.data))
    more = {**more, **reply.meta, **meta}
    body = {"success": True, "data": data, "message": reply.message, "errors": [], "meta": more}
    return HttpResponse(dumps(body), status=reply.status or status, content_type=JSON, headers=dict(reply.headers))


def faults(error: DomainError) -> list[dict[str, Any]]:
    """One entry per field at fault."""
    return [
        {
            "code": error.code,
            "message": entry.message,
            "field": (entry.field if entry.exact else camel(entry.field)) or None,
        }
        | ({"rule": entry.rule} if entry.rule else {})
        for entry in error.errors
    ]


def failure(request: HttpRequest, error: DomainError) -> HttpResponse:
    """The error body; `meta.retryAfter` (seconds) becomes the header too."""
    message = str(error.message)
    errors = faults(error) or [{"code": error.code, "message": message, "field": None}]
    meta = {"requestId": getattr(request, "request_id", ""), "timestamp": clock.now(), **error.meta}
    body = {"success": False, "data": None, "message": message, "errors": errors, "meta": meta}
    response = HttpResponse(dumps(body), status=error.status, content_type=JSON)
    if error.status == 401:
        response["WWW-Authenticate"] = "Bearer"
    if "retryAfter" in error.meta:
        response["Retry-After"] = str(error.meta["retryAfter"])
    return response
