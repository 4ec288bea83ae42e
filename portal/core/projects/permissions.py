"""Rights on projects and tasks (`pages.md`, C41). Whose projects they reach is decided by membership (`access`)."""

from django.utils.translation import gettext_lazy as _

from portal.core.accounts.permissions import (
    ADMIN,
    AGENT,
    AUDITOR,
    EVERYONE,
    MANAGER,
    OFFICE,
    TECHNICIAN,
    VIEWER,
    Permission,
)

_PROJECTS = _("Projects")
_TASKS = _("Tasks")
_FIELD = frozenset({TECHNICIAN, AGENT})

PERMISSIONS = [
    Permission("projects.view", _("See projects"), _PROJECTS, EVERYONE),
    Permission("projects.edit", _("Create and change projects and their members"), _PROJECTS, OFFICE, verb="write"),
    Permission("projects.delete", _("Delete projects"), _PROJECTS, OFFICE, verb="delete"),
    Permission("projects.export", _("Export projects"), _PROJECTS, OFFICE | {AUDITOR}),
    Permission(
        "tasks.view",
        _("See tasks"),
        _TASKS,
        frozenset({ADMIN, MANAGER, TECHNICIAN, AGENT, AUDITOR, VIEWER}),
        scoped=True,
        narrowed={TECHNICIAN: "own", AGENT: "own"},
    ),
    Permission("tasks.work", _("Create tasks, work on own ones and comment"), _TASKS, OFFICE | _FIELD, verb="write"),
    Permission("tasks.edit", _("Change and assign all tasks"), _TASKS, OFFICE, verb="write"),
    Permission("tasks.delete", _("Delete tasks"), _TASKS, OFFICE, verb="delete"),
    Permission("tasks.export", _("Export tasks"), _TASKS, OFFICE | {AUDITOR}),
]
