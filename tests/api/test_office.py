"""What the parts of the office share: status machines, merges, promises by contract, and who is told of what."""

from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from portal.core.common import clock
from portal.core.notifications.models import Copy
from portal.core.tenancy import seeds
from portal.core.tenancy.scope import platform, tenant
from portal.crm.contracts import renewals
from portal.crm.contracts.models import Contract
from portal.crm.customers.choices import STATUS_CHANGES
from portal.crm.customers.models import Customer
from portal.crm.sales.services import deal_create
from portal.crm.sla import services as sla
from portal.crm.sla.models import SlaClock
from portal.crm.tickets.models import Ticket
from tests.api.conftest import Cast, Person
from tests.api.test_customers import customer, data, refused
from tests.api.test_sales import made, person

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast(cast: Cast) -> Cast:
    seeds.run()
    return cast


def contract(by: Person, whose: str, **more: Any) -> dict[str, Any]:
    today = timezone.localdate()
    body = {"title": "Support", "customerId": whose, "type": "support", "value": 1200, "status": "active"}
    days = {"startDate": str(today - timedelta(days=300)), "endDate": str(today + timedelta(days=25))}
    return dict(data(by.post("/contracts", body | days | more), 201))


def times_told(who: Person) -> int:
    """Equal events of a short while share a message."""
    with platform():
        return sum(Copy.objects.filter(user=who.user).values_list("count", flat=True))


def told(who: Person) -> list[str]:
    """Titles of what a person was told, the oldest first."""
    with platform():
        rows = Copy.objects.filter(user=who.user).order_by("created_at", "id")
        return [row.title for row in rows]


@pytest.mark.covers("E002-010", "E002-029")
def test_every_illegal_change_of_a_customer_or_a_deal_names_the_legal_ones(cast: Cast) -> None:
    """All pairs of both machines; those of tickets and contracts are tried in their own files."""
    for state, legal in STATUS_CHANGES.items():
        row = customer(cast.alice, companyName=f"Firm {state}")
        with tenant(cast.a.pk):
            Customer.objects.filter(pk=row["id"]).update(status=state)
        for wanted in set(STATUS_CHANGES) - {state, *legal}:
            answer = cast.alice.put(f"/customers/{row['id']}", {"status": wanted})
            assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "ILLEGAL_TRANSITION")
            assert answer.json()["meta"]["allowed"] == list(legal)
        assert data(cast.alice.get(f"/customers/{row['id']}"))["status"] == state

    firm = str(row["id"])
    stages = data(cast.alice.get("/sales/pipeline/stages"))
    opened = [stage["key"] for stage in stages if stage["kind"] == "open"]
    closing: dict[str, dict[str, str]] = {"won": {}, "lost": {"lostReason": "price"}}
    for before, needs in closing.items():  # from an open stage every way is legal
        deal = made(cast.alice, title=before, customerId=firm, value=10)
        body = {"stage": before, **needs}
        assert cast.alice.patch(f"/sales/{deal['id']}/stage", body).status_code == 200
        for after in closing.keys() - {before}:
            answer = cast.alice.patch(f"/sales/{deal['id']}/stage", {"stage": after, **closing[after]})
            assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "ILLEGAL_TRANSITION")
            assert answer.json()["meta"]["allowed"] == opened
            assert all(key in answer.json()["message"] for key in opened)
        assert data(cast.alice.get(f"/sales/{deal['id']}"))["stage"] == before


@pytest.mark.covers("E002-030")
def test_a_merge_takes_deals_tickets_and_contracts_along_and_a_split_brings_them_back(cast: Cast) -> None:
    target, source = (str(customer(cast.alice, companyName=name)["id"]) for name in ("Atlas", "Rif"))
    mine = made(cast.alice, title="Mine", customerId=target)["id"]
    hers = made(cast.alice, title="Hers", customerId=source)["id"]
    ticket = data(cast.alice.post("/tickets", {"title": "Leak", "customerId": source}), 201)["id"]
    paper = contract(cast.alice, source)["id"]

    merged = data(cast.alice.post("/customers/merge", {"target": target, "sources": [source]}))

    def owners() -> list[str]:
        paths = (f"/sales/{mine}", f"/sales/{hers}", f"/tickets/{ticket}", f"/contracts/{paper}")
        return [data(cast.alice.get(path))["customerId"] for path in paths]

    assert {merged["moved"][name] for name in ("deal", "ticket", "contract")} == {1}
    assert owners() == [target] * 4
    late = made(cast.alice, title="Later", customerId=target)["id"]
    data(cast.alice.post(f"/customers/merges/{merged['mergeId']}/split"))
    assert owners() == [target, source, source, source]
    assert data(cast.alice.get(f"/sales/{late}"))["customerId"] == target  # what came after the merge stays
    assert refused(cast.alice.delete(f"/customers/{source}"), 409)[0] == "IN_USE"


