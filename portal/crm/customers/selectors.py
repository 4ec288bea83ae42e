"""Reading customers: the list with its filters, figures, and what belongs to one of them. All of it is what the reader
may see (`access`)."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import connection
from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.common.text import normalise
from portal.core.tenancy import scope, words
from portal.crm.counting import MOST
from portal.crm.customers.access import customers_seen
from portal.crm.customers.choices import Status
from portal.crm.customers.models import Customer, CustomerTag, MergeLog, StatusChange

INACTIVE: Final = timedelta(days=90)
PERIOD: Final = timedelta(days=30)
UNASSIGNED: Final = "unassigned"
SHOWN: Final = 100  # values that a filter offers
_EXACT: Final = ("email", "phone", "country", "external_id")
_ALIKE: Final = ("company_name", "contact_name", "city", "industry", "address", "tax_number")


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What a list is narrowed by; empty values do not narrow. `tags` are ids or names that all have to be there,
    `assigned_to` a person's id, `none` or `me`; the texts are compared whole, without case."""

    search: str = ""
    statuses: Collection[str] = ()
    sizes: Collection[str] = ()
    industries: Collection[str] = ()
    countries: Collection[str] = ()
    tags: Sequence[str] = ()
    assigned_to: str = ""
    company_name: str = ""
    contact_name: str = ""
    email: str = ""
    phone: str = ""
    city: str = ""
    country: str = ""
    industry: str = ""
    address: str = ""
    external_id: str = ""
    tax_number: str = ""
    since: datetime | None = None
    until: datetime | None = None
    inactive_days: int | None = None

    def said(self) -> dict[str, Any]:
        """The ones that narrow, as JSON."""
        return {
            name: clock.wire(value) if isinstance(value, datetime) else value
            for name, value in asdict(self).items()
            if value not in ("", (), [], None)
        }


def customer_list(*, user: User, filters: Filters) -> QuerySet[Customer]:
    """Newest first; `created_at` in [since, until)."""
    return narrow(customers_seen(user), filters, user=user)


def narrow(rows: QuerySet[Customer], by: Filters, *, user: User) -> QuerySet[Customer]:
    for name, values in (
        ("status", by.statuses),
        ("size", by.sizes),
        ("industry", by.industries),
        ("country", by.countries),
    ):
        if values:
            rows = rows.filter(**{f"{name}__in": list(values)})
    for name in _EXACT:
        if value := getattr(by, name):
            rows = rows.filter(**{name: value})
    for name in _ALIKE:
        if value := getattr(by, name):
            rows = rows.filter(**{f"{name}__iexact": value})
    if by.assigned_to in ("none", UNASSIGNED):
        rows = rows.filter(assigned_to=None)
    elif by.assigned_to:
        rows = rows.filter(assigned_to=user.pk if by.assigned_to == "me" else UUID(by.assigned_to))
    for tag in by.tags:
        rows = rows.filter(Exists(CustomerTag.objects.filter(_tag(tag), customer=OuterRef("pk"))))
    if by.since:
        rows = rows.filter(created_at__gte=by.since)
    if by.until:
        rows = rows.filter(created_at__lt=by.until)
    if by.inactive_days is not None:
        rows = rows.filter(last_activity_at__lt=clock.now() - timedelta(days=by.inactive_days))
    if text := normalise(by.search):
        rows = words.containing(rows, text, most=MOST)
    return rows.order_by("-created_at", "-id")


def _tag(said: str) -> Q:
    try:
        return Q(tag=UUID(said))
    except ValueError:
        return Q(tag__name_key=normalise(said), tag__scope="customer")


def industries(*, user: User) -> list[str]:
    """The first hundred in use, by name."""
    return _in_use("industry", user)


def countries(*, user: User) -> list[str]:
    return _in_use("country", user)


def _in_use(column: str, user: User) -> list[str]:
    """The values of a column that an index begins with, each found by one look into it: nothing reads all customers.
    Whoever sees some customers alone has few, and their values are gathered."""
    rows = customers_seen(user).order_by()
    if user.grants.get("customers.view") != "all":
        return sorted(rows.exclude(**{column: ""}).values_list(column, flat=True).distinct()[:SHOWN])
    with connection.cursor() as cursor:
        cursor.execute(
            f"""WITH RECURSIVE held AS (
                    SELECT min({column}) AS value, 1 AS place FROM crm_customer
                    WHERE organization_id = %(org)s AND deleted_at IS NULL AND {column} > ''
                UNION ALL
                    SELECT (SELECT min(c.{column}) FROM crm_customer c WHERE c.organization_id = %(org)s
                            AND c.deleted_at IS NULL AND c.{column} > held.value), place + 1
                    FROM held WHERE held.value IS NOT NULL AND place < %(most)s)
                SELECT value FROM held WHERE value IS NOT NULL""",  # noqa: S608  our own names
            {"org": scope.organization_id(), "most": SHOWN},
        )
        return [value for (value,) in cursor.fetchall()]


