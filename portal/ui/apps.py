from django.apps import AppConfig


class UiConfig(AppConfig):
    name = "portal.ui"
    label = "ui"

    def ready(self) -> None:
        from portal.core.notifications import events
        from portal.ui.context import bell_fragment

        for kind in ("notification.created", "notification.read"):
            events.draw(kind, bell_fragment)
