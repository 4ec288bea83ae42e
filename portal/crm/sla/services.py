"""Clocks of tickets: start, stop, pause, resume, and what happens when they run out.

Whoever calls holds the ticket's row. `Clocks` loads the clocks of one ticket once and `save()` writes what changed; it
also fills the ticket's `sla_…` columns, which the caller saves with the ticket.
"""

import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import transaction

from portal.core.accounts.models import User
from portal.core.accounts.permissions import OFFICE
from portal.core.common import clock as times
from portal.core.notifications.events import publish
from portal.core.notifications.services import notify
from portal.core.tenancy import scope
from portal.crm.sla import clock, rules
from portal.crm.sla.clock import NeverOpen, Pause
from portal.crm.sla.models import CalendarEdition, Kind, SlaClock, SlaPause, SlaPolicy, SlaStep, State

AT_ONCE: Final = 200  # tickets of one sweep

logger = logging.getLogger(__name__)
# What a step does beside notifying: action -> (ticket, to). The tickets part fills it.
actions: dict[str, Callable[[Any, str], None]] = {}


class Clocks:
    """The clocks and pauses of a ticket at a moment."""

    def __init__(self, ticket: Any, at: datetime, *, fresh: bool = False) -> None:
        self.ticket, self.at = ticket, at
        known = SlaClock.objects.none() if fresh else SlaClock.objects.select_related("edition", "policy")
        self.rows: list[SlaClock] = list(known.filter(ticket=ticket.pk))
        self.pauses: list[SlaPause] = [] if fresh else list(SlaPause.objects.filter(ticket=ticket.pk))
        self.fired: dict[UUID, set[str]] = {}
        if not fresh:
            for row, key in SlaStep.objects.filter(clock__ticket=ticket.pk).values_list("clock", "key"):
                self.fired.setdefault(row, set()).add(key)
        self.touched: set[UUID] = set()
        self.made: list[SlaClock] = []
        self.broken: list[SlaClock] = []

    # --- what a ticket goes through -------------------------------------------------------------------
    def begin(self, policy: SlaPolicy | None) -> None:
        """A new ticket: the reply and the resolution are owed."""
        self._give(policy)

    def replied(self) -> None:
        """A public answer by one of the organisation's people."""
        for row in self._running(Kind.FIRST_RESPONSE, Kind.NEXT_RESPONSE):
            self._stop(row)

    def asked(self, policy: SlaPolicy | None) -> None:
        """A word of the customer: a next reply is owed from the earliest one that has no answer."""
        if self._running(Kind.FIRST_RESPONSE, Kind.NEXT_RESPONSE):
            return
        if policy and (target := _target(policy, self.ticket.priority, Kind.NEXT_RESPONSE)):
            self._start(Kind.NEXT_RESPONSE, policy, target, self.at)

    def pause(self, cause: str, reason: str = "") -> None:
        """The ticket waits for somebody else. One pause at a time: another cause begins another one."""
        self._end_pause()
        self.pauses.append(
            SlaPause(
                organization_id=self.ticket.organization_id,
                ticket_id=self.ticket.pk,
                starts_at=self.at,
                cause=cause,
                reason=reason[:500],
            )
        )
        for row in self._running(Kind.RESOLUTION):
            self._hold(row)

    def resume(self) -> None:
        self._end_pause()
        for row in self._running(Kind.RESOLUTION):
            self._go_on(row)

    def resolved(self) -> None:
        self._end_pause()
        for row in self._running(*Kind):
            self._go_on(row)
            if row.kind == Kind.NEXT_RESPONSE or (row.kind == Kind.FIRST_RESPONSE and not self._judge(row)):
                self._cancel(row)  # nothing is left to answer
            else:
                self._stop(row)

    def reopened(self, since: datetime | None) -> None:
        """The time in which it was resolved becomes a pause, and the clock of the resolution runs on."""
        if since is not None and since < self.at:
            self.pauses.append(
                SlaPause(
                    organization_id=self.ticket.organization_id,
                    ticket_id=self.ticket.pk,
                    starts_at=since,
                    ends_at=self.at,
                    cause="resolved",
                )
            )
        done = [row for row in self.rows if row.kind == Kind.RESOLUTION and row.state != State.CANCELLED]
        for row in done[-1:]:
            row.stopped_at = row.elapsed_seconds = None
            if row.state == State.MET:
                row.state = State.RUNNING
            self._time(row)

    def cancelled(self) -> None:
        """Spam, merged into another one, deleted: promises to nobody."""
        self._end_pause()
        for row in self._running(*Kind):
            self._cancel(row)

    def restored(self, since: datetime) -> None:
        """Clocks that ended with the deletion at `since` run on; the time until now becomes a pause."""
        self.pauses.append(
            SlaPause(
                organization_id=self.ticket.organization_id,
                ticket_id=self.ticket.pk,
                starts_at=since,
                ends_at=self.at,
                cause="deleted",
            )
        )
        for row in self.rows:
            if row.stopped_at == since and row.elapsed_seconds is None:
                row.stopped_at = None
                if row.state == State.CANCELLED:
                    row.state = State.RUNNING
                self._time(row)

    def reselect(self, policy: SlaPolicy | None) -> None:
        """Another policy or priority, or a policy that is applied anew: running clocks take its targets and keep their
        starts and pauses. What was broken stays broken."""
        self._give(policy)

    def judge(self) -> None:
        """See what has run out."""
        for row in self._running(*Kind):
            self._judge(row)
            self._check(row)

    # --- one clock ------------------------------------------------------------------------------------
    def _running(self, *kinds: str) -> list[SlaClock]:
        return [row for row in self.rows if row.running and row.kind in kinds]

    def _spans(self, row: SlaClock) -> list[Pause]:
        return row.pauses([(pause.starts_at, pause.ends_at) for pause in self.pauses])

    def _give(self, policy: SlaPolicy | None) -> None:
        for row in self._running(*Kind):
            self._judge(row)  # by the old promise
            target = policy and _target(policy, self.ticket.priority, row.kind)
            if not policy or not target:
                self._cancel(row)
                continue
            self._copy(row, policy, target)
            if row.state == State.PAUSED:
                self._hold(row)
            else:
                self._time(row)
                self._judge(row)
        had = {row.kind for row in self.rows if row.state != State.CANCELLED}
        owed = [Kind.RESOLUTION] if self.ticket.first_response_at else [Kind.FIRST_RESPONSE, Kind.RESOLUTION]
        for kind in owed:
            target = policy and _target(policy, self.ticket.priority, kind)
            if policy and target and kind not in had:
                row = self._start(kind, policy, target, self.ticket.created_at)
                if kind == Kind.RESOLUTION and any(pause.ends_at is None for pause in self.pauses):
                    self._hold(row)

    def _start(self, kind: str, policy: SlaPolicy, target: int, since: datetime) -> SlaClock:
        row = SlaClock(
            organization_id=self.ticket.organization_id, ticket_id=self.ticket.pk, kind=kind, started_at=since
        )
        self._copy(row, policy, target)
        self.rows.append(row)
        self.made.append(row)
        self._time(row)
        return row

    def _copy(self, row: SlaClock, policy: SlaPolicy, target: int) -> None:
        row.policy, row.target_seconds = policy, target
        row.edition, row.steps = edition_of(policy), rules.steps_of(policy)
        self.touched.add(row.pk)

    def _time(self, row: SlaClock) -> None:
        """When it is due, near, and to be looked at, from its start and all pauses."""
        spans, calendar = self._spans(row), row.calendar
        row.paused_at = row.remaining_seconds = None
        shares = [step["percent"] for step in row.steps if step["percent"] < 100]
        try:
            row.due_at = clock.deadline(calendar, row.started_at, row.target, spans)
            near = row.target * min(shares, default=rules.AT_RISK) / 100
            row.warn_at = clock.deadline(calendar, row.started_at, near, spans)
        except NeverOpen:
            row.due_at = row.warn_at = None
        self._check(row)

    def _check(self, row: SlaClock) -> None:
        wanted = [] if row.state == State.BREACHED else [row.due_at]
        done = self.fired.get(row.pk, set())
        wanted += [self.moment(row, step) for step in row.steps if step["key"] not in done]
        row.check_at = min((moment for moment in wanted if moment), default=None)
        self.touched.add(row.pk)

    def moment(self, row: SlaClock, step: dict[str, Any]) -> datetime | None:
        """When a step is to happen."""
        if row.due_at is None:
            return None
        if step["percent"] == 100:
            return row.due_at + timedelta(minutes=step["afterMinutes"])
        return clock.deadline(row.calendar, row.started_at, row.target * step["percent"] / 100, self._spans(row))

    def _judge(self, row: SlaClock) -> bool:
        """Whether it has run out; the breach is at the moment when it was due, whenever that is noticed."""
        if row.state != State.BREACHED and row.late(self.at):
            row.state, row.breached_at = State.BREACHED, row.due_at
            self.touched.add(row.pk)
            self.broken.append(row)
        return row.state == State.BREACHED

    def _stop(self, row: SlaClock) -> None:
        if not self._judge(row):
            row.state = State.MET
        row.stopped_at = self.at
        taken = clock.elapsed(row.calendar, row.started_at, self.at, self._spans(row))
        row.elapsed_seconds = int(taken.total_seconds())
        row.paused_at = row.remaining_seconds = row.check_at = None
        self.touched.add(row.pk)

    def _hold(self, row: SlaClock) -> None:
        if self._judge(row):
            row.check_at = None
        else:
            taken = clock.elapsed(row.calendar, row.started_at, self.at, self._spans(row))
            row.remaining_seconds = max(0, row.target_seconds - int(taken.total_seconds()))
            row.state, row.paused_at = State.PAUSED, row.paused_at or self.at
            row.due_at = row.warn_at = row.check_at = None
        self.touched.add(row.pk)

    def _go_on(self, row: SlaClock) -> None:
        if row.state == State.PAUSED:
            row.state = State.RUNNING
            self._time(row)

    def _cancel(self, row: SlaClock) -> None:
        row.state = State.CANCELLED if row.state != State.BREACHED else State.BREACHED
        row.stopped_at = self.at
        row.paused_at = row.remaining_seconds = row.check_at = None
        self.touched.add(row.pk)

    def _end_pause(self) -> None:
        for pause in self.pauses:
            if pause.ends_at is None:
                pause.ends_at = self.at

    # --- writing --------------------------------------------------------------------------------------
    def save(self) -> None:
        """Write clocks and pauses, tell of breaches, and bring the ticket's own columns up to date (unsaved)."""
        made = {row.pk for row in self.made}
        SlaClock.objects.bulk_create(self.made)
        changed = [row for row in self.rows if row.pk in self.touched and row.pk not in made]
        if changed:
            SlaClock.objects.bulk_update(changed, _WRITTEN)
        for pause in self.pauses:
            if pause._state.adding:
                pause.save(force_insert=True)
            elif pause.ends_at == self.at:
                pause.save(update_fields=["ends_at", "updated_at"])
        face(self.ticket, self.rows)
        for row in self.broken:
            _tell_breach(self.ticket, row)
        self.made, self.broken = [], []
        self.touched.clear()