def status_history(*, customer: Customer) -> QuerySet[StatusChange]:
    rows: QuerySet[StatusChange] = StatusChange.objects.filter(customer=customer).select_related("changed_by")
    return rows.order_by("-changed_at", "-id")


def merge_list(*, customer: Customer) -> QuerySet[MergeLog]:
    rows: QuerySet[MergeLog] = MergeLog.objects.filter(target=customer).select_related("merged_by")
    return rows.order_by("-created_at", "-id")


# --- figures ---------------------------------------------------------------------------------------------
_GROUPS: Final = {
    "byStatus": "status",
    "byIndustry": "industry",
    "bySize": "size",
    "byCountry": "country",
    "byOwner": "assigned_to_id",
}


def customer_stats(
    *, user: User, filters: Filters, since: datetime | None = None, until: datetime | None = None
) -> dict[str, Any]:
    """Figures of the customers in sight, narrowed by `filters`. The period (of `new`, `growth`, `churn`) is [since,
    until), the last 30 days where nothing is said; growth compares with as long a period before. Percentages have two
    decimals, None where the divisor is 0. `churn`: lost in the period of those that were active at its start."""
    until = until or clock.now()
    since = since or until - PERIOD
    rows = customer_list(user=user, filters=filters).order_by()
    groups = _grouped(rows)
    total, ids = sum(groups["byStatus"].values()), rows.values("pk")
    counted = rows.aggregate(
        new=Count("pk", filter=Q(created_at__gte=since, created_at__lt=until)),
        before=Count("pk", filter=Q(created_at__gte=since - (until - since), created_at__lt=since)),
        inactive=Count("pk", filter=Q(last_activity_at__lt=clock.now() - INACTIVE)),
    )
    by_tag = (
        CustomerTag.objects.filter(customer__in=ids)
        .values("tag__name")
        .annotate(n=Count("pk"))
        .order_by("-n", "tag__name")
    )
    owners = User.objects.filter(pk__in=[key for key in groups["byOwner"] if key != UNASSIGNED])
    return {
        "total": total,
        "active": groups["byStatus"].get(Status.ACTIVE, 0),
        "new": counted["new"],
        "growth": percent(counted["new"] - counted["before"], counted["before"]),
        "churn": _churn(rows, since, until),
        "inactive90d": counted["inactive"],
        **groups,
        "byStatus": {key: groups["byStatus"].get(key, 0) for key in Status.values},
        "byTag": {row["tag__name"]: row["n"] for row in by_tag},
        "owners": {str(owner.pk): owner.name for owner in owners},
    }


def percent(part: int, whole: int) -> float | None:
    return round(100 * part / whole, 2) if whole else None


def _grouped(rows: QuerySet[Customer]) -> dict[str, dict[str, int]]:
    """Counts by each of the groups, in one pass; rows without a value are left out, but for the owner."""
    sql, params = rows.values("pk", *_GROUPS.values()).query.sql_with_params()
    columns = ", ".join(_GROUPS.values())
    sets = ", ".join(f"({column})" for column in _GROUPS.values())
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT grouping({columns}), {columns}, count(*) FROM ({sql}) c"  # noqa: S608  our own names
            f" GROUP BY GROUPING SETS ({sets})",
            params,
        )
        found = cursor.fetchall()
    made: dict[str, dict[str, int]] = {name: {} for name in _GROUPS}
    for mask, *values, count in sorted(found, key=lambda row: -row[-1]):
        place = next(n for n in range(len(_GROUPS)) if not mask >> (len(_GROUPS) - 1 - n) & 1)
        name = list(_GROUPS)[place]
        key = values[place] or (UNASSIGNED if name == "byOwner" else "")
        if key:
            made[name][str(key)] = count
    return made


def _churn(rows: QuerySet[Customer], since: datetime, until: datetime) -> float | None:
    """By the history of statuses: active at the start, churned before the end."""
    steps = StatusChange.objects.filter(customer=OuterRef("pk"))
    before = steps.filter(changed_at__lt=since).order_by("-changed_at", "-id").values("to_status")[:1]
    lost = steps.filter(to_status=Status.CHURNED, changed_at__gte=since, changed_at__lt=until)
    old = rows.filter(created_at__lt=since).alias(was=before).filter(was=Status.ACTIVE)
    counted = old.annotate(gone=Exists(lost)).aggregate(active=Count("pk"), lost=Count("pk", filter=Q(gone=True)))
    return percent(counted["lost"], counted["active"])
