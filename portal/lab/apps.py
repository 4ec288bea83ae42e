from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

_MENU = [
    (_("Samples"), "lab:sample_list", "flask", "samples.view"),
    (_("Holding times"), "lab:due_list", "clock", "samples.view"),
    (_("Worksheets"), "lab:worksheet_list", "table", "samples.view"),
    (_("Quality control"), "lab:qc_materials", "clipboard-check", "qc.view"),
    (_("Sampling points"), "lab:point_list", "map-pin", "samples.view"),
    (_("Exceedance map"), "lab:point_map", "map-2", "samples.view"),
    (_("Programme"), "lab:programme", "calendar", "samples.view"),
    (_("Trends"), "lab:trend_page", "chart-line", "samples.view"),
    (_("Imports"), "lab:import_list", "upload", "samples.import"),
    (_("Compliance reports"), "reports:list", "report-analytics", "reports.view"),
    (_("Certificates"), "lab:certificate_list", "rubber-stamp", "certificates.view"),
    (_("Parameters"), "lab:parameter_list", "ruler-measure", "parameters.view"),
    (_("Standards"), "lab:standard_list", "scale", "parameters.view"),
]


class LabConfig(AppConfig):
    name = "portal.lab"
    label = "lab"

    def ready(self) -> None:
        from django.urls import reverse

        from portal.core.accounts import permissions as rights
        from portal.core.notifications import events, kinds
        from portal.core.tenancy import seeds
        from portal.lab import collections, search, services
        from portal.lab.events import EVENTS, KINDS
        from portal.lab.models import Sample
        from portal.lab.permissions import PERMISSIONS
        from portal.lab.seeding import seed_catalogue
        from portal.ui import menu, restoring

        rights.register(PERMISSIONS)
        seeds.register(seed_catalogue)
        events.register(EVENTS)
        kinds.register(*KINDS)
        collections.register()
        search.fill()
        restoring.register(
            restoring.Restorable(
                key="sample",
                label=_("Samples"),
                permission="samples.delete",
                list_url="lab:sample_list",
                rows=lambda user: Sample.objects.filter(deleted_at__isnull=False),
                restore=services.sample_restore,
                url=lambda id: reverse("lab:sample_detail", args=[id]),
            )
        )
        menu.register(
            *(
                menu.MenuItem(label=label, url_name=url, icon=icon, permission=right, group="lab", order=10 * place)
                for place, (label, url, icon, right) in enumerate(_MENU, 1)
            )
        )
