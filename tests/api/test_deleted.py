"""What was deleted comes back: by Undo on the page, from the list of what was deleted, and over the API."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from portal.core.audit.models import Action, AuditEntry
from portal.core.common import clock
from portal.core.projects.models import TaskComment
from portal.core.tenancy import seeds
from portal.core.tenancy.scope import tenant
from portal.crm.contracts.models import Contract
from portal.crm.customers.models import Customer, CustomerNote
from portal.crm.sales.models import Deal
from portal.crm.sla.models import SlaClock
from portal.crm.tickets.models import Ticket, TicketComment
from tests.api.conftest import Cast
from tests.api.test_customers import customer, data
from tests.api.test_lab import sample
from tests.api.test_office import contract
from tests.api.test_sales import made, person
from tests.desk.test_undo import take_back
from tests.lab.test_pages import page

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast(cast: Cast) -> Cast:
    seeds.run()
    return cast


@pytest.mark.covers("E000-009", "E000-014", "E001-008", "E002-029", "E002-044", "E002-062", "000-DEL-01", "002-DB-02")
def test_each_kind_of_record_comes_back(
    cast: Cast, settings: Any, tmp_path: Any, trail: Callable[..., list[AuditEntry]]
) -> None:
    settings.STATIC_ROOT = tmp_path
    alice, office = cast.alice, page(cast.alice.user)
    firm = customer(alice, companyName="Eaux du Souss", externalId="ERP-7")
    deal = made(alice, title="Analyses", customerId=firm["id"], value=100)
    ticket = data(alice.post("/tickets", {"title": "Leak", "customerId": firm["id"], "priority": "urgent"}), 201)
    paper = contract(alice, firm["id"])
    project = data(alice.post("/projects", {"name": "Springs"}), 201)
    task = data(alice.post("/tasks", {"title": "Read the meter", "projectId": project["id"]}), 201)
    water = sample(alice, code="W-1")
    result = {"parameterName": "NO3", "value": "12", "unit": "mg/L"}
    data(alice.post(f"/samples/{water['id']}/results", result), 201)
    at = {
        "sale": f"/sales/{deal['id']}",
        "ticket": f"/tickets/{ticket['id']}",
        "contract": f"/contracts/{paper['id']}",
        "task": f"/tasks/{task['id']}",
        "project": f"/projects/{project['id']}",
        "sample": f"/samples/{water['id']}",
    }

    # by Undo, right after
    for address in at.values():
        gone = office.post(f"{address}/delete", {"reason": "by mistake"})
        assert (gone.status_code, alice.get(address).status_code) == (302, 404), address
        back = take_back(office, gone["Location"])
        assert back["Location"] == address
        assert alice.get(address).status_code == 200, address
        office.get(address)  # says that it is back
    assert data(alice.get(f"{at['sample']}/results"))[0]["valueText"] == "12"
    restored = {entry.entity for entry in trail(Action.RESTORE)}
    assert {"sale", "ticket", "contract", "task", "project", "sample", "result"} <= restored, restored
    with tenant(cast.a.pk):
        running = SlaClock.objects.filter(ticket=ticket["id"], stopped_at=None)
        assert {row.kind for row in running} == {"first_response", "resolution"}
        assert Ticket.objects.get(pk=ticket["id"]).sla_state == "running"

    # comments and notes
    said = [
        (f"{at['task']}/comments", TaskComment, at["task"]),
        (f"{at['ticket']}/comments", TicketComment, at["ticket"]),
        (f"/customers/{firm['id']}/notes", CustomerNote, f"/customers/{firm['id']}/notes"),
    ]
    for address, model, shown in said:
        id = data(alice.post(address, {"content": "Seen."}), 201)["id"]
        path = f"{address}/{id}/act" if model is CustomerNote else f"{address}/{id}/delete"
        office.post(path, {"do": "delete"})
        with tenant(cast.a.pk):
            assert model.objects.get(pk=id).deleted_at is not None, path
        take_back(office, shown)
        office.get(shown)
        with tenant(cast.a.pk):
            assert model.objects.get(pk=id).deleted_at is None, path
    refused = page(cast.bob.user).post("/deleted/restore", {"kind": "note", "ids": id, "parent": firm["id"]})
    assert refused.status_code in (302, 403, 404)

    # the list, and over the API
    for kind, address in at.items():
        if kind != "task":  # it goes with its project, and comes back with it
            assert alice.delete(address).status_code == 200, address
    for kind, address in at.items():
        html = office.get(f"/deleted/{kind}").content.decode()
        assert address.rpartition("/")[2] in html, kind
        assert cast.carol.post(f"{address}/restore").status_code == 403
        assert cast.mallory.post(f"{address}/restore").status_code == 404
    assert ">W-1</span>" in office.get("/deleted/sample?q=w-1").content.decode()
    assert ">W-1</span>" not in office.get("/deleted/sample?q=spring").content.decode()
    assert "/deleted/sample" in office.get("/samples").content.decode()
    assert "/deleted/sample" not in page(cast.carol.user).get("/samples").content.decode()
    assert page(cast.carol.user).get("/deleted").status_code == 200  # she deletes nothing, and finds nothing
    assert page(cast.carol.user).get("/deleted/sample").status_code == 404
    refusal = alice.post(f"{at['task']}/restore")
    assert refusal.status_code == 404, refusal.content  # its project is deleted
    for kind in ("project", "sale", "ticket", "contract", "sample"):
        assert data(alice.post(f"{at[kind]}/restore"))["id"] in at[kind]
        assert data(alice.post(f"{at[kind]}/restore"))["id"] in at[kind]  # once more changes nothing
    assert alice.get(at["task"]).status_code == 200  # it came with its project


@pytest.mark.covers("E002-011", "E002-029", "E002-062", "002-DB-02")
def test_what_was_taken_in_the_meantime_refuses_the_return(cast: Cast) -> None:
    alice, office = cast.alice, page(cast.alice.user)
    firm = customer(alice, companyName="Eaux du Souss", externalId="ERP-7")
    water = sample(alice, code="W-1")
    deal = made(alice, title="Analyses", customerId=firm["id"], value=100)
    old = contract(alice, firm["id"], endDate=str(clock.now().date() + timedelta(days=20)))
    new = data(alice.post(f"/contracts/{old['id']}/renew", {}), 201)

    alice.delete(f"/samples/{water['id']}")
    sample(alice, code="W-1")
    answer = alice.post(f"/samples/{water['id']}/restore")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (409, "DUPLICATE")

    assert alice.delete(f"/contracts/{new['id']}").status_code == 200
    with tenant(cast.a.pk, by=alice.user.actor()):
        other = Contract.objects.get(pk=contract(alice, firm["id"])["id"])
        Contract.objects.filter(pk=other.pk).update(predecessor=old["id"])
    answer = alice.post(f"/contracts/{new['id']}/restore")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (409, "DUPLICATE"), answer.content
    with tenant(cast.a.pk):
        Contract.objects.update(status="cancelled")

    alice.delete(f"/sales/{deal['id']}")
    with tenant(cast.a.pk):
        stage = Deal.objects.get(pk=deal["id"]).stage
    assert alice.delete(f"/sales/pipeline/stages/{stage.pk}").status_code == 200  # holds deleted deals alone
    gone = office.post(f"/customers/{firm['id']}/delete", {})
    assert gone.status_code == 302, gone.content
    refusal = alice.post(f"/sales/{deal['id']}/restore")
    assert refusal.status_code == 409
    assert "Eaux du Souss" in refusal.content.decode()
    customer(alice, companyName="Autre", externalId="ERP-7")
    answer = alice.post(f"/customers/{firm['id']}/restore")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (409, "DUPLICATE")
    html = office.get(take_back(office, gone["Location"])["Location"]).content.decode()
    assert "Another customer has this number in the other system." in html

    with tenant(cast.a.pk):
        Customer.objects.filter(external_id="ERP-7", deleted_at=None).update(external_id="")
    assert data(alice.post(f"/customers/{firm['id']}/restore"))["externalId"] == "ERP-7"
    back = data(alice.post(f"/sales/{deal['id']}/restore"))
    assert back["stage"]["key"] != stage.key if isinstance(back["stage"], dict) else back["stage"] != stage.key

    # whoever sees their own alone restores their own alone
    seller = person(cast, "sara", "SalesAgent")
    mine = made(seller, title="Own", customerId=customer(seller, companyName="Mine")["id"], value=5)
    alice.delete(f"/sales/{mine['id']}")
    alice.delete(f"/sales/{deal['id']}")
    listed = page(seller.user).get("/deleted/sale").content.decode()
    held = seller.user.has_permission("sales.delete")
    assert (mine["id"] in listed, deal["id"] in listed) == (held, False)
    assert seller.post(f"/sales/{deal['id']}/restore").status_code == (404 if held else 403)
