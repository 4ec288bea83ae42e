"""Reads of attachments: cards with addresses, and the guard of originals."""

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _

from portal.core.accounts.models import User
from portal.core.common.clock import wire as stamp
from portal.core.files.models import FileVersion
from portal.survey.attachments.models import SurveyAttachment
from portal.survey.attachments.services import links
from portal.survey.sessions import wire


def original_guard(version: FileVersion, user: User | None) -> str:
    """Why the original of a survey photo is not this person's to download, whatever door they come through."""
    if version.file_id is None or (user and user.has_permission("files.original")):
        return ""
    if not version.content_type.startswith("image/"):
        return ""
    if not SurveyAttachment.objects.filter(file=version.file_id, deleted_at=None).exists():
        return ""
    return _("It is the original of a survey photo, with its place and camera: that needs a right of its own.")


def confirmed_card(row: SurveyAttachment) -> dict[str, Any]:
    """The answer of a confirmation (specification 004)."""
    full, small = links(row)
    return {
        "attachmentId": row.pk,
        "status": row.status,
        "downloadUrl": full.url if full else None,
        "thumbnailUrl": small.url if small else None,
        "failure": row.failure or None,
    }


def attachment_cards(rows: Iterable[SurveyAttachment]) -> list[dict[str, Any]]:
    """As in the feed, with addresses for five minutes. Rows with their blobs at hand."""
    found = list(rows)
    cards = wire.attachments(wire.plain(found))
    for card, row in zip(cards, found, strict=True):
        full, small = links(row)
        card |= {
            "downloadUrl": full.url if full else None,
            "thumbnailUrl": small.url if small else None,
            "expiresAt": stamp(full.expires_at) if full else None,
        }
    return cards
