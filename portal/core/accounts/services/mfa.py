"""Two-step sign-in: codes of an authenticator app (RFC 6238) or recovery codes, kept by django-allauth's models."""

import secrets
import time
from typing import Any, Final
from uuid import UUID

from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from allauth.mfa.utils import decrypt, encrypt
from django.core import signing
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from portal.core.accounts import trail
from portal.core.accounts.models import LoginFailure, User
from portal.core.accounts.services.lockout import failures_of
from portal.core.accounts.services.notices import tell_changed
from portal.core.accounts.services.roles import may_touch
from portal.core.accounts.tokens import Unauthenticated
from portal.core.common import clock
from portal.core.common.errors import Conflict, DomainError, Invalid
from portal.core.tenancy.scope import Actor, platform

CHALLENGE_SECONDS: Final = 300
SETUP_SECONDS: Final = 600
_SALT: Final = "marsad.mfa.challenge"


def challenge(user: User, *, remember: bool) -> str:
    """What stands for the right password until the second step is done: signed, good for five minutes."""
    return signing.dumps({"user": str(user.pk), "epoch": user.token_epoch, "remember": remember}, salt=_SALT)


def challenged(token: str) -> tuple[User, bool]:
    """The person of a challenge, and whether they want to be remembered. Raises MFA_TOKEN_INVALID (401)."""
    try:
        said = signing.loads(token, salt=_SALT, max_age=CHALLENGE_SECONDS)
    except signing.BadSignature:
        said = {}
    with platform():
        user = (
            User.objects.select_related("role", "organization")
            .filter(pk=UUID(said["user"]), token_epoch=said.get("epoch"), is_active=True, deleted_at=None)
            .exclude(organization__is_active=False)
            .first()
            if said
            else None
        )
    if user is None:
        raise Unauthenticated(_("Sign in again: the time for the second step is over."), code="MFA_TOKEN_INVALID")
    return user, bool(said["remember"])


def verify(*, user: User, code: str, by: Actor) -> None:
    """Check a code, which works once. Raises MFA_CODE_INVALID (401), and ACCOUNT_LOCKED after five wrong ones.

    Its failures are counted apart from those of the password: a right password must not forgive them.
    """
    key = f"mfa {user.pk}"
    refusal: DomainError | None
    with platform(by=by):
        _count, refusal = failures_of(key)
        if refusal is None:
            if _matches(user, code.strip().replace(" ", "").replace("-", "")):
                LoginFailure.objects.filter(identifier=key).delete()
                return
            LoginFailure.objects.create(identifier=key, ip=by.ip)
            refusal = Unauthenticated(_("The code is wrong."), code="MFA_CODE_INVALID")
        trail.record(
            trail.Trace("login_failed", "user", str(user.pk), user.name, refusal.code, "failed", user.organization_id)
        )
    raise refusal  # after the commit: the failure must count


def _matches(user: User, code: str) -> bool:
    if not code.isascii() or not code.isdigit():
        return False
    for row in Authenticator.objects.select_for_update().filter(user=user):
        if row.type == Authenticator.Type.TOTP:
            secret = decrypt(row.data["secret"])
            counter = _counter_of(secret, code)
            if counter is not None and counter > row.data.get("counter", 0):
                # the counter, so that a code that was seen on its way cannot be used again; with the newest secret key
                row.data |= {"counter": counter, "secret": encrypt(secret)}
                row.last_used_at = clock.now()
                row.save(update_fields=["data", "last_used_at"])
                return True
        elif row.type == Authenticator.Type.RECOVERY_CODES and RecoveryCodes(row).validate_code(code):
            return True
    return False


def _counter_of(secret: str, code: str) -> int | None:
    if not code.isascii() or not code.isdigit():
        return None
    counter: int
    for counter in yield_hotp_counters_from_time():
        if secrets.compare_digest(format_hotp_value(hotp_value(secret, counter)), code):
            return counter
    return None


