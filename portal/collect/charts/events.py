"""Live events of views and dashboards. That figures move is told by the events of submissions."""

from portal.core.notifications.events import EventType

EVENTS = [
    EventType("view.changed", "views.view", organization=True),
    EventType("dashboard.changed", "views.view", organization=True),
]
# Events after which figures may be others, for the pages that show them.
MOVING = ("submission.created", "submission.bulk", "submission.changed")
