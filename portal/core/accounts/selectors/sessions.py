"""Sign-ins and devices of a person."""

from typing import Any
from uuid import UUID

from django.db.models import Max, Min, QuerySet

from portal.core.accounts.models import Device, RefreshToken, User
from portal.core.common import clock


def session_cards(*, user: User, jti: UUID | None = None) -> list[dict[str, Any]]:
    """The sign-ins that can still be renewed, newest use first; `jti` of an access token marks its own as current."""
    links = RefreshToken.objects.filter(user=user)
    living = links.filter(revoked_at=None, rotated_at=None, expires_at__gt=clock.now()).select_related("device")
    began = dict(
        links.filter(family__in=living.values("family"))
        .order_by()
        .values_list("family")
        .annotate(Min("created_at"), Max("created_at"))
        .values_list("family", "created_at__min")
    )
    return [
        {
            "id": link.family,
            "surface": link.surface,
            "deviceId": link.device.device_id if link.device else None,
            "deviceName": link.device.device_name if link.device else None,
            "ipAddress": link.ip or None,
            "userAgent": link.agent or None,
            "rememberMe": link.remember_me,
            "createdAt": began[link.family],
            "lastUsedAt": link.created_at,
            "expiresAt": link.expires_at,
            "current": jti is not None and link.access_jti == jti,
        }
        for link in living.order_by("-created_at", "-id")
    ]


def device_list(*, user: User | None = None) -> QuerySet[Device]:
    """Devices of a person, or of everybody in the scope in force."""
    found = Device.objects.select_related("user")
    return found.filter(user=user) if user else found


def device_card(device: Device) -> dict[str, Any]:
    return {
        "id": device.pk,
        "deviceRegistrationId": device.pk,
        "userId": device.user_id,
        "userName": device.user.name,
        "deviceId": device.device_id,
        "deviceName": device.device_name,
        "deviceModel": device.device_model,
        "osVersion": device.os_version,
        "appVersion": device.app_version,
        "platform": device.platform,
        "status": device.status,
        "lastSeenAt": device.last_seen_at,
        "createdAt": device.created_at,
    }
