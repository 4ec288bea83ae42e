"""Reads of applications and of the tasks that were made of them."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.core import signing
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from portal.core.accounts.models import User
from portal.core.common.clock import parse_moment
from portal.core.common.clock import wire as stamp
from portal.core.common.errors import Invalid
from portal.core.common.ids import parse_uuid
from portal.core.common.text import normalise
from portal.core.files import selectors as files
from portal.core.files.models import FileLink
from portal.core.files.serving import signed_url
from portal.core.geo.models import GeoUnit
from portal.core.projects.choices import TaskStatus
from portal.core.projects.models import Task
from portal.survey import access
from portal.survey.applications.models import Application, Dispatch
from portal.survey.choices import DispatchDetail

LINK_SECONDS: Final = 300
_UNITS: Final = ("governorate", "district", "sub_district", "neighborhood")
_SALT: Final = "survey.tasks"
# The four words of specification 004 for the task; cancelled ones are not shown (C56).
WIRE_STATUS: Final = ("assigned", "in_progress", "completed", "submitted")


def application_list(
    *,
    user: User,
    search: str = "",
    service_type: str = "",
    governorate: UUID | None = None,
    district: UUID | None = None,
    sub_district: UUID | None = None,
    number: str = "",
    plot: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
) -> QuerySet[Application]:
    """Those within the person's areas, newest first; `until` is exclusive."""
    rows = access.applications_seen(user)
    for word in normalise(search).split():
        rows = rows.filter(search_text__contains=word)
    wanted = {
        "service_type": service_type or None,
        "governorate_id": governorate,
        "district_id": district,
        "sub_district_id": sub_district,
        "application_number": number or None,
        "plot_number": plot or None,
        "created_at__gte": since,
        "created_at__lt": until,
    }
    return rows.filter(**{name: value for name, value in wanted.items() if value is not None})


def application_cards(rows: Iterable[Application]) -> list[dict[str, Any]]:
    """On the wire, with the names of the units."""
    found = list(rows)
    names = unit_names(found)
    return [
        {
            "id": row.pk,
            "applicationNumber": row.application_number,
            "applicantName": row.applicant_name,
            "applicantPhone": row.applicant_phone,
            "serviceType": row.service_type,
            "plotNumber": row.plot_number,
            "coordinates": {"lat": row.latitude, "lng": row.longitude, "accuracy": row.accuracy},
            "governorateId": row.governorate_id,
            "districtId": row.district_id,
            "subDistrictId": row.sub_district_id,
            "neighborhoodId": row.neighborhood_id,
            "location": location(row, names),
            "requirements": row.requirements,
            "instructions": row.instructions,
            "createdByUserId": row.created_by_id,
            "createdAt": stamp(row.created_at),
            "updatedAt": stamp(row.updated_at),
            "version": row.version,
        }
        for row in found
    ]


def unit_names(rows: Iterable[Any]) -> dict[UUID, str]:
    """Names of the units of rows, in the language of the request."""
    ids = {getattr(row, f"{level}_id") for row in rows for level in _UNITS} - {None}
    return {unit.pk: unit.name for unit in GeoUnit.objects.filter(pk__in=ids).only("id", "name_en", "name_ar")}


def location(row: Any, names: dict[UUID, str]) -> dict[str, str]:
    said = {"sub_district": "subDistrict"}
    return {said.get(level, level): names.get(getattr(row, f"{level}_id"), "") for level in _UNITS} | {
        "plotNumber": row.plot_number
    }


# --- tasks of a surveyor ----------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class TaskPage:
    tasks: list[dict[str, Any]]
    more: bool
    cursor: str
    total: int


