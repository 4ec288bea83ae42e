"""Tickets over the API, as clients call them (specification 002; `contract-rooms.md` section 5)."""

import csv
import io
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from portal.core.accounts.models import Role, User
from portal.core.jobs.tasks import Running
from portal.core.tenancy.scope import platform, tenant
from portal.crm.customers.models import Customer
from portal.crm.sla.models import SlaClock
from portal.crm.tickets import exports, jobs
from portal.crm.tickets.choices import CHANGES
from portal.crm.tickets.models import Ticket

CLOCK = {
    "kind", "state", "targetSeconds", "startedAt", "dueAt", "pausedAt", "remainingSeconds", "stoppedAt",
    "elapsedSeconds", "breachedAt",
}  # fmt: skip


def customer_of(cast, name="Brewery Anfa", **fields):
    with tenant(cast.a.pk, by=cast.alice.user.actor()):
        return Customer.objects.create(organization=cast.a, company_name=name, **fields)


def make(person, **fields):
    answer = person.post("/tickets", {"title": "Leak at the well", **fields})
    assert answer.status_code == 201, answer.json()
    return answer.json()["data"]


def step(person, ticket, status, **fields):
    return person.patch(f"/tickets/{ticket['id']}/status", {"status": status, **fields})


def say(person, ticket, text="We are on it.", **fields):
    answer = person.post(f"/tickets/{ticket['id']}/comments", {"content": text, **fields})
    assert answer.status_code == 201, answer.json()
    return answer.json()["data"]


def clocks(person, ticket):
    found = person.get(f"/tickets/{ticket['id']}").json()["data"]["sla"]["clocks"]
    return {clock["kind"]: clock for clock in found}


def support(cast, name="salma", role="SupportAgent", permissions=None, department=""):
    """Another person of A, with a role of their own where `permissions` are given."""
    from portal.core.accounts import tokens
    from tests.api.conftest import Person

    with platform():
        held = Role.objects.filter(key=role, organization=None).first()
        if permissions is not None:
            held = Role.objects.create(organization=cast.a, key=name, name=name, permissions=permissions)
        user = User(email=f"{name}@example.test", username=name, name=name.title(), organization=cast.a, role=held)
        user.department = department
        user.set_password("secret1")
        user.save()
        return Person(user, {"Authorization": f"Bearer {tokens.issue(user)[0]}"})


