"""Deals through the API: their money, their way through the stages, what the figures say of them (002)."""

import csv
import io
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from portal.core.accounts import tokens
from portal.core.accounts.models import Role, User
from portal.core.common import clock
from portal.core.tenancy import seeds
from portal.core.tenancy.scope import platform, tenant
from portal.crm.activity.models import ActivityEvent
from portal.crm.customers.models import Customer
from portal.crm.sales.models import Deal, Transition
from tests.api.conftest import Cast, Person

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast(cast: Cast) -> Cast:
    seeds.run()
    return cast


def person(cast: Cast, name: str, role: str, department: str = "") -> Person:
    with platform():
        user = User(email=f"{name}@example.test", name=name, organization=cast.a, department=department)
        user.role = Role.objects.get(key=role, organization=None)
        user.set_password("secret1")
        user.save()
    return Person(user, {"Authorization": f"Bearer {tokens.issue(user)[0]}"})


def customer(cast: Cast, name: str = "Société des eaux", **more: Any) -> str:
    with tenant(cast.a.pk):
        row = Customer.objects.create(
            organization=cast.a, company_name=name, name=name, assigned_to=cast.alice.user, **more
        )
        return str(row.pk)


def made(by: Person, **body: Any) -> dict[str, Any]:
    answer = by.post("/sales", body)
    assert answer.status_code == 201, answer.content
    return answer.json()["data"]  # type: ignore[no-any-return]


def codes(answer: Any) -> tuple[int, str, str | None]:
    first = answer.json()["errors"][0]
    return answer.status_code, first["code"], first["field"]


