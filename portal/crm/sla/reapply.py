"""Giving a policy's present targets and calendar to the tickets that run on it: a preview, and the work."""

from collections.abc import Callable, Sequence
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from portal.core.accounts.models import User
from portal.core.common import clock as times
from portal.core.common.errors import Denied
from portal.core.jobs.tasks import defer
from portal.core.notifications.events import publish
from portal.crm.sla import calendars, clock, rules, services
from portal.crm.sla.clock import NeverOpen
from portal.crm.sla.models import Kind, SlaPause, SlaPolicy, State
from portal.crm.tickets.models import Ticket

AT_ONCE: Final = 200  # more tickets than that are a job's


def affected(policy: SlaPolicy) -> list[UUID]:
    """The tickets with a clock that runs on the policy, by id."""
    return sorted(set(calendars.policy_running(policy).values_list("ticket", flat=True)))


def preview(*, policy: SlaPolicy) -> dict[str, int]:
    """`tickets` that run on it, how many of their clocks would get another due time (`clocks`), how many of those would
    be over it at once (`breaches`)."""
    edition, now = services.edition_of(policy), times.now()
    calendar = clock.Calendar.read(edition.content) if edition else clock.ALWAYS
    rows = list(calendars.policy_running(policy).select_related("ticket").iterator(chunk_size=2000))
    held: dict[UUID, list[clock.Pause]] = {}
    for pause in SlaPause.objects.filter(ticket__in={row.ticket_id for row in rows}):
        held.setdefault(pause.ticket_id, []).append((pause.starts_at, pause.ends_at))
    moved = broken = 0
    for row in rows:
        target = policy.targets.get(row.ticket.priority, {}).get(rules.TARGETS[Kind(row.kind)])
        if target == row.target_seconds and row.edition_id == (edition.pk if edition else None):
            continue
        moved += 1
        if target and row.state == State.RUNNING:
            try:
                due = clock.deadline(
                    calendar,
                    row.started_at,
                    row.target * target / row.target_seconds,
                    row.pauses(held.get(row.ticket_id, [])),
                )
            except NeverOpen:
                continue
            broken += due < now
    return {"tickets": len({row.ticket_id for row in rows}), "clocks": moved, "breaches": broken}


def start(*, policy: SlaPolicy, by: User) -> dict[str, Any]:
    """Now for up to 200 tickets: `{tickets}`; a job above: `{jobId, status}`. Raises Denied."""
    from portal.crm.sla.jobs import reapply_policy

    if not by.has_permission(calendars.RIGHT):
        raise Denied(_("You do not have the right to do this."), meta={"permission": calendars.RIGHT})
    if len(affected(policy)) > AT_ONCE:
        job = defer(reapply_policy, policy=str(policy.pk))
        return {"jobId": str(job.pk), "status": job.status}
    return run(policy=policy.pk, step=lambda work: work(), progress=lambda done, total: None)


def run(
    *, policy: UUID, step: Callable[[Callable[[], int]], int], progress: Callable[[int, int], object]
) -> dict[str, Any]:
    row = SlaPolicy.objects.get(pk=policy)
    ids, done = affected(row), 0
    for start in range(0, len(ids), AT_ONCE):
        done += step(lambda part=ids[start : start + AT_ONCE]: _part(row, part))  # type: ignore[misc]
        progress(min(start + AT_ONCE, len(ids)), len(ids))
    return {"tickets": done}


@transaction.atomic
def _part(policy: SlaPolicy, ids: Sequence[UUID]) -> int:
    rows = Ticket.objects.filter(pk__in=ids, deleted_at=None).order_by("id").select_for_update(no_key=True)
    count = services.reapply(policy=policy, tickets=list(rows))
    publish("ticket.updated", entity="ticket", id=None, data={"count": count})
    return count
