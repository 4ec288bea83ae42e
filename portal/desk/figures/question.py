"""Whose figures are asked for, of which period, and what they are compared with."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Final
from uuid import UUID

from django.db import connection
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from portal.core.accounts.models import User
from portal.core.accounts.permissions import SCOPES, catalogue
from portal.core.common import clock
from portal.core.common.errors import Invalid
from portal.core.tenancy.models import Organization
from portal.crm.contracts.access import contracts_seen
from portal.crm.contracts.models import Contract
from portal.crm.contracts.terms import add_months, months_between
from portal.crm.customers.access import customers_seen
from portal.crm.customers.models import Customer
from portal.crm.money import base_currency
from portal.crm.sales.figures import rate
from portal.crm.sales.models import Deal
from portal.crm.sales.selectors import deals_seen
from portal.crm.tickets.access import tickets_seen
from portal.crm.tickets.models import Ticket

RIGHT: Final = "dashboard.view"
SUBJECTS: Final = ("customers", "sales", "tickets", "contracts")
COMPARISONS: Final = ("previous", "year")
MOST_DAYS: Final = 3650


@dataclass(frozen=True, slots=True)
class Question:
    """`reader` is the person with the rights over records held for no more than the dashboard's scope. `first` and
    `last` are days of the organisation's zone, both included. `versions` counts the changes of each subject; None where
    the transaction in force has written something, which nobody else may see."""

    reader: User
    organization: UUID
    zone: str
    currency: str
    today: date
    first: date
    last: date
    compare: str
    scope: str
    assignee: UUID | None
    versions: Mapping[str, int] | None
    sight: str

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def months(self) -> Fraction:
        return months_between(self.first, self.last)

    @property
    def before(self) -> tuple[date, date]:
        """The days that the period is compared with."""
        if self.compare == "year":
            return add_months(self.first, -12), add_months(self.last, -12)
        return self.first - timedelta(days=self.days), self.first - timedelta(days=1)

    @property
    def ahead(self) -> tuple[date, date]:
        """The coming period of equal length."""
        return self.last + timedelta(days=1), self.last + timedelta(days=self.days)

    @property
    def since(self) -> datetime:
        return self.span(self.first, self.last)[0]

    @property
    def until(self) -> datetime:
        """Exclusive."""
        return self.span(self.first, self.last)[1]

    def span(self, first: date, last: date) -> tuple[datetime, datetime]:
        """The moments of days, the second exclusive."""
        return clock.day_start(first, self.zone), clock.day_start(last + timedelta(days=1), self.zone)

    def within(self, column: str, first: date, last: date) -> Q:
        since, until = self.span(first, last)
        return Q(**{f"{column}__gte": since, f"{column}__lt": until})

    def may(self, subject: str) -> bool:
        return self.reader.has_permission(f"{subject}.view")

    # --- the rows in sight ------------------------------------------------------------------------------
    def customers(self) -> QuerySet[Customer]:
        return self._of(customers_seen(self.reader), "assigned_to").order_by()

    def deals(self) -> QuerySet[Deal]:
        return self._of(deals_seen(self.reader), "assigned_to").order_by()

    def tickets(self) -> QuerySet[Ticket]:
        return self._of(tickets_seen(self.reader), "assigned_to").order_by()

    def contracts(self) -> QuerySet[Contract]:
        return self._of(contracts_seen(self.reader), "owner").order_by()

    def _of[M: (Customer, Deal, Ticket, Contract)](self, rows: QuerySet[M], column: str) -> QuerySet[M]:
        return rows.filter(**{column: self.assignee}) if self.assignee else rows


def growth(now: Decimal | int, before: Decimal | int) -> Decimal | None:
    """Percent, two decimals; None where there was nothing before."""
    return rate(Decimal(now) - before, before)


def ask(
    *,
    user: User,
    organization: Organization,
    first: date | None = None,
    last: date | None = None,
    compare: str = "previous",
    scope: str = "",
    assignee: UUID | None = None,
) -> Question:
    """The last twelve months where no day is given. `scope` (own, team, all) narrows what the person may see, never
    more. Raises Invalid naming `date_from` or `date_to`."""
    today = clock.now().astimezone(clock.zone(organization.time_zone)).date()
    last = last or max(today, first or today)
    try:
        first = first or add_months(last, -12) + timedelta(days=1)
        early = first - timedelta(days=2 * MOST_DAYS) > date.min
    except (ValueError, OverflowError):
        early = False
    if not early or last.year > 9900:
        raise Invalid.field("date_from", _("Enter a date like 2026-11-20."))
    assert first is not None
    if last < first or (last - first).days >= MOST_DAYS:
        raise Invalid.field("date_to", _("The period must end after its beginning, and within ten years."))
    held = min(user.grants[RIGHT], scope or "all", key=SCOPES.index)
    reader = narrowed(user, held)
    return Question(
        reader=reader,
        organization=organization.pk,
        zone=organization.time_zone,
        currency=base_currency(organization),
        today=today,
        first=first,
        last=last,
        compare=compare,
        scope=held,
        assignee=assignee,
        versions=_versions(organization.pk),
        sight=_sight(reader),
    )


def narrowed(user: User, scope: str) -> User:
    """The same person with every scoped right held for no more than `scope`."""
    known, reader = catalogue(), copy.copy(user)
    reader.__dict__["grants"] = {
        code: min(held, scope, key=SCOPES.index) if known[code].scoped else held for code, held in user.grants.items()
    }
    return reader


def _sight(reader: User) -> str:
    """What the person's sight of the four subjects hangs on, as a text."""
    grants = [reader.grants.get(f"{subject}.view", "") for subject in SUBJECTS]
    said = "/".join(grants)
    if "own" in grants or "team" in grants:
        said += f"/{reader.pk}"
    if "team" in grants and reader.department:
        people = User.objects.filter(organization=reader.organization_id, department=reader.department)
        said += "/" + ",".join(map(str, people.order_by("pk").values_list("pk", flat=True)))
    return said


def _versions(organization: UUID) -> Mapping[str, int] | None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT s.subject, coalesce((SELECT sum(t.changes) FROM desk_figuretally t WHERE t.organization_id = %s"
            " AND t.subject = s.subject), 0)::bigint, pg_current_xact_id_if_assigned() IS NULL"
            " FROM unnest(%s::text[]) s (subject)",
            [organization, list(SUBJECTS)],
        )
        found = cursor.fetchall()
    return {subject: version for subject, version, _clean in found} if found[0][2] else None
