"""Live events of images, for the open pages of their project."""

from portal.core.notifications.events import EventType

EVENTS = [
    EventType("image.uploaded", "images.view"),
    EventType("image.changed", "images.view"),  # its copies are ready, it cannot be shown, or it was deleted
]
