"""Rights on images (`pages.md`). Whose projects they reach is decided by membership."""

from django.utils.translation import gettext_lazy as _

from portal.core.accounts.permissions import ADMIN, AGENT, AUDITOR, MANAGER, OFFICE, TECHNICIAN, VIEWER, Permission

_IMAGES = _("Images")
_FIELD = frozenset({TECHNICIAN, AGENT})

PERMISSIONS = [
    Permission("images.view", _("See images"), _IMAGES, frozenset({ADMIN, MANAGER, AUDITOR, VIEWER}) | _FIELD),
    Permission("images.upload", _("Upload images"), _IMAGES, OFFICE | _FIELD, verb="write"),
    Permission(
        "images.delete",
        _("Delete images"),
        _IMAGES,
        OFFICE | _FIELD,
        verb="delete",
        scoped=True,
        narrowed={TECHNICIAN: "own", AGENT: "own"},
    ),
]
