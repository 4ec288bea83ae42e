"""Live events of tickets, for open pages: they get ids and fetch with their own rights. And what people are told."""

from django.utils.translation import gettext_lazy as _

from portal.core.notifications.events import EventType
from portal.core.notifications.kinds import NotificationKind
from portal.core.notifications.models import Channel, Level

EVENTS = [
    EventType("ticket.created", "tickets.view", organization=True),
    EventType("ticket.updated", "tickets.view", organization=True),
    EventType("ticket.comment", "tickets.view", organization=True),
    EventType("sla.breach", "tickets.view", organization=True),
]

_BOTH = (Channel.IN_APP, Channel.EMAIL)
KINDS = [
    NotificationKind(
        key="ticket.assigned",
        label=_("Ticket assigned"),
        category="tickets",
        title=_("Ticket {{ number }} is yours now: {{ title }}"),
        many=_("Tickets that are yours now: {{ count }}"),
        channels=_BOTH,
        permission="tickets.view",
        page="crm:ticket_detail",
        many_page="crm:ticket_list",
    ),
    NotificationKind(
        key="ticket.taken",
        label=_("Ticket taken from you"),
        category="tickets",
        title=_("Ticket {{ number }} is no longer yours: {{ title }}"),
        many=_("Tickets that are no longer yours: {{ count }}"),
        permission="tickets.view",
        page="crm:ticket_detail",
        many_page="crm:ticket_list",
    ),
    NotificationKind(
        key="ticket.mentioned",
        label=_("Mentioned in a ticket"),
        category="mentions",
        title=_("{{ person }} mentions you in ticket {{ number }}: {{ title }}"),
        body="{{ comment }}",
        channels=_BOTH,
        permission="tickets.internal",
        page="crm:ticket_detail",
    ),
    NotificationKind(
        key="ticket.commented",
        label=_("Comment in your ticket"),
        category="tickets",
        title=_("{{ person }} wrote in ticket {{ number }}: {{ title }}"),
        body="{{ comment }}",
        permission="tickets.view",
        page="crm:ticket_detail",
    ),
    NotificationKind(
        key="ticket.at_risk",
        label=_("Promise at risk"),
        category="tickets",
        title=_("Ticket {{ number }}: time used up {{ share }} %: {{ title }}"),
        channels=_BOTH,
        permission="tickets.view",
        level=Level.WARNING,
        page="crm:ticket_detail",
    ),
    NotificationKind(
        key="ticket.overdue",
        label=_("Promise broken"),
        category="tickets",
        title=_("Ticket {{ number }} is overdue: {{ title }}"),
        channels=_BOTH,
        permission="tickets.view",
        level=Level.WARNING,
        urgent=True,
        page="crm:ticket_detail",
    ),
]
