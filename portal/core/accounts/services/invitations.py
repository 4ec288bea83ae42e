"""Invitations (C30): seven days, once, the token shown to the sender alone."""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from portal.core.accounts import jobs, permissions, signals
from portal.core.accounts.models import Invitation, User
from portal.core.accounts.projects import membership
from portal.core.accounts.services.people import user_create
from portal.core.accounts.services.roles import may_assign, role_named
from portal.core.accounts.services.signin import hashed, password_errors
from portal.core.common import clock
from portal.core.common.errors import Conflict, DomainError, Errors, IllegalTransition, Invalid, NotFound
from portal.core.jobs.tasks import defer
from portal.core.tenancy import scope
from portal.core.tenancy.scope import Actor, platform, tenant

LIFE: Final = timedelta(days=7)
MAILS_PER_HOUR: Final = 3


def token_of(invitation: Invitation) -> str:
    """The token, made again: a worker mails it, and no table or queue holds it."""
    return salted_hmac("marsad.invitation", f"{invitation.pk} {invitation.nonce}", algorithm="sha256").hexdigest()


@transaction.atomic
def invitation_create(
    *, email: str, role: str, by: User, projects: Sequence[UUID] | None = None
) -> tuple[Invitation, str]:
    """Invite somebody into the organisation in force: (invitation, its token).

    Raises Invalid, Denied, and Conflict DUPLICATE where the person is there already or has an open invitation.
    """
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError as refused:
        raise Invalid.field("email", " ".join(refused.messages)) from None
    offered = role_named(role, by=by)
    if offered.is_system and offered.key == permissions.SUPERADMIN:
        raise Invalid.field("role", _("A platform administrator belongs to no organisation."))
    may_assign(by, offered)
    if projects and membership().missing(projects):
        raise Invalid.field("project_ids", _("There is no such project."))
    now = clock.now()
    if User.objects.filter(email__iexact=email, deleted_at=None, organization=scope.organization_id()).exists():
        raise _taken(_("Somebody has this e-mail address already."))
    Invitation.objects.filter(email__iexact=email, status=Invitation.Status.PENDING, expires_at__lte=now).update(
        status=Invitation.Status.EXPIRED
    )
    invitation = Invitation(
        organization_id=scope.organization_id(),
        email=email,
        role=offered,
        projects=[str(project) for project in projects] if projects else None,
        sent_by=by,
    )
    token = _renew(invitation, now)
    _save(invitation)
    defer(jobs.invitation, invitation=str(invitation.pk))
    return invitation, token


def _save(invitation: Invitation) -> None:
    try:
        with transaction.atomic():
            invitation.save()
    except IntegrityError:
        raise _taken(_("This person is invited already: send the invitation again instead.")) from None


def _taken(message: object) -> Conflict:
    return Conflict(message, code="DUPLICATE", errors=Invalid.field("email", message).errors)


def _renew(invitation: Invitation, now: datetime) -> str:
    invitation.nonce = secrets.token_hex(16)
    token = token_of(invitation)
    invitation.token_hash, invitation.expires_at = hashed(token), now + LIFE
    invitation.sent_at = [*invitation.sent_at, now.isoformat()][-MAILS_PER_HOUR:]
    return token


@transaction.atomic
def invitation_resend(*, invitation: Invitation) -> tuple[Invitation, str]:
    """Mail a new token, good for another seven days; the old one ends. At most three mails an hour (429).

    Raises ILLEGAL_TRANSITION (422) for one that was accepted or cancelled, and Conflict DUPLICATE for an expired one
    beside an open one.
    """
    invitation = Invitation.objects.select_for_update().get(pk=invitation.pk)
    if invitation.status in (Invitation.Status.ACCEPTED, Invitation.Status.CANCELLED):
        raise IllegalTransition(_("This invitation is not open any more."))
    now = clock.now()
    recent = [sent for text in invitation.sent_at if (sent := datetime.fromisoformat(text)) > now - timedelta(hours=1)]
    if len(recent) >= MAILS_PER_HOUR:
        wait = max(1, int((recent[0] + timedelta(hours=1) - now).total_seconds()))
        raise DomainError(
            _("This invitation was sent three times within the hour."),
            status=429,
            code="RATE_LIMIT_EXCEEDED",
            meta={"retryAfter": wait},
        )
    invitation.status = Invitation.Status.PENDING
    token = _renew(invitation, now)
    _save(invitation)
    defer(jobs.invitation, invitation=str(invitation.pk))
    return invitation, token


@transaction.atomic
def invitation_cancel(*, invitation: Invitation) -> Invitation:
    """Take an offer back. Raises ILLEGAL_TRANSITION (422) for one that was accepted or cancelled."""
    invitation = Invitation.objects.select_for_update().get(pk=invitation.pk)
    if invitation.status in (Invitation.Status.ACCEPTED, Invitation.Status.CANCELLED):
        raise IllegalTransition(_("This invitation is not open any more."))
    invitation.status = Invitation.Status.CANCELLED
    invitation.save(update_fields=["status", "updated_at"])
    return invitation


def invitation_open(*, token: str, lock: bool = False) -> Invitation:
    """The offer behind a token, in the platform scope.

    Raises INVITATION_INVALID (404), INVITATION_USED or INVITATION_EXPIRED (400).
    """
    found = Invitation.objects.select_related("organization", "role", "sent_by")
    if lock:
        found = found.select_for_update(of=("self",))
    invitation = found.filter(token_hash=hashed(token), organization__deleted_at=None).first()
    if invitation is None or invitation.status == Invitation.Status.CANCELLED or not invitation.organization.is_active:
        raise NotFound(_("This invitation is not valid."), code="INVITATION_INVALID")
    if invitation.status == Invitation.Status.ACCEPTED:
        raise DomainError(_("This invitation was accepted already."), code="INVITATION_USED")
    if invitation.status == Invitation.Status.EXPIRED or invitation.expires_at <= clock.now():
        raise DomainError(_("This invitation has expired. Ask for a new one."), code="INVITATION_EXPIRED")
    return invitation


def invitation_accept(*, token: str, password: str, by: Actor, name: str = "", language: str = "") -> User:
    """Make the person who was invited. Raises what `invitation_open` raises, Invalid `password`, Conflict DUPLICATE."""
    with platform(by=by):
        invitation = invitation_open(token=token, lock=True)
        errors = Errors()
        password_errors(errors, "password", password, invitation.organization)
        errors.raise_any()
        projects = None if invitation.projects is None else [UUID(project) for project in invitation.projects]
        with tenant(invitation.organization_id, by=by):
            user = user_create(
                values={
                    "email": invitation.email,
                    "name": name,
                    "role": invitation.role,
                    "language": language,
                    "projects": projects,
                },
                hashed=make_password(password),
                by=None,
            )
            invitation.status, invitation.accepted_at = Invitation.Status.ACCEPTED, clock.now()
            invitation.accepted_by = user
            invitation.save(update_fields=["status", "accepted_at", "accepted_by", "updated_at"])
            signals.invitation_accepted.send(sender=Invitation, invitation=invitation, user=user)
        return user
