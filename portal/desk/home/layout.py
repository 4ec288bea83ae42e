"""Which blocks a person's home page has, in which order: their role's, until they choose."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from portal.core.accounts import permissions as roles
from portal.core.accounts.models import User
from portal.core.accounts.services.signin import profile_update

KEY: Final = "home"  # in the person's preferences
_OFFICE: Final = ("attention", "kpis", "lab", "trend", "quality", "projects", "activity", "audit", "devices")
_FIELD: Final = ("attention", "tasks", "lab", "activity")
DEFAULTS: Final[Mapping[str, Sequence[str]]] = {
    roles.SUPERADMIN: ("platform", "health", "organizations"),
    roles.ADMIN: _OFFICE,
    roles.MANAGER: ("attention", "projects", "tasks", "lab", "quality", "trend", "kpis", "activity", "devices"),
    roles.TECHNICIAN: _FIELD,
    roles.AGENT: _FIELD,
    roles.SALES_AGENT: ("attention", "deals", "kpis", "trend", "activity"),
    roles.SUPPORT_AGENT: ("attention", "queue", "kpis", "trend", "activity"),
    roles.AUDITOR: ("audit", "attention", "lab", "kpis", "quality", "activity", "devices"),
    roles.VIEWER: ("kpis", "lab", "trend", "quality", "projects", "activity"),
}
_ANY: Final = (
    "attention",
    "tasks",
    "deals",
    "queue",
    "kpis",
    "trend",
    "lab",
    "quality",
    "projects",
    "activity",
    "audit",
)


def chosen(user: User, keys: Sequence[str]) -> tuple[list[str], list[str]]:
    """Of the blocks `keys` that there are for this person: the shown ones in their order, and the hidden ones."""
    wished = DEFAULTS.get(user.role_key if user.role.is_system else "", _ANY)
    usual = [key for key in wished if key in keys] or [key for key in _ANY if key in keys]  # in a support session
    said = user.preferences.get(KEY)
    if not isinstance(said, dict):
        return usual, [key for key in keys if key not in usual]
    order = [key for key in _texts(said.get("order")) if key in keys]
    hidden = [key for key in _texts(said.get("hidden")) if key in keys and key not in order]
    known = {*order, *hidden}
    # a block that the program did not have when the person chose
    order += [key for key in usual if key not in known]
    return order, [*hidden, *(key for key in keys if key not in {*order, *hidden})]


def _texts(value: Any) -> list[str]:
    return list(dict.fromkeys(one for one in value if isinstance(one, str))) if isinstance(value, list) else []


def layout_keep(*, user: User, shown: Sequence[str], hidden: Sequence[str]) -> None:
    """Keep a choice; both empty goes back to the role's."""
    rest = {name: value for name, value in user.preferences.items() if name != KEY}
    said = {KEY: {"order": list(shown), "hidden": list(hidden)}} if shown or hidden else {}
    profile_update(user=user, changes={"preferences": rest | said})


def moved(shown: Sequence[str], hidden: Sequence[str], key: str, step: str) -> tuple[list[str], list[str]]:
    """After one step (up, down, hide, show) of a block; unknown ones change nothing."""
    order, away = list(shown), list(hidden)
    if step == "show" and key in away:
        away.remove(key)
        order.append(key)
    elif step == "hide" and key in order:
        order.remove(key)
        away.append(key)
    elif step in ("up", "down") and key in order:
        place = order.index(key)
        other = place + (1 if step == "down" else -1)
        if 0 <= other < len(order):
            order[place], order[other] = order[other], order[place]
    return order, away
