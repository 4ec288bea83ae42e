"""Writing sampling points, their programme, and what an organisation says of parameters."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.common.errors import Conflict, Denied, Errors, FieldError
from portal.core.common.text import normalise
from portal.core.sync.registry import Row
from portal.core.tenancy import scope
from portal.lab import selectors
from portal.lab import services as samples
from portal.lab.choices import SampleStatus, SampleType
from portal.lab.models import Sample, SamplingPoint
from portal.lab.points.models import Frequency, ProgrammeItem

RIGHT: Final = "points.edit"
POINT_FIELDS: Final = ("code", "name", "type", "city", "latitude", "longitude", "population", "notes", "is_active")
ITEM_FIELDS: Final = (
    "group", "codes", "frequency", "times", "months", "starts_on", "ends_on", "assignee", "notes", "is_active",
)  # fmt: skip


def search_text(point: SamplingPoint) -> str:
    """What `search` looks through: code, name and city, in one spelling."""
    return normalise(f"{point.code} {point.name} {point.city}")


def point_create(*, data: Mapping[str, Any], by: User) -> SamplingPoint:
    """`data` under column names (POINT_FIELDS). Raises Denied, Invalid; Conflict where the code is taken."""
    _may(by)
    return _point_save(SamplingPoint(organization_id=scope.organization_id()), data)


def point_update(*, point: SamplingPoint, data: Mapping[str, Any], by: User) -> SamplingPoint:
    """Absent fields stay. Raises as `point_create`."""
    _may(by)
    return _point_save(point, data)


def point_delete(*, point: SamplingPoint, by: User) -> None:
    """One that was never used. Raises Conflict where samples or a programme name it: take it out of use instead."""
    _may(by)
    if Sample.objects.filter(sampling_point=point).exists() or ProgrammeItem.objects.filter(point=point).exists():
        raise Conflict(
            _("Samples or the programme refer to this sampling point. Take it out of use instead."), code="IN_USE"
        )
    point.delete()


def _point_save(point: SamplingPoint, data: Mapping[str, Any]) -> SamplingPoint:
    for name in POINT_FIELDS:
        if name in data:
            value = data[name]
            setattr(point, name, value.strip() if isinstance(value, str) else value)
    check_point(point)
    point.search_text = search_text(point)
    try:
        with transaction.atomic():
            point.save()
    except IntegrityError as error:
        if "sampling_point_code_once" not in str(error):
            raise
        message = _("Another sampling point has this code.")
        raise Conflict(message, code="DUPLICATE", errors=[FieldError("code", message, "taken")]) from None
    return point


def check_point(point: SamplingPoint) -> None:
    """Raises Invalid with one entry per field at fault."""
    errors = Errors()
    for name, longest in (("code", 40), ("name", 200)):
        value = getattr(point, name)
        if not value:
            errors.add(name, _("This field is required."), "required")
        elif len(value) > longest:
            errors.add(name, _("At most %(count)d characters.") % {"count": longest}, "length")
    if len(point.city) > 100:
        errors.add("city", _("At most %(count)d characters.") % {"count": 100}, "length")
    if point.type not in SampleType.values:
        errors.add("type", _("%(value)s is not known.") % {"value": point.type}, "unknown")
    if (point.latitude is None) != (point.longitude is None):
        errors.add("latitude", _("Latitude and longitude belong together."), "pair")
    for name, bound in (("latitude", 90), ("longitude", 180)):
        value = getattr(point, name)
        if value is not None and not -bound <= value <= bound:
            errors.add(name, _("Must lie between %(low)d and %(high)d.") % {"low": -bound, "high": bound}, "range")
    if point.population is not None and not 0 <= point.population < 2**31:
        errors.add("population", _("Enter a whole number."), "range")
    errors.raise_any()


def item_create(*, point: SamplingPoint, data: Mapping[str, Any], by: User) -> ProgrammeItem:
    """`data` under column names (ITEM_FIELDS). Raises Denied, Invalid."""
    _may(by)
    return _item_save(ProgrammeItem(organization_id=scope.organization_id(), point=point), data)


def item_update(*, item: ProgrammeItem, data: Mapping[str, Any], by: User) -> ProgrammeItem:
    """Absent fields stay. Raises as `item_create`."""
    _may(by)
    return _item_save(item, data)


def item_delete(*, item: ProgrammeItem, by: User) -> None:
    """Samples that were taken for it stay."""
    _may(by)
    item.delete()


def _item_save(item: ProgrammeItem, data: Mapping[str, Any]) -> ProgrammeItem:
    for name in ITEM_FIELDS:
        if name in data:
            setattr(item, name, data[name])
    errors = Errors()
    groups = dict(selectors.parameter_list().values_list("code", "group"))
    unknown = [code for code in item.codes if code not in groups]
    if unknown:
        errors.add("codes", _("%(value)s is not known.") % {"value": ", ".join(unknown)}, "unknown")
    if item.group and item.group not in groups.values():
        errors.add("group", _("%(value)s is not known.") % {"value": item.group}, "unknown")
    if not item.codes and not item.group:
        errors.add("codes", _("Choose a group or at least one parameter."), "required")
    if item.frequency not in Frequency.values:
        errors.add("frequency", _("%(value)s is not known.") % {"value": item.frequency}, "unknown")
    if not 1 <= item.times <= 365:
        errors.add("times", _("Must lie between %(low)d and %(high)d.") % {"low": 1, "high": 365}, "range")
    if any(month not in range(1, 13) for month in item.months):
        errors.add("months", _("Months are numbers from 1 to 12."), "range")
    starts: date | None = item.starts_on  # what a client left out is not there yet
    if starts is None:
        errors.add("starts_on", _("This field is required."), "required")
    elif not 1900 <= starts.year <= 2200 or (item.ends_on and item.ends_on.year > 2200):
        errors.add("starts_on", _("Must lie between the years 1900 and 2200."), "range")
    elif item.ends_on is not None and item.ends_on < starts:
        errors.add("ends_on", _("The end lies before the beginning."), "order")
    if item.assignee is not None and item.assignee.organization_id != scope.organization_id():
        errors.add("assignee", _("There is no such person."), "unknown")
    errors.raise_any()
    item.months = sorted(set(item.months)) if len(set(item.months)) < 12 else []
    item.codes = list(dict.fromkeys(item.codes))
    item.save()
    return item


def planned_register(*, item: ProgrammeItem, by: User) -> Row:
    """Register the sample that an item plans, taken now by whoever does this; everything else is the point's."""
    point = item.point
    data = {
        "type": point.type,
        "location": point.name,
        "samplingPointId": str(point.pk),
        "latitude": point.latitude,
        "longitude": point.longitude,
        "collectionDate": clock.wire(clock.now()),
        "collectorName": by.name,
        "status": SampleStatus.REGISTERED.value,
    }
    return samples.sample_create(data=data, by=by)[0]


def _may(by: User) -> None:
    if not by.has_permission(RIGHT):
        raise Denied(_("You do not have the right to do this."))