@pytest.mark.covers("E002-057", "E002-068")
def test_the_type_of_a_contract_chooses_the_promise_and_a_broken_one_is_a_risk_of_its_renewal(cast: Cast) -> None:
    firm = str(customer(cast.alice, companyName="Atlas")["id"])
    targets = {"normal": {"firstResponseSeconds": 60, "resolutionSeconds": 600}}
    policy = {"name": "Gold", "order": 1, "match": {"contractTypes": ["support"]}, "targets": targets}
    gold = data(cast.alice.post("/tickets/sla-policies", policy), 201)
    wrong = {**policy, "name": "Silver", "match": {"contractTypes": ["nothing"]}}
    assert refused(cast.alice.post("/tickets/sla-policies", wrong), 400)[1] == "match.contractTypes"

    before = data(cast.alice.post("/tickets", {"title": "Before", "customerId": firm}), 201)
    paper = contract(cast.alice, firm)
    after = data(cast.alice.post("/tickets", {"title": "After", "customerId": firm}), 201)
    other = data(cast.alice.post("/tickets", {"title": "Nobody's"}), 201)
    assert after["sla"]["policyId"] == gold["id"]
    assert gold["id"] not in (before["sla"]["policyId"], other["sla"]["policyId"])

    [row] = data(cast.alice.get("/contracts/renewals"))
    assert (row["contract"]["id"], row["risk"]) == (paper["id"], {"overdueTickets": 0})
    with tenant(cast.a.pk):
        Ticket.objects.filter(pk=after["id"]).update(sla_due_at=clock.now() - timedelta(minutes=5))
    assert data(cast.alice.get("/contracts/renewals"))[0]["risk"] == {"overdueTickets": 1}


def test_people_are_told_of_what_is_theirs_in_the_same_transaction(cast: Cast) -> None:
    salma = person(cast, "salma", "SupportAgent")
    omar = person(cast, "omar", "SalesAgent")
    with platform():
        salma.user.language = "ar"
        salma.user.save()
    firm = str(customer(cast.alice, companyName="Atlas", assignedTo=str(omar.user.pk))["id"])
    assert told(omar) == ["Atlas is your customer now"]

    ticket = data(cast.alice.post("/tickets", {"title": "Fuite", "customerId": firm, "priority": "urgent"}), 201)
    path = f"/tickets/{ticket['id']}"
    data(cast.alice.put(path, {"assignedTo": str(salma.user.pk)}))
    number = ticket["number"]
    data(cast.alice.post(f"{path}/comments", {"content": "Please look, @salma@example.test", "isInternal": True}), 201)
    data(cast.alice.post(f"{path}/comments", {"content": "We are on it."}), 201)
    titles = told(salma)
    assert len(titles) == 3
    assert all(str(number) in title and "Fuite" in title for title in titles)
    with platform():
        assert set(Copy.objects.filter(user=salma.user).values_list("language", flat=True)) == {"ar"}

    # the clock runs out: at first a warning, then the breach, once each
    with tenant(cast.a.pk):
        for row in SlaClock.objects.filter(ticket=ticket["id"], kind="resolution"):
            ago = (row.due_at - row.started_at) * 1.1
            for name in ("started_at", "due_at", "warn_at", "check_at"):
                setattr(row, name, getattr(row, name) and getattr(row, name) - ago)
            row.save()
    with platform():
        assert sla.sweep() == 1
        assert sla.sweep() == 0
    assert len(told(salma)) > len(titles)
    assert told(cast.alice) == []  # she did it all herself

    deal = made(cast.alice, title="Réseau", customerId=firm, value=900, assignedTo=str(omar.user.pk))
    data(cast.alice.patch(f"/sales/{deal['id']}/stage", {"stage": "won"}))
    assert told(omar)[1:] == [
        f"Alice wrote in ticket {number}: Fuite",  # his customer's ticket; the internal note before it is not for him
        "The deal Réseau is yours now",
        "Won: Réseau",
    ]

    renewing, ending = contract(cast.alice, firm), contract(cast.alice, firm, autoRenew=False)
    with tenant(cast.a.pk):
        Contract.objects.update(owner=omar.user)
        renewals.run(timezone.localdate())
        successor = Contract.objects.get(predecessor=renewing["id"]).number
    assert told(omar)[-2:] == [
        f"Contract {renewing['number']} is renewed by {successor}: Support",
        f"Contract {ending['number']} ends on {ending['endDate']}: Support",
    ]

    before = times_told(omar)
    with suppress(ZeroDivisionError), tenant(cast.a.pk, by=cast.alice.user.actor()):
        said = {"title": "Never", "customer_id": UUID(firm), "assigned_to": omar.user.pk}
        deal_create(data=said, by=cast.alice.user)
        assert times_told(omar) == before + 1
        raise ZeroDivisionError
    assert times_told(omar) == before  # what is rolled back is told to nobody
