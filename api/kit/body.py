"""Request bodies: how much is read, and what JSON is accepted."""

import json
import math
from typing import Any, Final, NoReturn, Self

from django.http import HttpRequest, RawPostDataException, UnreadablePostError
from django.utils.translation import gettext as _
from ninja.parser import Parser

from portal.core.common.errors import DomainError, Invalid, TooLarge

SMALL: Final = 1024 * 1024
LARGE: Final = 10 * 1024 * 1024
_DRAINED: Final = 64 * 1024 * 1024  # a client that sends more before it reads the answer sees its connection close


class UnsupportedMediaType(DomainError):
    status = 415
    code = "UNSUPPORTED_MEDIA_TYPE"


def content_length(request: HttpRequest) -> int:
    try:
        return max(0, int(request.META.get("CONTENT_LENGTH") or 0))
    except ValueError:
        return 0


def _take_chunks(request: HttpRequest, limit: int) -> int:
    """Read a body of unannounced length (`Transfer-Encoding: chunked`), which Django would take for an empty one."""
    taken = request.META["wsgi.input"].read(limit + 1)
    request._body = taken  # noqa: SLF001 what `request.body` answers
    return len(taken)


def check(request: HttpRequest, *, limit: int, media: tuple[str, ...]) -> None:
    """Refuse a body that is too long (413) or not of an accepted kind (415), before a byte of it is read."""
    chunked = (
        not request.META.get("CONTENT_LENGTH") and "chunked" in request.headers.get("Transfer-Encoding", "").lower()
    )
    if chunked and limit > LARGE:  # an upload goes to disk, and nobody could tell one that broke off
        raise DomainError(_("Send Content-Length."), status=411, code="LENGTH_REQUIRED")
    length = _take_chunks(request, limit) if chunked else content_length(request)
    if length > limit:
        message = _("The request body is larger than %(limit)s bytes.") % {"limit": limit}
        raise TooLarge(message, meta={"limit": limit, "unit": "bytes"})
    if length and request.content_type not in media:
        raise UnsupportedMediaType(_("Send the body as %(media)s.") % {"media": ", ".join(media)})
    if length and request.content_type == "application/json":
        try:
            received = len(request.body)
        except (UnreadablePostError, RawPostDataException):
            received = -1
        if received != length:
            raise Invalid(_("The request body is incomplete."))


def drain(request: HttpRequest) -> None:
    """Read and drop an unread body, up to a bound, so that the client gets to read its answer."""
    left = min(content_length(request), _DRAINED)
    if not left or hasattr(request, "_body"):
        return
    try:
        while left > 0 and (chunk := request.read(min(left, 1 << 16))):
            left -= len(chunk)
    except (OSError, UnreadablePostError):
        return


class Typed(float):
    """A JSON number that remembers how it was written: `7.20` stays `7.20` as text (`str()`)."""

    text: str

    def __new__(cls, text: str) -> Self:
        number = super().__new__(cls, text)
        if not math.isfinite(number):
            raise ValueError("number out of range")
        number.text = text
        return number

    def __str__(self) -> str:
        return self.text


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")


def _nul(value: Any, path: str = "") -> str | None:
    """The path of the first text with a NUL character, which PostgreSQL cannot store; None where there is none."""
    if isinstance(value, str):
        return path if "\0" in value else None
    if isinstance(value, dict):
        for key, item in value.items():
            if "\0" in key:
                return path or "body"
            if (found := _nul(item, f"{path}.{key}" if path else key)) is not None:
                return found
    elif isinstance(value, list):
        for index, item in enumerate(value):
            if (found := _nul(item, f"{path}.{index}" if path else str(index))) is not None:
                return found
    return None


def parse(raw: bytes) -> Any:
    """Any JSON value, its decimals as `Typed`; raises Invalid."""
    try:
        value = json.loads(raw.decode("utf-8"), parse_float=Typed, parse_constant=_no_constant)
        if b"\\ud" in raw.lower():
            json.dumps(value, ensure_ascii=False, default=str).encode()  # half a surrogate pair cannot be stored
    except (ValueError, RecursionError):
        raise Invalid(_("The request body is not valid JSON.")) from None
    if b"\\u0000" in raw and (path := _nul(value)) is not None:
        raise Invalid.field(path, _("The text contains a NUL character."))
    return value


class JsonParser(Parser):
    def parse_body(self, request: HttpRequest) -> Any:
        """Parsed once per request."""
        if not hasattr(request, "json"):
            request.json = parse(request.body)  # type: ignore[attr-defined]
        return request.json  # type: ignore[attr-defined]

    def parse_querydict(self, data: Any, list_fields: list[str], request: HttpRequest) -> Any:
        for key in data:
            if any("\0" in text for text in (key, *data.getlist(key)) if isinstance(text, str)):
                raise Invalid.field(key.replace("\0", ""), _("The text contains a NUL character."))
        return super().parse_querydict(data, list_fields, request)
