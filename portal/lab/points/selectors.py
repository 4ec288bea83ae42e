"""Reads of sampling points and of their programme.

What falls due is derived in the database: the days of a programme's season, cut into its weeks, months or shares of a
year, are its slots. A slot counts as done by the first sample of the point that was taken between its first and last
day in the organisation's time zone, was not rejected, and is still in work or has a result for one of the item's
parameters.
"""

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from django.db import connection
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery
from django.utils.translation import gettext as _

from portal.core.audit.models import AuditEntry
from portal.core.common import clock
from portal.core.common.errors import NotFound
from portal.core.common.text import normalise
from portal.core.tenancy import scope
from portal.core.tenancy.models import Organization
from portal.lab.models import Parameter, Result, Sample, SamplingPoint
from portal.lab.points.models import ProgrammeItem

type State = Literal["taken", "overdue", "due", "coming"]
STATES: tuple[State, ...] = ("overdue", "due", "coming", "taken")
OVERDUE_DAYS = 92  # how far back the overdue list looks
COMING_DAYS = 31

_SQL = """
WITH item AS (
    SELECT i.*, p.name AS point_name, p.code AS point_code, u.name AS assignee_name
    FROM lab_programmeitem i JOIN lab_samplingpoint p ON p.id = i.point_id
    LEFT JOIN accounts_user u ON u.id = i.assignee_id
    WHERE i.organization_id = %(organization)s AND i.is_active AND p.is_active
      AND (%(points)s::uuid[] IS NULL OR i.point_id = ANY(%(points)s))
      AND (%(item)s::uuid IS NULL OR i.id = %(item)s)
      AND (%(assignee)s::uuid IS NULL OR i.assignee_id = %(assignee)s)
      AND (%(search)s = '' OR strpos(p.search_text, %(search)s) > 0)
), kind AS (
    SELECT DISTINCT frequency, CASE frequency WHEN 'times_per_year' THEN times ELSE 1 END AS parts, months FROM item
), day AS (
    SELECT k.*, d::date AS day, row_number() OVER (PARTITION BY k.frequency, k.parts, k.months, date_part('year', d)
                                                   ORDER BY d) - 1 AS place,
           count(*) OVER (PARTITION BY k.frequency, k.parts, k.months, date_part('year', d)) AS days
    FROM kind k CROSS JOIN generate_series(make_date(%(year)s - 1, 1, 1), make_date(%(last_year)s + 1, 12, 31),
                                           interval '1 day') d
    WHERE k.months = '[]' OR k.months @> to_jsonb(date_part('month', d)::int)
), slot AS (
    SELECT frequency, parts, months, min(day) AS opens, max(day) AS closes FROM day
    GROUP BY frequency, parts, months, CASE frequency
        WHEN 'daily' THEN day
        WHEN 'weekly' THEN date_trunc('week', day)::date
        WHEN 'monthly' THEN date_trunc('month', day)::date
        WHEN 'quarterly' THEN date_trunc('quarter', day)::date
        ELSE date_trunc('year', day)::date + (place * parts / days)::int END
), due AS (
    SELECT i.*, greatest(s.opens, i.starts_on) AS opens, least(s.closes, i.ends_on) AS closes
    FROM item i JOIN slot s ON s.frequency = i.frequency AND s.months = i.months
         AND s.parts = CASE i.frequency WHEN 'times_per_year' THEN i.times ELSE 1 END
    WHERE s.closes >= i.starts_on AND (i.ends_on IS NULL OR s.opens <= i.ends_on)
), found AS (
    SELECT d.*, s.id AS sample_id, s.code AS sample_code, s.collection_date, s.compliance_status,
           CASE WHEN s.id IS NOT NULL THEN 'taken' WHEN d.closes < %(today)s THEN 'overdue'
                WHEN d.opens <= %(today)s THEN 'due' ELSE 'coming' END AS state
    FROM due d LEFT JOIN LATERAL (
        SELECT s.id, s.code, s.collection_date, s.compliance_status FROM lab_sample s
        WHERE s.organization_id = %(organization)s AND s.sampling_point_id = d.point_id AND s.deleted_at IS NULL
          AND s.status <> 'rejected' AND s.collection_date >= d.opens::timestamp AT TIME ZONE %(zone)s
          AND s.collection_date < (d.closes + 1)::timestamp AT TIME ZONE %(zone)s
          AND (s.result_count = 0 OR s.status IN ('registered', 'received', 'in_progress') OR EXISTS (
              SELECT FROM lab_result r JOIN lab_parameter p ON p.id = r.parameter_id
              WHERE r.organization_id = %(organization)s AND r.sample_id = s.id AND r.deleted_at IS NULL
                AND (d.codes ? p.code OR (d."group" <> '' AND p."group" = d."group"))))
        ORDER BY s.collection_date LIMIT 1
    ) s ON true
    WHERE d.closes >= %(first)s AND d.opens <= %(last)s
)
"""
_LIST = (
    _SQL
    + """
SELECT id, point_id, point_name, point_code, "group", codes::text, frequency, assignee_id, assignee_name, opens, closes,
       state, sample_id, sample_code, collection_date, compliance_status, count(*) OVER () AS total
FROM found WHERE %(states)s::text[] IS NULL OR state = ANY(%(states)s)
ORDER BY closes, opens, point_name, point_id, id LIMIT %(limit)s OFFSET %(offset)s
"""
)
_COUNTS = _SQL + "SELECT state, count(*) FROM found GROUP BY state"  # noqa: S608 our own constants
_PLANNED = _SQL + "SELECT point_id, count(*) FROM found WHERE opens >= %(first)s GROUP BY point_id"  # noqa: S608


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One slot of a programme item: to be sampled from `opens` to `closes`, both included."""

    item_id: UUID
    point_id: UUID
    point_name: str
    point_code: str
    group: str
    codes: list[str]
    frequency: str
    assignee_id: UUID | None
    assignee_name: str | None
    opens: date
    closes: date
    state: State
    sample_id: UUID | None
    sample_code: str | None
    collection_date: datetime | None
    compliance_status: str | None

    def days_late(self, today: date) -> int:
        return max(0, (today - self.closes).days)


def zone_name() -> str:
    """The organisation's time zone."""
    return Organization.objects.values_list("time_zone", flat=True).get(pk=scope.organization_id())


