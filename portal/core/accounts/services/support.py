"""Support sessions: how a SuperAdmin works inside an organisation in the portal (C32)."""

from datetime import timedelta
from typing import Final

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from portal.core.accounts import jobs, signals
from portal.core.accounts.models import SupportSession, User
from portal.core.common import clock
from portal.core.common.errors import Denied, Invalid, NotFound
from portal.core.jobs.tasks import defer
from portal.core.tenancy import scope
from portal.core.tenancy.models import Organization
from portal.core.tenancy.scope import tenant

LONGEST: Final = 60  # minutes


@transaction.atomic
def support_begin(*, organization: Organization, reason: str, by: User, minutes: int = LONGEST) -> SupportSession:
    """Open a session, which ends an open one. It is announced to the organisation's administrators and audited.

    Raises Denied for anybody but a SuperAdmin, and Invalid without a reason or above 60 minutes.
    """
    if not by.is_superadmin:
        raise Denied(_("Only platform administrators open support sessions."))
    if not reason.strip():
        raise Invalid.field("reason", _("Say why: the organisation's administrators read it."))
    if not 1 <= minutes <= LONGEST:
        raise Invalid.field("minutes", _("Enter a whole number from 1 to %(limit)s.") % {"limit": LONGEST})
    support_end(by=by, quiet=True)
    with tenant(organization.pk, by=scope.actor()):
        session = SupportSession.objects.create(
            organization=organization,
            user=by,
            user_name=by.name,
            reason=reason.strip()[:300],
            expires_at=clock.now() + timedelta(minutes=minutes),
        )
        signals.support_changed.send(sender=SupportSession, session=session)
        defer(jobs.support_announce, session=str(session.pk))
    return session


@transaction.atomic
def support_end(*, by: User, quiet: bool = False) -> None:
    """End the open session. Raises NotFound where there is none, unless `quiet`. Needs the platform scope."""
    session = SupportSession.objects.select_for_update().filter(user=by, ended_at=None).first()
    if session is None:
        if not quiet:
            raise NotFound(_("There is no open support session."))
        return
    with tenant(session.organization_id, by=scope.actor()):
        session.ended_at = clock.now()
        session.save(update_fields=["ended_at", "updated_at"])
        signals.support_changed.send(sender=SupportSession, session=session)
