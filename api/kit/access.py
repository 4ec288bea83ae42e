"""From a bearer token to a person in the scope of an organisation: one transaction per request."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from typing import Any, Literal
from uuid import UUID

from django.http import HttpRequest
from django.utils.translation import gettext as _

from api.kit import body
from api.kit.schemas import uuid_in
from portal.core.accounts import selectors, signals, tokens
from portal.core.accounts.models import User
from portal.core.accounts.policy import Policy, record_denial, record_support, request_actor, second_step_missing
from portal.core.accounts.tokens import Claims, Unauthenticated
from portal.core.common.errors import Denied, DomainError, NotFound
from portal.core.common.ids import parse_uuid
from portal.core.tenancy.models import Organization
from portal.core.tenancy.scope import Actor, platform, tenant

Reach = Literal["tenant", "span", "platform", "self"]
_DEVICE_LENGTH = 200


def claims_of(request: HttpRequest) -> Claims:
    """The checked claims of `Authorization: Bearer …`; raises Unauthenticated."""
    kind, _space, token = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not token.strip():
        raise Unauthenticated(_("Sign in first: send Authorization: Bearer <access token>."))
    return tokens.read(token.strip())


def same_device(request: HttpRequest, claims: Claims) -> None:
    """The call comes from the device that its token was given to (C38); raises DEVICE_NOT_REGISTERED (401)."""
    if not claims.device or request.headers.get("X-Device-ID", "") != claims.device:
        message = _("Send X-Device-ID, the device that this token was given to.")
        raise Unauthenticated(message, code="DEVICE_NOT_REGISTERED")


def actor_of(request: HttpRequest, claims: Claims) -> Actor:
    """Whom the audit log names, from the token alone: the scope that reads the person needs it already."""
    device = claims.device or request.headers.get("X-Device-ID", "")[:_DEVICE_LENGTH]
    where = request_actor(request, via="api", device=device)
    return replace(where, user=claims.user, name=claims.name, email=claims.email, role=claims.role)


def _wanted_tenant(request: HttpRequest, user: User) -> UUID | None:
    """The organisation a SuperAdmin names in `X-Tenant-ID` or, for a write, in the body."""
    if header := request.headers.get("X-Tenant-ID"):
        return uuid_in(header, "X-Tenant-ID")
    if user.organization_id is None and request.method != "GET" and request.content_type == "application/json":
        sent = body.JsonParser().parse_body(request) if request.body else None
        if isinstance(sent, dict):
            return parse_uuid(sent.get("organizationId") or sent.get("tenantId"))
    return None


def _allow(user: User, rule: Policy, reach: Reach) -> None:
    if reach != "self" and second_step_missing(user):
        raise Denied(_("Platform administrators switch two-step sign-in on first."), code="MFA_REQUIRED")
    if rule.permission and not user.has_permission(rule.permission):
        message = _("User does not have the required role to access this resource")
        raise Denied(message, meta={"permission": rule.permission})


@contextmanager
def session(
    request: HttpRequest, claims: Claims, rule: Policy, reach: Reach, limit: int, media: tuple[str, ...]
) -> Iterator[bool]:
    """Authentication, permission, body limits, tenant: in this order. Yields whether an organisation is in force."""
    actor = actor_of(request, claims)
    try:
        with tenant(claims.organization, by=actor) if claims.organization else platform(by=actor):
            user = selectors.token_holder(claims)
            request.auth = user  # type: ignore[attr-defined]
            request.claims = claims  # type: ignore[attr-defined]
            _allow(user, rule, reach)
            body.check(request, limit=limit, media=media)
            with _workspace(request, user, actor, reach) as inside:
                yield inside
    except Denied as refusal:
        record_denial(
            actor=actor,
            organization=claims.organization,
            label=f"{request.method} {request.path}"[:300],
            reason=str(refusal.meta.get("permission", refusal.code)),
            aftermath=refusal.aftermath,
        )
        if refusal.code == "TENANT_MISMATCH" and claims.organization:
            with tenant(claims.organization, by=actor):
                signals.security_event.send(
                    sender=User,
                    kind="cross_tenant",
                    severity="high",
                    user=claims.user,
                    organization=claims.organization,
                    subject=claims.name,
                    details={"request": f"{request.method} {request.path}"[:300], "ip": actor.ip},
                )
        raise


@contextmanager
def _workspace(request: HttpRequest, user: User, actor: Actor, reach: Reach) -> Iterator[bool]:
    wanted = _wanted_tenant(request, user)
    if user.organization_id is not None:
        if wanted is not None and wanted != user.organization_id:
            raise Denied(_("The X-Tenant-ID is not that of your organisation."), code="TENANT_MISMATCH")
        request.organization = user.organization  # type: ignore[attr-defined]
        yield True
        return
    organization = None
    if wanted is not None and reach != "platform":
        organization = Organization.objects.filter(pk=wanted, deleted_at=None).first()
        if organization is None:
            raise NotFound(_("There is no such organisation."))
    elif reach == "tenant" or (reach == "span" and request.method != "GET"):
        raise DomainError(_("Name the organisation in the X-Tenant-ID header."), code="TENANT_REQUIRED", status=400)
    request.organization = organization  # type: ignore[attr-defined]
    inner: Any = tenant(organization.pk, by=actor) if organization else nullcontext()
    with inner:
        if reach in ("tenant", "span"):
            record_support(organization, f"{request.method} {request.path}")
        yield organization is not None
