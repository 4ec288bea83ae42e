from django.apps import AppConfig


class LabConfig(AppConfig):
    name = "portal.lab"
    label = "lab"

    def ready(self) -> None:
        from portal.core.accounts import permissions as rights
        from portal.lab.permissions import PERMISSIONS

        rights.register(PERMISSIONS)