@pytest.mark.covers("E002-040", "E002-041", "E002-042", "E002-043", "E002-044", "E002-045", "E002-046", "C93")
@pytest.mark.django_db
def test_a_ticket_from_its_creation_to_its_deletion(cast):
    """The specification's own example, and what the contract says of it."""
    customer, alice = customer_of(cast, email="qa@brewery.test"), cast.alice
    body = {
        "title": "System Login Issue",
        "description": "User unable to login to the system",
        "customerId": str(customer.pk),
        "priority": "high",
        "category": "technical",
        "assignedTo": str(alice.user.pk),
        "dueDate": "2099-01-15T00:00:00Z",
        "tags": ["login", "urgent", "Login"],
    }

    made = alice.post("/tickets", body)

    assert made.status_code == 201
    ticket = made.json()["data"]
    assert {name: ticket[name] for name in body if name != "tags"} == {n: v for n, v in body.items() if n != "tags"}
    assert (ticket["number"], ticket["status"], ticket["tags"]) == (1, "new", ["login", "urgent"])
    assert [tag["name"] for tag in ticket["tagObjects"]] == ["login", "urgent"]
    assert ticket["requesterEmail"] == "qa@brewery.test"
    assert set(ticket["sla"]["clocks"][0]) == CLOCK
    first, resolution = ticket["sla"]["clocks"]
    assert (first["kind"], first["targetSeconds"], resolution["kind"]) == ("first_response", 4 * 3600, "resolution")
    due = datetime.fromisoformat(first["dueAt"]) - datetime.fromisoformat(ticket["createdAt"])
    assert due == timedelta(hours=4)

    changed = alice.put(f"/tickets/{ticket['id']}", {"priority": "urgent", "version": ticket["version"]})
    assert changed.json()["data"]["sla"]["clocks"][0]["targetSeconds"] == 3600
    assert changed.json()["data"]["sla"]["clocks"][0]["startedAt"] == first["startedAt"]
    stale = alice.put(f"/tickets/{ticket['id']}", {"title": "x", "version": ticket["version"]})
    assert (stale.status_code, stale.json()["errors"][0]["code"]) == (409, "VERSION_CONFLICT")
    assert stale.json()["meta"]["current"]["priority"] == "urgent"

    for wrong, field in (
        ({"title": " "}, "title"),
        ({"title": "x", "priority": "purple"}, "priority"),
        ({"title": "x", "category": "nothing"}, "category"),
        ({"title": "x", "customerId": str(cast.a.pk)}, "customerId"),
        ({"title": "x", "assignedTo": str(cast.carol.user.pk)}, "assignedTo"),
        ({"title": "x", "dueDate": "soon"}, "dueDate"),
        ({"title": "x", "tags": "one"}, "tags"),
    ):
        answer = alice.post("/tickets", wrong)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field)

    make(alice, title="تسرب في بئر أولاد عبو", priority="low", tags=["بئر"])
    assert [row["number"] for row in alice.get("/tickets").json()["data"]] == [2, 1]
    for query, numbers in (
        ("search=اولاد%20عبوُ", [2]), ("search=brewery", [1]), ("priority=urgent", [1]), ("status=active", [2, 1]),
        ("tags=login&tags=urgent", [1]), ("tags=login&tags=بئر", []), ("category=technical", [1]),
        (f"customerId={customer.pk}", [1]), ("assignedTo=me", [1]), ("assignedTo=none", [2]), ("overdue=true", []),
        ("sla=overdue", []), ("number=2", [2]), ("sort=priority&order=desc", [1, 2]), ("dateTo=2020-01-01", []),
        ("dueFrom=2099-01-01&dueTo=2099-01-31", [1]), ("search=%231", [1]), ("status=closed", []),
    ):  # fmt: skip
        found = alice.get(f"/tickets?{query}").json()
        assert [row["number"] for row in found["data"]] == numbers, query
        assert found["meta"]["total"] == len(numbers)

    keys = {row["key"]: row for row in alice.get("/tickets/categories").json()["data"]}
    assert keys["technical"]["nameAr"] == "تقني"
    assert alice.get("/tickets/categories", Accept_Language="ar").json()["data"][0]["name"] == "تقني"
    [low, *_rest, urgent] = alice.get("/tickets/priorities").json()["data"]
    assert (low["key"], urgent["slaResponseMinutes"], urgent["slaResolutionMinutes"]) == ("low", 60, 480)

    other = alice.post("/customers", {"companyName": "x"})
    assert other.status_code in (201, 404)  # the customers' own address
    assert cast.mallory.get(f"/tickets/{ticket['id']}").status_code == 404
    assert cast.bob.get("/tickets").status_code == 403
    assert cast.carol.post("/tickets", {"title": "x"}).status_code == 403
    assert alice.delete(f"/tickets/{ticket['id']}").status_code == 200
    assert alice.delete(f"/tickets/{ticket['id']}").status_code == 404
    assert alice.get("/tickets/stats").json()["data"]["total"] == 1


@pytest.mark.covers("E002-048")
@pytest.mark.django_db
def test_every_illegal_transition_names_the_allowed_ones(cast):
    alice = cast.alice
    ways = {
        "new": [], "open": ["open"], "waiting_customer": ["waiting_customer"], "on_hold": ["on_hold"],
        "resolved": ["resolved"], "closed": ["resolved", "closed"], "spam": ["spam"],
    }  # fmt: skip
    for status, path in ways.items():
        ticket = make(alice)
        for to in path:
            assert step(alice, ticket, to, note="done", reason="part ordered").status_code == 200
        before = alice.get(f"/tickets/{ticket['id']}").json()["data"]
        for to in set(ways) - set(CHANGES[status]):
            refused = step(alice, ticket, to, note="n", reason="r")
            assert refused.status_code == 422, (status, to)
            assert refused.json()["errors"][0]["code"] == "ILLEGAL_TRANSITION"
            assert refused.json()["meta"]["allowed"] == list(CHANGES[status])
            assert all(word in refused.json()["message"] for word in CHANGES[status])
        wrong = next(to for to in ways if to not in (status, *CHANGES[status]))
        refused = alice.put(f"/tickets/{ticket['id']}", {"status": wrong, "note": "n", "title": "not this"})
        assert (refused.status_code, refused.json()["meta"]["allowed"]) == (422, list(CHANGES[status]))
        assert alice.get(f"/tickets/{ticket['id']}").json()["data"] == before
    ticket = make(alice)
    for status, field in (("resolved", "note"), ("on_hold", "reason"), ("nonsense", "status")):
        answer = step(alice, ticket, status)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field)
    salma = support(cast, permissions=["tickets.view", "tickets.work"])
    closed = make(alice)
    for to in ("resolved", "closed"):
        step(alice, closed, to, note="n")
    refused = step(salma, closed, "open")
    assert (refused.status_code, refused.json()["meta"]["allowed"]) == (422, [])