@pytest.mark.covers("E002-025", "E002-026", "E002-027", "E002-028", "E002-029")
def test_a_deal_and_its_value(cast: Cast) -> None:
    alice, firm = cast.alice, customer(cast)
    product = alice.post("/products", {"sku": "AN-1", "name": "Analyse complète", "unitPrice": 50000}).json()["data"]
    body = {
        "title": "Enterprise Software License",
        "customerId": firm,
        "value": 50000,
        "probability": 75,
        "stage": "negotiation",
        "expectedCloseDate": "2030-12-31",
        "description": "Annual software license renewal",
        "assignedTo": str(cast.bob.user.pk),
        "products": [{"productId": product["id"], "quantity": 1, "unitPrice": 50000}],
    }

    deal = made(alice, **body)

    told = {
        "title": "Enterprise Software License", "value": 50000.0, "stage": "negotiation", "probability": 75,
        "probabilityOverride": 75, "status": "open", "weightedValue": 37500.0, "currency": "MAD",
        "expectedCloseDate": "2030-12-31", "assignedTo": str(cast.bob.user.pk), "version": 1,
    }  # fmt: skip
    assert {name: deal[name] for name in told} == told
    assert deal["customer"]["companyName"] == "Société des eaux"
    assert deal["assignedUser"]["name"] == "Bob"
    assert deal["products"] == [{"productId": product["id"], "name": "Analyse complète", "quantity": 1.0,
                                 "unitPrice": 50000.0, "discount": 0.0, "amount": 50000.0}]  # fmt: skip

    # lines decide the value, half up; another value is refused and nothing is written
    wrong = alice.put(f"/sales/{deal['id']}", {"value": 49999})
    assert codes(wrong) == (400, "VALIDATION_ERROR", "value")
    lines = [
        {"name": "Prélèvement", "quantity": 3, "unitPrice": 33.35, "discount": 10},
        {"name": "Transport", "unitPrice": 0.5},
    ]
    changed = alice.put(f"/sales/{deal['id']}", {"products": lines, "version": 1}).json()["data"]
    assert (changed["value"], changed["version"]) == (90.55, 2)  # 90.045 + 0.5
    assert alice.put(f"/sales/{deal['id']}", {"products": lines, "value": 90.54}).status_code == 400
    stale = alice.put(f"/sales/{deal['id']}", {"title": "x", "version": 1})
    assert codes(stale)[:2] == (409, "VERSION_CONFLICT")
    assert stale.json()["meta"]["currentVersion"] == 2
    for line, field in (
        ({"name": "x", "quantity": 0, "unitPrice": 1}, "products.0.quantity"),
        ({"name": "x", "quantity": 1, "unitPrice": -1}, "products.0.unitPrice"),
        ({"name": "x", "quantity": 1, "unitPrice": 1, "discount": 101}, "products.0.discount"),
        ({"quantity": 1, "unitPrice": 1}, "products.0.productId"),
        ({"productId": firm, "quantity": 1}, "products.0.productId"),
    ):
        assert codes(alice.put(f"/sales/{deal['id']}", {"products": [line]})) == (400, "VALIDATION_ERROR", field)

    # other currencies carry their rate, totals are in the organisation's
    assert codes(alice.post("/sales", {"title": "E", "customerId": firm, "value": 10, "currency": "EUR"})) == (
        400, "VALIDATION_ERROR", "fxRate")  # fmt: skip
    euro = made(alice, title="E", customerId=firm, value=10, currency="EUR", fxRate=10.855)
    assert (euro["baseValue"], euro["weightedValue"], euro["probability"]) == (108.55, 10.86, 10)

    # what is not there, who may not
    assert codes(alice.post("/sales", {"customerId": firm}))[2] == "title"
    assert alice.post("/sales", {"title": "T", "customerId": str(cast.a.pk)}).status_code == 404
    assert codes(alice.post("/sales", {"title": "T", "customerId": firm, "stage": "nowhere"})) == (
        400, "VALIDATION_ERROR", "stage")  # fmt: skip
    assert codes(alice.post("/sales", {"title": "T", "customerId": firm, "assignedTo": firm}))[2] == "assignedTo"
    assert cast.mallory.get(f"/sales/{deal['id']}").status_code == 404
    assert cast.mallory.post("/sales", {"title": "T", "customerId": firm}).status_code == 404
    assert cast.bob.get("/sales").status_code == 403  # a technician
    assert cast.carol.get(f"/sales/{deal['id']}").status_code == 200
    assert cast.carol.put(f"/sales/{deal['id']}", {"title": "x"}).status_code == 403

    # lists: filters, search, order, pages
    listed = alice.get("/sales?limit=1&sort=value&order=desc").json()
    assert ([row["title"] for row in listed["data"]], listed["meta"]["total"]) == (["E"], 2)
    for query, titles in (
        ("search=societe+eaux", {"E", "Enterprise Software License"}),
        ("search=licence", set()),
        ("search=software", {"Enterprise Software License"}),
        ("stage=negotiation", {"Enterprise Software License"}),
        ("status=open&currency=eur", {"E"}),
        (f"customerId={firm}&assignedTo=me", {"E"}),
        ("probability=75", {"Enterprise Software License"}),
        ("probability=10", {"E"}),
        ("minValue=50&maxValue=100", {"Enterprise Software License"}),
        ("expectedFrom=2030-12-31&expectedTo=2030-12-31", {"Enterprise Software License"}),
        ("dateTo=2020-01-01", set()),
    ):
        found = alice.get(f"/sales?{query}").json()
        assert {row["title"] for row in found["data"]} == titles, query
    assert alice.get("/sales?sort=nothing").status_code == 400

    assert alice.delete(f"/sales/{euro['id']}").json()["success"] is True
    assert alice.get(f"/sales/{euro['id']}").status_code == 404
    with tenant(cast.a.pk):
        assert Deal.objects.get(pk=euro["id"]).deleted_by_id == alice.user.pk


