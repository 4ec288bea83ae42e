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
    Permission("samples.receive", _("Receive samples and keep their chain of custody"), _LAB, _WRITERS, verb="write"),
    Permission("samples.validate", _("Validate samples technically and reopen them"), _LAB, OFFICE, verb="write"),
    Permission("samples.approve", _("Approve samples and reopen approved ones"), _LAB, OFFICE, verb="write"),
    Permission("samples.reject", _("Reject samples and take rejected ones up again"), _LAB, _WRITERS, verb="write"),
    Permission("samples.dispose", _("Dispose of samples"), _LAB, _WRITERS, verb="write"),
    Permission("samples.export", _("Export samples"), _LAB, OFFICE | {AUDITOR}),
    Permission("samples.import", _("Import files of samples and results"), _LAB, _WRITERS, verb="write"),
    Permission("results.edit", _("Enter and change results"), _LAB, _WRITERS, verb="write"),
    Permission("results.delete", _("Delete results"), _LAB, OFFICE, verb="delete"),
    Permission("worksheets.edit", _("Create and fill worksheets"), _LAB, _WRITERS, verb="write"),
    Permission("worksheets.verify", _("Verify worksheets"), _LAB, OFFICE, verb="write"),
    Permission("qc.view", _("See quality control and control charts"), _LAB, _READERS),
    Permission("qc.edit", _("Define control materials and acceptance criteria"), _LAB, OFFICE, verb="write"),
    Permission("parameters.view", _("See parameters and standards"), _LAB, _READERS),
    Permission(
        "parameters.manage", _("Change parameters, standards and limits"), _LAB, frozenset({ADMIN}), verb="manage"
    ),
    Permission("standards.edit", _("Edit own standards and limits, confirm limits"), _LAB, OFFICE, verb="write"),
    Permission("points.edit", _("Change sampling points and the programme"), _LAB, OFFICE, verb="write"),
    Permission("reports.view", _("See compliance reports"), _LAB, _READERS),
    Permission("reports.create", _("Issue compliance reports"), _LAB, OFFICE, verb="write"),
    Permission("reports.export", _("Export compliance reports"), _LAB, OFFICE | {AUDITOR, VIEWER}),
    Permission("certificates.view", _("See certificates of analysis"), _LAB, _READERS),
    Permission("certificates.issue", _("Issue and amend certificates of analysis"), _LAB, OFFICE, verb="write"),
    Permission("certificates.export", _("Export certificates of analysis"), _LAB, OFFICE | {AUDITOR, VIEWER}),
]
