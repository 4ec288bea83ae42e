"""Units, boundaries, assignments and refusals over the API; the areas in the sign-in of a device."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import orjson
import pytest
import shapely
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from portal.core.audit.models import Action, SecurityEvent
from portal.core.geo import demo_set, units
from portal.core.notifications.models import Notification
from portal.core.tenancy.scope import platform, tenant
from portal.survey.areas.denials import Attempt, deny
from portal.survey.areas.scoping import scope
from tests.api.conftest import PASSWORD, Cast, Person

pytestmark = pytest.mark.django_db
UNKNOWN = str(uuid4())


def found(person: Person, path: str) -> Any:
    response = person.get(path)
    assert response.status_code == 200, response.content
    return response.json()["data"]


def refusal(response: Any) -> tuple[int, str, str | None]:
    error = response.json()["errors"][0]
    return response.status_code, error["code"], error["field"]


def unit(person: Person, code: str) -> dict[str, Any]:
    return next(row for row in found(person, f"/geo/units?search={code}&limit=200") if row["code"] == code)


@pytest.mark.covers("004-LBAC-06")
def test_units_form_a_tree_that_everybody_reads(cast: Cast) -> None:
    governorates = found(cast.bob, "/geo/units?level=governorate")
    assert [row["code"] for row in governorates] == ["XY11", "XY24"]
    first = governorates[0]
    assert first["isoCode"] == "YE-SN"
    assert (first["parentId"], first["hasBoundary"], first["datasetVersion"]) == (None, True, demo_set.VERSION)
    west, south, east, north = first["bbox"]
    assert 43 < west < east < 45
    assert 15 < south < north < 16
    districts = found(cast.mallory, f"/geo/units?parentId={first['id']}")
    assert [row["level"] for row in districts] == ["district"] * 3
    assert len(found(cast.root, "/geo/units?limit=200")) == 27
    assert {row["nameAr"] for row in found(cast.bob, "/geo/units?search=صَنعاء")} == {"صنعاء (تجريبية)"}
    assert [row["code"] for row in found(cast.bob, "/geo/units?level=neighborhood&hasBoundary=true")][:1] == [
        "XY11010101"
    ]
    detail = found(cast.bob, f"/geo/units/{first['id']}")
    assert shapely.geometry.shape(detail["boundary"]).bounds == tuple(first["bbox"])
    assert cast.bob.get(f"/geo/units/{UNKNOWN}").status_code == 404
    assert cast.bob.get("/geo/units?level=planet").status_code == 400


@pytest.mark.covers("004-LBAC-02", "004-LBAC-06")
def test_areas_are_assigned_changed_and_taken_away(cast: Cast, trail: Callable[..., Any]) -> None:
    sanaa, aden = unit(cast.alice, "XY11"), unit(cast.alice, "XY24")
    district = unit(cast.alice, "XY1102")
    body = {"userId": str(cast.bob.user.pk), "governorateId": sanaa["id"], "districtId": district["id"]}

    for person, status in ((cast.bob, 403), (cast.carol, 403)):
        assert person.post("/geo/assignments", body).status_code == status
    assert refusal(cast.mallory.post("/geo/assignments", body))[::2] == (400, "userId")
    assert refusal(cast.alice.post("/geo/assignments", body | {"governorateId": aden["id"]}))[::2] == (
        400,
        "districtId",
    )
    assert refusal(cast.alice.post("/geo/assignments", body | {"districtId": 7}))[::2] == (400, "districtId")
    assert refusal(cast.alice.post("/geo/assignments", body | {"validTo": "2020-01-01T00:00:00Z"}))[::2] == (
        400,
        "validTo",
    )
    made = cast.alice.post("/geo/assignments", body)
    assert made.status_code == 201, made.content
    row = made.json()["data"]
    assert (row["level"], row["unitCode"], row["status"], row["validTo"]) == ("district", "XY1102", "active", None)
    assert refusal(cast.alice.post("/geo/assignments", body))[:2] == (409, "DUPLICATE")
    path = f"/geo/assignments/{row['id']}"

    def reach() -> tuple[str, ...]:
        with tenant(cast.a.pk):
            return scope(cast.bob.user).codes

    assert reach() == ("XY1102",)
    widened = cast.alice.patch(path, {"districtId": None})
    assert widened.json()["data"]["unitCode"] == "XY11"
    assert reach() == ("XY11",)
    login = Client().post(
        "/api/mobile/v1/auth/login",
        {"username": cast.bob.user.email, "password": PASSWORD, "deviceInfo": {"deviceId": "tablet-7"}},
        content_type="application/json",
    )
    assert login.json()["data"]["user"]["geographicAssignments"] == [
        {"governorateId": sanaa["id"], "districtId": None, "subDistrictId": None, "neighborhoodId": None}
    ]
    ended = cast.alice.patch(path, {"validFrom": "2020-01-01T00:00:00Z", "validTo": "2021-01-01T00:00:00Z"})
    assert ended.json()["data"]["status"] == "ended"
    assert reach() == ()
    assert [one["id"] for one in found(cast.alice, "/geo/assignments?status=ended")] == [row["id"]]
    assert found(cast.alice, "/geo/assignments?status=active") == []
    assert len(found(cast.alice, f"/geo/assignments?unitId={sanaa['id']}&search=bob صنعاء")) == 1
    assert found(cast.mallory, "/geo/assignments") == []
    for method in ("get", "delete"):
        assert cast.mallory.call(method, path).status_code == 404
    assert cast.mallory.patch(path, {}).status_code == 404
    assert cast.alice.delete(path).status_code == 200
    assert cast.alice.get(path).status_code == 404
    assert [entry.object_pk for entry in trail(Action.DELETE, entity="geo_assignment")] == [row["id"]]


@pytest.mark.covers("004-LBAC-03", "004-LBAC-05")
def test_a_refusal_can_be_explained_after_the_boundaries_changed(cast: Cast, trail: Callable[..., Any]) -> None:
    body = {"userId": str(cast.bob.user.pk), "governorateId": unit(cast.alice, "XY11")["id"]}
    cast.alice.post("/geo/assignments", body)
    at = (43.5, 15.2)
    for _time in range(3):
        with tenant(cast.a.pk, by=cast.bob.user.actor(device="tablet-7", request="req-1")):
            decision = scope(cast.bob.user).decide(*at, accuracy=5)
            deny(decision, Attempt(user=cast.bob.user, lon=at[0], lat=at[1], accuracy=5))

    rows = found(cast.alice, f"/survey/denials?userId={cast.bob.user.pk}")
    assert len(rows) == 3
    row = rows[0]
    assert row["distanceOutsideM"] == pytest.approx(42_900, rel=0.02)
    assert (row["rule"], row["deviceId"], row["requestId"]) == ("OUTSIDE_AREA", "tablet-7", "req-1")
    assert (row["lat"], row["lng"], row["marginM"], row["datasetVersion"]) == (15.2, 43.5, 205, "1")
    assert len(trail(Action.DENIED)) == 3
    with platform():
        event = SecurityEvent.objects.get(type="lbac.violation")
        assert (event.count, event.severity) == (3, "high")
        assert Notification.objects.filter(kind="area.violations").count() == 1

    path = f"/survey/denials/{row['id']}"
    told = found(cast.alice, f"{path}/explain")
    assert told["allowedUnits"][0]["code"] == "XY11"
    assert shapely.geometry.shape(told["allowedArea"]["features"][0]["geometry"]).area > 0.2
    lon, _lat = told["nearestPoint"]["coordinates"]
    assert lon == pytest.approx(43.9, abs=0.02)
    assert "43.0 km outside" in told["message"]
    for person, status in ((cast.bob, 403), (cast.mallory, 404)):
        assert person.get(f"{path}/explain").status_code == status
        assert person.get(path).status_code == status
    assert found(cast.mallory, "/survey/denials") == []
    assert cast.alice.get("/survey/denials?dateTo=2020-01-01").json()["data"] == []

    replaced = upload(cast.root, boundaries("XY11", 43.4, 15.1), name="New", version="2")
    assert replaced.status_code == 201, replaced.content
    with tenant(cast.a.pk):
        assert scope(cast.bob.user).decide(*at, accuracy=5).allowed  # the same code is elsewhere now
    assert found(cast.alice, path)["distanceOutsideM"] == row["distanceOutsideM"]
    assert found(cast.alice, f"{path}/explain")["nearestPoint"] == told["nearestPoint"]


def boundaries(code: str, west: float, south: float) -> bytes:
    shape = orjson.loads(shapely.to_geojson(shapely.box(west, south, west + 0.2, south + 0.2)))
    feature = {"type": "Feature", "geometry": shape, "properties": {"pcode": code, "level": 1, "name_en": "One"}}
    return orjson.dumps({"type": "FeatureCollection", "features": [feature]})


def upload(person: Person, content: bytes, **fields: str) -> Any:
    return Client().post(
        "/api/v1/geo/datasets",
        {"file": SimpleUploadedFile("units.geojson", content), **fields},
        headers=person.headers,
    )


def test_a_superadmin_loads_boundaries(cast: Cast) -> None:
    good = boundaries("YE11", 44.0, 14.0)

    assert upload(cast.alice, good, name="Mine", version="1").status_code == 403
    made = upload(cast.root, good, name="Mine", version="1", activate="false")
    assert made.status_code == 201, made.content
    row = made.json()["data"]
    assert (row["status"], row["isActive"], row["counts"]["governorate"]) == (
        "ready",
        False,
        {"units": 1, "boundaries": 1},
    )
    assert units.index().version == "1"
    assert units.index().id != row["id"]
    assert refusal(upload(cast.root, good, name="Mine", version="1"))[0] == 409
    assert refusal(upload(cast.root, good, name="Mine", version=""))[::2] == (400, "version")
    assert cast.alice.post(f"/geo/datasets/{row['id']}/activate").status_code == 403
    assert cast.root.post(f"/geo/datasets/{row['id']}/activate").json()["data"]["isActive"] is True
    assert [one["code"] for one in found(cast.bob, "/geo/units")] == ["YE11"]
    failed = upload(cast.root, boundaries("YE11", 14.0, 44.0), name="Mine", version="2").json()["data"]
    assert failed["status"] == "failed"
    assert "swapped" in failed["errors"][0]["message"]
    assert [one["isActive"] for one in found(cast.bob, "/geo/datasets?sort=createdAt")] == [False, True, False]
