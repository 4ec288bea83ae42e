"""`Idempotency-Key` on every POST: one request, one effect, the same answer again."""

import hashlib
from collections.abc import Callable
from typing import Any, Final

import orjson
from django.db import OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from portal.core.common.errors import Conflict, Invalid
from portal.core.sync.models import IdempotencyKey
from portal.core.tenancy import scope

_REPEATED: Final = 100_000  # bytes of a first answer that a refusal repeats


def key_of(request: HttpRequest) -> str:
    """The key that the client gave its POST, or another call that needs one; or the empty text."""
    if request.method != "POST" and not getattr(request, "keyed", False):
        return ""
    key = request.headers.get("Idempotency-Key") or request.headers.get("X-Idempotency-Key") or ""
    if len(key) > 200 or not key.isprintable():
        raise Invalid.field("Idempotency-Key", _("Use at most 200 printable characters."))
    return key


def demand(request: HttpRequest) -> None:
    """Refuse a request without a key (400)."""
    request.keyed = True  # type: ignore[attr-defined]
    if not key_of(request):
        raise Invalid.field("X-Idempotency-Key", _("Send an X-Idempotency-Key, so that a repeat is harmless."))


def once(request: HttpRequest, run: Callable[[], HttpResponseBase]) -> HttpResponseBase:
    """Run in the tenant's open transaction, or give the stored answer of the same request.

    The insert decides who ran first: a twin waits up to 10 s for the first one's commit, then gets 409
    DUPLICATE_REQUEST. A refused or failed request rolls its key back, so that a retry runs again.
    """
    key = key_of(request)
    if not key:
        return run()
    actor, organization = scope.actor(), scope.organization_id()
    head = f"{request.get_full_path()}\n{request.content_type}\n".encode()
    fingerprint = hashlib.sha256(head + (getattr(request, "fingerprint", None) or request.body)).digest()
    where = (organization, f"{request.method} {request.path[:150]} {actor.user} {actor.device[:90]}", key)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '10s'")
        try:
            cursor.execute(
                "INSERT INTO sync_idempotency (organization_id, scope, key, fingerprint, created_at)"
                " VALUES (%s, %s, %s, %s, now()) ON CONFLICT DO NOTHING",
                [*where, fingerprint],
            )
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", "") != "55P03":
                raise
            raise Conflict(
                _("The same request is still running."), code="DUPLICATE_REQUEST", meta={"retryAfter": 1}
            ) from None
        first = cursor.rowcount == 1
        cursor.execute("SET LOCAL lock_timeout = 0")
    mine = IdempotencyKey.objects.filter(organization_id=where[0], scope=where[1], key=where[2])
    if not first:
        stored = mine.get()
        if bytes(stored.fingerprint) != fingerprint:
            raise Conflict(
                _("This Idempotency-Key was used with another request."),
                code="IDEMPOTENCY_CONFLICT",
                meta={"originalResponse": {"status": stored.status, "data": _data(bytes(stored.response or b""))}},
            )
        kind, _line, content = bytes(stored.response or b"").partition(b"\n")
        return HttpResponse(
            content, status=stored.status or 200, content_type=kind.decode(), headers={"Idempotency-Replayed": "true"}
        )
    response = run()
    if isinstance(response, HttpResponse):
        answer = response.headers["Content-Type"].encode() + b"\n" + response.content
        mine.update(status=response.status_code, response=answer)
    return response


def _data(stored: bytes) -> Any:
    """The `data` of a stored answer, None where it is no JSON or long."""
    kind, _line, content = stored.partition(b"\n")
    if kind.partition(b";")[0] != b"application/json" or len(content) > _REPEATED:
        return None
    return orjson.loads(content).get("data")
