"""Sign-in, refresh, sign-out and the own profile."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import (
    CommonPasswordValidator,
    MinimumLengthValidator,
    validate_password,
)
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portal.core.accounts import signals, tokens, trail
from portal.core.accounts.models import Device, LoginFailure, RefreshToken, RevokedToken, User
from portal.core.accounts.services import mfa
from portal.core.accounts.services.lockout import FAILURES, failures_of
from portal.core.accounts.services.notices import tell_changed
from portal.core.accounts.tokens import Claims, Unauthenticated
from portal.core.common import clock
from portal.core.common.errors import Conflict, Denied, DomainError, Errors, Invalid
from portal.core.monitoring.counters import counted
from portal.core.tenancy.models import Organization
from portal.core.tenancy.scope import Actor, organization_id, platform, tenant

AVATAR_PATH: Final = "/api/v1/avatars/"
LONGEST_PASSWORD: Final = 128
PLATFORM_RULES: Final = {"passwordMinLength": 12, "passwordBreachList": True}
SHORT: Final = timedelta(days=6)  # life of a refresh token on v1 (C16)
DEVICE_ID_LENGTH: Final = 200
SEEN: Final = timedelta(minutes=1)  # how exactly a device's last visit is kept
LONG: Final = timedelta(days=30)  # with rememberMe, and on mobile


class MfaRequired(Exception):
    """The second step is missing; `challenge` is the token that, with a code, finishes the sign-in."""

    def __init__(self, challenge: str) -> None:
        super().__init__("two-step sign-in")
        self.challenge = challenge


@dataclass(frozen=True, slots=True)
class SignIn:
    """What a sign-in or a refresh hands out."""

    user: User
    access: str
    refresh: str
    seconds: int
    device: Device | None = None


def verify_password(*, identifier: str, password: str, by: Actor) -> User:
    """The active person with this e-mail address (or user name) and password, counting failures.

    Shared by the portal and both APIs. Raises INVALID_CREDENTIALS (401), ACCOUNT_INACTIVE (403) and, after five
    failures within 15 minutes for one identifier, known or not, ACCOUNT_LOCKED (429).
    """
    refusal: DomainError | None
    with platform(by=by):
        user = find_person(identifier)
        key = (user.email if user else identifier.strip()).lower()[:254]
        failures, refusal = failures_of(key)
        if refusal is None:
            if user is None:
                make_password(password)  # the same work as for a known person, so that time tells nothing
            if user is None or not user.check_password(password):
                LoginFailure.objects.create(identifier=key, ip=by.ip)
                if failures == FAILURES - 1:
                    _tell_locked(user, key, by)
                refusal = Unauthenticated(_("The e-mail address or the password is wrong."), code="INVALID_CREDENTIALS")
            elif not user.is_active or (user.organization and not user.organization.is_active):
                refusal = Denied(_("This account is not active."), code="ACCOUNT_INACTIVE")
            elif failures:
                LoginFailure.objects.filter(identifier=key).delete()
        if refusal:
            trail.record(
                trail.Trace(
                    "login_failed",
                    object_pk=str(user.pk) if user else "",
                    label=key,
                    reason=refusal.code,
                    outcome="failed",
                    organization=user.organization_id if user else None,
                )
            )
    if refusal or user is None:  # after the commit: the failure must count
        raise refusal or Unauthenticated()
    return user


def tell_security(kind: str, severity: str, user: User, **details: Any) -> None:
    """Announce something that people who watch over security want to know of."""
    signals.security_event.send(
        sender=User,
        kind=kind,
        severity=severity,
        user=user.pk,
        organization=user.organization_id,
        subject=user.name,
        details=details,
    )


def _tell_locked(user: User | None, key: str, by: Actor) -> None:
    """Five failures: of an account, or of guesses at one that does not exist."""
    signals.security_event.send(
        sender=User,
        kind="account_locked" if user else "brute_force",
        severity="medium",
        user=user.pk if user else None,
        organization=user.organization_id if user else None,
        subject=user.name if user else key,
        details={"ip": by.ip},
    )


def find_person(identifier: str) -> User | None:
    """The person with this e-mail address or user name, in the scope in force."""
    try:
        return User.objects.get_by_natural_key(identifier)
    except User.DoesNotExist:
        return None


def login(
    *,
    identifier: str,
    password: str,
    by: Actor,
    tenant_id: UUID | None = None,
    remember: bool = False,
    device: Mapping[str, str] | None = None,
    code: str = "",
) -> SignIn:
    """Sign in to the API. A `tenant_id` that is not the person's is a failed sign-in (C32).

    `device` (fields of `Device`) makes it a mobile sign-in: the tokens are bound to it and renewed for 30 days.
    Where the person uses two-step sign-in and no `code` came along: raises MfaRequired. A wrong code counts as a
    failure and is refused with MFA_CODE_INVALID (401).
    """
    user = verify_password(identifier=identifier, password=password, by=by)
    wrong = tenant_id is not None and tenant_id != user.organization_id
    if user.mfa_enabled and not wrong:
        if not code:
            raise MfaRequired(mfa.challenge(user, remember=remember))
        mfa.verify(user=user, code=code, by=by)
    return finish_login(user=user, by=by, remember=remember, device=device, wrong=wrong)


def login_second_step(*, challenge: str, code: str, by: Actor) -> SignIn:
    """Finish a sign-in that raised MfaRequired. Raises MFA_TOKEN_INVALID and MFA_CODE_INVALID (401)."""
    user, remember = mfa.challenged(challenge)
    mfa.verify(user=user, code=code, by=by)
    return finish_login(user=user, by=by, remember=remember)


def finish_login(
    *, user: User, by: Actor, remember: bool, device: Mapping[str, str] | None = None, wrong: bool = False
) -> SignIn:
    """Hand out the tokens of somebody who has shown who they are; `wrong`: for another organisation than theirs."""
    actor = user.actor(ip=by.ip, agent=by.agent, request=by.request, device=by.device, via=by.via)
    with platform(by=actor):
        if wrong:
            trace("login_failed", user, reason="TENANT_MISMATCH", outcome="failed")
        else:
            user.last_login = clock.now()
            user.save(update_fields=["last_login"])
            if device is None:
                handed = _hand_out(user, family=uuid4(), remember=remember, surface="v1", device=None, by=by)
            else:
                handed = _sign_in_device(user, device, by)
            trace("login", user)
    if wrong:
        raise Unauthenticated(_("The e-mail address or the password is wrong."), code="INVALID_CREDENTIALS")
    return handed


def trace(action: str, user: User, *, reason: str = "", outcome: str = "success") -> None:
    """Put what no row of ours shows into the audit log."""
    trail.record(trail.Trace(action, "user", str(user.pk), user.name, reason, outcome, user.organization_id))


def hashed(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _hand_out(user: User, *, family: UUID, remember: bool, surface: str, device: Device | None, by: Actor) -> SignIn:
    access, jti, seconds = tokens.issue(user, device=device.device_id if device else "")
    link, until = uuid4(), clock.now() + (LONG if remember else SHORT)
    renewing = tokens.issue_refresh(user, jti=link, until=until)
    RefreshToken.objects.create(
        id=link,
        organization_id=user.organization_id,
        user=user,
        device=device,
        family=family,
        surface=surface,
        token_hash=hashed(renewing),
        access_jti=jti,
        remember_me=remember,
        expires_at=until,
        ip=by.ip,
        agent=by.agent[:300],
    )
    return SignIn(user, access, renewing, seconds, device)


def refresh(*, token: str, by: Actor, surface: str = "v1", device: str = "") -> SignIn:
    """Trade a refresh token for a new pair; the old one is spent.

    Raises REFRESH_TOKEN_INVALID (401). A spent token that comes back later was stolen or copied: its family and the
    family's access tokens die. Of several requests that run at once with one token exactly one wins; the others are
    refused without harm to the winner, because they started before the token was spent.
    """
    arrived = clock.now()
    handed: SignIn | None = None
    with platform(by=by):
        link = (
            RefreshToken.objects.select_for_update(of=("self",))
            .select_related("user__role", "user__organization", "device")
            .filter(token_hash=hashed(token), surface=surface)
            .first()
        )
        if link is not None and (link.device.device_id if link.device else "") == device:
            user, now = link.user, clock.now()
            employed = user.organization is None or user.organization.is_active
            sound = user.is_active and user.deleted_at is None and employed
            if link.rotated_at is not None and link.rotated_at <= arrived and link.revoked_at is None:
                end_family(link.family)
                trace("login_failed", user, reason="REFRESH_TOKEN_REUSED", outcome="denied")
                tell_security("token_reuse", "high", user, surface=surface, device=device, ip=by.ip)
            elif (
                link.rotated_at is None
                and link.revoked_at is None
                and link.expires_at > now
                and sound
                and (link.device is None or link.device.status == Device.Status.ACTIVE)
            ):
                link.rotated_at = now
                link.save(update_fields=["rotated_at", "updated_at"])
                handed = _hand_out(
                    user, family=link.family, remember=link.remember_me, surface=surface, device=link.device, by=by
                )
    if handed is None:
        raise Unauthenticated(_("The refresh token is not valid."), code="REFRESH_TOKEN_INVALID")
    return handed


def end_family(family: UUID) -> None:
    """Kill a refresh family, the access tokens it handed out, and the sockets that were opened with them."""
    _kill(family)
    people = list(RefreshToken.objects.filter(family=family).values_list("user", flat=True).distinct())
    signals.access_changed.send(sender=RefreshToken, users=people)


def _kill(family: UUID) -> None:
    links, life = RefreshToken.objects.filter(family=family), timedelta(seconds=tokens.LONGEST)
    living = links.filter(created_at__gt=clock.now() - life).values_list("access_jti", "created_at")
    RevokedToken.objects.bulk_create(
        (RevokedToken(jti=jti, expires_at=at + life) for jti, at in living if jti), ignore_conflicts=True
    )
    links.filter(revoked_at=None).update(revoked_at=clock.now())


def end_sessions(*, user: User) -> None:
    """Kill every token and portal session of a person: deactivation, deletion, new password. Saves both epochs."""
    user.token_epoch += 1
    user.session_epoch += 1
    user.save(update_fields=["token_epoch", "session_epoch"])
    RefreshToken.objects.filter(user=user, revoked_at=None).update(revoked_at=clock.now())
    signals.access_changed.send(sender=User, users=[user.pk])


def logout(*, user: User, claims: Claims, refresh_token: str | None) -> None:
    """End this access token and its family at once, and the family of `refresh_token` where sent (C23)."""
    RevokedToken.objects.bulk_create(
        [RevokedToken(jti=claims.jti, expires_at=claims.expires_at)], ignore_conflicts=True
    )
    ended = Q(access_jti=claims.jti)
    if refresh_token:
        ended |= Q(token_hash=hashed(refresh_token))
    for family in set(RefreshToken.objects.filter(ended, user=user).values_list("family", flat=True)):
        _kill(family)
    signals.access_changed.send(sender=User, users=[user.pk])
    trace("logout", user)


def password_errors(
    errors: Errors, field: str, password: str, organization: Organization | None, user: User | None = None
) -> None:
    """Note what is wrong with a new password: 6 characters at least (C33), more where the organisation says so.

    At most 128, which every page takes. A platform administrator, who sees every organisation, needs 12 that are not
    among the most common passwords.
    """
    rules = organization.settings if organization else PLATFORM_RULES
    if len(password) > LONGEST_PASSWORD:
        errors.add(field, _("Enter at most %(max_length)s characters.") % {"max_length": LONGEST_PASSWORD})
        return
    try:
        validate_password(password, user)
        if len(password) < rules.get("passwordMinLength", 0):
            MinimumLengthValidator(rules["passwordMinLength"]).validate(password)
        if rules.get("passwordBreachList"):
            CommonPasswordValidator().validate(password)
    except ValidationError as refused:
        errors.add(field, " ".join(refused.messages))


def avatar_errors(errors: Errors, avatar: str) -> None:
    """An avatar is one that was uploaded here, or the address of a picture elsewhere."""
    if not avatar or avatar.startswith(AVATAR_PATH):
        return
    try:
        URLValidator(schemes=["http", "https"])(avatar)
    except ValidationError as refused:
        errors.add("avatar", " ".join(refused.messages))


def profile_update(*, user: User, changes: Mapping[str, Any], version: int | None = None) -> User:
    """Change the own name, phone, avatar, language, preferences or password.

    A new password needs `current_password` and ends every session and token. Raises VALIDATION_ERROR per field and
    VERSION_CONFLICT where `version` is stale.
    """
    user = User.objects.select_related("role", "organization").select_for_update(of=("self",)).get(pk=user.pk)
    if version is not None and version != user.version:
        raise Conflict(_("This record has been changed in the meantime."), meta={"currentVersion": user.version})
    wished = dict(changes)
    current, new = wished.pop("current_password", None), wished.pop("new_password", None)
    errors = Errors()
    if new is not None:
        if current is None or not user.check_password(current):
            errors.add("current_password", _("The current password is wrong."))
        password_errors(errors, "new_password", new, user.organization, user)
    for name, value in wished.items():
        setattr(user, name, {} if name == "preferences" and value is None else "" if value is None else value)
    if not user.name.strip():
        errors.add("name", _("This field is required."))
    if "avatar" in wished:
        avatar_errors(errors, user.avatar)
    errors.raise_any()
    if new is not None:
        user.set_password(new)
        end_sessions(user=user)
        trace("settings", user, reason="PASSWORD_CHANGED")
        tell_changed(user, "password")
        wished["password"] = new
    if wished:
        user.version += 1
        user.save(update_fields=[*wished, "version", "updated_at"])
    return user


def _sign_in_device(user: User, said: Mapping[str, str], by: Actor) -> SignIn:
    if user.organization_id is None:
        raise Denied(_("Platform administrators do not work on devices."))
    known = {name: value for name, value in said.items() if value}
    device, made = Device.objects.select_for_update().get_or_create(
        organization_id=user.organization_id, user=user, device_id=known.pop("device_id"), defaults=known
    )
    if device.status == Device.Status.BLOCKED:
        raise Unauthenticated(_("This device may no longer be used."), code="DEVICE_NOT_REGISTERED")
    for name, value in {**known, "status": Device.Status.ACTIVE, "last_seen_at": clock.now()}.items():
        setattr(device, name, value)
    device.save()
    if made:
        counted("devices", surface="mobile")
        tell_security("new_device", "low", user, device=device.device_name or device.device_id, ip=by.ip)
    for family in set(RefreshToken.objects.filter(device=device, revoked_at=None).values_list("family", flat=True)):
        end_family(family)  # one sign-in per device
    return _hand_out(user, family=uuid4(), remember=True, surface="mobile", device=device, by=by)


def device_register(*, user: User, device: Mapping[str, str], by: Actor) -> SignIn:
    """Register a device of a person who is signed in, and hand out tokens that are bound to it (C37)."""
    return _sign_in_device(user, device, by)


def device_revoke(*, device: Device) -> None:
    """End a device's tokens and refuse what it sends from now on, until its person signs in on it again."""
    if device.status != Device.Status.BLOCKED:  # which is more than revoked
        device.status = Device.Status.REVOKED
        device.save(update_fields=["status", "updated_at"])
    for family in set(RefreshToken.objects.filter(device=device, revoked_at=None).values_list("family", flat=True)):
        _kill(family)
    signals.access_changed.send(sender=Device, users=[device.user_id])


