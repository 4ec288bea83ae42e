"""Figures of tickets: statistics, trends, and how promises were kept. `rows` are tickets within the reader's sight."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Aggregate, Avg, Count, F, FloatField, Q, QuerySet, Sum, Value
from django.db.models.functions import Coalesce, ExtractHour, ExtractIsoWeekDay, Greatest, Least, TruncDate
from django.utils.translation import gettext as _

from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.common.errors import Invalid
from portal.crm.sla.models import Kind, SlaClock, SlaPause, State
from portal.crm.tickets import selectors
from portal.crm.tickets.choices import OPEN, TicketPriority, TicketStatus
from portal.crm.tickets.models import Ticket, TicketCategory

AGES: Final = (("under1d", 1), ("1to3d", 3), ("3to7d", 7), ("7to30d", 30), ("over30d", 0))
GROUPS: Final = {
    "priority": "ticket__priority",
    "category": "ticket__category__key",
    "agent": "ticket__assigned_to",
    "policy": "policy",
}
_WIRE: Final = {Kind.FIRST_RESPONSE: "firstResponse", Kind.NEXT_RESPONSE: "nextResponse", Kind.RESOLUTION: "resolution"}
_WORST: Final = 10
_COUNTED: Final = Q(merged_into=None) & ~Q(status=TicketStatus.SPAM)


class Percentile(Aggregate):
    """`percentile_cont`."""

    function = "PERCENTILE_CONT"
    template = "%(function)s(%(share)s) WITHIN GROUP (ORDER BY %(expressions)s)"
    allow_distinct = False
    output_field = FloatField()


def share(part: int, whole: int) -> float | None:
    return round(100 * part / whole, 2) if whole else None


def stats(rows: QuerySet[Ticket]) -> dict[str, Any]:
    """`total` = open + resolved: spam and merged ones are left out (they stand in `byStatus`)."""
    now = clock.now()
    counted = rows.filter(_COUNTED)
    held = _cells(rows, now)
    of_all = Counter[str]()  # merged ones and spam included
    by_priority, by_category, agents, sums = (
        Counter[str](),
        Counter[UUID | None](),
        Counter[UUID | None](),
        Counter[str](),
    )
    for cell in held:
        of_all[cell["status"]] += cell["n"]
        if cell["status"] == TicketStatus.SPAM:
            continue
        by_priority[cell["priority"]] += cell["total"]
        by_category[cell["category"]] += cell["total"]
        sums.update({name: cell[name] or 0 for name in _SUMMED})
        if cell["status"] in OPEN:
            agents[cell["assigned_to"]] += cell["total"]
    taken = _clocks(counted).filter(kind=Kind.RESOLUTION, elapsed_seconds__isnull=False)
    average = taken.aggregate(mean=Avg("elapsed_seconds"))["mean"]
    keys = dict(TicketCategory.objects.values_list("pk", "key"))
    names = dict(User.objects.filter(pk__in=[pk for pk in agents if pk]).values_list("pk", "name"))
    return {
        "total": sums["total"],
        "open": agents.total(),
        "resolved": sums["total"] - agents.total(),
        "unassigned": agents[None],
        "overdue": sums["overdue"],
        "byStatus": dict.fromkeys(TicketStatus.values, 0) | of_all,
        "byPriority": dict.fromkeys(TicketPriority.values, 0) | by_priority,
        "byCategory": {keys.get(pk, "none") if pk else "none": n for pk, n in by_category.items() if n},
        "byAgent": [
            {"userId": pk, "name": names.get(pk, "") if pk else "", "open": n} for pk, n in agents.most_common() if n
        ],
        "backlogAge": {name: sums[f"age_{name}"] for name, _days in AGES},
        "avgResolutionTime": round(average / 3600, 2) if average is not None else None,
        "reopenRate": share(sums["reopened"], sums["ever"]),
        "oneTouchRate": share(sums["touched"], sums["solved"]),
        "satisfaction": round(sums["marks"] / sums["marked"], 2) if sums["marked"] else None,
    }


_SUMMED: Final = (
    "total", "overdue", "reopened", "ever", "touched", "solved", "marks", "marked",
    *(f"age_{name}" for name, _days in AGES),
)  # fmt: skip


def _cells(rows: QuerySet[Ticket], now: datetime) -> list[dict[str, Any]]:
    """Counts by status, priority, category and person, in one pass; all but `n` leave merged ones out."""
    single = Q(merged_into=None)
    solved = single & Q(resolved_at__isnull=False)
    found: QuerySet[Any, Any] = rows.order_by().values("status", "priority", "category", "assigned_to")
    return list(
        found.annotate(
            n=Count(Value(1)),
            total=Count(Value(1), filter=single),
            overdue=Count(Value(1), filter=single & selectors.over()),
            reopened=Count(Value(1), filter=single & Q(reopen_count__gt=0)),
            ever=Count(Value(1), filter=single & (Q(reopen_count__gt=0) | Q(resolved_at__isnull=False))),
            touched=Count(Value(1), filter=solved & Q(reply_count__lte=1)),
            solved=Count(Value(1), filter=solved),
            marks=Sum("satisfaction", filter=single),
            marked=Count("satisfaction", filter=single),
            **{
                f"age_{name}": Count(Value(1), filter=single & _aged(now, place))
                for place, (name, _days) in enumerate(AGES)
            },
        )
    )


def _aged(now: datetime, place: int) -> Q:
    """Open ones in a bucket of age."""
    days = AGES[place][1]
    found = Q(status__in=OPEN)
    if days:
        found &= Q(created_at__gte=now - timedelta(days=days))
    if place:
        found &= Q(created_at__lt=now - timedelta(days=AGES[place - 1][1]))
    return found


def _by(rows: QuerySet[Ticket], column: str) -> list[tuple[Any, int]]:
    return list(rows.order_by().values_list(column).annotate(n=Count("pk")))


def _clocks(rows: QuerySet[Ticket]) -> QuerySet[SlaClock]:
    found: QuerySet[SlaClock] = SlaClock.objects.filter(ticket__in=rows.order_by().values("pk"))
    return found.exclude(state=State.CANCELLED)


def analytics(rows: QuerySet[Ticket], *, since: datetime, until: datetime, zone: str) -> dict[str, Any]:
    """Created and resolved per day, both in the organisation's zone, of tickets within the period (`until`
    exclusive)."""
    place = ZoneInfo(zone)
    counted = rows.filter(_COUNTED)
    made = counted.filter(created_at__gte=since, created_at__lt=until)
    done = counted.filter(resolved_at__gte=since, resolved_at__lt=until)

    def days(found: QuerySet[Ticket], column: str) -> dict[Any, int]:
        return dict(found.order_by().values_list(TruncDate(column, tzinfo=place)).annotate(n=Count("pk")))

    first, last = since.astimezone(place).date(), (until - timedelta(microseconds=1)).astimezone(place).date()
    span = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    created, resolved = days(made, "created_at"), days(done, "resolved_at")
    keys = dict(TicketCategory.objects.values_list("pk", "key"))
    agents = dict(_by(done, "assigned_to"))
    names = dict(User.objects.filter(pk__in=[pk for pk in agents if pk]).values_list("pk", "name"))
    hours = made.order_by().values_list(
        ExtractIsoWeekDay("created_at", tzinfo=place), ExtractHour("created_at", tzinfo=place)
    )
    marks = dict(
        _by(counted.filter(satisfaction__isnull=False, created_at__gte=since, created_at__lt=until), "satisfaction")
    )
    total = sum(marks.values())
    return {
        "dateFrom": first,
        "dateTo": last,
        "created": sum(created.values()),
        "resolved": sum(resolved.values()),
        "createdByDay": [{"date": day, "count": created.get(day, 0)} for day in span],
        "resolvedByDay": [{"date": day, "count": resolved.get(day, 0)} for day in span],
        "byCategory": {keys.get(pk, "none"): n for pk, n in _by(made, "category")},
        "byPriority": dict.fromkeys(TicketPriority.values, 0) | dict(_by(made, "priority")),
        "byChannel": dict(_by(made, "channel")),
        "byAgent": [
            {"userId": pk, "name": names.get(pk, ""), "resolved": n}
            for pk, n in sorted(agents.items(), key=lambda item: -item[1])
        ],
        "heatMap": [{"weekday": day, "hour": hour, "count": n} for day, hour, n in hours.annotate(n=Count("pk"))],
        "satisfaction": {
            "average": round(sum(mark * n for mark, n in marks.items()) / total, 2) if total else None,
            "answers": total,
            "marks": {str(mark): marks.get(mark, 0) for mark in range(1, 6)},
        },
    }


def metrics(
    rows: QuerySet[Ticket], *, since: datetime | None, until: datetime | None, group: str = ""
) -> dict[str, Any]:
    """How promises on tickets that were created in the period were kept; `overdue` and `atRisk` are of now. A clock
    that is over its time counts as breached, whether the sweep has seen it or not. Raises Invalid for an unknown
    group."""
    if group and group not in GROUPS:
        raise Invalid.field("groupBy", _("Choose one of: %(allowed)s.") % {"allowed": ", ".join(GROUPS)})
    counted = rows.filter(_COUNTED)
    found = counted
    if since is not None:
        found = found.filter(created_at__gte=since)
    if until is not None:
        found = found.filter(created_at__lt=until)
    clocks, now = _clocks(found), clock.now()
    column = GROUPS[group] if group else ""
    cells = list(
        clocks.order_by()
        .values_list("kind", "ticket__priority", *([column] if column else []))
        .annotate(met=Count("pk", filter=Q(state=State.MET)), broken=Count("pk", filter=broken(now)))
    )
    spans = {
        kind: found
        for kind, *found in clocks.order_by()
        .values_list("kind")
        .annotate(p50=Percentile("elapsed_seconds", share=0.5), p90=Percentile("elapsed_seconds", share=0.9))
    }
    kinds = {wire: _kept([cell for cell in cells if cell[0] == kind], spans.get(kind)) for kind, wire in _WIRE.items()}
    by_priority = [
        {"priority": key, **_both([cell for cell in cells if cell[1] == key])} for key in TicketPriority.values
    ]
    lived = found.order_by().aggregate(all=Sum(Coalesce("resolved_at", Value(now)) - F("created_at")))["all"]
    paused = SlaPause.objects.filter(ticket__in=found.order_by().values("pk")).exclude(
        cause__in=("resolved", "deleted")
    )
    waited = paused.aggregate(
        all=Sum(Greatest(Least(Coalesce("ends_at", Value(now)), Value(now)), F("starts_at")) - F("starts_at"))
    )["all"]
    worst = counted.filter(selectors.over()).order_by("sla_due_at", "id")[:_WORST]
    result = {
        **kinds,
        "responseCompliance": kinds["firstResponse"]["compliance"],
        "resolutionCompliance": kinds["resolution"]["compliance"],
        "met": sum(kind["met"] for kind in kinds.values()),
        "breached": sum(kind["breached"] for kind in kinds.values()),
        "atRisk": counted.filter(selectors.at_risk()).count(),
        "overdue": counted.filter(selectors.over()).count(),
        "pausedShare": round(100 * min(waited / lived, 1), 2) if waited and lived else 0,
        "byPriority": by_priority,
        "worst": [
            {"id": row.pk, "number": row.number, "title": row.title, "priority": row.priority, "dueAt": row.sla_due_at,
             "overdueSeconds": int((now - row.sla_due_at).total_seconds()) if row.sla_due_at else 0}
            for row in worst
        ],
    }  # fmt: skip
    if group:
        held = sorted({str(cell[2]) for cell in cells if cell[2] is not None})
        result["groups"] = [{"key": key, **_both([cell for cell in cells if str(cell[2]) == key])} for key in held]
    return result


def broken(now: datetime) -> Q:
    return Q(state=State.BREACHED) | Q(state=State.RUNNING, due_at__lt=now)


type Cell = Sequence[Any]  # kind, priority, perhaps a group, and last how many were kept and broken


def _sums(cells: Iterable[Cell]) -> tuple[int, int]:
    cells = list(cells)
    return sum(cell[-2] for cell in cells), sum(cell[-1] for cell in cells)


def _kept(cells: Sequence[Cell], spans: Sequence[float | None] | None) -> dict[str, Any]:
    met, broken = _sums(cells)
    p50, p90 = (None if span is None else round(span) for span in spans or (None, None))
    return {
        "met": met,
        "breached": broken,
        "compliance": share(met, met + broken),
        "p50Seconds": p50,
        "p90Seconds": p90,
    }


def _both(cells: Sequence[Cell]) -> dict[str, Any]:
    """Of one group: both compliances and the counts."""
    response, broken_response = _sums(cell for cell in cells if cell[0] == Kind.FIRST_RESPONSE)
    resolution, broken_resolution = _sums(cell for cell in cells if cell[0] == Kind.RESOLUTION)
    return {
        "met": response + resolution,
        "breached": broken_response + broken_resolution,
        "responseCompliance": share(response, response + broken_response),
        "resolutionCompliance": share(resolution, resolution + broken_resolution),
    }
