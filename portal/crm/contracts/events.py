"""Live events of contracts."""

from portal.core.notifications.events import EventType

EVENTS = [
    EventType("contract.changed", "contracts.view", organization=True),
    EventType("contract.expiring", "contracts.view", organization=True),
]
