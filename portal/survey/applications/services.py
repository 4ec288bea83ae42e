"""Applications, and sending surveyors to them (contract of the rooms, section 2)."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.common.errors import Conflict, DomainError, Errors, Invalid
from portal.core.common.ids import parse_uuid
from portal.core.common.text import normalise
from portal.core.geo import units
from portal.core.geo.models import GeoUnit
from portal.core.notifications.events import publish
from portal.core.projects import services as projects
from portal.core.projects.choices import TaskStatus
from portal.core.sync import fields, records
from portal.core.sync.engine import Batch, Change
from portal.core.sync.fields import Field
from portal.core.sync.registry import Row
from portal.core.tenancy import scope
from portal.core.tenancy.services import next_numbers
from portal.survey import access
from portal.survey.applications.models import Application, Dispatch
from portal.survey.areas.denials import Attempt, refusal
from portal.survey.areas.scoping import Decision
from portal.survey.choices import ServiceType
from portal.survey.sessions import parsing
from portal.survey.sessions.models import SurveySession

_REQUIREMENTS: Final = 100


def _requirements(value: Any, zone: str) -> list[str]:
    if not isinstance(value, list) or len(value) > _REQUIREMENTS:
        raise fields.Refused(_("Must be a list of at most %(limit)d texts.") % {"limit": _REQUIREMENTS})
    parse = fields.text(500)
    return [text for item in value if (text := parse(item, zone))]


FIELDS: Final = fields.fields(
    Field("applicationNumber", "application_number", fields.text(60), empty=""),
    Field("applicantName", "applicant_name", fields.text(200), required=True),
    Field("applicantPhone", "applicant_phone", fields.text(50), empty=""),
    Field("serviceType", "service_type", fields.choice(ServiceType.values), required=True),
    Field("plotNumber", "plot_number", fields.text(60), empty=""),
    Field("coordinates.lat", "latitude", parsing.number(-90, 90), required=True),
    Field("coordinates.lng", "longitude", parsing.number(-180, 180), required=True),
    Field("coordinates.accuracy", "accuracy", parsing.number(0, parsing.METRES)),
    Field("requirements", "requirements", _requirements, empty=[]),
    Field("instructions", "instructions", fields.text(20_000), empty=""),
)


@transaction.atomic
def application_create(*, data: Mapping[str, Any], by: User) -> Application:
    """Register an application; without a number it gets one. Raises Invalid, GEOGRAPHIC_BOUNDS_ERROR (400),
    LBAC_VIOLATION (403) outside of the writer's areas, Conflict for a number that is taken."""
    records.may(by, "applications.edit")
    columns = _columns(data, complete=True)
    row = Application(organization_id=scope.organization_id(), created_by=by, **columns)
    if not row.application_number:
        (count,) = next_numbers(f"application {clock.now().year}")
        row.application_number = f"APP-{clock.now().year}-{count:06d}"
    _place(row, data, by)
    return _save(row)


@transaction.atomic
def application_update(*, id: UUID, data: Mapping[str, Any], by: User, version: int | None = None) -> Application:
    """Absent fields stay. Another place moves the open sessions' area no more: they keep the one they began in. Raises
    what `application_create` does, NotFound, VERSION_CONFLICT."""
    records.may(by, "applications.edit")
    access.application_for(by, id)
    row = Application.objects.select_for_update(no_key=True).get(pk=id)
    if version is not None and version != row.version:
        raise Conflict(_("This record has been changed in the meantime."), meta={"currentVersion": row.version})
    columns = _columns(data, complete=False)
    if not columns.get("application_number", "-"):
        del columns["application_number"]
    moved = any(columns.get(name, getattr(row, name)) != getattr(row, name) for name in ("latitude", "longitude"))
    for name, value in columns.items():
        setattr(row, name, value)
    if moved or "neighborhoodId" in data:
        _place(row, data, by)
    row.version += 1
    made = _save(row)
    if moved:
        Dispatch.objects.filter(application=row).update(updated_at=clock.now(), **_units(row))
    return made


@transaction.atomic
def application_delete(*, id: UUID, by: User) -> None:
    """Raises Conflict (IN_USE) while tasks or sessions hang on it."""
    records.may(by, "applications.delete")
    row = access.application_for(by, id)
    tasks = Dispatch.objects.filter(application=row, task__deleted_at=None).exclude(task__status=TaskStatus.CANCELLED)
    if tasks.exists() or SurveySession.objects.filter(application=row, deleted_at=None).exists():
        raise Conflict(_("Tasks or survey sessions belong to this application."), code="IN_USE")
    row.deleted_at, row.deleted_by = clock.now(), by
    row.version += 1
    row.save(update_fields=["deleted_at", "deleted_by", "version", "updated_at"])
    publish("application.changed", entity="application", id=row.pk, data={"deleted": True})


@transaction.atomic
def application_restore(*, id: UUID, by: User) -> Application:
    """Raises Denied, NotFound. Its number was never given to another one."""
    rows = access.applications_seen(by, deleted=True)
    row = records.to_restore(rows, id=id, by=by, right="applications.delete")
    if row.deleted_at is not None:
        row.deleted_at = row.deleted_by = None
        row.version += 1
        row.save(update_fields=["deleted_at", "deleted_by", "version", "updated_at"])
        publish("application.changed", entity="application", id=row.pk, data={"deleted": False})
    return row


