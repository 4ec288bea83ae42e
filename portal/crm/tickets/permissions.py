"""Rights on tickets (`pages.md`). Whoever holds `tickets.view` or `tickets.work` for less than all reaches the tickets
that are assigned to them or that they made (`own`), or their department's (`team`)."""

from django.utils.translation import gettext_lazy as _

from portal.core.accounts.permissions import AUDITOR, OFFICE, SALES_AGENT, SUPPORT_AGENT, VIEWER, Permission

_TICKETS = _("Tickets")
_DESK = OFFICE | {SUPPORT_AGENT}

PERMISSIONS = [
    Permission("tickets.view", _("See tickets"), _TICKETS, _DESK | {SALES_AGENT, AUDITOR, VIEWER}, scoped=True),
    Permission(
        "tickets.internal", _("Read the internal comments of tickets"), _TICKETS, _DESK | {SALES_AGENT, AUDITOR}
    ),
    Permission("tickets.work", _("Create tickets, answer and change them"), _TICKETS, _DESK, verb="write", scoped=True),
    Permission("tickets.reopen", _("Open closed tickets again"), _TICKETS, _DESK, verb="write"),
    Permission("tickets.delete", _("Delete tickets"), _TICKETS, OFFICE, verb="delete"),
    Permission("tickets.export", _("Export tickets"), _TICKETS, _DESK | {AUDITOR}),
    Permission("tickets.manage", _("Define categories, calendars and SLA policies"), _TICKETS, OFFICE, verb="manage"),
]
