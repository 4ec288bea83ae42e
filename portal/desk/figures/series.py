"""How figures move: one series a figure, by day, week (from Monday) or month of the organisation's zone."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from typing import Any, Final

from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import TruncDate, TruncMonth, TruncWeek

from portal.core.common import clock
from portal.crm.contracts.terms import add_months
from portal.crm.sales.choices import Kind
from portal.desk.figures.kept import kept
from portal.desk.figures.metrics import COUNTED
from portal.desk.figures.question import Question

INTERVALS: Final = ("day", "week", "month")
_FEW: Final = 92  # days that are still told one by one
# Key -> (subject, column of the moment, condition, column that is summed; "" counts)
SERIES: Final[dict[str, tuple[str, str, Q, str]]] = {
    "customersNew": ("customers", "created_at", Q(), ""),
    "salesCreated": ("sales", "created_at", Q(), ""),
    "salesWon": ("sales", "closed_at", Q(status=Kind.WON), ""),
    "salesLost": ("sales", "closed_at", Q(status=Kind.LOST), ""),
    "salesWonValue": ("sales", "closed_at", Q(status=Kind.WON), "base_value"),
    "ticketsCreated": ("tickets", "created_at", COUNTED, ""),
    "ticketsResolved": ("tickets", "resolved_at", COUNTED, ""),
}


def interval_for(q: Question) -> str:
    return "day" if q.days <= _FEW else "month"


def starts(q: Question, interval: str) -> list[date]:
    """The first days of the stretches that the period touches."""
    return list(_steps(q.first, q.last, interval))


def _steps(first: date, last: date, interval: str) -> Iterator[date]:
    day = first - timedelta(days=first.weekday()) if interval == "week" else first
    day = day.replace(day=1) if interval == "month" else day
    while day <= last:
        yield day
        day = add_months(day, 1) if interval == "month" else day + timedelta(days=7 if interval == "week" else 1)


def analytics(q: Question, interval: str = "") -> dict[str, Any]:
    """`labels` are the first days of the stretches; every series has a value for each, 0 where nothing was."""
    interval = interval or interval_for(q)
    labels = starts(q, interval)
    sources: dict[str, Callable[[], QuerySet[Any]]] = {
        "customers": q.customers,
        "sales": q.deals,
        "tickets": q.tickets,
    }
    told = []
    for key, (subject, column, condition, summed) in SERIES.items():
        if not q.may(subject):
            continue

        build = partial(_by_step, q, sources[subject]().filter(condition), column, interval, summed)
        found = kept(q, f"series.{key}.{interval}", [subject], build)
        values = [found.get(day, 0) for day in labels]
        total: Decimal | int = sum(values, Decimal(0)) if summed else sum(values)
        told.append({"key": key, "unit": "money" if summed else "count", "values": values, "total": total})
    return {"interval": interval, "labels": [day.isoformat() for day in labels], "series": told}


def _by_step(q: Question, rows: QuerySet[Any], column: str, interval: str, summed: str) -> dict[date, Any]:
    step = {"day": TruncDate, "week": TruncWeek, "month": TruncMonth}[interval](column, tzinfo=clock.zone(q.zone))
    found = rows.filter(q.within(column, q.first, q.last)).values_list(step)
    return {
        (at if interval == "day" else at.date()): value
        for at, value in found.annotate(n=Sum(summed) if summed else Count("pk"))
    }
