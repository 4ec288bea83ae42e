"""Specification 004 for survey tasks, sessions, points, shapes and media, endpoint by endpoint, example by example."""

import hashlib
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.cache import cache
from django.test import Client

from portal.core.audit.models import Action, AuditEntry
from portal.core.common import clock
from portal.core.geo.regions import GEOD
from portal.core.tenancy.scope import tenant
from portal.survey.applications import services as applications
from portal.survey.areas import services as areas
from portal.survey.areas.models import GeoDecision
from portal.survey.attachments import services as attachments
from portal.survey.models import SurveyAttachment, SurveyGeometry, SurveyPoint, SurveySession
from portal.survey.sessions import services, tiles
from portal.survey.sessions.numbers import check_character, is_valid
from tests.api.conftest import Cast
from tests.api.surveying import (
    HERE,
    NEIGHBOUR,
    NOW,
    Surveyor,
    application,
    assign,
    begin_body,
    dispatch,
    parcel,
    place,
    point,
    square,
    surveyor,
)
from tests.api.test_mobile import fault
from tests.api.test_sync import item
from tests.pictures import photo

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_counts() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def bob(cast: Cast) -> Surveyor:
    assign(cast, cast.bob.user, "XY1101")
    return surveyor(cast, cast.bob)


def results(response: Any) -> list[dict[str, Any]]:
    assert response.status_code == 201, response.content
    return response.json()["data"]["results"]  # type: ignore[no-any-return]


def stored(cast: Cast) -> tuple[int, ...]:
    with tenant(cast.a.pk):
        models = (SurveySession, SurveyPoint, SurveyGeometry, SurveyAttachment)
        return tuple(model.objects.filter(deleted_at=None).count() for model in models)


def put(bob: Surveyor, session: str, content: bytes, **more: Any) -> tuple[dict[str, Any], Any]:
    """Announce a photo and put its bytes; the offer, and the answer of the store."""
    entry = {
        "filename": "IMG 0001.jpg",
        "fileType": "image/jpeg",
        "fileSize": len(content),
        "attachmentType": "photo",
        "captureLocation": {"lat": HERE[1], "lng": HERE[0], "accuracy": 4},
        "capturedAt": NOW,
        "metadata": {"cameraDirection": 87.5, "deviceOrientation": "portrait", "compressionQuality": 0.8},
        **more,
    }
    response = bob.app.call("post", f"/sessions/{session}/attachments/upload-urls", {"attachments": [entry]})
    assert response.status_code == 200, response.content
    [offer] = response.json()["data"]["uploadUrls"]
    path = "/" + offer["uploadUrl"].split("/", 3)[3]
    kind = offer["requiredHeaders"]["Content-Type"]
    return offer, Client().put(path, content, content_type=kind)


def confirmed(bob: Surveyor, offer: dict[str, Any], content: bytes, **more: Any) -> Any:
    body = {
        "uploadSuccess": True,
        "fileSize": len(content),
        "checksumSha256": hashlib.sha256(content).hexdigest(),
        **more,
    }
    return bob.app.call("post", f"/attachments/{offer['attachmentId']}/confirm", body)


def prepared(cast: Cast, id: str) -> None:
    with tenant(cast.a.pk):
        attachments.attachment_process(id=UUID(id))


