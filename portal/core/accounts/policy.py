"""Who may call a page or an operation: each one says so, and start-up fails where one does not (`checks.py`)."""

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import URLPattern, URLResolver
from django.utils.translation import gettext as _

from portal.core.accounts import trail
from portal.core.accounts.models import User
from portal.core.common.errors import Denied, NotFound
from portal.core.tenancy.models import Organization
from portal.core.tenancy.scope import Actor, platform, tenant

View = Callable[..., HttpResponseBase]


@dataclass(frozen=True, slots=True)
class Policy:
    """A right, or a written reason why nobody need sign in; with neither, any signed-in person."""

    permission: str = ""
    public: str = ""


SIGNED_IN = Policy()


def request_actor(request: HttpRequest, *, user: User | None = None, via: str = "portal", device: str = "") -> Actor:
    """Who stands behind a request, as the audit log records it."""
    where = Actor(
        ip=getattr(request, "client_ip", ""),
        agent=request.headers.get("User-Agent", "")[:300],
        request=getattr(request, "request_id", ""),
        via=via,
        device=device,
    )
    if user is None:
        return where
    support = getattr(request, "support", None)
    reason = support.reason if support and support.user_id == user.pk else ""
    return replace(where, user=user.pk, name=user.name, email=user.email, role=user.role_key, reason=reason)


def second_step_missing(user: User) -> bool:
    """A platform administrator who has to switch two-step sign-in on before anything else (ASVS 4.3.1)."""
    return settings.PLATFORM_MFA and user.is_superadmin and not user.mfa_enabled


def record_denial(
    *, actor: Actor, organization: Any, label: str, reason: str, aftermath: Callable[[], object] | None = None
) -> None:
    """Put a refusal into the audit log, in a transaction of its own: the refused one was rolled back.

    `aftermath` is that of the refusal (`Denied`).
    """
    with tenant(organization, by=actor) if organization else platform(by=actor):
        trail.record(
            trail.Trace(
                "denied",
                "user",
                str(actor.user or ""),
                label,
                reason=reason,
                outcome="denied",
                organization=organization,
            )
        )
        if aftermath:
            aftermath()


def record_support(organization: Organization | None, what: str) -> None:
    """Put a SuperAdmin's request inside an organisation (None: across all of them) into the audit log."""
    pk, name = (str(organization.pk), organization.name) if organization else ("", "")
    trail.record(trail.Trace("support_access", "organization", pk, name, reason=what[:300]))


def to_login(request: HttpRequest) -> HttpResponse:
    """Send the browser to the sign-in page and back; a fragment request is told to move the whole page."""
    if request.headers.get("HX-Request") == "true":
        target = redirect_to_login(request.headers.get("HX-Current-URL", "") or request.get_full_path()).url
        return HttpResponse(status=204, headers={"HX-Redirect": target})
    return redirect_to_login(request.get_full_path())


def policy(permission: str) -> Callable[[View], View]:
    """A portal page of one organisation for holders of `permission`, run inside its tenant scope."""
    return _guarded(Policy(permission=permission))


def signed_in(view: View) -> View:
    """A portal page for everybody who is signed in: in the tenant's scope, or the platform's for a SuperAdmin."""
    return _guarded(SIGNED_IN)(view)


def own_account(view: View) -> View:
    """A page about the person who is signed in: in the scope that their own row is in, a support session or not."""
    return _guarded(SIGNED_IN, own=True)(view)


def platform_policy(permission: str) -> Callable[[View], View]:
    """A page across organisations for a SuperAdmin."""
    return _guarded(Policy(permission=permission), across=True)


def public(reason: str) -> Callable[[View], View]:
    """A page for anybody, and why that is right."""

    def mark(view: View) -> View:
        @functools.wraps(view)
        def open_view(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            return view(request, *args, **kwargs)

        open_view.policy = Policy(public=reason)  # type: ignore[attr-defined]
        return open_view

    return mark


def declare(mark: Callable[[View], View], patterns: list[URLPattern | URLResolver]) -> list[URLPattern | URLResolver]:
    """Give every view of a third party's URL patterns one policy: `declare(public("…"), [path(…), …])`."""
    for pattern in patterns:
        if isinstance(pattern, URLPattern):
            pattern.callback = mark(pattern.callback)
        else:
            declare(mark, pattern.url_patterns)
    return patterns


def _guarded(rule: Policy, *, across: bool = False, own: bool = False) -> Callable[[View], View]:
    def refusal(user: User) -> str:
        if (rule.permission and not user.has_permission(rule.permission)) or (across and not user.is_superadmin):
            return _("You do not have the right to see this page.")
        if rule.permission and not across and user.organization_id is None:
            return _("Pages of an organisation need a support session.")
        return ""

    def mark(view: View) -> View:
        @functools.wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            user = request.user
            if not isinstance(user, User):
                return to_login(request)
            if not own and second_step_missing(user):
                messages.warning(request, _("Platform administrators switch two-step sign-in on first."))
                return redirect("me:security")
            home = not across and not (own and user.is_superadmin)  # in a support session a SuperAdmin has one, too
            actor, organization = request_actor(request, user=user), user.organization_id if home else None
            message, reason, aftermath = refusal(user), rule.permission, None
            if not message:
                try:
                    with tenant(organization, by=actor) if organization else platform(by=actor):
                        if organization and getattr(request, "support", None):
                            record_support(user.organization, f"{request.method} {request.path}")
                        response = view(request, *args, **kwargs)
                        render = getattr(response, "render", None)  # a lazy template reads rows: here, not later
                        return render() if callable(render) else response
                except NotFound as missing:
                    raise Http404(str(missing.message)) from missing
                except Denied as denied:
                    message, reason, aftermath = str(denied.message), denied.code, denied.aftermath
            record_denial(
                actor=actor, organization=organization, label=request.path[:300], reason=reason, aftermath=aftermath
            )
            raise PermissionDenied(message)

        guarded.policy = rule  # type: ignore[attr-defined]
        return guarded

    return mark
