"""The manner of specification 004: `{success, data}`, `{success, message}` and its own error body and codes."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, Literal

from django.http import HttpRequest, HttpResponse
from django.utils.http import http_date
from django.utils.translation import gettext as _
from pydantic import BaseModel

from api.kit import Out, Reply, Surface
from api.kit.envelope import JSON, camel, dumps
from portal.core.common import clock
from portal.core.common.errors import DomainError, Invalid

SUPPORTED: Final = ("1.0", "1.1")
# Version -> when it was deprecated and when it ends (at least six months later).
DEPRECATED: Final = {"0.9": (datetime(2026, 7, 1, tzinfo=UTC), datetime(2027, 7, 1, tzinfo=UTC))}
HEADERS: Final = {
    "API-Version": "1.0",
    "Supported-Versions": ",".join(SUPPORTED),
    "Deprecated-Versions": ",".join(DEPRECATED),
}
# The codes of 004 (and IDEMPOTENCY_CONFLICT) that stand for those of our services.
_CODES: Final = {
    "INVALID_CREDENTIALS": "AUTHENTICATION_REQUIRED",
    "TOKEN_REVOKED": "AUTHENTICATION_REQUIRED",
    "ACCOUNT_INACTIVE": "PERMISSION_DENIED",
    "ACCOUNT_LOCKED": "RATE_LIMIT_EXCEEDED",
    "TENANT_MISMATCH": "PERMISSION_DENIED",
    "TENANT_REQUIRED": "PERMISSION_DENIED",
    "VERSION_CONFLICT": "SYNC_CONFLICT",
    "DUPLICATE": "DUPLICATE_REQUEST",
    "METHOD_NOT_ALLOWED": "RESOURCE_NOT_FOUND",
    "SERVICE_UNAVAILABLE": "SERVER_ERROR",
    "PARTS_MISSING": "VALIDATION_ERROR",
    "CHECKSUM_MISMATCH": "VALIDATION_ERROR",
    "QUOTA_EXCEEDED": "PAYLOAD_TOO_LARGE",
    "ILLEGAL_TRANSITION": "SESSION_NOT_ACTIVE",
}
_ABOUT_ERROR: Final = ("originalResponse", "retryAfter")


class ValidationFault(BaseModel):
    field: str
    message: str
    code: str


class ErrorBody(Out):
    code: str
    message: str
    details: dict[str, Any] | None
    timestamp: str
    request_id: str
    validation_errors: list[ValidationFault]


class MobileFailure(BaseModel):
    success: Literal[False] = False
    error: ErrorBody


class MobileAnswer[T](BaseModel):
    success: Literal[True] = True
    data: T


class MobileMessage(BaseModel):
    success: Literal[True] = True
    message: str


def admit(request: HttpRequest) -> None:
    """Refuse a version that is not served (400); say of a deprecated one how long it lasts (RFC 9745, RFC 8594)."""
    version = request.headers.get("API-Version", "")
    if version in DEPRECATED:
        since, until = DEPRECATED[version]
        request.said = {  # type: ignore[attr-defined]
            "Deprecation": f"@{int(since.timestamp())}",
            "Sunset": http_date(until.timestamp()),
            "Link": '</api/mobile/v1/docs>; rel="deprecation"',
        }
    elif version and version not in SUPPORTED:
        message = _("This version of the interface is not served. Choose one of: %(allowed)s.")
        refusal = Invalid.field("API-Version", message % {"allowed": ", ".join(SUPPORTED)})
        refusal.meta["supported"] = list(SUPPORTED)
        raise refusal


def success(result: Any, *, status: int, meta: Mapping[str, Any]) -> HttpResponse:
    reply = result if isinstance(result, Reply) else Reply(result)
    said = {"message": reply.message} if reply.data is None else {"data": reply.data}
    body = {"success": True, **said}
    return HttpResponse(dumps(body), status=reply.status or status, content_type=JSON, headers=dict(reply.headers))


def failure(request: HttpRequest, error: DomainError) -> HttpResponse:
    code = _CODES.get(error.code, error.code)
    faults = [
        {"field": camel(entry.field), "message": entry.message, "code": (entry.rule or error.code).upper()}
        for entry in error.errors
    ]
    body: dict[str, Any] = {
        "code": code,
        "message": str(error.message),
        "details": {name: value for name, value in error.meta.items() if name not in _ABOUT_ERROR} or None,
        "timestamp": clock.now(),
        "requestId": getattr(request, "request_id", ""),
        "validationErrors": faults,
    }
    if "originalResponse" in error.meta:
        body["originalResponse"] = error.meta["originalResponse"]
    response = HttpResponse(dumps({"success": False, "error": body}), status=error.status, content_type=JSON)
    if error.status == 401:
        response["WWW-Authenticate"] = "Bearer"
    if "retryAfter" in error.meta:
        response["Retry-After"] = str(error.meta["retryAfter"])
    return response


def _shape(shape: Any) -> Any:
    return shape if shape is MobileMessage else MobileAnswer[shape]


MOBILE: Final = Surface(success, failure, _shape, MobileFailure, HEADERS, device_bound=True, admit=admit)
