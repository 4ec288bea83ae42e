"""Portal pages of sampling points, programme, trends and own parameters."""

import json
import re
from datetime import date
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portal.core.audit.models import Action, AuditEntry
from portal.core.common import clock
from portal.core.tenancy.scope import tenant
from portal.lab.imports.models import ImportRun, ImportSource
from portal.lab.models import Parameter, Result, Sample, SamplingPoint
from portal.lab.points import services
from portal.lab.points.models import ProgrammeItem
from tests.core.people import Cast
from tests.lab.test_pages import a_result, a_sample, cast, nitrate, page, static_files

pytestmark = pytest.mark.django_db
__all__ = ["cast", "static_files"]
FORM = {
    "code": "P-1",
    "name": "Well",
    "type": "groundwater",
    "latitude": "٣٣٫٥",
    "longitude": "-7,6",
    "is_active": "on",
}


def a_point(cast: Cast, **more: Any) -> SamplingPoint:
    data = {"code": "P-1", "name": "Well", "type": "groundwater", "latitude": 33.5, "longitude": -7.6} | more
    with tenant(cast.a.pk, by=cast.alice.actor()):
        return services.point_create(data=data, by=cast.alice)


def an_item(cast: Cast, point: SamplingPoint) -> ProgrammeItem:
    data = {"codes": ["NO3"], "frequency": "yearly", "starts_on": date(2020, 1, 1)}
    with tenant(cast.a.pk, by=cast.alice.actor()):
        return services.item_create(point=point, data=data, by=cast.alice)


def test_a_point_is_made_changed_and_shown(cast: Cast) -> None:
    client = page(cast.alice)
    refused = client.post("/points/new", FORM | {"latitude": "95"})
    assert refused.status_code == 422
    made = client.post("/points/new", FORM)
    assert made.status_code == 302
    with tenant(cast.a.pk):
        point = SamplingPoint.objects.get()
    assert (point.latitude, point.longitude) == (33.5, -7.6)
    taken = client.post("/points/new", FORM)
    assert (taken.status_code, b"Another sampling point has this code" in taken.content) == (422, True)
    item, sample = an_item(cast, point), a_sample(cast.alice, samplingPointId=str(point.pk))
    a_result(sample, cast.alice, "60")

    shown = client.get(f"/points/{point.pk}").content.decode()
    assert sample.code in shown
    assert f"/programme/items/{item.pk}/edit" in shown
    assert f"point={point.pk}&amp;parameter={nitrate()}" in shown
    assert client.post(f"/points/{point.pk}/delete").status_code == 302
    assert client.post(f"/points/{point.pk}/use", {"active": "0"}).status_code == 302
    with tenant(cast.a.pk):
        assert SamplingPoint.objects.get().is_active is False
    assert "In use" in client.get(f"/points/{point.pk}/history").content.decode()
    assert client.get("/points?q=wel&is_active=false").content.decode().count("data-row-link") == 1


@pytest.mark.parametrize("path", ["/points", "/points/map", "/programme", "/programme/calendar", "/trends"])
@pytest.mark.parametrize("language", ["en", "ar"])
def test_pages_open_without_and_with_data(cast: Cast, path: str, language: str) -> None:
    client = page(cast.carol, language)
    assert client.get(path).status_code == 200
    point = a_point(cast)
    an_item(cast, point)
    today = clock.wire(clock.now())  # the calendar shows this year
    a_result(a_sample(cast.alice, samplingPointId=str(point.pk), collectionDate=today), cast.alice)

    asked = client.get(f"{path}?point={point.pk}&parameter={nitrate()}&show=taken")

    assert asked.status_code == 200
    assert b"Well" in asked.content


