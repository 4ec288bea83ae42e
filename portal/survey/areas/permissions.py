"""Rights on areas (`pages.md`). Whoever holds `geo.everywhere` is bound by no area."""

from django.utils.translation import gettext_lazy as _

from portal.core.accounts.permissions import ADMIN, AUDITOR, OFFICE, VIEWER, Permission

_AREAS = _("Areas")
EVERYWHERE = "geo.everywhere"

PERMISSIONS = [
    Permission("geo.view", _("See administrative units and who works where"), _AREAS, OFFICE | {AUDITOR}),
    Permission("geo.assign", _("Assign areas to people"), _AREAS, OFFICE, verb="manage"),
    Permission("geo.unassign", _("Delete assigned areas"), _AREAS, frozenset({ADMIN}), verb="delete"),
    Permission(EVERYWHERE, _("Reach records of the whole country"), _AREAS, OFFICE | {AUDITOR, VIEWER}),
    Permission("geo.denials", _("See refusals because of the area"), _AREAS, OFFICE | {AUDITOR}),
    Permission("geo.datasets", _("Load boundaries for all organisations"), _AREAS, verb="manage"),
]
