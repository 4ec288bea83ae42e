"""Rights on sales (`pages.md`). They reach one's own deals, those of one's team, or all (`portal.crm.access`)."""

from django.utils.translation import gettext_lazy as _

from portal.core.accounts.permissions import (
    ADMIN,
    AUDITOR,
    MANAGER,
    OFFICE,
    SALES_AGENT,
    SUPPORT_AGENT,
    VIEWER,
    Permission,
)

_SALES = _("Sales")

PERMISSIONS = [
    Permission(
        "sales.view",
        _("See deals, pipeline and forecast"),
        _SALES,
        frozenset({ADMIN, MANAGER, SALES_AGENT, SUPPORT_AGENT, AUDITOR, VIEWER}),
        scoped=True,
    ),
    Permission("sales.edit", _("Create and change deals"), _SALES, OFFICE | {SALES_AGENT}, verb="write", scoped=True),
    Permission(
        "sales.delete",
        _("Delete deals"),
        _SALES,
        OFFICE | {SALES_AGENT},
        verb="delete",
        scoped=True,
        narrowed={SALES_AGENT: "own"},
    ),
    Permission("sales.reopen", _("Reopen deals that were won or lost"), _SALES, OFFICE, verb="write"),
    Permission("sales.export", _("Export deals"), _SALES, OFFICE | {SALES_AGENT, AUDITOR}, verb="export"),
]
