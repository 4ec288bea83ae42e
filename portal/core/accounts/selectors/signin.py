"""Reads of people and of what their tokens are worth."""

from typing import Any

from django.db.models import Exists, QuerySet
from django.utils.translation import gettext_lazy as _

from portal.core.accounts import tokens
from portal.core.accounts.models import Device, RevokedToken, User
from portal.core.accounts.permissions import catalogue
from portal.core.accounts.tokens import Claims, Unauthenticated
from portal.core.common.errors import NotFound
from portal.core.common.text import normalise
from portal.core.tenancy.scope import platform, tenant


def token_holder(claims: Claims) -> User:
    """The person behind a token, in one query; raises Unauthenticated TOKEN_REVOKED where it no longer holds.

    Needs the scope of the token's organisation (the platform scope for a SuperAdmin).
    """
    holders = User.objects.select_related("role", "organization").annotate(
        ended=Exists(RevokedToken.objects.filter(jti=claims.jti))
    )
    if claims.device:
        holders = holders.annotate(
            device_active=Exists(
                Device.objects.filter(user=claims.user, device_id=claims.device, status=Device.Status.ACTIVE)
            )
        )
    user = holders.filter(pk=claims.user, deleted_at=None, is_active=True).first()
    if (
        user is None
        or user.organization_id != claims.organization
        or user.ended
        or user.token_epoch != claims.epoch
        or (user.organization is not None and not user.organization.is_active)
        or (claims.device and not user.device_active)  # type: ignore[attr-defined]
    ):
        raise Unauthenticated(_("The access token has been revoked."), code="TOKEN_REVOKED")
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
