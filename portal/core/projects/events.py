"""Live events of projects and tasks. All of them also reach the open pages of their project (`/ws/projects/<id>/`)."""

from portal.core.notifications.events import EventType

EVENTS = [
    EventType("task.assigned", "tasks.view"),  # to the person, and the project
    EventType("task.updated", "tasks.view"),  # to the person, and the project
    EventType("tasks.changed", "tasks.edit", organization=True),  # to open lists and boards of the office
    EventType("project.status", "projects.view"),
    EventType("project.updated", "projects.view"),
    EventType("projects.changed", "projects.edit", organization=True),  # to open lists of the office
]
