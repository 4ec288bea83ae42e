"""What each person did in the period, and what lies with them now."""

from typing import Any
from uuid import UUID

from django.db.models import Avg, Count, Q, Sum

from portal.core.accounts.models import User
from portal.core.common import clock
from portal.crm.sales.choices import Kind
from portal.crm.sales.figures import leaderboard, rate
from portal.crm.sla.models import Kind as Clock
from portal.crm.sla.models import SlaClock, State
from portal.crm.tickets.choices import OPEN
from portal.crm.tickets.figures import broken
from portal.desk.figures.kept import kept
from portal.desk.figures.metrics import COUNTED, ZERO, hours
from portal.desk.figures.question import Question

_NOTHING: dict[str, Any] = {
    "dealsWon": 0, "dealsLost": 0, "wonValue": ZERO, "winRate": None, "activities": 0, "openDeals": 0,
    "pipeline": ZERO, "ticketsResolved": 0, "openTickets": 0, "firstResponseHours": None, "slaCompliance": None,
    "slaMet": 0, "slaBreached": 0,
}  # fmt: skip
"""Of one person; the shape of a line."""


def team(q: Question) -> list[dict[str, Any]]:
    """The people with figures, most value won first. Whoever had a deal when it was closed has the credit; promises are
    those of tickets that were created in the period. Only the people of the reader's scope are told."""
    found = kept(q, "team", ["sales", "tickets"], lambda: _team(q), timed=True)
    people = User.objects.filter(pk__in=found)
    if q.scope == "own":
        people = people.filter(pk=q.reader.pk)
    elif q.scope == "team":
        people = people.filter(Q(pk=q.reader.pk) | Q(department=q.reader.department) & ~Q(department=""))
    if q.assignee:
        people = people.filter(pk=q.assignee)
    lines = [
        {"userId": pk, "name": name, "department": department, **found[pk]}
        for pk, name, department in people.order_by().values_list("pk", "name", "department")
    ]
    return sorted(
        lines, key=lambda line: (-line["wonValue"], -line["ticketsResolved"], line["name"], str(line["userId"]))
    )


def _team(q: Question) -> dict[UUID, dict[str, Any]]:
    lines: dict[UUID, dict[str, Any]] = {}

    def line(user: UUID) -> dict[str, Any]:
        return lines.setdefault(user, dict(_NOTHING))

    if q.may("sales"):
        for place in leaderboard(q.deals(), first=q.first, last=q.last, zone=q.zone):
            line(place.user).update(
                dealsWon=place.won,
                dealsLost=place.lost,
                wonValue=place.value,
                winRate=place.win_rate,
                activities=place.activities,
            )
        open_deals = q.deals().filter(status=Kind.OPEN).exclude(assigned_to=None).values_list("assigned_to")
        for user, count, value in open_deals.annotate(n=Count("pk"), value=Sum("base_value")):
            line(user).update(openDeals=count, pipeline=value)
    if q.may("tickets"):
        rows = q.tickets().filter(COUNTED).exclude(assigned_to=None)
        done = Count("pk", filter=q.within("resolved_at", q.first, q.last))
        for user, resolved, waiting in rows.values_list("assigned_to").annotate(
            done=done, n=Count("pk", filter=Q(status__in=OPEN))
        ):
            if resolved or waiting:
                line(user).update(ticketsResolved=resolved, openTickets=waiting)
        made = rows.filter(q.within("created_at", q.first, q.last))
        clocks = SlaClock.objects.filter(ticket__in=made.values("pk")).exclude(state=State.CANCELLED).order_by()
        for user, mean, met, breached in clocks.values_list("ticket__assigned_to").annotate(
            mean=Avg("elapsed_seconds", filter=Q(kind=Clock.FIRST_RESPONSE)),
            met=Count("pk", filter=Q(state=State.MET)),
            breached=Count("pk", filter=broken(clock.now())),
        ):
            if mean is not None or met or breached:
                line(user).update(
                    firstResponseHours=None if mean is None else hours(mean),
                    slaMet=met,
                    slaBreached=breached,
                    slaCompliance=rate(met, met + breached),
                )
    return lines
