"""Forms and submissions through the API: specification 003's own examples and `contract-rooms.md` section 1."""

import csv
import io
import re
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from openpyxl import load_workbook

from portal.collect.models import Submission, WebhookDelivery
from portal.collect.submissions.jobs import refresh_statistics
from portal.core.common import clock
from portal.core.tenancy.scope import tenant
from tests.api.conftest import Cast

FIELDS: list[dict[str, Any]] = [
    {"id": "location", "type": "text", "label": "GPS Location", "required": True},
    {"id": "herd_size", "type": "number", "label": "Herd Size", "required": True},
    {"id": "behavior", "type": "select", "label": "Behavior", "options": ["Feeding", "Traveling", "Resting"]},
    {"id": "timestamp", "type": "datetime", "label": "Observation Time"},
    {"id": "healthy", "type": "boolean", "label": "All animals healthy?"},
]
METADATA = {"icon": "elephant", "primaryColor": "#4A90E2", "sections": ["demographics"], "estimatedDuration": 5}
ANSWERS: dict[str, Any] = {
    "location": "-2.6522, 37.2606",
    "herd_size": 12,
    "behavior": "Feeding",
    "timestamp": "2026-02-14T10:30:00Z",
    "healthy": True,
}
LOCAL = "00000000-0000-0000-0001-000000000001"


def data(answer: Any, status: int = 200) -> Any:
    assert answer.status_code == status, answer.content
    return orjson.loads(answer.content)["data"]


def faults(answer: Any, status: int = 400) -> list[tuple[str, str, str]]:
    assert answer.status_code == status, answer.content
    return [(e["code"], e["field"], e.get("rule", "")) for e in orjson.loads(answer.content)["errors"]]


def meta(answer: Any) -> Any:
    return orjson.loads(answer.content)["meta"]


def project(cast: Cast, **more: Any) -> str:
    made = data(cast.alice.post("/projects", {"name": "Elephants", "memberIds": [str(cast.bob.user.pk)], **more}), 201)
    return str(made["id"])


def form(cast: Cast, where: str, fields: list[dict[str, Any]] = FIELDS, **more: Any) -> dict[str, Any]:
    body = {"projectId": where, "name": "Daily Elephant Sighting", "schema": {"fields": fields}, **more}
    return data(cast.alice.post("/forms", body), 201)  # type: ignore[no-any-return]


def submission(where: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "formId": where["id"],
        "projectId": where["projectId"],
        "answers": ANSWERS,
        "localSyncId": str(uuid4()),
        **more,
    }


@pytest.mark.covers(
    "E003-015", "E003-016", "E003-017", "E003-018", "E003-019", "E003-020", "003-SCH-01", "003-META-01", "003-TEN-04",
    "C52",
)  # fmt: skip
def test_forms_as_the_specification_says(cast: Cast) -> None:
    where = project(cast)
    made = form(cast, where, metadata=METADATA, description="Record elephant encounters")

    assert orjson.loads(made["schema"]) == made["schemaObject"] == {"fields": FIELDS}
    assert orjson.loads(made["metadata"]) == made["metadataObject"] == METADATA
    assert (made["version"], made["isActive"], made["status"]) == (1, True, "published")
    assert (
        made["description"] == data(cast.bob.get(f"/forms/{made['id']}"))["description"] == "Record elephant encounters"
    )
    assert [row["id"] for row in data(cast.bob.get(f"/forms?projectId={where}&activeOnly=true"))] == [made["id"]]
    assert [row["id"] for row in data(cast.bob.get(f"/forms/project/{where}?activeOnly=true"))] == [made["id"]]
    assert data(cast.bob.get(f"/forms/{made['id']}"))["name"] == "Daily Elephant Sighting"
    assert cast.bob.post("/forms", {}).status_code == 403
    for path in (f"/forms/{made['id']}", f"/forms/project/{where}", f"/submissions/form/{made['id']}"):
        assert cast.mallory.get(path).status_code == 404

    same = data(cast.alice.patch(f"/forms/{made['id']}", {"schema": {"fields": FIELDS}, "name": "Sighting"}))
    assert (same["version"], same["name"], same["metadataObject"]) == (1, "Sighting", METADATA)
    more = [*FIELDS, {"id": "note", "type": "text", "label": {"ar": "ملاحظة", "en": "Note"}}]
    changed = data(cast.alice.put(f"/forms/{made['id']}", {"schema": orjson.dumps({"fields": more}).decode()}))
    assert (changed["version"], changed["languages"]) == (2, ["ar", "en"])
    cleared = data(cast.alice.patch(f"/forms/{made['id']}", {"metadata": None, "isActive": False}))
    assert (cleared["metadata"], cleared["version"], cleared["isActive"]) == (None, 2, False)
    assert [v["version"] for v in data(cast.bob.get(f"/forms/{made['id']}/versions"))] == [2, 1]
    assert data(cast.alice.get(f"/forms?projectId={where}&activeOnly=true")) == []
    assert faults(cast.bob.post("/submissions", submission(made))) == [("VALIDATION_ERROR", "formId", "")]
    stale = cast.alice.patch(f"/forms/{made['id']}", {"name": "x", "version": 1})
    assert stale.status_code == 409

    draft = data(cast.alice.post("/forms", {"projectId": where, "name": "D", "schema": {"fields": FIELDS}, "publish": False}), 201)  # fmt: skip  # noqa: E501
    assert (draft["version"], draft["status"]) == (0, "draft")
    assert cast.bob.get(f"/forms/{draft['id']}").status_code == 404
    assert data(cast.alice.post(f"/forms/{draft['id']}/publish"))["version"] == 1
    bad = {"projectId": where, "name": "B", "schema": {"fields": [{"id": "a b", "type": "text"}]}}
    assert faults(cast.alice.post("/forms", bad))[0][1] == "schema.fields[0].id"
    assert data(cast.alice.delete(f"/forms/{draft['id']}")) is None
    assert cast.alice.get(f"/forms/{draft['id']}").status_code == 404


