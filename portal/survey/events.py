"""Live events and notifications of applications and survey sessions. Pages get ids and fetch themselves."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from portal.core.notifications.events import EventType
from portal.core.notifications.kinds import NotificationKind
from portal.core.notifications.models import Channel

EVENTS: Final = [
    EventType("session.started", "sessions.review", organization=True),
    EventType("session.submitted", "sessions.review", organization=True),
    EventType("session.reviewed", "sessions.view"),  # to the surveyor
    EventType("session.decided", "sessions.review", organization=True),
    EventType("points.uploaded", "sessions.review", organization=True),
    EventType("geometries.uploaded", "sessions.review", organization=True),
    EventType("attachment.changed", "sessions.review", organization=True),
    EventType("application.changed", "applications.edit", organization=True),
]

KINDS: Final = [
    NotificationKind(
        key="survey.submitted",
        label=_("Survey session to review"),
        category="tasks",
        title=_("{{ number }} of {{ surveyor }} waits for a review"),
        page="survey:session_detail",
        permission="sessions.review",
    ),
    NotificationKind(
        key="survey.returned",
        label=_("Survey session returned"),
        category="tasks",
        title=_("{{ number }} was returned to you"),
        body="{{ reason }}",
        channels=(Channel.IN_APP, Channel.EMAIL),
        page="survey:session_detail",
        permission="sessions.capture",
    ),
]
