"""What chart views and dashboards tell the rest of the program."""

from django.utils.translation import gettext_lazy as _


def register() -> None:
    from django.urls import reverse

    from portal.collect.charts import selectors as charts
    from portal.collect.charts.events import EVENTS
    from portal.collect.charts.permissions import PERMISSIONS
    from portal.collect.charts.selectors import submissions_of_platform
    from portal.collect.charts.services import view_restore
    from portal.collect.dashboards import selectors as dashboards
    from portal.collect.dashboards.services import dashboard_restore
    from portal.core.accounts import figures
    from portal.core.accounts import permissions as rights
    from portal.core.notifications import events
    from portal.ui import menu, panels, restoring

    restoring.register(
        restoring.Restorable(
            key="view",
            label=_("Chart views"),
            permission="views.delete",
            list_url="collect:view_list",
            rows=lambda user: charts.views_seen(user, deleted=True).filter(deleted_at__isnull=False),
            restore=view_restore,
            url=lambda id: reverse("collect:view_detail", args=[id]),
        ),
        restoring.Restorable(
            key="dashboard",
            label=_("Dashboards"),
            permission="views.delete",
            list_url="collect:dashboard_list",
            rows=lambda user: dashboards.dashboards_seen(user, deleted=True).filter(deleted_at__isnull=False),
            restore=dashboard_restore,
            url=lambda id: reverse("collect:dashboard_detail", args=[id]),
        ),
    )
    rights.register(PERMISSIONS)
    events.register(EVENTS)
    figures.register_submissions(submissions_of_platform)
    for order, label, address, icon in (
        (30, _("Chart views"), "collect:view_list", "chart-bar"),
        (40, _("Dashboards"), "collect:dashboard_list", "layout-dashboard"),
    ):
        menu.register(
            menu.MenuItem(label=label, url_name=address, icon=icon, permission="views.view", group="data", order=order)
        )
    panels.register(
        panels.Tab(
            key="views",
            label=_("Chart views"),
            icon="chart-bar",
            url_name="collect:project_views",
            permission="views.view",
            order=70,
        )
    )