@pytest.mark.covers("E002-030", "E002-031", "E002-032", "002-CRM-01")
def test_the_way_through_the_stages(cast: Cast) -> None:
    alice, firm, agent = cast.alice, customer(cast), person(cast, "salma", "SalesAgent")
    keys = [stage["key"] for stage in alice.get("/sales/pipeline/stages").json()["data"]]
    assert keys == ["lead", "qualified", "proposal", "negotiation", "won", "lost"]
    deal = made(agent, title="Réseau d'eau", customerId=firm)
    move = f"/sales/{deal['id']}/stage"
    lists = {"allowed": [key for key in keys if key != "lead"]}

    # its own stage: nothing happens
    assert agent.patch(move, {"stage": "lead"}).json()["data"]["stage"] == "lead"
    with tenant(cast.a.pk):
        assert Transition.objects.filter(deal=deal["id"]).count() == 1
    assert codes(agent.patch(move, {"stage": "nowhere"})) == (400, "VALIDATION_ERROR", "stage")

    # won at nothing, lost without a reason, `other` without a note
    for body, field in (
        ({"stage": "won"}, "value"),
        ({"stage": "lost"}, "lostReason"),
        ({"stage": "lost", "lostReason": "other"}, "lostNote"),
    ):
        refused = agent.patch(move, body)
        assert codes(refused) == (422, "ILLEGAL_TRANSITION", field)
        assert refused.json()["meta"]["allowed"] == lists["allowed"]
        assert agent.put(f"/sales/{deal['id']}", body).status_code == 422  # the same rule at the other door
    assert agent.put(f"/sales/{deal['id']}", {"status": "lost"}).status_code == 422
    assert agent.get(f"/sales/{deal['id']}").json()["data"]["version"] == 2

    # a stage may ask for fields
    stage = next(s for s in alice.get("/sales/pipeline/stages").json()["data"] if s["key"] == "proposal")
    needs = ["expectedCloseDate", "value", "products"]
    assert alice.put(f"/sales/pipeline/stages/{stage['id']}", {"requiredFields": needs}).status_code == 200
    refused = agent.patch(move, {"stage": "proposal"})
    assert {error["field"] for error in refused.json()["errors"]} == {"expectedCloseDate", "value", "products"}
    lines = [{"name": "Étude", "quantity": 2, "unitPrice": 500}]
    filled = agent.put(
        f"/sales/{deal['id']}", {"products": lines, "expectedCloseDate": "2031-01-31", "stage": "proposal"}
    )
    assert (filled.status_code, filled.json()["data"]["stage"]) == (200, "proposal")

    # won: closed, owner and rate settled; back only by those who may reopen, and to an open stage
    won = agent.patch(move, {"stage": "won"}).json()["data"]
    assert (won["status"], won["probability"], won["ownerAtClose"]) == ("won", 100, str(agent.user.pk))
    assert won["closedAt"]
    assert won["weightedValue"] == 1000.0
    assert codes(alice.put(f"/sales/{deal['id']}", {"currency": "EUR", "fxRate": 10}))[:2] == (422, "DEAL_CLOSED")
    assert alice.put(f"/sales/{deal['id']}", {"products": [], "value": 0}).status_code == 422
    assert codes(agent.patch(move, {"stage": "lead"}))[:2] == (403, "PERMISSION_DENIED")
    refused = alice.patch(move, {"stage": "lost", "lostReason": "price"})
    assert codes(refused)[:2] == (422, "ILLEGAL_TRANSITION")
    assert refused.json()["meta"]["allowed"] == ["lead", "qualified", "proposal", "negotiation"]
    assert "negotiation" in refused.json()["message"]
    again = alice.put(f"/sales/{deal['id']}", {"status": "open"}).json()["data"]
    assert (again["stage"], again["status"], again["closedAt"], again["ownerAtClose"]) == (
        "proposal",
        "open",
        None,
        None,
    )
    yesterday = (clock.now() - timedelta(days=1)).date().isoformat()
    gone = agent.patch(
        move, {"stage": "lost", "lostReason": "other", "lostNote": "ألغي المشروع", "closeDate": yesterday}
    )
    assert (gone.json()["data"]["lostReason"], gone.json()["data"]["closedAt"][:10]) == ("other", yesterday)
    assert codes(agent.patch(move, {"stage": "won"}))[0] == 403
    assert codes(alice.patch(move, {"stage": "won"}))[0] == 422
    tomorrow = (clock.now() + timedelta(days=2)).date().isoformat()
    assert alice.patch(move, {"stage": "negotiation"}).status_code == 200
    assert codes(agent.patch(move, {"stage": "won", "closeDate": tomorrow}))[2] == "closeDate"

    with tenant(cast.a.pk):
        steps = (
            Transition.objects.filter(deal=deal["id"])
            .order_by("created_at")
            .values_list("from_stage__key", "to_stage__key")
        )
        assert list(steps) == [
            (None, "lead"), ("lead", "proposal"), ("proposal", "won"), ("won", "proposal"), ("proposal", "lost"),
            ("lost", "negotiation"),
        ]  # fmt: skip
        types = set(ActivityEvent.objects.filter(subject_id=deal["id"]).values_list("type", flat=True))
    assert types == {"sale.created", "sale.changed", "sale.stage", "sale.won", "sale.lost"}

    # the board
    made(agent, title="Second", customerId=firm, value=300, probability=50, stage="negotiation")
    third = made(agent, title="Third", customerId=firm, value=100, stage="negotiation")
    agent.patch(f"/sales/{third['id']}/stage", {"stage": "negotiation", "position": 2})
    board = agent.get("/sales/pipeline").json()["data"]
    column = board["stages"][3]
    assert [row["stage"] for row in board["stages"]] == ["lead", "qualified", "proposal", "negotiation"]
    assert (column["count"], column["value"], column["weightedValue"]) == (3, 1400.0, 975.0)
    assert [card["title"] for card in column["deals"]] == ["Second", "Réseau d'eau", "Third"]
    assert board["totals"] == {"count": 3, "value": 1400.0, "weightedValue": 975.0, "rotting": 0}
    assert agent.get("/sales/pipeline?assignedTo=none").json()["data"]["totals"]["count"] == 0


