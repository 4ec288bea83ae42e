"""Contracts over the API: every endpoint of 002, and what they need beside."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from portal.core.audit.models import Action
from portal.core.common.frozen import snapshot_hash
from portal.core.tenancy import seeds
from portal.core.tenancy.scope import tenant
from portal.crm.contracts import access, renewals
from portal.crm.contracts.choices import STEPS, Status
from portal.crm.contracts.models import Contract, ContractPaper
from portal.crm.customers.models import Customer
from tests.api.conftest import Cast, Person

TODAY = date.today()  # noqa: DTZ011  the day of the organisation is set by `day`
TEMPLATE = """<h2>Support</h2><p>{{ tenant.name }} supports {{ customer.companyName }} at {{ values.site }} for
{{ contract.value|money }} from {{ contract.startDate|date }} ({{ contract.startDate|hijri }}).</p>
{% if contract.autoRenew %}<p>renews</p>{% else %}<p>ends</p>{% endif %}
<ul>{% for line in lines %}<li>{{ line.description }}: {{ line.total|money }}</li>{% endfor %}</ul>"""


@pytest.fixture(autouse=True)
def day(monkeypatch: pytest.MonkeyPatch) -> date:
    monkeypatch.setattr(access, "today", lambda zone="": TODAY)
    return TODAY


@pytest.fixture
def customer(cast: Cast) -> Customer:
    seeds.run()
    return customer_of(cast, "Eaux du Souss <b>")


def customer_of(cast: Cast, name: str, organization: Any = None) -> Customer:
    organization = organization or cast.a
    with tenant(organization.pk):
        return Customer.objects.create(organization=organization, company_name=name, name=name, city="Agadir")


@pytest.fixture
def make(cast: Cast, customer: Customer) -> Callable[..., dict[str, Any]]:
    def create(by: Person | None = None, **changes: Any) -> dict[str, Any]:
        body = {
            "title": "Annual Support Contract",
            "customerId": str(customer.pk),
            "type": "support",
            "value": 24000,
            "startDate": str(TODAY - timedelta(days=100)),
            "endDate": str(TODAY + timedelta(days=265)),
            "terms": "Standard support terms and conditions",
        } | changes
        answer = (by or cast.alice).post("/contracts", body)
        assert answer.status_code == 201, answer.json()
        return dict(answer.json()["data"])

    return create


def refused(answer: Any, status: int, *fields: str) -> dict[str, Any]:
    body: dict[str, Any] = answer.json()
    assert answer.status_code == status, body
    if fields:
        assert {error["field"] for error in body["errors"]} == set(fields), body
    return body


@pytest.mark.covers("E002-058", "E002-059", "E002-060", "E002-061", "E002-062", "E002-063", "E002-073", "E002-074")
def test_a_contract_is_written_changed_listed_exported_and_deleted(
    cast: Cast, customer: Customer, make: Callable[..., dict[str, Any]], trail: Callable[..., list[Any]]
) -> None:
    first, second = (
        make(),
        make(
            status="active",
            title="Second",
            lines=[{"description": "Days", "quantity": 2, "unitPrice": 1500.5, "discount": 10}],
            value=None,
        ),
    )

    year = TODAY.year
    assert [first["number"], second["number"]] == [f"SUP-{year}-0001", f"SUP-{year}-0002"]
    assert (first["status"], second["status"], first["currency"], first["autoRenew"]) == (
        "draft",
        "active",
        "MAD",
        True,
    )
    assert (second["value"], second["lines"][0]["total"]) == (2700.9, 2700.9)
    assert first["noticeDeadline"] == str(TODAY + timedelta(days=235))

    # what is refused leaves nothing behind, not even a gap in the numbers
    base = {"title": "x", "customerId": str(customer.pk), "type": "support", "value": 1}
    refused(cast.alice.post("/contracts", base | {"startDate": "2026-02-01", "endDate": "2026-01-01"}), 400, "endDate")
    refused(cast.alice.post("/contracts", base | {"status": "active"}), 400, "startDate")
    refused(cast.alice.post("/contracts", base | {"type": "nothing"}), 400, "type")
    refused(
        cast.alice.post("/contracts", base | {"lines": [{"description": "a", "unitPrice": 3}], "value": 4}),
        400,
        "value",
    )
    refused(cast.alice.post("/contracts", base | {"status": "expired", "startDate": str(TODAY)}), 400, "status")
    refused(cast.alice.post("/contracts", {"customerId": str(customer.pk)}), 400, "title")
    refused(cast.alice.post("/contracts", base | {"customerId": str(cast.a.pk)}), 404)
    foreign = customer_of(cast, "Theirs", cast.b)
    refused(cast.alice.post("/contracts", base | {"customerId": str(foreign.pk)}), 404)
    refused(cast.carol.post("/contracts", base), 403)
    refused(cast.bob.get("/contracts"), 403)
    third = make(startDate=str(TODAY + timedelta(days=9)), status="active", type="laboratory")
    assert (third["number"], third["status"]) == (f"LAB-{year}-0001", "active_pending")
    assert make()["number"] == f"SUP-{year}-0003"

    # lists
    listed = cast.carol.get("/contracts?status=active&status=draft&sort=number&order=asc&limit=2").json()
    assert [row["number"] for row in listed["data"]] == [first["number"], second["number"]]
    assert listed["meta"]["total"] == 3
    assert cast.alice.get("/contracts?search=second%20eaux").json()["meta"]["total"] == 1
    assert cast.alice.get(f"/contracts?type=laboratory&customerId={customer.pk}").json()["meta"]["total"] == 1
    assert cast.mallory.get("/contracts").json()["meta"]["total"] == 0
    refused(cast.mallory.get(f"/contracts/{first['id']}"), 404)
    types = cast.carol.get("/contracts/types").json()["data"]
    assert [row["key"] for row in types] == ["support", "service", "maintenance", "laboratory"]
    one = cast.alice.get("/contracts/types", Accept_Language="fr").json()["data"][0]
    assert one["label"] == "Assistance"

    # change
    path = f"/contracts/{first['id']}"
    changed = cast.alice.put(path, {"title": "Renamed", "value": 26000, "version": first["version"]}).json()["data"]
    assert (changed["title"], changed["value"], changed["version"]) == ("Renamed", 26000.0, first["version"] + 1)
    refused(cast.alice.put(path, {"title": "Late", "version": first["version"]}), 409)
    locked = refused(cast.alice.put(f"/contracts/{second['id']}", {"value": 1, "lines": [], "title": "T"}), 422)
    assert (locked["errors"][0]["code"], locked["meta"]["locked"]) == ("CONTRACT_LOCKED", ["lines", "value"])
    again = cast.alice.put(f"/contracts/{second['id']}", {"title": "T", "value": 2700.9, "status": "active"})
    assert again.json()["data"]["title"] == "T"
    refused(cast.carol.put(path, {"title": "no"}), 403)

    # history, newest first, with old and new values
    history = cast.carol.get(f"{path}/history").json()["data"]
    assert [row["action"] for row in history] == ["updated", "created"]
    assert history[0]["oldValues"] == {"title": "Annual Support Contract", "value": 24000.0}
    assert history[0]["newValues"] == {"title": "Renamed", "value": 26000.0}
    assert history[0]["userId"] == str(cast.alice.user.pk)

    # export
    answer = cast.alice.get("/contracts/export?format=csv&status=active")
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    assert text.splitlines()[0].startswith("number,title,customerName,type,status,value")
    assert len(text.splitlines()) == 2
    [told] = trail(Action.EXPORT, entity="contract")
    assert (told.changes["rows"], told.changes["filters"]) == (1, {"status": ["active"]})
    refused(cast.carol.get("/contracts/export"), 403)

    # delete
    refused(cast.carol.delete(path), 403)
    assert cast.alice.delete(path).status_code == 200
    refused(cast.alice.get(path), 404)
    assert cast.alice.get("/contracts").json()["meta"]["total"] == 3


@pytest.mark.covers("E002-060", "E002-070")
def test_every_illegal_step_is_refused_and_names_the_legal_ones(
    cast: Cast, make: Callable[..., dict[str, Any]]
) -> None:
    def held(status: str) -> Contract:
        made = make(status="draft")
        with tenant(cast.a.pk):
            ended = TODAY if status in ("expired", "terminated", "renewed", "cancelled") else None
            Contract.objects.filter(pk=made["id"]).update(status=status, ended_on=ended)
            return Contract.objects.get(pk=made["id"])

    tried = 0
    for state in Status.values:
        row = held(state)
        for wanted in Status.values:
            alias = "active" if wanted == "active_pending" else wanted
            if alias in STEPS[state]:
                continue
            body = refused(cast.alice.patch(f"/contracts/{row.pk}/status", {"status": wanted}), 422)
            assert body["errors"][0]["code"] == "ILLEGAL_TRANSITION"
            assert body["meta"]["allowed"] == list(STEPS[state])
            assert all(way in body["message"] for way in STEPS[state])
            tried += 1
        with tenant(cast.a.pk):
            assert Contract.objects.get(pk=row.pk).status == state
    assert tried == 9 * 9 - sum(len(ways) + ("active" in ways) for ways in STEPS.values())

    # the legal way, with notes in the history
    made = make()
    for status in ("pending_approval", "sent", "active"):
        answer = cast.alice.patch(f"/contracts/{made['id']}/status", {"status": status, "note": f"to {status}"})
        assert answer.json()["data"]["status"] == status
    notes = [row["note"] for row in cast.alice.get(f"/contracts/{made['id']}/history").json()["data"]]
    assert notes == ["to active", "to sent", "to pending_approval", ""]
    refused(cast.alice.patch(f"/contracts/{made['id']}/status", {"status": "terminated"}), 400, "note")
    bare = make(value=0)
    refused(cast.alice.patch(f"/contracts/{bare['id']}/status", {"status": "active"}), 422, "value")
    refused(cast.alice.patch(f"/contracts/{bare['id']}/status", {"status": "nonsense"}), 400, "status")

    # a type with an approver: a draft has to be approved by that role
    kind = cast.alice.post("/contracts/types", {"name": "Framework", "approverRole": "Manager", "reminders": [10, 60]})
    assert (kind.json()["data"]["key"], kind.json()["data"]["prefix"]) == ("framework", "FRA")
    refused(cast.alice.post("/contracts/types", {"name": "Framework"}), 409)
    framed = make(type="framework")
    body = refused(cast.alice.patch(f"/contracts/{framed['id']}/status", {"status": "active"}), 422)
    assert body["meta"]["allowed"] == ["pending_approval", "cancelled"]
    kind_path = f"/contracts/types/{kind.json()['data']['id']}"
    assert cast.alice.put(kind_path, {"uplift": 5}).json()["data"]["uplift"] == 5.0
    assert refused(cast.alice.delete(kind_path), 409)["errors"][0]["code"] == "IN_USE"
    refused(cast.carol.post("/contracts/types", {"name": "Mine"}), 403)


@pytest.mark.covers("E002-065", "E002-066", "E002-072")
def test_templates_know_their_fields_and_papers_say_the_same_in_three_languages(
    cast: Cast, customer: Customer, make: Callable[..., dict[str, Any]]
) -> None:
    body = {
        "name": "Support",
        "type": "support",
        "language": "en",
        "body": TEMPLATE,
        "values": [
            {"key": "site", "type": "text", "required": True, "label": "Site"},
            {"key": "visits", "type": "number", "required": True, "label": "Visits"},
        ],
    }
    for wrong in (
        "{{ customer.password }}",
        "{{ contract.__class__ }}",
        "{{ values.other }}",
        "{{ line.total }}",
        "{{ contract.title|money }}",
        "{{ contract.value|upper }}",
        "{% for x in lines %}",
        "{% if contract.value %}",
        "{{ ''.join }}",
        "{{ customer.companyName",
    ):
        refused(cast.alice.post("/contracts/templates", body | {"body": f"<p>{wrong}</p>"}), 400, "body")
    refused(cast.carol.post("/contracts/templates", body), 403)
    made = cast.alice.post("/contracts/templates", body)
    assert made.status_code == 201
    path = f"/contracts/templates/{made.json()['data']['id']}"
    assert [row["name"] for row in cast.carol.get("/contracts/templates").json()["data"]] == ["Support"]
    fields = cast.carol.get("/contracts/templates/fields?limit=100").json()["data"]
    assert {"path": "contract.value", "type": "money", "filters": ["money"]}.items() <= next(
        row for row in fields if row["path"] == "contract.value"
    ).items()

    shown = cast.carol.post(
        f"{path}/preview", {"values": {"site": "<script>alert(1)</script>"}, "customerId": str(customer.pk)}
    )
    assert "&lt;script&gt;" in shown.json()["data"]["html"]
    assert "<script" not in shown.json()["data"]["html"]
    assert "Eaux du Souss &lt;b&gt;" in shown.json()["data"]["html"]

    refused(
        cast.alice.post(f"{path}/create", {"customerId": str(customer.pk), "values": {}}),
        400,
        "values.site",
        "values.visits",
    )
    refused(
        cast.alice.post(f"{path}/create", {"customerId": str(customer.pk), "values": {"site": "A", "visits": "x"}}),
        400,
        "values.visits",
    )
    draft = cast.alice.post(
        f"{path}/create",
        {
            "customerId": str(customer.pk),
            "values": {"site": "Agadir", "visits": 4},
            "overrides": {
                "startDate": "2026-01-31",
                "termMonths": 1,
                "lines": [{"description": "Visit", "quantity": 4, "unitPrice": 250}],
            },
        },
    )
    assert draft.status_code == 201, draft.json()
    contract = draft.json()["data"]
    assert (contract["status"], contract["endDate"], contract["value"], contract["templateVersion"]) == (
        "draft",
        "2026-02-27",
        1000.0,
        1,
    )
    assert "1\N{NO-BREAK SPACE}000.00 MAD" in contract["terms"]
    assert "12 Shaban 1447" in contract["terms"]
    changed = cast.alice.put(path, {"body": "<p>{{ values.site }}</p>"}).json()["data"]
    assert changed["version"] == 2
    assert cast.alice.get(f"/contracts/{contract['id']}").json()["data"]["terms"] == contract["terms"]
    assert cast.alice.delete(path).status_code == 200
    refused(cast.alice.post(f"{path}/preview", {}), 404)

    # papers
    hashes = set()
    for language in ("ar", "fr", "en"):
        paper = cast.carol.get(f"/contracts/{contract['id']}/pdf?lang={language}")
        assert (paper.status_code, paper["Content-Type"], paper.content[:5]) == (200, "application/pdf", b"%PDF-")
        hashes.add(paper["X-Snapshot-Hash"])
    again = cast.carol.get(f"/contracts/{contract['id']}/pdf?lang=en")
    assert again.content == paper.content  # kept by the hash of its content
    [digest] = hashes
    with tenant(cast.a.pk):
        [kept] = ContractPaper.objects.all()
        assert snapshot_hash(kept.content) == digest
        assert kept.files.count() == 3
    page = Client().get(f"/verify/{kept.number}?h={digest.removeprefix('sha256:')}", headers={"Accept-Language": "en"})
    assert "This report is genuine." in page.content.decode()
    assert "Contract (Draft)" in page.content.decode()
    refused(cast.carol.get(f"/contracts/{contract['id']}/pdf?lang=de"), 400)
    refused(cast.mallory.get(f"/contracts/{contract['id']}/pdf"), 404)


@pytest.mark.covers("E002-067", "E002-068", "E002-069", "E002-070", "E002-071", "E002-064", "002-CRM-03")
def test_contracts_are_amended_renewed_terminated_and_counted(
    cast: Cast, customer: Customer, make: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = make(status="active", endDate=str(TODAY + timedelta(days=20)), startDate=str(TODAY - timedelta(days=345)))
    path = f"/contracts/{first['id']}"

    # amendments
    refused(cast.alice.post(f"/contracts/{make()['id']}/amendments", {"changes": {"value": 1}, "reason": "x"}), 422)
    refused(cast.alice.post(f"{path}/amendments", {"changes": {"value": 24000}, "reason": "nothing"}), 400, "changes")
    refused(cast.alice.post(f"{path}/amendments", {"changes": {"value": 25000}, "reason": " "}), 400, "reason")
    made = cast.alice.post(f"{path}/amendments", {"changes": {"value": 25000, "noticeDays": 10}, "reason": "Wider"})
    assert (made.status_code, made.json()["data"]["number"]) == (201, 1)
    assert made.json()["data"]["changes"] == {
        "value": {"old": 24000.0, "new": 25000.0},
        "noticeDays": {"old": 30, "new": 10},
    }
    assert cast.carol.get(f"{path}/amendments").json()["meta"]["total"] == 1
    old, new = (cast.carol.get(f"{path}/pdf?lang=en&version={n}")["X-Snapshot-Hash"] for n in (0, 1))
    assert old != new
    with tenant(cast.a.pk):
        assert ContractPaper.objects.get(snapshot_hash=old).content["value"] == 24000.0
    assert cast.carol.get(f"{path}/amendments/1/pdf?lang=ar").content[:5] == b"%PDF-"
    refused(cast.carol.get(f"{path}/amendments/2/pdf"), 404)

    # documents
    def upload(person: Person, kind: str) -> Any:
        file = SimpleUploadedFile("signed.pdf", b"%PDF-1.4\n%%EOF\n", "application/pdf")
        return Client().post(f"/api/v1{path}/documents", {"file": file, "kind": kind}, headers=person.headers)

    refused(upload(cast.alice, "poem"), 400, "kind")
    refused(upload(cast.carol, "signed"), 403)
    signed = upload(cast.alice, "signed")
    assert (signed.status_code, signed.json()["data"]["kind"]) == (201, "signed")
    card = cast.carol.get(path).json()["data"]
    assert (card["attachments"], card["signedOn"]) == ([signed.json()["data"]["id"]], str(TODAY))
    assert cast.carol.get(f"{path}/documents").json()["data"][0]["filename"] == "signed.pdf"
    held = cast.alice.delete(f"/files/delete/{signed.json()['data']['id']}")
    assert held.json()["errors"][0]["code"] == "IN_USE"

    # what expires and what to renew
    [soon] = cast.carol.get("/contracts/expiring").json()["data"]
    assert (soon["daysLeft"], soon["bucket"], soon["isExpiring"]) == (20, 30, True)
    assert cast.carol.get("/contracts/expiring?days=19").json()["data"] == []
    [renewal] = cast.carol.get("/contracts/renewals").json()["data"]
    assert (renewal["contract"]["id"], renewal["daysLeft"], renewal["proposedValue"]) == (first["id"], 20, 25000.0)

    # renew
    for wrong, field in (
        ({"termMonths": 1, "endDate": str(TODAY)}, "termMonths"),
        ({"endDate": str(TODAY)}, "endDate"),
        ({"change": {"percent": 1, "fixed": 2}}, "change"),
        ({"change": {"amount": -99999}}, "change"),
    ):
        refused(cast.alice.post(f"{path}/renew", wrong), 400, field)
    answer = cast.alice.post(f"{path}/renew", {"termMonths": 6, "change": {"percent": 10}})
    assert answer.status_code == 201, answer.json()
    follower = answer.json()["data"]
    assert (follower["predecessorId"], follower["status"], follower["value"]) == (first["id"], "draft", 27500.0)
    assert follower["startDate"] == str(TODAY + timedelta(days=21))
    assert cast.carol.get(path).json()["data"]["successorId"] == follower["id"]
    assert refused(cast.alice.post(f"{path}/renew", {}), 422)["meta"]["successorId"] == follower["id"]
    assert cast.carol.get("/contracts/expiring").json()["data"] == []
    refused(cast.alice.post(f"/contracts/{follower['id']}/renew", {}), 422)
    refused(
        cast.alice.post(f"{path}/amendments", {"changes": {"endDate": follower["startDate"]}, "reason": "longer"}),
        400,
        "endDate",
    )
    taken = cast.alice.patch(f"/contracts/{follower['id']}/status", {"status": "active"}).json()["data"]
    assert taken["status"] == "active_pending"

    # terminate: at once, scheduled, late, revoked, twice, past the end
    second = make(status="active", value=12000)
    its = f"/contracts/{second['id']}"
    refused(cast.alice.post(f"{its}/terminate", {}), 400, "reason")
    refused(
        cast.alice.post(f"{its}/terminate", {"reason": "x", "effectiveDate": str(TODAY + timedelta(days=266))}),
        400,
        "effectiveDate",
    )
    late = cast.alice.post(
        f"{its}/terminate",
        {"reason": "moved", "effectiveDate": str(TODAY + timedelta(days=5)), "by": "customer", "fee": 100},
    )
    assert late.json()["data"]["termination"] == {
        "effectiveDate": str(TODAY + timedelta(days=5)),
        "reason": "moved",
        "by": "customer",
        "note": "",
        "fee": 100.0,
        "lateNotice": True,
        "scheduled": True,
    }
    assert (late.json()["data"]["status"], bool(late.json()["message"])) == ("active", True)
    refused(cast.alice.post(f"{its}/terminate", {"reason": "again"}), 422)
    refused(cast.alice.post(f"{its}/renew", {}), 422)
    revoked = cast.alice.delete(f"{its}/termination").json()["data"]
    assert (revoked["termination"], revoked["terminationDate"]) == (None, None)
    refused(cast.alice.delete(f"{its}/termination"), 422)
    ended = cast.alice.post(f"{its}/terminate", {"reason": "moved"}).json()["data"]
    assert (ended["status"], ended["endedOn"]) == ("terminated", str(TODAY))
    refused(cast.alice.post(f"{its}/terminate", {"reason": "again"}), 422)
    refused(cast.alice.post(f"{its}/renew", {}), 422)

    # the calendar, twice: the second run finds nothing to do
    with tenant(cast.a.pk):
        later = TODAY + timedelta(days=21)
        monkeypatch.setattr(access, "today", lambda zone="": later)
        assert renewals.due(later)
        counts = renewals.run(later)
        assert (counts["activated"], counts["renewed"], counts["expired"]) == (1, 0, 0)
        assert not renewals.due(later)
        assert sum(renewals.run(later).values()) == 0
    assert cast.carol.get(path).json()["data"]["status"] == "renewed"
    actions = [row["action"] for row in cast.carol.get(f"{path}/history").json()["data"]]
    assert actions == ["renewed", "successor", "document", "amended", "created"] or actions[:2] == [
        "renewed",
        "successor",
    ]

    figures = cast.carol.get(f"/contracts/analytics?dateFrom={TODAY}&dateTo={later}").json()["data"]
    assert (figures["active"], figures["value"]) == (1, 27500.0)
    assert (figures["renewalRate"], figures["renewalRateByValue"]) == (50.0, 67.57)
    assert (figures["churned"], figures["churnedValue"], figures["byStatus"]["draft"]) == (1, 12000.0, 1)
    assert figures["mrr"] == pytest.approx(27500 / 6, abs=0.01)
    refused(cast.carol.get("/contracts/analytics?dateFrom=2026-02-01&dateTo=2026-01-01"), 400, "dateTo")
