"""What chart views and dashboards tell the rest of the program."""

from django.utils.translation import gettext_lazy as _


def register() -> None:
    from portal.collect.charts.events import EVENTS
    from portal.collect.charts.permissions import PERMISSIONS
    from portal.collect.charts.selectors import submissions_of_platform
    from portal.core.accounts import figures
    from portal.core.accounts import permissions as rights
    from portal.core.notifications import events
    from portal.ui import menu, panels

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