@pytest.mark.covers("E002-030", "C94")
def test_stages_and_products_are_kept(cast: Cast) -> None:
    alice, firm = cast.alice, customer(cast)
    path = "/sales/pipeline/stages"
    tender = alice.post(path, {"name": "Tender", "nameAr": "مناقصة", "order": 1, "probability": 20, "rottingDays": 10})
    assert tender.status_code == 201
    stage = tender.json()["data"]
    assert (stage["key"], stage["order"], stage["kind"], stage["isWon"]) == ("tender", 1, "open", False)
    listed = alice.get(path, Accept_Language="ar").json()["data"]
    assert [(row["key"], row["order"]) for row in listed][:3] == [("lead", 0), ("tender", 1), ("qualified", 2)]
    assert listed[1]["name"] == "مناقصة"
    assert codes(alice.post(path, {"name": "Tender"}))[:2] == (409, "DUPLICATE")
    assert codes(alice.post(path, {"name": "Gagné", "kind": "won"}))[:2] == (409, "DUPLICATE")
    assert codes(alice.post(path, {"name": "X", "requiredFields": ["nothing"]}))[0] == 400
    assert cast.carol.post(path, {"name": "X"}).status_code == 403

    deal = made(alice, title="D", customerId=firm, stage="tender", value=5)
    used = alice.delete(f"{path}/{stage['id']}")
    assert codes(used)[:2] == (409, "IN_USE")
    assert "lead" in used.json()["meta"]["allowed"]
    assert "won" not in used.json()["meta"]["allowed"]
    assert codes(alice.call("delete", f"{path}/{stage['id']}", {"moveTo": "won"}))[2] == "moveTo"
    assert codes(alice.put(f"{path}/{stage['id']}", {"kind": "lost"}))[:2] == (409, "IN_USE")
    assert alice.delete(f"{path}/{stage['id']}?moveTo=qualified").status_code == 200
    assert alice.get(f"/sales/{deal['id']}").json()["data"]["stage"] == "qualified"
    won = next(row for row in listed if row["key"] == "won")
    assert codes(alice.delete(f"{path}/{won['id']}"))[:2] == (409, "IN_USE")
    assert alice.put(f"{path}/{won['id']}", {"probability": 40}).json()["data"]["probability"] == 100

    product = alice.post("/products", {"sku": "A", "name": "Analyse", "unitPrice": 12.5}).json()["data"]
    assert codes(alice.post("/products", {"sku": "A", "name": "B", "unitPrice": 1}))[:2] == (409, "DUPLICATE")
    assert codes(alice.post("/products", {"sku": "C", "name": "B", "unitPrice": -1}))[2] == "unitPrice"
    assert (
        made(alice, title="P", customerId=firm, products=[{"productId": product["id"], "quantity": 3}])["value"] == 37.5
    )
    assert alice.put(f"/products/{product['id']}", {"isActive": False}).json()["data"]["unitPrice"] == 12.5
    assert alice.get("/products?isActive=true").json()["data"] == []
    assert cast.mallory.get(f"/products/{product['id']}").status_code == 404
    assert alice.delete(f"/products/{product['id']}").status_code == 200
    assert alice.get(f"/products/{product['id']}").status_code == 404


