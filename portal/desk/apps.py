from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DeskConfig(AppConfig):
    name = "portal.desk"
    label = "desk"

    def ready(self) -> None:
        from portal.core.accounts import permissions
        from portal.desk import bridges
        from portal.desk.figures.permissions import PERMISSIONS
        from portal.desk.reports import room as reports
        from portal.desk.search import kinds
        from portal.ui import menu

        permissions.register(PERMISSIONS)
        bridges.register()
        reports.register()
        kinds.fill()
        menu.register(
            menu.MenuItem(label=_("Home"), url_name="home", icon="home", order=0),
            menu.MenuItem(
                label=_("Dashboard"), url_name="desk:dashboard", icon="gauge", permission="dashboard.view", order=10
            ),
            menu.MenuItem(
                label=_("Audit log"),
                url_name="audit:entry_list",
                icon="shield-check",
                permission="audit.view",
                group="organization",
                order=80,
            ),
            menu.MenuItem(
                label=_("Files"),
                url_name="files:file_list",
                icon="files",
                permission="files.view",
                group="data",
                order=50,
            ),
            menu.MenuItem(
                label=_("Synchronisation"),
                url_name="sync:transfer_list",
                icon="refresh",
                permission="devices.view",
                group="data",
                order=60,
            ),
            menu.MenuItem(
                label=_("Conflicts"),
                url_name="sync:conflict_list",
                icon="git-compare",
                permission="sync.resolve",
                group="data",
                order=61,
            ),
            menu.MenuItem(
                label=_("Devices"),
                url_name="sync:device_list",
                icon="device-mobile",
                permission="devices.view",
                group="organization",
                order=50,
            ),
            menu.MenuItem(
                label=_("People"),
                url_name="people:list",
                icon="users",
                permission="users.view",
                group="organization",
                order=40,
            ),
            menu.MenuItem(
                label=_("Messages"),
                url_name="notify:queue",
                icon="send",
                permission="notifications.manage",
                group="organization",
                order=60,
            ),
            menu.MenuItem(
                label=_("Jobs"),
                url_name="platform:own_jobs",
                icon="progress-check",
                permission="organization.edit",
                group="organization",
                order=85,
            ),
            menu.MenuItem(
                label=_("Jobs"),
                url_name="platform:jobs",
                icon="progress-check",
                permission="platform.view",
                group="platform",
                order=35,
            ),
            menu.MenuItem(
                label=_("Settings"),
                url_name="platform:own_settings",
                icon="settings",
                permission="organization.edit",
                group="organization",
                order=90,
            ),
            menu.MenuItem(
                label=_("Organisations"),
                url_name="platform:organizations",
                icon="building",
                permission="platform.organizations",
                group="platform",
                order=10,
            ),
            menu.MenuItem(
                label=_("Figures"),
                url_name="platform:stats",
                icon="chart-bar",
                permission="platform.view",
                group="platform",
                order=20,
            ),
            menu.MenuItem(
                label=_("Health"),
                url_name="platform:health",
                icon="heart-rate-monitor",
                permission="platform.view",
                group="platform",
                order=30,
            ),
            menu.MenuItem(
                label=_("Traffic"),
                url_name="platform:metrics",
                icon="chart-line",
                permission="platform.view",
                group="platform",
                order=32,
            ),
            menu.MenuItem(
                label=_("Support session"),
                url_name="platform:support",
                icon="shield-lock",
                permission="platform.support",
                group="platform",
                order=40,
            ),
        )
