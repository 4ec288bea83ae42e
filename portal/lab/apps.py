from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


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
        from portal.ui import menu

        rights.register(PERMISSIONS)
        seeds.register(seed_catalogue)
        events.register(EVENTS)
        collections.register()
        menu.register(
            menu.MenuItem(
                label=_("Samples"),
                url_name="lab:sample_list",
                icon="flask",
                permission="samples.view",
                group="lab",
                order=10,
            ),
            menu.MenuItem(
                label=_("Imports"),
                url_name="lab:import_list",
                icon="upload",
                permission="samples.import",
                group="lab",
                order=15,
            ),
            menu.MenuItem(
                label=_("Compliance reports"),
                url_name="reports:list",
                icon="report-analytics",
                permission="reports.view",
                group="lab",
                order=20,
            ),
            menu.MenuItem(
                label=_("Certificates"),
                url_name="lab:certificate_list",
                icon="rubber-stamp",
                permission="certificates.view",
                group="lab",
                order=25,
            ),
            menu.MenuItem(
                label=_("Parameters"),
                url_name="lab:parameter_list",
                icon="ruler-measure",
                permission="parameters.view",
                group="lab",
                order=30,
            ),
            menu.MenuItem(
                label=_("Standards"),
                url_name="lab:standard_list",
                icon="scale",
                permission="parameters.view",
                group="lab",
                order=40,
            ),
        )
