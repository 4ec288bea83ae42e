"""Writes of assigned areas. Each takes effect with its commit: nothing about them is kept outside of the database."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.common.errors import Conflict, Denied, Errors, NotFound
from portal.core.common.ids import parse_uuid
from portal.core.geo.models import GeoDataset, GeoUnit
from portal.core.notifications.events import publish
from portal.core.tenancy import scope
from portal.survey.areas.models import LEVELS, GeoAssignment

_WIRE = ("governorateId", "districtId", "subDistrictId", "neighborhoodId")
_listeners: list[Callable[[UUID], object]] = []


def on_change(listener: Callable[[UUID], object]) -> None:
    """`listener(user_id)` is called in the transaction that changes what a person may reach."""
    _listeners.append(listener)


@transaction.atomic
def assignment_create(*, data: Mapping[str, Any], by: User) -> GeoAssignment:
    """Assign a unit to a person: `userId, governorateId, districtId?, subDistrictId?, neighborhoodId?, validFrom?,
    validTo?`. Raises Invalid for units that do not lie in each other, Conflict for what the person has already."""
    _may(by, "geo.assign")
    errors = Errors()
    user = _person(data.get("userId"), errors)
    units = _units(data, errors)
    since, until = _period(data, errors, clock.now(), None)
    errors.raise_any()
    row = GeoAssignment(
        organization_id=scope.organization_id(), user=user, valid_from=since, valid_to=until, created_by=by, **units
    )
    return _save(row)


@transaction.atomic
def assignment_update(*, id: UUID, data: Mapping[str, Any], by: User) -> GeoAssignment:
    """Another period or unit; absent fields stay, null clears. A unit is named from the governorate down."""
    _may(by, "geo.assign")
    row = _row(id)
    errors = Errors()
    if "userId" in data and parse_uuid(data["userId"]) != row.user_id:
        errors.add("userId", _("An assignment stays with its person: make a new one."))
    if any(name in data for name in _WIRE):
        named = {wire: data.get(wire, getattr(row, f"{level}_id")) for wire, level in zip(_WIRE, LEVELS, strict=True)}
        for level, unit in _units(named, errors).items():
            setattr(row, level, unit)
    row.valid_from, row.valid_to = _period(data, errors, row.valid_from, row.valid_to)
    errors.raise_any()
    return _save(row)


@transaction.atomic
def assignment_delete(*, id: UUID, by: User) -> None:
    """End an assignment now. The row stays: what was captured before is judged by it."""
    _may(by, "geo.unassign")
    row = _row(id)
    row.deleted_at, row.deleted_by = clock.now(), by
    row.save(update_fields=["deleted_at", "deleted_by", "updated_at"])
    _tell(row)


@transaction.atomic
def assignment_end(*, id: UUID, by: User) -> GeoAssignment:
    """Let an assignment end now. Raises Conflict for one that has ended."""
    _may(by, "geo.assign")
    row, now = _row(id), clock.now()
    if row.valid_to and row.valid_to <= now:
        raise Conflict(_("This assignment has ended already."), code="ENDED")
    if row.valid_from >= now:
        raise Conflict(_("This assignment has not begun: delete it."), code="NOT_BEGUN")
    row.valid_to = now
    return _save(row)


def _may(by: User, permission: str) -> None:
    if not by.has_permission(permission):
        raise Denied(_("You may not assign areas."), meta={"permission": permission})


def _row(id: UUID) -> GeoAssignment:
    found = GeoAssignment.objects.select_for_update().filter(pk=id, deleted_at=None).first()
    if found is None:
        raise NotFound(_("There is no such assignment."))
    return found


def _person(given: object, errors: Errors) -> User | None:
    people = User.objects.filter(organization_id=scope.organization_id(), is_active=True, deleted_at=None)
    id = parse_uuid(given)
    found = people.filter(pk=id).first() if id else None
    if found is None:
        errors.add("userId", _("Choose an active person of your organisation."))
    return found


def _units(data: Mapping[str, Any], errors: Errors) -> dict[str, GeoUnit | None]:
    """The four units by level, each a part of the one before and of the boundaries in force."""
    wanted = [parse_uuid(data.get(wire)) for wire in _WIRE]
    active = GeoDataset.objects.filter(active=True).values("pk")
    held = {
        row.pk: row
        for row in GeoUnit.objects.defer("boundary").filter(pk__in=[id for id in wanted if id], dataset__in=active)
    }
    found: dict[str, GeoUnit | None] = {}
    above: GeoUnit | None = None
    complete = True
    for wire, level, id in zip(_WIRE, LEVELS, wanted, strict=True):
        unit = held.get(id) if id else None
        if unit is None and (data.get(wire) is not None or level == LEVELS[0]):
            errors.add(wire, _("There is no such administrative unit in the boundaries in force."))
        elif unit and unit.level != level:
            errors.add(wire, _("This unit is on another level: %(level)s.") % {"level": unit.get_level_display()})
        elif unit and not complete:
            errors.add(wire, _("Name the unit above it, too."))
        elif unit and above and unit.parent_id != above.pk:
            errors.add(wire, _("This unit is not a part of %(unit)s.") % {"unit": above.name})
        complete &= unit is not None
        found[level], above = unit, unit
    return found


def _period(
    data: Mapping[str, Any], errors: Errors, since: datetime, until: datetime | None
) -> tuple[datetime, datetime | None]:
    def moment(name: str, held: datetime | None) -> datetime | None:
        if name not in data:
            return held
        given = data[name]
        found = given if isinstance(given, datetime) and given.tzinfo else clock.parse_moment(given)
        if given is not None and found is None:
            errors.add(name, _("Enter a date and time with its offset, as in 2026-02-01T08:00:00Z."))
        return found

    begins, ends = moment("validFrom", since) or since, moment("validTo", until)
    if ends and ends <= begins:
        errors.add("validTo", _("It must end after it begins."))
    return begins, ends


def _save(row: GeoAssignment) -> GeoAssignment:
    row.code = row.unit.code
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        if "geoassignment_open_once" not in str(error):
            raise
        raise Conflict(_("This person has this area already."), code="DUPLICATE") from error
    _tell(row)
    return row


def _tell(row: GeoAssignment) -> None:
    for listener in _listeners:
        listener(row.user_id)
    publish("areas.changed", entity="geo_assignment", id=row.pk, data={"userId": str(row.user_id)}, users=[row.user_id])