_WRITTEN: Final = [
    "policy", "edition", "target_seconds", "steps", "state", "due_at", "warn_at", "check_at", "paused_at",
    "remaining_seconds", "stopped_at", "elapsed_seconds", "breached_at",
]  # fmt: skip


def face(ticket: Any, rows: Iterable[SlaClock]) -> None:
    """`sla_state` of a ticket: `running`, `breached` (one that still runs is over its time), `paused`, `met`, `missed`
    (done, but late), or '' without clocks."""
    rows = [row for row in rows if row.state != State.CANCELLED]
    ticking = [row for row in rows if row.running and row.due_at is not None]
    nearest = min(ticking, key=lambda row: row.due_at or times.now(), default=None)
    ticket.sla_due_at = nearest.due_at if nearest else None
    ticket.sla_warn_at = nearest.warn_at if nearest else None
    ticket.sla_state = (
        ("breached" if any(row.state == State.BREACHED for row in ticking) else "running") if ticking
        else "paused" if any(row.running for row in rows)
        else "missed" if any(row.state == State.BREACHED for row in rows)
        else "met" if rows
        else ""
    )  # fmt: skip


def edition_of(policy: SlaPolicy) -> CalendarEdition | None:
    """The newest edition of a policy's calendar; None: around the clock."""
    if policy.calendar_id is None:
        return None
    return CalendarEdition.objects.filter(calendar=policy.calendar_id).order_by("-number").first()


