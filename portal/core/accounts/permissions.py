"""The catalogue of rights. Each room declares its own, with the built-in roles that hold them (C25)."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

SUPERADMIN: Final = "SuperAdmin"
ADMIN: Final = "Admin"
MANAGER: Final = "Manager"
TECHNICIAN: Final = "Technician"
AGENT: Final = "Agent"
SALES_AGENT: Final = "SalesAgent"
SUPPORT_AGENT: Final = "SupportAgent"
AUDITOR: Final = "Auditor"
VIEWER: Final = "Viewer"

BUILTIN_ROLES: Final[dict[str, Promise]] = {
    SUPERADMIN: _("Platform administrator"),
    ADMIN: _("Administrator"),
    MANAGER: _("Manager"),
    TECHNICIAN: _("Technician"),
    AGENT: _("Field agent"),
    SALES_AGENT: _("Sales agent"),
    SUPPORT_AGENT: _("Support agent"),
    AUDITOR: _("Auditor"),
    VIEWER: _("Viewer"),
}
# Other names of the source specifications, accepted on input (C25).
ROLE_ALIASES: Final = {
    "administrator": ADMIN,
    "projectmanager": MANAGER,
    "labmanager": MANAGER,
    "fieldtechnician": TECHNICIAN,
    "surveyor": TECHNICIAN,
}
OFFICE: Final = frozenset({ADMIN, MANAGER})
EVERYONE: Final = frozenset(BUILTIN_ROLES) - {SUPERADMIN}


@dataclass(frozen=True, slots=True)
class Permission:
    """A right: `code` on the wire, `verb` the coarse word of C27, `roles` the built-in roles that hold it.

    A `scoped` right can be held for one's own records, those of one's team (people of the same department) or all;
    `narrowed` says which built-in roles hold it for less than all. In lists it is written `code:own`, `code:team`.
    """

    code: str
    label: Promise | str
    group: Promise | str
    roles: frozenset[str] = field(default_factory=frozenset)
    verb: str = "read"
    scoped: bool = False
    narrowed: Mapping[str, str] = field(default_factory=dict)


SCOPES: Final = ("own", "team", "all")  # from narrow to wide
type Grants = dict[str, str]  # code -> widest scope


_catalogue: dict[str, Permission] = {}


def register(permissions: Iterable[Permission]) -> None:
    for permission in permissions:
        if _catalogue.setdefault(permission.code, permission) is not permission:
            raise ValueError(f"permission {permission.code} is declared twice")


def catalogue() -> dict[str, Permission]:
    return _catalogue


def builtin(role: str) -> Grants:
    """What a built-in role holds. Not to be changed by the one who asks."""
    return _builtin(role, len(_catalogue))


@cache
def _builtin(role: str, size: int) -> Grants:
    """Worked out once: every request asks. `size` tells a catalogue that has grown."""
    held = role == SUPERADMIN
    return {
        code: permission.narrowed.get(role, "all")
        for code, permission in _catalogue.items()
        if held or role in permission.roles
    }


def grants(entries: Iterable[str]) -> Grants:
    """`["samples.view", "customers.view:own"]` as codes with their widest scope; unknown codes stay out."""
    held: Grants = {}
    for entry in entries:
        code, _colon, scope = entry.partition(":")
        if code in _catalogue:
            held[code] = wider(held.get(code, ""), scope or "all")
    return held


def wider(one: str, other: str) -> str:
    return max(one, other, key=lambda scope: SCOPES.index(scope) if scope in SCOPES else -1)


def covers(mine: Mapping[str, str], theirs: Mapping[str, str]) -> bool:
    """Whether `mine` holds everything that `theirs` holds."""
    return all(code in mine and wider(mine[code], scope) == mine[code] for code, scope in theirs.items())


def unknown(entries: Iterable[str]) -> list[str]:
    """The entries that name no right of the catalogue, or a scope that the right does not have."""
    found = []
    for entry in entries:
        code, colon, scope = entry.partition(":")
        permission = _catalogue.get(code)
        if permission is None or (colon and not (permission.scoped and scope in SCOPES)):
            found.append(entry)
    return found


def is_key(text: str) -> bool:
    """Whether a text can be a custom role's key."""
    return re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,49}", text) is not None


def verbs() -> frozenset[str]:
    """The coarse words of C27; sent in, they say nothing that the codes do not."""
    return frozenset(permission.verb for permission in _catalogue.values())


def role_key(text: str) -> str:
    """A role's key from what a client wrote: case-insensitive, with the aliases of C25; unknown text unchanged."""
    lowered = text.strip().lower()
    return ROLE_ALIASES.get(lowered) or next((key for key in BUILTIN_ROLES if key.lower() == lowered), text.strip())


_PEOPLE = _("People")
_DEVICES = _("Devices")
_ORGANIZATION = _("Organisation")
_PLATFORM = _("Platform")
_ADMIN = frozenset({ADMIN})

# Rights without a role are the SuperAdmin's alone.
ACCOUNT_PERMISSIONS = [
    Permission("users.view", _("See people"), _PEOPLE, _ADMIN),
    Permission("users.manage", _("Create, change and remove people"), _PEOPLE, _ADMIN, verb="manage"),
    Permission("users.export", _("Export people"), _PEOPLE, _ADMIN),
    Permission(
        "users.assignable", _("See whom work can be assigned to"), _PEOPLE, OFFICE | {SALES_AGENT, SUPPORT_AGENT}
    ),
    Permission("roles.manage", _("Define roles"), _PEOPLE, _ADMIN, verb="manage"),
    Permission("organization.view", _("See the organisation's details"), _ORGANIZATION, EVERYONE),
    Permission("organization.edit", _("Change the organisation's settings"), _ORGANIZATION, _ADMIN, verb="write"),
    Permission("devices.view", _("See devices"), _DEVICES, OFFICE | {AUDITOR}),
    Permission("devices.revoke", _("Revoke devices"), _DEVICES, _ADMIN, verb="manage"),
    Permission("platform.view", _("See figures and health of the platform"), _PLATFORM),
    Permission("platform.organizations", _("Create, change and remove organisations"), _PLATFORM, verb="manage"),
    Permission("platform.support", _("Work inside an organisation to help it"), _PLATFORM, verb="manage"),
]
