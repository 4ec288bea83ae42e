"""Customers, deals, tickets and contracts."""

from typing import Any

from django.db.models import Case, DateField, Exists, ExpressionWrapper, F, Func, OuterRef, Q, QuerySet, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from portal.core.accounts.models import User
from portal.crm.contracts.choices import Billing
from portal.crm.contracts.choices import Status as ContractStatus
from portal.crm.contracts.models import Contract
from portal.crm.contracts.selectors import contract_list, type_list
from portal.crm.customers.choices import Size
from portal.crm.customers.choices import Status as CustomerStatus
from portal.crm.customers.selectors import Filters, customer_list
from portal.crm.sales.choices import Category, Kind
from portal.crm.sales.models import Stage
from portal.crm.sales.selectors import deals_seen
from portal.crm.tickets.choices import Channel, TicketPriority, TicketStatus
from portal.crm.tickets.selectors import category_list, is_late, ticket_list
from portal.desk.reports.sources import NUMBER, Source, boolean, choice, day, moment, number, someone, text
from portal.desk.reports.sources.field import holds


def _customers(user: User) -> QuerySet[Any]:
    return customer_list(user=user, filters=Filters())


def _tickets(user: User) -> QuerySet[Any]:
    return ticket_list(user=user)


def _contracts(user: User) -> QuerySet[Any]:
    return contract_list(user=user)


def _stages() -> list[tuple[str, str]]:
    """Deleted ones too: closed deals may stand in them."""
    rows = Stage.objects.order_by("deleted_at", "position", "id")
    return list({row.key: str(row) for row in reversed(rows)}.items())[::-1]


def _chance() -> Combinable:
    own = Q(status=Kind.OPEN, probability__isnull=False)
    return Case(When(own, then=F("probability")), default=F("stage__probability"))


def _weighted() -> Combinable:
    return ExpressionWrapper(F("base_value") * _chance() / 100, output_field=NUMBER)


def _hours() -> Combinable:
    return Func(
        F("resolved_at"),
        F("created_at"),
        template="round(extract(epoch FROM %(expressions)s) / 3600, 2)",
        arg_joiner=" - ",
        output_field=NUMBER,
    )


def _successor() -> Combinable:
    rows = Contract.objects.filter(predecessor=OuterRef("pk"), deleted_at=None)
    return Exists(rows.exclude(status=ContractStatus.CANCELLED))


CUSTOMERS = Source(
    key="customers",
    label=_("Customers"),
    icon="building",
    permission="customers.view",
    rows=_customers,
    columns=(
        text("name", _("Name")),
        text("contactName", _("Contact person"), "contact_name"),
        text("email", _("E-mail")),
        text("phone", _("Phone")),
        text("city", _("City")),
        text("country", _("Country")),
        text("industry", _("Industry")),
        choice("size", _("Size"), choices=lambda: Size.choices),
        choice("status", _("Status"), choices=lambda: CustomerStatus.choices),
        someone("assignedTo", _("Assigned to"), "assigned_to"),
        text("externalId", _("Number in another system"), "external_id"),
        moment("createdAt", _("Created"), "created_at"),
        moment("lastActivityAt", _("Last activity"), "last_activity_at"),
    ),
    usual=("name", "contactName", "city", "status", "assignedTo", "createdAt"),
    time="createdAt",
    order=("createdAt", True),
    page="crm:customer_detail",
)

