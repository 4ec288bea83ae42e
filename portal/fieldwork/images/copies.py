"""The bytes of images: copies without metadata for everybody, the original for those with the right to it."""

from typing import Final

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from portal.core.accounts.models import User
from portal.core.audit.models import Action
from portal.core.audit.services import Event, record
from portal.core.common.errors import Conflict, Denied, NotFound
from portal.core.files import serving
from portal.fieldwork.images import selectors
from portal.fieldwork.images.models import Image

JPEG: Final = "image/jpeg"
_KEPT: Final = "private, max-age=86400, immutable"  # a copy never changes

SIZES: Final = ("thumbnail", "view", "download")


def rendition_url(*, image: Image, by: User) -> serving.Link:
    """An address for 15 minutes of the copy of at most 2048 pixels. Raises Denied, and NOT_READY (409) for none."""
    _may_look(image, by)
    if image.rendition is None:
        raise Conflict(_("There is no copy of this image."), code="NOT_READY", meta={"status": image.status})
    return serving.signed_url(blob=image.rendition, filename=copy_name(image), content_type=JPEG)


def original_url(*, image: Image, by: User) -> serving.Link:
    """An address for 15 minutes of the bytes as they came; recorded. Raises Denied."""
    if not by.has_permission("files.original"):
        raise Denied(_("You do not have the right to originals."), meta={"permission": "files.original"})
    _may_look(image, by)
    if image.original is None:
        raise NotFound(_("There is no such image."))
    record(Event(Action.DOWNLOAD, "image", str(image.pk), {"original": True}, label=image.file.filename))
    return serving.signed_url(blob=image.original, filename=image.file.filename, content_type=image.file.content_type)


def answer(request: HttpRequest, *, image: Image, size: str, by: User) -> HttpResponseBase:
    """A copy for this person, to be looked at unless it is a `download`. Raises Denied, NotFound."""
    _may_look(image, by)
    blob = image.thumbnail if size == "thumbnail" else image.rendition
    if blob is None:
        raise NotFound(_("There is no copy of this image."))
    response = serving.respond(request, blob=blob, filename=copy_name(image), content_type=JPEG)
    response["Cache-Control"] = _KEPT
    if size != "download" and "Content-Disposition" in response:  # our own encoding: pixels, and nothing that could run
        response["Content-Disposition"] = f'inline; filename="{image.pk}.jpg"'
    return response


def copy_name(image: Image) -> str:
    return f"{image.file.filename.rpartition('.')[0] or image.file.filename}.jpg"


def _may_look(image: Image, by: User) -> None:
    if reason := selectors.why_not(image=image, user=by):
        raise Denied(reason, code="SCAN_PENDING")
