"""What was measured of a parameter at sampling points over time, and the limits that were in force."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final, Literal
from uuid import UUID

from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _

from portal.core.common import clock
from portal.core.common.errors import Invalid
from portal.lab.models import Parameter, Result, SamplingPoint
from portal.lab.points.selectors import zone_name
from portal.lab.rulebook import rulebook
from portal.lab.science.units import UnitError, convert
from portal.lab.science.verdicts import SAMPLE_MATRIX
from portal.lab.trends.statistics import Summary, Trend, Value, summary, trend

MOST_POINTS: Final = 6
MOST_VALUES: Final = 5000


@dataclass(frozen=True, slots=True)
class Measured:
    """A result; `number` is in the parameter's unit, of a censored one its bound, None where there is no number."""

    result: UUID
    sample: UUID
    code: str
    at: datetime
    text: str
    unit: str
    number: float | None
    censored: Literal["", "<", ">"]
    status: str
    verdicts: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Series:
    point: SamplingPoint
    values: list[Measured]
    trend: Trend
    summary: Summary
    wordy: int  # results without a number: absent, present, not detected


@dataclass(slots=True)
class Line:
    """A standard's limit; `steps` are (from, lower, upper) in the parameter's unit, the last one until the end."""

    standard: str
    role: str
    provisional: bool = False
    steps: list[tuple[datetime, float | None, float | None]] = field(default_factory=list)


def series_list(
    *, points: Sequence[UUID], parameter: Parameter, since: datetime | None = None, until: datetime | None = None
) -> list[Series]:
    """One series per point in the order of `points`; the latest `MOST_VALUES` results of each. Rejected samples and
    results that a repeat replaced are left out. Raises Invalid for more than `MOST_POINTS` or an unknown point."""
    if len(points) > MOST_POINTS:
        raise Invalid.field("point", _("At most %(count)d sampling points.") % {"count": MOST_POINTS})
    held = {row.pk: row for row in SamplingPoint.objects.filter(pk__in=points)}
    if missing := [point for point in points if point not in held]:
        raise Invalid.field("point", _("%(value)s is not known.") % {"value": missing[0]})
    return [_series(held[point], parameter, since, until) for point in dict.fromkeys(points)]


def _series(point: SamplingPoint, parameter: Parameter, since: datetime | None, until: datetime | None) -> Series:
    newer = Result.objects.filter(sample=OuterRef("sample"), replaces=OuterRef("pk"), deleted_at=None)
    rows = (
        Result.objects.filter(sample__sampling_point=point, parameter=parameter, deleted_at=None)
        .filter(~Exists(newer), sample__deleted_at=None)
        .exclude(sample__status="rejected")
    )
    if since is not None:
        rows = rows.filter(sample__collection_date__gte=since)
    if until is not None:
        rows = rows.filter(sample__collection_date__lt=until)
    found = rows.order_by("-sample__collection_date", "-pk").values_list(
        "pk", "sample_id", "sample__code", "sample__collection_date", "value_text", "unit", "qualifier",
        "normalized_value", "censoring_limit", "detection_limit", "compliance_status", "verdicts",
    )[:MOST_VALUES]  # fmt: skip
    values = [
        Measured(*row[:6], *_number(row[5], row[6], row[7], row[8], row[9], parameter), *row[10:])
        for row in reversed(found)
    ]
    numbers = [Value(row.at, row.number, row.censored) for row in values if row.number is not None]
    return Series(point, values, trend(numbers), summary(numbers), len(values) - len(numbers))


def _number(
    unit: str,
    qualifier: str,
    value: Decimal | None,
    bound: Decimal | None,
    detection: Decimal | None,
    parameter: Parameter,
) -> tuple[float | None, Literal["", "<", ">"]]:
    """The number in the parameter's unit, and on which side of it the true value lies. What was not found lies below
    the limit of detection, where that is known."""
    if value is not None:
        return float(value), ""
    if qualifier == "not_detected":
        bound = detection if bound is None else bound
    if bound is None:
        return None, ""
    try:
        number = float(convert(bound, unit, parameter.unit, species=parameter.species or None))
    except UnitError:
        return None, ""
    return number, ">" if qualifier == ">" else "<"


def limit_lines(
    *, parameter: Parameter, type: str, first: datetime, last: datetime, standards: Collection[str] = ()
) -> list[Line]:
    """The limits for this kind of water from `first` to `last`, of the chosen standards or of all in use; a change of
    the limit is a new step."""
    rules, zone = rulebook(), clock.zone(zone_name())
    matrix = SAMPLE_MATRIX[type]
    begin, end = first.astimezone(zone).date(), last.astimezone(zone).date()
    days = [begin, *(day for day in rules.boundaries if begin < day <= end)]
    lines: dict[str, Line] = {}
    for day in days:
        for limit in rules.limits_for(parameter.pk, matrix, day):
            if (standards and limit.standard not in standards) or limit.kind == "percentage" or limit.matrix != matrix:
                continue
            lower, upper = (_in_unit(edge, limit.unit, parameter) for edge in (limit.lower, limit.upper))
            line = lines.setdefault(limit.standard, Line(limit.standard, limit.role))
            line.provisional = line.provisional or limit.provisional
            if not line.steps or line.steps[-1][1:] != (lower, upper):
                line.steps.append((datetime.combine(day, time.min, zone), lower, upper))
    return [
        line
        for line in lines.values()
        if any(lower is not None or upper is not None for _d, lower, upper in line.steps)
    ]


def _in_unit(value: Decimal | None, unit: str, parameter: Parameter) -> float | None:
    if value is None:
        return None
    try:
        return float(convert(value, unit, parameter.unit, species=parameter.species or None))
    except UnitError:
        return None


def period(date_from: date | None, date_to: date | None) -> tuple[datetime | None, datetime | None]:
    """Days of the organisation as moments; the second one is exclusive."""
    zone = zone_name()
    since = clock.day_start(date_from, zone) if date_from and date_from.year > 1 else None
    until = clock.day_start(date_to + timedelta(days=1), zone) if date_to and date_to.year < 9999 else None
    return since, until
