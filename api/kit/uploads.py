"""Files in a request: written to disk as they arrive, hashed on the way, never whole in memory."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any, BinaryIO, cast

from django.core.exceptions import SuspiciousOperation
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParserError
from django.utils.translation import gettext as _

from api.kit.body import content_length
from api.kit.schemas import uuid_in
from portal.core.common.errors import DomainError, Invalid
from portal.core.files.staging import Intake, Staged

MULTIPART = "multipart/form-data"
SLACK = 1024 * 1024  # what the fields beside the file may take


@dataclass(frozen=True, slots=True)
class Received:
    """The one file of a multipart body, and the texts beside it."""

    file: Staged
    filename: str
    content_type: str
    fields: Mapping[str, str]


class _Handler(FileUploadHandler):
    """Takes files to where the store can have them without another copy."""

    def __init__(self, request: HttpRequest, limit: int) -> None:
        super().__init__(request)
        self.limit, self.intakes = limit, cast(list[Intake], [])
        request.intakes = self.intakes  # type: ignore[attr-defined]

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        if self.intakes:
            raise Invalid.field("file", _("Send one file at a time."))
        self.intakes.append(Intake(self.limit))

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self.intakes[-1].write(raw_data)

    def file_complete(self, file_size: int) -> "UploadedFile[Any]":
        return UploadedFile(file=BytesIO(), name=self.file_name, content_type=self.content_type, size=file_size)


class _Counted:
    """A body that knows how much of it has come."""

    def __init__(self, stream: Any) -> None:
        self.stream, self.came = stream, 0

    def read(self, size: int = -1) -> bytes:
        piece: bytes = self.stream.read(size)
        self.came += len(piece)
        return piece

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


def need_length(request: HttpRequest) -> None:
    """Refuse a body of unannounced length (411): nobody could tell it from one that broke off."""
    if not request.META.get("CONTENT_LENGTH"):
        raise DomainError(_("Send Content-Length."), status=411, code="LENGTH_REQUIRED")


def receive(request: HttpRequest, limit: int) -> None:
    """Read a multipart body to `request.received`. Raises Invalid for one that broke off or holds no file, TooLarge."""
    need_length(request)
    counted = _Counted(request._stream)  # noqa: SLF001  nobody else counts
    request._stream = cast(BinaryIO, counted)  # noqa: SLF001
    request.upload_handlers = [_Handler(request, limit)]
    try:
        posted, files = request.POST, request.FILES
    except (MultiPartParserError, SuspiciousOperation):
        raise Invalid(_("The request body is not a valid form.")) from None
    if counted.came < content_length(request):
        raise Invalid(_("The request body is incomplete."))
    intakes: list[Intake] = request.intakes  # type: ignore[attr-defined]
    if not intakes or not files:
        raise Invalid.field("file", _("Send the file as the part “file”."))
    named = cast("UploadedFile[Any]", next(iter(files.values())))
    fields = {name: str(value) for name, value in posted.items()}
    if fields.get("entityId"):
        uuid_in(fields["entityId"], "entityId")
    if any("\0" in value for value in fields.values()):
        raise Invalid(_("The text contains a NUL character."))
    staged = intakes[-1].finish()
    request.received = Received(  # type: ignore[attr-defined]
        staged, str(named.name or "file"), named.content_type or "", fields
    )
    told = "\n".join([staged.sha256, str(named.name), *(f"{key}={fields[key]}" for key in sorted(fields))])
    request.fingerprint = hashlib.sha256(told.encode()).digest()  # type: ignore[attr-defined]


def received(request: HttpRequest) -> Received:
    return cast(Received, request.received)  # type: ignore[attr-defined]


def forget(request: HttpRequest) -> None:
    """Remove what no store took."""
    for intake in getattr(request, "intakes", ()):
        intake.discard()


FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            MULTIPART: {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {"type": "string", "format": "binary"},
                        "category": {"type": "string", "description": "As X-File-Category"},
                        "description": {"type": "string", "description": "As X-File-Description"},
                        "isPublic": {"type": "boolean", "description": "As X-File-Public"},
                        "tags": {"type": "string", "description": "Separated by commas"},
                        "comment": {"type": "string", "description": "Of a new version"},
                        "sha256": {"type": "string", "description": "Refused where the bytes differ"},
                        "entityType": {"type": "string", "description": "Kind of a record it belongs to"},
                        "entityId": {"type": "string", "description": "The UUID of that record"},
                    },
                }
            }
        },
    }
}
