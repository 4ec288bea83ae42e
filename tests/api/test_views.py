"""Views and dashboards through the API: specification 003's own examples and `contract-rooms.md` section 1."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import orjson
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portal.collect.charts.figures import data_versions
from portal.collect.dashboards import selectors
from portal.collect.models import Form, Submission, SubmissionTally
from portal.core.accounts.models import Invitation, Role, User
from portal.core.common import clock
from portal.core.projects.models import Project
from portal.core.tenancy.models import Organization
from portal.core.tenancy.scope import platform, tenant
from tests.api.conftest import Cast
from tests.api.test_forms import data, faults, form, project

pytestmark = pytest.mark.django_db
METADATA = {"width": 300, "height": 200, "displayFormat": "large-number", "icon": "🔢", "refreshInterval": 300}
# Captured, size of the herd, behaviour, by whom.
SEEN: list[tuple[str, Any, str | None, str]] = [
    ("2026-02-12T09:00:00Z", 5, "Traveling", "bob"),
    ("2026-02-14T09:00:00Z", 7.5, "Feeding", "bob"),
    ("2026-02-14T10:30:00Z", 12, "Feeding", "alice"),
    ("2026-02-14T23:30:00Z", 3, None, "bob"),  # the 15th in Casablanca
    ("2026-02-17T12:00:00Z", 4, "Resting", "alice"),
]


@pytest.fixture
def seen(cast: Cast) -> dict[str, Any]:
    """A form with submissions: `{"projectId", "id"}`."""
    where = project(cast)
    made = form(cast, where)
    with tenant(cast.a.pk):
        for at, size, behavior, who in SEEN:
            answers = {"location": "x", "herd_size": size} | ({"behavior": behavior} if behavior else {})
            store(cast.a, made["id"], where, answers, at, getattr(cast, who).user)
    return {"projectId": where, "id": made["id"]}


def store(organization: Organization, form: str, project: str, answers: Any, at: Any, by: User | None = None) -> None:
    Submission.objects.create(
        organization=organization, form_id=form, project_id=project, form_version=1, answers=answers, submitted_by=by,
        created_at=clock.parse_moment(at) if isinstance(at, str) else at, local_sync_id=uuid4(), fingerprint="",
    )  # fmt: skip


def view(seen: dict[str, Any], kind: str, **config: Any) -> dict[str, Any]:
    return {
        "projectId": seen["projectId"],
        "name": "Total Elephant Count",
        "description": "Sum of all elephants sighted",
        "chartType": kind,
        "config": {"formId": seen["id"], **config},
    }


@pytest.mark.covers(
    "E003-026", "E003-027", "E003-028", "E003-029", "E003-030", "E003-031", "003-META-01", "003-META-02", "003-META-03",
    "003-META-04", "003-ANA-02", "C47", "C48", "C49", "C53",
)  # fmt: skip
def test_a_view_lives_as_003_says(cast: Cast, seen: dict[str, Any]) -> None:
    body = view(seen, "number", aggregation="sum", field="herd_size")
    made = data(cast.alice.post("/views", {**body, "metadata": METADATA}), 201)
    assert {key: made[key] for key in ("organizationId", "projectId", "name", "createdByUserId")} == {
        "organizationId": str(cast.a.pk),
        "projectId": seen["projectId"],
        "name": "Total Elephant Count",
        "createdByUserId": str(cast.alice.user.pk),
    }
    definition = {"description": body["description"], "chartType": "number", "config": body["config"]}
    assert orjson.loads(made["definition"]) == made["definitionObject"] == definition
    assert orjson.loads(made["metadata"]) == made["metadataObject"] == METADATA
    path = f"/views/{made['id']}"

    assert [row["id"] for row in data(cast.alice.get(f"/views/project/{seen['projectId']}"))] == [made["id"]]
    assert data(cast.carol.get(path)) == made
    new = {"name": "Updated View Name", "chartType": "bar", "config": {"formId": seen["id"], "groupBy": "behavior"}}
    changed = data(cast.alice.put(path, {**new, "metadata": {"width": 800, "height": 600}, "version": 1}))
    assert (changed["name"], changed["chartType"], changed["description"]) == (new["name"], "bar", body["description"])
    assert changed["metadata"] == '{"width":800,"height":600}'
    assert faults(cast.alice.put(path, {"name": "late", "version": 1}), 409)[0][0] == "VERSION_CONFLICT"
    assert data(cast.alice.patch(path, {"metadata": None}))["metadata"] is None
    named = {f"chartType={changed['chartType']}": 1, "chartType=pie": 0, "search=updated": 1, f"formId={uuid4()}": 0}
    for query, count in named.items():
        assert len(data(cast.alice.get(f"/views?{query}"))) == count, query

    for who, status in ((cast.bob, 403), (cast.mallory, 404)):
        for answer in (who.get(path), who.get(f"{path}/data"), who.put(path, {"name": "x"}), who.delete(path)):
            assert answer.status_code == status
    assert cast.carol.post("/views", body).status_code == 403
    assert data(cast.alice.get(path))["name"] == "Updated View Name"
    assert cast.alice.get("/views/5").status_code == 404
    assert cast.alice.delete(path).status_code == 200
    assert cast.alice.get(path).status_code == 404
    assert faults(cast.alice.post("/views", {**body, "chartType": "radar"}))[0][1] == "chartType"


@pytest.mark.covers("003-ANA-01", "003-ANA-03", "003-ANA-04", "003-ANA-05", "003-ANA-06", "C50", "C51")
def test_figures_of_the_examples(cast: Cast, seen: dict[str, Any]) -> None:
    def figures(kind: str, **config: Any) -> Any:
        return data(cast.alice.post("/views/preview", view(seen, kind, **config)))

    total = figures("number", aggregation="sum", field="herd_size")
    assert (total["value"], total["labels"], total["series"], total["rows"]) == (31.5, [], [], 5)
    assert (total["chartType"], total["aggregation"], total["groupBy"]) == ("number", "sum", None)
    assert (total["timeZone"], total["viewId"]) == ("Africa/Casablanca", None)
    for kind, value in {"avg": 6.3, "average": 6.3, "min": 3, "max": 12, "median": 5, "count": 5}.items():
        assert figures("number", aggregation=kind, field="herd_size")["value"] == pytest.approx(value)
    assert figures("number", aggregation="count", field="behavior")["value"] == 4

    pie = figures("pie", groupBy="behavior", aggregation="count")
    assert pie["labels"] == ["Feeding", "Traveling", "Resting", None]  # as the form has them, no answer last
    assert [one["values"] for one in pie["series"]] == [[2, 1, 1, 1]]
    assert figures("donut", groupBy="behavior") | {"chartType": "pie", "generatedAt": 0} == pie | {"generatedAt": 0}

    line = figures("line", xAxis="createdAt", yAxis="herd_size", groupBy="day", aggregation="sum")
    days = [f"2026-02-{day}" for day in (12, 13, 14, 15, 16, 17)]
    assert (line["labels"], line["series"][0]["values"]) == (days, [5, 0, 19.5, 3, 0, 4])
    line = figures("line", xAxis="createdAt", yAxis="herd_size", groupBy="day", aggregation="average")
    assert line["series"][0]["values"] == [5, None, 9.75, 3, None, 4]
    hours = figures("bar", groupBy="hour", filters=[{"field": "createdAt", "op": "eq", "value": "2026-02-14"}])
    assert hours["labels"] == ["2026-02-14T10:00", "2026-02-14T11:00"]  # one hour ahead of UTC
    quarters = figures("bar", groupBy="quarter")
    assert (quarters["labels"], figures("bar", groupBy="year")["labels"]) == (["2026-Q1"], ["2026"])

    stacked = figures("stackedBar", xAxis="createdAt", groupBy="week", stackBy="submittedByUserId")
    assert stacked["labels"] == ["2026-02-09", "2026-02-16"]
    by = {one["key"]: (one["label"], one["values"]) for one in stacked["series"]}
    assert by == {
        str(cast.alice.user.pk): ("Alice", [1, 1]),
        str(cast.bob.user.pk): ("Bob", [3, 0]),
    }
    few = figures("number", filters=[{"field": "herd_size", "op": "gte", "value": 5}])
    assert few["value"] == few["rows"] == 3


@pytest.mark.covers("C49", "C50")
def test_mistakes_are_named(cast: Cast, seen: dict[str, Any]) -> None:
    other = project(cast, name="Other")
    wrong: list[tuple[dict[str, Any], str, str]] = [
        (view(seen, "number", aggregation="sum", field="herds"), "config.field", "herds"),
        (view(seen, "number", aggregation="sum", field="behavior"), "config.field", "behavior"),
        (view(seen, "number", aggregation="sum"), "config.field", "sum"),
        (view(seen, "number", aggregation="mode"), "config.aggregation", "median"),
        (view(seen, "pie"), "config.groupBy", ""),
        (view(seen, "pie", groupBy="createdAt"), "config.groupBy", "createdAt"),
        (view(seen, "bar", groupBy="day", xAxis="behavior"), "config.xAxis", "behavior"),
        (view(seen, "stackedBar", groupBy="day"), "config.stackBy", ""),
        (view(seen, "number", filters=[{"field": "ghost", "op": "eq", "value": 1}]), "config.filters.0.field", "ghost"),
        (
            view(seen, "number", filters=[{"field": "herd_size", "op": "eq", "value": "x"}]),
            "config.filters.0.value",
            "herd",
        ),
        (view(seen, "number", filters=[{"field": "herd_size", "op": "like"}]), "config.filters.0.op", "isnull"),
        (view(seen, "number", filters="x"), "config.filters", ""),
        (view({**seen, "projectId": other}, "number"), "config.formId", ""),
        (view({**seen, "id": "5"}, "number"), "config.formId", ""),
        ({**view(seen, "number"), "config": "{"}, "config", ""),
    ]
    for body, field, word in wrong:
        for path in ("/views", "/views/preview"):
            answer = cast.alice.post(path, body)
            assert (answer.status_code, faults(answer)[0][:2]) == (400, ("VALIDATION_ERROR", field)), body
            assert word in answer.json()["message"], body
    assert cast.alice.post("/views/preview", view({**seen, "projectId": str(uuid4())}, "number")).status_code == 404
    assert data(cast.alice.get("/views")) == []


@pytest.mark.covers("003-WF-03")
def test_an_administrator_draws_what_was_submitted(cast: Cast, seen: dict[str, Any]) -> None:
    body = view(seen, "bar", groupBy="behavior", aggregation="sum", yAxis="herd_size")
    made = data(cast.alice.post("/views", body), 201)
    [listed] = data(cast.alice.get(f"/views/project/{seen['projectId']}"))
    config = orjson.loads(listed["definition"])["config"]

    sums: dict[str | None, float] = {}
    for row in data(cast.alice.get(f"/submissions/project/{seen['projectId']}")):
        answers = orjson.loads(row["answers"]) if isinstance(row["answers"], str) else row["answers"]
        key = answers.get(config["groupBy"])
        sums[key] = sums.get(key, 0) + answers[config["yAxis"]]

    drawn = data(cast.alice.get(f"/views/{made['id']}/data"))
    assert sums == {"Traveling": 5, "Feeding": 19.5, "Resting": 4, None: 3}
    assert dict(zip(drawn["keys"], drawn["series"][0]["values"], strict=True)) == sums


@pytest.mark.covers("C51")
def test_a_change_shows_at_once_and_nothing_else_is_computed(cast: Cast, seen: dict[str, Any]) -> None:
    made = data(cast.alice.post("/views", view(seen, "number")), 201)
    path = f"/views/{made['id']}/data"
    first = cast.alice.get(path)
    assert (data(first)["value"], data(first)["viewId"]) == (5, made["id"])
    assert cast.alice.get(path, If_None_Match=first["ETag"]).status_code == 304

    with tenant(cast.a.pk):
        store(cast.a, seen["id"], seen["projectId"], {"herd_size": "a text"}, "2026-02-18T00:00:00Z")
    second = cast.alice.get(path, If_None_Match=first["ETag"])
    assert (data(second)["value"], data(second)["dataVersion"]) == (6, data(first)["dataVersion"] + 1)
    with tenant(cast.a.pk):  # a deletion and an edit in one statement each
        Submission.objects.filter(answers__herd_size=12).update(deleted_at=clock.now())
        assert SubmissionTally.objects.filter(form=seen["id"]).exists()
    assert data(cast.alice.get(path))["value"] == 5
    total = data(cast.alice.post("/views/preview", view(seen, "number", aggregation="sum", field="herd_size")))
    assert total["value"] == 19.5

    with platform():  # the form loses the field: a clear answer, no crash
        Form.objects.filter(pk=seen["id"]).update(deleted_at=clock.now())
    assert faults(cast.alice.get(path))[0][1] == "config.formId"


@pytest.mark.covers("C51", "C98", "003-ANA-07", "003-META-01", "002-CACHE-02")
def test_dashboards_and_their_widgets(cast: Cast, seen: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    views = [
        data(cast.alice.post("/views", view(seen, kind, **config)), 201)["id"]
        for kind, config in (("number", {}), ("pie", {"groupBy": "behavior"}))
    ]
    body = {"name": "Elephants", "projectId": seen["projectId"], "metadata": {"theme": "dark"}}
    place = {"x": 0, "y": 0, "w": 4, "h": 3}
    made = data(cast.alice.post("/dashboards", {**body, "widgets": [{"viewId": views[0], "position": place}]}), 201)
    assert (made["metadata"], made["metadataObject"], made["version"]) == ('{"theme":"dark"}', {"theme": "dark"}, 1)
    assert [(w["viewId"], w["position"]) for w in made["widgets"]] == [(views[0], place)]
    path = f"/dashboards/{made['id']}"

    added = data(cast.alice.post(f"{path}/widgets", {"viewId": views[1]}), 201)
    assert added["position"] == {"x": 4, "y": 0, "w": 6, "h": 4}  # the first free place
    moved = data(cast.alice.patch(f"{path}/widgets/{added['id']}", {"position": {"x": 0, "y": 3, "w": 12}}))
    assert moved["position"] == {"x": 0, "y": 3, "w": 12, "h": 4}
    assert [w["id"] for w in data(cast.carol.get(f"{path}/widgets"))] == [made["widgets"][0]["id"], added["id"]]
    assert data(cast.alice.get(path))["version"] == 3
    stranger = {"viewId": str(uuid4())}
    assert faults(cast.alice.post(f"{path}/widgets", stranger))[0][1] == "viewId"
    wide = {"viewId": views[0], "position": {"x": 7, "y": 0, "w": 6, "h": 1}}
    assert faults(cast.alice.post(f"{path}/widgets", wide))[0][1] == "position.w"

    # in a test all of it is one transaction, whose sight is not kept for others: here it is
    monkeypatch.setattr(selectors, "data_versions", lambda forms: replace(data_versions(forms), committed=True))
    with CaptureQueriesContext(connection) as asked:
        answer = cast.carol.get(f"{path}/data")
    shown = data(answer)["widgets"]
    assert [(w["viewId"], w["data"]["chartType"], w["error"]) for w in shown] == [
        (views[0], "number", None), (views[1], "pie", None),
    ]  # fmt: skip
    assert sum("FROM collect_submission s" in query["sql"] for query in asked) == 2  # one statement a view
    with CaptureQueriesContext(connection) as asked:
        assert data(cast.alice.get(f"{path}/data"))["widgets"] == shown  # kept, for another reader, too
    assert not any("FROM collect_submission s" in query["sql"] for query in asked)
    with CaptureQueriesContext(connection) as asked:
        assert cast.carol.get(f"{path}/data", If_None_Match=answer["ETag"]).status_code == 304
    assert not any("FROM collect_submission s" in query["sql"] for query in asked)

    kept = {"id": shown[1]["id"], "viewId": views[1]}
    replaced = data(cast.alice.put(path, {"widgets": [kept, {"viewId": views[0]}], "version": 3}))
    assert [w["viewId"] for w in replaced["widgets"]] == [views[1], views[0]]  # the new one found room beneath
    assert replaced["widgets"][0]["id"] == kept["id"]
    assert cast.alice.delete(f"{path}/widgets/{kept['id']}").status_code == 200
    assert cast.alice.delete(f"/views/{views[0]}").status_code == 200
    assert data(cast.alice.get(path))["widgets"] == []
    assert len(data(cast.alice.get("/dashboards?search=eleph"))) == 1
    for who, status in ((cast.bob, 403), (cast.mallory, 404)):
        answers = (who.get(path), who.get(f"{path}/data"), who.delete(path), who.post(f"{path}/widgets", kept))
        assert [answer.status_code for answer in answers] == [status] * 4
    assert cast.alice.delete(path).status_code == 200
    assert cast.alice.get(path).status_code == 404


@pytest.mark.covers("E003-035", "003-ADM-02", "003-ADM-03", "003-ADM-04")
def test_the_statistics_of_003_come_from_real_submissions(cast: Cast) -> None:
    now = clock.now()
    with platform():
        wild, east = cast.a, cast.b
        wild.name, east.name = "Wildlife Conservation Org", "East Africa Wildlife Foundation"
        more = [Organization(name=name) for name in ("Third", "Fourth", "Fifth")]
        for organization in (wild, east, *more):
            organization.save()
        Organization.objects.filter(pk__in=[one.pk for one in more]).update(created_at=now - timedelta(days=40))
        roles = {role.key: role for role in Role.objects.filter(organization=None)}
        User.objects.filter(pk__in=[cast.bob.user.pk, cast.carol.user.pk]).update(role=roles["Agent"])
        kinds = ["Admin"] * 3 + ["Agent"] * 15
        User.objects.bulk_create(
            User(email=f"{n}@x.test", name=str(n), organization=more[n % 3], role=roles[kind], is_active=n > 1)
            for n, kind in enumerate(kinds)
        )
        projects = {}
        for n, status in enumerate(["Active"] * 8 + ["Draft"] * 2 + ["Completed"] * 2):
            organization = (wild, east, *more)[n % 5]
            with tenant(organization.pk):
                made = Project.objects.create(organization=organization, name=str(n), status=status)
            projects.setdefault(organization.pk, made)
        # of each organisation: all, of the last 30 days, of the last 7
        for organization, (total, month, week) in zip(
            (wild, east, *more), [(156, 80, 30), (142, 70, 12), (100, 40, 10), (60, 13, 0), (29, 0, 0)], strict=True
        ):
            with tenant(organization.pk):
                where = projects[organization.pk]
                asked = Form.objects.create(organization=organization, project=where, name="F")
                ages = [1] * week + [20] * (month - week) + [90] * (total - month)
                Submission.objects.bulk_create(
                    Submission(
                        organization=organization, form=asked, project=where, form_version=1, answers={},
                        created_at=now - timedelta(days=age), local_sync_id=uuid4(), fingerprint="",
                    )
                    for age in ages
                )  # fmt: skip
        Invitation.objects.bulk_create(
            Invitation(
                organization=wild, email=f"{n}@y.test", role=roles["Agent"], status=status, token_hash=str(n),
                nonce="x", expires_at=now + timedelta(days=1), sent_by=cast.alice.user,
            )
            for n, status in enumerate(["Pending"] * 5 + ["Accepted"] * 23 + ["Expired"] * 2)
        )  # fmt: skip

    found = data(cast.root.get("/admin/dashboard/stats"))

    assert found["organizations"] == {"total": 5, "active": 4, "createdThisMonth": 2, "dormant": 1}
    users = found["users"]
    assert {role: count for role, count in users["byRole"].items() if count} == {
        "superAdmin": 1,
        "admin": 5,
        "agent": 17,
    }
    assert [users[key] for key in ("total", "active", "inactive", "averagePerOrganization")] == [23, 21, 2, 4.6]
    projects_found = found["projects"]
    assert (projects_found["total"], projects_found["averagePerOrganization"]) == (12, 2.4)
    assert {key: projects_found["byStatus"][key] for key in ("draft", "active", "closed")} == {
        "draft": 2, "active": 8, "closed": 2,
    }  # fmt: skip
    sent = found["submissions"]
    assert [sent[key] for key in ("total", "last7Days", "last30Days", "averagePerProject")] == [487, 52, 203, 40.58]
    assert sent["topOrganizationsBySubmissions"][:2] == [
        {"organizationId": str(wild.pk), "organizationName": wild.name, "submissionCount": 156},
        {"organizationId": str(east.pk), "organizationName": east.name, "submissionCount": 142},
    ]
    invitations = found["invitations"]
    assert [invitations[key] for key in ("total", "pending", "accepted", "expired")] == [30, 5, 23, 2]
    assert invitations["acceptanceRate"] == 82.14
