from django.apps import AppConfig


class FilesConfig(AppConfig):
    name = "portal.core.files"
    label = "files"

    def ready(self) -> None:
        from portal.core.accounts import permissions as rights
        from portal.core.files import exports, links
        from portal.core.files.permissions import EVENTS, KINDS, PERMISSIONS
        from portal.core.notifications import events, kinds

        rights.register(PERMISSIONS)
        events.register(EVENTS)
        kinds.register(*KINDS)
        links.register(exports.LINK)
