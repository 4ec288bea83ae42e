"""Rights of the survey room. Whose rows they reach is decided by `areas.scope`; who holds `sessions.view` for less than
all sees their own sessions."""

from django.utils.translation import gettext_lazy as _

from portal.core.accounts.permissions import AUDITOR, OFFICE, TECHNICIAN, VIEWER, Permission

_APPLICATIONS = _("Applications")
_SESSIONS = _("Survey sessions")

PERMISSIONS = [
    Permission("applications.view", _("See applications"), _APPLICATIONS, OFFICE | {TECHNICIAN, AUDITOR, VIEWER}),
    Permission(
        "applications.edit",
        _("Register applications and send surveyors"),
        _APPLICATIONS,
        OFFICE,
        verb="write",
    ),
    Permission("applications.delete", _("Delete applications"), _APPLICATIONS, OFFICE, verb="delete"),
    Permission(
        "sessions.view",
        _("See survey sessions"),
        _SESSIONS,
        OFFICE | {TECHNICIAN, AUDITOR, VIEWER},
        scoped=True,
        narrowed={TECHNICIAN: "own"},
    ),
    Permission("sessions.capture", _("Survey in the field"), _SESSIONS, OFFICE | {TECHNICIAN}, verb="write"),
    Permission("sessions.review", _("Review and decide survey sessions"), _SESSIONS, OFFICE, verb="write"),
    Permission("sessions.export", _("Export survey sessions"), _SESSIONS, OFFICE | {AUDITOR}),
]