# --- a day ------------------------------------------------------------------------------------------------------------
@pytest.mark.covers(
    "E004-006", "E004-007", "E004-008", "E004-009", "E004-010", "E004-011", "E004-012", "E004-013", "004-SYNC-06",
    "004-SYNC-12", "004-LBAC-01", "004-AUTH-05", "004-VAL-05", "C55", "C56", "C57", "C65", "C74", "C76", "C77", "C79",
)  # fmt: skip
def test_a_day_from_the_task_to_the_approval(cast: Cast, bob: Surveyor, trail: Any) -> None:
    file = application(cast)
    assert file["location"]["district"]
    sent = dispatch(cast, file, cast.bob.user, dueDate="2026-12-01")
    assert (sent["applicationId"], sent["statusDetail"]) == (file["id"], None)
    assert cast.alice.get("/tasks").json()["data"][0]["applicationId"] == file["id"]

    listed = bob.app.call("get", "/tasks?status=assigned&limit=5", API_Version="1.0").json()["data"]

    [task] = listed["tasks"]
    assert task["location"].keys() == {"governorate", "district", "subDistrict", "neighborhood", "plotNumber"}
    assert (task["applicationId"], task["status"], task["priority"]) == (file["id"], "assigned", "high")
    assert task["coordinates"] == {"lat": 15.2, "lng": 44.0, "accuracy": 5.0}
    assert listed["pagination"] == {"hasMore": False, "nextCursor": "", "totalCount": 1}
    assert listed["syncMetadata"].keys() == {"serverTimestamp", "syncCursor"}

    begun = bob.send("post", "/sessions", begin_body(file, surveyType="cadastral_survey"))
    assert begun.status_code == 201
    made = begun.json()["data"]
    assert made.keys() == {"sessionId", "sessionNumber", "status", "startTime", "syncCursor"}
    assert (made["status"], made["startTime"]) == ("draft", NOW)
    assert re.fullmatch(r"SN-20\d\d-CS-000001-.", made["sessionNumber"])
    assert is_valid(made["sessionNumber"])
    session = made["sessionId"]
    assert bob.app.call("get", "/tasks").json()["data"]["tasks"][0]["status"] == "in_progress"

    held = results(
        bob.points(
            session, *(point(n, gpsSource="external_receiver", horizontalAccuracy=0.02 + n / 1000) for n in range(1, 6))
        )
    )
    assert all(
        entry.keys() == {"idempotencyKey", "pointNumber", "status", "serverId", "serverVersion"} for entry in held
    )
    assert [entry["status"] for entry in held] == ["created"] * 5
    assert len({entry["serverVersion"] for entry in held}) == 5
    drawn = results(bob.shapes(session, parcel(1, area=475.6), parcel(2, area=490.0), parcel(3, area=600.0)))
    assert [entry["status"] for entry in drawn] == ["created"] * 3

    picture = photo(
        {1: "N", 2: (15.0, 12.0, 0.0), 3: "E", 4: (44.0, 0.0, 0.0)}, {0x9003: "2026:11:20 12:15:00", 0x9011: "+03:00"}
    ).getvalue()
    offer, answer = put(
        bob, session, picture, relatedPointId=held[0]["serverId"], relatedGeometryId=drawn[0]["serverId"]
    )
    assert offer.keys() == {"attachmentId", "uploadUrl", "expiresAt", "maxFileSize", "requiredHeaders"}
    assert (answer.status_code, offer["maxFileSize"]) == (200, 50 * 1024 * 1024)
    first = confirmed(bob, offer, picture).json()["data"]
    assert first.keys() >= {"attachmentId", "status", "downloadUrl", "thumbnailUrl"}
    assert (first["status"], first["downloadUrl"]) == ("processing", None)
    prepared(cast, offer["attachmentId"])
    ready = confirmed(bob, offer, picture).json()["data"]
    assert ready["status"] == "available"
    copy = Client().get("/" + ready["downloadUrl"].split("/", 3)[3])
    assert b"Exif" not in b"".join(copy)  # people look at a copy without metadata
    assert copy.headers["Content-Disposition"].startswith("attachment")
    assert copy.headers["X-Content-Type-Options"] == "nosniff"

    done = bob.submit(session, 5, 3, 1)
    assert done.status_code == 200, done.content
    assert done.json()["data"].keys() == {"sessionId", "status", "submittedAt", "syncCursor"}
    assert bob.app.call("get", "/tasks?status=submitted").json()["data"]["tasks"][0]["statusDetail"] is None

    feed, cursor = bob.pull()
    assert [entry["version"] for entry in feed] == sorted(entry["version"] for entry in feed)
    by = {entry["entityId"]: entry for entry in feed}
    assert {entry["entity"] for entry in feed} == {"session", "point", "geometry", "attachment"}
    assert all(
        entry.keys() == {"entity", "entityId", "operation", "data", "version", "timestamp", "changeId"}
        for entry in feed
    )
    seen = by[held[0]["serverId"]]["data"]
    assert (seen["latitude"], seen["longitude"], seen["sessionId"], seen["flags"]) == (15.2, 44.0001, session, [])
    shapes = [by[entry["serverId"]]["data"] for entry in drawn]
    measured = abs(GEOD.polygon_area_perimeter(*zip(*square(44.001, 15.2)[0], strict=True))[0])
    assert shapes[0]["area"] == pytest.approx(measured, abs=0.01)
    assert [shape["flags"] for shape in shapes] == [[], ["AREA_MISMATCH"], ["AREA_MISMATCH_MAJOR"]]
    assert shapes[2]["clientArea"] == 600.0
    assert 0 < shapes[0]["areaUncertainty"] < 5
    assert by[offer["attachmentId"]]["data"]["flags"] == []

    card = cast.alice.get(f"/survey/sessions/{session}").json()["data"]
    assert card["counts"] == {"points": 5, "geometries": 3, "attachments": 1} == card["declaredCounts"]
    assert (card["clientQualityScore"], card["qualityScore"] <= 59) == (92.5, True)
    assert card["qualityBreakdown"]["capped"] is True
    assert len(card["contentHash"]) == 64
    entries = [entry for entry in trail(Action.UPDATE, entity="session") if "content_hash" in entry.changes]
    assert entries[-1].changes["content_hash"][1] == card["contentHash"]
    assert [
        len(cast.alice.get(f"/survey/sessions/{session}/{name}").json()["data"])
        for name in ("points", "geometries", "attachments")
    ] == [5, 3, 1]

    # the office: a major flag stands against a cadastral survey, the surveyor goes on, then it is approved
    review = f"/survey/sessions/{session}/review"
    assert cast.bob.post(review, {"decision": "approve"}).status_code == 403
    blocked = cast.alice.post(review, {"decision": "approve"})
    assert (blocked.status_code, blocked.json()["errors"][0]["code"]) == (422, "ILLEGAL_TRANSITION")
    assert blocked.json()["meta"]["flags"] == ["AREA_MISMATCH_MAJOR"]
    assert cast.alice.post(review, {"decision": "return"}).json()["errors"][0]["field"] == "reason"
    assert cast.alice.post(f"{review}/start").json()["data"]["statusDetail"] == "under_review"
    said = [{"entity": "geometry", "entityId": drawn[2]["serverId"], "decision": "return", "remark": "قس الركن الرابع"}]
    back = cast.alice.post(review, {"decision": "return", "reason": "المساحة لا تطابق", "items": said}).json()["data"]
    assert (back["status"], back["statusDetail"], back["revision"]) == ("draft", "returned", 1)
    assert back["remarks"][0]["remark"] == "قس الركن الرابع"
    [task] = bob.app.call("get", "/tasks").json()["data"]["tasks"]
    assert (task["status"], task["statusDetail"], len(task["remarks"])) == ("in_progress", "returned", 1)
    [told] = [entry for entry in bob.pull(cursor)[0] if entry["entity"] == "session"]
    assert told["data"]["statusDetail"] == "returned"
    better = parcel(3, idempotencyKey="g-3b", area=475.6)
    assert results(bob.shapes(session, better))[0]["status"] == "updated"
    assert bob.submit(session, 5, 3, 1).status_code == 200
    approved = cast.alice.post(review, {"decision": "approve"})
    assert approved.status_code == 200, approved.content
    assert approved.json()["data"]["status"] == "approved"
    again = cast.alice.post(review, {"decision": "reject", "reason": "x"})
    assert (again.status_code, again.json()["meta"]["allowed"]) == (422, ["superseded"])
    [task] = bob.app.call("get", "/tasks").json()["data"]["tasks"]
    assert (task["status"], task["statusDetail"]) == ("submitted", "approved")