@pytest.mark.covers("E002-047", "E002-049", "E002-050", "E002-051", "E002-052", "C91")
@pytest.mark.django_db
def test_a_conversation_with_its_files_moves_status_and_clocks(cast):
    alice, salma = cast.alice, support(cast)
    ticket = make(alice, requesterName="Hamid", requesterEmail="hamid@client.test", priority="high")
    path = f"/tickets/{ticket['id']}"

    assigned = alice.patch(f"/tickets/assignments/{ticket['id']}", {"assignedTo": str(salma.user.pk)})
    assert assigned.json()["data"]["assignedToName"] == "Salma"
    assert alice.patch(f"/tickets/assignments/{ticket['id']}", {"assignedTo": str(cast.bob.user.pk)}).status_code == 400
    say(salma, ticket, "@alice please look", isInternal=True)
    say(salma, ticket, "We got your mail.", automatic=True)
    assert clocks(alice, ticket)["first_response"]["state"] == "running"
    answer = say(salma, ticket)
    assert alice.get(path).json()["data"]["status"] == "open"
    assert clocks(alice, ticket)["first_response"]["state"] == "met"
    assert "next_response" not in clocks(alice, ticket)

    assert step(salma, ticket, "waiting_customer").status_code == 200
    held = clocks(alice, ticket)["resolution"]
    assert (held["state"], held["dueAt"]) == ("paused", None)
    assert 86_390 <= held["remainingSeconds"] <= 86_400
    said = say(salma, ticket, "Here it is.", fromCustomer=True)
    assert (said["userId"], said["userName"]) == (None, "Hamid")
    now = clocks(alice, ticket)
    assert (now["resolution"]["state"], now["next_response"]["state"]) == ("running", "running")
    assert alice.get(path).json()["data"]["status"] == "open"
    say(salma, ticket, "Thank you.")
    assert clocks(alice, ticket)["next_response"]["state"] == "met"
    step(salma, ticket, "resolved", note="Valve changed.")
    say(salma, ticket, "It leaks again!", fromCustomer=True)
    again = alice.get(path).json()["data"]
    assert (again["status"], again["reopenCount"], again["resolvedAt"]) == ("open", 1, None)

    seen = alice.get(f"{path}/comments").json()["data"]
    assert [row["isInternal"] for row in seen] == [True, False, False, False, False, False]
    assert seen[0]["mentions"] == [str(alice.user.pk)]
    assert all(not row["isInternal"] for row in cast.carol.get(f"{path}/comments").json()["data"])
    other = alice.patch(f"{path}/comments/{answer['id']}", {"content": "mine?"})
    assert other.status_code == 403
    edited = salma.patch(f"{path}/comments/{answer['id']}", {"content": "We are on it now."}).json()["data"]
    assert (edited["content"], edited["editedAt"]) == ("We are on it now.", None)  # within ten minutes
    assert salma.delete(f"{path}/comments/{answer['id']}").status_code == 200
    assert len(alice.get(f"{path}/comments").json()["data"]) == 5

    def attach(person, **fields):
        file = SimpleUploadedFile("photo.txt", b"valve no. 7", "text/plain")
        return Client().post(f"/api/v1{path}/attachments", {"file": file, **fields}, headers=person.headers)

    made = attach(salma)
    assert made.status_code == 201, made.json()
    file = made.json()["data"]
    assert (file["filename"], file["size"], file["contentType"]) == ("photo.txt", 11, "text/plain")
    hidden = attach(salma, isInternal="true").json()["data"]
    assert [row["id"] for row in cast.carol.get(f"{path}/attachments").json()["data"]] == [file["id"]]
    assert cast.carol.get(f"/files/metadata/{file['fileId']}").status_code == 200
    assert cast.carol.get(f"/files/metadata/{hidden['fileId']}").status_code in (403, 404)
    assert attach(cast.carol).status_code == 403
    assert salma.delete(f"{path}/attachments/{file['id']}").status_code == 200
    assert salma.delete(f"{path}/attachments/{file['id']}").status_code == 404
    left = alice.get(f"{path}/attachments").json()["data"]
    assert [(row["filename"], row["deletedAt"] is None) for row in left] == [("photo.txt", False), ("photo.txt", True)]


