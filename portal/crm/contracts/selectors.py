"""Reads of contracts: lists, what expires, what to renew, figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

from django.db.models import Count, DateField, Exists, ExpressionWrapper, F, OuterRef, Q, QuerySet, Subquery, Sum, Value
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Coalesce

from portal.core.accounts.models import User
from portal.core.common.text import normalise
from portal.crm.contracts import access, terms
from portal.crm.contracts.choices import ENDED, IN_FORCE, Billing, Status
from portal.crm.contracts.models import Contract, ContractEvent, ContractTemplate, ContractType
from portal.crm.tickets.access import tickets_seen
from portal.crm.tickets.selectors import over

RENEWABLE_AFTER = 90  # days that an expired contract is still worth a call


def contract_list(*, user: User, filters: Mapping[str, Any] | None = None) -> QuerySet[Contract]:
    """What the person sees. Filters: `search`, `status` and `type` (lists), `customer`, `owner`, `billing`, `currency`,
    `auto_renew`, `value_from`, `value_to`, and `start_from`, `start_to`, `end_from`, `end_to` (days, included)."""
    said = {name: value for name, value in (filters or {}).items() if value not in (None, "", [])}
    rows = access.contracts_seen(user).select_related("customer", "type", "owner", "template_version")
    for word in normalise(str(said.get("search", ""))).split():
        rows = rows.filter(search_text__contains=word)
    for name, lookup in (
        ("status", "status__in"),
        ("type", "type__key__in"),
        ("customer", "customer"),
        ("owner", "owner"),
        ("billing", "billing"),
        ("currency", "currency__iexact"),
        ("auto_renew", "auto_renew"),
        ("value_from", "value__gte"),
        ("value_to", "value__lte"),
        ("start_from", "start_date__gte"),
        ("start_to", "start_date__lte"),
        ("end_from", "end_date__gte"),
        ("end_to", "end_date__lte"),
    ):
        if name in said:
            rows = rows.filter(**{lookup: said[name]})
    return rows


def later(day: date) -> "ExpressionWrapper[CombinedExpression]":
    """`day` and a contract's days of notice."""
    return ExpressionWrapper(Value(day, DateField()) + F("notice_days"), DateField())


def _living_successor() -> Exists:
    rows = Contract.objects.filter(predecessor=OuterRef("pk"), deleted_at=None).exclude(status=Status.CANCELLED)
    return Exists(rows)


def expiring(*, user: User, days: int = 30, filters: Mapping[str, Any] | None = None) -> QuerySet[Contract]:
    """Active ones that end within `days` and that nothing renews, the next end first."""
    day = access.today()
    rows = contract_list(user=user, filters=filters).filter(status=Status.ACTIVE)
    rows = rows.annotate(last=Coalesce("termination_date", "end_date"))
    rows = rows.filter(last__gte=day, last__lte=day + timedelta(days=days))
    return rows.filter(~_living_successor()).order_by("last", "pk")


def renewals(*, user: User, days: int = 90, filters: Mapping[str, Any] | None = None) -> QuerySet[Contract]:
    """What to renew: active ones in their notice window or ending within `days`, those due to renew themselves, and
    expired ones of the last 90 days; nothing renews them, nobody gave notice. Each has `late_tickets`."""
    day = access.today()
    window = Q(status=Status.ACTIVE, end_date__gte=day) & (
        Q(end_date__lte=day + timedelta(days=days)) | Q(end_date__lte=later(day))
    )
    past = Q(status=Status.EXPIRED, end_date__gte=day - timedelta(days=RENEWABLE_AFTER)) | Q(
        status=Status.ACTIVE, end_date__lt=day
    )
    rows = contract_list(user=user, filters=filters).filter(window | past)
    rows = rows.filter(~_living_successor(), termination_date=None).annotate(late_tickets=_late_tickets(user))
    return rows.order_by("end_date", "pk")