@pytest.mark.covers("004-PAGE-01", "C56")
def test_tasks_are_paged_and_cancelled_or_reassigned_ones_are_gone(cast: Cast, bob: Surveyor) -> None:
    ids = [dispatch(cast, application(cast), cast.bob.user)["id"] for _ in range(3)]
    first = bob.app.call("get", "/tasks?limit=2").json()["data"]
    rest = bob.app.call("get", f"/tasks?limit=2&cursor={first['pagination']['nextCursor']}").json()["data"]
    assert [task["taskId"] for task in (*first["tasks"], *rest["tasks"])] == ids[::-1]
    assert (first["pagination"]["hasMore"], rest["pagination"]["hasMore"]) == (True, False)
    assert bob.app.call("get", "/tasks?limit=101").status_code == 400
    assert bob.app.call("get", "/tasks?cursor=x").status_code == 400
    assert bob.app.call("get", "/tasks?status=late").status_code == 400
    _all, cursor = bob.pull("", "tasks")

    cast.alice.patch(f"/tasks/{ids[0]}", {"status": "cancelled"})
    cast.alice.patch(f"/tasks/{ids[1]}", {"assignedTo": str(cast.alice.user.pk)})

    assert [task["taskId"] for task in bob.app.call("get", "/tasks").json()["data"]["tasks"]] == [ids[2]]
    gone = {entry["entityId"]: entry for entry in bob.pull(cursor, "tasks")[0]}
    assert {id: gone[id]["operation"] for id in ids[:2]} == dict.fromkeys(ids[:2], "deleted")
    outside = cast.alice.post(
        "/tasks", {"applicationId": application(cast, NEIGHBOUR)["id"], "assignedTo": str(cast.bob.user.pk)}
    )
    assert (outside.status_code, outside.json()["errors"][0]["code"]) == (422, "LBAC_VIOLATION")
    there = dispatch(cast, application(cast, NEIGHBOUR), cast.alice.user)["id"]
    moved = cast.alice.patch(f"/tasks/{there}", {"assignedTo": str(cast.bob.user.pk)})
    assert (moved.status_code, moved.json()["errors"][0]["code"]) == (422, "LBAC_VIOLATION")


# --- once and only once -----------------------------------------------------------------------------------------------
@pytest.mark.covers(
    "004-IDEM-01", "004-IDEM-03", "004-IDEM-04", "004-IDEM-05", "004-SYNC-13", "C66", "C72", "C73", "004-RATE-06"
)
def test_repeats_store_nothing_twice(cast: Cast, bob: Surveyor) -> None:
    file = application(cast)
    begun = bob.send("post", "/sessions", begin_body(file), key="s1")
    session = begun.json()["data"]["sessionId"]
    again = bob.send("post", "/sessions", begin_body(file), key="s1")
    assert (again.content, again.headers["Idempotency-Replayed"]) == (begun.content, "true")
    assert again.headers["RateLimit-Remaining"] == begun.headers["RateLimit-Remaining"]  # a repeat costs nothing
    other = bob.send("post", "/sessions", begin_body(file, notes="anders"), key="s1")
    assert (other.status_code, fault(other)["code"]) == (409, "IDEMPOTENCY_CONFLICT")
    assert fault(other)["originalResponse"]["status"] == 201
    second = bob.send("post", "/sessions", begin_body(file))
    assert (second.status_code, fault(second)["code"]) == (409, "DUPLICATE_REQUEST")
    assert fault(second)["details"]["sessionId"] == session

    one = results(bob.points(session, point(1), point(2)))
    same = bob.points(session, point(1), point(2)).json()["data"]
    assert (same["uploadedCount"], same["skippedCount"]) == (0, 2)
    assert [entry["serverId"] for entry in same["results"]] == [entry["serverId"] for entry in one]
    changed = results(bob.points(session, point(1, idempotencyKey="p-1b", description="neu")))[0]
    assert (changed["status"], changed["serverId"]) == ("updated", one[0]["serverId"])
    assert changed["serverVersion"] > one[1]["serverVersion"]
    late = results(bob.points(session, point(1)))[0]  # the first key, a week later
    assert late["status"] == "skipped"
    twins = results(bob.points(session, point(3), point(4, idempotencyKey="p-3"), point(3, idempotencyKey="x")))
    assert [entry["status"] for entry in twins] == ["created", "error", "error"]
    assert {entry["error"]["code"] for entry in twins[1:]} == {"DUPLICATE"}
    assert stored(cast) == (1, 3, 0, 0)
    with tenant(cast.a.pk):
        assert SurveyPoint.objects.get(pk=one[0]["serverId"]).description == "neu"

    done = bob.submit(session, 3, 0, key="e1")
    repeated = bob.submit(session, 3, 0, key="e1")
    assert (done.status_code, repeated.content) == (200, done.content)
    closed = bob.submit(session, 3, 0)
    assert (closed.status_code, fault(closed)["code"]) == (400, "SESSION_NOT_ACTIVE")
    assert fault(bob.points(session, point(9)))["code"] == "SESSION_NOT_ACTIVE"


