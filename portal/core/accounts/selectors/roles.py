"""Roles and the catalogue of rights."""

from collections.abc import Sequence
from typing import Any

from django.db.models import Count, Q, QuerySet

from portal.core.accounts import permissions
from portal.core.accounts.models import Role
from portal.core.tenancy import scope

DANGEROUS = frozenset({"manage", "delete"})


def role_list(*, search: str = "") -> QuerySet[Role]:
    """Built-in roles, those of the organisation in force (of all, in the platform scope), with their `people`."""
    mine = Q(organization=None)
    organization = scope.current().organization
    mine |= Q(organization_id=organization) if organization else Q(organization__isnull=False)
    counted = Q(users__deleted_at=None) & (Q(users__organization_id=organization) if organization else Q())
    found = Role.objects.filter(mine, deleted_at=None).annotate(people=Count("users", filter=counted))
    if organization:
        found = found.exclude(organization=None, key=permissions.SUPERADMIN)
    return found.filter(Q(name__icontains=search) | Q(key__icontains=search)) if search else found


def role_card(role: Role) -> dict[str, Any]:
    """A role on the wire; `people` only where it was counted."""
    return {
        "id": role.pk,
        "key": role.key,
        "name": str(role),
        "description": role.description,
        "permissions": entries(role.grants),
        "isSystem": role.is_system,
        "organizationId": role.organization_id,
        "userCount": getattr(role, "people", None),
        "createdAt": role.created_at,
        "updatedAt": role.updated_at,
    }


def entries(held: permissions.Grants) -> list[str]:
    """Grants as they are written: `code`, or `code:own` where the scope is narrower than all."""
    return sorted(code if scope_ == "all" else f"{code}:{scope_}" for code, scope_ in held.items())


def catalogue_cards(*, held: permissions.Grants) -> list[dict[str, Any]]:
    """The catalogue in its order; `grantable` says whether the one who asks may hand the right out."""
    return [
        {
            "code": permission.code,
            "label": permission.label,
            "group": permission.group,
            "verb": permission.verb,
            "scopes": list(permissions.SCOPES) if permission.scoped else [],
            "dangerous": permission.verb in DANGEROUS,
            "roles": sorted(permission.roles),
            "grantable": permission.code in held,
        }
        for permission in permissions.catalogue().values()
    ]


def catalogue_groups(cards: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same by group: `[{group, permissions}]`."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for card in cards:
        groups.setdefault(str(card["group"]), []).append(card)
    return [{"group": name, "permissions": members} for name, members in groups.items()]