def surveyor_tasks(
    *, user: User, statuses: Collection[str] = (), since: datetime | None = None, limit: int = 20, cursor: str = ""
) -> TaskPage:
    """The tasks that are assigned to a person within their areas, newest assignment first (004, "Get Assigned Tasks").

    `statuses` are the four words of the wire. Raises Invalid for another word, or a cursor that is none.
    """
    rows = (
        Dispatch.objects.filter(access.area_of(user).q("application__"), task__assigned_to=user)
        .filter(task__deleted_at=None, application__deleted_at=None)
        .exclude(task__status=TaskStatus.CANCELLED)
    )
    if unknown := set(statuses) - set(WIRE_STATUS):
        message = _("Must be one of: %(allowed)s.") % {"allowed": ", ".join(WIRE_STATUS)}
        raise Invalid.field("status", f"{message} ({', '.join(sorted(unknown))})")
    if statuses:
        wanted = set(statuses) | ({TaskStatus.PENDING.value} if "assigned" in statuses else set())
        rows = rows.filter(task__status__in=wanted)
    if since is not None:
        rows = rows.filter(task__assigned_at__gt=since)
    total = rows.count()
    if cursor:
        at, id = _place(cursor, user)
        rows = rows.filter(Q(task__assigned_at__lt=at) | Q(task__assigned_at=at, task__lt=id))
    found = list(rows.select_related("task", "application").order_by("-task__assigned_at", "-task_id")[: limit + 1])
    more, found = len(found) > limit, found[:limit]
    last = found[-1].task if found else None
    following = _cursor(last, user) if more and last else ""
    return TaskPage(_task_cards(found), more, following, total)


def _cursor(task: Task, user: User) -> str:
    return signing.dumps([str(user.pk), stamp(task.assigned_at), str(task.pk)], salt=_SALT, compress=False)


def _place(cursor: str, user: User) -> tuple[datetime, UUID]:
    try:
        owner, at, id = signing.loads(cursor, salt=_SALT)
    except (signing.BadSignature, ValueError, TypeError):
        owner = at = id = None
    moment, found = parse_moment(at), parse_uuid(id)
    if owner != str(user.pk) or moment is None or found is None:
        raise Invalid.field("cursor", _("This is not a cursor that the server gave."))
    return moment, found


def _task_cards(rows: Sequence[Dispatch]) -> list[dict[str, Any]]:
    names = unit_names([row.application for row in rows])
    held = _files(rows)
    return [
        {
            "taskId": row.task_id,
            "applicationId": row.application_id,
            "applicationNumber": row.application.application_number,
            "applicantName": row.application.applicant_name,
            "applicantPhone": row.application.applicant_phone,
            "serviceType": row.application.service_type,
            "priority": row.task.priority,
            "assignedAt": stamp(row.task.assigned_at),
            "dueDate": stamp(row.task.due_date),
            "isOverdue": row.task.overdue,
            "estimatedDuration": row.task.estimated_duration,
            "location": location(row.application, names),
            "coordinates": {
                "lat": row.application.latitude,
                "lng": row.application.longitude,
                "accuracy": row.application.accuracy,
            },
            "attachments": held[row.task_id],
            "instructions": row.task.instructions or row.application.instructions,
            "requirements": row.task.requirements or row.application.requirements,
            "status": "assigned" if row.task.status == TaskStatus.PENDING else row.task.status,
            "statusDetail": row.status_detail or None,
            "remarks": row.remarks if row.status_detail == DispatchDetail.RETURNED else [],
            "lastUpdated": stamp(max(row.task.updated_at, row.updated_at, row.application.updated_at)),
        }
        for row in rows
    ]


def _files(rows: Sequence[Dispatch]) -> dict[UUID, list[dict[str, Any]]]:
    """The files of the tasks and of their applications, with addresses for five minutes."""
    of: dict[UUID, list[UUID]] = defaultdict(list)
    for row in rows:
        of[row.task_id].append(row.task_id)
        of[row.application_id].append(row.task_id)
    found: dict[UUID, list[dict[str, Any]]] = defaultdict(list)
    linked = FileLink.objects.filter(
        kind__in=("application", "task"), record_id__in=list(of), file__deleted_at=None, file__current__isnull=False
    ).select_related("file__current__blob")
    for link in linked.order_by("created_at", "id"):
        version = link.file.current
        assert version is not None
        open_to_all = not files.why_not(version=version, user=None)
        url = (
            signed_url(
                blob=version.blob,
                filename=version.filename,
                content_type=version.content_type,
                seconds=LINK_SECONDS,
            ).url
            if open_to_all
            else None
        )
        card = {"id": link.file_id, "filename": version.filename, "fileType": version.content_type, "downloadUrl": url}
        for task in of[link.record_id]:
            found[task].append(card)
    return found


def with_applications(cards: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Cards of core's tasks with `applicationId` and `statusDetail`, null for tasks of no application."""
    sent = {row.task_id: row for row in Dispatch.objects.filter(task__in=[card["id"] for card in cards])}
    return [
        {
            **card,
            "applicationId": row.application_id if (row := sent.get(card["id"])) else None,
            "statusDetail": (row.status_detail or None) if row else None,
        }
        for card in cards
    ]
