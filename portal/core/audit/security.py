"""Security events: what a guardian of the organisation has to look at, from open to resolved."""

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.core.accounts.models import User
from portal.core.accounts.signals import security_event
from portal.core.audit.models import SecurityEvent
from portal.core.common import clock
from portal.core.common.errors import Denied, IllegalTransition, Invalid, NotFound
from portal.core.monitoring.counters import counted
from portal.core.tenancy import scope

Severity = SecurityEvent.Severity
Status = SecurityEvent.Status
UNSETTLED: Final = (Status.OPEN, Status.ACKNOWLEDGED)
TYPES: Final[dict[str, str | Promise]] = {
    "brute_force": gettext_lazy("password guessing"),
    "account_locked": gettext_lazy("account locked"),
    "token_reuse": gettext_lazy("spent token used again"),
    "new_device": gettext_lazy("new device"),
    "privilege_change": gettext_lazy("change of rights"),
    "cross_tenant": gettext_lazy("attempt on another organisation"),
    "mass_export": gettext_lazy("mass export"),
    "mass_delete": gettext_lazy("mass deletion"),
    "infected_upload": gettext_lazy("infected upload"),
    "integrity_failure": gettext_lazy("damaged audit log"),
    "policy_change": gettext_lazy("change of a policy"),
    "lbac.violation": gettext_lazy("outside of the assigned area"),
    "alert": gettext_lazy("alert rule"),
}

logger = logging.getLogger(__name__)
_listeners: list[Callable[[SecurityEvent, Mapping[str, Any]], object]] = []


def on_event(listener: Callable[[SecurityEvent, Mapping[str, Any]], object]) -> None:
    """`listener(event, delivery)` is called in the transaction that raises an event, once per occurrence.

    `delivery` holds `channels` and `recipients` of the alert rule, both empty without one.
    """
    _listeners.append(listener)


def raise_event(
    type: str,
    *,
    severity: str,
    subject: str = "",
    details: Mapping[str, Any] | None = None,
    organization: UUID | None = None,
    actor: UUID | None = None,
    rule: UUID | None = None,
    count: int = 1,
    delivery: Mapping[str, Any] | None = None,
) -> SecurityEvent:
    """Open an event, or count one more occurrence on the unsettled one of the same type and subject.

    Belongs to `organization`, else to that of the scope in force; the platform's own where there is none.
    """
    now = clock.now()
    organization = organization or scope.current().organization
    subject = subject[:300]
    same = _unsettled(organization, type, subject).select_for_update()
    event = same.first()
    if event is None:
        try:
            with transaction.atomic():
                event = SecurityEvent.objects.create(
                    organization_id=organization,
                    type=type,
                    severity=severity,
                    subject=subject,
                    details=dict(details or {}),
                    actor=actor or scope.actor().user,
                    rule_id=rule,
                    count=count,
                    first_at=now,
                    last_at=now,
                )
        except IntegrityError:  # opened by somebody else at this moment
            event = same.get()
            _again(event, severity, details, count)
    else:
        _again(event, severity, details, count)
    counted("security_events", type=type, severity=str(severity))
    logger.warning(
        "security event %s", type, extra={"facts": {"event": str(event.pk), "type": type, "severity": str(severity)}}
    )
    for listener in _listeners:
        listener(event, delivery or {})
    return event


def _unsettled(organization: UUID | None, kind: str, subject: str) -> QuerySet[SecurityEvent]:
    whose = Q(organization_id=organization) if organization else Q(organization=None)
    return SecurityEvent.objects.filter(whose, type=kind, subject=subject, status__in=UNSETTLED)


def _again(event: SecurityEvent, severity: str, details: Mapping[str, Any] | None, count: int) -> None:
    weights = list(Severity.values)
    SecurityEvent.objects.filter(pk=event.pk).update(
        count=F("count") + count,
        last_at=clock.now(),
        details=dict(details or {}),
        severity=max(event.severity, severity, key=weights.index),
    )
    event.refresh_from_db()


def _told(
    *,
    kind: str,
    severity: str,
    organization: UUID | None = None,
    subject: str = "",
    details: Mapping[str, Any] | None = None,
    user: UUID | None = None,
    **_more: Any,
) -> None:
    raise_event(kind, severity=severity, subject=subject, details=details, organization=organization, actor=user)


def listen() -> None:
    """Take what the accounts app announces."""
    security_event.connect(lambda sender, signal, **said: _told(**said), weak=False, dispatch_uid="audit.security")


