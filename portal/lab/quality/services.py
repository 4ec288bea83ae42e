"""Writing of quality control. Values come under the columns' names; refusals name them as on the wire."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.common.errors import Conflict, Denied, Errors, Invalid
from portal.core.tenancy import scope
from portal.lab.models import Parameter
from portal.lab.quality.book import Reading, read_book
from portal.lab.quality.choices import Basis, Kind
from portal.lab.quality.models import AcceptanceCriterion, ControlMaterial, ControlTarget, QcResult
from portal.lab.rulebook import rulebook
from portal.lab.science.measurement import Measurement, MeasurementError, parse_measurement
from portal.lab.science.units import UnitError, canonical_unit, convert

_YEARS = (1900, 2200)


def may(by: User, permission: str) -> None:
    if not by.has_permission(permission):
        raise Denied(_("You do not have the right to do this."), meta={"permission": permission})


def material_save(*, material: ControlMaterial | None, data: Mapping[str, Any], by: User) -> ControlMaterial:
    """Create (`material` None) or change: name, lot, supplier, expires_on, notes, is_active. Raises Conflict where the
    lot is known already."""
    may(by, "qc.edit")
    row = material or ControlMaterial(organization_id=scope.organization_id())
    for name in ("name", "lot", "supplier", "expires_on", "notes", "is_active"):
        if name in data:
            setattr(row, name, data[name])
    errors = Errors()
    for name, length in (("name", 150), ("lot", 60)):
        text = getattr(row, name)
        if not text:
            errors.add(name, _("This field is required."))
        elif len(text) > length:
            errors.add(name, _("This text is too long."))
    errors.raise_any()
    _save(row, "lot", _("This lot of the material is registered already."))
    return row


def target_save(
    *, material: ControlMaterial, target: ControlTarget | None, data: Mapping[str, Any], by: User
) -> ControlTarget:
    """What a material holds of a parameter: `parameter` (only when it is new), unit, assigned, uncertainty, sd, basis,
    period_from, period_to. Raises Invalid, and Conflict for a parameter that the material has already."""
    may(by, "qc.edit")
    errors = Errors()
    row = target or ControlTarget(organization_id=scope.organization_id(), material=material)
    if target is None:
        row.parameter = _parameter(data.get("parameter"))
    old_unit = row.unit
    for name in ("unit", "assigned", "uncertainty", "sd", "basis", "period_from", "period_to"):
        if name in data:
            setattr(row, name, data[name])
    try:
        row.unit = canonical_unit(row.unit or row.parameter.unit)
        convert(Decimal(1), row.unit, row.parameter.unit, species=row.parameter.species or None)
    except UnitError as error:
        errors.add("unit", str(error))
    if target is not None and row.unit != old_unit and _measured(row):
        errors.add("unit", _("The chart has points in another unit."))
    if data.get("assigned", row.assigned) is None:
        errors.add("assigned", _("This field is required."))
    for name in ("uncertainty", "sd"):
        if (number := getattr(row, name)) is not None and number <= 0:
            errors.add(name, _("Must be greater than zero."))
    if row.basis == Basis.FIXED and row.fixed_sd is None:
        errors.add("sd", _("Give the standard deviation or the expanded uncertainty."))
    if row.basis == Basis.PERIOD:
        _check_period(row.period_from, row.period_to, errors)
    errors.raise_any()
    _save(row, "parameter", _("The material has this parameter already."))
    return row


def target_delete(*, target: ControlTarget, by: User) -> None:
    """Raises Conflict where its chart has points."""
    may(by, "qc.edit")
    if _measured(target):
        raise Conflict(_("It was measured already: take the material out of use instead."), code="IN_USE")
    target.delete()


def _measured(target: ControlTarget) -> bool:
    return QcResult.objects.filter(material=target.material_id, parameter=target.parameter_id).exists()


def _check_period(first: date | None, last: date | None, errors: Errors) -> None:
    for name, day in (("periodFrom", first), ("periodTo", last)):
        if day is None:
            errors.add(name, _("This field is required."))
        elif not _YEARS[0] <= day.year <= _YEARS[1]:
            errors.add(name, _("Must lie between the years 1900 and 2200."))
    if first and last and first > last:
        errors.add("periodTo", _("The period ends before it begins."))


def criterion_save(*, criterion: AcceptanceCriterion | None, data: Mapping[str, Any], by: User) -> AcceptanceCriterion:
    """When QC samples of `parameter` are accepted, with `method` or (empty) any. Raises Invalid, and Conflict where
    there is such a criterion already."""
    may(by, "qc.edit")
    errors = Errors()
    row = criterion or AcceptanceCriterion(organization_id=scope.organization_id())
    if criterion is None:
        row.parameter = _parameter(data.get("parameter"))
    names = ("blank_limit", "max_rpd", "spike_low", "spike_high", "control_low", "control_high")
    for name in ("method", "unit", *names):
        if name in data:
            setattr(row, name, data[name])
    if row.blank_limit is None:
        row.unit = ""
    else:
        try:
            row.unit = canonical_unit(row.unit or row.parameter.unit)
            convert(Decimal(1), row.unit, row.parameter.unit, species=row.parameter.species or None)
        except UnitError as error:
            errors.add("unit", str(error))
    for name in names:
        number = getattr(row, name)
        if number is not None and (number < 0 or (name != "blank_limit" and number > 100_000)):
            errors.add(_wire(name), _("Must lie between 0 and 100 000."))
    for low, high in (("spike_low", "spike_high"), ("control_low", "control_high")):
        ends = (getattr(row, low), getattr(row, high))
        if None not in ends and ends[0] > ends[1]:
            errors.add(_wire(high), _("The highest is below the lowest."))
    if all(getattr(row, name) is None for name in names):
        errors.add("maxRpd", _("Give at least one limit."))
    errors.raise_any()
    _save(row, "method", _("There is a criterion for this parameter and method already."))
    return row


def criterion_delete(*, criterion: AcceptanceCriterion, by: User) -> None:
    may(by, "qc.edit")
    criterion.delete()


def qc_record(*, data: Mapping[str, Any], by: User) -> QcResult:
    """A QC result that belongs to no worksheet, such as an instrument's daily control: kind, parameter, material (of a
    control), value, unit, measured_at, analyst_name, method, instrument, added (of a spike), compared (the value that a
    duplicate or spike is compared with, in the same unit). Raises Invalid."""
    may(by, "worksheets.edit")
    errors = Errors()
    parameter = _parameter(data.get("parameter"))
    row = QcResult(
        organization_id=scope.organization_id(),
        kind=data["kind"],
        parameter=parameter,
        measured_at=data.get("measured_at") or clock.now(),
        created_by=by,
        added=data.get("added"),
    )
    for name in ("analyst_name", "method", "instrument"):
        setattr(row, name, data.get(name) or "")
    if row.kind == Kind.CONTROL:
        row.material = ControlMaterial.objects.filter(pk__in=[data.get("material")]).first()
        if row.material is None:
            raise Invalid.field("materialId", _("There is no such control material."))
        check_usable(row.material, on=row.measured_at)
    unit = data.get("unit") or parameter.unit
    reading = read_value(data["value"], unit, parameter, errors)
    compared = data.get("compared")
    original = None
    if compared not in (None, "") and row.kind in (Kind.DUPLICATE, Kind.SPIKE):
        original = read_value(compared, unit, parameter, errors, name="compared")
    errors.raise_any()
    assert reading is not None
    book = read_book(
        parameters=[parameter.pk], materials=[row.material_id] if row.material_id else [], until=row.measured_at
    )
    if row.material_id and (row.material_id, parameter.pk) not in book.targets:
        raise Invalid.field("parameterId", _("The control material has no assigned value for this parameter."))
    put_value(row, reading)
    book.judge(row, reading, parameter, original=original)
    row.save(force_insert=True)
    return row


def check_usable(material: ControlMaterial, *, on: datetime) -> None:
    """Raises Invalid for a material that is expired or out of use."""
    day = on.astimezone(clock.zone(rulebook().zone)).date()
    if not material.is_active:
        raise Invalid.field("materialId", _("The control material “%(name)s” is not in use.") % {"name": material})
    if material.expires_on is not None and material.expires_on < day:
        raise Invalid.field(
            "materialId",
            _("The control material “%(name)s” expired on %(day)s.") % {"name": material, "day": material.expires_on},
        )


def read_value(
    text: str | float | Decimal, unit: str, parameter: Parameter, errors: Errors, *, name: str = "value"
) -> Reading | None:
    """A value as typed, with a unit that fits the parameter. Plausible bounds of water do not bind a QC sample."""
    try:
        measured = parse_measurement(text)
    except MeasurementError as error:
        errors.add(name, str(error), error.rule)
        return None
    try:
        unit = canonical_unit(unit)
        convert(Decimal(1), unit, parameter.unit, species=parameter.species or None)
    except UnitError as error:
        errors.add("unit", str(error))
        return None
    return Reading(measured, unit)


def put_value(row: QcResult, reading: Reading) -> None:
    measured: Measurement = reading.measured
    row.value_text, row.qualifier = measured.text, measured.qualifier.value
    row.value, row.censoring_limit, row.unit = measured.number, measured.bound, reading.unit


def _parameter(id: UUID | None) -> Parameter:
    """Raises Invalid for one that the organisation does not work with."""
    found = rulebook().parameters.get(id) if id else None
    if found is None:
        raise Invalid.field("parameterId", _("There is no such parameter."))
    return found


def _save(row: ControlMaterial | ControlTarget | AcceptanceCriterion, field: str, taken: str) -> None:
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        if "_once" not in str(error):
            raise
        conflict = Conflict(taken, code="DUPLICATE")
        conflict.errors = Invalid.field(field, taken).errors
        raise conflict from error


def _wire(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)
