"""What tickets bring into the registries of the platform."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.core.accounts import permissions as rights
from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.notifications import events, kinds
from portal.core.tenancy import seeds
from portal.crm import activity, settings
from portal.crm.customers import registry
from portal.crm.customers.frame import PLACE
from portal.crm.tickets import access, escalation, seeding, services, talk
from portal.crm.tickets.choices import OPEN, TicketStatus
from portal.crm.tickets.events import EVENTS, KINDS
from portal.crm.tickets.models import Ticket
from portal.crm.tickets.permissions import PERMISSIONS
from portal.ui import menu, panels, restoring


def register() -> None:
    from portal.crm.sla import jobs as _sla_jobs  # noqa: F401  declares its work
    from portal.crm.tickets import jobs as _jobs  # noqa: F401

    rights.register(PERMISSIONS)
    events.register(EVENTS)
    kinds.register(*KINDS)
    seeds.register(seeding.seed_organizations)
    escalation.register()
    registry.register_reference(Ticket, "customer", what=gettext_lazy("Tickets"), in_use=in_use, archive=archive)
    activity.register_source(
        "ticket",
        visible=access.tickets_seen,
        texts={
            "ticket.created": gettext_lazy("Ticket %(number)s: %(title)s"),
            "ticket.updated": gettext_lazy("Ticket %(number)s changed: %(title)s"),
            "ticket.comment": gettext_lazy("New comment in ticket %(number)s: %(title)s"),
            "ticket.merged": gettext_lazy("Ticket %(number)s merged into %(into)s"),
            "ticket.status": _status,
        },
        url=lambda id: reverse("crm:ticket_detail", args=[id]),
        icon="ticket",
    )
    restoring.register(
        restoring.Restorable(
            key="ticket",
            label=gettext_lazy("Tickets"),
            permission="tickets.delete",
            list_url="crm:ticket_list",
            rows=lambda user: Ticket.objects.filter(access.within(user, "tickets.work"), deleted_at__isnull=False),
            restore=services.ticket_restore,
            url=lambda id: reverse("crm:ticket_detail", args=[id]),
        ),
        restoring.Restorable(
            key="ticket_comment",
            restore=talk.comment_restore,
            url=lambda id: reverse("crm:ticket_detail", args=[id]),
            parent="ticket",
        ),
    )
    panels.register(
        panels.Tab(
            place=PLACE,
            key="tickets",
            label=gettext_lazy("Tickets"),
            icon="ticket",
            url_name="crm:customer_tickets",
            permission="tickets.view",
            order=50,
        )
    )
    settings.register(
        *(
            settings.Section(
                key=f"ticket_{key}", label=label, icon=icon, url_name=url, permission="tickets.work", order=order
            )
            for order, key, label, icon, url in (
                (50, "categories", gettext_lazy("Ticket categories"), "sitemap", "crm:ticket_settings"),
                (51, "calendars", gettext_lazy("Working hours"), "calendar", "crm:sla_calendar_list"),
                (52, "policies", gettext_lazy("SLA policies"), "scale", "crm:sla_policy_list"),
            )
        )
    )
    menu.register(
        menu.MenuItem(
            label=gettext_lazy("Tickets"),
            url_name="crm:ticket_list",
            icon="ticket",
            permission="tickets.view",
            group="office",
            order=40,
        ),
        menu.MenuItem(
            label=gettext_lazy("Promises (SLA)"),
            url_name="crm:ticket_sla",
            icon="gauge",
            permission="tickets.view",
            group="office",
            order=41,
        ),
    )


def _status(data: dict[str, Any]) -> str:
    told = {"number": data.get("number"), "title": data.get("title"), "status": TicketStatus(data["status"]).label}
    return _("Ticket %(number)s is now: %(status)s (%(title)s)") % told


def in_use(customers: Sequence[UUID]) -> Mapping[UUID, Sequence[str]]:
    """The open tickets of customers, by name."""
    found: dict[UUID, list[str]] = {}
    for row in Ticket.objects.filter(customer__in=customers, status__in=OPEN, deleted_at=None)[:200]:
        assert row.customer_id is not None
        found.setdefault(row.customer_id, []).append(_("Ticket %(name)s") % {"name": row})
    return found


def archive(customer: UUID, by: User) -> None:
    """Resolve what is open with a customer that is put away."""
    for pk in Ticket.objects.filter(customer=customer, status__in=OPEN, deleted_at=None).values_list("pk", flat=True):
        note = _("The customer was put away on %(day)s.") % {"day": clock.now().date().isoformat()}
        services.ticket_status(id=pk, data={"status": "resolved", "note": note}, by=by)
