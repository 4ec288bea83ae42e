"""Reads of sessions and what they hold, for the office. `user` is who asks (`access`)."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from portal.core.accounts.models import User
from portal.core.common.text import normalise
from portal.survey import access
from portal.survey.attachments.models import SurveyAttachment
from portal.survey.choices import SESSION_WIRE, AttachmentStatus
from portal.survey.sessions import wire
from portal.survey.sessions.models import SurveyGeometry, SurveyPoint, SurveySession


def session_list(
    *,
    user: User,
    search: str = "",
    statuses: Collection[str] = (),
    detail: str = "",
    survey_type: str = "",
    surveyor: UUID | None = None,
    application: UUID | None = None,
    flag: str = "",
    governorate: UUID | None = None,
    district: UUID | None = None,
    sub_district: UUID | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> QuerySet[SurveySession]:
    """Sessions that the person sees, newest first. `statuses` and `detail` are words of the wire; `until` exclusive."""
    rows = access.sessions_seen(user)
    for word in normalise(search).split():
        rows = rows.filter(search_text__contains=word)
    if statuses or detail:
        rows = rows.filter(
            status__in=[
                held
                for held, (shown, more) in SESSION_WIRE.items()
                if (not statuses or shown in statuses) and (not detail or more == detail)
            ]
        )
    if flag:
        rows = rows.filter(flags__contains=[flag])
    wanted = {
        "survey_type": survey_type or None,
        "surveyor": surveyor,
        "application": application,
        "governorate_id": governorate,
        "district_id": district,
        "sub_district_id": sub_district,
        "started_at__gte": since,
        "started_at__lt": until,
    }
    return rows.filter(**{name: value for name, value in wanted.items() if value is not None})


def session_cards(rows: Sequence[SurveySession]) -> list[dict[str, Any]]:
    """On the wire with the numbers of what they hold: four statements, whatever the number of sessions."""
    ids = [row.pk for row in rows]
    held = {
        "points": _counted(SurveyPoint.objects.filter(session__in=ids, deleted_at=None)),
        "geometries": _counted(SurveyGeometry.objects.filter(session__in=ids, deleted_at=None)),
        "attachments": _counted(
            SurveyAttachment.objects.filter(session__in=ids, deleted_at=None).exclude(
                status__in=(AttachmentStatus.PENDING, AttachmentStatus.FAILED)
            )
        ),
    }
    names = dict(User.objects.filter(pk__in={row.surveyor_id for row in rows}).values_list("pk", "name"))
    cards = wire.sessions(wire.plain(rows))
    for card, row in zip(cards, rows, strict=True):
        card["counts"] = {name: counts.get(row.pk, 0) for name, counts in held.items()}
        card["surveyorName"] = names.get(row.surveyor_id)
        card["reviewerId"] = row.reviewer_id
        card["findings"] = row.findings
        card |= {
            "governorateId": row.governorate_id,
            "districtId": row.district_id,
            "subDistrictId": row.sub_district_id,
        }
    return cards


def _counted(rows: "QuerySet[Any]") -> dict[UUID, int]:
    return dict(rows.order_by().values_list("session").annotate(n=Count("pk")))


def point_list(*, user: User, session: UUID, flag: str = "") -> QuerySet[SurveyPoint]:
    """In the order of their numbers. Raises NotFound for a session out of sight."""
    found = access.session_for(user, session)
    rows = SurveyPoint.objects.filter(_flagged(flag), organization=found.organization_id, session=found)
    return rows.filter(deleted_at=None).order_by("number", "id")


def geometry_list(*, user: User, session: UUID, flag: str = "") -> QuerySet[SurveyGeometry]:
    found = access.session_for(user, session)
    rows = SurveyGeometry.objects.filter(_flagged(flag), organization=found.organization_id, session=found)
    return rows.filter(deleted_at=None).order_by("number", "id")


def attachment_list(*, user: User, session: UUID, flag: str = "") -> QuerySet[SurveyAttachment]:
    """With the blobs at hand."""
    found = access.session_for(user, session)
    rows = SurveyAttachment.objects.filter(_flagged(flag), organization=found.organization_id, session=found)
    rows = rows.filter(deleted_at=None).order_by("created_at", "id")
    return rows.select_related("original", "rendition", "thumbnail")


def _flagged(flag: str) -> Q:
    return Q(flags__contains=[flag]) if flag else Q()
