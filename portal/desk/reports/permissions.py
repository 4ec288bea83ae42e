"""Rights on custom reports (`pages.md`). A report shows nobody more than the lists of its room show them."""

from django.utils.translation import gettext_lazy as _

from portal.core.accounts.permissions import AUDITOR, OFFICE, SALES_AGENT, SUPPORT_AGENT, VIEWER, Permission

_REPORTS = _("Custom reports")
_AGENTS = frozenset({SALES_AGENT, SUPPORT_AGENT})

PERMISSIONS = [
    Permission(
        "custom_reports.view",
        _("See custom reports and take them away as files"),
        _REPORTS,
        OFFICE | _AGENTS | {AUDITOR, VIEWER},
    ),
    Permission(
        "custom_reports.edit", _("Build own custom reports and schedule them"), _REPORTS, OFFICE | _AGENTS, verb="write"
    ),
    Permission(
        "custom_reports.share",
        _("Share custom reports, change shared ones, send them to others by the clock"),
        _REPORTS,
        OFFICE,
        verb="manage",
    ),
]