@pytest.mark.covers("E002-033", "E002-034", "E002-035", "E002-036", "E002-037", "E002-038", "E002-039")
def test_figures_activities_copies_and_files(cast: Cast) -> None:
    _alice, firm, agent = cast.alice, customer(cast), person(cast, "salma", "SalesAgent")
    today = clock.now().astimezone(ZoneInfo("Africa/Casablanca")).date()
    soon = (today + timedelta(days=20)).isoformat()
    first = made(agent, title="=cmd|x", customerId=firm, value=1000, stage="proposal", expectedCloseDate=soon)
    made(agent, title="Undated", customerId=firm, value=70, category="commit")
    late = made(
        agent, title="Late", customerId=firm, value=40, expectedCloseDate=(today - timedelta(days=40)).isoformat()
    )
    for title, value, stage in (("W1", 300, "won"), ("W2", 100, "won"), ("L", 400, "lost")):
        made(agent, title=title, customerId=firm, value=value, stage=stage, lostReason="price")

    period = f"dateFrom={today.replace(day=1)}&dateTo={(today + timedelta(days=31)).isoformat()}"
    seen = agent.get(f"/sales/forecasting?{period}").json()["data"]
    assert seen["currency"] == "MAD"
    assert len(seen["periods"]) == 2
    assert {k: seen["totals"][k] for k in ("won", "weighted", "forecast", "pipeline", "count")} == {
        "won": 400.0, "weighted": 500.0, "forecast": 900.0, "pipeline": 1000.0, "count": 1,
    }  # fmt: skip
    assert seen["slipped"] == {"count": 1, "value": 40.0, "weighted": 4.0}
    assert seen["undated"] == {"count": 1, "value": 70.0, "weighted": 7.0}
    assert (seen["quota"], seen["coverage"]) == (None, None)
    assert len(agent.get("/sales/forecasting?months=4").json()["data"]["periods"]) == 4
    owners = agent.get(f"/sales/forecasting?{period}&groupBy=owner").json()["data"]["periods"]
    assert [(row["name"], row["forecast"]) for row in owners] == [("salma", 900.0)]
    assert codes(agent.get("/sales/forecasting?dateFrom=2026-02-01&dateTo=2026-01-01"))[2] == "dateTo"

    found = agent.get("/sales/analytics").json()["data"]
    told = {
        "won": 2, "lost": 1, "wonValue": 400.0, "lostValue": 400.0, "winRate": 66.67, "winRateByValue": 50.0,
        "avgDealSize": 200.0,
    }  # fmt: skip
    assert {name: found[name] for name in told} == told
    assert found["lostReasons"] == [{"reason": "price", "name": "Price", "count": 1, "value": 400.0}]
    assert sum(row["won"] for row in found["byMonth"]) == 2
    assert len(found["byMonth"]) == 13
    [row] = agent.get("/sales/leaderboard").json()["data"]
    assert (row["rank"], row["name"], row["dealsWon"], row["value"], row["winRate"]) == (1, "salma", 2, 400.0, 66.67)

    # activities
    path = f"/sales/{first['id']}/activities"
    call = agent.post(path, {"type": "call", "description": "Relance", "dueAt": "2020-01-01T09:00:00Z"})
    assert call.status_code == 201
    assert call.json()["data"]["isOverdue"] is True
    assert agent.get(f"/sales/{first['id']}").json()["data"]["nextActivityAt"] == "2020-01-01T09:00:00Z"
    done = agent.put(f"{path}/{call.json()['data']['id']}", {"doneAt": clock.wire(clock.now()), "outcome": "d'accord"})
    assert done.json()["data"]["isOverdue"] is False
    assert agent.get(f"/sales/{first['id']}").json()["data"]["nextActivityAt"] is None
    assert codes(agent.post(path, {"type": "dance", "description": "x"}))[2] == "type"
    assert codes(agent.post(path, {"type": "call"}))[2] == "description"
    assert agent.post(path, {"type": "note", "description": "ملاحظة"}).json()["data"]["doneAt"]
    assert [one["type"] for one in agent.get(path).json()["data"]] == ["note", "call"]
    assert cast.mallory.get(path).status_code == 404

    # a copy
    copy = agent.post(f"/sales/{first['id']}/clone").json()["data"]
    assert (copy["title"], copy["stage"], copy["clonedFrom"], copy["value"]) == (
        "=cmd|x (copy)",
        "lead",
        first["id"],
        1000.0,
    )
    assert copy["expectedCloseDate"] == soon
    assert agent.get(f"/sales/{copy['id']}/activities").json()["data"] == []
    assert agent.post(f"/sales/{late['id']}/clone").json()["data"]["expectedCloseDate"] == str(today)

    # files
    text = b"".join(agent.get("/sales/export?format=csv&sort=title").streaming_content).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 8
    assert rows[0]["title"] == "'=cmd|x"
    assert rows[0]["weightedValue"] == "500.0"
    assert len(b"".join(agent.get("/sales/export?format=json&status=won").streaming_content).splitlines()) == 4
    assert b"".join(agent.get("/sales/export?format=xlsx").streaming_content)[:2] == b"PK"
    assert codes(agent.get("/sales/export?format=pdf"))[2] == "format"
    assert cast.carol.get("/sales/export").status_code == 403


