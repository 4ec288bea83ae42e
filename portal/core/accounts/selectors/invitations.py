"""Invitations as their senders see them."""

from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from portal.core.accounts.models import Invitation
from portal.core.common import clock
from portal.core.common.errors import NotFound


def invitation_list(*, status: str = "", search: str = "") -> QuerySet[Invitation]:
    """Invitations of the scope in force. One whose time is over counts as Expired before the job says so."""
    found, over = Invitation.objects.select_related("role"), Q(expires_at__lte=clock.now())
    match status:
        case Invitation.Status.PENDING:
            found = found.filter(~over, status=status)
        case Invitation.Status.EXPIRED:
            found = found.filter(Q(status=status) | Q(status=Invitation.Status.PENDING) & over)
        case Invitation.Status.ACCEPTED | Invitation.Status.CANCELLED:
            found = found.filter(status=status)
    return found.filter(email__icontains=search) if search else found


def invitation_get(*, id: UUID) -> Invitation:
    """Raises NotFound."""
    found = invitation_list().filter(pk=id).first()
    if found is None:
        raise NotFound(_("There is no such invitation."))
    return found


def status_of(invitation: Invitation) -> str:
    if invitation.status == Invitation.Status.PENDING and invitation.expires_at <= clock.now():
        return Invitation.Status.EXPIRED.value
    return invitation.status


def invitation_card(invitation: Invitation, token: str | None = None) -> dict[str, Any]:
    """An invitation on the wire; the token only in the answers of create and resend."""
    card = {
        "id": invitation.pk,
        "organizationId": invitation.organization_id,
        "email": invitation.email,
        "role": invitation.role.key,
        "roleName": str(invitation.role),
        "status": status_of(invitation),
        "expiresAt": invitation.expires_at,
        "sentByUserId": invitation.sent_by_id,
        "projectIds": invitation.projects or [],
        "allProjects": invitation.projects is None,
        "createdAt": invitation.created_at,
        "acceptedAt": invitation.accepted_at,
        "acceptedByUserId": invitation.accepted_by_id,
    }
    return card if token is None else {**card, "token": token}


def invitation_preview(invitation: Invitation) -> dict[str, Any]:
    """What somebody who holds the token may know before they accept."""
    return {
        "email": invitation.email,
        "role": invitation.role.key,
        "roleName": str(invitation.role),
        "organizationName": invitation.organization.name,
        "language": invitation.organization.language,
        "expiresAt": invitation.expires_at,
        "status": status_of(invitation),
        "passwordMinLength": invitation.organization.settings.get("passwordMinLength", 6),
    }