@pytest.mark.django_db
def test_merging_moves_everything_and_old_closed_tickets_get_a_successor(cast):
    alice = cast.alice
    target = make(alice, requesterEmail="a@client.test")
    source = make(alice, title="Leak, again", requesterName="Bachir", requesterEmail="b@client.test")
    say(alice, source, "from the source")

    merged = alice.post(f"/tickets/{target['id']}/merge", {"sources": [source["id"]]})

    assert merged.status_code == 200, merged.json()
    assert merged.json()["data"]["cc"] == [{"name": "Bachir", "email": "b@client.test"}]
    texts = [row["content"] for row in alice.get(f"/tickets/{target['id']}/comments").json()["data"]]
    assert texts == ["from the source"]
    gone = alice.get(f"/tickets/{source['id']}").json()["data"]
    assert (gone["status"], gone["mergedInto"], gone["sla"]["clocks"][1:]) == ("closed", target["id"], [])
    assert alice.post(f"/tickets/{target['id']}/merge", {"sources": [source["id"]]}).status_code == 422
    assert alice.post(f"/tickets/{target['id']}/merge", {"sources": [target["id"]]}).status_code == 400
    assert step(alice, source, "open").json()["meta"]["allowed"] == []
    assert alice.get("/tickets/stats").json()["data"]["total"] == 1

    for to in ("resolved", "closed"):
        step(alice, target, to, note="done")
    assert say(alice, target, "once more", fromCustomer=True)["ticketId"] == target["id"]
    for to in ("resolved", "closed"):
        step(alice, target, to, note="done")
    with tenant(cast.a.pk, by=alice.user.actor()):
        old = datetime.now(UTC) - timedelta(days=15)
        Ticket.objects.filter(pk=target["id"]).update(closed_at=old, resolved_at=old)
    assert step(alice, target, "open").status_code == 422
    new = say(alice, target, "and again", fromCustomer=True)["ticketId"]
    follower = alice.get(f"/tickets/{new}").json()["data"]
    assert (follower["followsId"], follower["status"], follower["title"]) == (target["id"], "new", target["title"])
    assert alice.get(f"/tickets/{target['id']}").json()["data"]["status"] == "closed"


