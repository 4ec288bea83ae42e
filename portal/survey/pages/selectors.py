"""What pages, exports and the features service read. Everything goes through the person's areas (`areas.scoping`)."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.utils.translation import gettext as _

from portal.core.accounts.models import User
from portal.core.audit.models import AuditEntry
from portal.core.common import clock
from portal.core.common.errors import NotFound
from portal.core.common.ids import parse_uuid
from portal.core.common.text import normalise
from portal.core.geo.models import GeoUnit
from portal.core.sync.models import Conflict
from portal.core.tenancy import scope as tenancy
from portal.survey.access import applications_seen, sessions_seen
from portal.survey.areas.models import GeoAssignment
from portal.survey.areas.permissions import EVERYWHERE
from portal.survey.choices import AttachmentType
from portal.survey.flags import LEVELS, label_of, level_of
from portal.survey.models import (
    Application,
    Dispatch,
    ReviewRemark,
    SurveyAttachment,
    SurveyGeometry,
    SurveyPoint,
    SurveySession,
)
from portal.survey.science.quality import WEIGHTS

NO_FLAG: Final = "none"
# A task's word on the state of its application, besides `open` (no task) and what the office said of the work.
OPEN: Final = "open"
STATES: Final = ("open", "assigned", "in_progress", "submitted", "returned", "approved", "rejected")
_ENTITIES: Final = ("session", "point", "geometry", "attachment")


def application_get(*, id: UUID, user: User) -> Application:
    """With its state. Raises NotFound."""
    found = with_state(applications_seen(user)).select_related("created_by").filter(pk=id).first()
    if found is None:
        raise NotFound(_("There is no such application."))
    return found


def within_unit(unit: object) -> Q:
    """Rows in an administrative unit, by id; nothing for one that is not known. A code stands for the same place in
    every dataset, so rows that were written with older boundaries are found too."""
    id = parse_uuid(unit)
    code = GeoUnit.objects.filter(pk=id).values_list("code", "level").first() if id else None
    if code is None:
        return Q(pk__in=[])
    ids = list(GeoUnit.objects.filter(code=code[0]).values_list("pk", flat=True))
    return Q(**{f"{code[1]}_id__in": ids})


def place_words(row: Any, names: dict[UUID, str]) -> str:
    """Governorate, district, sub-district of a row, as far as known."""
    ids = (row.governorate_id, row.district_id, row.sub_district_id)
    return " › ".join(names[id] for id in ids if id in names)


def with_state(rows: QuerySet[Application]) -> QuerySet[Application]:
    """With `state` (of `STATES`), `task_id`, `assignee_name` and `task_due`, by the newest task of each."""
    newest = Dispatch.objects.filter(application=OuterRef("pk"), task__deleted_at=None).exclude(
        task__status="cancelled"
    ).order_by("-created_at", "-id")  # fmt: skip
    return rows.annotate(
        dispatch_detail=Subquery(newest.values("status_detail")[:1]),
        task_status=Subquery(newest.values("task__status")[:1]),
        task_id=Subquery(newest.values("task")[:1]),
        assignee_name=Subquery(newest.values("task__assigned_to__name")[:1]),
        task_due=Subquery(newest.values("task__due_date")[:1]),
    )


def state_of(row: Any) -> str:
    """The state of an application that `with_state` annotated."""
    if row.dispatch_detail in ("approved", "returned", "rejected"):
        return str(row.dispatch_detail)
    return {None: "open", "in_progress": "in_progress", "completed": "in_progress", "submitted": "submitted"}.get(
        row.task_status, "assigned"
    )


_STATE: Final[dict[str, Q]] = {
    "open": Q(task_status=None),
    "approved": Q(dispatch_detail="approved"),
    "returned": Q(dispatch_detail="returned"),
    "rejected": Q(dispatch_detail="rejected"),
    "submitted": Q(task_status="submitted") & ~Q(dispatch_detail__in=("approved", "returned", "rejected")),
    "in_progress": Q(task_status__in=("in_progress", "completed")) & ~Q(dispatch_detail="returned"),
    "assigned": Q(task_status__in=("pending", "assigned")) & ~Q(dispatch_detail="returned"),
}


def application_list(
    *,
    user: User,
    search: str = "",
    service: str = "",
    unit: object = None,
    state: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
) -> QuerySet[Application]:
    """Newest first; `search` in number, applicant, telephone and plot."""
    rows = with_state(applications_seen(user))
    for word in normalise(search).split():
        rows = rows.filter(search_text__contains=word)
    if service:
        rows = rows.filter(service_type=service)
    if unit:
        rows = rows.filter(within_unit(unit))
    if since:
        rows = rows.filter(created_at__gte=since)
    if until:
        rows = rows.filter(created_at__lt=until)
    return rows.filter(_STATE[state]) if state in _STATE else rows


def as_text(chosen: Mapping[str, Any]) -> dict[str, Any]:
    """What `session_list` was asked for, as a job can carry it; what was not asked for is left out."""

    def plain(value: Any) -> Any:
        if isinstance(value, list | tuple):
            return [str(part) for part in value]
        return value if isinstance(value, bool) else clock.wire(value) if isinstance(value, datetime) else str(value)

    return {name: plain(value) for name, value in chosen.items() if value not in (None, "", (), [])}


def session_list(
    *,
    user: User,
    ids: Collection[UUID | str] = (),
    search: str = "",
    statuses: Collection[str] = (),
    surveyor: UUID | str | None = None,
    unit: UUID | str | None = None,
    survey_type: str = "",
    application: UUID | str | None = None,
    flags: Collection[str] = (),
    conflict: bool | None = None,
    quality: str = "",
    since: datetime | str | None = None,
    until: datetime | str | None = None,
    submitted_since: datetime | str | None = None,
    submitted_until: datetime | str | None = None,
) -> QuerySet[SurveySession]:
    """Sessions that a person sees. Any of `flags` matches, `none` stands for sessions without one; `conflict`: with a
    version of a device that waits for a decision; `quality` is `low` (below 60), `middle` or `high` (80 and more)."""
    rows = sessions_seen(user)
    for word in normalise(search).split():
        rows = rows.filter(search_text__contains=word)
    if unit:
        rows = rows.filter(within_unit(unit))
    if flags:
        wanted = Q(flags=[]) if NO_FLAG in flags else Q(pk=None)
        for flag in flags:
            wanted |= Q(flags__contains=[flag])
        rows = rows.filter(wanted)
    if conflict is not None:
        told = Q(pk__in=conflicting())
        rows = rows.filter(told if conflict else ~told)
    bounds = {"low": Q(quality_score__lt=60), "middle": Q(quality_score__gte=60, quality_score__lt=80)}
    if quality:
        rows = rows.filter(bounds.get(quality, Q(quality_score__gte=80)))
    exact = {
        "pk__in": list(ids) or None,
        "status__in": list(statuses) or None,
        "surveyor": surveyor or None,
        "survey_type": survey_type or None,
        "application": application or None,
        "started_at__gte": since or None,
        "started_at__lt": until or None,
        "submitted_at__gte": submitted_since or None,
        "submitted_at__lt": submitted_until or None,
    }
    return rows.filter(**{name: value for name, value in exact.items() if value is not None})


def conflicting() -> list[UUID]:
    """Sessions with an open conflict, on themselves or on something in them. There are never many."""
    found: set[UUID] = set()
    held: dict[str, list[UUID]] = {}
    waiting = Conflict.objects.filter(resolution=Conflict.Resolution.OPEN, resolved_at=None, entity__in=_ENTITIES)
    for entity, id in waiting.values_list("entity", "record_id"):
        held.setdefault(entity, []).append(id)
    found.update(held.get("session", ()))
    for entity, model in _MODELS.items():
        if entity in held:
            found.update(model._default_manager.filter(pk__in=held[entity]).values_list("session_id", flat=True))
    return sorted(found)


_MODELS: Final[dict[str, Any]] = {"point": SurveyPoint, "geometry": SurveyGeometry, "attachment": SurveyAttachment}


def surveyors() -> list[User]:
    """People of the organisation who survey in the field, by name."""
    rows = User.objects.filter(organization_id=tenancy.organization_id(), deleted_at=None, is_active=True)
    found = rows.select_related("role", "organization").order_by("name", "id")
    return [person for person in found if person.has_permission("sessions.capture")]


def covering(applications: Sequence[Application]) -> dict[UUID, set[UUID]]:
    """Of each application, the people whose areas hold its place today. Two queries and the people."""
    now = clock.now()
    held = GeoAssignment.objects.filter(deleted_at=None, valid_from__lte=now).exclude(valid_to__lte=now)
    reach: dict[UUID, set[UUID]] = {}  # unit -> people
    codes: dict[str, set[UUID]] = {}
    for code, person in held.values_list("code", "user_id"):
        codes.setdefault(code, set()).add(person)
    for id, code in GeoUnit.objects.filter(code__in=codes).values_list("pk", "code"):
        reach.setdefault(id, set()).update(codes[code])
    everywhere = {person.pk for person in surveyors() if person.has_permission(EVERYWHERE)}
    return {
        row.pk: everywhere.union(
            *(reach.get(id, ()) for id in (row.governorate_id, row.district_id, row.sub_district_id) if id)
        )
        for row in applications
    }


def surveyors_with_sessions(user: User) -> QuerySet[User]:
    """Who surveyed what the person sees, for filters."""
    return User.objects.filter(pk__in=sessions_seen(user).order_by().values("surveyor").distinct()).order_by(
        "name", "id"
    )


def tasks_of(application: Application) -> QuerySet[Dispatch]:
    """Survey tasks of an application, the newest first."""
    rows = Dispatch.objects.filter(application=application, task__deleted_at=None)
    return rows.select_related("task__assigned_to").order_by("-created_at", "-id")


# --- what stands on the pages of one session --------------------------------------------------------
def session_history(session: SurveySession) -> QuerySet[AuditEntry]:
    """What happened to the session and what reviewers said, newest first. Its points have histories of their own."""
    remarks = [str(id) for id in ReviewRemark.objects.filter(session=session).values_list("pk", flat=True)[:1000]]
    rows: QuerySet[AuditEntry] = AuditEntry.objects.filter(
        Q(entity="session", object_pk=str(session.pk)) | Q(entity="review_remark", object_pk__in=remarks)
    )
    return rows.order_by("-timestamp", "-id")


def open_conflicts(session: SurveySession) -> int:
    """Versions of a device that wait for somebody's decision, of the session and of what it holds."""
    waiting = Conflict.objects.filter(resolution=Conflict.Resolution.OPEN, resolved_at=None)
    inside = Q(entity="session", record_id=session.pk)
    for entity, model in _MODELS.items():
        held = model._default_manager.filter(session=session).values("pk")
        inside |= Q(entity=entity, record_id__in=held)
    return waiting.filter(inside).count()


