"""Surveyors of the tests: apps on devices, an application in the demo's boundaries, what phones send."""

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from portal.core.accounts.models import User
from portal.core.geo.models import GeoUnit
from portal.core.tenancy.scope import tenant
from portal.survey.areas import services as areas
from tests.api.conftest import Cast, Person
from tests.api.test_mobile import App, sign_in

HERE = (44.0, 15.2)  # in district XY1101
NEIGHBOUR = (44.2, 15.2)  # in district XY1102
LEVELS = {4: "governorateId", 6: "districtId", 8: "subDistrictId"}
NOW = "2026-11-20T09:15:00Z"


def unit(code: str) -> GeoUnit:
    return GeoUnit.objects.get(code=code, dataset__active=True)


def assign(cast: Cast, who: User, code: str, **more: Any) -> Any:
    """Give a person an area; the assignment."""
    with tenant(cast.a.pk, by=cast.alice.user.actor()):
        named = {name: str(unit(code[:length]).pk) for length, name in LEVELS.items() if length <= len(code)}
        return areas.assignment_create(data={"userId": str(who.pk), **named, **more}, by=cast.alice.user)


def application(cast: Cast, at: tuple[float, float] = HERE, **more: Any) -> dict[str, Any]:
    body = {
        "applicantName": "أحمد صالح الحكيمي",
        "applicantPhone": "+967 711 000 111",
        "serviceType": "building_permit",
        "plotNumber": "214/7",
        "coordinates": {"lat": at[1], "lng": at[0], "accuracy": 5},
        "requirements": ["صورة لكل زاوية"],
        "instructions": "اتصل بالمالك قبل الزيارة.",
        **more,
    }
    response = cast.alice.post("/applications", body)
    assert response.status_code == 201, response.content
    return response.json()["data"]  # type: ignore[no-any-return]


def dispatch(cast: Cast, to: dict[str, Any], who: User, **more: Any) -> dict[str, Any]:
    body = {"applicationId": to["id"], "assignedTo": str(who.pk), "priority": "high", "estimatedDuration": 120, **more}
    response = cast.alice.post("/tasks", body)
    assert response.status_code == 201, response.content
    return response.json()["data"]  # type: ignore[no-any-return]


def place(at: tuple[float, float] = HERE, accuracy: float | None = 4.0, stamp: str = NOW) -> dict[str, Any]:
    return {"lat": at[1], "lng": at[0], "accuracy": accuracy, "timestamp": stamp}


def begin_body(to: dict[str, Any], at: tuple[float, float] = HERE, **more: Any) -> dict[str, Any]:
    return {
        "applicationId": to["id"],
        "surveyType": "building_permit",
        "startLocation": place(at),
        "weatherConditions": "صحو",
        "notes": "بداية المسح",
        "clientMetadata": {"appVersion": "2.1", "deviceModel": "SM-T545", "batteryLevel": 81},
        **more,
    }


def point(number: int, at: tuple[float, float] | None = None, **more: Any) -> dict[str, Any]:
    lng, lat = at or (HERE[0] + number * 1e-4, HERE[1])
    return {
        "idempotencyKey": f"p-{number}",
        "pointNumber": number,
        "latitude": lat,
        "longitude": lng,
        "elevation": 2254.5,
        "horizontalAccuracy": 2.5 + number / 100,
        "verticalAccuracy": 4.0,
        "gpsSource": "device",
        "pointType": "corner",
        "featureCode": "BC",
        "description": "ركن",
        "capturedAt": f"2026-11-20T09:{15 + number // 60:02}:{number % 60:02}Z",
        "qualityFlags": [],
        "isVerified": True,
        **more,
    }


def square(west: float, south: float, size: float = 0.0002) -> list[list[list[float]]]:
    east, north = round(west + size, 7), round(south + size, 7)
    return [[[west, south], [east, south], [east, north], [west, north], [west, south]]]


def parcel(number: int, at: tuple[float, float] | None = None, **more: Any) -> dict[str, Any]:
    west, south = at or (round(HERE[0] + number * 0.001, 7), HERE[1])
    return {
        "idempotencyKey": f"g-{number}",
        "geometryNumber": number,
        "geometryType": "Polygon",
        "coordinates": square(west, south),
        "properties": {"owner": "صالح"},
        "featureType": "boundary",
        "featureCode": "PB",
        "description": "قطعة",
        "isComplete": True,
        "isClosed": True,
        "qualityScore": 90,
        "validationFlags": [],
        "startedAt": NOW,
        "completedAt": NOW,
        **more,
    }


@dataclass
class Surveyor:
    """A surveyor with an app."""

    who: Person
    app: App

    def send(self, method: str, path: str, body: Any, key: str = "", **headers: str) -> Any:
        return self.app.call(method, path, body, X_Idempotency_Key=key or str(uuid4()), **headers)

    def begin(self, to: dict[str, Any], **more: Any) -> str:
        response = self.send("post", "/sessions", begin_body(to, **more))
        assert response.status_code == 201, response.content
        return str(response.json()["data"]["sessionId"])

    def points(self, session: str, *items: Any, key: str = "") -> Any:
        return self.send("post", f"/sessions/{session}/points/batch", {"points": list(items)}, key)

    def shapes(self, session: str, *items: Any, key: str = "") -> Any:
        return self.send("post", f"/sessions/{session}/geometries/batch", {"geometries": list(items)}, key)

    def submit(self, session: str, points: int, shapes: int, media: int = 0, key: str = "", **more: Any) -> Any:
        body = {
            "endLocation": place(stamp="2026-11-20T11:00:00Z"),
            "qualityScore": 92.5,
            "notes": "تم",
            "pointsCount": points,
            "geometriesCount": shapes,
            "attachmentsCount": media,
            **more,
        }
        return self.send("put", f"/sessions/{session}/submit", body, key)

    def pull(self, cursor: str = "", *entities: str) -> tuple[list[dict[str, Any]], str]:
        """Everything after `cursor`, and where it ends."""
        found: list[dict[str, Any]] = []
        query = "".join(f"&entity={name}" for name in entities or ("sessions", "points", "geometries", "attachments"))
        while True:
            response = self.app.call("get", f"/sync/changes?limit=200&cursor={cursor}{query}")
            assert response.status_code == 200, response.content
            data = response.json()["data"]
            found += data["changes"]
            cursor = data["pagination"]["nextCursor"]
            if not data["pagination"]["hasMore"]:
                return found, cursor


def surveyor(cast: Cast, who: Person, device: str = "tablet") -> Surveyor:
    return Surveyor(who, sign_in(who, device))