@pytest.mark.covers("E002-053", "E002-054", "E002-055", "E002-056", "E002-057", "002-CRM-02")
@pytest.mark.django_db
def test_bulk_changes_figures_and_export_agree(cast, monkeypatch):
    alice, salma = cast.alice, support(cast)
    tickets = [make(alice, priority=priority, category="billing") for priority in ("low", "normal", "high", "urgent")]
    step(alice, tickets[3], "resolved", note="done")
    ids = [row["id"] for row in tickets]

    answer = alice.post(
        "/tickets/bulk-update",
        {"ids": [*ids, str(cast.b.pk), "nonsense"], "changes": {"status": "spam", "tags": ["x"], "tagsMode": "add"}},
    ).json()["data"]

    assert (answer["succeeded"], answer["failed"]) == (3, 3)
    codes = [row["error"] and row["error"]["code"] for row in answer["results"]]
    assert codes == [None, None, None, "ILLEGAL_TRANSITION", "RESOURCE_NOT_FOUND", "RESOURCE_NOT_FOUND"]
    assert alice.get(f"/tickets/{ids[3]}").json()["data"]["tags"] == []  # a refused one changes nothing
    back = {"ids": ids[:3], "changes": {"status": "new", "assignedTo": str(salma.user.pk)}}
    assert alice.post("/tickets/bulk-update", back).json()["data"]["succeeded"] == 3
    assert clocks(alice, tickets[0])["resolution"]["state"] == "running"
    assert alice.post("/tickets/bulk-update", {"ids": ids * 51, "changes": {"priority": "low"}}).status_code == 413
    assert alice.post("/tickets/bulk-update", {"ids": ids, "changes": {"title": "x"}}).status_code == 400

    stats = alice.get("/tickets/stats").json()["data"]
    assert (stats["total"], stats["open"], stats["resolved"], stats["unassigned"]) == (4, 3, 1, 0)
    assert stats["byPriority"] == {"low": 1, "normal": 1, "high": 1, "urgent": 1}
    assert (stats["byStatus"]["new"], stats["byCategory"], stats["avgResolutionTime"]) == (3, {"billing": 4}, 0.0)
    assert stats["byAgent"] == [{"userId": str(salma.user.pk), "name": "Salma", "open": 3}]
    assert alice.get("/tickets/stats?priority=low").json()["data"]["total"] == 1

    trends = alice.get("/tickets/analytics").json()["data"]
    assert (trends["created"], trends["resolved"], len(trends["createdByDay"])) == (4, 1, 31)
    assert sum(cell["count"] for cell in trends["heatMap"]) == 4
    metrics = alice.get("/tickets/sla-metrics?groupBy=category").json()["data"]
    assert metrics["resolution"]["met"] == 1
    assert (metrics["resolutionCompliance"], metrics["responseCompliance"]) == (100.0, None)
    assert metrics["groups"][0]["key"] == "billing"
    with tenant(cast.a.pk, by=alice.user.actor()):
        SlaClock.objects.filter(ticket=ids[0]).update(due_at=datetime.now(UTC) - timedelta(hours=1))
        Ticket.objects.filter(pk=ids[0]).update(sla_due_at=datetime.now(UTC) - timedelta(hours=1))
    metrics = alice.get("/tickets/sla-metrics").json()["data"]
    assert (metrics["overdue"], metrics["breached"], metrics["worst"][0]["id"]) == (1, 2, ids[0])
    assert metrics["resolutionCompliance"] == 50.0

    rows = list(csv.DictReader(io.StringIO(b"".join(alice.get("/tickets/export?priority=low")).decode("utf-8-sig"))))
    assert [(row["number"], row["priority"], row["category"]) for row in rows] == [("1", "low", "billing")]
    assert cast.carol.get("/tickets/export").status_code == 403
    monkeypatch.setattr(exports, "AT_ONCE", 0)
    later = alice.get("/tickets/export?priority=low&format=json&dateFrom=2026-01-01")
    assert (later.status_code, later.json()["data"]["kind"]) == (202, "crm.ticket_export")
    with tenant(cast.a.pk, by=alice.user.actor()):
        running = Running(UUID(later.json()["data"]["jobId"]), cast.a.pk, alice.user.actor())
        kept = jobs.ticket_export(
            running, kind="json", filters={"priorities": ["low"], "since": "2026-01-01T00:00:00Z"}
        )
    assert (kept["rows"], kept["filename"]) == (1, "tickets.json")
    own = support(cast, "own", permissions=["tickets.view:own", "tickets.work:own"])
    assert own.get("/tickets").json()["data"] == []
    mine = make(own)
    assert [row["id"] for row in own.get("/tickets").json()["data"]] == [mine["id"]]
    assert own.get("/tickets/stats").json()["data"]["total"] == 1
    assert own.get(f"/tickets/{ids[0]}").status_code == 404
    half = support(cast, "half", permissions=["tickets.view", "tickets.work:own"])
    assert half.patch(f"/tickets/{ids[0]}", {"title": "x"}).status_code == 403


