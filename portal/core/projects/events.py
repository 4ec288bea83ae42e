"""Live events of projects and tasks. All of them also reach the open pages of their project (`/ws/projects/<id>/`)."""

from django.utils.translation import gettext_lazy as _

from portal.core.notifications.events import EventType
from portal.core.notifications.kinds import NotificationKind
from portal.core.notifications.models import Channel

EVENTS = [
    EventType("task.assigned", "tasks.view"),  # to the person, and the project
    EventType("task.updated", "tasks.view"),  # to the person, and the project
    EventType("tasks.changed", "tasks.edit", organization=True),  # to open lists and boards of the office
    EventType("project.status", "projects.view"),
    EventType("project.updated", "projects.view"),
    EventType("projects.changed", "projects.edit", organization=True),  # to open lists of the office
]

KINDS = [
    NotificationKind(
        key="task.assigned",
        label=_("Task assigned"),
        category="tasks",
        title=_("New task for you: {{ title }}"),
        many=_("New tasks for you: {{ count }}"),
        channels=(Channel.IN_APP, Channel.EMAIL),
        permission="tasks.view",
        page="fieldwork:task_detail",
        many_page="fieldwork:task_mine",
    ),
    NotificationKind(
        key="task.mentioned",
        label=_("Mentioned in a comment"),
        category="mentions",
        title=_("{{ person }} mentioned you: {{ title }}"),
        body="{{ comment }}",
        channels=(Channel.IN_APP, Channel.EMAIL),
        permission="tasks.view",
        page="fieldwork:task_detail",
    ),
    NotificationKind(
        key="task.commented",
        label=_("Comment on your task"),
        category="tasks",
        title=_("{{ person }} commented on {{ title }}"),
        body="{{ comment }}",
        permission="tasks.view",
        page="fieldwork:task_detail",
    ),
]
