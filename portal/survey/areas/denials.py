"""Refusals because of the place: kept, told, counted (004-LBAC-05; `domain-survey.md` section 7).

A refused item of a batch that goes on: `deny(decision, …)` in the batch's transaction, outside of the item's savepoint.
A refused request: `raise refusal(decision, …)`; its record is written after the request's transaction was rolled back.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.utils.translation import gettext as _

from portal.core.accounts import trail
from portal.core.accounts.models import User
from portal.core.audit.security import raise_event
from portal.core.common import clock
from portal.core.common.errors import Denied
from portal.core.monitoring.counters import counted
from portal.core.monitoring.logs import note
from portal.core.notifications.events import publish
from portal.core.notifications.services import notify
from portal.core.tenancy import scope
from portal.survey.areas.models import GeoDecision
from portal.survey.areas.scoping import Decision

CODE: Final = "LBAC_VIOLATION"
WINDOW: Final = timedelta(hours=24)
MANY: Final = 3  # in the window: an alert


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What was attempted: by whom, where and when, on what."""

    user: User
    lon: float | None = None
    lat: float | None = None
    accuracy: float | None = None
    captured_at: datetime | None = None
    session: UUID | None = None
    application: UUID | None = None


def message(decision: Decision) -> str:
    """Why, for people."""
    match decision.rule:
        case "APPLICATION_AREA":
            return _("The application lies outside of the assigned areas.")
        case "NO_ASSIGNMENT":
            return _("No area is assigned.")
        case "SCOPE_EXPIRED":
            return _("The area was assigned, but is so no longer.")
    if decision.distance_outside_m is None:
        return _("The place lies outside of the assigned areas.")
    away = decision.distance_outside_m
    return _("The place lies %(distance)s outside of the assigned areas.") % {
        "distance": f"{away:.0f} m" if away < 1000 else f"{away / 1000:.1f} km"
    }


def deny(decision: Decision, attempt: Attempt, *, audited: bool = False) -> GeoDecision:
    """Record a refusal in the transaction in force: row, audit entry (unless it is `audited` already), security event,
    live event; an alert to the administrators at the third within 24 hours."""
    actor, user = scope.actor(), attempt.user
    organization = scope.organization_id()
    row = GeoDecision.objects.create(
        organization_id=organization,
        user=user,
        device=actor.device[:200],
        session_id=attempt.session,
        application_id=attempt.application,
        rule=decision.rule,
        latitude=attempt.lat,
        longitude=attempt.lon,
        accuracy=attempt.accuracy,
        margin=decision.margin,
        distance_outside_m=decision.distance_outside_m,
        nearest_unit_id=decision.nearest_unit,
        allowed=list(decision.units),
        dataset_id=decision.dataset,
        dataset_version=decision.dataset_version,
        request_id=actor.request[:64],
        captured_at=attempt.captured_at,
    )
    if not audited:
        trail.record(
            trail.Trace(
                "denied",
                "session" if attempt.session else "geo_assignment",
                str(attempt.session or row.pk),
                user.name,
                reason=f"{CODE} {decision.rule}",
                outcome="denied",
                organization=organization,
            )
        )
    recent = GeoDecision.objects.filter(user=user, created_at__gte=clock.now() - WINDOW).count()
    raise_event(
        "lbac.violation",
        severity="high" if recent >= MANY else "medium",
        subject=user.name,
        details={
            "denialId": str(row.pk),
            "userId": str(user.pk),
            "rule": decision.rule,
            "distanceOutsideM": decision.distance_outside_m and round(decision.distance_outside_m),
            "recent": recent,
        },
        actor=user.pk,
    )
    counted("geo_denials", rule=decision.rule.lower())
    note(coordinates=[attempt.lon, attempt.lat])
    publish("lbac.violation", entity="session", id=row.pk, data={"userId": str(user.pk), "rule": decision.rule})
    if recent % MANY == 0:
        notify(
            "area.violations",
            permission="geo.denials",
            data={"person": user.name, "times": str(recent)},
            subject=("denial", row.pk),
        )
    return row


def refusal(decision: Decision, attempt: Attempt, *, meta: Mapping[str, Any] | None = None) -> Denied:
    """403 LBAC_VIOLATION to raise; whoever rolls the request back writes the record (`Denied.aftermath`)."""
    details = {"rule": decision.rule, "distanceOutsideM": decision.distance_outside_m}
    return Denied(
        message(decision),
        code=CODE,
        meta=details | dict(meta or {}),
        aftermath=lambda: deny(decision, attempt, audited=True),
    )