def today() -> date:
    """In the organisation's time zone."""
    return clock.now().astimezone(clock.zone(zone_name())).date()


def occurrence_list(
    *,
    first: date,
    last: date,
    states: Collection[State] = (),
    points: Collection[UUID] | None = None,
    item: UUID | None = None,
    assignee: UUID | None = None,
    search: str = "",
    limit: int | None = None,
    offset: int = 0,
) -> tuple[list[Occurrence], int]:
    """The slots that touch the days `first` to `last`, the earliest end first, and how many there are in all."""
    values = _values(first, last, points, item, assignee, search)
    values |= {"states": list(states) or None, "limit": limit, "offset": offset}
    with connection.cursor() as cursor:
        cursor.execute(_LIST, values)
        rows = cursor.fetchall()
    found = [Occurrence(*(*row[:5], json.loads(row[5]), *row[6:-1])) for row in rows]
    return found, rows[0][-1] if rows else 0


def occurrence_counts(*, first: date, last: date, assignee: UUID | None = None, search: str = "") -> dict[State, int]:
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, _values(first, last, None, None, assignee, search))
        found = dict(cursor.fetchall())
    return {state: found.get(state, 0) for state in STATES}


def planned_by_location(samples: QuerySet[Sample], *, first: datetime | None, last: datetime | None) -> dict[str, int]:
    """How many samplings the programme planned between two moments at the points of `samples`, by location.

    A slot counts where it begins, so that consecutive reports count it once. Locations without a programme are absent.
    """
    if first is None or last is None:
        return {}
    zone = clock.zone(zone_name())
    pairs = samples.exclude(sampling_point=None).order_by().values_list("location", "sampling_point_id").distinct()
    points: dict[UUID, list[str]] = {}
    for location, point in pairs:
        points.setdefault(point, []).append(location)
    wanted = set(ProgrammeItem.objects.filter(point__in=points).values_list("point_id", flat=True)) if points else set()
    if not wanted:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            _PLANNED,
            _values(first.astimezone(zone).date(), last.astimezone(zone).date(), wanted, None, None, ""),
        )
        counted = cursor.fetchall()
    planned: dict[str, int] = {}
    for point, count in counted:
        for location in points[point]:
            planned[location] = planned.get(location, 0) + count
    return planned


def _values(
    first: date,
    last: date,
    points: Iterable[UUID] | None,
    item: UUID | None,
    assignee: UUID | None,
    search: str,
) -> dict[str, Any]:
    zone = zone_name()
    return {
        "organization": scope.organization_id(),
        "zone": zone,
        "today": clock.now().astimezone(clock.zone(zone)).date(),
        "first": first,
        "last": last,
        "year": max(first.year, 2),
        "last_year": min(last.year, 9997),
        "points": None if points is None else list(points),
        "item": item,
        "assignee": assignee,
        "search": normalise(search),
    }