@pytest.mark.covers("004-VAL-01", "004-VAL-02", "004-VAL-04", "004-PAY-01", "004-PAY-05", "C68", "C69", "C75")
def test_bad_input_stores_nothing_and_says_why(cast: Cast, bob: Surveyor) -> None:
    file = application(cast)
    for change, field in (
        ({"surveyType": "road"}, "surveyType"),
        ({"startLocation": None}, "startLocation.lat"),
        ({"startLocation": place() | {"lat": "15.2"}}, "startLocation.lat"),
        ({"startLocation": place(stamp="yesterday")}, "startLocation.timestamp"),
        ({"applicationId": 7}, "applicationId"),
        ({"clientMetadata": []}, "clientMetadata"),
    ):
        response = bob.send("post", "/sessions", begin_body(file) | change)
        assert response.status_code == 400, change
        assert field in [entry["field"] for entry in fault(response)["validationErrors"]], change
    for at, code in (((44.0, 36.0), 400), ((0.0, 0.0), 400), ((15.2, 44.0), 400)):
        response = bob.send("post", "/sessions", begin_body(file, at))
        assert (response.status_code, fault(response)["code"]) == (code, "GEOGRAPHIC_BOUNDS_ERROR")
    unknown = bob.send("post", "/sessions", begin_body({"id": str(uuid4())}))
    assert (unknown.status_code, fault(unknown)["code"]) == (404, "RESOURCE_NOT_FOUND")
    raw = Client().post(
        "/api/mobile/v1/sessions",
        '{"startLocation": {"lat": NaN}}',
        content_type="application/json",
        headers={
            "Authorization": f"Bearer {bob.app.tokens['accessToken']}",
            "X-Device-ID": "tablet",
            "X-Idempotency-Key": "n",
        },
    )
    assert raw.status_code == 400
    assert stored(cast) == (0, 0, 0, 0)

    session = bob.begin(file)
    wrong: list[Any] = [
        point(1, latitude="15.2"), point(2, latitude=95), point(3, pointNumber="3"), point(4, gpsSource="moon"),
        point(5, capturedAt="2026-11-20"), point(6, isVerified="true"), point(7, horizontalAccuracy=-1),
        point(8, qualityFlags="x"), point(9, (46.0, 30.0)), point(10, (15.2, 44.0)), point(11, idempotencyKey=""),
        point(12, pointNumber=True), 7, None, {}, point(13, elevation=1e300),
    ]  # fmt: skip
    answers = results(bob.points(session, *wrong, point(50)))
    assert [entry["status"] for entry in answers] == ["error"] * len(wrong) + ["created"]
    assert {entry["error"]["code"] for entry in answers[:-1]} == {"VALIDATION_ERROR"}
    assert [answers[at]["error"]["details"] for at in (8, 9)] == [{"rule": "GEOGRAPHIC_BOUNDS"}] * 2
    assert answers[0]["error"]["field"] == "latitude"

    bow = [[[44.0, 15.2], [44.001, 15.201], [44.001, 15.2], [44.0, 15.201], [44.0, 15.2]]]
    shapes: list[Any] = [
        parcel(1, coordinates=bow), parcel(2, coordinates=[[["44", "15"]]]), parcel(3, coordinates=[44.0, 15.2]),
        parcel(4, geometryType="Circle"), parcel(5, coordinates=square(44.0, 36.0)),
        parcel(6, coordinates=[[[44.0, 15.2], [44.1, 15.2]]]),
        parcel(7, coordinates={}), parcel(8, area="500"), parcel(9, coordinates=[[[[True]]]]),
    ]  # fmt: skip
    answers = results(bob.shapes(session, *shapes))
    assert [entry["error"]["code"] for entry in answers] == [
        "INVALID_GEOJSON", "INVALID_GEOJSON", "INVALID_GEOJSON", "VALIDATION_ERROR", "VALIDATION_ERROR",
        "INVALID_GEOJSON", "INVALID_GEOJSON", "VALIDATION_ERROR", "INVALID_GEOJSON",
    ]  # fmt: skip
    assert answers[0]["error"]["details"]["at"] == [pytest.approx(44.0005), pytest.approx(15.2005)]
    assert answers[0]["error"]["details"]["suggestion"]["type"] == "MultiPolygon"
    assert answers[4]["error"]["details"]["rule"] == "GEOGRAPHIC_BOUNDS"
    assert stored(cast) == (1, 1, 0, 0)

    line = parcel(1, geometryType="LineString", coordinates=[[44.0, 15.2], [44.001, 15.2]], featureType="road")
    open_ring = parcel(2, coordinates=[[*square(44.002, 15.2)[0][:-1], [44.002000001, 15.2]]])
    unfinished = parcel(3, coordinates=[[[44.003, 15.2], [44.004, 15.2]]], isComplete=False, isClosed=False)
    assert [entry["status"] for entry in results(bob.shapes(session, line, open_ring, unfinished))] == ["created"] * 3
    with tenant(cast.a.pk):
        kept = {row.number: row for row in SurveyGeometry.objects.all()}
    assert kept[1].length == pytest.approx(107.4, abs=0.5)
    assert "RING_AUTOCLOSED" in kept[2].flags
    assert kept[3].flags == ["INCOMPLETE"]

    over = bob.points(session, *(point(n) for n in range(201)))
    assert (over.status_code, fault(over)["details"]["limit"]) == (413, 200)
    large = bob.points(session, point(60, description="x" * 1_100_000))
    assert (large.status_code, fault(large)["code"]) == (413, "PAYLOAD_TOO_LARGE")
    assert bob.send("post", f"/sessions/{session}/points/batch", {"points": 7}).status_code == 400
    assert bob.app.call("post", f"/sessions/{session}/points/batch", {"points": []}).status_code == 400  # no key

    short = bob.submit(session, 3, 3, idempotencyKeys={"points": ["p-50", "p-51"], "geometries": ["g-1"]})
    assert (short.status_code, fault(short)["code"]) == (400, "VALIDATION_ERROR")
    details = fault(short)["details"]
    assert (details["expected"]["points"], details["stored"]["points"]) == (3, 1)
    assert details["missingIdempotencyKeys"] == {"points": ["p-51"]}
    assert fault(bob.submit(session, 1, 3, endLocation=place((46.0, 30.0))))["code"] == "GEOGRAPHIC_BOUNDS_ERROR"
    assert {entry["field"] for entry in fault(bob.submit(session, "1", None))["validationErrors"]} == {
        "pointsCount",
        "geometriesCount",
    }  # type: ignore[arg-type]
    with tenant(cast.a.pk):
        assert SurveySession.objects.get().status == "active"


