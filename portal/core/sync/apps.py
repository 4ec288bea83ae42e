from django.apps import AppConfig


class SyncConfig(AppConfig):
    name = "portal.core.sync"
    label = "sync"

    def ready(self) -> None:
        from django.utils.translation import gettext_lazy as _

        from portal.core.accounts import permissions as rights
        from portal.core.notifications import events
        from portal.core.sync import checks  # noqa: F401

        group = _("Synchronisation")
        rights.register(
            [
                rights.Permission(
                    "sync.push",
                    _("Push changes made on a device"),
                    group,
                    frozenset({rights.ADMIN, rights.MANAGER, rights.TECHNICIAN}),
                    verb="write",
                ),
                rights.Permission(
                    "sync.pull",
                    _("Pull changes to a device"),
                    group,
                    frozenset({rights.ADMIN, rights.MANAGER, rights.TECHNICIAN, rights.AUDITOR, rights.VIEWER}),
                ),
                rights.Permission("sync.resolve", _("Resolve conflicts"), group, rights.OFFICE, verb="write"),
            ]
        )
        events.register(
            [
                events.EventType("sync.progress", "devices.view", organization=True),
                events.EventType("sync.conflict", "sync.resolve", organization=True),
            ]
        )
