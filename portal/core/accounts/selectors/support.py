"""The support session that a SuperAdmin works in."""

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
