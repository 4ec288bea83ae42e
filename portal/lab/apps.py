from django.apps import AppConfig


class LabConfig(AppConfig):
    name = "portal.lab"
    label = "lab"

    def ready(self) -> None:
        from portal.core.accounts import permissions as rights
        from portal.core.notifications import events
        from portal.lab.events import EVENTS
        from portal.lab.permissions import PERMISSIONS

        rights.register(PERMISSIONS)
        events.register(EVENTS)