def test_the_list_and_the_map_ask_the_same_number_of_queries_for_more_rows(cast: Cast) -> None:
    client = page(cast.alice)

    def queries(path: str) -> int:
        with CaptureQueriesContext(connection) as seen:
            assert client.get(path).status_code == 200
        return len(seen)

    paths = ("/points", "/points/map", "/points/features?zoom=12", "/programme?show=due")
    an_item(cast, a_point(cast))
    before = [queries(path) for path in paths]
    for number in range(2, 8):
        an_item(cast, a_point(cast, code=f"P-{number}", latitude=33 + number / 10))

    assert [queries(path) for path in paths] == before


def test_a_trend_page_carries_what_the_chart_draws(cast: Cast) -> None:
    point = a_point(cast)
    for day, value in ((3, "<0.5"), (9, "12"), (12, "60")):
        taken = a_sample(cast.alice, samplingPointId=str(point.pk), collectionDate=f"2026-10-{day:02}T08:00:00Z")
        a_result(taken, cast.alice, value)
    client = page(cast.alice)
    query = f"point={point.pk}&parameter={nitrate()}"

    shown = client.get(f"/trends?{query}").content.decode()

    found = re.search(r'<script id="trend-data" type="application/json">(.*?)</script>', shown)
    assert found is not None
    chart = json.loads(found[1])
    assert [(p["y"], p["c"], p["v"]) for p in chart["series"][0]["points"]] == [
        (0.5, "<", "pass"),
        (12.0, "", "pass"),
        (60.0, "", "fail"),
    ]
    assert {line["name"].rstrip(" *") for line in chart["lines"]} >= {"MA", "WHO"}
    assert "&lt;0.5" in shown
    assert "too few values" in shown
    csv = client.get(f"/trends.csv?{query}").content.decode()
    assert "<,0.5," in csv
    assert client.get(f"/trends.xlsx?{query}").status_code == 200
    assert "P-1" in client.get("/trends?code=P-1").content.decode()
    assert "no sampling point with the code" in client.get("/trends?code=P-7").content.decode()
    with tenant(cast.a.pk):
        assert AuditEntry.objects.filter(action=Action.EXPORT).count() == 2


def test_the_programme_page_registers_and_exports(cast: Cast) -> None:
    item = an_item(cast, a_point(cast))
    client = page(cast.alice)
    assert f"/programme/items/{item.pk}/register" in client.get("/programme?show=due").content.decode()

    made = client.post(f"/programme/items/{item.pk}/register")

    with tenant(cast.a.pk):
        sample = Sample.objects.get()
    assert made["Location"] == f"/samples/{sample.pk}"
    assert sample.code in client.get("/programme?show=taken").content.decode()
    assert sample.code in client.get("/programme.csv").content.decode()
    edited = client.post(
        f"/programme/items/{item.pk}/edit",
        {
            "frequency": "times_per_year",
            "times": "٤",
            "group": "metals",
            "months": ["3", "4"],
            "starts_on": "2026-01-01",
        },
    )
    assert edited.status_code == 302
    with tenant(cast.a.pk):
        held = ProgrammeItem.objects.get()
        assert (held.times, held.months, held.group, held.codes, held.is_active) == (4, [3, 4], "metals", [], False)
    new = {"point": "P-1", "codes": ["PH"], "frequency": "weekly", "starts_on": "2026-01-01", "is_active": "on"}
    assert client.post("/programme/items/new", new).status_code == 302
    assert client.post("/programme/items/new", new | {"point": "P-9"}).status_code == 422
    assert client.get("/programme/items").content.decode().count("data-row-link") == 2
    assert client.post(f"/programme/items/{item.pk}/delete").status_code == 302
    assert page(cast.carol).post("/programme/items/new", new).status_code == 403


def test_points_come_from_a_file(cast: Cast) -> None:
    client = page(cast.alice)

    def send(text: str, action: str) -> Any:
        return client.post("/points/import", {"file": SimpleUploadedFile("p.csv", text.encode()), action: "1"})

    good = "code,name,type,latitude,longitude\nP-1,Well,groundwater,33.5,-7.6\n"
    checked = send(good, "check")
    assert b"New: <bdi" in checked.content
    assert send(good + "P-2,,groundwater,,\n", "import").status_code == 422
    with tenant(cast.a.pk):
        assert not SamplingPoint.objects.exists()
    assert send(good, "import").status_code == 302
    assert "P-1,Well,groundwater" in client.get("/points.csv?q=well").content.decode()


