"""What lies behind each block: sales, customers, support, finance. None where the person may not see the subject."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.db.models.functions import TruncMonth

from portal.core.common import clock
from portal.crm.contracts import selectors as contracts
from portal.crm.contracts.terms import add_months
from portal.crm.customers.selectors import Filters, customer_stats
from portal.crm.sales import figures as deals
from portal.crm.sales import wire
from portal.crm.sales.figures import rate
from portal.crm.sales.forecast import months
from portal.crm.sales.selectors import pipeline
from portal.crm.sla.models import Kind as Clock
from portal.crm.sla.models import SlaClock, State
from portal.crm.tickets import figures as desk
from portal.crm.tickets.models import Ticket
from portal.crm.tickets.selectors import at_risk
from portal.desk.figures import metrics
from portal.desk.figures.kept import kept
from portal.desk.figures.question import Question


def sales(q: Question) -> dict[str, Any] | None:
    """The block of the metrics, the open stages as a funnel, and the analytics of the deals closed in the period."""
    if not q.may("sales"):
        return None

    def build() -> dict[str, Any]:
        found = wire.analytics(deals.analytics(q.deals(), first=q.first, last=q.last, zone=q.zone), q.currency)
        stages = pipeline(q.deals(), cards=0)
        return found | {
            "stages": [
                {
                    "stage": column.stage.key,
                    "name": str(column.stage),
                    "count": column.count,
                    "value": column.value,
                    "weighted": column.weighted,
                    "rotting": column.rotting,
                }
                for column in stages
            ],
            "weighted": sum((column.weighted for column in stages), Decimal(0)),
        }

    return {**metrics.sales(q), "forecast": metrics.coming(q), **kept(q, "sales", ["sales"], build, timed=True)}


def customers(q: Question) -> dict[str, Any] | None:
    """The block of the metrics, segments of now, churn in the period, and new ones by month."""
    if not q.may("customers"):
        return None

    def build() -> dict[str, Any]:
        filters = Filters(assigned_to=str(q.assignee or ""))
        found = customer_stats(user=q.reader, filters=filters, since=q.since, until=q.until)
        made = q.customers().filter(q.within("created_at", q.first, q.last))
        by_month = {
            at.date(): count
            for at, count in made.values_list(TruncMonth("created_at", tzinfo=clock.zone(q.zone))).annotate(
                n=Count("pk")
            )
        }
        return {
            "churn": found["churn"],
            "inactive90d": found["inactive90d"],
            **{name: found[name] for name in ("byStatus", "bySize", "byIndustry", "byCountry", "byOwner", "owners")},
            "byMonth": [{"month": f"{one:%Y-%m}", "new": by_month.get(one, 0)} for one in months(q.first, q.last)],
        }

    return {**kept(q, "customer", ["customers"], build, timed=True), **metrics.customers(q)}


def support(q: Question) -> dict[str, Any] | None:
    """The block of the metrics, the queue of now, and of the period: created, resolved, promises kept, satisfaction."""
    if not q.may("tickets"):
        return None

    def build() -> dict[str, Any]:
        rows = q.tickets()
        now = desk.stats(rows)
        trend = desk.analytics(rows, since=q.since, until=q.until, zone=q.zone)
        due = rows.filter(metrics.COUNTED)
        return {
            **{name: now[name] for name in ("unassigned", "byStatus", "byPriority", "byAgent", "backlogAge")},
            "overdue": now["overdue"],
            "atRisk": due.filter(at_risk()).count(),
            "reopenRate": now["reopenRate"],
            "oneTouchRate": now["oneTouchRate"],
            **{name: trend[name] for name in ("created", "createdByDay", "resolvedByDay", "byChannel", "satisfaction")},
            "resolvedInPeriod": trend["resolved"],
            "sla": _promises(due.filter(q.within("created_at", q.first, q.last))),
        }

    return {**kept(q, "support", ["tickets"], build, timed=True), **metrics.tickets(q)}


def _promises(rows: QuerySet[Ticket]) -> dict[str, Any]:
    """How the promises on these tickets were kept; one whose time is over counts as broken, noticed or not."""
    clocks = SlaClock.objects.filter(ticket__in=rows.values("pk")).exclude(state=State.CANCELLED).order_by()
    found = {
        kind: (met, broken)
        for kind, met, broken in clocks.values_list("kind").annotate(
            met=Count("pk", filter=Q(state=State.MET)), broken=Count("pk", filter=desk.broken(clock.now()))
        )
    }
    told = {}
    for name, kind in (("firstResponse", Clock.FIRST_RESPONSE), ("nextResponse", Clock.NEXT_RESPONSE),
                       ("resolution", Clock.RESOLUTION)):  # fmt: skip
        met, broken = found.get(kind, (0, 0))
        told[name] = {"met": met, "breached": broken, "compliance": rate(met, met + broken)}
    return told


def finance(q: Question) -> dict[str, Any] | None:
    """The block of the metrics with its parts, and the contracts of now and of the period."""
    if not q.may("sales") and not q.may("contracts"):
        return None
    sells, holds = q.may("sales"), q.may("contracts")

    def build() -> dict[str, Any]:
        won: dict[str, Decimal] = {}
        if sells:
            found = deals.analytics(q.deals(), first=q.first, last=q.last, zone=q.zone)
            won = {f"{row['month']:%Y-%m}": row["won_value"] for row in found.by_month}
        by_month = []
        for month in months(q.first, q.last):
            name, end = f"{month:%Y-%m}", add_months(month, 1) - timedelta(days=1)
            first, last = max(month, q.first), min(end, q.last)
            held = contracts.recurring_value(q.contracts(), first, last) if holds else Decimal(0)
            closed = won.get(name, Decimal(0))
            by_month.append({"month": name, "won": closed, "recurring": held, "total": closed + held})
        return {"byMonth": by_month}

    def papers() -> dict[str, Any]:
        filters = {"owner": q.assignee} if q.assignee else None
        found = contracts.analytics(user=q.reader, first=q.first, last=q.last, filters=filters)
        card = contracts.analytics_card(found)
        return {
            name: card[name]
            for name in (
                "active", "value", "mrr", "types", "renewalRate", "churnRate", "renewed", "expired", "terminated",
                "expiriesByMonth",
            )
        }  # fmt: skip

    won, _before, pipeline_value = metrics.won(q)
    return {
        "currency": q.currency,
        **metrics.revenue(q),
        "won": won if sells else None,
        "recurring": metrics.recurring(q)[0] if holds else None,
        "pipeline": pipeline_value if sells else None,
        **kept(q, "finance", ["sales", "contracts"], build),
        "contracts": kept(q, "papers", ["contracts"], papers) if holds else None,
    }


def with_period(q: Question, found: dict[str, Any] | None) -> dict[str, Any]:
    """What every answer about a period says of itself."""
    first, last = q.before
    return {
        "dateFrom": q.first.isoformat(),
        "dateTo": q.last.isoformat(),
        "comparedFrom": first.isoformat(),
        "comparedTo": last.isoformat(),
        "timeZone": q.zone,
        "currency": q.currency,
        "scope": q.scope,
        **(found or {}),
    }
