"""The bytes of a session's files: copies without metadata for whoever sees it, the original by a right of its own."""

from typing import Final

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from portal.core.accounts.models import User
from portal.core.audit.models import Action
from portal.core.audit.services import Event, record
from portal.core.common.errors import Denied, NotFound
from portal.core.files import selectors as files
from portal.core.files import serving
from portal.core.files.models import FileVersion
from portal.survey.models import SurveyAttachment

_JPEG: Final = "image/jpeg"
_KEPT: Final = "private, max-age=86400, immutable"  # a copy never changes


def why_not(attachment: SurveyAttachment, user: User) -> str:
    """Why nobody may look at it now, '' where they may: the virus scan decides."""
    return files.why_not(version=FileVersion(blob=attachment.original), user=user) if attachment.original else ""


def answer(request: HttpRequest, *, attachment: SurveyAttachment, size: str, by: User) -> HttpResponseBase:
    """`thumbnail` or `view` of a photo, shown in the browser. Raises Denied, NotFound."""
    _may_look(attachment, by)
    blob = {"thumbnail": attachment.thumbnail, "view": attachment.rendition}.get(size)
    if blob is None:
        raise NotFound(_("There is no copy of this file."))
    response = serving.respond(request, blob=blob, filename=f"{attachment.pk}.jpg", content_type=_JPEG)
    response["Cache-Control"] = _KEPT
    if "Content-Disposition" in response:  # our own encoding: pixels, and nothing that could run
        response["Content-Disposition"] = f'inline; filename="{attachment.pk}.jpg"'
    return response


def original_url(*, attachment: SurveyAttachment, by: User) -> serving.Link:
    """An address for 15 minutes of the bytes as they came; recorded. Raises Denied, NotFound."""
    _may_look(attachment, by)
    if attachment.original is None:
        raise NotFound(_("There is no such file."))
    record(Event(Action.DOWNLOAD, "attachment", str(attachment.pk), {"original": True}, label=attachment.filename))
    return serving.signed_url(blob=attachment.original, filename=attachment.filename, content_type=attachment.file_type)


def _may_look(attachment: SurveyAttachment, by: User) -> None:
    if reason := why_not(attachment, by):
        raise Denied(reason, code="SCAN_PENDING")