def shown_on(row: Occurrence, zone: str) -> date:
    """The day of a calendar on which a slot stands: that of its sample, else its last one."""
    return row.collection_date.astimezone(clock.zone(zone)).date() if row.collection_date else row.closes


def point_list(
    *, search: str = "", type: str = "", city: str = "", active: bool | None = None, placed: bool | None = None
) -> QuerySet[SamplingPoint]:
    """By name. `search`: every word is contained in code, name or city, in one spelling. `placed`: has coordinates."""
    rows: QuerySet[SamplingPoint] = SamplingPoint.objects.all()
    for word in normalise(search).split():
        rows = rows.filter(search_text__contains=word)
    if type:
        rows = rows.filter(type=type)
    if city:
        rows = rows.filter(city=city)
    if active is not None:
        rows = rows.filter(is_active=active)
    if placed is not None:
        rows = rows.filter(latitude__isnull=not placed)
    return rows


def with_latest(rows: QuerySet[SamplingPoint]) -> QuerySet[SamplingPoint]:
    """With `last_sampled`, `last_compliance` and `planned` (whether a programme is in force)."""
    latest = Sample.objects.filter(sampling_point=OuterRef("pk"), deleted_at=None).order_by("-collection_date")
    return rows.annotate(
        last_sampled=Subquery(latest.values("collection_date")[:1]),
        last_compliance=Subquery(latest.values("compliance_status")[:1]),
        planned=Exists(ProgrammeItem.objects.filter(point=OuterRef("pk"), is_active=True)),
    )


def city_list() -> list[str]:
    return list(SamplingPoint.objects.exclude(city="").order_by("city").values_list("city", flat=True).distinct())


def point_get(*, id: UUID) -> SamplingPoint:
    """Raises NotFound for an unknown or foreign one."""
    found = with_latest(SamplingPoint.objects.all()).filter(pk=id).first()
    if found is None:
        raise NotFound(_("There is no such record."))
    return found


def point_samples(*, point: UUID) -> QuerySet[Sample]:
    """The point's living samples, the newest first."""
    rows: QuerySet[Sample] = Sample.objects.filter(sampling_point=point, deleted_at=None)
    return rows.order_by("-collection_date", "-id")


def point_compliance(*, point: UUID, since: datetime) -> dict[str, int]:
    """How many samples since then have which compliance status."""
    rows = Sample.objects.filter(sampling_point=point, deleted_at=None, collection_date__gte=since).order_by()
    return dict(rows.values_list("compliance_status").annotate(n=Count("pk")))


def point_parameters(*, point: UUID, limit: int = 40) -> list[Parameter]:
    """What was measured at the point, the most often measured first."""
    counted = (
        Result.objects.filter(sample__sampling_point=point, sample__deleted_at=None, deleted_at=None)
        .order_by()
        .values_list("parameter")
        .annotate(n=Count("pk"))
        .order_by("-n")[:limit]
    )
    often = dict(counted)
    return sorted(Parameter.objects.filter(pk__in=often), key=lambda row: (-often[row.pk], row.code))


def point_history(*, point: UUID) -> QuerySet[AuditEntry]:
    """Of the point and its programme, newest first."""
    items = [str(id) for id in ProgrammeItem.objects.filter(point=point).values_list("pk", flat=True)]
    rows: QuerySet[AuditEntry] = AuditEntry.objects.filter(
        Q(entity="sampling_point", object_pk=str(point)) | Q(entity="programme", object_pk__in=items)
    )
    return rows.order_by("-timestamp", "-id")


def item_list(*, point: UUID | None = None) -> QuerySet[ProgrammeItem]:
    rows: QuerySet[ProgrammeItem] = ProgrammeItem.objects.select_related("point", "assignee")
    return rows.filter(point=point) if point is not None else rows


def item_get(*, id: UUID) -> ProgrammeItem:
    """Raises NotFound."""
    found = item_list().filter(pk=id).first()
    if found is None:
        raise NotFound(_("There is no such record."))
    return found


def next_due(*, point: UUID) -> list[Occurrence]:
    """What is overdue at a point, then the next slot of each of its programme items."""
    day = today()
    rows, _total = occurrence_list(
        first=day - timedelta(days=OVERDUE_DAYS),
        last=day + timedelta(days=400),
        states=("overdue", "due", "coming"),
        points=[point],
    )
    seen: set[UUID] = set()
    kept = []
    for row in rows:
        if row.state == "overdue" or row.item_id not in seen:
            kept.append(row)
        if row.state != "overdue":
            seen.add(row.item_id)
    return kept
