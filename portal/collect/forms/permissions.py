"""Rights on forms (`pages.md`). Which projects they reach is decided by membership."""

from django.utils.translation import gettext_lazy as _

from portal.core.accounts.permissions import ADMIN, AGENT, AUDITOR, MANAGER, OFFICE, TECHNICIAN, VIEWER, Permission

_FORMS = _("Forms and submissions")
_READERS = frozenset({ADMIN, MANAGER, TECHNICIAN, AGENT, AUDITOR, VIEWER})

PERMISSIONS = [
    Permission("forms.view", _("See forms"), _FORMS, _READERS),
    Permission("forms.edit", _("Design and publish forms"), _FORMS, OFFICE, verb="write"),
    Permission("forms.delete", _("Delete forms"), _FORMS, OFFICE, verb="delete"),
    Permission("forms.webhooks", _("Say where submissions are sent on to"), _FORMS, OFFICE, verb="manage"),
]
