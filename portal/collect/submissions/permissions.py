"""Rights on submissions (`pages.md`, C54). Whoever may see them sees those of their projects, and their own."""

from django.utils.translation import gettext_lazy as _

from portal.core.accounts.permissions import ADMIN, AGENT, AUDITOR, MANAGER, OFFICE, TECHNICIAN, VIEWER, Permission

_FORMS = _("Forms and submissions")
_FIELD = frozenset({TECHNICIAN, AGENT})
_OWN = {TECHNICIAN: "own", AGENT: "own"}

PERMISSIONS = [
    Permission("submissions.view", _("See submissions"), _FORMS, frozenset({ADMIN, MANAGER, AUDITOR, VIEWER}) | _FIELD),
    Permission("submissions.create", _("Fill in forms and send them"), _FORMS, OFFICE | _FIELD, verb="write"),
    Permission(
        "submissions.edit",
        _("Correct submissions"),
        _FORMS,
        OFFICE | _FIELD,
        verb="write",
        scoped=True,
        narrowed=_OWN,
    ),
    Permission("submissions.review", _("Review submissions"), _FORMS, OFFICE, verb="write"),
    Permission("submissions.delete", _("Delete submissions"), _FORMS, OFFICE, verb="delete"),
    Permission("submissions.export", _("Export submissions"), _FORMS, OFFICE | {AUDITOR}),
]
