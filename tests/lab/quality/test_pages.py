"""Pages of worksheets and quality control: who may what, forms with and without script, print, languages."""

import json
from typing import Any

import pytest
from django.test import Client

from portal.core.notifications.models import Event
from portal.lab.models import Result
from portal.lab.quality.models import AcceptanceCriterion, ControlMaterial, ControlTarget, QcResult
from portal.lab.worksheets import services
from portal.lab.worksheets.models import Worksheet
from portal.lab.worksheets.services import Place
from tests.core.people import Cast
from tests.lab.quality.test_worksheets import a_material, a_sample, a_worksheet, acting, filled, items, parameter
from tests.lab.test_pages import page

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> Cast:
    return Cast()


@pytest.fixture(autouse=True)
def static_files(tmp_path: Any, settings: Any) -> None:
    settings.STATIC_ROOT = tmp_path


def send(client: Client, url: str, cells: list[dict[str, Any]]) -> Any:
    return client.post(url, json.dumps({"cells": cells}), content_type="application/json")


def test_who_may_open_what(cast: Cast) -> None:
    with acting(cast.alice):
        sheet, _ids = filled(cast, cast.alice)
        target = ControlTarget.objects.get()
    chart = f"/qc/materials/{target.material_id}/charts/{target.parameter_id}"
    own = f"/worksheets/{sheet.pk}"
    seen = ("/worksheets", own, "/qc", "/qc/results", "/qc/criteria", f"/qc/materials/{target.material_id}", chart)
    for name, read, edit in (("alice", 200, 200), ("carol", 200, 403), ("bob", 403, 403)):
        client = page(getattr(cast, name))
        for url in seen:
            assert client.get(url).status_code == read, (name, url)
        for url in ("/worksheets/new", f"{own}/edit", f"{own}/positions", "/qc/criteria/new"):
            assert client.get(url).status_code == edit, (name, url)
    outside = page(cast.mallory)
    for url in (own, f"{own}/pdf", chart, f"{chart}/pdf", f"/qc/values/{target.pk}"):
        assert outside.get(url).status_code == 404, url
    assert send(outside, f"/worksheets/{sheet.pk}/entry", []).status_code == 404


def test_a_worksheet_is_made_from_the_open_work(cast: Cast) -> None:
    with acting(cast.alice):
        samples = [a_sample(cast.alice, location=f"Tap {n}") for n in (1, 2)]
        lot, nitrate = a_material(cast.alice), parameter("NO3").pk
    client = page(cast.alice)
    url = f"/worksheets/new?parameters={nitrate}&q=tap"

    shown = client.get(url)
    assert all(sample.code in shown.content.decode() for sample in samples)
    assert samples[0].code not in client.get("/worksheets/new").content.decode()
    assert "<html" not in client.get(url, headers={"HX-Request": "true"}).content.decode()
    form = {
        "method": "IC", "analyst": cast.alice.pk, "blanks": 1, "duplicates": 1, "spikes": 1, "materials": [lot.pk],
        f"unit-{nitrate}": "mg/L N",
    }  # fmt: skip
    refused = client.post(url, form)
    assert refused.status_code == 422
    assert "Choose at least one sample." in refused.content.decode()
    made = client.post(url, form | {"samples": [sample.pk for sample in samples]})
    assert made.status_code == 302
    with acting(cast.alice):
        sheet = Worksheet.objects.get()
        kinds = ["control", "blank", "sample", "duplicate", "spike", "sample"]
        assert [item.kind for item in items(sheet)] == kinds
        assert sheet.columns.get().unit == "mg/L N"
    assert client.post(f"/worksheets/{sheet.pk}/positions", {"kind": "blank"}).status_code == 302
    with acting(cast.alice):
        last = items(sheet)[-1]
        assert (last.kind, last.position) == ("blank", 7)
    client.post(f"/worksheets/{sheet.pk}/positions/{last.pk}/remove")
    assert "No open work" in client.get(f"/worksheets/{sheet.pk}/positions").content.decode()
    client.post(f"/worksheets/{sheet.pk}/delete")
    with acting(cast.alice):
        assert not Worksheet.objects.exists()