# --- areas ------------------------------------------------------------------------------------------------------------
@pytest.mark.covers("004-LBAC-02", "004-LBAC-03", "004-LBAC-04", "004-LBAC-05", "004-SYNC-09", "C67")
def test_a_surveyor_of_one_district_neither_reads_nor_writes_the_next(cast: Cast, bob: Surveyor) -> None:
    other = cast.carol.user
    with tenant(cast.a.pk):
        other.role = cast.bob.user.role
        other.save()
    assign(cast, other, "XY1102")
    carol = surveyor(cast, cast.carol, "phone")
    theirs = application(cast, NEIGHBOUR)
    dispatch(cast, theirs, other)
    begun = carol.begin(theirs, at=NEIGHBOUR)
    [kept] = results(carol.points(begun, point(1, NEIGHBOUR)))
    picture = photo().getvalue()
    offer, _answer = put(carol, begun, picture, captureLocation=None)
    before = stored(cast)

    refused = bob.send("post", "/sessions", begin_body(theirs))
    assert (refused.status_code, fault(refused)["code"]) == (403, "LBAC_VIOLATION")
    own = application(cast)
    far = bob.send("post", "/sessions", begin_body(own, NEIGHBOUR))
    assert (far.status_code, fault(far)["code"]) == (403, "LBAC_VIOLATION")
    assert fault(far)["details"]["distanceOutsideM"] > 1000
    with tenant(cast.a.pk):
        assert set(GeoDecision.objects.filter(user=cast.bob.user).values_list("rule", flat=True)) == {
            "APPLICATION_AREA",
            "OUTSIDE_AREA",
        }
    for method, path, body in (
        ("post", f"/sessions/{begun}/points/batch", {"points": [point(7)]}),
        ("post", f"/sessions/{begun}/geometries/batch", {"geometries": [parcel(7)]}),
        ("post", f"/sessions/{begun}/attachments/upload-urls", {"attachments": [{}]}),
        ("put", f"/sessions/{begun}/submit", bob_submit()),
        ("post", f"/attachments/{offer['attachmentId']}/confirm", {"uploadSuccess": False}),
    ):
        response = bob.send(method, path, body)
        assert (response.status_code, fault(response)["code"]) == (404, "RESOURCE_NOT_FOUND"), path
    stale = {"operation": "updated", "clientVersion": 2**50}
    pushed = bob.app.applied(
        item("session", {"notes": "mine"}, id=begun, **stale),
        item("point", {"description": "mine"}, id=kept["serverId"], **stale),
        item("point", {**point(8), "sessionId": begun}),
        item("attachment", {}, id=offer["attachmentId"], operation="deleted"),
    )
    assert pushed["accepted"] == []
    assert {entry["error"]["code"] for entry in pushed["conflicts"]} == {"RESOURCE_NOT_FOUND"}
    for path in ("", "/points", "/geometries", "/attachments"):
        assert cast.bob.get(f"/survey/sessions/{begun}{path}").status_code == 404
    assert cast.bob.get("/survey/sessions").json()["meta"]["total"] == 0
    assert cast.bob.get(f"/applications/{theirs['id']}").status_code == 404
    assert [row["id"] for row in cast.bob.get("/applications").json()["data"]] == [own["id"]]
    assert bob.app.call("get", "/tasks").json()["data"]["tasks"] == []
    assert bob.pull()[0] == []
    assert stored(cast) == before
    assert cast.mallory.get(f"/survey/sessions/{begun}").status_code == 404

    mine = bob.begin(own)
    edge = (43.9 - 0.0019, 15.2)  # some 200 m west of the district, whose edge waves
    mixed = results(bob.points(mine, point(1), point(2, NEIGHBOUR), point(3, edge)))
    assert [entry["status"] for entry in mixed[:2]] == ["created", "error"]
    assert mixed[1]["error"]["code"] == "LBAC_VIOLATION"
    assert results(bob.shapes(mine, parcel(1, NEIGHBOUR)))[0]["error"]["code"] == "LBAC_VIOLATION"
    applied = bob.app.applied(item("point", {**point(4, NEIGHBOUR), "sessionId": mine}))
    assert applied["conflicts"][0]["reason"] == "lbac_violation"
    with tenant(cast.a.pk):
        assert GeoDecision.objects.filter(user=cast.bob.user, session_id=UUID(mine)).count() >= 3
        assert AuditEntry.objects.filter(action=Action.DENIED, actor_id=cast.bob.user.pk).exists()
        assert not SurveyPoint.objects.filter(session=mine, longitude__gt=44.1).exists()


def bob_submit() -> dict[str, Any]:
    return {"endLocation": place(), "pointsCount": 0, "geometriesCount": 0, "attachmentsCount": 0, "notes": ""}


@pytest.mark.covers("004-SYNC-09", "004-SYNC-10", "C61", "C62")
def test_areas_that_are_taken_away_delete_on_the_device_and_come_back(cast: Cast) -> None:
    held = assign(cast, cast.bob.user, "XY1101")
    bob = surveyor(cast, cast.bob)
    session = bob.begin(application(cast))
    results(bob.points(session, point(1), point(2)))
    _seen, cursor = bob.pull()
    during = clock.now().isoformat()

    with tenant(cast.a.pk, by=cast.alice.user.actor()):
        areas.assignment_delete(id=held.pk, by=cast.alice.user)

    gone, cursor = bob.pull(cursor)
    assert {entry["entity"] for entry in gone} == {"session", "point"}
    assert {entry["operation"] for entry in gone} == {"deleted"}
    assert all(entry["data"].keys() == {"id", "deletedAt", "deletedBy"} for entry in gone)
    assert bob.pull()[0] == []  # nor does a device that begins anew get them
    assert cast.bob.get(f"/survey/sessions/{session}").status_code == 404
    # what was captured before is still taken, and flagged; what was captured after is not
    after = (clock.now() + timedelta(seconds=1)).isoformat()
    late = results(bob.points(session, point(3, capturedAt=during), point(4, capturedAt=after)))
    assert [entry["status"] for entry in late] == ["created", "error"]
    assert late[1]["error"]["code"] == "LBAC_VIOLATION"
    with tenant(cast.a.pk):
        assert "SCOPE_EXPIRED" in SurveyPoint.objects.get(number=3).flags
        assert SurveyPoint.objects.filter(deleted_at=None).count() == 3

    assign(cast, cast.bob.user, "XY1101")
    back, _cursor = bob.pull(cursor)
    assert {entry["operation"] for entry in back} <= {"created", "updated"}
    assert len(back) == 4