@pytest.mark.covers(
    "E003-021", "E003-022", "E003-023", "E003-024", "E003-025", "003-OFF-01", "003-OFF-02", "003-OFF-03", "003-SUB-03",
    "003-SUB-04", "003-UI-01", "003-FMT-01", "003-TST-02", "C45", "C46",
)  # fmt: skip
def test_submissions_as_the_specification_says(cast: Cast) -> None:
    where = project(cast)
    made = form(cast, where)
    sent = submission(made, localSyncId=LOCAL, createdAt="2026-02-14T12:30:00Z")

    first = data(cast.bob.post("/submissions", sent), 201)
    assert (first["answers"], first["localSyncId"], first["createdAt"]) == (ANSWERS, LOCAL, "2026-02-14T12:30:00Z")
    assert (first["formVersion"], first["version"], first["reviewState"], first["flags"]) == (1, 1, "received", [])
    assert first["submittedByUserId"] == str(cast.bob.user.pk)
    assert first["syncedAt"] > first["createdAt"]
    for moment in ("createdAt", "syncedAt", "updatedAt"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", first[moment]), moment
    shifted = submission(made, localSyncId=str(uuid4()), createdAt="2026-02-14T14:30:00+02:00")
    assert data(cast.bob.post("/submissions", shifted), 201)["createdAt"] == "2026-02-14T12:30:00Z"
    unnamed = {name: value for name, value in shifted.items() if name != "localSyncId"}
    assert UUID(data(cast.bob.post("/submissions", unnamed), 201)["localSyncId"])
    assert data(cast.bob.post("/submissions", sent)) == first  # 200
    other = cast.bob.post("/submissions", {**sent, "answers": {**ANSWERS, "herd_size": 13}})
    assert faults(other, 409)[0][0] == "LOCAL_SYNC_CONFLICT"
    assert meta(other)["id"] == first["id"]
    assert meta(other)["storedFingerprint"] == first["fingerprint"] != meta(other)["sentFingerprint"]
    assert faults(cast.alice.post("/submissions", sent), 409)[0][0] == "LOCAL_SYNC_CONFLICT"
    assert cast.carol.post("/submissions", sent).status_code == 403
    assert cast.mallory.post("/submissions", submission(made)).status_code == 404

    wrong = {"herd_size": "many", "behavior": "Flying", "height": 3}
    assert set(faults(cast.bob.post("/submissions", submission(made, answers=wrong)))) == {
        ("VALIDATION_ERROR", "location", "REQUIRED"),
        ("VALIDATION_ERROR", "herd_size", "TYPE"),
        ("VALIDATION_ERROR", "behavior", "OPTION"),
        ("VALIDATION_ERROR", "height", "UNKNOWN_FIELD"),
    }
    for field, value in (
        ("localSyncId", "no uuid"),
        ("createdAt", "2999-01-01T00:00:00Z"),
        ("createdAt", "2026-02-14T12:30:00"),
        ("latitude", 91),
        ("formVersion", 7),
        ("answers", []),
        ("answers", {"herd_size": 10**30}),
    ):
        assert faults(cast.bob.post("/submissions", submission(made, **{field: value})))[0][1] == field
    assert cast.bob.post("/submissions", submission(made, formId=str(uuid4()))).status_code == 404

    third = submission(made)
    items = [
        sent,
        submission(made, answers=wrong),
        third,
        {**third, "answers": {**ANSWERS, "herd_size": 1}},
        third,
        "x",
        submission(made, localSyncId="no uuid"),
    ]
    answer = data(cast.bob.post("/submissions/bulk", {"submissions": items}))
    assert (answer["successful"], answer["failed"]) == (3, 4)
    assert [r["success"] for r in answer["results"]] == [True, False, True, False, True, False, False]
    assert answer["results"][0]["submission"]["id"] == first["id"]
    assert answer["results"][2]["submission"] == answer["results"][4]["submission"]
    assert [e["rule"] for e in answer["results"][1]["errors"]] == ["REQUIRED", "TYPE", "OPTION", "UNKNOWN_FIELD"]
    assert answer["results"][3]["error"]["code"] == "LOCAL_SYNC_CONFLICT"
    assert answer["results"][6]["localSyncId"] == "no uuid"
    assert cast.bob.post("/submissions/bulk", {"submissions": [sent] * 201}).status_code == 413

    unknown = str(uuid4())
    held = data(cast.bob.post("/submissions/reconcile", {"localSyncIds": [LOCAL, unknown]}))
    assert (held["known"][0]["id"], held["unknown"]) == (first["id"], [unknown])
    for path in (f"project/{where}", f"form/{made['id']}"):
        listed = cast.alice.get(f"/submissions/{path}?limit=1")
        assert (len(data(listed)), meta(listed)["total"]) == (1, 4)
    assert data(cast.bob.get(f"/submissions/{first['id']}")) == first
    assert cast.mallory.get(f"/submissions/{first['id']}").status_code == 404


@pytest.mark.covers("003-SUB-01", "003-SUB-02", "C43", "C44")
def test_projects_take_submissions_while_they_are_open(cast: Cast) -> None:
    where = project(cast, startDate="2026-02-01T00:00:00Z", endDate="2026-03-01T00:00:00Z")
    made = form(cast, where)
    for moment, status in (
        ("2026-01-31T23:59:59Z", 400),
        ("2026-02-01T00:00:00Z", 201),
        ("2026-03-01T00:00:00Z", 201),
        ("2026-03-01T00:00:01Z", 400),
    ):
        answer = cast.bob.post("/submissions", submission(made, capturedAt=moment))
        assert answer.status_code == status
    assert faults(cast.bob.post("/submissions", submission(made)))[0][0] == "OUTSIDE_SUBMISSION_WINDOW"
    assert data(cast.alice.get(f"/projects/{where}"))["status"] == "Draft"
    data(cast.alice.patch(f"/projects/{where}", {"status": "Active", "endDate": None}))  # open from now on
    ahead = (clock.now() + timedelta(minutes=4), clock.now() + timedelta(minutes=6))
    for at, status in zip(ahead, (201, 400), strict=True):
        assert cast.bob.post("/submissions", submission(made, capturedAt=clock.wire(at))).status_code == status
    assert cast.bob.post("/submissions", submission(made)).status_code == 201
    stored = submission(made, capturedAt="2026-02-02T00:00:00Z")
    first = data(cast.bob.post("/submissions", stored), 201)
    data(cast.alice.patch(f"/projects/{where}", {"status": "Closed"}))
    late = submission(made, capturedAt="2026-02-02T00:00:00Z")
    assert faults(cast.bob.post("/submissions", late))[0][0] == "PROJECT_CLOSED"
    assert data(cast.bob.post("/submissions", stored)) == first  # a repeat is no new one


WELLS: list[dict[str, Any]] = [
    {"id": "village", "type": "text", "label": "Village", "required": True},
    {"id": "depth", "type": "number", "label": "Depth", "min": 0, "max": 500},
    {"id": "place", "type": "geopoint", "label": "Place"},
    {"id": "uses", "type": "selectMultiple", "label": "Uses", "options": ["drinking", "cattle"]},
    *({"id": f"q{n}", "type": "select", "label": f"Q{n}", "options": ["good", "bad"]} for n in range(5)),
    {
        "id": "pumps",
        "type": "repeat",
        "label": "Pumps",
        "fields": [
            {"id": "power", "type": "number", "label": "Power"},
            {"id": "maker", "type": "text", "label": "Maker"},
        ],
    },
]


def test_review_edit_history_and_lists(cast: Cast) -> None:
    where = project(cast)
    made = form(cast, where, WELLS, settings={"minSeconds": 60})
    base = {"q0": "good", "q1": "bad", "q2": "good", "q3": "bad", "q4": "bad"}
    said = {**base, "uses": ["cattle"]}
    sent = [
        submission(made, answers={**said, "village": f"القرية {n}", "depth": n, "place": {"lat": 33 + n, "lng": -7}})
        for n in range(40)
    ]
    assert data(cast.bob.post("/submissions/bulk", {"submissions": sent}))["failed"] == 0
    with tenant(cast.a.pk):
        row = Submission.objects.order_by("created_at", "id")[0]
        refresh_statistics(row.form)
    odd = {
        **dict.fromkeys(base, "good"), "village": "=HYPERLINK(1)", "depth": 400.50, "place": {"lat": 33, "lng": -7},
        "pumps": [{"power": 5, "maker": "@a"}, {"power": 7}],
    }  # fmt: skip
    answer = cast.bob.post(
        "/submissions",
        submission(made, answers=odd, startedAt="2026-02-14T12:00:00Z", createdAt="2026-02-14T12:00:30Z"),
    )
    strange = data(answer, 201)
    assert {f["code"] for f in strange["flags"]} == {"OUTLIER", "TOO_FAST", "STRAIGHT_LINE", "SAME_PLACE"}
    assert (strange["latitude"], strange["longitude"]) == (33, -7)

    listed = f"/submissions?formId={made['id']}"
    assert meta(cast.alice.get(f"{listed}&answers.depth=7"))["total"] == 1
    assert meta(cast.alice.get(f"{listed}&answers.depth=7.0&answers.q0=good"))["total"] == 1
    assert meta(cast.alice.get(f"{listed}&answers.uses=cattle"))["total"] == 40
    assert meta(cast.alice.get(f"{listed}&answers.village=nowhere"))["total"] == 0
    assert meta(cast.alice.get(f"{listed}&search=القريه 39"))["total"] == 1
    assert meta(cast.alice.get(f"{listed}&flag=OUTLIER"))["total"] == 1
    assert meta(cast.alice.get(f"{listed}&flag=none&reviewState=received"))["total"] == 40
    by_depth = data(cast.alice.get(f"{listed}&sort=answers.depth&order=desc&limit=2"))
    assert [row["answers"]["depth"] for row in by_depth] == [400.5, 39]
    assert cast.alice.get(f"{listed}&answers.a b=1").status_code == 400
    assert cast.alice.get(f"{listed}&sort=secret").status_code == 400

    path = f"/submissions/{strange['id']}"
    edited = data(cast.bob.patch(path, {"answers": {"depth": 40, "pumps": [{"power": 6, "maker": "@a"}, {"power": 7}]}, "version": 1, "reason": "slip"}))  # fmt: skip  # noqa: E501
    assert (edited["version"], edited["reviewState"], edited["answers"]["depth"]) == (2, "edited", 40)
    assert "OUTLIER" not in {f["code"] for f in edited["flags"]}
    assert cast.bob.patch(path, {"answers": {"depth": 41}, "version": 1}).status_code == 409
    assert faults(cast.bob.patch(path, {"answers": {"pumps": [{"power": "x"}]}}))[0][1:] == ("pumps[0].power", "TYPE")
    assert cast.bob.post(f"{path}/review", {"state": "approved"}).status_code == 403
    assert faults(cast.alice.post(f"{path}/review", {"state": "rejected"}))[0][1] == "note"
    assert data(cast.alice.patch(f"{path}/review", {"state": "rejected", "note": "wrong well"}))["version"] == 3
    assert (
        faults(cast.alice.post(f"{path}/review", {"state": "rejected", "note": "wrong well"}), 422)[0][0]
        == "ILLEGAL_TRANSITION"
    )
    history = data(cast.alice.get(f"{path}/history"))
    assert [entry["kind"] for entry in history] == ["review", "answers"]
    assert history[1]["reason"] == "slip"
    assert {(c["field"], c["old"], c["new"]) for c in history[1]["changes"]} == {
        ("depth", 400.5, 40), ("pumps[0].power", 5, 6),
    }  # fmt: skip
    assert data(cast.bob.post(f"{path}/comments", {"content": "Sorry"}), 201)["content"] == "Sorry"
    assert [c["userName"] for c in data(cast.carol.get(f"{path}/comments"))] == ["Bob"]
    many = data(cast.alice.post("/submissions/review", {"ids": [strange["id"], str(uuid4())], "state": "approved"}))
    assert (many["succeeded"], many["failed"]) == (1, 1)

    broken = cast.alice.patch(f"/forms/{made['id']}", {"schema": {"fields": WELLS[:2]}})
    assert faults(broken, 409)[0][0] == "SCHEMA_BREAKS_DATA"
    assert {f["field"]: f["count"] for f in meta(broken)["fields"]}["pumps"] == 1
    tight = [{**WELLS[0]}, {**WELLS[1], "max": 10}, *WELLS[2:]]
    would = data(cast.alice.post(f"/forms/{made['id']}/check", {"schema": {"fields": tight}}))
    assert would["wouldFail"] == 30
    assert (would["byField"][0]["field"], would["byField"][0]["rule"]) == ("depth", "MAX")
    assert data(cast.alice.patch(f"/forms/{made['id']}", {"schema": {"fields": tight}}))["version"] == 2
    older = submission(made, answers={**base, "village": "v", "depth": 90}, formVersion=1)
    assert data(cast.bob.post("/submissions", older), 201)["formVersion"] == 1
    assert (
        faults(cast.bob.post("/submissions", {**older, "localSyncId": str(uuid4()), "formVersion": 2}))[0][2] == "MAX"
    )

    _exports(cast, made, strange)
    assert data(cast.alice.delete(path)) is None
    assert cast.alice.get(path).status_code == 404


def _exports(cast: Cast, made: dict[str, Any], strange: dict[str, Any]) -> None:
    address = f"/submissions/export?formId={made['id']}"
    assert cast.bob.get(address).status_code == 403
    answer = cast.alice.get(f"{address}&format=csv&answers.q1=good")
    assert answer.status_code == 200
    (row,) = csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig")))
    assert (row["village"], row["depth"], row["pumps"]) == ("'=HYPERLINK(1)", "40", "2")
    assert (row["place"], row["id"]) == ("33 -7", strange["id"])
    inner = cast.alice.get(f"{address}&format=csv&sheet=pumps")
    pumps = list(csv.DictReader(io.StringIO(b"".join(inner.streaming_content).decode("utf-8-sig"))))
    assert [(p["submissionId"], p["power"], p["maker"]) for p in pumps] == [
        (strange["id"], "6", "'@a"), (strange["id"], "7", ""),
    ]  # fmt: skip
    points = orjson.loads(b"".join(cast.alice.get(f"{address}&format=geojson").streaming_content))
    assert len(points["features"]) == 42
    assert {f["id"]: f["geometry"] for f in points["features"]}[strange["id"]]["coordinates"] == [-7, 33]
    lines = b"".join(cast.alice.get(f"{address}&format=jsonl").streaming_content).splitlines()
    assert len(lines) == 42
    book = load_workbook(io.BytesIO(b"".join(cast.alice.get(f"{address}&format=xlsx").streaming_content)))
    assert [(sheet.title, sheet.max_row) for sheet in book] == [("Submissions", 43), ("pumps", 3)]
    assert book["pumps"].cell(2, 4).data_type != "f"
    assert cast.alice.get(f"{address}&format=zip").status_code == 202


def test_webhooks_are_put_into_the_outbox(cast: Cast) -> None:
    made = form(cast, project(cast))
    hooks = f"/forms/{made['id']}/webhooks"
    for url in ("http://example.org/x", "https://127.0.0.1/x", "https://10.0.0.8/", "https://localhost/", "https://[::1]/", "https://a:b@example.org/", "ftp://example.org/"):  # fmt: skip  # noqa: E501
        assert faults(cast.alice.post(hooks, {"name": "n", "url": url}))[0][1] == "url", url
    hook = data(cast.alice.post(hooks, {"name": "n", "url": "https://example.org/x"}), 201)
    assert len(hook["secret"]) > 30
    assert "secret" not in data(cast.alice.get(hooks))[0]
    assert cast.bob.get(hooks).status_code == 403
    data(cast.bob.post("/submissions", submission(made)), 201)
    (sent,) = data(cast.alice.get(f"{hooks}/{hook['id']}/deliveries"))
    assert (sent["event"], sent["status"], sent["attempts"]) == ("submission.created", "waiting", 0)
    data(cast.alice.patch(f"{hooks}/{hook['id']}", {"isActive": False}))
    data(cast.bob.post("/submissions", submission(made)), 201)
    with tenant(cast.a.pk):
        assert WebhookDelivery.objects.count() == 1
    assert data(cast.alice.delete(f"{hooks}/{hook['id']}")) is None
