"""Sign-ins and devices of a person, and how they end."""

from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from portal.core.accounts import signals
from portal.core.accounts.models import Device, RefreshToken, User
from portal.core.accounts.services.roles import may_touch
from portal.core.accounts.services.signin import device_revoke, end_family, end_sessions, trace
from portal.core.accounts.tokens import Claims
from portal.core.common.errors import NotFound


@transaction.atomic
def session_end(*, user: User, id: UUID) -> None:
    """End one sign-in with its access tokens. Raises NotFound for one that is not theirs or has ended."""
    if not RefreshToken.objects.filter(user=user, family=id, revoked_at=None).exists():
        raise NotFound(_("There is no such session."))
    end_family(id)
    trace("logout", user, reason="SESSION_REVOKED")


@transaction.atomic
def sessions_end(*, user: User, by: User, keep: Claims | None = None) -> None:
    """End every sign-in of a person, portal sessions too; `keep` leaves the one that this access token belongs to."""
    may_touch(by, user)
    if keep is None:
        end_sessions(user=user)
    else:
        families = set(RefreshToken.objects.filter(user=user, revoked_at=None).values_list("family", flat=True))
        families -= set(RefreshToken.objects.filter(user=user, access_jti=keep.jti).values_list("family", flat=True))
        for family in families:
            end_family(family)
        user.session_epoch += 1
        user.save(update_fields=["session_epoch"])
        signals.access_changed.send(sender=User, users=[user.pk])
    trace("logout", user, reason="SESSIONS_REVOKED")


@transaction.atomic
def device_end(*, user: User, id: UUID, by: User) -> Device:
    """Revoke one of a person's devices. Raises NotFound."""
    may_touch(by, user)
    device = Device.objects.filter(user=user, pk=id).first()
    if device is None:
        raise NotFound(_("There is no such device."))
    device_revoke(device=device)
    return device
