"""Live events of deals: ids alone, so that nobody learns of a deal that is not theirs to see."""

from portal.core.notifications.events import EventType

EVENTS = [
    EventType("sale.stage", "sales.view", organization=True),
    EventType("sale.changed", "sales.view", organization=True),
]