def event_list(
    *,
    severity: str = "",
    statuses: Iterable[str] = (),
    type: str = "",
    since: Any = None,
    until: Any = None,
) -> QuerySet[SecurityEvent]:
    """Events of the scope in force, the last seen first; `until` is exclusive."""
    found = SecurityEvent.objects.order_by("-last_at", "-id")
    if severity:
        found = found.filter(severity=severity)
    if wanted := list(statuses):
        found = found.filter(status__in=wanted)
    if type:
        found = found.filter(type=type)
    if since:
        found = found.filter(last_at__gte=since)
    if until:
        found = found.filter(last_at__lt=until)
    return found


def event_get(*, id: UUID) -> SecurityEvent:
    """Raises NotFound."""
    found = SecurityEvent.objects.filter(pk=id).first()
    if found is None:
        raise NotFound(_("There is no such security event."))
    return found


def _change(id: UUID, by: User) -> SecurityEvent:
    if not by.has_permission("audit.resolve"):
        raise Denied(_("You may not settle security events."))
    event = SecurityEvent.objects.select_for_update().filter(pk=id).first()
    if event is None:
        raise NotFound(_("There is no such security event."))
    return event


@transaction.atomic
def event_acknowledge(*, id: UUID, by: User) -> SecurityEvent:
    """Say that somebody looks into it. Raises ILLEGAL_TRANSITION unless it is open."""
    event = _change(id, by)
    if event.status != Status.OPEN:
        raise IllegalTransition(_("Only an open event can be acknowledged."))
    event.status, event.acknowledged_by, event.acknowledged_at = Status.ACKNOWLEDGED, by, clock.now()
    event.save(update_fields=["status", "acknowledged_by", "acknowledged_at", "updated_at"])
    return event


@transaction.atomic
def event_resolve(*, id: UUID, resolution: str = "resolved", note: str, by: User) -> SecurityEvent:
    """Settle an event as `resolved` or `false_positive`; a note is required.

    Nobody settles a critical event that is about what they did. Raises VALIDATION_ERROR, PERMISSION_DENIED, and
    ILLEGAL_TRANSITION for one that is settled already.
    """
    event = _change(id, by)
    if event.status not in UNSETTLED:
        raise IllegalTransition(_("This event has been settled already."))
    if resolution not in (Status.RESOLVED, Status.FALSE_POSITIVE):
        raise Invalid.field("resolution", _("Choose one of: %(allowed)s.") % {"allowed": "resolved, false_positive"})
    if not note.strip():
        raise Invalid.field("note", _("Say how it was settled."), "required")
    if event.severity == Severity.CRITICAL and event.actor == by.pk and event.type != "integrity_failure":
        raise Denied(_("Somebody else has to settle a critical event about your own actions."))
    event.status, event.resolution, event.note = resolution, resolution, note.strip()
    event.resolved_by, event.resolved_at = by, clock.now()
    event.save(update_fields=["status", "resolution", "note", "resolved_by", "resolved_at", "updated_at"])
    return event


@transaction.atomic
def event_reopen(*, id: UUID, by: User) -> SecurityEvent:
    """Open a settled event again. Raises ILLEGAL_TRANSITION for one that is open, or where another one is by now."""
    event = _change(id, by)
    if event.status in UNSETTLED or _unsettled(event.organization_id, event.type, event.subject).exists():
        raise IllegalTransition(_("There is an open event of this kind already."))
    event.status, event.resolution, event.resolved_by, event.resolved_at = Status.OPEN, "", None, None
    event.save(update_fields=["status", "resolution", "resolved_by", "resolved_at", "updated_at"])
    return event


def event_card(event: SecurityEvent) -> dict[str, Any]:
    return {
        "id": event.pk,
        "organizationId": event.organization_id,
        "type": event.type,
        "severity": event.severity,
        "status": event.status,
        "count": event.count,
        "firstAt": event.first_at,
        "lastAt": event.last_at,
        "subject": event.subject,
        "details": event.details,
        "resolution": event.resolution or None,
        "note": event.note or None,
        "acknowledgedBy": event.acknowledged_by_id,
        "acknowledgedAt": event.acknowledged_at,
        "resolved": event.status not in UNSETTLED,
        "resolvedBy": event.resolved_by_id,
        "resolvedAt": event.resolved_at,
    }
