"""Tables and filters of tickets."""

from typing import Any

import django_filters
import django_tables2
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from portal.core.accounts.models import User
from portal.core.tenancy import scope
from portal.crm.counting import many
from portal.crm.customers.models import Customer
from portal.crm.templatetags.tickets import sla_timer, ticket_badge
from portal.crm.tickets import selectors
from portal.crm.tickets.choices import Channel, TicketPriority, TicketStatus
from portal.crm.tickets.models import Ticket
from portal.ui.filters import DateField, day_after, midnight
from portal.ui.people import person
from portal.ui.tables import DateTimeColumn, LtrColumn, Table, TextColumn, TickColumn
from portal.ui.templatetags.marsad import ltr

_ALL = gettext_lazy("All")
# What the list shows while no status is chosen: open ones unless something else is asked for.
SHOWN = [
    ("all", gettext_lazy("All tickets")),
    ("mine", gettext_lazy("My open tickets")),
    ("unassigned", gettext_lazy("Nobody’s open tickets")),
]
SLA = [
    ("overdue", gettext_lazy("Overdue")),
    ("at_risk", gettext_lazy("At risk")),
    ("paused", gettext_lazy("Paused")),
    ("met", gettext_lazy("Kept")),
    ("missed", gettext_lazy("Missed")),
]


class DayFilter(django_filters.Filter):
    field_class = DateField


def people(request: HttpRequest | None) -> QuerySet[User]:
    """Everybody of the organisation who may have tickets, for filters."""
    if request is None:
        return User.objects.none()
    rows = User.objects.filter(organization_id=scope.organization_id(), deleted_at=None, is_active=True)
    return rows.order_by("name", "id")


def categories(request: HttpRequest | None) -> list[tuple[str, str]]:
    """The tree as choices."""
    return [(row.key, f"{'— ' * row.depth}{row}") for row in selectors.category_list()]  # type: ignore[attr-defined]


class TicketFilter(django_filters.FilterSet):
    """`ticket_list` applies them."""

    q = django_filters.CharFilter(label=gettext_lazy("Search"))
    show = django_filters.ChoiceFilter(
        label=gettext_lazy("Show"), choices=SHOWN, empty_label=gettext_lazy("Open tickets")
    )
    status = django_filters.MultipleChoiceFilter(label=gettext_lazy("Status"), choices=TicketStatus.choices)
    priority = django_filters.MultipleChoiceFilter(label=gettext_lazy("Priority"), choices=TicketPriority.choices)
    sla = django_filters.ChoiceFilter(label=gettext_lazy("Promise"), choices=SLA, empty_label=_ALL)
    category = django_filters.ChoiceFilter(label=gettext_lazy("Category"), empty_label=_ALL, choices=())
    assignee = django_filters.ModelChoiceFilter(
        label=gettext_lazy("Assigned to"), queryset=people, empty_label=_ALL, null_label=gettext_lazy("Nobody")
    )
    channel = django_filters.MultipleChoiceFilter(label=gettext_lazy("Channel"), choices=Channel.choices)
    tag = django_filters.CharFilter(label=gettext_lazy("Tag"))
    customer = django_filters.UUIDFilter(widget=django_filters.widgets.forms.HiddenInput)
    since = DayFilter(label=gettext_lazy("Created from"))
    until = DayFilter(label=gettext_lazy("Created until"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.filters["category"].extra["choices"] = categories(self.request)

    def chosen(self) -> dict[str, Any]:
        """What `ticket_list` is asked for."""
        said = self.form.cleaned_data
        show, assignee, user = said.get("show") or "", said.get("assignee"), person(self.request)
        closed = said.get("status") or said.get("sla") in ("met", "missed")
        return {
            "search": said.get("q") or "",
            "open_only": show != "all" and not closed,
            "statuses": said.get("status") or (),
            "priorities": said.get("priority") or (),
            "channels": said.get("channel") or (),
            "category": said.get("category") or "",
            "assignee": user.pk if show == "mine" else assignee.pk if isinstance(assignee, User) else None,
            "unassigned": show == "unassigned" or assignee == "null",
            "customer": said.get("customer"),
            "tags": [said["tag"].strip()] if (said.get("tag") or "").strip() else (),
            "sla": said.get("sla") or "",
            "since": midnight(said["since"]) if said.get("since") else None,
            "until": day_after(said["until"]) if said.get("until") else None,
        }

    @property
    def many(self) -> bool:
        said = dict(self.form.cleaned_data)
        return said.pop("show", "") == "all" and many(person(self.request), "tickets.view", Ticket, said)

    def filter_queryset(self, queryset: QuerySet[Ticket]) -> QuerySet[Ticket]:
        rows = selectors.ticket_list(user=person(self.request), **self.chosen())
        return rows.select_related("customer", "assigned_to", "category").defer("description", "search_text")


class TicketTable(Table):
    tick = TickColumn("title")
    title = TextColumn(
        linkify=("crm:ticket_detail", {"ticket_id": django_tables2.A("pk")}), attrs={"td": {"class": "ticket-title"}}
    )
    number = LtrColumn(verbose_name=gettext_lazy("No."))
    sla_due_at = django_tables2.Column(verbose_name=gettext_lazy("Promise"), empty_values=())
    status = django_tables2.Column()
    priority = django_tables2.Column()
    customer = TextColumn(verbose_name=gettext_lazy("Customer"), accessor="customer__name", orderable=False)
    assigned_to = TextColumn(
        verbose_name=gettext_lazy("Assigned to"), accessor="assigned_to__name", order_by=("assigned_to__name",)
    )
    updated_at = DateTimeColumn(verbose_name=gettext_lazy("Changed"))

    class Meta:
        model = Ticket
        fields = (
            "tick", "title", "number", "sla_due_at", "status", "priority", "customer", "assigned_to",
            "updated_at",
        )  # fmt: skip
        order_by = ("sla_due_at",)

    def __init__(self, *args: Any, inside: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if inside:
            self.columns.hide("customer")

    def render_number(self, value: int) -> SafeString:
        return ltr(f"#{value}")

    def render_sla_due_at(self, record: Ticket) -> SafeString:
        return sla_timer(record)

    def render_status(self, record: Ticket) -> SafeString:
        return ticket_badge(record.status)

    def render_priority(self, record: Ticket) -> SafeString:
        return ticket_badge(record.priority)


def customers(user: User) -> QuerySet[Customer]:
    """Those that a person may choose."""
    from portal.crm.customers.access import customers_seen

    return customers_seen(user).order_by("company_name", "id")
