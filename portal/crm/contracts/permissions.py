"""Rights over contracts."""

from django.utils.translation import gettext_lazy as _

from portal.core.accounts.permissions import AUDITOR, OFFICE, SALES_AGENT, SUPPORT_AGENT, VIEWER, Permission

_GROUP = _("Contracts")
_SALES = OFFICE | {SALES_AGENT}

PERMISSIONS = [
    Permission(
        "contracts.view",
        _("See contracts"),
        _GROUP,
        _SALES | {SUPPORT_AGENT, AUDITOR, VIEWER},
        scoped=True,
    ),
    Permission("contracts.edit", _("Write, renew and terminate contracts"), _GROUP, _SALES, verb="write", scoped=True),
    Permission("contracts.delete", _("Delete contracts"), _GROUP, OFFICE, verb="manage"),
    Permission("contracts.export", _("Export contracts"), _GROUP, _SALES | {AUDITOR}),
    Permission("contracts.backdate", _("Terminate contracts in the past"), _GROUP, OFFICE, verb="manage"),
    Permission("contracts.settings", _("Define contract types and templates"), _GROUP, OFFICE, verb="manage"),
]
