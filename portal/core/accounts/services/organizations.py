"""Organisations as the platform's administrators switch them on and off, with what that means for their people."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from portal.core.accounts import permissions, signals
from portal.core.accounts.models import Invitation, User
from portal.core.accounts.services.invitations import invitation_create
from portal.core.common import clock
from portal.core.common.errors import Denied
from portal.core.tenancy import scope
from portal.core.tenancy.models import Organization
from portal.core.tenancy.scope import tenant
from portal.core.tenancy.services import organization_update


def organization_change(
    *, organization: Organization, changes: Mapping[str, Any], by: User, version: int | None = None
) -> Organization:
    """Change details; switching it on or off is the platform administrator's alone. Raises Denied and what
    `organization_update` raises."""
    if "is_active" in changes and changes["is_active"] != organization.is_active and not by.is_superadmin:
        raise Denied(_("Only platform administrators switch organisations on and off."))
    was_active = organization.is_active
    organization = organization_update(organization=organization, changes=changes, version=version)
    if was_active != organization.is_active:
        _tell(organization)
    return organization


@transaction.atomic
def organization_delete(*, organization: Organization, by: User) -> None:
    """Soft: nobody of it can sign in any more, its rows stay until retention removes them."""
    organization = Organization.objects.select_for_update(no_key=True).get(pk=organization.pk)
    organization.is_active, organization.deleted_at, organization.deleted_by = False, clock.now(), by
    organization.version += 1
    organization.save(update_fields=["is_active", "deleted_at", "deleted_by", "version", "updated_at"])
    _tell(organization)


def admin_invite(*, organization: Organization, email: str, by: User) -> tuple[Invitation, str]:
    """Invite an organisation's (first) administrator: (invitation, its token)."""
    with tenant(organization.pk, by=scope.actor()):
        return invitation_create(email=email, role=permissions.ADMIN, by=by)


def _tell(organization: Organization) -> None:
    people = list(User.objects.filter(organization=organization, deleted_at=None).values_list("pk", flat=True))
    if people:
        signals.access_changed.send(sender=Organization, users=people)