def test_scopes_and_what_keeps_a_customer(cast: Cast) -> None:
    alice, firm = cast.alice, customer(cast)
    people = {
        name: person(cast, name, "SalesAgent", team) for name, team in (("s", "Nord"), ("t", "Nord"), ("u", "Sud"))
    }
    for name, one in people.items():
        made(one, title=name, customerId=firm, value=10, stage="won")
    for right, titles in (("sales.view:own", {"s"}), ("sales.view:team", {"s", "t"})):
        with platform():
            user = people["s"].user
            role, _new = Role.objects.get_or_create(
                organization=cast.a, key=right.replace(":", "-").replace(".", "-"), defaults={"name": right}
            )
            role.permissions = [right, right.replace("view", "edit"), "customers.view"]
            role.save()
            user.role = role
            user.save()
        one = Person(user, {"Authorization": f"Bearer {tokens.issue(user)[0]}"})
        listed = one.get("/sales").json()
        assert {row["title"] for row in listed["data"]} == titles
        assert listed["meta"]["total"] == len(titles)
        assert one.get("/sales/forecasting").json()["data"]["totals"]["won"] == 10.0 * len(titles)
        assert one.get("/sales/analytics").json()["data"]["won"] == len(titles)
        assert len(one.get("/sales/leaderboard").json()["data"]) == len(titles)
        hidden = alice.get("/sales?title=u").json()["data"][0]["id"]
        assert one.get(f"/sales/{hidden}").status_code == one.put(f"/sales/{hidden}", {"title": "x"}).status_code == 404
        assert one.patch(f"/sales/{hidden}/stage", {"stage": "lead"}).status_code == 404
