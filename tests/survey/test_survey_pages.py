"""Pages, files and features of surveys: nobody sees past their areas, a second person decides."""

import csv
import io
import zipfile
from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import orjson
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from portal.core.accounts import tokens
from portal.core.accounts.models import Role, User
from portal.core.files.models import StoredFile
from portal.core.files.storage import opened
from portal.core.jobs.models import Job
from portal.core.jobs.tasks import Running
from portal.core.tenancy.scope import platform, tenant
from portal.survey.areas import services as areas
from portal.survey.exports import jobs, writers
from portal.survey.models import Application, Dispatch, ReviewRemark, SurveyPoint, SurveySession
from tests.core.people import Cast
from tests.lab.test_pages import page
from tests.survey.conftest import named
from tests.survey.surveying import EAST, WEST, Survey, surveyed

pytestmark = pytest.mark.django_db
RIGHTS = [
    "applications.view", "applications.edit", "applications.delete", "sessions.view", "sessions.review",
    "sessions.export", "files.view", "files.original", "tasks.view", "tasks.work", "tasks.edit",
]  # fmt: skip


@pytest.fixture
def survey(cast: Cast) -> Callable[..., Survey]:
    return partial(surveyed, cast)


@pytest.fixture
def branch(cast: Cast) -> User:
    """An office of one district: all rights on surveys, and no right to be everywhere."""
    with platform():
        role = Role.objects.create(organization=cast.a, key="branch", name="Branch", permissions=RIGHTS)
    with tenant(cast.a.pk, by=cast.alice.actor()):
        person = User(name="Basim", email="basim@test.invalid", organization=cast.a, role=role)
        person.set_password("a password of the tests")
        person.save()
        areas.assignment_create(data={"userId": str(person.pk)} | named("XY1101"), by=cast.alice)
    return person


def api(user: User, path: str, organization: UUID) -> Any:
    with tenant(organization, by=user.actor()):
        token = tokens.issue(user)[0]
    return Client().get(f"/api/v1{path}", headers={"Authorization": f"Bearer {token}"})


def body(response: Any) -> bytes:
    return b"".join(response.streaming_content) if response.streaming else response.content


