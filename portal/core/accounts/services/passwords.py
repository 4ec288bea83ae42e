"""New passwords by mail (003 AUTH-06 to AUTH-11). Whoever asks learns nothing about who has an account."""

import secrets
from datetime import timedelta
from typing import Final

from django.utils.translation import gettext_lazy as _

from portal.core.accounts import jobs, mail
from portal.core.accounts.models import LoginFailure, PasswordReset, User
from portal.core.accounts.services.notices import tell_changed
from portal.core.accounts.services.signin import end_sessions, find_person, hashed, password_errors, trace
from portal.core.common import clock
from portal.core.common.errors import DomainError, Errors
from portal.core.jobs.tasks import defer_platform
from portal.core.tenancy.scope import Actor, platform

LIFE: Final = timedelta(hours=1)


def reset_request(*, identifier: str) -> None:
    """Have a worker look the person up and mail them: the same work here whether there is one or not."""
    defer_platform(jobs.password_reset, identifier=identifier.strip()[:254])


def reset_send(*, identifier: str, language: str) -> None:
    """Mail a token to an active person; nothing where there is none. Needs the platform scope."""
    user = find_person(identifier)
    if user is None or not user.is_active or (user.organization and not user.organization.is_active):
        return
    token = secrets.token_hex(32)  # 64 characters
    PasswordReset.objects.create(user=user, token_hash=hashed(token), expires_at=clock.now() + LIFE)
    mail.password_reset(user=user, token=token, language=user.organization.language if user.organization else language)


def reset_confirm(*, token: str, password: str, by: Actor) -> None:
    """Set the password that a mailed token allows; ends every session and every other token of the person.

    Raises RESET_TOKEN_INVALID (400) for one that is unknown, used or older than an hour, and Invalid `newPassword`.
    """
    with platform(by=by):
        reset = (
            PasswordReset.objects.select_for_update(of=("self",))
            .select_related("user__organization", "user__role")
            .filter(token_hash=hashed(token), used_at=None, expires_at__gt=clock.now())
            .first()
        )
        user = reset.user if reset else None
        if user is None or user.deleted_at is not None or not user.is_active:
            raise DomainError(_("The link is not valid any more. Ask for a new one."), code="RESET_TOKEN_INVALID")
        errors = Errors()
        password_errors(errors, "new_password", password, user.organization, user)
        errors.raise_any()
        _change(user, by, password)


def _change(user: User, by: Actor, password: str) -> None:
    with platform(by=user.actor(ip=by.ip, agent=by.agent, request=by.request, via=by.via)):
        user.set_password(password)
        user.version += 1
        user.save(update_fields=["password", "version", "updated_at"])
        PasswordReset.objects.filter(user=user, used_at=None).update(used_at=clock.now())
        LoginFailure.objects.filter(identifier=user.email.lower()).delete()
        end_sessions(user=user)
        trace("settings", user, reason="PASSWORD_RESET")
        tell_changed(user, "password")
