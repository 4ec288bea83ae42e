"""Clocks on tickets under the sweep, escalation, the laboratory's bridge, and the pages."""

from collections import Counter
from datetime import timedelta

import pytest
from django.test import Client

from portal.core.common import clock as times
from portal.core.notifications.models import Event
from portal.core.tenancy.models import Organization
from portal.core.tenancy.scope import platform, tenant
from portal.crm.customers.models import Customer, CustomerLink
from portal.crm.sla import calendars
from portal.crm.sla import services as sla
from portal.crm.sla.models import Kind, SlaClock, SlaPolicy, SlaStep, State
from portal.crm.tickets import access, demo, figures, seeding, services
from portal.crm.tickets.choices import OPEN, TicketPriority, TicketStatus
from portal.crm.tickets.models import Ticket
from portal.desk.bridges import exceedances
from portal.lab import hooks
from portal.lab.models import Sample, SamplingPoint
from tests.core.people import Cast, session_of

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def cast():
    return Cast()


def ticket(by, **data):
    return services.ticket_create(data={"title": "Leak", "priority": "urgent", **data}, by=by)


def move(row, hours):
    """Let a ticket have begun earlier."""
    ago = timedelta(hours=hours)
    Ticket.objects.filter(pk=row.pk).update(created_at=row.created_at - ago)
    for one in SlaClock.objects.filter(ticket=row):
        for name in ("started_at", "due_at", "warn_at", "check_at"):
            value = getattr(one, name)
            setattr(one, name, value and value - ago)
        one.save()
    return Ticket.objects.get(pk=row.pk)


def clocks(row):
    return {one.kind: one for one in SlaClock.objects.filter(ticket=row)}


@pytest.mark.covers("E002-057")
def test_an_outage_of_the_worker_hides_no_breach(cast):
    with tenant(cast.a.pk, by=cast.alice.actor()):
        row = move(ticket(cast.alice), 3)  # a reply was owed two hours ago, and nobody looked
        due = clocks(row)[Kind.FIRST_RESPONSE].due_at
        services.comment_add(ticket=row.pk, content="Sorry for the delay.", by=cast.alice)
        late = clocks(row)[Kind.FIRST_RESPONSE]
        assert (late.state, late.breached_at) == (State.BREACHED, due)
        assert late.stopped_at is not None
        assert 3 * 3600 <= late.elapsed_seconds < 3 * 3600 + 60

        row = move(ticket(cast.alice), 9)  # the resolution, too, was due before the ticket is paused
        services.ticket_status(id=row.pk, data={"status": "on_hold", "reason": "part"}, by=cast.alice)
        assert clocks(row)[Kind.RESOLUTION].state == State.BREACHED
        row = ticket(cast.alice)
        services.ticket_status(id=row.pk, data={"status": "waiting_customer"}, by=cast.alice)
        held = clocks(row)[Kind.RESOLUTION]
        assert (held.state, held.due_at, held.check_at) == (State.PAUSED, None, None)
        assert Event.objects.filter(type="sla.breach").count() == 2


def test_the_sweep_breaches_at_the_due_moment_and_does_each_step_once(cast):
    with tenant(cast.a.pk, by=cast.alice.actor()):
        first = ticket(cast.alice)
        policy = SlaPolicy.objects.get()
        steps = [
            {"percent": 50, "action": "raise_priority"},
            {"percent": 100, "action": "notify", "to": "managers"},
            {"percent": 100, "afterMinutes": 30, "action": "reassign", "to": str(cast.alice.pk)},
            {"percent": 100, "afterMinutes": 30, "action": "tag", "to": "late"},
        ]
        calendars.policy_save(data={"escalations": steps}, by=cast.alice, policy=policy)
        row = move(ticket(cast.alice, priority="normal", assignedTo=None), 8.25)
        near = move(ticket(cast.alice, priority="high"), 2.5)
        due = clocks(row)[Kind.FIRST_RESPONSE].due_at
    with platform():
        runs = [sla.sweep() for _n in range(4)]
        assert runs == [2, 2, 0, 0]  # the second one for the shorter targets of the raised priorities
    with tenant(cast.a.pk, by=cast.alice.actor()):
        late = clocks(row)[Kind.FIRST_RESPONSE]
        assert (late.state, late.breached_at, late.stopped_at) == (State.BREACHED, due, None)
        row, near, first = (Ticket.objects.get(pk=one.pk) for one in (row, near, first))
        assert (row.priority, near.priority, first.priority) == ("high", "urgent", "urgent")  # raised once each
        assert (row.sla_state, row.assigned_to_id, row.tags) == ("breached", cast.alice.pk, ["late"])
        assert clocks(near)[Kind.FIRST_RESPONSE].target_seconds == 3600  # the target of its new priority
        keys = SlaStep.objects.filter(clock__ticket=row).values_list("clock", "key")
        assert len(keys) == len(set(keys))


