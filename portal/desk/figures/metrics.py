"""The four blocks of `GET /dashboard/metrics` (`contract-platform.md` section 6). A block whose subject the person may
not see says null for each figure. Money is in the organisation's currency, two decimals."""

from decimal import Decimal
from typing import Any

from django.db.models import Avg, Count, Q, Sum

from portal.crm.contracts.selectors import recurring_value
from portal.crm.contracts.terms import money
from portal.crm.customers.choices import Status
from portal.crm.money import half_up
from portal.crm.sales.choices import Kind
from portal.crm.sales.forecast import forecast
from portal.crm.sla.models import Kind as Clock
from portal.crm.sla.models import SlaClock, State
from portal.crm.tickets.choices import OPEN, TicketStatus
from portal.desk.figures.kept import kept
from portal.desk.figures.question import Question, growth

ZERO = Decimal(0)
COUNTED = Q(merged_into=None) & ~Q(status=TicketStatus.SPAM)


def metrics(q: Question) -> dict[str, dict[str, Any]]:
    return {"customers": customers(q), "sales": sales(q), "tickets": tickets(q), "revenue": revenue(q)}


def customers(q: Question) -> dict[str, Any]:
    """`total` not deleted and `active` of now; `new` created in the period, whose growth it is."""
    if not q.may("customers"):
        return dict.fromkeys(("total", "active", "new", "growth"))

    def build() -> dict[str, Any]:
        found = q.customers().aggregate(
            total=Count("pk"),
            active=Count("pk", filter=Q(status=Status.ACTIVE)),
            new=Count("pk", filter=q.within("created_at", q.first, q.last)),
            before=Count("pk", filter=q.within("created_at", *q.before)),
        )
        before = found.pop("before")
        return {**found, "growth": growth(found["new"], before)}

    return kept(q, "customers", ["customers"], build)


def sales(q: Question) -> dict[str, Any]:
    """`closed`: value won in the period, whose growth it is; `pipeline`: open value of now; `total`: both."""
    if not q.may("sales"):
        return dict.fromkeys(("total", "closed", "pipeline", "growth"))
    closed, before, pipeline = won(q)
    return {"total": closed + pipeline, "closed": closed, "pipeline": pipeline, "growth": growth(closed, before)}


def won(q: Question) -> tuple[Decimal, Decimal, Decimal]:
    """Value won in the period and in the one before, open value of now."""
    if not q.may("sales"):
        return ZERO, ZERO, ZERO

    def build() -> tuple[Decimal, Decimal, Decimal]:
        is_won = Q(status=Kind.WON)
        found = q.deals().aggregate(
            closed=Sum("base_value", filter=is_won & q.within("closed_at", q.first, q.last), default=ZERO),
            before=Sum("base_value", filter=is_won & q.within("closed_at", *q.before), default=ZERO),
            pipeline=Sum("base_value", filter=Q(status=Kind.OPEN), default=ZERO),
        )
        return found["closed"], found["before"], found["pipeline"]

    return kept(q, "won", ["sales"], build)


def tickets(q: Question) -> dict[str, Any]:
    """Of now, spam and merged ones left out; `avgResolutionTime` in business hours."""
    if not q.may("tickets"):
        return dict.fromkeys(("total", "open", "resolved", "avgResolutionTime"))

    def build() -> dict[str, Any]:
        rows = q.tickets().filter(COUNTED)
        found = rows.aggregate(total=Count("pk"), open=Count("pk", filter=Q(status__in=OPEN)))
        taken = SlaClock.objects.filter(ticket__in=rows.values("pk"), kind=Clock.RESOLUTION, elapsed_seconds__gte=0)
        mean = taken.exclude(state=State.CANCELLED).aggregate(mean=Avg("elapsed_seconds"))["mean"]
        return {
            "total": found["total"],
            "open": found["open"],
            "resolved": found["total"] - found["open"],
            "avgResolutionTime": None if mean is None else hours(mean),
        }

    return kept(q, "tickets", ["tickets"], build)


def hours(seconds: Any) -> Decimal:
    return half_up(Decimal(seconds) / 3600)


def revenue(q: Question) -> dict[str, Any]:
    """`total`: value won and recurring contracts in the period, whose growth it is; `monthly`: of each of its months;
    `forecast`: total of the sales forecast for the coming period of equal length."""
    if not q.may("sales") and not q.may("contracts"):
        return dict.fromkeys(("total", "monthly", "growth", "forecast"))
    closed, closed_before, _pipeline = won(q)
    now, before = recurring(q)
    total = closed + now
    return {
        "total": total,
        "monthly": money(total / Decimal(q.months.numerator) * q.months.denominator),
        "growth": growth(total, closed_before + before),
        "forecast": coming(q),
    }


def recurring(q: Question) -> tuple[Decimal, Decimal]:
    """Of recurring contracts what falls into the period, and into the one before."""
    if not q.may("contracts"):
        return ZERO, ZERO
    return kept(
        q,
        "recurring",
        ["contracts"],
        lambda: (recurring_value(q.contracts(), q.first, q.last), recurring_value(q.contracts(), *q.before)),
    )


def coming(q: Question) -> Decimal | None:
    if not q.may("sales"):
        return None
    first, last = q.ahead
    return kept(
        q, "coming", ["sales"], lambda: forecast(q.deals(), first=first, last=last, zone=q.zone).totals.forecast
    )