def _columns(data: Mapping[str, Any], *, complete: bool) -> dict[str, Any]:
    errors = Errors()

    def refuse(code: str, text: str, name: str) -> None:
        errors.add(name, text)

    flat = parsing.flat(data, "coordinates", refuse)
    if complete and data.get("coordinates") is None:
        errors.add("coordinates", _("This field is required."))
        flat |= {"coordinates.lat": 0, "coordinates.lng": 0}
    columns = fields.read(flat, FIELDS, zone="UTC", complete=complete, refuse=refuse)
    errors.raise_any()
    return columns


def _place(row: Application, data: Mapping[str, Any], by: User) -> None:
    """The units follow from the coordinates; a neighbourhood may be named, since few have a boundary."""
    index = units.index()
    found = index.bounds(row.longitude, row.latitude)
    if not found.accepted:
        raise DomainError(
            found.message, code="GEOGRAPHIC_BOUNDS_ERROR", errors=Invalid.field("coordinates", found.message).errors
        )
    (place,) = index.locate([row.longitude], [row.latitude])
    row.governorate_id, row.district_id, row.sub_district_id = place.governorate, place.district, place.sub_district
    row.neighborhood_id = _neighborhood(data.get("neighborhoodId"), place.sub_district)
    area = access.area_of(by)
    if not area.everything and not area.covers([row])[0]:
        decision = Decision(False, "APPLICATION_AREA", distance_outside_m=None, dataset=index.id, units=area.codes)
        raise refusal(decision, Attempt(user=by, lon=row.longitude, lat=row.latitude, accuracy=row.accuracy))


def _neighborhood(said: object, above: UUID | None) -> UUID | None:
    if said is None:
        return None
    id = parse_uuid(said)
    if id is None or not GeoUnit.objects.filter(pk=id, parent=above, level="neighborhood").exists():
        raise Invalid.field("neighborhoodId", _("It is no neighbourhood of the place's sub-district."))
    return id


def _units(row: Any) -> dict[str, UUID | None]:
    return {f"{level}_id": getattr(row, f"{level}_id") for level in ("governorate", "district", "sub_district")} | {
        "neighborhood_id": row.neighborhood_id
    }


def _save(row: Application) -> Application:
    words = (row.application_number, row.applicant_name, row.applicant_phone, row.plot_number)
    row.search_text = "\n".join(normalise(text) for text in words)
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        if "application_number_once" not in str(error):
            raise
        text = _("There is an application with this number.")
        raise Conflict(text, code="DUPLICATE", errors=Invalid.field("applicationNumber", text).errors) from error
    publish("application.changed", entity="application", id=row.pk)
    return row


# --- tasks ------------------------------------------------------------------------------------------------------------
@transaction.atomic
def dispatch_create(*, data: Mapping[str, Any], by: User) -> tuple[Row, bool]:
    """Send a surveyor to an application: a task of core that belongs to it. The stored task, and False where its
    `localSyncId` was known.

    `data`: `applicationId`, `assignedTo` and the other fields of a task. What the application asks for stands in for
    title, instructions and requirements. Raises NotFound, Invalid, LBAC_VIOLATION (422) where the application lies
    outside of the surveyor's areas.
    """
    records.may(by, "applications.edit")
    application = access.application_for(by, parse_uuid(data.get("applicationId")) or UUID(int=0))
    given = {name: value for name, value in data.items() if name != "applicationId"}
    given.setdefault("title", f"{application.application_number} · {application.applicant_name}"[:200])
    given.setdefault("instructions", application.instructions)
    given.setdefault("requirements", application.requirements)
    person = parse_uuid(given.get("assignedTo"))
    if person is None:
        raise Invalid.field("assignedTo", _("Say to whom the task is assigned."))
    _refuse_outside(application, person)
    row, created = projects.task_create(data=given, by=by)
    if created:
        Dispatch.objects.create(
            organization_id=application.organization_id,
            task_id=row["id"],
            application=application,
            **_units(application),
        )
        publish("application.changed", entity="application", id=application.pk)
    return row, created


def _refuse_outside(application: Application, person: UUID) -> None:
    if why := _outside(application, person):
        raise DomainError(why, code="LBAC_VIOLATION", status=422, errors=Invalid.field("assignedTo", why).errors)


def _outside(application: Application, person: UUID) -> str:
    """Why a person may not be sent to an application, '' where they may."""
    user = User.objects.select_related("role").filter(pk=person, organization_id=scope.organization_id()).first()
    if user is None:  # core says so of the task
        return ""
    area = access.area_of(user)
    if area.everything or area.covers([application])[0]:
        return ""
    return _("%(name)s has no area that holds this application.") % {"name": user.name}


def guard_tasks(batch: Batch, changes: list[Change]) -> None:
    """Whoever gets the task of an application has an area that holds it, by whatever door the task is given."""
    given = {
        change.id: change.row["assigned_to_id"]
        for change in changes
        if change.row
        and change.current
        and change.row["assigned_to_id"]
        and change.row["assigned_to_id"] != change.current["assigned_to_id"]
    }
    if not given:
        return
    sent = {
        row.task_id: row.application for row in Dispatch.objects.filter(task__in=given).select_related("application")
    }
    for change in changes:
        if change.id in sent and change.id in given and (why := _outside(sent[change.id], given[change.id])):
            change.refuse("LBAC_VIOLATION", why, "assignedTo")
