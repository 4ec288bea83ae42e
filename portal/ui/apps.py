from django.apps import AppConfig


class UiConfig(AppConfig):
    name = "portal.ui"
    label = "ui"

    def ready(self) -> None:
        from portal.core.notifications import events
        from portal.core.notifications.inbox import unread_counts
        from portal.ui.context import bell_fragment

        for kind in ("notification.created", "notification.read"):
            events.draw(kind, unread_counts, bell_fragment)