def device_block(*, device: Device) -> None:
    """End a device's tokens and refuse every sign-in on it."""
    device_revoke(device=device)
    device.status = Device.Status.BLOCKED
    device.save(update_fields=["status", "updated_at"])


def device_allow(*, device: Device) -> None:
    """Let a revoked or blocked device in again."""
    device.status = Device.Status.ACTIVE
    device.save(update_fields=["status", "updated_at"])


def language_choose(*, user: User, language: str, by: Actor) -> None:
    """Keep the language that a person chose, from a page that anybody may call."""
    with tenant(user.organization_id, by=by) if user.organization_id else platform(by=by):
        user.language = language
        user.save(update_fields=["language", "updated_at"])


def device_open(*, user: User, device_id: str) -> Device:
    """The person's device with this id of its own choosing, registered when it comes for the first time (FR-063).

    Raises VALIDATION_ERROR `deviceId`, and DEVICE_NOT_REGISTERED (401) for one that was revoked or blocked.
    """
    device_id = device_id.strip()
    if not device_id or len(device_id) > DEVICE_ID_LENGTH or not device_id.isprintable():
        raise Invalid.field(
            "deviceId", _("Name the device: deviceId or the X-Device-ID header, at most 200 printable characters.")
        )
    now = clock.now()
    found = Device.objects.filter(user=user, device_id=device_id).first()
    if found is None:
        new = Device(
            organization_id=organization_id(), user=user, device_id=device_id, device_name=device_id, last_seen_at=now
        )
        Device.objects.bulk_create([new], ignore_conflicts=True)
        counted("devices", surface="v1")
        found = Device.objects.get(user=user, device_id=device_id)
    if found.status != Device.Status.ACTIVE:
        raise Unauthenticated(_("This device may no longer be used."), code="DEVICE_NOT_REGISTERED")
    if found.last_seen_at is None or now - found.last_seen_at > SEEN:
        Device.objects.filter(pk=found.pk).update(last_seen_at=now)
    return found