@pytest.mark.django_db
def test_calendars_policies_and_applying_them_anew(cast):
    alice = cast.alice
    week = {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}
    body = {"name": "Casablanca", "timeZone": "Africa/Casablanca", "week": week, "holidays": [], "seasons": []}
    made = alice.post("/tickets/sla-calendars", body)
    assert made.status_code == 201, made.json()
    calendar = made.json()["data"]
    path = f"/tickets/sla-calendars/{calendar['id']}"

    due = alice.post(f"{path}/deadline", {"start": "2026-02-13T15:00:00Z", "targetSeconds": 57_600, "pauses": []})
    assert due.json()["data"] == {"deadline": "2026-02-17T16:00:00Z"}  # over the change of 15 February
    span = {"start": "2026-02-13T15:00:00Z", "end": "2026-02-17T16:00:00Z", "pauses": []}
    assert alice.post(f"{path}/elapsed", span).json()["data"] == {"seconds": 57_600}
    assert alice.post(f"{path}/deadline", {"start": "2026-02-13T15:00", "targetSeconds": 1}).status_code == 400
    for wrong, field in (
        ({"week": {"mon": [["09:00", "17:00"], ["16:00", "18:00"]]}}, "week.mon"),
        ({"week": {}}, "week"),
        ({"timeZone": "Mars/Olympus"}, "timeZone"),
        ({"seasons": [{"from": "2026-03-01", "to": "2026-02-01", "week": week}]}, "seasons.0.from"),
        ({"holidays": [{"date": "tomorrow"}]}, "holidays.0.date"),
    ):
        answer = alice.put(path, wrong)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field)
    filled = alice.post(f"{path}/holidays", {"country": "MA"}).json()["data"]
    assert any(entry["estimated"] for entry in filled["holidays"])
    assert all("تقديري" not in entry["name"] for entry in filled["holidays"])

    ticket = make(alice, priority="high")
    before = alice.get(f"/tickets/{ticket['id']}").json()["data"]["sla"]
    [policy] = alice.get("/tickets/sla-policies").json()["data"]
    targets = policy["targets"] | {"high": {"firstResponseSeconds": 60, "resolutionSeconds": 120}}
    edited = alice.put(f"/tickets/sla-policies/{policy['id']}", {"targets": targets, "calendarId": calendar["id"]})
    assert edited.status_code == 200, edited.json()
    assert (
        alice.get(f"/tickets/{ticket['id']}").json()["data"]["sla"] == before
    )  # a policy edit moves no running ticket
    new = make(alice, priority="high")
    assert (new["sla"]["calendarId"], new["sla"]["clocks"][0]["targetSeconds"]) == (calendar["id"], 60)
    assert alice.put(path, {"holidays": []}).json()["data"]["version"] == 3
    reapply = f"/tickets/sla-policies/{policy['id']}/reapply"
    preview = alice.post(reapply, {"dryRun": True}).json()["data"]
    assert (preview["tickets"], preview["clocks"]) == (2, 4)
    assert alice.get(f"/tickets/{ticket['id']}").json()["data"]["sla"] == before
    assert alice.post(reapply, {}).json()["data"] == {"tickets": 2}
    after = alice.get(f"/tickets/{ticket['id']}").json()["data"]["sla"]
    assert (after["clocks"][0]["targetSeconds"], after["calendarId"]) == (60, calendar["id"])
    assert after["clocks"][0]["startedAt"] == before["clocks"][0]["startedAt"]

    gold = alice.post(
        "/tickets/sla-policies",
        {"name": "Phone", "order": 1, "match": {"channels": ["phone"], "categories": ["billing"]}, "targets": targets},
    ).json()["data"]
    assert make(alice, channel="phone", category="billing")["sla"]["policyId"] == gold["id"]
    assert make(alice, channel="phone")["sla"]["policyId"] == policy["id"]
    child = alice.post("/tickets/categories", {"key": "invoices", "name": "Invoices", "nameAr": "فواتير"}).json()[
        "data"
    ]
    billing = next(r for r in alice.get("/tickets/categories").json()["data"] if r["key"] == "billing")
    alice.patch(f"/tickets/categories/{billing['id']}", {"defaultAssignee": str(alice.user.pk)})
    moved = alice.patch(f"/tickets/categories/{child['id']}", {"parentId": billing["id"]})
    assert moved.json()["data"]["parentId"] == billing["id"]
    below = make(alice, channel="phone", category="invoices")
    assert (below["sla"]["policyId"], below["assignedTo"]) == (gold["id"], str(alice.user.pk))
    assert alice.patch(f"/tickets/categories/{billing['id']}", {"parentId": child["id"]}).status_code == 400
    assert alice.delete(f"/tickets/categories/{child['id']}").status_code == 409
    assert alice.delete(f"/tickets/sla-policies/{policy['id']}").status_code == 409
    assert alice.delete(f"/tickets/sla-policies/{gold['id']}").status_code == 200
    assert alice.delete(path).status_code == 409
    assert cast.carol.post("/tickets/sla-policies", {"name": "x"}).status_code == 403
    assert cast.mallory.get(path).status_code == 404
