"""The catalogue of rights. Each room declares its own, with the built-in roles that hold them (C25)."""

from collections.abc import Iterable
from dataclasses import dataclass, field
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
    """A right: `code` on the wire, `verb` the coarse word of C27, `roles` the built-in roles that hold it."""

    code: str
    label: Promise | str
    group: Promise | str
    roles: frozenset[str] = field(default_factory=frozenset)
    verb: str = "read"


_catalogue: dict[str, Permission] = {}


def register(permissions: Iterable[Permission]) -> None:
    for permission in permissions:
        if _catalogue.setdefault(permission.code, permission) is not permission:
            raise ValueError(f"permission {permission.code} is declared twice")


def catalogue() -> dict[str, Permission]:
    return _catalogue


def builtin(role: str) -> frozenset[str]:
    """The codes that a built-in role holds."""
    if role == SUPERADMIN:
        return frozenset(_catalogue)
    return frozenset(code for code, permission in _catalogue.items() if role in permission.roles)


def role_key(text: str) -> str:
    """A role's key from what a client wrote: case-insensitive, with the aliases of C25; unknown text unchanged."""
    lowered = text.strip().lower()
    return ROLE_ALIASES.get(lowered) or next((key for key in BUILTIN_ROLES if key.lower() == lowered), text.strip())


_PEOPLE = _("People")
_DEVICES = _("Devices")

ACCOUNT_PERMISSIONS = [
    Permission("users.view", _("See people"), _PEOPLE, frozenset({ADMIN})),
    Permission("users.manage", _("Create, change and remove people"), _PEOPLE, frozenset({ADMIN}), verb="manage"),
    Permission(
        "users.assignable", _("See whom work can be assigned to"), _PEOPLE, OFFICE | {SALES_AGENT, SUPPORT_AGENT}
    ),
    Permission("roles.manage", _("Define roles"), _PEOPLE, frozenset({ADMIN}), verb="manage"),
    Permission("organization.edit", _("Change the organisation's settings"), _PEOPLE, frozenset({ADMIN}), verb="write"),
    Permission("devices.view", _("See devices"), _DEVICES, OFFICE | {AUDITOR}),
    Permission("devices.revoke", _("Revoke devices"), _DEVICES, frozenset({ADMIN}), verb="manage"),
]