def test_reopening_makes_a_pause_of_the_resolved_time_and_resolved_tickets_close(cast):
    with tenant(cast.a.pk, by=cast.alice.actor()):
        row = move(ticket(cast.alice), 6)
        services.ticket_status(id=row.pk, data={"status": "resolved", "note": "done"}, by=cast.alice)
        Ticket.objects.filter(pk=row.pk).update(resolved_at=times.now() - 4 * HOUR)
        services.ticket_status(id=row.pk, data={"status": "open"}, by=cast.alice)
        again = clocks(row)[Kind.RESOLUTION]
        assert (again.state, again.stopped_at) == (State.RUNNING, None)
        left = again.due_at - times.now()
        assert timedelta(hours=5, minutes=59) < left <= 6 * HOUR  # 8 hours, 2 of them used

        services.ticket_status(id=row.pk, data={"status": "resolved", "note": "done"}, by=cast.alice)
        assert services.close_resolved() == 0
        Ticket.objects.filter(pk=row.pk).update(resolved_at=times.now() - timedelta(days=8))
        assert services.close_resolved() == 1
        assert Ticket.objects.get(pk=row.pk).status == TicketStatus.CLOSED


def test_a_failed_sample_opens_one_ticket_for_the_customer_of_its_point(cast):
    with tenant(cast.a.pk, by=cast.alice.actor()):
        customer = Customer.objects.create(organization=cast.a, company_name="Commune")
        point = SamplingPoint.objects.create(organization=cast.a, code="P1", name="Tap")
        CustomerLink.objects.create(organization=cast.a, customer=customer, kind="sampling_point", target_id=point.pk)
        sample = Sample.objects.create(
            organization=cast.a,
            code="S-1",
            type="drinking_water",
            collection_date=times.now(),
            sampling_point=point,
            compliance_status="fail",
        )
        told = []
        hooks.on_fail(told.append)
        hooks.tell_fail([sample.pk])
        hooks._on_fail.remove(told.append)
        assert told == [[sample.pk]]

        assert exceedances.tickets_open(samples=[sample.pk]) == 1
        assert exceedances.tickets_open(samples=[sample.pk]) == 0
        row = Ticket.objects.get()
        assert (row.customer, row.origin, row.channel) == (customer, f"sample:{sample.pk}", "laboratory")


@pytest.fixture
def desk(cast, monkeypatch):
    """A signed-in browser of an administrator whose organisation has the demo's tickets."""
    monkeypatch.setattr(demo, "COUNT", 60)
    with tenant(cast.a.pk, by=cast.alice.actor()):
        Customer.objects.create(organization=cast.a, company_name="Brasserie de l’Atlas")
        seeding.seed_organization(cast.a.pk)
        demo.fill()
    client = Client()
    client.cookies["sessionid"] = session_of(cast.alice)
    return client


def by_hand(now):
    """What the figures must say, from every ticket and every clock one by one."""
    every = list(Ticket.objects.filter(deleted_at=None).select_related("category"))
    rows = [row for row in every if row.merged_into_id is None and row.status != "spam"]
    opened = [row for row in rows if row.status in OPEN]
    kept = [c for c in SlaClock.objects.select_related("ticket") if c.ticket in rows and c.state != State.CANCELLED]

    def broken(one):
        return one.state == State.BREACHED or (one.state == State.RUNNING and one.due_at and one.due_at < now)

    def counts(found):
        return sum(one.state == State.MET for one in found), sum(map(bool, map(broken, found)))

    stats = {
        "total": len(rows), "open": len(opened), "resolved": len(rows) - len(opened),
        "unassigned": sum(row.assigned_to_id is None for row in opened),
        "overdue": sum(row.sla_due_at is not None and row.sla_due_at < now for row in rows),
        "byStatus": dict.fromkeys(TicketStatus.values, 0) | Counter(row.status for row in every),
        "byCategory": dict(Counter(row.category.key if row.category else "none" for row in rows)),
        "byAgent": dict(Counter(row.assigned_to_id for row in opened)),
        "backlogAge": sum((now - row.created_at) < timedelta(days=7) for row in opened),
    }  # fmt: skip
    kinds = {kind: counts([one for one in kept if one.kind == kind]) for kind in Kind.values}
    groups = {
        key: counts([one for one in kept if one.ticket.priority == key and one.kind != Kind.NEXT_RESPONSE])
        for key in TicketPriority.values
    }
    return stats, kinds, groups


