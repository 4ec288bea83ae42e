"""Sampling points, programme, trends, own parameters and sums over the API."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portal.core.audit.models import Action
from portal.core.common import clock
from portal.core.tenancy.scope import platform
from portal.lab.models import Parameter, SamplingPoint
from portal.lab.points.models import ParameterRange, ProgrammeItem
from tests.api.conftest import Cast, Person
from tests.api.test_lab import TAP, UNKNOWN, refusal, result, sample

pytestmark = pytest.mark.django_db
WELL = {"code": "P-1", "name": "بئر الشمال", "type": "groundwater", "city": "Fès", "latitude": 34.03, "longitude": -5.0}


def point(person: Person, **more: Any) -> dict[str, Any]:
    response = person.post("/sampling-points", WELL | more)
    assert response.status_code == 201, response.content
    return dict(response.json()["data"])


def parameter(code: str) -> str:
    with platform():
        return str(Parameter.objects.get(code=code, organization=None).pk)


def test_a_point_is_registered_changed_and_taken_out_of_use(cast: Cast, trail: Callable[..., Any]) -> None:
    made = point(cast.alice, population=1200)

    assert made | {"notes": "", "isActive": True, "population": 1200} == made
    assert refusal(cast.alice.post("/sampling-points", WELL)) == (409, "DUPLICATE", "code")
    assert refusal(cast.alice.post("/sampling-points", WELL | {"code": "P-2", "latitude": 99}))[0] == 400
    assert refusal(cast.alice.patch(f"/sampling-points/{made['id']}", {"latitude": None}))[2] == "latitude"
    changed = cast.alice.patch(f"/sampling-points/{made['id']}", {"isActive": False, "name": "بئر الجنوب"})
    assert (changed.status_code, changed.json()["data"]["isActive"]) == (200, False)
    assert cast.carol.get("/sampling-points?search=الجنوب fes").json()["meta"]["total"] == 1
    assert cast.carol.get("/sampling-points?active=true").json()["data"] == []
    assert [entry.action for entry in trail(Action.CREATE, entity="sampling_point")] == [Action.CREATE]
    (entry,) = trail(Action.UPDATE, entity="sampling_point")
    assert entry.changes["is_active"] == [True, False]


def test_who_may_change_points(cast: Cast) -> None:
    made = point(cast.alice)
    for person in (cast.bob, cast.carol):
        assert person.get(f"/sampling-points/{made['id']}").status_code == 200
        assert person.patch(f"/sampling-points/{made['id']}", {"name": "x"}).status_code == 403
    assert cast.mallory.get(f"/sampling-points/{made['id']}").status_code == 404
    assert cast.mallory.patch(f"/sampling-points/{made['id']}", {"name": "x"}).status_code == 404
    assert cast.mallory.delete(f"/sampling-points/{made['id']}").status_code == 404
    assert cast.mallory.get("/sampling-points/geojson").json()["features"] == []
    sample(cast.bob, samplingPointId=made["id"])
    assert refusal(cast.alice.delete(f"/sampling-points/{made['id']}"))[:2] == (409, "IN_USE")
    with platform():
        assert SamplingPoint.objects.get().name == WELL["name"]


def test_the_map_shows_the_worst_verdict(cast: Cast) -> None:
    well, tap = point(cast.alice), point(cast.alice, code="P-2", latitude=34.04, longitude=-5.01)
    point(cast.alice, code="P-3", latitude=None, longitude=None)
    bad = sample(cast.bob, samplingPointId=well["id"])
    result(cast.bob, bad, value="60", unit="mg/L NO3")
    result(cast.bob, bad, parameterName="F", value="0.3", unit="mg/L")
    result(cast.bob, sample(cast.bob, samplingPointId=well["id"]), value="12", unit="mg/L NO3")

    def states(query: str) -> dict[str, str]:
        found = cast.carol.get(f"/sampling-points/geojson?zoom=18&{query}").json()["features"]
        return {one["properties"]["code"]: one["properties"]["state"] for one in found}

    assert states("") == {"P-1": "FAIL", "P-2": "NONE"}
    assert states("standard=WHO") == {"P-1": "FAIL", "P-2": "NONE"}
    assert states(f"parameterId={parameter('F')}") == {"P-1": "PASS", "P-2": "NONE"}
    assert states(f"standard=MA&parameterId={parameter('F')}") == {"P-1": "PASS", "P-2": "NONE"}
    assert states("dateTo=2020-01-01") == {"P-1": "NONE", "P-2": "NONE"}
    assert states("bbox=-5.005,30,0,40") == {"P-1": "FAIL"}
    (group,) = cast.carol.get("/sampling-points/geojson?zoom=5").json()["features"]
    assert group["properties"] | {"count": 2, "state": "FAIL", "states": {"FAIL": 1, "NONE": 1}} == group["properties"]
    assert cast.carol.get("/sampling-points/geojson?bbox=1,2").status_code == 400
    assert tap["id"] != well["id"]


def test_ten_times_the_points_are_the_same_queries(cast: Cast) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert cast.carol.get("/sampling-points/geojson?zoom=6").status_code == 200
            assert cast.carol.get("/programme/occurrences").status_code == 200
        return len(seen)

    point(cast.alice)
    before = queries()
    with platform():
        SamplingPoint.objects.bulk_create(
            SamplingPoint(organization=cast.a, code=f"B{n}", name="B", type="groundwater", latitude=n / 10, longitude=1)
            for n in range(10)
        )

    assert queries() == before


@pytest.mark.covers("001-FR-010")
def test_a_programme_makes_samples_due(cast: Cast) -> None:
    well = point(cast.alice)
    begin = (clock.now() - timedelta(days=60)).date()
    plan = {"samplingPointId": well["id"], "group": "microbiological", "parameters": ["NO3"], "frequency": "weekly"}
    made = cast.alice.post("/programme", plan | {"startsOn": str(begin)})
    assert made.status_code == 201, made.content
    item = made.json()["data"]
    assert refusal(cast.alice.post("/programme", plan | {"startsOn": str(begin), "parameters": ["X"]}))[0] == 400
    assert cast.alice.post("/programme", plan | {"startsOn": str(begin), "samplingPointId": UNKNOWN}).status_code == 404
    assert cast.bob.post("/programme", plan | {"startsOn": str(begin)}).status_code == 403
    foreign = cast.alice.patch(f"/programme/{item['id']}", {"assigneeId": str(cast.mallory.user.pk)})
    assert refusal(foreign) == (400, "VALIDATION_ERROR", "assigneeId")

    overdue = cast.carol.get("/programme/occurrences?state=overdue&limit=2").json()
    assert len(overdue["data"]) == 2
    assert overdue["meta"]["total"] in (8, 9)
    (due,) = cast.carol.get("/programme/occurrences?state=due").json()["data"]
    registered = cast.bob.post(f"/programme/{item['id']}/register")
    assert registered.status_code == 201
    card = registered.json()["data"]
    assert (card["samplingPointId"], card["location"], card["type"]) == (well["id"], WELL["name"], "groundwater")
    assert cast.carol.get("/programme/occurrences?state=due").json()["data"] == []
    (taken,) = cast.carol.get("/programme/occurrences?state=taken").json()["data"]
    assert (taken["opens"], taken["sampleId"]) == (due["opens"], card["id"])
    assert cast.carol.get("/programme/occurrences?dateFrom=2000-01-01").status_code == 400

    assert cast.alice.patch(f"/programme/{item['id']}", {"isActive": False}).status_code == 200
    assert cast.carol.get("/programme/occurrences").json()["data"] == []
    assert cast.mallory.delete(f"/programme/{item['id']}").status_code == 404
    assert cast.alice.delete(f"/programme/{item['id']}").status_code == 200
    with platform():
        assert not ProgrammeItem.objects.exists()


def test_a_trend_keeps_censored_values_at_their_bound(cast: Cast) -> None:
    well = point(cast.alice)
    for month, value in enumerate(("<0.5", "5", "6", "7", "8", "9", "10", "11", "12"), 1):
        taken = sample(cast.bob, samplingPointId=well["id"], collectionDate=f"2026-{month:02}-10T08:00:00Z")
        first = result(cast.bob, taken, value=value, unit="mg/L N" if value == "12" else "mg/L NO3")
        if value == "5":
            result(cast.bob, taken, value="5.5", unit="mg/L NO3", replacesId=first["id"])

    asked = f"/trends?samplingPointId={well['id']}&parameterId={parameter('NO3')}"
    found = cast.carol.get(f"{asked}&standard=MA").json()["data"]

    (one,) = found["series"]
    assert [(row["valueText"], row["censored"]) for row in one["values"]][:2] == [("<0.5", "<"), ("5.5", "")]
    assert one["values"][0]["number"] == 0.5
    assert one["values"][-1]["number"] == pytest.approx(53.124, abs=0.01)
    assert (one["n"], one["nCensored"], one["direction"], one["s"]) == (9, 1, "rising", 36)
    (limit,) = found["limits"]
    assert (limit["standard"], [step["upper"] for step in limit["steps"]]) == ("MA", [50])
    later = cast.carol.get(f"{asked}&dateFrom=2026-06-01").json()["data"]["series"][0]
    assert (later["n"], later["direction"]) == (4, "too_few")
    assert cast.mallory.get(asked).status_code == 404


@pytest.mark.covers("C83", "C81")
def test_own_parameters_and_ranges(cast: Cast) -> None:
    new = {"code": "MYTOX", "nameEn": "My toxin", "nameAr": "سمي", "group": "organic", "unit": "µg/L", "maxValue": 100}
    assert cast.bob.post("/parameters", new).status_code == 403
    made = cast.alice.post("/parameters", new)
    assert made.status_code == 201, made.content
    own = made.json()["data"]
    assert (own["maxValue"], own["organizationId"]) == (100, str(cast.a.pk))
    assert refusal(cast.alice.post("/parameters", new))[2] == "code"
    assert refusal(cast.alice.post("/parameters", new | {"code": "NO3"}))[2] == "code"
    assert refusal(cast.alice.post("/parameters", new | {"code": "Y", "unit": "furlong"}))[2] == "unit"
    assert cast.mallory.patch(f"/parameters/{own['id']}", {"maxValue": 1}).status_code == 404

    tap = sample(cast.bob)
    assert result(cast.bob, tap, parameterName="سمي", value="50", unit="µg/L")["parameterCode"] == "MYTOX"
    assert cast.alice.patch(f"/parameters/{own['id']}", {"unit": "mg/L"}).status_code == 409
    assert cast.alice.patch(f"/parameters/{own['id']}", {"isActive": False}).json()["data"]["isActive"] is False
    body = {"parameterName": "MYTOX", "value": "5", "unit": "µg/L"}
    assert cast.bob.post(f"/samples/{tap['id']}/results", body).status_code == 400
    assert cast.carol.get(f"/samples/{tap['id']}/results").json()["data"][0]["parameterCode"] == "MYTOX"

    nitrate = parameter("NO3")
    assert cast.alice.patch(f"/parameters/{nitrate}", {"code": "X"}).status_code == 400
    ours = cast.alice.patch(f"/parameters/{nitrate}", {"maxValue": 200, "holdingHours": 12})
    assert (ours.status_code, ours.json()["data"]["maxValue"]) == (200, 200)
    value = {"parameterName": "NO3", "value": "300", "unit": "mg/L NO3"}
    assert refusal(cast.bob.post(f"/samples/{tap['id']}/results", value)) == (400, "VALIDATION_ERROR", "value")
    late = result(cast.bob, tap, value="30", unit="mg/L NO3", testDate="2026-11-21T09:15:00Z")
    assert late["flags"] == ["HOLDING_TIME_EXCEEDED"]
    theirs = sample(cast.mallory)
    assert result(cast.mallory, theirs, value="300", unit="mg/L NO3")["flags"] == []
    with platform():
        assert ParameterRange.objects.count() == 1


def test_a_sum_is_calculated_and_brought_up_to_date(cast: Cast) -> None:
    with platform():
        total = next(row for row in Parameter.objects.filter(organization=None) if len(row.members) > 1)
        parts = list(Parameter.objects.filter(code__in=total.members, organization=None)[:2])
    tap = sample(cast.bob)
    asked = {"parameterId": str(total.pk)}
    assert cast.bob.post(f"/samples/{tap['id']}/sums", asked).status_code == 400
    for part in parts:
        result(cast.bob, tap, parameterName=part.code, value="1", unit=part.unit)

    made = cast.bob.post(f"/samples/{tap['id']}/sums", asked)
    again = cast.bob.post(f"/samples/{tap['id']}/sums", asked)

    assert made.status_code == 201, made.content
    assert made.json()["data"]["parameterCode"] == total.code
    assert made.json()["data"]["id"] == again.json()["data"]["id"]
    assert cast.carol.post(f"/samples/{tap['id']}/sums", asked).status_code == 403
    assert cast.mallory.post(f"/samples/{tap['id']}/sums", asked).status_code == 404
    assert cast.bob.post(f"/samples/{tap['id']}/sums", {"parameterId": parameter("PH")}).status_code == 400
    assert TAP["location"] == tap["location"]
