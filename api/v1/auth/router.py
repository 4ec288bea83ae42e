"""Sign-in, tokens and the own profile."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import Body, File, Query, UploadedFile

from api.kit import SIGNED_IN, V1, Page, Policy, Reply, Router, expected_version, paginate
from api.kit.envelope import dumps
from api.v1.auth import schemas
from portal.core.accounts import selectors, services, tokens
from portal.core.accounts.models import User
from portal.core.accounts.policy import request_actor
from portal.core.accounts.selectors import sessions
from portal.core.accounts.services import avatars, mfa, passwords
from portal.core.accounts.services import sessions as session_services
from portal.core.accounts.tokens import Claims
from portal.core.common.errors import DomainError
from portal.core.tenancy import scope
from portal.core.tenancy.scope import platform

router = Router(tags=["auth"])
ENTRY = Policy(public="people have no token before they sign in")


def _me(request: HttpRequest) -> User:
    return request.auth  # type: ignore[attr-defined, no-any-return]


def _claims(request: HttpRequest) -> Claims:
    return request.claims  # type: ignore[attr-defined, no-any-return]


def _tokens(handed: services.SignIn) -> dict[str, Any]:
    return {
        "token": handed.access,
        "accessToken": handed.access,
        "refreshToken": handed.refresh,
        "expiresIn": handed.seconds,
        "tokenType": "Bearer",
    }


def _signed_in(handed: services.SignIn) -> dict[str, Any]:
    tenant = selectors.tenant_card(handed.user)
    user = selectors.profile(handed.user)
    return {**_tokens(handed), "mfaRequired": False, "user": user, "tenant": tenant, "organization": tenant}


@router.post("/auth/login", policy=ENTRY, bucket="login", response=schemas.LoginAnswer, summary="Sign in")
def login(request: HttpRequest, payload: schemas.LoginIn) -> dict[str, Any]:
    """Send `email` and `password`; call everything else with `Authorization: Bearer <accessToken>`.

    Five failures within 15 minutes lock the identifier (429 `ACCOUNT_LOCKED`, see `Retry-After`). Wrong e-mail
    address or password: 401 `INVALID_CREDENTIALS`. Right password of a switched-off account: 403 `ACCOUNT_INACTIVE`.
    People with two-step sign-in get `mfaRequired` and an `mfaToken` for `POST /auth/mfa/challenge` instead of tokens,
    unless they send their `code` right away.
    """
    try:
        handed = services.login(
            identifier=payload.email,
            password=payload.password,
            tenant_id=payload.tenant_id,
            remember=payload.remember_me,
            code=payload.code,
            by=request_actor(request, via="api"),
        )
    except services.MfaRequired as second:
        return {"mfaRequired": True, "mfaToken": second.challenge, "expiresIn": mfa.CHALLENGE_SECONDS}
    return _signed_in(handed)


@router.post(
    "/auth/mfa/challenge", policy=ENTRY, bucket="login", response=schemas.LoginAnswer, summary="Second step of sign-in"
)
def mfa_challenge(request: HttpRequest, payload: schemas.ChallengeIn) -> dict[str, Any]:
    """401 `MFA_CODE_INVALID` for a wrong or used code, `MFA_TOKEN_INVALID` after five minutes: sign in again."""
    by = request_actor(request, via="api")
    return _signed_in(services.login_second_step(challenge=payload.mfa_token, code=payload.code, by=by))


@router.post(
    "/auth/refresh-token", policy=ENTRY, bucket="login", response=schemas.TokensOut, summary="Renew the tokens"
)
@router.post("/auth/refresh", policy=ENTRY, bucket="login", response=schemas.TokensOut, summary="Renew the tokens")
def refresh(request: HttpRequest, payload: schemas.RefreshIn) -> dict[str, Any]:
    """Trade the refresh token for a new pair. Each refresh token works once: keep the new one.

    A spent token that is sent again ends the whole sign-in (401 `REFRESH_TOKEN_INVALID`).
    """
    return _tokens(services.refresh(token=payload.refresh_token, by=request_actor(request, via="api")))


@router.post("/auth/logout", policy=SIGNED_IN, reach="self", response=None, summary="Sign out")
def logout(request: HttpRequest, payload: Body[schemas.LogoutIn] = schemas.LogoutIn()) -> Reply:  # noqa: B008
    """The access token ends at once (401 `TOKEN_REVOKED` from then on), and its refresh family with it."""
    services.logout(user=_me(request), claims=_claims(request), refresh_token=payload.refresh_token)
    return Reply(message=_("Signed out."))


@router.get("/auth/profile", policy=SIGNED_IN, reach="self", response=schemas.ProfileOut, summary="Own profile")
@router.get("/auth/me", policy=SIGNED_IN, reach="self", response=schemas.ProfileOut, summary="Own profile")
@router.get(
    "/users/me", policy=SIGNED_IN, reach="self", response=schemas.ProfileOut, tags=["users"], summary="Own profile"
)
def profile(request: HttpRequest) -> dict[str, Any]:
    """Who the token belongs to, with the organisation and all rights."""
    return selectors.profile(_me(request))


@router.update(
    "/auth/profile", policy=SIGNED_IN, reach="self", response=schemas.ProfileOut, summary="Change own profile"
)
def profile_update(request: HttpRequest, payload: schemas.ProfileIn) -> Reply:
    """Absent fields stay, null clears. A new password needs the current one and ends every session and token."""
    changes = payload.changes
    version = expected_version(request, changes.pop("version", None))
    user = services.profile_update(user=_me(request), changes=changes, version=version)
    return Reply(selectors.profile(user), message=_("Profile saved."))


@router.get("/auth/permissions", policy=SIGNED_IN, reach="self", response=list[str], summary="Own rights")
def permissions(request: HttpRequest) -> list[str]:
    """Coarse verbs and fine codes in one flat list."""
    return selectors.permission_words(_me(request))


@router.get(
    "/auth/jwks",
    policy=Policy(public="public keys, made to be fetched by anybody"),
    response=None,
    summary="Signing keys",
    openapi_extra={"responses": {200: {"content": {"application/json": {}}}}},
)
def jwks(request: HttpRequest) -> HttpResponse:
    """The public keys of the access tokens: bare RFC 7517, not in the envelope."""
    return HttpResponse(
        dumps(tokens.jwks()), content_type="application/json", headers={"Cache-Control": "public, max-age=300"}
    )


# --- forgotten passwords ----------------------------------------------------------------


@router.post("/auth/forgot-password", policy=ENTRY, bucket="login", response=None, summary="Ask for a new password")
def forgot_password(request: HttpRequest, payload: schemas.ForgotIn) -> Reply:
    """The answer, and the work behind it, is the same whether the address has an account or not (003)."""
    with platform(by=request_actor(request, via="api")):
        passwords.reset_request(identifier=payload.email)
    message = _("If the email exists, a password reset link has been sent.")
    return Reply({"message": message}, message=message)


@router.post("/auth/reset-password", policy=ENTRY, bucket="login", response=None, summary="Choose a new password")
def reset_password(request: HttpRequest, payload: schemas.ResetIn) -> Reply:
    """With the token of the mail, which is good for an hour and once: 400 `RESET_TOKEN_INVALID`. Ends all sessions."""
    passwords.reset_confirm(token=payload.token, password=payload.new_password, by=request_actor(request, via="api"))
    message = _("Password has been reset successfully.")
    return Reply({"message": message}, message=message)


# --- two-step sign-in -----------------------------------------------------------------------


def _guess(request: HttpRequest, work: Callable[[], Any]) -> Any:
    """A wrong code is answered and not raised: what is raised would undo the failure that has to count."""
    try:
        return work()
    except DomainError as refusal:
        if refusal.status not in (401, 429):
            raise
        return V1.failure(request, refusal)


@router.get("/auth/mfa", policy=SIGNED_IN, reach="self", response=schemas.MfaOut, summary="Two-step sign-in")
def mfa_status(request: HttpRequest) -> dict[str, Any]:
    """Whether it is on, and how many recovery codes are left."""
    me = _me(request)
    return {"enabled": me.mfa_enabled, "recoveryCodesLeft": mfa.recovery_codes_left(user=me)}


@router.post("/auth/mfa/setup", policy=SIGNED_IN, reach="self", response=schemas.MfaSetupOut, summary="Set it up")
def mfa_setup(request: HttpRequest) -> dict[str, Any]:
    """A secret for an authenticator app. Nothing is on before `POST /auth/mfa/verify` has seen a code of it."""
    return mfa.mfa_setup(user=_me(request))


@router.post("/auth/mfa/verify", policy=SIGNED_IN, reach="self", response=schemas.RecoveryOut, summary="Switch it on")
def mfa_verify(request: HttpRequest, payload: schemas.CodeIn) -> dict[str, Any]:
    """With a code of the new secret. Answers the recovery codes, once."""
    return {"enabled": True, "recoveryCodes": mfa.mfa_enable(user=_me(request), code=payload.code)}


@router.post("/auth/mfa/disable", policy=SIGNED_IN, reach="self", response=None, summary="Switch it off")
def mfa_disable(request: HttpRequest, payload: schemas.CodeIn) -> Any:
    """Needs a code: 401 `MFA_CODE_INVALID`, 429 after five wrong ones."""

    def work() -> Reply:
        mfa.mfa_disable(user=_me(request), code=payload.code, by=scope.actor())
        return Reply({"enabled": False}, message=_("Two-step sign-in is off."))

    return _guess(request, work)


@router.post(
    "/auth/mfa/recovery-codes",
    policy=SIGNED_IN,
    reach="self",
    response=schemas.RecoveryOut,
    summary="New recovery codes",
)
def mfa_recovery_codes(request: HttpRequest, payload: schemas.CodeIn) -> Any:
    """The old ones end."""

    def work() -> dict[str, Any]:
        codes = mfa.recovery_codes_renew(user=_me(request), code=payload.code, by=scope.actor())
        return {"enabled": True, "recoveryCodes": codes}

    return _guess(request, work)


# --- sign-ins, devices, portrait ----------------------------------------------------------------


@router.get("/auth/sessions", policy=SIGNED_IN, reach="self", response=list[schemas.SessionOut], summary="Own sign-ins")
def session_list(request: HttpRequest) -> list[dict[str, Any]]:
    """Those that can still be renewed; `current` is the one of this token."""
    return sessions.session_cards(user=_me(request), jti=_claims(request).jti)


@router.delete("/auth/sessions", policy=SIGNED_IN, reach="self", response=None, summary="End other sign-ins")
def session_end_all(request: HttpRequest, query: Query[schemas.SessionsQuery]) -> Reply:
    """Everywhere else, the portal included; `?all=true`: here too."""
    me = _me(request)
    session_services.sessions_end(user=me, by=me, keep=None if query.all else _claims(request))
    return Reply(message=_("Signed out elsewhere."))


@router.delete("/auth/sessions/{id:session_id}", policy=SIGNED_IN, reach="self", response=None, summary="End a sign-in")
def session_end(request: HttpRequest, session_id: UUID) -> Reply:
    """Its access tokens end at once."""
    session_services.session_end(user=_me(request), id=session_id)
    return Reply(message=_("Signed out."))


@router.get("/auth/devices", policy=SIGNED_IN, reach="self", response=list[schemas.DeviceOut], summary="Own devices")
def device_list(request: HttpRequest, query: Query[schemas.DevicesQuery]) -> Page:
    """Phones and computers that signed in for themselves."""
    return paginate(sessions.device_list(user=_me(request)), query, sessions.device_card)


@router.delete(
    "/auth/devices/{id:device_id}",
    policy=SIGNED_IN,
    reach="self",
    response=schemas.DeviceOut,
    summary="Revoke a device",
)
def device_revoke(request: HttpRequest, device_id: UUID) -> Reply:
    """Its tokens end at once. Its person can sign in on it again."""
    me = _me(request)
    device = session_services.device_end(user=me, id=device_id, by=me)
    return Reply(sessions.device_card(device), message=_("Device revoked successfully"))


@router.post(
    "/auth/avatar",
    policy=SIGNED_IN,
    reach="self",
    response=schemas.ProfileOut,
    media=("multipart/form-data",),
    limit=avatars.BYTES + 65_536,
    summary="Upload own portrait",
)
def avatar_upload(request: HttpRequest, file: File[UploadedFile]) -> dict[str, Any]:
    """JPEG, PNG or WebP of at most 5 MB as `file`. Kept as WebP of 64 and 256 pixels, without its metadata."""
    return selectors.profile(avatars.avatar_set(user=_me(request), file=file, size=file.size or 0))


@router.delete(
    "/auth/avatar", policy=SIGNED_IN, reach="self", response=schemas.ProfileOut, summary="Remove own portrait"
)
def avatar_clear(request: HttpRequest) -> dict[str, Any]:
    """Its address ends at once."""
    return selectors.profile(avatars.avatar_clear(user=_me(request)))