def _late_tickets(user: User) -> Coalesce:
    """How many open tickets of the customer, of those that the person sees, are over a promise: what a renewal may
    fail of."""
    late = tickets_seen(user).filter(over(), customer=OuterRef("customer")).order_by()
    return Coalesce(Subquery(late.values("customer").annotate(n=Count("pk")).values("n")), 0)


def proposed_value(contract: Contract) -> Decimal:
    """The value with the increase that its type proposes."""
    return terms.money(contract.value * (100 + contract.type.uplift) / 100)


def history_of(contract: Contract) -> QuerySet[ContractEvent]:
    """Newest first."""
    rows: QuerySet[ContractEvent] = ContractEvent.objects.filter(contract=contract).select_related("user")
    return rows.order_by("-created_at", "-id")


def chain(contract: Contract, user: User) -> list[Contract]:
    """The contract with all it renews and all that renew it, the oldest first."""
    rows = access.contracts_seen(user).select_related("customer", "type")
    found, older, newer = [contract], contract.predecessor_id, contract.pk
    for _step in range(100):
        previous = rows.filter(pk=older).first() if older else None
        if previous is None:
            break
        found.insert(0, previous)
        older = previous.predecessor_id
    for _step in range(100):
        following = rows.filter(predecessor=newer).exclude(status=Status.CANCELLED).first()
        if following is None:
            break
        found.append(following)
        newer = following.pk
    return found


def type_list(*, every: bool = False) -> QuerySet[ContractType]:
    rows: QuerySet[ContractType] = ContractType.objects.all()
    return rows if every else rows.filter(is_active=True)


def template_list(*, search: str = "", kind: str = "", language: str = "") -> QuerySet[ContractTemplate]:
    rows: QuerySet[ContractTemplate] = ContractTemplate.objects.filter(deleted_at=None).select_related("type")
    rows = rows.filter(name__icontains=search) if search else rows
    rows = rows.filter(type__key=kind) if kind else rows
    return rows.filter(language=language) if language else rows


# --- figures ----------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Analytics:
    """All amounts in the organisation's currency at the rate of each contract. `active`, `value`, `mrr` are of today,
    the renewals of what came due from `first` to `last`: renewed and expired ones by their last day, terminated ones
    by the day they ended."""

    first: date
    last: date
    total: int
    active: int
    value: Decimal
    mrr: Decimal
    renewals: terms.Renewals
    average_term: Decimal | None
    by_type: list[dict[str, Any]]
    by_status: dict[str, int]
    by_month: list[dict[str, Any]]
    recurring: Decimal


def analytics(
    *, user: User, first: date | None = None, last: date | None = None, filters: Mapping[str, Any] | None = None
) -> Analytics:
    """Figures over the person's contracts; five queries. The period is the last twelve months where none is given."""
    day = access.today()
    last = last or day
    first = first or terms.add_months(last, -12) + timedelta(days=1)
    rows = contract_list(user=user, filters=filters).select_related(None).order_by()
    counts = dict(rows.values_list("status").annotate(n=Count("pk")))
    kinds = {row.pk: row for row in ContractType.objects.all()}
    active = rows.filter(status=Status.ACTIVE).values_list(
        "type", "value", "fx_rate", "billing", "start_date", "end_date", "termination_date", "term_months"
    )
    held: dict[UUID, list[terms.Term]] = {}
    ends: dict[str, tuple[int, Decimal]] = {}
    lengths: list[Fraction] = []
    for kind, value, rate, billing, start, end, early, months in active.iterator(chunk_size=2000):
        term = terms.Term(value * rate, billing != Billing.ONE_OFF, start or day, end, months)
        held.setdefault(kind, []).append(term)
        lengths.append(term.length)
        if (ending := early or end) and day <= ending < terms.add_months(day.replace(day=1), 12):
            count, amount = ends.get(f"{ending:%Y-%m}", (0, Decimal(0)))
            ends[f"{ending:%Y-%m}"] = (count + 1, amount + term.value)
    every = [term for group in held.values() for term in group]
    months_ahead = [f"{terms.add_months(day.replace(day=1), n):%Y-%m}" for n in range(12)]
    return Analytics(
        first=first,
        last=last,
        total=sum(counts.values()),
        active=counts.get(Status.ACTIVE, 0),
        value=terms.money(sum((term.value for term in every), Decimal(0))),
        mrr=terms.mrr(every),
        renewals=renewal_figures(rows, first, last),
        average_term=terms.money(sum(lengths, Fraction(0)) / len(lengths)) if lengths else None,
        by_type=[
            {
                "type": kind.key,
                "name": kind.label,
                "count": len(group),
                "value": float(terms.money(sum((term.value for term in group), Decimal(0)))),
                "mrr": float(terms.mrr(group)),
            }
            for kind, group in sorted(
                ((kinds[pk], group) for pk, group in held.items()), key=lambda pair: (pair[0].order, pair[0].key)
            )
        ],
        by_status={str(status): counts.get(status, 0) for status in Status.values},
        by_month=[
            {
                "month": month,
                "count": ends.get(month, (0, Decimal(0)))[0],
                "value": float(ends.get(month, (0, Decimal(0)))[1]),
            }
            for month in months_ahead
        ],
        recurring=recurring_value(rows, first, last),
    )