def policies() -> list[SlaPolicy]:
    """Of the organisation in force, in the order in which they are tried."""
    return list(SlaPolicy.objects.filter(deleted_at=None).order_by("is_default", "order", "name", "id"))


def _target(policy: SlaPolicy, priority: str, kind: str) -> int | None:
    found: int | None = policy.targets.get(priority, {}).get(rules.TARGETS[Kind(kind)])
    return found


# --- the sweep --------------------------------------------------------------------------------------
def sweep(*, at: datetime | None = None, limit: int = AT_ONCE) -> int:
    """Carry out what has fallen due in all organisations; how many tickets. Several workers share the work (SKIP
    LOCKED), and a second run right after finds nothing. Runs in a platform scope."""
    at = at or times.now()
    due = SlaClock.objects.filter(check_at__lte=at).order_by("check_at", "id")
    pairs = dict.fromkeys(due.values_list("organization_id", "ticket_id")[: 3 * limit])
    done = 0
    for organization, ticket in list(pairs)[:limit]:
        try:
            with scope.tenant(organization, by=scope.actor()):
                done += _sweep_ticket(ticket, at)
        except Exception:  # one ticket that fails holds up no other
            logger.exception("the clocks of ticket %s could not be looked at", ticket)
    return done


def _sweep_ticket(id: UUID, at: datetime) -> bool:
    from portal.crm.tickets.models import Ticket

    ticket = Ticket.objects.select_for_update(no_key=True, skip_locked=True).filter(pk=id).first()
    if ticket is None:
        return False
    clocks = Clocks(ticket, at)
    late: list[tuple[SlaClock, dict[str, Any]]] = []
    for row in clocks.rows:
        if not row.running or row.check_at is None or row.check_at > at:
            continue
        for step in row.steps:
            moment = clocks.moment(row, step)
            if moment is None or moment > at or step["key"] in clocks.fired.get(row.pk, ()):
                continue
            mark = SlaStep(organization_id=ticket.organization_id, clock=row, key=step["key"], due_at=moment)
            if SlaStep.objects.bulk_create([mark], ignore_conflicts=True):
                clocks.fired.setdefault(row.pk, set()).add(step["key"])
                late.append((row, step))
    clocks.judge()
    clocks.save()
    ticket.save(update_fields=["sla_state", "sla_due_at", "sla_warn_at"])
    for row, step in late:
        _carry_out(ticket, row, step)
    return True


