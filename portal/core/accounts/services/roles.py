"""Custom roles of an organisation. Nobody hands out a right that they do not hold."""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from portal.core.accounts import permissions, signals
from portal.core.accounts.models import Role, User
from portal.core.common import clock
from portal.core.common.errors import Conflict, Denied, Invalid, NotFound
from portal.core.common.ids import parse_uuid
from portal.core.tenancy import scope


def role_named(text: str, *, by: User, field: str = "role") -> Role:
    """The role that a client named by key, name or id (C25). Raises Invalid for one that is not there for `by`."""
    wished = permissions.role_key(text)
    found = Role.objects.filter(Q(organization=None) | Q(organization_id=scope.current().organization), deleted_at=None)
    named = Q(pk=parse_uuid(wished)) if parse_uuid(wished) else Q(key__iexact=wished) | Q(name__iexact=wished)
    role = found.filter(named).order_by("organization", "id").first()
    if role is None or (role.is_system and role.key == permissions.SUPERADMIN and not by.is_superadmin):
        raise Invalid.field(field, _("There is no such role."))
    return role


def may_grant(by: User, wished: Mapping[str, str]) -> None:
    """Raises Denied where `by` would hand out more than they hold."""
    if not permissions.covers(by.grants, wished):
        raise Denied(_("You may not give rights that you do not have."), code="PERMISSION_DENIED")


def may_assign(by: User, role: Role) -> None:
    """Administrators assign every role but the platform's; other people only roles that hold no more than they do."""
    if role.is_system and role.key == permissions.SUPERADMIN and not by.is_superadmin:
        raise Denied(_("You may not give rights that you do not have."))
    if not (by.is_superadmin or (by.role.is_system and by.role_key == permissions.ADMIN)):
        may_grant(by, role.grants)


def may_touch(by: User, user: User) -> None:
    """Nobody changes a person who holds more than they do, themselves and administrators apart."""
    if by.pk == user.pk or by.is_superadmin or (by.role.is_system and by.role_key == permissions.ADMIN):
        return
    if not permissions.covers(by.grants, user.grants):
        raise Denied(_("You may not change people who have more rights than you."))


def checked_codes(entries: Sequence[str], field: str) -> list[str]:
    """Rights as they are stored, without the coarse verbs of C27; raises Invalid naming unknown ones."""
    codes = sorted(set(entries) - permissions.verbs())
    if wrong := permissions.unknown(codes):
        raise Invalid.field(field, _("Unknown rights: %(codes)s") % {"codes": ", ".join(wrong)[:300]})
    return codes


@transaction.atomic
def role_create(*, name: str, codes: Sequence[str], by: User, key: str = "", description: str = "") -> Role:
    """A role of the organisation in force. Raises Invalid, Denied, and Conflict DUPLICATE for a key in use."""
    if not name.strip():
        raise Invalid.field("name", _("This field is required."))
    key = key.strip() or slugify(name) or f"role-{secrets.token_hex(3)}"
    if not permissions.is_key(key):
        raise Invalid.field("key", _("Letters, digits, hyphens and underscores only."))
    stored = checked_codes(codes, "permissions")
    may_grant(by, permissions.grants(stored))
    _free(key)
    return Role.objects.create(
        organization_id=scope.organization_id(),
        key=key,
        name=name.strip(),
        description=description.strip(),
        permissions=stored,
    )


def _free(key: str) -> None:
    reserved = {name.lower() for name in permissions.BUILTIN_ROLES} | set(permissions.ROLE_ALIASES)
    mine = Role.objects.filter(organization_id=scope.organization_id(), deleted_at=None)
    if key.lower() in reserved or mine.filter(key__iexact=key).exists():
        raise Conflict(_("There is a role with this key."), code="DUPLICATE")


@transaction.atomic
def role_update(*, role: Role, changes: Mapping[str, Any], by: User) -> Role:
    """Change name, description or rights; takes effect on the next request of everybody who has the role."""
    role = _custom(role, by)
    wished = dict(changes)
    if "permissions" in wished:
        wished["permissions"] = checked_codes(wished["permissions"] or [], "permissions")
        may_grant(by, permissions.grants(wished["permissions"]))
    for name in ("name", "description"):
        if name in wished:
            wished[name] = (wished[name] or "").strip()
    if wished.get("name") == "":
        raise Invalid.field("name", _("This field is required."))
    for name, value in wished.items():
        setattr(role, name, value)
    role.save(update_fields=[*wished, "updated_at"])
    role.__dict__.pop("grants", None)
    _tell(role)
    return role


@transaction.atomic
def role_delete(*, role: Role, by: User, reassign_to: Role | None = None) -> None:
    """Remove a custom role; its people get `reassign_to`. Raises Conflict IN_USE where there are people and no heir."""
    role = _custom(role, by)
    people = list(User.objects.filter(role=role, deleted_at=None).values_list("pk", flat=True))
    if people:
        if reassign_to is None or reassign_to.pk == role.pk:
            raise Conflict(
                _("People have this role: name the role that they get instead."),
                code="IN_USE",
                meta={"people": len(people)},
            )
        may_assign(by, reassign_to)
        for user in User.objects.select_for_update(of=("self",)).filter(pk__in=people):
            user.role = reassign_to
            user.token_epoch += 1
            user.save(update_fields=["role", "token_epoch", "updated_at"])
        signals.access_changed.send(sender=Role, users=people)
    role.deleted_at = clock.now()
    role.save(update_fields=["deleted_at", "updated_at"])


def role_get(*, id: UUID) -> Role:
    """A role of the organisation in force, or a built-in one. Raises NotFound."""
    found = Role.objects.filter(
        Q(organization=None) | Q(organization_id=scope.current().organization), pk=id, deleted_at=None
    ).first()
    if found is None:
        raise NotFound(_("There is no such role."))
    return found


def _custom(role: Role, by: User) -> Role:
    if role.is_system:
        raise Denied(_("Built-in roles cannot be changed."), code="ROLE_LOCKED")
    may_assign(by, role)
    return Role.objects.select_for_update().get(pk=role.pk)


def _tell(role: Role) -> None:
    people = list(User.objects.filter(role=role, deleted_at=None).values_list("pk", flat=True))
    if people:
        signals.access_changed.send(sender=Role, users=people)