# --- delta sync -------------------------------------------------------------------------------------------------------
@pytest.mark.covers("E004-013", "E004-014", "004-SYNC-05", "004-SYNC-11", "004-SYNC-14", "C60", "C61", "C63", "C64")
def test_items_are_pushed_and_pulled_with_versions(cast: Cast, bob: Surveyor) -> None:
    file = application(cast)
    session, first, shape = (str(uuid4()) for _ in range(3))
    made = bob.app.applied(
        item("session", begin_body(file), id=session),
        item("point", {**point(1), "sessionId": session}, id=first, idempotencyKey="p-1"),
        item("geometry", {**parcel(1), "sessionId": session}, id=shape),
        item("attachment", {"sessionId": session, "attachmentType": "photo"}),
    )
    assert len(made["accepted"]) == 3, made
    assert made["conflicts"][0]["reason"] == "validation_error"
    version = made["accepted"][1]["serverVersion"]
    assert results(bob.points(session, point(1)))[0]["serverId"] == first  # the key is known there too

    tablet = surveyor(cast, cast.bob, "second")
    edit = {"id": first, "operation": "updated", "clientVersion": version}
    won = tablet.app.applied(item("point", {"description": "vom zweiten"}, **edit))
    assert len(won["accepted"]) == 1
    lost = bob.app.applied(item("point", {"description": "vom ersten"}, **edit))
    [conflict] = lost["conflicts"]
    assert (conflict["reason"], conflict["serverData"]["description"]) == ("version_conflict", "vom zweiten")
    resent = {**edit, "clientVersion": conflict["serverVersion"]}
    assert len(bob.app.applied(item("point", {"description": "vom ersten"}, **resent))["accepted"]) == 1
    refused = bob.app.applied(
        item("session", {"status": "submitted"}, id=session, operation="updated", clientVersion=2**40),
        item(
            "point",
            {"pointNumber": 1, **{k: v for k, v in point(1).items() if k != "pointNumber"}, "sessionId": session},
        ),
        item("point", {"latitude": "x"}, id=first, operation="updated", clientVersion=2**40),
    )
    assert [entry["error"]["code"] for entry in refused["conflicts"]] == [
        "ILLEGAL_TRANSITION", "DUPLICATE", "VALIDATION_ERROR",
    ]  # fmt: skip
    full = bob.app.applied(item("session", {}, id=session, operation="deleted", clientVersion=2**40))
    assert full["conflicts"][0]["error"]["code"] == "SESSION_NOT_ACTIVE"

    _feed, cursor = bob.pull("", "session", "point", "geometry")
    latest = bob.app.applied(item("geometry", {}, id=shape, operation="deleted", clientVersion=2**40))
    assert len(latest["accepted"]) == 1
    [tombstone] = bob.pull(cursor, "sessions", "points", "geometries")[0]
    assert (tombstone["entity"], tombstone["operation"]) == ("geometry", "deleted")
    assert tombstone["data"]["deletedBy"] == str(cast.bob.user.pk)
    assert bob.app.call("get", f"/sync/changes?entity=sessions&cursor={cursor}").status_code == 409
    stranger = tablet.app.call("get", f"/sync/changes?entity=session&entity=point&entity=geometry&cursor={cursor}")
    assert (stranger.status_code, fault(stranger)["code"]) == (409, "SYNC_CONFLICT")
    assert fault(stranger)["details"]["fullResyncRequired"] is True
    # the cursor of a write is where the device stood when it pulled last: nothing can be stepped over
    there = bob.points(session, point(2)).json()["data"]["syncCursor"]
    assert bob.pull(there, "sessions", "points", "geometries")[0]
    assert bob.submit(session, 2, 0).status_code == 200
    late = bob.app.applied(
        item("point", {"description": "zu spät"}, id=first, operation="updated", clientVersion=2**40)
    )
    assert late["conflicts"][0]["error"]["code"] == "SESSION_NOT_ACTIVE"