def test_the_pages_of_tickets(cast, desk):
    with tenant(cast.a.pk, by=cast.alice.actor()):
        stats, kinds, groups = by_hand(times.now())
        seen = access.tickets_seen(cast.alice)
        told = figures.stats(seen)
        ages = [told["backlogAge"][name] for name in ("under1d", "1to3d", "3to7d")]
        agents = {row["userId"]: row["open"] for row in told["byAgent"]}
        assert {**{name: told[name] for name in stats}, "byAgent": agents, "backlogAge": sum(ages)} == stats
        said = figures.metrics(seen, since=None, until=None, group="priority")
        names = {"first_response": "firstResponse", "next_response": "nextResponse", "resolution": "resolution"}
        assert {k: (said[n]["met"], said[n]["breached"]) for k, n in names.items()} == kinds
        assert {row["key"]: (row["met"], row["breached"]) for row in said["groups"]} == {
            key: pair for key, pair in groups.items() if any(pair) or key in {row["key"] for row in said["groups"]}
        }
        assert {row["priority"]: (row["met"], row["breached"]) for row in said["byPriority"]} == groups
        states = set(SlaClock.objects.values_list("state", flat=True))
        assert states == set(State.values)
        row = Ticket.objects.filter(status="open").order_by("number").first()
        closed = Ticket.objects.filter(status="closed").first()
        calendar, policy = calendars.calendar_list().get(), SlaPolicy.objects.get(is_default=True)
        customer = Customer.objects.get()
    base = f"/tickets/{row.pk}"
    for path in (
        "/tickets", "/tickets?show=all&sla=missed", "/tickets?q=شبكه", "/tickets/board", "/tickets/sla?group=agent",
        "/tickets/new", base, f"{base}/edit", f"{base}/history", f"{base}/delete", f"/tickets/{closed.pk}",
        "/crm/settings/tickets", "/crm/settings/tickets/categories/new", "/crm/settings/calendars",
        f"/crm/settings/calendars/{calendar.pk}?start=2026-11-20T16:00&hours=4", "/crm/settings/calendars/new",
        "/crm/settings/policies", "/crm/settings/policies/new", f"/crm/settings/policies/{policy.pk}",
        f"/crm/settings/policies/{policy.pk}/reapply", f"/customers/{customer.pk}/tickets?q=bottle",
    ):  # fmt: skip
        answer = desk.get(path)
        assert answer.status_code == 200, path
    file = desk.get("/tickets/export.csv?show=all")
    assert len(b"".join(file.streaming_content).splitlines()) == 61
    assert "data-sla-due" in desk.get("/tickets").content.decode()

    desk.post(f"{base}/reply", {"kind": "internal", "content": "only for us"})
    desk.post(f"{base}/assign", {"assigned_to": str(cast.alice.pk)})
    desk.post(f"{base}/status", {"status": "resolved", "note": "Valve changed."})
    answer = desk.post("/tickets/bulk", {"ids": [str(row.pk), str(closed.pk)], "status": "closed"})
    assert answer.status_code == 200
    moved = desk.post(f"/tickets/{closed.pk}/move", {"status": "resolved"})
    assert moved.status_code == 302
    with tenant(cast.a.pk, by=cast.alice.actor()):
        row = Ticket.objects.get(pk=row.pk)
        assert (row.status, row.assigned_to_id, row.comments.filter(is_internal=True).exists()) == (
            "closed", cast.alice.pk, True,
        )  # fmt: skip

    week = dict.fromkeys(("tue", "wed", "thu", "fri", "sat", "sun"), "")
    seasons = {f"season_{n}_{name}": "" for n in range(4) for name in ("name", "from", "to", "hours")}
    body = {"name": "Night", "time_zone": "Asia/Aden", "mon": "٢٢:٠٠-24:00, 00:00–6:30", **week, **seasons}
    assert desk.post("/crm/settings/calendars/new", body).status_code == 302
    broken = desk.post("/crm/settings/calendars/new", body | {"mon": "8 to 5"})
    assert broken.status_code == 422
    with tenant(cast.a.pk, by=cast.alice.actor()):
        night = calendars.calendar_list().get(name="Night")
        assert night.week == {"mon": [["00:00", "06:30"], ["22:00", "24:00"]]}
    holiday = {"date": "2027-01-11", "name": "وثيقة الاستقلال", "recurring": "1"}
    desk.post(f"/crm/settings/calendars/{night.pk}/holidays", holiday)
    desk.post(f"/crm/settings/calendars/{night.pk}/holidays", {"country": "YE"})
    rules = {"close_days": "3", "exceedance": "on"}
    desk.post("/crm/settings/tickets/rules", rules)
    with tenant(cast.a.pk, by=cast.alice.actor()):
        held = calendars.calendar_get(id=night.pk).holidays
        assert {"2027-01-11"} < {entry["date"] for entry in held}
        settings = Organization.objects.get(pk=cast.a.pk).settings
        assert (settings["ticketCloseDays"], settings["ticketOnExceedance"]) == (3, True)

    viewer = Client()
    viewer.cookies["sessionid"] = session_of(cast.carol)
    assert "only for us" not in viewer.get(base).content.decode()
    assert viewer.post(f"{base}/reply", {"kind": "public", "content": "x"}).status_code == 403
