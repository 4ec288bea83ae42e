"""What a step of a policy does with a ticket, in the name of the program."""

from typing import Final

from portal.core.common.errors import DomainError
from portal.core.notifications.events import publish
from portal.crm.sla import services as sla
from portal.crm.tickets import services
from portal.crm.tickets.choices import WEIGHTS
from portal.crm.tickets.models import Ticket

_UP: Final = dict(zip(WEIGHTS, [*list(WEIGHTS)[1:], "urgent"], strict=True))


def _change(ticket: Ticket, data: dict[str, object]) -> None:
    """As a person would, without one: what the rules refuse (the new assignee has left) is left as it is."""
    held, before = ticket.assigned_to_id, ticket.priority
    try:
        changed = services.fill(ticket, data, None)
    except DomainError:
        ticket.refresh_from_db()
        return
    if not changed:
        return
    if ticket.priority != before:
        services.select_anew(ticket)
    services.save(ticket, *changed, *services.SLA)
    if ticket.assigned_to_id != held:
        services.tell_assigned(ticket, held, None)
    publish("ticket.updated", entity="ticket", id=ticket.pk, data={"number": ticket.number})


def _raise(ticket: Ticket, to: str) -> None:
    _change(ticket, {"priority": _UP[ticket.priority]})


def _reassign(ticket: Ticket, to: str) -> None:
    _change(ticket, {"assignedTo": to})


def _tag(ticket: Ticket, to: str) -> None:
    _change(ticket, {"tags": [to], "tagsMode": "add"})


def register() -> None:
    sla.actions.update({"raise_priority": _raise, "reassign": _reassign, "tag": _tag})