# --- media ------------------------------------------------------------------------------------------------------------
@pytest.mark.covers(
    "004-VAL-03", "004-VAL-06", "004-PAY-02", "004-PAY-03", "004-PAY-04", "004-PAY-06", "C80", "C95", "C97"
)
def test_media_are_what_they_were_announced_as(cast: Cast, bob: Surveyor) -> None:
    session = bob.begin(application(cast))
    urls = f"/sessions/{session}/attachments/upload-urls"

    def ask(**more: Any) -> Any:
        entry = {"filename": "a.jpg", "fileType": "image/jpeg", "fileSize": 9, "attachmentType": "photo", **more}
        return bob.app.call("post", urls, {"attachments": [entry]})

    for more, status, code in (
        ({"fileType": "image/svg+xml", "filename": "a.svg"}, 415, "UNSUPPORTED_MEDIA_TYPE"),
        ({"fileType": "video/mp4"}, 415, "UNSUPPORTED_MEDIA_TYPE"),
        ({"filename": "a.exe"}, 415, "UNSUPPORTED_MEDIA_TYPE"),
        ({"filename": "a.pdf"}, 415, "UNSUPPORTED_MEDIA_TYPE"),
        ({"fileSize": 51 * 1024 * 1024}, 413, "PAYLOAD_TOO_LARGE"),
        (_large("a.mp4", "video/mp4", "video", 101), 413, "PAYLOAD_TOO_LARGE"),
        (_large("a.pdf", "application/pdf", "document", 11), 413, "PAYLOAD_TOO_LARGE"),
        (_large("a.png", "image/png", "signature", 2), 413, "PAYLOAD_TOO_LARGE"),
        ({"fileSize": "9"}, 400, "VALIDATION_ERROR"),
        ({"attachmentType": "song"}, 400, "VALIDATION_ERROR"),
        ({"relatedPointId": str(uuid4())}, 400, "VALIDATION_ERROR"),
        ({"captureLocation": {"lat": 15.2, "lng": 44.2, "accuracy": 3}}, 403, "LBAC_VIOLATION"),
    ):  # fmt: skip
        cache.clear()
        response = ask(**more)
        assert (response.status_code, fault(response)["code"]) == (status, code), more
    assert stored(cast)[3] == 0

    cache.clear()
    picture = photo(size=(80, 60)).getvalue()
    offer, _answer = put(bob, session, picture)
    early = confirmed(bob, offer, picture, fileSize=1)
    assert (early.status_code, fault(early)["validationErrors"][0]["field"]) == (400, "fileSize")
    wrong = confirmed(bob, offer, picture, checksumSha256="0" * 64).json()["data"]
    assert (wrong["status"], wrong["failure"].split(":")[0]) == ("failed", "CHECKSUM_MISMATCH")
    assert confirmed(bob, offer, picture).json()["data"]["status"] == "failed"  # a new address is needed
    disguised = b"\x89PNG\r\n\x1a\n" + b"x" * 100
    masked, _answer = put(bob, session, disguised)
    assert confirmed(bob, masked, disguised).json()["data"]["status"] == "failed"
    missing, _answer = put(bob, session, picture, idempotencyKey="m-1")
    with tenant(cast.a.pk):
        empty = SurveyAttachment.objects.get(pk=missing["attachmentId"])
    assert put(bob, session, picture, idempotencyKey="m-1")[0]["attachmentId"] == missing["attachmentId"]
    longer = Client().put("/" + missing["uploadUrl"].split("/", 3)[3], picture + b"x", content_type="image/jpeg")
    assert longer.status_code == 413
    aborted, _answer = put(bob, session, picture, fileSize=len(picture) + 5)
    assert _answer.status_code == 400
    assert confirmed(bob, aborted, picture, uploadSuccess=False).json()["data"]["status"] == "failed"

    # media that were announced and have not come: the session goes in, the approval waits
    cache.clear()
    assert bob.submit(session, 0, 0, 1).status_code == 200
    blocked = cast.alice.post(f"/survey/sessions/{session}/review", {"decision": "approve"})
    assert (blocked.status_code, len(blocked.json()["meta"]["blocking"])) == (422, 1)
    assert "MEDIA_PENDING" in cast.alice.get(f"/survey/sessions/{session}").json()["data"]["flags"]
    assert confirmed(bob, missing, picture).json()["data"]["status"] == "processing"
    prepared(cast, missing["attachmentId"])
    [card] = [
        row
        for row in cast.alice.get(f"/survey/sessions/{session}/attachments").json()["data"]
        if row["id"] == missing["attachmentId"]
    ]
    assert (card["status"], card["flags"]) == ("available", ["EXIF_ABSENT"])
    assert card["downloadUrl"]
    assert card["thumbnailUrl"]
    with tenant(cast.a.pk):
        kept = SurveyAttachment.objects.select_related("file").get(pk=missing["attachmentId"])
    assert cast.carol.get(f"/files/download/{kept.file_id}").status_code == 403  # the original needs a right of its own
    assert cast.alice.get(f"/files/metadata/{kept.file_id}").json()["data"]["size"] == len(picture)
    assert cast.alice.post(f"/survey/sessions/{session}/review", {"decision": "approve"}).status_code == 200

    # the same photo in another session is told; what is never confirmed is forgotten
    other = bob.begin(application(cast, (44.01, 15.21)), at=(44.01, 15.21))
    twin, _answer = put(bob, other, picture, captureLocation=None)
    confirmed(bob, twin, picture)
    forgotten, _answer = put(bob, other, picture, captureLocation=None)
    with tenant(cast.a.pk):
        assert "PHOTO_REUSED" in SurveyAttachment.objects.get(pk=twin["attachmentId"]).flags
        SurveyAttachment.objects.filter(pk=forgotten["attachmentId"]).update(
            created_at=clock.now() - timedelta(hours=25)
        )
        assert attachments.sweep() == 1
    assert empty.status == "pending"
    last = [entry for entry in bob.pull()[0] if entry["entityId"] == forgotten["attachmentId"]]
    assert last == [] or last[0]["operation"] == "deleted"


def _large(name: str, kind: str, use: str, megabytes: int) -> dict[str, Any]:
    return {"filename": name, "fileType": kind, "attachmentType": use, "fileSize": megabytes * 1024 * 1024}


