"""Rights on chart views and dashboards (`pages.md`, C53). Which projects they reach is decided by membership."""

from django.utils.translation import gettext_lazy as _

from portal.core.accounts.permissions import ADMIN, AUDITOR, MANAGER, OFFICE, VIEWER, Permission

_VIEWS = _("Views and dashboards")

PERMISSIONS = [
    Permission("views.view", _("See views and dashboards"), _VIEWS, frozenset({ADMIN, MANAGER, AUDITOR, VIEWER})),
    Permission("views.edit", _("Make and change views and dashboards"), _VIEWS, OFFICE, verb="write"),
    Permission("views.delete", _("Delete views and dashboards"), _VIEWS, OFFICE, verb="delete"),
    Permission("views.export", _("Export views and dashboards"), _VIEWS, OFFICE | {AUDITOR}),
]
