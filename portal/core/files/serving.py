"""Bytes on their way out: always as a download, never as a page of ours."""

import re
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import content_disposition_header, parse_etags
from django.utils.translation import gettext as _

from portal.core.common import clock
from portal.core.common.errors import DomainError, NotFound
from portal.core.files.kinds import BINARY
from portal.core.files.models import Blob, ScanStatus
from portal.core.files.storage import Missing, store
from portal.core.tenancy.scope import Actor, tenant

SECONDS: Final = 900
GET_PATH: Final = "/files/get/"
_SALT: Final = "files.get"
_RANGE: Final = re.compile(r"bytes=(\d*)-(\d*)")
# What a browser would run or lay out if it were shown: it goes out as bytes of no kind.
_ACTIVE: Final = ("html", "xml", "svg", "rfc822", "javascript")


class Link(NamedTuple):
    url: str
    expires_at: datetime


def disposition(filename: str) -> str:
    return content_disposition_header(as_attachment=True, filename=filename) or "attachment"


def shown_type(content_type: str) -> str:
    return BINARY if any(word in content_type for word in _ACTIVE) else content_type


def signed_url(*, blob: Blob, filename: str, content_type: str, seconds: int = SECONDS) -> Link:
    """An address that gives a blob's bytes as a download for some time, to whoever has it: the store's own where it
    signs addresses, else one of ours. The caller has checked access and scan."""
    until = clock.now() + timedelta(seconds=seconds)
    url = store().signed_get(
        blob.key, content_type=shown_type(content_type), disposition=disposition(filename), seconds=seconds
    )
    if url is None:
        said = [str(blob.organization_id), str(blob.pk), filename, content_type, int(until.timestamp())]
        url = f"{settings.CDN or settings.PUBLIC_URL}{GET_PATH}{signing.dumps(said, salt=_SALT, compress=True)}"
    return Link(url, until)


def by_signature(request: HttpRequest, token: str, *, by: Actor) -> HttpResponseBase:
    """The bytes of one of our signed addresses. Raises SIGNATURE_INVALID (403), NotFound."""
    try:
        organization, pk, filename, content_type, until = signing.loads(token, salt=_SALT)
    except (signing.BadSignature, ValueError, TypeError):
        until = 0
    if until < clock.now().timestamp():
        raise DomainError(_("This address is not valid any more."), status=403, code="SIGNATURE_INVALID")
    with tenant(UUID(organization), by=by):
        blob = Blob.objects.filter(pk=UUID(pk)).exclude(scan_status=ScanStatus.INFECTED).first()
        if blob is None:
            raise NotFound(_("There is no such file."))
    return respond(request, blob=blob, filename=filename, content_type=content_type)


def respond(
    request: HttpRequest, *, blob: Blob, filename: str, content_type: str, ranges: bool = True
) -> HttpResponseBase:
    """A blob as a download, in pieces: `Range` and `If-Range`, `ETag` and `If-None-Match`. Needs no scope while it is
    sent. Raises NotFound where the store has lost it."""
    etag = f'"{blob.sha256}"'
    headers = {
        "ETag": etag,
        "Accept-Ranges": "bytes" if ranges else "none",
        "Cache-Control": "private, no-cache" if ranges else "no-store",
        "Content-Disposition": disposition(filename),
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
    }
    if ranges and {etag, "*"} & set(parse_etags(request.headers.get("If-None-Match", ""))):
        return HttpResponse(status=304, headers={name: headers[name] for name in ("ETag", "Cache-Control")})
    start, end = _range(request, blob.size, etag) if ranges else (0, blob.size)
    if start >= blob.size > 0:
        return HttpResponse(status=416, headers={**headers, "Content-Range": f"bytes */{blob.size}"})
    try:
        pieces = iter(()) if request.method == "HEAD" else store().chunks(blob.key, start, end - start)
    except Missing:
        raise NotFound(_("There is no such file.")) from None
    partial = (start, end) != (0, blob.size)
    headers["Content-Length"] = str(end - start)
    if partial:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{blob.size}"
    return StreamingHttpResponse(
        pieces, status=206 if partial else 200, content_type=shown_type(content_type), headers=headers
    )


def _range(request: HttpRequest, size: int, etag: str) -> tuple[int, int]:
    """First byte and the one after the last. Several ranges, or one that makes no sense, mean all of it."""
    found = _RANGE.fullmatch(request.headers.get("Range", "").strip())
    if not found or request.headers.get("If-Range", etag) != etag:
        return 0, size
    first, last = found.groups()
    if first:
        return int(first), min(size, int(last) + 1) if last and int(last) >= int(first) else size
    return (max(0, size - int(last)), size) if last and int(last) else (0, size)


def from_the_start(request: HttpRequest) -> bool:
    """Whether this begins a download, and does not go on with one."""
    found = _RANGE.fullmatch(request.headers.get("Range", "").strip())
    return found is None or found.group(1) in ("", "0")
