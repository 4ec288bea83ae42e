"""The support session that a SuperAdmin works in, and all there were."""

from typing import Any

from django.db.models import QuerySet

from portal.core.accounts.models import SupportSession, User
from portal.core.common import clock
from portal.core.tenancy.scope import platform


def support_open(*, user: User) -> SupportSession | None:
    """The person's open session with its organisation, None where there is none or its time is over."""
    with platform():
        found: SupportSession | None = (
            SupportSession.objects.select_related("organization")
            .filter(user=user, ended_at=None, expires_at__gt=clock.now(), organization__deleted_at=None)
            .first()
        )
    return found


def support_list() -> QuerySet[SupportSession]:
    """Sessions of the organisation in force, or of the whole platform, newest first."""
    return SupportSession.objects.select_related("organization").order_by("-created_at", "-id")


def support_card(session: SupportSession) -> dict[str, Any]:
    return {
        "id": session.pk,
        "organizationId": session.organization_id,
        "organizationName": session.organization.name,
        "userId": session.user_id,
        "userName": session.user_name,
        "reason": session.reason,
        "createdAt": session.created_at,
        "expiresAt": session.expires_at,
        "endedAt": session.ended_at,
        "isOpen": session.ended_at is None and session.expires_at > clock.now(),
    }
