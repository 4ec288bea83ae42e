"""Rights on the figures of the organisation. Agents see their own (`endpoints.csv`, dashboard)."""

from django.utils.translation import gettext_lazy as _

from portal.core.accounts.permissions import ADMIN, AUDITOR, OFFICE, SALES_AGENT, SUPPORT_AGENT, VIEWER, Permission

_FIGURES = _("Figures of the organisation")
_READERS = OFFICE | {SALES_AGENT, SUPPORT_AGENT, AUDITOR, VIEWER}
_OWN = {SALES_AGENT: "own", SUPPORT_AGENT: "own"}

PERMISSIONS = [
    Permission("dashboard.view", _("See the dashboard"), _FIGURES, _READERS, scoped=True, narrowed=_OWN),
    Permission("dashboard.export", _("Export the dashboard"), _FIGURES, _READERS, verb="export"),
    Permission("dashboard.health", _("See how the system is"), _FIGURES, frozenset({ADMIN})),
]
