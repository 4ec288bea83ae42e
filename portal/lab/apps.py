from django.apps import AppConfig


class LabConfig(AppConfig):
    name = "portal.lab"
    label = "lab"

    def ready(self) -> None:
        from portal.core.accounts import permissions as rights
        from portal.core.notifications import events
        from portal.core.tenancy import seeds
        from portal.lab import collections
        from portal.lab.events import EVENTS
        from portal.lab.permissions import PERMISSIONS
        from portal.lab.seeding import seed_catalogue

        rights.register(PERMISSIONS)
        seeds.register(seed_catalogue)
        events.register(EVENTS)
        collections.register()
