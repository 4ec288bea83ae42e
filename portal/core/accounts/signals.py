"""Portal sign-ins and sign-outs go into the audit log like those of the APIs.

`security_event(kind, severity, user, organization, subject, details)` is sent inside the transaction of what it tells:
kinds of `portal.core.audit.security.TYPES`.
"""

from typing import Any

from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.dispatch import Signal, receiver
from django.http import HttpRequest

from portal.core.accounts import trail
from portal.core.accounts.models import User
from portal.core.accounts.policy import request_actor
from portal.core.common import clock
from portal.core.tenancy.scope import platform

security_event = Signal()

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
