"""Reads of people and of what their tokens are worth."""

from functools import cache
from typing import Any, Final, cast

from django.db import connection
from django.db.models import JSONField, Model, QuerySet
from django.utils.translation import gettext_lazy as _

from portal.core.accounts import tokens
from portal.core.accounts.models import Device, Role, User
from portal.core.accounts.permissions import catalogue
from portal.core.accounts.tokens import Claims, Unauthenticated
from portal.core.common.errors import NotFound
from portal.core.common.text import normalise
from portal.core.tenancy.models import Organization
from portal.core.tenancy.scope import platform, tenant

_JOINED: Final[tuple[tuple[type[Model], str], ...]] = ((User, "u"), (Role, "r"), (Organization, "o"))


def token_holder(claims: Claims) -> User:
    """The person behind a token, in one query; raises Unauthenticated TOKEN_REVOKED where it no longer holds.

    Needs the scope of the token's organisation (the platform scope for a SuperAdmin).
    """
    with connection.cursor() as cursor:
        cursor.execute(_holder_query(), {"user": claims.user, "jti": claims.jti, "device": claims.device})
        row = cursor.fetchone()
    if row is not None:
        *values, ended, bound = row
        user = _holder(values)
        employed = user.organization is None or user.organization.is_active
        if (
            user.organization_id == claims.organization
            and user.token_epoch == claims.epoch
            and employed
            and bound
            and not ended
        ):
            return user
    raise Unauthenticated(_("The access token has been revoked."), code="TOKEN_REVOKED")


@cache
def _stored(model: type[Model]) -> list[Any]:
    return [field for field in model._meta.concrete_fields if not field.generated]


@cache
def _holder_query() -> str:
    """Written once: to compose it for every request costs three times what PostgreSQL needs to answer it."""
    columns = ", ".join(f'{alias}."{field.column}"' for model, alias in _JOINED for field in _stored(model))
    return (
        f"SELECT {columns}, EXISTS (SELECT 1 FROM accounts_revokedtoken WHERE jti = %(jti)s),"  # noqa: S608 own names
        " %(device)s = '' OR EXISTS (SELECT 1 FROM accounts_device d WHERE d.user_id = u.id"
        " AND d.organization_id = u.organization_id AND d.device_id = %(device)s AND d.status = 'active')"
        " FROM accounts_user u JOIN accounts_role r ON r.id = u.role_id"
        " LEFT JOIN tenancy_organization o ON o.id = u.organization_id"
        " WHERE u.id = %(user)s AND u.is_active AND u.deleted_at IS NULL"
    )


def _holder(values: list[Any]) -> User:
    """The person with role and organisation from one row of `_holder_query`."""
    found, start = [], 0
    for model, _alias in _JOINED:
        fields = _stored(model)
        part = [
            field.from_db_value(value, cast(Any, None), connection) if isinstance(field, JSONField) else value
            for field, value in zip(fields, values[start:], strict=False)
        ]
        found.append(model.from_db("default", [field.attname for field in fields], part))
        start += len(fields)
    user, role, organization = found
    assert isinstance(user, User)
    assert isinstance(role, Role)
    assert isinstance(organization, Organization)
    user.role, user.organization = role, organization if organization.pk else None
    return user


def user_for_access_token(token: str) -> User | None:
    """The person whose valid access token this is, None where it is not or no longer valid."""
    try:
        claims = tokens.read(token)
        with tenant(claims.organization) if claims.organization else platform():
            return token_holder(claims)
    except Unauthenticated:
        return None


def permission_words(user: User) -> list[str]:
    """Coarse verbs and fine codes in one flat list (C27)."""
    known = catalogue()
    verbs = {known[code].verb for code in user.permission_codes if code in known}
    fine = (code if scope == "all" else f"{code}:{scope}" for code, scope in user.grants.items())
    return sorted(verbs) + sorted(fine)


def assignable_people(*, search: str = "") -> QuerySet[User]:
    """Active people of the organisation in force, whom work can be given to."""
    found = User.objects.select_related("role").filter(is_active=True, deleted_at=None).exclude(organization=None)
    for word in normalise(search).split():
        found = found.filter(search_text__contains=word)
    return found


def profile(user: User) -> dict[str, Any]:
    """A person on the wire: what login, `/auth/me`, `/auth/profile` and `/users/me` answer (C21, C28)."""
    return {
        "id": user.pk,
        "organizationId": user.organization_id,
        "tenantId": user.organization_id,
        "email": user.email,
        "username": user.username,
        "name": user.name,
        "fullName": user.name,
        "role": user.role_key,
        "roleId": user.role_id,
        "roleName": str(user.role),
        "permissions": permission_words(user),
        "avatar": user.avatar or None,
        "department": user.department,
        "phone": user.phone,
        "language": user.language or None,
        "preferences": user.preferences,
        "isActive": user.is_active,
        "status": "active" if user.is_active else "inactive",
        "allProjects": user.all_projects,
        "mfaEnabled": user.mfa_enabled,
        "lastLogin": user.last_login,
        "createdAt": user.created_at,
        "updatedAt": user.updated_at,
        "version": user.version,
    }


def tenant_card(user: User) -> dict[str, Any] | None:
    """The person's organisation as login answers it; None for a SuperAdmin."""
    organization = user.organization
    if organization is None:
        return None
    return {
        "id": organization.pk,
        "name": organization.name,
        "domain": organization.domain,
        "timeZone": organization.time_zone,
        "language": organization.language,
        "settings": organization.settings,
    }


def device_get(*, user: User, device_id: str) -> Device:
    """A person's device by the id of its own choosing. Raises NotFound."""
    found = Device.objects.filter(user=user, device_id=device_id).first()
    if found is None:
        raise NotFound(_("There is no such device."))
    return found