def attachment_get(*, session: UUID, id: UUID, user: User) -> SurveyAttachment:
    """Raises NotFound."""
    rows = SurveyAttachment.objects.filter(session__in=sessions_seen(user).values("pk"), session=session, pk=id)
    found = rows.filter(deleted_at=None).select_related("thumbnail", "rendition", "original", "session").first()
    if found is None:
        raise NotFound(_("There is no such file."))
    return found


def media_kinds(session: SurveySession) -> list[tuple[str, str, int]]:
    """Kind, its word, and how many, of what the session holds."""
    rows = SurveyAttachment.objects.filter(session=session, deleted_at=None).order_by()
    numbers = dict(rows.values_list("attachment_type").annotate(number=Count("pk")))
    return [(kind, str(word), numbers[kind]) for kind, word in AttachmentType.choices if kind in numbers]


def findings(session: SurveySession) -> list[dict[str, Any]]:
    """What the server found about the session and about what it holds, the gravest first: `code`, `level`, `word`, and
    of an item `what` and `id`."""
    found = [_finding(entry, "", "") for entry in session.findings]
    named = (
        (SurveyPoint, "number", lambda name: _("Point %(number)s") % {"number": name}),
        (SurveyGeometry, "number", lambda name: _("Shape %(number)s") % {"number": name}),
        (SurveyAttachment, "filename", str),
    )
    for model, column, word in named:
        rows = model._default_manager.filter(session=session, deleted_at=None).exclude(flags=[])
        for id, name, entries in rows.order_by(column, "id").values_list("pk", column, "findings")[:200]:
            found += [_finding(entry, word(name), str(id)) for entry in entries]
    return sorted(found, key=lambda entry: -LEVELS.index(entry["level"]))


def _finding(entry: Mapping[str, Any], what: str, id: str) -> dict[str, Any]:
    code = entry.get("code", "")
    return {"code": code, "level": level_of(code), "word": label_of(code), "what": what, "id": id}


def quality_parts(session: SurveySession) -> list[dict[str, Any]]:
    """The parts of the score: `key`, `weight` as a share, `score` 0 to 100 (`domain-survey.md` section 9)."""
    parts = session.quality_breakdown or {}
    return [
        {"key": key, "weight": f"{100 * weight:.0f} %", "score": 100 * parts[key]["share"]}
        for key, weight in WEIGHTS.items()
        if isinstance(parts.get(key), dict)
    ]
