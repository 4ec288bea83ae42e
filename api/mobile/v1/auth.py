"""Sign-in of devices (specification 004; C16, C20, C37, C38)."""

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _

from api.kit import SIGNED_IN, Policy, Reply, Router
from api.mobile.v1 import schemas
from api.mobile.v1.surface import MOBILE, MobileMessage
from portal.core.accounts import selectors, services
from portal.core.accounts.models import User
from portal.core.accounts.policy import request_actor
from portal.core.accounts.tokens import Unauthenticated
from portal.core.common.errors import Invalid
from portal.core.tenancy.scope import tenant
from portal.survey.areas import selectors as areas
from portal.survey.areas import wire

router = Router(surface=MOBILE, tags=["auth"])
ENTRY = Policy(public="people have no token before they sign in")


def _tokens(handed: services.SignIn) -> dict[str, Any]:
    return {"accessToken": handed.access, "refreshToken": handed.refresh, "expiresIn": handed.seconds}


def _user(user: User) -> dict[str, Any]:
    return {
        "id": user.pk,
        "username": user.username or user.email,
        "fullName": user.name,
        "role": user.role_key,
        "department": user.department,
        "geographicAssignments": _areas(user),
    }


def _areas(user: User) -> list[dict[str, Any]]:
    if user.organization_id is None:
        return []
    with tenant(user.organization_id, by=user.actor(via="mobile")):
        return [wire.assigned(row) for row in areas.assignment_list(user=user.pk, state="active")]


@router.post("/auth/login", policy=ENTRY, bucket="m.auth", response=schemas.LoginOut, summary="Sign in on a device")
def login(request: HttpRequest, payload: schemas.LoginIn) -> dict[str, Any]:
    """Registers the device and binds the tokens to it: send the same `deviceId` as `X-Device-ID` from now on."""
    try:
        handed = services.login(
            identifier=payload.username,
            password=payload.password,
            by=request_actor(request, via="mobile", device=payload.device_info.device_id),
            device=payload.device_info.model_dump(),
            code=payload.mfa_code,
        )
    except services.MfaRequired:
        message = _("Send the code of your authenticator app as mfaCode.")
        raise Unauthenticated(message, meta={"mfaRequired": True}) from None
    assert handed.device is not None
    device = {"deviceRegistrationId": handed.device.pk, "status": handed.device.status}
    return {**_tokens(handed), "user": _user(handed.user), "device": device}


@router.post(
    "/auth/register-device",
    policy=SIGNED_IN,
    reach="self",
    bucket="m.auth",
    free=True,
    response=schemas.RegisteredOut,
    status=201,
    summary="Register a device",
)
def register_device(request: HttpRequest, payload: schemas.DeviceIn) -> dict[str, Any]:
    """With a token of either API. The device's former tokens end."""
    handed = services.device_register(
        user=request.auth,  # type: ignore[attr-defined]
        device=payload.model_dump(),
        by=request_actor(request, via="mobile", device=payload.device_id),
    )
    assert handed.device is not None
    return {**_tokens(handed), "deviceRegistrationId": handed.device.pk, "deviceStatus": handed.device.status}


@router.post("/auth/refresh", policy=ENTRY, bucket="m.auth", response=schemas.TokensOut, summary="Renew the tokens")
def refresh(request: HttpRequest, payload: schemas.RefreshIn) -> dict[str, Any]:
    """Needs the `X-Device-ID` that the token was given to. Each refresh token works once."""
    device = request.headers.get("X-Device-ID", "")
    if not device:
        raise Invalid.field("X-Device-ID", _("Send X-Device-ID, the device that this token was given to."))
    actor = request_actor(request, via="mobile", device=device)
    return _tokens(services.refresh(token=payload.refresh_token, by=actor, surface="mobile", device=device))


@router.post(
    "/auth/logout", policy=SIGNED_IN, reach="self", bucket="m.auth", response=MobileMessage, summary="Sign out"
)
def logout(request: HttpRequest) -> Reply:
    """Ends this token and its refresh token at once."""
    services.logout(user=request.auth, claims=request.claims, refresh_token=None)  # type: ignore[attr-defined]
    return Reply(message=_("Logged out successfully"))


@router.post(
    "/auth/revoke-device",
    policy=SIGNED_IN,
    reach="self",
    bucket="m.auth",
    response=MobileMessage,
    summary="Revoke this device",
)
def revoke_device(request: HttpRequest) -> Reply:
    """Ends every token of the device. Its person can sign in on it again."""
    device = selectors.device_get(user=request.auth, device_id=request.claims.device)  # type: ignore[attr-defined]
    services.device_revoke(device=device)
    return Reply(message=_("Device revoked successfully"))