DEALS = Source(
    key="deals",
    label=_("Deals"),
    icon="coin",
    permission="sales.view",
    rows=deals_seen,
    columns=(
        text("title", _("Title")),
        text("customer", _("Customer"), "customer__name"),
        choice("stage", _("Stage"), "stage__key", choices=_stages),
        choice("status", _("Status"), choices=lambda: Kind.choices),
        number("value", _("Value")),
        text("currency", _("Currency")),
        number("baseValue", _("Value in the base currency"), "base_value"),
        number("probability", _("Probability (%)"), build=_chance),
        number("weightedValue", _("Weighted value in the base currency"), build=_weighted),
        choice("category", _("Category of the forecast"), choices=lambda: Category.choices),
        day("expectedCloseDate", _("Expected close"), "expected_close_date"),
        someone("assignedTo", _("Assigned to"), "assigned_to"),
        someone("ownerAtClose", _("Owner when it was closed"), "owner_at_close"),
        moment("closedAt", _("Closed"), "closed_at"),
        text("lostReason", _("Reason of the loss"), "lost_reason"),
        moment("createdAt", _("Created"), "created_at"),
    ),
    usual=("title", "customer", "stage", "value", "currency", "assignedTo", "expectedCloseDate"),
    time="createdAt",
    order=("createdAt", True),
    page="crm:sale_detail",
)

TICKETS = Source(
    key="tickets",
    label=_("Tickets"),
    icon="ticket",
    permission="tickets.view",
    rows=_tickets,
    columns=(
        number("number", _("Number")),
        text("title", _("Title")),
        text("customer", _("Customer"), "customer__name"),
        text("requesterName", _("Asked by"), "requester_name"),
        choice("channel", _("Channel"), choices=lambda: Channel.choices),
        choice(
            "category", _("Category"), "category__key", choices=lambda: [(row.key, str(row)) for row in category_list()]
        ),
        choice("priority", _("Priority"), choices=lambda: TicketPriority.choices),
        choice("status", _("Status"), choices=lambda: TicketStatus.choices),
        someone("assignedTo", _("Assigned to"), "assigned_to"),
        boolean("late", _("Overdue"), build=lambda: holds(is_late())),
        moment("dueDate", _("Due"), "due_date"),
        moment("createdAt", _("Created"), "created_at"),
        moment("firstResponseAt", _("First answer"), "first_response_at"),
        moment("resolvedAt", _("Resolved"), "resolved_at"),
        moment("closedAt", _("Closed"), "closed_at"),
        number("resolutionHours", _("Hours until resolved"), build=_hours),
        number("reopenCount", _("Opened again"), "reopen_count"),
        number("replyCount", _("Answers"), "reply_count"),
        number("satisfaction", _("Satisfaction")),
    ),
    usual=("number", "title", "customer", "priority", "status", "assignedTo", "createdAt"),
    time="createdAt",
    order=("createdAt", True),
    page="crm:ticket_detail",
)

CONTRACTS = Source(
    key="contracts",
    label=_("Contracts"),
    icon="file-text",
    permission="contracts.view",
    rows=_contracts,
    columns=(
        text("number", _("Number")),
        text("title", _("Title")),
        text("customer", _("Customer"), "customer__name"),
        choice("type", _("Type"), "type__key", choices=lambda: [(row.key, str(row)) for row in type_list(every=True)]),
        choice("status", _("Status"), choices=lambda: ContractStatus.choices),
        number("value", _("Value")),
        text("currency", _("Currency")),
        number(
            "baseValue",
            _("Value in the base currency"),
            build=lambda: ExpressionWrapper(F("value") * F("fx_rate"), output_field=NUMBER),
        ),
        choice("billing", _("Billing"), choices=lambda: Billing.choices),
        day("startDate", _("First day"), "start_date"),
        day(
            "lastDay",
            _("Last day"),
            build=lambda: Coalesce(F("termination_date"), F("end_date"), output_field=DateField()),
        ),
        number("noticeDays", _("Notice in days"), "notice_days"),
        boolean("autoRenew", _("Renews itself"), "auto_renew"),
        boolean("renewed", _("Has a renewal"), build=_successor),
        someone("owner", _("Person in charge"), "owner"),
        day("signedOn", _("Signed on"), "signed_on"),
        day("endedOn", _("Ended on"), "ended_on"),
        moment("createdAt", _("Created"), "created_at"),
    ),
    usual=("number", "title", "customer", "type", "status", "value", "currency", "lastDay"),
    time="createdAt",
    order=("createdAt", True),
    page="crm:contract_detail",
)
