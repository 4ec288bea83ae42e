"""Live events of submissions, for the open pages of their project and of the organisation."""

from portal.core.notifications.events import EventType

EVENTS = [
    EventType("submission.created", "submissions.view", organization=True),
    EventType("submission.bulk", "submissions.view", organization=True),
    EventType("submission.changed", "submissions.view", organization=True),  # edited, reviewed, commented or deleted
]
