"""What every page needs to know about the person and the installation."""

from functools import partial
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.functional import SimpleLazyObject

from portal.core.accounts.models import User
from portal.core.accounts.permissions import BUILTIN_ROLES
from portal.core.notifications.inbox import unread_count
from portal.ui.menu import menu_for

THEME_COOKIE = "marsad_theme"
# Each language is named in itself: a reader who is lost finds the own one.
LANGUAGE_NAMES = {"ar": "العربية", "fr": "Français", "en": "English"}


def portal(request: HttpRequest) -> dict[str, Any]:
    """`menu` and `organization` are computed when a template asks: fragments do not pay for them."""
    user = getattr(request, "user", None)
    signed_in = user is not None and user.is_authenticated
    theme = request.COOKIES.get(THEME_COOKIE, "")
    role = getattr(user, "role", None) if signed_in else None
    return {
        "menu": partial(menu_for, request),
        "bell": SimpleLazyObject(lambda: bell_of(user)),
        "env": settings.MARSAD_ENV,
        "privacy": settings.PRIVACY_URL,
        "languages": [(code, LANGUAGE_NAMES[code]) for code, _name in settings.LANGUAGES],
        "organization": SimpleLazyObject(lambda: getattr(user, "organization", None)) if signed_in else None,
        "role_name": (BUILTIN_ROLES.get(role.key, role.name) if role.is_system else role.name) if role else "",
        "theme": theme if theme in {"light", "dark"} else "auto",
    }


def bell_of(user: Any) -> dict[str, int]:
    """The number on the bell; nothing for platform administrators, who get no notifications."""
    return {"count": unread_count(user)} if isinstance(user, User) and not user.is_superadmin else {}


def bell_fragment(count: int) -> str:
    """The number as the socket sends it to pages that are open, in the language in force."""
    return render_to_string("ui/bell_count.html", {"count": count})
