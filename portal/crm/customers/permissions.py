"""Rights on customers (`pages.md`). Each but the settings can be held for one's own, one's team's or all customers."""

from django.utils.translation import gettext_lazy as _

from portal.core.accounts.permissions import AUDITOR, OFFICE, SALES_AGENT, SUPPORT_AGENT, VIEWER, Permission

_CUSTOMERS = _("Customers")
_AGENTS = frozenset({SALES_AGENT, SUPPORT_AGENT})

PERMISSIONS = [
    Permission("customers.view", _("See customers"), _CUSTOMERS, OFFICE | _AGENTS | {AUDITOR, VIEWER}, scoped=True),
    Permission(
        "customers.edit",
        _("Create and change customers, their notes and tags"),
        _CUSTOMERS,
        OFFICE | _AGENTS,
        verb="write",
        scoped=True,
    ),
    Permission("customers.delete", _("Delete customers"), _CUSTOMERS, OFFICE, verb="delete", scoped=True),
    Permission("customers.export", _("Export customers"), _CUSTOMERS, OFFICE | {AUDITOR}),
    Permission("customers.import", _("Import customers from files"), _CUSTOMERS, OFFICE, verb="write"),
    Permission("customers.merge", _("Merge customers and split them again"), _CUSTOMERS, OFFICE, verb="manage"),
    Permission(
        "crm.settings", _("Change tags, stages, types and rules of the office"), _CUSTOMERS, OFFICE, verb="manage"
    ),
]
