"""Rights of the laboratory."""

from django.utils.translation import gettext_lazy as _

from portal.core.accounts.permissions import ADMIN, AUDITOR, MANAGER, OFFICE, TECHNICIAN, VIEWER, Permission

_LAB = _("Laboratory")
_READERS = frozenset({ADMIN, MANAGER, TECHNICIAN, AUDITOR, VIEWER})
_WRITERS = frozenset({ADMIN, MANAGER, TECHNICIAN})

PERMISSIONS = [
    Permission("samples.view", _("See samples and results"), _LAB, _READERS),
    Permission("samples.edit", _("Register and change samples"), _LAB, _WRITERS, verb="write"),
    Permission("samples.delete", _("Delete samples"), _LAB, OFFICE, verb="delete"),
    Permission("samples.export", _("Export samples"), _LAB, OFFICE | {AUDITOR}),
    Permission("samples.import", _("Import files of samples and results"), _LAB, _WRITERS, verb="write"),
    Permission("results.edit", _("Enter and change results"), _LAB, _WRITERS, verb="write"),
    Permission("results.delete", _("Delete results"), _LAB, OFFICE, verb="delete"),
    Permission("parameters.view", _("See parameters and standards"), _LAB, _READERS),
    Permission(
        "parameters.manage", _("Change parameters, standards and limits"), _LAB, frozenset({ADMIN}), verb="manage"
    ),
    Permission("standards.edit", _("Edit own standards and limits, confirm limits"), _LAB, OFFICE, verb="write"),
    Permission("reports.view", _("See compliance reports"), _LAB, _READERS),
    Permission("reports.create", _("Issue compliance reports"), _LAB, OFFICE, verb="write"),
    Permission("reports.export", _("Export compliance reports"), _LAB, OFFICE | {AUDITOR, VIEWER}),
    Permission("certificates.view", _("See certificates of analysis"), _LAB, _READERS),
    Permission("certificates.issue", _("Issue and amend certificates of analysis"), _LAB, OFFICE, verb="write"),
    Permission("certificates.export", _("Export certificates of analysis"), _LAB, OFFICE | {AUDITOR, VIEWER}),
]
