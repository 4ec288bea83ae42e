"""What the global search finds of the work in the field."""

from django.utils.translation import gettext_lazy as _

from portal.core.accounts.models import User
from portal.core.projects.selectors import project_list, task_list
from portal.ui.search import Hit, SearchKind, hits, register
from portal.ui.templatetags.marsad import localdate


def _projects(user: User, text: str, limit: int) -> list[Hit]:
    rows = project_list(user=user, search=text)
    return hits(rows, limit, "fieldwork:project_detail", lambda row: (row.name, row.get_status_display()))


def _tasks(user: User, text: str, limit: int) -> list[Hit]:
    rows = task_list(user=user, search=text).select_related("project")
    return hits(
        rows,
        limit,
        "fieldwork:task_detail",
        lambda row: (
            row.title,
            row.project and row.project.name,
            row.get_status_display(),
            row.due_date and localdate(row.due_date),
        ),
    )


def fill() -> None:
    for order, (key, label, icon, permission, find) in enumerate(_KINDS, 20):
        url = f"fieldwork:{key[:-1]}_list"
        register(
            SearchKind(key=key, label=label, icon=icon, permission=permission, find=find, list_url=url, order=order)
        )


_KINDS = (
    ("projects", _("Projects"), "briefcase", "projects.view", _projects),
    ("tasks", _("Tasks"), "checklist", "tasks.view", _tasks),
)
