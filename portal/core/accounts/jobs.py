"""Mails of sign-in, and housekeeping: tokens and offers that have expired anyway."""

from datetime import timedelta
from uuid import UUID

from django.utils import translation
from django.utils.translation import gettext_lazy

from portal.core.accounts import mail, signals
from portal.core.accounts.models import Invitation, LoginFailure, PasswordReset, RevokedToken, SupportSession, User
from portal.core.accounts.permissions import ADMIN
from portal.core.common import clock
from portal.core.jobs.tasks import Running, job, periodic, platform_job
from portal.core.tenancy import scope
from portal.core.tenancy.scope import platform, tenant


@platform_job(name="accounts.password_reset", retry=4, queue="mail")
def password_reset(identifier: str) -> None:
    from portal.core.accounts.services.passwords import reset_send  # it queues this job

    reset_send(identifier=identifier, language=translation.get_language() or "en")


@platform_job(name="accounts.sign_in_changed", retry=4, queue="mail")
def sign_in_changed(user: str, to: str, change: str) -> None:
    person = User.objects.select_related("organization").filter(pk=UUID(user)).first()
    if person is not None:
        language = person.organization.language if person.organization else translation.get_language() or "en"
        mail.sign_in_changed(user=person, to=to, change=change, language=language)


@job(name="accounts.invitation", title=gettext_lazy("E-mail of an invitation"), retry=4, queue="mail")
def invitation(running: Running, *, invitation: str) -> None:
    from portal.core.accounts.services.invitations import token_of

    with platform(by=running.by):  # a SuperAdmin who invites is not seen from inside the organisation
        row = Invitation.objects.select_related("organization", "role", "sent_by").get(pk=UUID(invitation))
        if row.status == Invitation.Status.PENDING:
            mail.invitation(invitation=row, token=token_of(row))


@job(name="accounts.support_announce", title=gettext_lazy("E-mail about a support session"), retry=4, queue="mail")
def support_announce(running: Running, *, session: str) -> None:
    row = SupportSession.objects.select_related("organization").get(pk=UUID(session))
    admins = User.objects.filter(role__key=ADMIN, role__organization=None, is_active=True, deleted_at=None)
    for admin in admins.select_related("organization"):
        mail.support_session(session=row, admin=admin)


@periodic(cron="5 * * * *", name="accounts.purge_tokens")
def purge_tokens() -> None:
    now = clock.now()
    RevokedToken.objects.filter(expires_at__lt=now).delete()
    LoginFailure.objects.filter(at__lt=now - timedelta(days=1)).delete()
    PasswordReset.objects.filter(expires_at__lt=now - timedelta(days=1)).delete()


@periodic(cron="* * * * *", name="accounts.expire")
def expire() -> None:
    """Offers and support sessions whose time is over."""
    now = clock.now()
    Invitation.objects.filter(status=Invitation.Status.PENDING, expires_at__lte=now).update(
        status=Invitation.Status.EXPIRED, updated_at=now
    )
    for session in SupportSession.objects.filter(ended_at=None, expires_at__lte=now):
        with tenant(session.organization_id, by=scope.actor()):
            session.ended_at = now
            session.save(update_fields=["ended_at", "updated_at"])
            signals.support_changed.send(sender=SupportSession, session=session)