def _carry_out(ticket: Any, row: SlaClock, step: dict[str, Any]) -> None:
    if step["action"] != "notify":
        actions[step["action"]](ticket, step["to"])
        return
    told = {"number": ticket.number, "title": ticket.title}
    kind = "ticket.overdue" if step["percent"] == 100 else "ticket.at_risk"
    more = {} if step["percent"] == 100 else {"share": step["percent"]}
    recipients = [person.pk for person in people(step["to"], ticket)]
    notify(kind, recipients=recipients, data=told | more, subject=("ticket", ticket.pk))


def people(to: str, ticket: Any) -> list[User]:
    """`assignee`, `managers`, everybody with a role, or one person."""
    rows = User.objects.filter(organization_id=ticket.organization_id, is_active=True, deleted_at=None)
    if to == "assignee":
        return list(rows.filter(pk=ticket.assigned_to_id)) if ticket.assigned_to_id else []
    if to == "managers":
        return list(rows.filter(role__key__in=OFFICE))
    try:
        return list(rows.filter(pk=UUID(to)))
    except ValueError:
        return list(rows.filter(role__key=to))


def _tell_breach(ticket: Any, row: SlaClock) -> None:
    data = {"kind": row.kind, "dueAt": times.wire(row.due_at), "number": ticket.number}
    publish("sla.breach", entity="ticket", id=ticket.pk, data=data)
    told = {"number": ticket.number, "title": ticket.title}
    notify("ticket.overdue", recipients=[ticket.assigned_to_id], data=told, subject=("ticket", ticket.pk))


@transaction.atomic
def reapply(*, policy: SlaPolicy, tickets: Iterable[Any]) -> int:
    """Give these tickets, whose rows are locked, the targets and the calendar that the policy has now."""
    count = 0
    for ticket in tickets:
        clocks = Clocks(ticket, times.now())
        clocks.reselect(policy)
        clocks.save()
        ticket.policy = policy
        ticket.save(update_fields=["policy", "sla_state", "sla_due_at", "sla_warn_at"])
        count += 1
    return count
