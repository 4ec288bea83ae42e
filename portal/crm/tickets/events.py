"""Live events of tickets. The organisation's pages get ids and fetch with their own rights."""

from portal.core.notifications.events import EventType

EVENTS = [
    EventType("ticket.created", "tickets.view", organization=True),
    EventType("ticket.updated", "tickets.view", organization=True),
    EventType("ticket.comment", "tickets.view", organization=True),
    EventType("sla.breach", "tickets.view", organization=True),
    EventType("sla.warning", "tickets.view"),  # to whom a step of the policy names
    EventType("ticket.assigned", "tickets.view"),  # to the person who has it now and who had it
    EventType("ticket.mention", "tickets.view"),  # to the person
]