def test_the_grid_answers_the_script_and_a_plain_form_alike(cast: Cast) -> None:
    with acting(cast.alice):
        sheet = a_worksheet(cast.alice, Place("sample", sample=a_sample(cast.alice).pk), Place("blank"))
        one, two = (item.pk for item in items(sheet))
        nitrate = parameter("NO3").pk
    client = page(cast.alice)
    entry, check = f"/worksheets/{sheet.pk}/entry", f"/worksheets/{sheet.pk}/check"
    place = f"/worksheets/{sheet.pk}/positions/{two}/move"
    assert client.post(place, {"position": "1"}).status_code == 302
    moved = client.post(place, {"position": "9"}, headers={"Accept": "application/json"}).json()
    assert moved["layout"] == f"open {one} {two}"
    with acting(cast.alice):
        assert Event.objects.filter(type="worksheet.changed").count() == 3  # made, and moved twice
    grid = page(cast.carol).get(f"/worksheets/{sheet.pk}/state").json()
    assert (grid["layout"], [cell["value"] for cell in grid["cells"]]) == (moved["layout"], ["", ""])
    assert page(cast.carol).post(place, {"position": "1"}).status_code == 403
    at = {"parameterId": str(nitrate)}

    typed = [at | {"itemId": str(one), "value": "60"}, at | {"itemId": str(two), "value": "?"}]
    checked = send(client, check, typed).json()["cells"]
    assert [(cell["status"], "Fail" in cell["badge"]) for cell in checked] == [("checked", True), ("error", False)]
    assert send(client, check, [{"itemId": "x"}]).status_code == 400
    told = send(client, entry, [at | {"itemId": str(one), "value": "60", "version": None}]).json()
    assert told["cells"][0]["status"] == "saved"
    seen = page(cast.carol).get(f"/worksheets/{sheet.pk}/state").json()["cells"][0]
    assert (seen["value"], seen["version"], "Fail" in seen["badge"]) == ("60", told["cells"][0]["version"], True)

    form = {f"v:{one}:{nitrate}": "61", f"v:{two}:{nitrate}": "oops", "versions": "{}"}
    refused = client.post(entry, form)  # the form was opened before anything was saved
    assert refused.status_code == 422
    body = refused.content.decode()
    assert "Somebody else has entered 60 here." in body
    assert 'value="oops"' in body
    version = told["cells"][0]["version"]
    fine = form | {f"v:{two}:{nitrate}": "0.1", "versions": json.dumps({f"{one}:{nitrate}": version})}
    assert client.post(entry, fine).status_code == 302
    with acting(cast.alice):
        assert Result.objects.get().value_text == "61"
        assert QcResult.objects.get().value_text == "0.1"
    client.post(f"/worksheets/{sheet.pk}/edit", {"method": "IC", "analyst": cast.alice.pk, "notes": "eluent new"})
    client.post(f"/worksheets/{sheet.pk}/complete")
    assert send(client, entry, []).status_code == 422
    with acting(cast.alice):
        sheet.refresh_from_db()
        assert (sheet.status, sheet.notes, sheet.method) == ("completed", "eluent new", "IC")


def test_a_run_out_of_control_is_decided_and_verified(cast: Cast) -> None:
    mona = cast.person("mona", "Manager", cast.a)
    with acting(cast.alice):
        sheet, _ids = filled(cast, cast.alice, control="57")
        services.worksheet_complete(worksheet=sheet, by=cast.alice)
    manager, url = page(mona), f"/worksheets/{sheet.pk}"

    assert "Decide on the run" in manager.get(url).content.decode()
    manager.post(f"{url}/verify")
    assert "1_3s" in manager.get(f"{url}/decide").content.decode()
    assert manager.post(f"{url}/decide", {"decision": "accept", "reason": ""}).status_code == 422
    assert manager.post(f"{url}/decide", {"decision": "accept", "reason": "far below"}).status_code == 302
    assert page(cast.alice).post(f"{url}/verify").status_code == 403
    manager.post(f"{url}/verify")
    with acting(mona):
        sheet.refresh_from_db()
        assert (sheet.status, sheet.decision_reason, sheet.verified_by) == ("verified", "far below", mona)


def test_materials_values_and_criteria_by_form(cast: Cast) -> None:
    client = page(cast.alice)
    nitrate = parameter_id(cast)

    assert client.post("/qc/materials/new", {"name": "", "lot": "1"}).status_code == 422
    lot = {"name": "Anions", "lot": "1", "is_active": "on", "expires_on": "2020-01-01"}
    made = client.post("/qc/materials/new", lot)
    assert "expired" in client.get(made["Location"]).content.decode()
    values = {"parameter": nitrate, "assigned": "٥٠", "sd": "2,5", "basis": "fixed"}
    assert client.post(f"{made['Location']}/values/new", values | {"sd": ""}).status_code == 422
    assert client.post(f"{made['Location']}/values/new", values).status_code == 302
    with acting(cast.alice):
        target = ControlTarget.objects.get()
        assert (target.assigned, str(target.sd.normalize()), target.unit) == (50, "2.5", "mg/L NO3")  # type: ignore[union-attr]
    assert client.post(f"/qc/values/{target.pk}", values | {"assigned": "51"}).status_code == 302
    client.post(f"/qc/values/{target.pk}/delete")
    assert client.post("/qc/criteria/new", {"parameter": nitrate, "max_rpd": "10"}).status_code == 302
    assert client.post("/qc/criteria/new", {"parameter": nitrate, "max_rpd": "20"}).status_code == 422
    with acting(cast.alice):
        assert not ControlTarget.objects.exists()
        assert ControlMaterial.objects.get().lot == "1"
        criterion = AcceptanceCriterion.objects.get()
    assert client.post(f"/qc/criteria/{criterion.pk}", {"spike_low": "80"}).status_code == 302
    client.post(f"/qc/criteria/{criterion.pk}/delete")
    with acting(cast.alice):
        assert not AcceptanceCriterion.objects.exists()


def parameter_id(cast: Cast) -> str:
    with acting(cast.alice):
        return str(parameter("NO3").pk)


@pytest.mark.parametrize("language", ["ar", "fr"])
def test_print_and_chart_in_other_languages(cast: Cast, language: str) -> None:
    with acting(cast.alice):
        sheet, _ids = filled(cast, cast.alice, control="57")
        target = ControlTarget.objects.get()
    client = page(cast.alice, language)
    client.cookies["marsad_language"] = language
    chart = f"/qc/materials/{target.material_id}/charts/{target.parameter_id}"

    for url in (f"/worksheets/{sheet.pk}/pdf", f"{chart}/pdf") if language == "ar" else ():  # the hard one
        assert client.get(url).content.startswith(b"%PDF")
    shown = client.get(f"{chart}?date_from=2026-11-01&date_to=2026-11-30").content.decode()
    assert 'lang="' + language in shown
    assert "1_3s" in shown