def renewal_figures(rows: QuerySet[Contract], first: date, last: date) -> terms.Renewals:
    """What became of those that came due from `first` to `last`."""
    due = rows.filter(status__in=ENDED, ended_on__gte=first, ended_on__lte=last)
    found = {
        status: (count, value or Decimal(0))
        for status, count, value in due.values_list("status").annotate(
            count=Count("pk"), amount=Sum(F("value") * F("fx_rate"))
        )
    }
    none = (0, Decimal(0))
    return terms.Renewals(*(found.get(status, none) for status in (Status.RENEWED, Status.EXPIRED, Status.TERMINATED)))


def recurring_value(rows: QuerySet[Contract], first: date, last: date) -> Decimal:
    """The share of recurring contracts' value that falls into `first` to `last`, by months."""
    past = rows.filter(status__in=(*IN_FORCE, *ENDED), start_date__lte=last).exclude(billing=Billing.ONE_OFF)
    past = past.filter(Q(end_date=None) | Q(end_date__gte=first))
    total = Fraction(0)
    columns = ("value", "fx_rate", "start_date", "end_date", "ended_on", "term_months")
    for value, rate, start, end, ended, months in past.values_list(*columns).iterator(chunk_size=2000):
        term = terms.Term(value * rate, recurring=True, start=start, end=end, months=months)
        total += term.within(first, min(last, ended) if ended else last)
    return terms.money(total)


def analytics_card(figures: Analytics) -> dict[str, Any]:
    """On the wire."""
    churned_count, churned_value = figures.renewals.churned

    def number(value: Decimal | None) -> float | None:
        return None if value is None else float(value)

    def pair(found: tuple[int, Decimal]) -> dict[str, Any]:
        return {"count": found[0], "value": float(terms.money(found[1]))}

    return {
        "dateFrom": figures.first.isoformat(),
        "dateTo": figures.last.isoformat(),
        "total": figures.total,
        "active": figures.active,
        "value": float(figures.value),
        "mrr": float(figures.mrr),
        "byType": {row["type"]: row["count"] for row in figures.by_type},
        "types": figures.by_type,
        "byStatus": figures.by_status,
        "renewalRate": number(figures.renewals.rate),
        "renewalRateByValue": number(figures.renewals.rate_by_value),
        "churnRate": number(figures.renewals.churn),
        "churned": churned_count,
        "churnedValue": float(terms.money(churned_value)),
        "renewed": pair(figures.renewals.renewed),
        "expired": pair(figures.renewals.expired),
        "terminated": pair(figures.renewals.terminated),
        "avgTermMonths": number(figures.average_term),
        "expiriesByMonth": figures.by_month,
        "recurringValue": float(figures.recurring),
    }


def active_count(customers: Sequence[UUID]) -> int:
    """How many contracts in force these customers have."""
    return Contract.objects.filter(customer__in=customers, status__in=IN_FORCE, deleted_at=None).count()
