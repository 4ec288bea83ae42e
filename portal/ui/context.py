"""What every page needs to know about the person and the installation."""

from functools import partial
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext_lazy as _

from portal.ui.menu import menu_for

THEME_COOKIE = "marsad_theme"
# Each language is named in itself: a reader who is lost finds the own one.
LANGUAGE_NAMES = {"ar": "العربية", "fr": "Français", "en": "English"}
ROLE_NAMES = {
    "SuperAdmin": _("Platform administrator"),
    "Admin": _("Administrator"),
    "Manager": _("Manager"),
    "Technician": _("Technician"),
    "Agent": _("Field agent"),
    "SalesAgent": _("Sales agent"),
    "SupportAgent": _("Support agent"),
    "Auditor": _("Auditor"),
    "Viewer": _("Viewer"),
}


def portal(request: HttpRequest) -> dict[str, Any]:
    """`menu` and `organization` are computed when a template asks: fragments do not pay for them."""
    user = getattr(request, "user", None)
    signed_in = user is not None and user.is_authenticated
    theme = request.COOKIES.get(THEME_COOKIE, "")
    role_key = getattr(user, "role_key", "") if signed_in else ""
    return {
        "menu": partial(menu_for, request),
        "env": settings.MARSAD_ENV,
        "languages": [(code, LANGUAGE_NAMES[code]) for code, _name in settings.LANGUAGES],
        "organization": SimpleLazyObject(lambda: getattr(user, "organization", None)) if signed_in else None,
        "role_name": ROLE_NAMES.get(role_key, role_key),
        "theme": theme if theme in {"light", "dark"} else "auto",
    }
