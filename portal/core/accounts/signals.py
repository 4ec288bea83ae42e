"""What apps above this one are told, and what this one hears of django and allauth.

`access_changed(users)`: these people have other rights now, or none. `security_event(kind, severity, user,
organization, subject, details)`: kinds of `portal.core.audit.security.TYPES`. `support_changed(session)`: a SuperAdmin
began or ended work inside an organisation. `invitation_accepted(invitation, user)`. All are sent inside the transaction
of the change, in its scope.
"""

from typing import Any

from allauth.mfa import signals as mfa
from allauth.mfa.models import Authenticator
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.dispatch import Signal, receiver
from django.http import HttpRequest

from portal.core.accounts import trail
from portal.core.accounts.models import User
from portal.core.accounts.policy import request_actor
from portal.core.common import clock
from portal.core.tenancy.scope import platform

access_changed = Signal()
security_event = Signal()
support_changed = Signal()
invitation_accepted = Signal()

# Django's own handler writes outside of any scope, where row-level security shows it no row.
user_logged_in.disconnect(dispatch_uid="update_last_login")


def _record(action: str, request: HttpRequest, user: User) -> None:
    with platform(by=request_actor(request, user=user)):
        if action == "login":
            User.objects.filter(pk=user.pk).update(last_login=clock.now())
        trail.record(trail.Trace(action, "user", str(user.pk), user.name, organization=user.organization_id))


@receiver(user_logged_in, dispatch_uid="audit_login")
def logged_in(request: HttpRequest, user: User, **kwargs: Any) -> None:
    _record("login", request, user)


@receiver(user_logged_out, dispatch_uid="audit_logout")
def logged_out(request: HttpRequest, user: User | None, **kwargs: Any) -> None:
    if user is not None:
        _record("logout", request, user)
        with platform(by=request_actor(request, user=user)):
            request.session.delete()  # before the sockets look whether it is still there
            access_changed.send(sender=User, users=[user.pk])


@receiver([mfa.authenticator_added, mfa.authenticator_removed], dispatch_uid="mfa_changed")
def authenticators_changed(user: User, **kwargs: Any) -> None:
    """What the portal's pages of allauth did to two-step sign-in."""
    with platform(by=user.actor(via="portal")):
        real = Authenticator.objects.filter(user=user).exclude(type=Authenticator.Type.RECOVERY_CODES)
        User.objects.filter(pk=user.pk).update(mfa_enabled=real.exists())
