"""The side menu: rooms register their entries in `AppConfig.ready`, each person sees what they may open."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from portal.core.accounts.models import User

type Text = str | Promise

# Key -> heading, in the order of the menu. An entry names its group by key.
GROUPS: dict[str, Text] = {
    "home": "",
    "field": _("Field"),
    "lab": _("Laboratory"),
    "data": _("Data"),
    "office": _("Customers"),
    "organization": _("Organisation"),
    "platform": _("Platform"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MenuItem:
    """One entry. `permission` is a code for `User.has_permission`; '' shows the entry to every signed-in person."""

    label: Text
    url_name: str
    icon: str
    permission: str = ""
    group: str = "home"
    order: int = 100


@dataclass(frozen=True, slots=True)
class Entry:
    label: Text
    url: str
    icon: str
    active: bool


@dataclass(frozen=True, slots=True)
class Section:
    label: Text
    entries: list[Entry]


_items: dict[str, MenuItem] = {}


def register(*items: MenuItem) -> None:
    """Add entries; a second registration of the same `url_name` replaces the first."""
    for item in items:
        if item.group not in GROUPS:
            raise ValueError(f"menu group {item.group!r} of {item.url_name} is not one of {', '.join(GROUPS)}")
        _items[item.url_name] = item


def items_for(user: User) -> list[MenuItem]:
    """What a person may open, in the order of the menu."""
    places = list(GROUPS)
    allowed = (item for item in _items.values() if _may_open(item, user))
    return sorted(allowed, key=lambda item: (places.index(item.group), item.order, item.url_name))


def menu_for(request: HttpRequest) -> list[Section]:
    """The sections this person may see; the entry whose address is the longest prefix of the path is active."""
    user = getattr(request, "user", None)
    if not isinstance(user, User):
        return []
    allowed = items_for(user)
    urls = {item.url_name: reverse(item.url_name) for item in allowed}
    active = _active(request.path, urls.values())
    sections = []
    for key, label in GROUPS.items():
        group = [item for item in allowed if item.group == key]
        if group:
            entries = [
                Entry(item.label, urls[item.url_name], item.icon, urls[item.url_name] == active) for item in group
            ]
            sections.append(Section(label, entries))
    return sections


def _may_open(item: MenuItem, user: User) -> bool:
    """Rooms belong to an organisation: a SuperAdmin holds every right and still sees the platform's entries alone."""
    if not item.permission:
        return True
    return user.has_permission(item.permission) and (user.organization_id is not None or item.group == "platform")


def _active(path: str, urls: Iterable[str]) -> str:
    hits = [url for url in urls if path == url or (url != "/" and path.startswith(url.rstrip("/") + "/"))]
    return max(hits, key=len, default="")
