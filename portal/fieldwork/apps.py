from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class FieldworkConfig(AppConfig):
    name = "portal.fieldwork"
    label = "fieldwork"

    def ready(self) -> None:
        from portal.fieldwork import search
        from portal.ui import menu, panels

        search.fill()
        for order, label, url_name, icon, permission in (
            (10, _("Projects"), "fieldwork:project_list", "briefcase", "projects.view"),
            (20, _("Tasks"), "fieldwork:task_list", "checklist", "tasks.view"),
            (25, _("My tasks"), "fieldwork:task_mine", "user-check", "tasks.work"),
        ):
            menu.register(
                menu.MenuItem(
                    label=label, url_name=url_name, icon=icon, permission=permission, group="field", order=order
                )
            )
        for order, label, url_name, icon, permission in (
            (10, _("Overview"), "fieldwork:project_detail", "layout-dashboard", "projects.view"),
            (20, _("Members"), "fieldwork:project_members", "users", "projects.view"),
            (30, _("Tasks"), "fieldwork:project_tasks", "checklist", "tasks.view"),
            (900, _("History"), "fieldwork:project_history", "history", "projects.view"),
        ):
            key = url_name.rpartition("_")[2]
            panels.register(
                panels.Tab(key=key, label=label, icon=icon, url_name=url_name, permission=permission, order=order)
            )
        self._restorable()
        self._images()

    def _restorable(self) -> None:
        from django.urls import reverse

        from portal.core.projects import access, services
        from portal.ui import restoring

        restoring.register(
            restoring.Restorable(
                key="project",
                label=_("Projects"),
                permission="projects.delete",
                list_url="fieldwork:project_list",
                rows=lambda user: access.projects_seen(user, deleted=True).filter(deleted_at__isnull=False),
                restore=services.project_restore,
                url=lambda id: reverse("fieldwork:project_detail", args=[id]),
            ),
            restoring.Restorable(
                key="task",
                label=_("Tasks"),
                permission="tasks.delete",
                list_url="fieldwork:task_list",
                rows=lambda user: access.tasks_seen(user, deleted=True).filter(deleted_at__isnull=False),
                restore=services.task_restore,
                url=lambda id: reverse("fieldwork:task_detail", args=[id]),
            ),
            restoring.Restorable(
                key="task_comment",
                restore=services.comment_restore,
                url=lambda id: reverse("fieldwork:task_detail", args=[id]),
                parent="task",
            ),
        )

    def _images(self) -> None:
        from portal.core.accounts import permissions as rights
        from portal.core.files import links
        from portal.core.files import selectors as files
        from portal.core.notifications import events
        from portal.fieldwork.images import selectors as images
        from portal.fieldwork.images.events import EVENTS
        from portal.fieldwork.images.permissions import PERMISSIONS
        from portal.fieldwork.images.views import task_panel
        from portal.ui import menu, panels

        rights.register(PERMISSIONS)
        events.register(EVENTS)
        links.register(images.LINK)
        files.thumbnails.append(images.thumbnails)
        files.guards.append(images.original_guard)
        address = "images:list"
        menu.register(
            menu.MenuItem(
                label=_("Images"), url_name=address, icon="photo", permission="images.view", group="field", order=30
            )
        )
        panels.register(
            panels.Tab(
                key="images",
                label=_("Images"),
                icon="photo",
                url_name="images:project",
                permission="images.view",
                order=40,
            ),
            panels.Panel(
                place="task",
                key="images",
                template="fieldwork/images/panel.html",
                context=task_panel,
                permission="images.view",
                order=30,
            ),
        )