@pytest.mark.covers("004-LBAC-02")
def test_nobody_sees_the_neighbour_district_anywhere(
    cast: Cast, branch: User, survey: Callable[..., Survey], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = survey("wafa", "XY1101", WEST, "أحمد الحيمي")
    theirs = survey("saleh", "XY1102", EAST, "ناصر السنحاني")
    watchers = {"branch": branch, "surveyor": ours.surveyor}

    def clean(content: bytes, where: str, *, own: bool = True) -> None:
        text = content.decode(errors="replace")
        assert not [secret for secret in theirs.secrets if secret in text], where
        assert not own or ours.session.session_number in text or ours.application.application_number in text, where

    for name, person in watchers.items():
        for path in ("/applications", "/survey/sessions", "/survey/sessions?status=submitted&sort=-quality_score"):
            clean(page(person).get(path).content, f"{name} {path}")
        for path in (
            f"/survey/sessions?surveyor={theirs.surveyor.pk}",
            f"/applications?q={theirs.application.application_number}",
        ):
            assert theirs.session.session_number not in page(person).get(path).content.decode(), path
        mine, other = (f"/survey/sessions/{one.session.pk}" for one in (ours, theirs))
        for tab in ("", "/features", "/points", "/media", "/history", "/report.pdf"):
            assert tab == "/report.pdf" or page(person).get(f"{mine}{tab}").status_code == 200, (name, tab)
            assert page(person).get(f"{other}{tab}").status_code == 404, (name, tab)
        assert page(person).get(f"/applications/{ours.application.pk}").status_code == 200
        assert page(person).get(f"/applications/{theirs.application.pk}").status_code == 404
    clean(page(branch).get("/survey/dispatch").content, "dispatch")
    for path in ("/review", "/export/geojson", f"/media/{uuid4()}/thumbnail", f"/media/{uuid4()}/original"):
        assert page(branch).get(f"/survey/sessions/{theirs.session.pk}{path}").status_code == 404, path
    for path in ("/edit", "/delete", "/dispatch"):
        assert page(branch).post(f"/applications/{theirs.application.pk}{path}", {}).status_code == 404, path
    sent = page(branch).post(
        "/survey/dispatch", {"ids": [str(theirs.application.pk)], "assigned_to": str(branch.pk), "priority": "high"}
    )
    clean(sent.content, "dispatched", own=False)
    review = page(branch).post(f"/survey/sessions/{theirs.session.pk}/review", {"decision": "approve"})
    assert review.status_code == 404

    # files: of the list, through the API, and as a job
    for kind in writers.TYPES:
        said = body(page(branch).get(f"/survey/sessions/export/{kind}"))
        assert theirs.session.session_number.encode() not in said, kind
    for path in (
        f"/survey/sessions/export?format=csv&surveyorId={theirs.surveyor.pk}",
        "/survey/sessions/export?format=csv",
    ):
        answer = api(branch, path, cast.a.pk)
        clean(body(answer), path, own="surveyorId" not in path)
    assert api(branch, f"/survey/sessions/{theirs.session.pk}/export", cast.a.pk).status_code == 404
    day = ours.session.started_at.astimezone(ZoneInfo(cast.a.time_zone)).date()
    for period, found in ((f"dateFrom={day}&dateTo={day}", 1), ("dateTo=2020-01-01", 0)):  # days are included
        said = body(api(branch, f"/survey/sessions/export?format=geojson&{period}", cast.a.pk))
        assert (ours.session.session_number.encode() in said) is bool(found), period
    assert api(branch, "/survey/sessions/export?dateFrom=20260101", cast.a.pk).status_code == 400
    monkeypatch.setattr("portal.survey.pages.sessions.AT_ONCE", 0)
    assert page(branch).get("/survey/sessions/export/geojson").status_code == 302
    with tenant(cast.a.pk, by=branch.actor()):
        row = Job.objects.get(kind="survey.export")
        done = jobs.export(_running(row, branch), kind="geojson", filters={})
        stored = StoredFile.objects.get(pk=done["fileId"])
        with opened(stored.current.blob.key) as file:  # type: ignore[union-attr]
            clean(file.read(), "job")
        assert done["rows"] == 3

    # features
    for collection in ("points", "geometries", "applications"):
        answer = api(branch, f"/ogc/collections/{collection}/items", cast.a.pk)
        clean(answer.content, collection)
        whole = api(cast.alice, f"/ogc/collections/{collection}/items", cast.a.pk).json()
        hidden = {feature["id"] for feature in whole["features"]} - {f["id"] for f in answer.json()["features"]}
        assert len(hidden) == {"points": 2, "geometries": 1, "applications": 1}[collection]
        for id in hidden:
            assert api(branch, f"/ogc/collections/{collection}/items/{id}", cast.a.pk).status_code == 404
        assert api(cast.mallory, f"/ogc/collections/{collection}/items", cast.b.pk).json()["features"] == []
    assert page(cast.mallory).get(f"/survey/sessions/{ours.session.pk}").status_code == 404


def _running(row: Job, user: User) -> Running:
    return Running(row.pk, row.organization_id, user.actor(via="job"))


def test_a_second_person_reviews_item_by_item(cast: Cast, survey: Callable[..., Survey]) -> None:
    found = survey("wafa", "XY1101", WEST, "أحمد الحيمي")
    url = f"/survey/sessions/{found.session.pk}/review"
    with tenant(cast.a.pk, by=cast.alice.actor()):
        point, other = SurveyPoint.objects.filter(session=found.session).order_by("number")
    with platform():
        found.surveyor.role = Role.objects.get(key="Manager", organization=None)
        found.surveyor.save()
    own = page(found.surveyor).post(url, {"decision": "approve"})
    assert own.status_code == 422
    assert "You surveyed this yourself" in own.content.decode()
    alice = page(cast.alice)
    assert alice.post(url, {"decision": "start"}).status_code == 302
    without = alice.post(url, {"decision": "return", "reason": " "})
    assert without.status_code == 422
    assert "Give the reason" in without.content.decode()
    items = {f"d-point-{point.pk}": "accept", f"d-point-{other.pk}": "return", f"r-{other.pk}": "أعد القياس"}
    assert alice.post(url, {"decision": "save", **items}).status_code == 302
    assert 'value="أعد القياس"' in alice.get(url).content.decode()
    refused = alice.post(url, {"decision": "approve", **items})
    assert refused.status_code == 422
    assert "Items are marked to be returned" in refused.content.decode()
    assert alice.post(url, {"decision": "return", "reason": "الركن الثاني", **items}).status_code == 302

    with tenant(cast.a.pk, by=cast.alice.actor()):
        session = SurveySession.objects.get(pk=found.session.pk)
        assert (session.status, session.revision, session.review_reason) == ("returned", 1, "الركن الثاني")
        assert sorted(ReviewRemark.objects.values_list("decision", flat=True)) == ["accept", "return"]
    assert "الركن الثاني" in alice.get(f"/survey/sessions/{found.session.pk}").content.decode()
    assert alice.post(url, {"decision": "approve"}).status_code == 422  # it is with the surveyor again


def test_tasks_are_given_out_on_the_map_each_for_itself(cast: Cast, survey: Callable[..., Survey]) -> None:
    found = survey("wafa", "XY1101", WEST, "أحمد الحيمي")
    form = {"application_number": "", "applicant_name": "سعاد", "applicant_phone": "",
            "service_type": "building_permit",
            "plot_number": "٤/ب", "accuracy": "", "requirements": "صورة\nسور", "instructions": ""}  # fmt: skip
    alice = page(cast.alice)
    for at in (WEST, EAST):
        made = alice.post("/applications/new", form | {"latitude": f"{at[1]}", "longitude": f"{at[0]}"})
        assert made.status_code == 302, made.content.decode()[:3000]
    swapped = alice.post("/applications/new", form | {"latitude": "44.0", "longitude": "15.2"})
    assert swapped.status_code == 422
    with tenant(cast.a.pk, by=cast.alice.actor()):
        near, far = Application.objects.filter(applicant_name="سعاد").order_by("longitude")
    assert near.requirements == ["صورة", "سور"]
    shown = alice.get("/survey/dispatch").content.decode()
    assert near.application_number in shown
    warned = alice.get(f"/applications/{far.pk}").content.decode()
    assert "wafa – outside of the assigned areas" in warned

    sent = alice.post(
        "/survey/dispatch",
        {
            "ids": [str(near.pk), str(far.pk)],
            "assigned_to": str(found.surveyor.pk),
            "priority": "high",
            "due_date": "2030-01-02",
        },
    )

    said = sent.content.decode()
    assert "1 task was given out. 1 was not." in said
    assert "has no area that holds this application" in said
    with tenant(cast.a.pk, by=cast.alice.actor()):
        assert list(Dispatch.objects.values_list("application", flat=True)) == [near.pk]
        assert Dispatch.objects.get().task.assigned_to_id == found.surveyor.pk
    assert "Assigned" in alice.get("/applications?state=assigned").content.decode()
    assert near.application_number not in alice.get("/applications?state=open").content.decode()


def test_ten_more_sessions_cost_no_more_queries(cast: Cast, survey: Callable[..., Survey]) -> None:
    def queries(path: str) -> int:
        page(cast.alice).get(path)
        with CaptureQueriesContext(connection) as caught:
            assert page(cast.alice).get(path).status_code == 200
        return len(caught)

    survey("wafa", "XY1101", WEST, "أحمد")
    paths = ("/survey/sessions", "/applications", "/survey/dispatch")
    before = [queries(path) for path in paths]
    for n in range(2):
        survey(f"more{n}", "XY1101", (WEST[0] + 0.01 * (n + 1), WEST[1]), f"سالم {n}")
    assert [queries(path) for path in paths] == before


def test_ogc_api_features_pages_and_filters(cast: Cast, survey: Callable[..., Survey]) -> None:
    survey("wafa", "XY1101", WEST, "أحمد الحيمي")
    survey("saleh", "XY1102", EAST, "ناصر")

    def get(path: str) -> Any:
        return api(cast.alice, f"/ogc{path}", cast.a.pk)

    landing = get("").json()
    assert {link["rel"] for link in landing["links"]} >= {"self", "service-desc", "conformance", "data"}
    assert "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core" in get("/conformance").json()["conformsTo"]
    assert [one["id"] for one in get("/collections").json()["collections"]] == ["points", "geometries", "applications"]
    assert get("/collections/points").json()["crs"] == ["http://www.opengis.net/def/crs/OGC/1.3/CRS84"]

    for query in ("limit=3", "limit=1&bbox=43,12,55,19"):
        seen, path = [], f"/collections/points/items?{query}"
        while path:
            answer = get(path)
            assert answer["Content-Type"] == "application/geo+json"
            found = answer.json()
            assert "success" not in found
            assert found["numberReturned"] == len(found["features"])
            seen += [feature["id"] for feature in found["features"]]
            following = [link["href"] for link in found["links"] if link["rel"] == "next"]
            path = following[0].partition("/ogc")[2] if following else ""
        assert len(seen) == len(set(seen)) == 4

    def count(query: str, collection: str = "points") -> int:
        return int(get(f"/collections/{collection}/items?{query}").json()["numberReturned"])

    assert count("bbox=43.9,15.1,44.1,15.3") == 2
    assert count("bbox=43.9,15.1,44.1,15.3", "geometries") == 1
    assert count("bbox=44.0001,15.2001,0,44.00015,15.20015,9", "geometries") == 1
    assert count("bbox=170,-10,-170,10") == 0
    assert count("datetime=2026-11-20T09:00:00Z/2026-11-20T10:00:00Z") == 4
    assert count("datetime=../2026-11-20T09:00:00Z") == 0
    assert count(f"unit={named('XY1101')['districtId']}") == 2
    for bad in (
        "bbox=1,2,3",
        "bbox=a,b,c,d",
        "datetime=yesterday",
        "limit=0",
        "colour=red",
        "unit=7",
        "after=x",
        "after=x_y",
    ):
        assert get(f"/collections/points/items?{bad}").status_code == 400, bad
    assert get("/collections/secrets/items").status_code == 404


def test_files_of_a_session_say_what_the_page_says(cast: Cast, survey: Callable[..., Survey]) -> None:
    found = survey("wafa", "XY1101", WEST, "=أحمد")
    alice = page(cast.alice)

    shapes = alice.get(f"/survey/sessions/{found.session.pk}/features").json()["features"]
    assert {feature["properties"]["layer"] for feature in shapes} == {"points", "shapes", "places"}
    rows = list(
        csv.DictReader(
            io.StringIO(body(alice.get(f"/survey/sessions/{found.session.pk}/export/csv")).decode("utf-8-sig"))
        )
    )
    assert [row["layer"] for row in rows] == ["points", "points", "shapes_polygon"]
    assert {row["sessionNumber"] for row in rows} == {found.session.session_number}
    parcel = orjson.loads(body(alice.get(f"/survey/sessions/{found.session.pk}/export/geojson")))["features"][2]
    assert parcel["properties"]["area"] == pytest.approx(476, abs=3)
    assert parcel["properties"]["areaUncertainty"] > 0
    with zipfile.ZipFile(io.BytesIO(body(alice.get(f"/survey/sessions/{found.session.pk}/export/shp")))) as archive:
        assert "points.cpg" in archive.namelist()
    assert alice.get(f"/survey/sessions/{found.session.pk}/report.pdf").content.startswith(b"%PDF")
    assert alice.get(f"/survey/sessions/{found.session.pk}/export/docx").status_code == 404