@transaction.atomic
def mfa_setup(*, user: User) -> dict[str, Any]:
    """Make a secret to put into an authenticator app: `{secret, otpauthUrl, expiresIn}`. Nothing is on until a code
    of it has come back. Raises Conflict MFA_ENABLED."""
    if user.mfa_enabled:
        raise Conflict(_("Two-step sign-in is on already."), code="MFA_ENABLED")
    secret = generate_totp_secret()
    user.mfa_pending = encrypt(f"{int(time.time())} {secret}")
    user.save(update_fields=["mfa_pending"])
    return {
        "secret": secret,
        "otpauthUrl": get_adapter().build_totp_url(user, secret),
        "expiresIn": SETUP_SECONDS,
    }


@transaction.atomic
def mfa_enable(*, user: User, code: str) -> list[str]:
    """Switch two-step sign-in on with a code of the new secret; returns the recovery codes.

    Raises Invalid `code`, and MFA_SETUP_REQUIRED (422) without a set-up of the last ten minutes.
    """
    user = User.objects.select_for_update(of=("self",)).get(pk=user.pk)
    began, _space, secret = decrypt(user.mfa_pending).partition(" ") if user.mfa_pending else ("0", "", "")
    if time.time() - int(began) > SETUP_SECONDS:
        raise DomainError(_("Start the set-up again."), code="MFA_SETUP_REQUIRED", status=422)
    counter = _counter_of(secret, code.strip().replace(" ", ""))
    if counter is None:
        raise Invalid.field("code", _("The code is wrong."))
    Authenticator.objects.filter(user=user).exclude(type=Authenticator.Type.WEBAUTHN).delete()
    row = TOTP.activate(user, secret).instance
    row.data["counter"] = counter
    row.save(update_fields=["data"])
    user.mfa_enabled, user.mfa_pending = True, ""
    user.version += 1
    user.save(update_fields=["mfa_enabled", "mfa_pending", "version", "updated_at"])
    tell_changed(user, "two_step_on")
    return list(RecoveryCodes.activate(user).get_unused_codes())


def mfa_disable(*, user: User, code: str, by: Actor) -> None:
    """Switch two-step sign-in off. Raises what `verify` raises, and MFA_NOT_ENABLED (422)."""
    _need_mfa(user)
    verify(user=user, code=code, by=by)
    _switch_off(user)


def recovery_codes_renew(*, user: User, code: str, by: Actor) -> list[str]:
    """New recovery codes; the old ones end. Raises what `verify` raises, and MFA_NOT_ENABLED (422)."""
    _need_mfa(user)
    verify(user=user, code=code, by=by)
    with transaction.atomic():
        Authenticator.objects.filter(user=user, type=Authenticator.Type.RECOVERY_CODES).delete()
        tell_changed(user, "recovery_codes")
        return list(RecoveryCodes.activate(user).get_unused_codes())


@transaction.atomic
def mfa_reset(*, user: User, by: User) -> None:
    """Switch it off for somebody who lost phone and codes. Raises Denied and MFA_NOT_ENABLED (422)."""
    may_touch(by, user)
    _need_mfa(user)
    _switch_off(user)


def recovery_codes_left(*, user: User) -> int:
    row = Authenticator.objects.filter(user=user, type=Authenticator.Type.RECOVERY_CODES).first()
    return len(RecoveryCodes(row).get_unused_codes()) if row else 0


def _need_mfa(user: User) -> None:
    if not user.mfa_enabled:
        raise DomainError(_("Two-step sign-in is not on."), code="MFA_NOT_ENABLED", status=422)


@transaction.atomic
def _switch_off(user: User) -> None:
    Authenticator.objects.filter(user=user).delete()
    user.mfa_enabled = False
    user.version += 1
    user.save(update_fields=["mfa_enabled", "version", "updated_at"])
    tell_changed(user, "two_step_off")
