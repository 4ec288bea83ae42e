"""Worksheets and quality control over the API, as an instrument or a laboratory system uses them."""

from typing import Any

import pytest

from portal.core.tenancy.scope import platform, tenant
from portal.lab.models import Parameter, Result
from portal.lab.quality.models import QcResult
from portal.lab.worksheets.models import Worksheet
from tests.api.conftest import Cast, Person
from tests.api.test_lab import refusal, sample

pytestmark = pytest.mark.django_db


def nitrate() -> str:
    with platform():
        return str(Parameter.objects.get(code="NO3", organization=None).pk)


def made(response: Any, status: int = 201) -> dict[str, Any]:
    assert response.status_code == status, response.content
    return dict(response.json()["data"])


def a_material(person: Person) -> dict[str, Any]:
    material = made(person.post("/qc/materials", {"name": "Anions", "lot": "7", "expiresOn": "2030-01-01"}))
    target = {"parameterId": nitrate(), "unit": "mg/L NO3", "assigned": 50, "sd": "2"}
    made(person.post(f"/qc/materials/{material['id']}/targets", target))
    return material


def a_worksheet(person: Person, *items: dict[str, Any]) -> dict[str, Any]:
    body = {"method": "Ion chromatography", "parameters": [{"parameterId": nitrate()}], "items": list(items)}
    return made(person.post("/worksheets", body))


def test_an_instrument_fills_a_worksheet_and_a_manager_verifies_it(cast: Cast) -> None:
    material = a_material(cast.alice)
    limits = {"parameterId": nitrate(), "maxRpd": 10, "blankLimit": "0.5"}
    criterion = made(cast.alice.post("/qc/criteria", limits))
    assert (criterion["maxRpd"], criterion["unit"], criterion["spikeLow"]) == (10, "mg/L NO3", None)
    water = sample(cast.bob, status="received")
    work = cast.bob.get(f"/worksheets/open-work?parameterId={nitrate()}").json()
    assert [(row["code"], row["missing"]) for row in work["data"]] == [(water["code"], 1)]

    items = [{"kind": "control", "materialId": material["id"]}, {"kind": "blank"}, {"sampleId": water["id"]}]
    sheet = a_worksheet(cast.bob, *items, {"kind": "duplicate", "sampleId": water["id"]})
    address = f"/worksheets/{sheet['id']}"
    assert [(item["position"], item["kind"]) for item in sheet["items"]] == [
        (1, "control"), (2, "blank"), (3, "sample"), (4, "duplicate"),
    ]  # fmt: skip
    cells = [
        {"itemId": item["id"], "parameterId": nitrate(), "value": value}
        for item, value in zip(sheet["items"], ("50.8", "<0.2", "40.1", "41.0"), strict=True)
    ]
    told = made(cast.bob.post(f"{address}/results", {"cells": cells}), 200)
    assert told["control"] == "in_control"
    assert [(cell["status"], cell["verdict"]) for cell in told["cells"]] == [
        ("saved", "PASS"), ("saved", "PASS"), ("saved", "pass"), ("saved", "PASS"),
    ]  # fmt: skip
    again = made(cast.bob.post(f"{address}/results", {"cells": cells}), 200)
    assert {cell["status"] for cell in again["cells"]} == {"unchanged"}
    other = [cells[2] | {"value": "60"}]
    assert made(cast.bob.post(f"{address}/results", {"cells": other}), 200)["cells"][0]["status"] == "conflict"

    stale = cast.bob.post(f"{address}/complete", {"version": 0})
    assert refusal(stale)[:2] == (409, "VERSION_CONFLICT")
    assert made(cast.bob.post(f"{address}/complete"), 200)["status"] == "completed"
    assert refusal(cast.bob.post(f"{address}/results", {"cells": cells}))[:2] == (422, "ILLEGAL_TRANSITION")
    assert refusal(cast.bob.post(f"{address}/verify"))[:2] == (403, "PERMISSION_DENIED")
    done = made(cast.alice.post(f"{address}/verify"), 200)
    assert (done["status"], done["verifiedBy"]) == ("verified", str(cast.alice.user.pk))
    results = cast.carol.get(f"/samples/{water['id']}/results").json()["data"]
    assert [row["valueText"] for row in results] == ["40.1"]
    assert cast.carol.get(f"/qc/results?worksheetId={sheet['id']}&kind=duplicate").json()["meta"]["total"] == 1


