"""Live events of customers."""

from portal.core.notifications.events import EventType

EVENTS = [
    EventType("customer.assigned", "customers.view"),  # to the person
    EventType("customer.mentioned", "customers.view"),  # to the people whom a note names
    EventType("customers.changed", "customers.view", organization=True),  # to open lists
]