def test_own_parameters_and_ranges_have_pages(cast: Cast) -> None:
    client = page(cast.alice)
    assert client.get("/parameters/new").status_code == 200
    new = {"code": "OWN1", "name_en": "Own", "group": "metals", "unit": "mg/L", "aliases": "Eins; Un", "maximum": "50"}
    made = client.post("/parameters/new", new)
    with tenant(cast.a.pk):
        own = Parameter.objects.get(code="OWN1")
    assert made["Location"] == f"/parameters/{own.pk}"
    assert own.aliases == ["Eins", "Un"]
    assert client.post(f"/parameters/{own.pk}/edit", new | {"name_en": "Mine"}).status_code == 302
    assert client.post(f"/parameters/{own.pk}/use", {"active": "0"}).status_code == 302
    assert "OWN1" in client.get("/parameters?own=true&is_active=false").content.decode()
    assert client.post(f"/parameters/{nitrate()}/edit", new).status_code == 422
    path = f"/parameters/{nitrate()}/range"
    assert client.post(path, {"minimum": "5", "maximum": "1"}).status_code == 422
    assert client.post(path, {"minimum": "0", "maximum": "123"}).status_code == 302
    assert "0 – 123" in client.get(f"/parameters/{nitrate()}").content.decode()
    assert "0 – 123" not in page(cast.mallory).get(f"/parameters/{nitrate()}").content.decode()
    assert client.post(path, {"reset": "1"}).status_code == 302
    assert "0 – 123" not in client.get(f"/parameters/{nitrate()}").content.decode()
    assert page(cast.carol).get(path).status_code == 403


def test_the_sample_page_calculates_a_sum(cast: Cast) -> None:
    with tenant(cast.a.pk):
        total = next(row for row in Parameter.objects.filter(organization=None) if row.members)
        part = Parameter.objects.get(code=total.members[0], organization=None)
    sample = a_sample(cast.alice)
    client = page(cast.alice)
    assert "Calculate a sum" not in client.get(f"/samples/{sample.pk}").content.decode()
    a_result(sample, cast.alice, "1", parameterName=part.code, unit=part.unit)
    assert str(total.pk) in client.get(f"/samples/{sample.pk}").content.decode()

    assert client.post(f"/samples/{sample.pk}/sums", {"parameter": str(total.pk)}).status_code == 302

    with tenant(cast.a.pk):
        assert Result.objects.filter(parameter=total).count() == 1
    assert client.post(f"/samples/{sample.pk}/sums", {"parameter": str(nitrate())}).status_code == 302
    with tenant(cast.a.pk):
        assert Result.objects.count() == 2


def test_a_source_of_imports_is_deleted_once_nothing_works_on_it(cast: Cast) -> None:
    with tenant(cast.a.pk, by=cast.alice.actor()):
        source = ImportSource.objects.create(organization=cast.a, name="Old", layout="long")
        run = ImportRun.objects.create(
            organization=cast.a, source=source, layout="long", filename="a", size=1, sha256="0", status="checked"
        )
    client = page(cast.alice)
    path = f"/imports/sources/{source.pk}/delete"
    assert "Old" in client.get(path).content.decode()
    client.post(path)
    with tenant(cast.a.pk, by=cast.alice.actor()):
        assert ImportSource.objects.exists()
        ImportRun.objects.update(status="imported")

    client.post(path)

    with tenant(cast.a.pk):
        assert not ImportSource.objects.exists()
        assert ImportRun.objects.get().pk == run.pk
    assert page(cast.carol).post(path).status_code == 403