def test_a_daily_control_draws_the_chart(cast: Cast) -> None:
    material = a_material(cast.alice)
    control = {"kind": "control", "parameterId": nitrate(), "materialId": material["id"], "unit": "mg/L NO3"}
    days = [control | {"value": v, "measuredAt": f"2026-11-0{n}T08:00:00Z"} for n, v in ((1, "50.5"), (2, 57.0))]
    first, second = (made(cast.bob.post("/qc/results", day)) for day in days)

    assert (first["verdict"], first["score"], first["figure"]) == ("PASS", 0.25, 101)
    assert (second["verdict"], second["rules"], second["valueText"]) == ("FAIL", ["1_2s", "1_3s"], "57.0")
    chart = made(cast.carol.get(f"/qc/chart?materialId={material['id']}&parameterId={nitrate()}"), 200)
    assert (chart["mean"], chart["sd"]) == (50, 2)
    assert [(point["value"], point["rules"]) for point in chart["points"]] == [(50.5, []), (57, ["1_2s", "1_3s"])]
    assert made(cast.carol.get(f"/qc/results/{second['id']}"), 200) == second


def test_the_head_and_positions_of_an_open_worksheet_change(cast: Cast) -> None:
    sheet = a_worksheet(cast.bob, {"kind": "blank"})
    address = f"/worksheets/{sheet['id']}"

    changed = made(cast.bob.patch(address, {"edition": "2007", "version": sheet["version"]}), 200)
    assert (changed["edition"], changed["method"]) == ("2007", "Ion chromatography")
    assert refusal(cast.bob.patch(address, {"edition": "x", "version": sheet["version"]}))[0] == 409
    grown = made(cast.bob.post(f"{address}/items", {"items": [{"kind": "blank"}]}), 200)
    assert len(grown["items"]) == 2
    order = [item["id"] for item in grown["items"]][::-1]
    turned = made(cast.bob.put(f"{address}/items/order", {"itemIds": order, "version": grown["version"]}), 200)
    assert [(item["id"], item["position"]) for item in turned["items"]] == [(order[0], 1), (order[1], 2)]
    assert made(cast.bob.put(f"{address}/items/order", {"itemIds": order}), 200)["version"] == turned["version"]
    assert refusal(cast.bob.put(f"{address}/items/order", {"itemIds": order[:1]})) == (
        400,
        "VALIDATION_ERROR",
        "itemIds",
    )
    stale = cast.bob.put(f"{address}/items/order", {"itemIds": order, "version": grown["version"]})
    assert refusal(stale)[:2] == (409, "VERSION_CONFLICT")
    assert cast.carol.put(f"{address}/items/order", {"itemIds": order}).status_code == 403
    assert cast.bob.delete(f"{address}/items/{grown['items'][0]['id']}").status_code == 200
    assert cast.bob.delete(address).status_code == 200
    assert cast.bob.get(address).status_code == 404


def test_who_may_what_and_whose(cast: Cast) -> None:
    material, water = a_material(cast.alice), sample(cast.bob, status="received")
    sheet = a_worksheet(cast.bob, {"sampleId": water["id"]})
    cell = {"itemId": sheet["items"][0]["id"], "parameterId": nitrate(), "value": "5"}

    assert cast.bob.post("/qc/materials", {"name": "x", "lot": "1"}).status_code == 403
    assert cast.carol.post(f"/worksheets/{sheet['id']}/results", {"cells": [cell]}).status_code == 403
    assert cast.mallory.get(f"/worksheets/{sheet['id']}").status_code == 404
    assert cast.mallory.get(f"/qc/materials/{material['id']}").status_code == 404
    mine = a_worksheet(cast.mallory, {"kind": "blank"})
    told = made(cast.mallory.post(f"/worksheets/{mine['id']}/results", {"cells": [cell]}), 200)
    assert told["cells"][0]["status"] == "error"
    body = {"method": "IC", "parameters": [{"parameterId": nitrate()}], "items": [{"sampleId": water["id"]}]}
    assert refusal(cast.mallory.post("/worksheets", body)) == (400, "VALIDATION_ERROR", "items")
    control = {"kind": "control", "parameterId": nitrate(), "materialId": material["id"], "value": "1"}
    assert refusal(cast.mallory.post("/qc/results", control)) == (400, "VALIDATION_ERROR", "materialId")
    with tenant(cast.a.pk):
        assert not Result.objects.exists()
        assert not QcResult.objects.exists()
        assert Worksheet.objects.count() == 1
