"""What happens to tickets by the clock, and files of many of them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils.translation import gettext_lazy

from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.jobs.tasks import Running, job, periodic
from portal.core.tenancy import scope
from portal.crm.tickets import exports, selectors, services
from portal.crm.tickets.choices import TicketStatus
from portal.crm.tickets.models import Ticket


@periodic(cron="12 * * * *", name="crm.close_tickets")
def close_tickets() -> None:
    """Resolved ones, after the days that their organisation waits."""
    held = Ticket.objects.filter(status=TicketStatus.RESOLVED, deleted_at=None)
    for organization in held.order_by().values_list("organization", flat=True).distinct():
        with scope.tenant(organization, by=scope.actor()):
            while services.close_resolved() == services.BULK:
                continue


def as_json(filters: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of `ticket_list` as a job keeps them."""
    return {
        name: clock.wire(value) if isinstance(value, datetime) else str(value) if isinstance(value, UUID) else value
        for name, value in filters.items()
    }


@job(name="crm.ticket_export", title=gettext_lazy("Export of tickets"), retry=2, queue="reports")
def ticket_export(running: Running, *, kind: str, filters: dict[str, Any]) -> dict[str, Any]:
    """A file of more rows than an answer should hold; it waits a day for whoever asked."""
    user = User.objects.select_related("role").get(pk=running.by.user)  # type: ignore[misc]  # only people export
    moments = ("since", "until", "due_from", "due_to")
    said: dict[str, Any] = {
        name: clock.parse_moment(value) if name in moments else value for name, value in filters.items()
    }
    rows = selectors.ticket_list(user=user, **said).order_by("-created_at", "-id")
    return exports.keep(rows=rows, kind=kind, filters=filters, by=user, progress=running.progress)