# --- the error table --------------------------------------------------------------------------------------------------
@pytest.mark.covers(
    "004-ERR-01", "004-ERR-02", "004-ERR-03", "004-NET-02", "004-VER-04", "004-RATE-03", "004-RATE-04", "004-LOC-01",
    "C105",
)  # fmt: skip
@pytest.mark.parametrize("language", ["ar", "en"])
def test_every_code_of_the_table(cast: Cast, bob: Surveyor, language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    said = {"Accept_Language": language}
    file, far = application(cast), application(cast, NEIGHBOUR)
    session = bob.begin(file)
    carol = surveyor(cast, cast.carol, "phone")
    path = f"/sessions/{session}"
    body = begin_body(file)

    def check(response: Any, status: int, code: str) -> None:
        error = fault(response)
        assert (response.status_code, error["code"]) == (status, code)
        assert response.headers["Content-Language"] == language
        assert error["message"]
        assert error["requestId"]
        assert [response.headers[name] for name in ("API-Version", "Supported-Versions", "Deprecated-Versions")] == [
            "1.0",
            "1.0,1.1",
            "0.9",
        ]

    check(bob.send("post", "/sessions", body, Authorization="", **said), 401, "AUTHENTICATION_REQUIRED")
    check(bob.send("post", "/sessions", body, X_Device_ID="phone", **said), 401, "DEVICE_NOT_REGISTERED")
    check(carol.send("post", "/sessions", body, **said), 403, "PERMISSION_DENIED")
    check(bob.send("post", "/sessions", begin_body(far), **said), 403, "LBAC_VIOLATION")
    check(bob.send("post", f"/sessions/{uuid4()}/points/batch", {"points": []}, **said), 404, "RESOURCE_NOT_FOUND")
    check(bob.send("post", "/sessions", {}, **said), 400, "VALIDATION_ERROR")
    check(bob.send("post", "/sessions", body, **said), 409, "DUPLICATE_REQUEST")
    check(bob.send("post", "/sessions", begin_body(file, (50.0, 40.0)), **said), 400, "GEOGRAPHIC_BOUNDS_ERROR")
    check(bob.send("post", f"{path}/points/batch", {"points": [{}] * 201}, **said), 413, "PAYLOAD_TOO_LARGE")
    bob.send("post", f"{path}/points/batch", {"points": []}, key="k")
    check(bob.send("post", f"{path}/points/batch", {"points": [{}]}, key="k", **said), 409, "IDEMPOTENCY_CONFLICT")
    media = {"filename": "a.svg", "fileType": "image/svg+xml", "fileSize": 1, "attachmentType": "photo"}
    urls = f"{path}/attachments/upload-urls"
    check(bob.app.call("post", urls, {"attachments": [media]}, **said), 415, "UNSUPPORTED_MEDIA_TYPE")
    bad = bob.send("post", f"{path}/geometries/batch", {"geometries": [parcel(1, coordinates=[])]}, **said)
    assert results(bad)[0]["error"]["code"] == "INVALID_GEOJSON"
    cursor = bob.pull()[1]
    check(carol.app.call("get", f"/sync/changes?cursor={cursor}", **said), 409, "SYNC_CONFLICT")
    check(bob.app.call("get", "/tasks", API_Version="3.0", **said), 400, "VALIDATION_ERROR")
    old = bob.app.call("get", "/tasks", API_Version="0.9")
    assert old.headers["Deprecation"].startswith("@")
    assert old.headers["Sunset"].endswith("GMT")
    assert 'rel="deprecation"' in old.headers["Link"]
    monkeypatch.setattr(services, "session_submit", lambda **_more: 1 / 0)
    monkeypatch.setattr("portal.survey.sessions.services.own_session", services.own_session)
    check(bob.send("put", f"{path}/submit", {}, **said), 500, "SERVER_ERROR")
    monkeypatch.undo()
    assert bob.submit(session, 0, 0).status_code == 200
    check(
        bob.points(session, point(1))
        if language == "ar"
        else bob.send("post", f"{path}/points/batch", {"points": []}, **said),
        400,
        "SESSION_NOT_ACTIVE",
    )
    answers = [bob.app.call("post", urls, {}, **said) for _ in range(21)]
    check(answers[-1], 429, "RATE_LIMIT_EXCEEDED")
    assert answers[0].headers["RateLimit-Policy"] == '"upload";q=20;w=60'
    assert answers[0].headers["RateLimit"].startswith('"upload";r=1')
    assert int(answers[-1].headers["Retry-After"]) <= 60


# --- applications -----------------------------------------------------------------------------------------------------
@pytest.mark.covers("004-LBAC-06")
def test_applications_are_kept_by_the_office(cast: Cast) -> None:
    made = application(cast, applicationNumber="SN-7")
    assert cast.alice.post("/applications", {}).status_code == 400
    twin = cast.alice.post("/applications", {**_file(), "applicationNumber": "SN-7"})
    assert (twin.status_code, twin.json()["errors"][0]["code"]) == (409, "DUPLICATE")
    away = cast.alice.post("/applications", {**_file(), "coordinates": {"lat": 30, "lng": 31}})
    assert (away.status_code, away.json()["errors"][0]["code"]) == (400, "GEOGRAPHIC_BOUNDS_ERROR")
    assert cast.bob.post("/applications", _file()).status_code == 403
    moved = cast.alice.patch(
        f"/applications/{made['id']}", {"coordinates": {"lat": 15.2, "lng": 44.2, "accuracy": 3}, "version": 1}
    )
    assert moved.json()["data"]["districtId"] != made["districtId"]
    assert cast.alice.patch(f"/applications/{made['id']}", {"plotNumber": "9", "version": 1}).status_code == 409
    assert cast.alice.get("/applications?search=الحكيمي").json()["meta"]["total"] == 1
    assert cast.alice.get(f"/applications?districtId={made['districtId']}").json()["meta"]["total"] == 0
    assert cast.mallory.get(f"/applications/{made['id']}").status_code == 404
    sent = dispatch(cast, made, cast.alice.user)
    busy = cast.alice.delete(f"/applications/{made['id']}")
    assert (busy.status_code, busy.json()["errors"][0]["code"]) == (409, "IN_USE")
    cast.alice.patch(f"/tasks/{sent['id']}", {"status": "cancelled"})
    assert cast.alice.delete(f"/applications/{made['id']}").status_code == 200
    assert cast.alice.get(f"/applications/{made['id']}").status_code == 404
    assert applications.FIELDS.named["applicantName"].required


def _file() -> dict[str, Any]:
    return {"applicantName": "ن", "serviceType": "surveying_decision", "coordinates": {"lat": 15.2, "lng": 44.0}}


def test_numbers_and_tiles() -> None:
    assert check_character("SA2026BP000123") == "K" or is_valid(
        f"SA-2026-BP-000123-{check_character('SA2026BP000123')}"
    )
    number = f"SA-2026-BP-000123-{check_character('SA2026BP000123')}"
    assert is_valid(number)
    assert not is_valid(number.replace("123", "132"))
    box = (44.0, 15.2, 44.0003, 15.2002)
    near = [(44.0002, 15.2001, 44.01, 15.21), (43.0, 15.0, 45.0, 16.0), (44.0003, 15.2002, 44.00031, 15.20021)]
    for other in near:
        assert any(low <= tiles.tile_of(other) <= high for low, high in tiles.ranges([box])), other
    assert not any(low <= tiles.tile_of((44.01, 15.2, 44.0102, 15.2002)) <= high for low, high in tiles.ranges([box]))
