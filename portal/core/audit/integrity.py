"""Verify a chain on somebody's wish or by the clock: the result is kept, signed for and, where it is bad, reported."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from portal.core.audit import sealing, selectors, verification
from portal.core.audit.models import PLATFORM_CHAIN, Action, Checkpoint, Outcome, Verification
from portal.core.audit.security import Severity, raise_event
from portal.core.audit.services import Event, record

AT_ONCE: Final = 100_000  # more entries than that are a job's work
SOUND: Final = (Verification.Status.OK, Verification.Status.UNSEALED_LAG)


def integrity_verify(
    *,
    mode: str = Verification.Mode.INCREMENTAL,
    since: datetime | None = None,
    until: datetime | None = None,
    chain: UUID | None = None,
    progress: Callable[[int, int], None] | None = None,
    noted: bool = True,
) -> Verification:
    """Verify the chain of the scope in force (or `chain`, in the platform scope).

    An intact chain gets a checkpoint, a damaged one a critical security event. `noted`: the check itself goes into the
    log, as for every check that a person wished for.
    """
    result = verification.verify(mode=mode, chain=chain, since=since, until=until, progress=progress)
    organization = None if result.organization_id == PLATFORM_CHAIN else result.organization_id
    if result.status == Verification.Status.OK:
        sealing.checkpoint(cause=Checkpoint.Cause.VERIFY, chain=result.organization_id)
    elif result.status != Verification.Status.UNSEALED_LAG:
        raise_event(
            "integrity_failure",
            severity=Severity.CRITICAL,
            subject=str(result.organization_id),
            details={"status": result.status, **result.findings[0]},
            organization=organization,
        )
    if noted:
        outcome = Outcome.SUCCESS if result.status == Verification.Status.OK else Outcome.FAILED
        changes = {"mode": mode, "status": str(result.status), "checked": result.checked}
        record(Event(Action.VERIFY, "audit", "", changes, outcome=outcome, organization=organization))
    return result


def known_damage(chain: UUID) -> Verification | None:
    """The last damage found, until a full verification finds none: one of the newest entries cannot refute it."""
    done = Verification.objects.filter(organization_id=chain).order_by("-at", "-id")
    refuted = done.filter(mode=Verification.Mode.FULL, status=Verification.Status.OK).first()
    bad = done.exclude(status__in=SOUND)
    return (bad.filter(at__gt=refuted.at) if refuted else bad).first()


def integrity_card(result: Verification) -> dict[str, Any]:
    """A verification on the wire (`contract-platform.md` section 3; `valid`, `firstBroken` are the source's names)."""
    first = result.findings[0] if result.findings else None
    return {
        "status": result.status,
        "valid": result.status in SOUND,
        "mode": result.mode,
        "checked": result.checked,
        "erased": result.erased,
        "firstBad": first,
        "firstBroken": first,
        "findings": result.findings,
        "checkpoints": result.checkpoints,
        "signatureOk": result.signature_ok,
        "durationMs": result.duration_ms,
        "at": result.at,
    }


def work_ahead(mode: str, chain: UUID, since: datetime | None = None, until: datetime | None = None) -> int:
    """How many entries a verification would read."""
    if mode == Verification.Mode.SAMPLE:
        return verification.SAMPLE
    ahead = verification.size(chain) - verification.start_of(chain, mode) + 1
    if ahead <= AT_ONCE or not (since or until):
        return ahead
    return min(ahead, selectors.entry_list(since=since, until=until).count())
