"""Entries that no table change makes: sign-ins, refusals, exports, lost versions of a conflict."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from portal.core.accounts.trail import Trace
from portal.core.audit.models import Action, AuditEntry, Outcome, SecurityEvent
from portal.core.audit.security import raise_event
from portal.core.common import clock
from portal.core.tenancy import scope


@dataclass(frozen=True, slots=True)
class Event:
    action: Action
    entity: str
    object_pk: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    label: str = ""
    reason: str = ""
    outcome: Outcome = Outcome.SUCCESS
    organization: UUID | None = None


def record(*events: Event) -> None:
    """Write entries in the transaction in force, with its actor. `changes` is under column names (JSON values)."""
    record_all(events)


def record_all(events: Sequence[Event]) -> None:
    who = scope.actor()
    organization = scope.current().organization
    now = clock.now()
    AuditEntry.objects.bulk_create(
        AuditEntry(
            organization_id=event.organization or organization,
            entity=event.entity,
            object_pk=event.object_pk,
            object_repr=event.label[:300],
            action=event.action,
            changes=event.changes,
            actor_id=who.user,
            actor_email=who.email,
            actor_name=who.name,
            actor_role=who.role,
            impersonator_id=who.impersonator,
            device=who.device,
            agent=who.agent[:300],
            via=who.via,
            reason=event.reason or who.reason,
            outcome=event.outcome,
            cid=who.request,
            remote_addr=who.ip or None,
            timestamp=now,
        )
        for event in events
    )


def record_trace(trace: Trace) -> None:
    """What the accounts app saw: a sign-in, a sign-out, a refusal. One at another organisation's door is announced."""
    record(
        Event(
            Action[trace.action.upper()],
            trace.entity,
            trace.object_pk,
            trace.changes,
            label=trace.label,
            reason=trace.reason,
            outcome=Outcome(trace.outcome),
            organization=trace.organization,
        )
    )
    if trace.reason == "TENANT_MISMATCH":
        raise_event(
            "cross_tenant",
            severity=SecurityEvent.Severity.HIGH,
            subject=scope.actor().email or trace.label,
            details={"request": trace.label},
            organization=trace.organization,
        )
