"""Synchronisation over HTTP: contract-lab-sync sections 1 to 3 (push, pull, uploads, status, inbox)."""

import base64
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, connections
from pytest_django import DjangoAssertNumQueries

from portal.core.accounts.models import Device
from portal.core.audit.models import Action, AuditEntry
from portal.core.sync.models import Clock, Conflict, DeviceState, FeedRecord, IdempotencyKey, ItemKey
from portal.core.tenancy.scope import platform, tenant
from portal.lab.models import Sample
from tests.api.conftest import Cast, Person

pytestmark = pytest.mark.django_db
SAMPLE = {
    "type": "drinking_water",
    "location": "Anfa, tap 4",
    "collectionDate": "2026-03-20T09:15:00Z",
    "collectorName": "Amina",
}
NITRATE = {"parameterName": "NO3", "value": "12.00", "unit": "mg/L N"}


def item(
    entity: str, data: dict[str, Any] | None = None, *, id: str = "", operation: str = "created", **more: Any
) -> Any:
    return {"entity": entity, "entityId": id or str(uuid4()), "operation": operation, "data": data or {}, **more}


def push(who: Person, *items: Any, device: str = "lab-pc-7", headers: dict[str, str] | None = None, **more: Any) -> Any:
    return who.post("/sync", {"deviceId": device, "changes": list(items), **more}, **(headers or {}))


def pushed(who: Person, *items: Any, **more: Any) -> dict[str, Any]:
    response = push(who, *items, **more)
    assert response.status_code == 200, response.content
    return response.json()["data"]  # type: ignore[no-any-return]


def pulled(who: Person, cursor: str = "", *, device: str = "reader", limit: int = 200) -> dict[str, Any]:
    response = who.get(f"/sync/changes?deviceId={device}&limit={limit}&cursor={cursor}")
    assert response.status_code == 200, response.content
    return response.json()["data"]  # type: ignore[no-any-return]


def drained(who: Person, cursor: str = "", **more: Any) -> tuple[list[dict[str, Any]], str]:
    entries = []
    while True:
        page = pulled(who, cursor, **more)
        entries += page["changes"]
        cursor = page["pagination"]["nextCursor"]
        if not page["pagination"]["hasMore"]:
            return entries, cursor


def statuses(data: dict[str, Any]) -> list[str]:
    return [result["status"] for result in data["results"]]


# --- push ----------------------------------------------------------------------------------------
@pytest.mark.covers("E001-013", "001-FR-030")
def test_a_sample_and_its_results_arrive_and_are_judged(cast: Cast) -> None:
    sample, result = str(uuid4()), str(uuid4())

    data = pushed(
        cast.bob, item("result", {**NITRATE, "sampleId": sample}, id=result), item("sample", SAMPLE, id=sample)
    )

    assert statuses(data) == ["created", "created"]
    assert data["counts"]["created"] == 2
    assert [r["index"] for r in data["results"]] == [0, 1]
    assert all(r["serverTimestamp"].endswith("Z") and r["error"] is None for r in data["results"])
    entries, _cursor = drained(cast.bob)
    by_entity = {entry["entity"]: entry for entry in entries}
    assert by_entity["result"]["data"]["normalizedValue"] == 53.124
    assert by_entity["result"]["data"]["valueText"] == "12.00"
    assert by_entity["result"]["data"]["complianceStatus"] == "fail"
    assert by_entity["sample"]["data"]["complianceStatus"] == "fail"
    assert by_entity["sample"]["data"]["resultCount"] == 1
    assert by_entity["sample"]["data"]["code"].startswith("S-2026-")
    versions = {r["entityId"]: r["serverVersion"] for r in data["results"]}
    assert {entry["entityId"]: entry["version"] for entry in entries} == versions


@pytest.mark.covers("001-ASM-04")
def test_one_bad_item_blocks_no_other(cast: Cast) -> None:
    sample = str(uuid4())
    bad: list[tuple[Any, str, str | None]] = [
        (item("sample", {**SAMPLE, "type": "wine"}), "VALIDATION_ERROR", "type"),
        (item("sample", {}), "VALIDATION_ERROR", "type"),
        (item("wine", SAMPLE), "VALIDATION_ERROR", "entity"),
        (item("sample", SAMPLE, id="7"), "VALIDATION_ERROR", "entityId"),
        (item("sample", SAMPLE, operation="eaten"), "VALIDATION_ERROR", "operation"),
        (item("sample", SAMPLE, operation="updated"), "RESOURCE_NOT_FOUND", "entityId"),
        (item("sample", operation="deleted"), "RESOURCE_NOT_FOUND", "entityId"),
        (item("sample", SAMPLE, clientVersion=-1), "VALIDATION_ERROR", "clientVersion"),
        (item("sample", SAMPLE, clientVersion=True), "VALIDATION_ERROR", "clientVersion"),
        (item("sample", SAMPLE, clientTimestamp="yesterday"), "VALIDATION_ERROR", "clientTimestamp"),
        (item("sample", SAMPLE, clientTimestamp="2026-03-20T09:15:00"), "VALIDATION_ERROR", "clientTimestamp"),
        (item("sample", SAMPLE, idempotencyKey=7), "VALIDATION_ERROR", "idempotencyKey"),
        (item("sample", SAMPLE, idempotencyKey="k" * 201), "VALIDATION_ERROR", "idempotencyKey"),
        ("a text", "VALIDATION_ERROR", None),
        (None, "VALIDATION_ERROR", None),
        ({**item("sample"), "data": []}, "VALIDATION_ERROR", "data"),
        (item("result", {**NITRATE, "sampleId": str(uuid4())}), "RESOURCE_NOT_FOUND", "sampleId"),
        (item("result", {**NITRATE, "sampleId": sample, "parameterName": "wine"}), "VALIDATION_ERROR", "parameterName"),
        (item("result", {**NITRATE, "sampleId": sample, "unit": "°C"}), "VALIDATION_ERROR", "unit"),
        (item("result", {**NITRATE, "sampleId": sample, "value": "1,000,000"}), "VALIDATION_ERROR", "value"),
        (item("result", {**NITRATE, "sampleId": sample, "value": 1e12}), "VALIDATION_ERROR", "value"),
        (item("result", {**NITRATE, "sampleId": sample, "value": None}), "VALIDATION_ERROR", "value"),
        (item("result", {**NITRATE, "sampleId": sample, "value": [7]}), "VALIDATION_ERROR", "value"),
    ]

    data = pushed(cast.alice, *(entry for entry, _code, _field in bad), item("sample", SAMPLE, id=sample))

    assert statuses(data) == ["error"] * len(bad) + ["created"]
    said = [(r["error"]["code"], r["error"]["field"]) for r in data["results"][:-1]]
    assert said == [(code, field) for _entry, code, field in bad]
    assert all(r["error"]["message"] and r["serverVersion"] is None for r in data["results"][:-1])
    assert data["counts"] | {"errors": len(bad), "created": 1} == data["counts"]
    entries, _cursor = drained(cast.bob)
    assert [entry["entityId"] for entry in entries] == [sample]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"changes": []}, "deviceId"),
        ({"deviceId": "", "changes": []}, "deviceId"),
        ({"deviceId": 7, "changes": []}, "deviceId"),
        ({"deviceId": "x" * 201, "changes": []}, "deviceId"),
        ({"deviceId": "d", "changes": {"0": {}}}, "changes"),
        ({"deviceId": "d", "changes": [], "conflictStrategy": "coin"}, "conflictStrategy"),
        ({"deviceId": "d", "changes": [], "conflictStrategy": {}}, "conflictStrategy"),
        ({"deviceId": "d", "changes": [], "upload": {"id": "7"}}, "upload.id"),
        ({"deviceId": "d", "changes": [], "upload": 7}, "upload.id"),
        (
            {"deviceId": "d", "changes": [], "upload": {"id": str(uuid4()), "chunk": 1, "chunks": 1, "records": 1}},
            "upload.chunk",
        ),
        ({"deviceId": "d", "changes": [], "syncCursor": 7}, "syncCursor"),
        ({"deviceId": "d", "changes": [], "syncCursor": "garbage"}, "cursor"),
        ({"deviceId": "d", "changes": [], "syncCursor": None, "pullLimit": 0}, "pullLimit"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_broken_envelope_is_refused_and_nothing_is_written(cast: Cast, body: dict[str, Any], field: str) -> None:
    body = {**body, "changes": body["changes"] or [item("sample", SAMPLE)]}
    response = cast.bob.post("/sync", body)
    assert response.status_code == 400
    assert field in [error["field"] for error in response.json()["errors"]]
    assert not drained(cast.alice)[0]


def test_too_many_items_are_refused(cast: Cast) -> None:
    response = push(cast.bob, *[item("sample", SAMPLE)] * 1001)
    assert response.status_code == 413
    assert response.json()["errors"][0]["code"] == "PAYLOAD_TOO_LARGE"
    assert response.json()["meta"] | {"limit": 1000} == response.json()["meta"]


def test_who_may_push_and_pull(cast: Cast) -> None:
    assert push(cast.carol, item("sample", SAMPLE)).status_code == 403
    assert cast.carol.get("/sync/changes?deviceId=x").status_code == 200
    assert cast.carol.get("/sync/conflicts").status_code == 403
    assert cast.bob.get("/sync/conflicts").status_code == 403


def test_a_technician_may_not_delete(cast: Cast) -> None:
    sample = str(uuid4())
    pushed(cast.bob, item("sample", SAMPLE, id=sample))
    data = pushed(cast.bob, item("sample", id=sample, operation="deleted", clientVersion=10**9))
    assert data["results"][0]["error"]["code"] == "PERMISSION_DENIED"


def test_a_revoked_device_is_turned_away(cast: Cast) -> None:
    pushed(cast.bob, item("sample", SAMPLE))
    with tenant(cast.a.pk):
        Device.objects.filter(device_id="lab-pc-7").update(status=Device.Status.REVOKED)
    response = push(cast.bob, item("sample", SAMPLE))
    assert response.status_code == 401
    assert response.json()["errors"][0]["code"] == "DEVICE_NOT_REGISTERED"
    assert cast.bob.get("/sync/changes", X_Device_ID="lab-pc-7").status_code == 401


# --- repeats -------------------------------------------------------------------------------------
def test_a_repeat_changes_nothing(cast: Cast, trail: Callable[..., list[AuditEntry]]) -> None:
    sample = str(uuid4())
    first = pushed(cast.bob, item("sample", SAMPLE, id=sample, idempotencyKey="k1"))
    again = pushed(cast.bob, item("sample", SAMPLE, id=sample, idempotencyKey="k1"))
    unkeyed = pushed(cast.bob, item("sample", SAMPLE, id=sample))
    other = pushed(cast.bob, item("sample", {**SAMPLE, "location": "Elsewhere"}, id=sample, idempotencyKey="k1"))

    assert [statuses(data) for data in (first, again, unkeyed, other)] == [
        ["created"], ["skipped"], ["unchanged"], ["error"],
    ]  # fmt: skip
    assert first["results"][0]["serverVersion"] == again["results"][0]["serverVersion"]
    assert other["results"][0]["error"]["code"] == "IDEMPOTENCY_CONFLICT"
    assert len(trail(Action.CREATE, entity="sample")) == 1
    assert not trail(Action.UPDATE, entity="sample")


def test_the_envelope_key_gives_the_first_answer_again(cast: Cast) -> None:
    body = {"deviceId": "d", "changes": [item("sample", SAMPLE)]}
    first = cast.bob.post("/sync", body, Idempotency_Key="e1")
    again = cast.bob.post("/sync", body, Idempotency_Key="e1")
    other = cast.bob.post("/sync", {**body, "conflictStrategy": "lww"}, Idempotency_Key="e1")
    assert again.content == first.content
    assert again.headers["Idempotency-Replayed"] == "true"
    assert other.status_code == 409
    assert other.json()["errors"][0]["code"] == "IDEMPOTENCY_CONFLICT"


def test_an_id_or_key_that_stands_twice_counts_once(cast: Cast) -> None:
    one, two = (item("sample", SAMPLE, idempotencyKey="k") for _ in range(2))
    data = pushed(cast.bob, one, {**one, "idempotencyKey": None}, two)
    assert statuses(data) == ["created", "error", "error"]
    assert {r["error"]["code"] for r in data["results"][1:]} == {"DUPLICATE"}


@pytest.mark.django_db(transaction=True)
def test_twins_at_the_same_time_write_once(cast: Cast, trail: Callable[..., list[AuditEntry]]) -> None:
    entries = [item("sample", SAMPLE, idempotencyKey=f"k{n}") for n in range(20)]

    def send(_n: int) -> list[str]:
        try:
            return statuses(pushed(cast.bob, *entries))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(send, range(4)))

    assert sorted(outcome[0] for outcome in outcomes) == ["created", "skipped", "skipped", "skipped"]
    assert len(trail(Action.CREATE, entity="sample")) == 20


@pytest.mark.covers("001-SC-002")
def test_a_thousand_samples_arrive_once_though_answers_are_lost(cast: Cast) -> None:
    entries = [item("sample", {**SAMPLE, "location": f"tap {n}"}) for n in range(1000)]

    pushed(cast.bob, *entries[:600])  # its answer is lost, so it is sent again with the rest
    answer = pushed(cast.bob, *entries)

    assert statuses(answer) == ["unchanged"] * 600 + ["created"] * 400
    held = cast.bob.post("/sync/reconcile", {"entity": "sample", "ids": [e["entityId"] for e in entries]}).json()[
        "data"
    ]
    assert (len(held["held"]), held["missing"]) == (1000, [])
    with tenant(cast.a.pk):
        places = list(Sample.objects.values_list("location", flat=True))
        assert FeedRecord.objects.count() == len(places) == 1000
    assert len(set(places)) == 1000


# --- conflicts -----------------------------------------------------------------------------------
def _two_devices(cast: Cast) -> tuple[str, int]:
    """A sample that the tablet made, and its version as both devices know it."""
    sample = str(uuid4())
    made = pushed(cast.bob, item("sample", SAMPLE, id=sample), device="tablet")
    return sample, made["results"][0]["serverVersion"]


def _edit(sample: str, version: int, location: str, stamp: str = "", **more: Any) -> Any:
    stamps = {"clientTimestamp": stamp} if stamp else {}
    data = {"location": location}
    return item("sample", data, id=sample, operation="updated", clientVersion=version, **stamps, **more)


@pytest.mark.covers("001-FR-031", "001-FR-032", "001-FR-033", "001-ASM-03")
def test_the_later_edit_wins_and_the_earlier_survives(cast: Cast, trail: Callable[..., list[AuditEntry]]) -> None:
    sample, version = _two_devices(cast)
    pushed(cast.bob, _edit(sample, version, "of the tablet", "2026-03-21T10:00:00Z"), device="tablet")

    data = pushed(cast.alice, _edit(sample, version, "of the phone", "2026-03-21T11:00:00Z"), device="phone")

    assert statuses(data) == ["updated"]
    conflict = data["conflicts"][0]
    assert conflict["resolution"] == "client"
    assert conflict["serverData"]["location"] == "of the phone"
    assert conflict["lostData"]["location"] == "of the tablet"
    assert conflict["lostBy"] == {"userId": str(cast.bob.user.pk), "deviceId": "tablet"}
    assert data["results"][0]["conflictId"] == conflict["conflictId"]
    assert data["counts"]["conflicts"] == 1
    [lost] = trail(Action.CONFLICT_LOST)
    assert lost.changes["location"] == "of the tablet"
    with tenant(cast.a.pk):
        assert Conflict.objects.get().lost_data["location"] == "of the tablet"


def test_the_earlier_edit_loses_and_survives(cast: Cast, trail: Callable[..., list[AuditEntry]]) -> None:
    sample, version = _two_devices(cast)
    pushed(cast.bob, _edit(sample, version, "of the tablet", "2026-03-21T10:00:00Z"), device="tablet")

    data = pushed(cast.alice, _edit(sample, version, "of the phone", "2026-03-21T09:00:00Z"), device="phone")

    assert statuses(data) == ["conflict"]
    assert data["conflicts"][0]["resolution"] == "server"
    assert data["conflicts"][0]["serverData"]["location"] == "of the tablet"
    assert data["conflicts"][0]["lostData"]["location"] == "of the phone"
    assert data["conflicts"][0]["lostBy"] == {"userId": str(cast.alice.user.pk), "deviceId": "phone"}
    assert trail(Action.CONFLICT_LOST)[0].changes["location"] == "of the phone"


def test_a_clock_that_runs_ahead_wins_nothing_for_ever(cast: Cast) -> None:
    sample, version = _two_devices(cast)
    pushed(cast.bob, _edit(sample, version, "ahead", "2099-01-01T00:00:00Z"), device="tablet")
    data = pushed(cast.alice, _edit(sample, version, "later"), device="phone")
    assert statuses(data) == ["updated"]


def test_a_current_version_is_no_conflict_whatever_the_clock_says(cast: Cast) -> None:
    sample, version = _two_devices(cast)
    data = pushed(cast.alice, _edit(sample, version, "new", "2000-01-01T00:00:00Z"), device="phone")
    assert (statuses(data), data["conflicts"]) == (["updated"], [])


def test_a_recomputed_verdict_makes_no_conflict(cast: Cast) -> None:
    sample, version = _two_devices(cast)
    pushed(cast.alice, item("result", {**NITRATE, "sampleId": sample}), device="phone")
    data = pushed(cast.alice, _edit(sample, version, "new", "2000-01-01T00:00:00Z"), device="phone")
    assert (statuses(data), data["conflicts"]) == (["updated"], [])


def test_a_version_that_never_was_does_not_hide_a_conflict(cast: Cast) -> None:
    sample, version = _two_devices(cast)
    pushed(cast.bob, _edit(sample, version, "of the tablet"), device="tablet")
    data = pushed(cast.alice, _edit(sample, version + 10**6, "of the phone"), device="phone")
    assert len(data["conflicts"]) == 1


def test_two_people_may_give_their_devices_one_name(cast: Cast) -> None:
    sample, version = _two_devices(cast)
    pushed(cast.bob, _edit(sample, version, "of bob"), device="tablet")
    data = pushed(cast.alice, _edit(sample, version, "of alice"), device="tablet")
    assert len(data["conflicts"]) == 1


def test_a_late_edit_brings_a_deleted_sample_back(cast: Cast) -> None:
    sample, version = _two_devices(cast)
    pushed(cast.bob, item("result", {**NITRATE, "sampleId": sample}), device="tablet")
    pushed(
        cast.alice,
        item("sample", id=sample, operation="deleted", clientVersion=version, clientTimestamp="2026-03-21T08:00:00Z"),
        device="phone",
    )
    gone, _cursor = drained(cast.alice)
    assert {entry["operation"] for entry in gone} == {"deleted"}
    assert len(gone) == 2

    data = pushed(cast.bob, _edit(sample, version, "back", "2026-03-21T09:00:00Z"), device="tablet")

    assert statuses(data) == ["updated"]
    assert data["conflicts"][0]["lostData"]["deleted"] is True
    entries, _cursor = drained(cast.alice)
    assert {entry["entity"]: entry["operation"] for entry in entries} == {"sample": "created", "result": "created"}


# --- the inbox -----------------------------------------------------------------------------------
def _open_conflict(cast: Cast) -> tuple[str, dict[str, Any]]:
    sample, version = _two_devices(cast)
    pushed(cast.bob, _edit(sample, version, "of the tablet"), device="tablet")
    data = pushed(cast.alice, _edit(sample, version, "of the phone"), device="phone", conflictStrategy="manual")
    assert statuses(data) == ["conflict"]
    assert data["conflicts"][0]["resolution"] == "open"
    assert data["conflicts"][0]["lostBy"] is None
    return sample, data["conflicts"][0]


def test_a_manager_decides_and_every_device_hears_of_it(cast: Cast, trail: Callable[..., list[AuditEntry]]) -> None:
    sample, conflict = _open_conflict(cast)
    _entries, cursor = drained(cast.bob, device="tablet")
    [waiting] = cast.alice.get("/sync/conflicts?status=open").json()["data"]
    assert waiting["clientData"]["location"] == "of the phone"
    assert waiting["serverData"]["location"] == "of the tablet"

    response = cast.alice.post(
        f"/sync/conflicts/{conflict['conflictId']}/resolve", {"choice": "client", "reason": "asked both"}
    )

    assert response.status_code == 200, response.content
    assert response.json()["data"]["record"]["location"] == "of the phone"
    [entry], _cursor = drained(cast.bob, cursor, device="tablet")
    assert entry["data"]["location"] == "of the phone"
    [decided] = trail(Action.CONFLICT_RESOLVED)
    assert decided.reason == "asked both"
    again = cast.alice.post(f"/sync/conflicts/{conflict['conflictId']}/resolve", {"choice": "server", "reason": "no"})
    assert again.status_code == 409
    assert cast.alice.get("/sync/conflicts?status=open").json()["meta"]["total"] == 0
    assert cast.alice.get(f"/sync/conflicts?status=resolved&entityId={sample}").json()["meta"]["total"] == 1


@pytest.mark.parametrize(
    ("decision", "location"),
    [
        ({"choice": "server"}, "of the tablet"),
        ({"choice": "merge", "data": {"location": "of both"}}, "of both"),
    ],
)
def test_the_servers_version_or_a_merge_is_a_new_version_too(
    cast: Cast, decision: dict[str, Any], location: str
) -> None:
    _sample, conflict = _open_conflict(cast)
    _entries, cursor = drained(cast.bob, device="tablet")
    response = cast.alice.post(f"/sync/conflicts/{conflict['conflictId']}/resolve", {**decision, "reason": "r"})
    assert response.status_code == 200, response.content
    [entry], _cursor = drained(cast.bob, cursor, device="tablet")
    assert entry["data"]["location"] == location


def test_what_the_timestamps_decided_can_be_turned_round_once(cast: Cast) -> None:
    sample, version = _two_devices(cast)
    pushed(cast.bob, _edit(sample, version, "of the tablet", "2026-03-21T10:00:00Z"), device="tablet")
    data = pushed(cast.alice, _edit(sample, version, "of the phone", "2026-03-21T11:00:00Z"), device="phone")
    path = f"/sync/conflicts/{data['conflicts'][0]['conflictId']}/resolve"

    response = cast.alice.post(path, {"choice": "server", "reason": "the tablet was right"})

    assert response.json()["data"]["record"]["location"] == "of the tablet"
    assert cast.alice.post(path, {"choice": "client", "reason": "no"}).status_code == 409


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"choice": "coin", "reason": "r"}, "choice"),
        ({"choice": "client", "reason": "  "}, "reason"),
        ({"choice": "client"}, "reason"),
        ({"choice": "merge", "reason": "r"}, "data"),
        ({"choice": "merge", "reason": "r", "data": {"type": "wine"}}, "type"),
    ],
)
def test_a_bad_decision_is_refused(cast: Cast, body: dict[str, Any], field: str) -> None:
    _sample, conflict = _open_conflict(cast)
    response = cast.alice.post(f"/sync/conflicts/{conflict['conflictId']}/resolve", body)
    assert response.status_code == 400
    assert response.json()["errors"][0]["field"] == field
    assert cast.alice.get("/sync/conflicts?status=open").json()["meta"]["total"] == 1


# --- uploads -------------------------------------------------------------------------------------
@pytest.mark.covers("001-FR-034")
def test_an_upload_says_where_it_stands(cast: Cast) -> None:
    upload = str(uuid4())

    def chunk(number: int, **more: Any) -> dict[str, Any]:
        about = {"id": upload, "chunk": number, "chunks": 4, "records": 4, **more}
        return pushed(cast.bob, item("sample", SAMPLE), upload=about)["upload"]  # type: ignore[no-any-return]

    assert cast.bob.get(f"/sync/uploads/{upload}").status_code == 404
    assert chunk(0)["receivedChunks"] == [[0, 0]]
    assert chunk(2)["receivedChunks"] == [[0, 0], [2, 2]]
    after = chunk(2)
    assert (after["nextChunk"], after["receivedRecords"], after["status"]) == (1, 2, "open")
    assert cast.bob.get("/sync/status?deviceId=lab-pc-7").json()["data"]["status"] == "syncing"
    chunk(3)
    last = chunk(1)
    assert (last["receivedChunks"], last["nextChunk"], last["status"]) == ([[0, 3]], None, "complete")
    seen = cast.bob.get(f"/sync/uploads/{upload}").json()["data"]
    assert seen["counts"]["created"] == 4
    assert cast.bob.get("/sync/status?deviceId=lab-pc-7").json()["data"]["status"] == "ok"
    other = push(cast.bob, upload={"id": upload, "chunk": 0, "chunks": 5, "records": 4})
    assert other.status_code == 400
    assert push(cast.alice, upload={"id": upload, "chunk": 0, "chunks": 4, "records": 4}).status_code == 404
    assert cast.mallory.get(f"/sync/uploads/{upload}").status_code == 404


# --- pull ----------------------------------------------------------------------------------------
def test_the_feed_is_read_page_by_page(cast: Cast) -> None:
    made = pushed(cast.bob, *(item("sample", SAMPLE) for _ in range(7)))
    entries, cursor = drained(cast.carol, limit=3)
    assert [entry["entityId"] for entry in entries] == [r["entityId"] for r in made["results"]]
    assert [entry["version"] for entry in entries] == sorted(entry["version"] for entry in entries)
    assert drained(cast.carol, cursor) == ([], cursor)
    sample = entries[3]["entityId"]
    pushed(cast.alice, item("sample", id=sample, operation="deleted", clientVersion=10**9))
    [entry], _cursor = drained(cast.carol, cursor)
    assert entry["operation"] == "deleted"
    assert entry["data"] | {"id": sample, "deletedBy": str(cast.alice.user.pk)} == entry["data"]


@pytest.mark.covers("C71")
def test_a_push_can_pull_at_once(cast: Cast) -> None:
    data = pushed(cast.bob, item("sample", SAMPLE), syncCursor=None)
    assert len(data["changes"]) == 1
    assert data["pagination"]["hasMore"] is False
    again = pushed(cast.bob, item("sample", SAMPLE), syncCursor=data["pagination"]["nextCursor"])
    assert len(again["changes"]) == 1
    assert again["syncMetadata"]["conflictsCount"] == 0


def test_entities_are_named_in_singular_or_plural(cast: Cast) -> None:
    sample = str(uuid4())
    pushed(cast.bob, item("sample", SAMPLE, id=sample), item("result", {**NITRATE, "sampleId": sample}))
    for word, entity in (("sample", "sample"), ("samples", "sample"), ("results", "result")):
        found = cast.bob.get(f"/sync/changes?deviceId=d&entity={word}").json()["data"]["changes"]
        assert {entry["entity"] for entry in found} == {entity}
    assert cast.bob.get("/sync/changes?deviceId=d&entity=wine").json()["errors"][0]["field"] == "entity"


@pytest.mark.parametrize("cursor", ["x", "AAAA", base64.urlsafe_b64encode(b"\1" * 73).decode(), "é", "-" * 400])
def test_a_forged_cursor_is_refused(cast: Cast, cursor: str) -> None:
    response = cast.bob.get(f"/sync/changes?deviceId=d&cursor={cursor}")
    assert response.status_code == 400
    assert response.json()["errors"][0]["field"] == "cursor"


@pytest.mark.covers("004-SYNC-03")
def test_a_cursor_belongs_to_one_device_of_one_person(cast: Cast) -> None:
    _entries, cursor = drained(cast.bob, device="tablet")

    def resync(response: Any) -> bool:
        body = response.json()
        return (
            response.status_code == 409
            and body["errors"][0]["code"] == "SYNC_CONFLICT"
            and body["meta"]["fullResyncRequired"] is True
        )

    assert resync(cast.bob.get(f"/sync/changes?deviceId=phone&cursor={cursor}"))
    assert resync(cast.alice.get(f"/sync/changes?deviceId=tablet&cursor={cursor}"))
    assert resync(cast.mallory.get(f"/sync/changes?deviceId=tablet&cursor={cursor}"))
    assert resync(cast.bob.get(f"/sync/changes?deviceId=tablet&entity=sample&cursor={cursor}"))
    with tenant(cast.a.pk):
        Clock.objects.update(epoch=uuid4())
    assert resync(cast.bob.get(f"/sync/changes?deviceId=tablet&cursor={cursor}"))


def test_a_reader_sees_nothing_of_another_organisation(cast: Cast) -> None:
    sample = str(uuid4())
    pushed(cast.bob, item("sample", SAMPLE, id=sample))

    assert drained(cast.mallory)[0] == []
    taken = pushed(cast.mallory, item("sample", SAMPLE, id=sample), item("sample", id=sample, operation="deleted"))
    assert taken["results"][0]["error"]["code"] == "RESOURCE_NOT_FOUND"
    asked = cast.mallory.post("/sync/reconcile", {"entity": "sample", "ids": [sample]}).json()["data"]
    assert asked == {"held": [], "missing": [sample]}
    assert cast.mallory.get("/sync/status").json()["data"] != []
    assert {card["userId"] for card in cast.mallory.get("/sync/status").json()["data"]} == {str(cast.mallory.user.pk)}


def test_reconciliation_tells_what_is_held(cast: Cast) -> None:
    sample, missing = str(uuid4()), str(uuid4())
    made = pushed(cast.bob, item("sample", SAMPLE, id=sample))
    data = cast.bob.post("/sync/reconcile", {"entity": "samples", "ids": [sample, missing]}).json()["data"]
    assert data["missing"] == [missing]
    assert data["held"] == [{"id": sample, "version": made["results"][0]["serverVersion"], "deletedAt": None}]
    assert cast.bob.post("/sync/reconcile", {"entity": "sample", "ids": [missing] * 1001}).status_code == 413
    assert cast.bob.post("/sync/reconcile", {"entity": "sample", "ids": ["7"]}).status_code == 400
    assert cast.bob.post("/sync/reconcile", {"entity": "wine", "ids": []}).status_code == 400


@pytest.mark.covers("001-FR-035", "001-ENT-06")
def test_the_status_of_devices(cast: Cast) -> None:
    assert cast.bob.get("/sync/status?deviceId=new").json()["data"]["status"] == "never"
    pushed(cast.bob, item("sample", SAMPLE), device="tablet")
    pushed(cast.alice, item("sample", {}), device="phone")
    mine = cast.bob.get("/sync/status").json()["data"]
    assert [card["deviceId"] for card in mine] == ["tablet"]
    assert mine[0]["status"] == "ok"
    assert mine[0]["lastPushAt"]
    assert mine[0]["lastSyncTimestamp"] == mine[0]["lastPushAt"]
    assert mine[0]["errorMessage"] is None
    with tenant(cast.a.pk):
        assert DeviceState.objects.get(device__device_id="tablet").pk
    everyone = {card["deviceId"]: card for card in cast.alice.get("/sync/status").json()["data"]}
    assert everyone["phone"]["status"] == "error"
    assert "VALIDATION_ERROR" in everyone["phone"]["errorMessage"]


def test_a_reason_stands_in_the_audit_log(cast: Cast, trail: Callable[..., list[AuditEntry]]) -> None:
    sample, version = _two_devices(cast)
    edit = _edit(sample, version, "new")
    edit["data"]["reason"] = "typing error"
    pushed(cast.bob, edit, device="tablet")
    [entry] = trail(Action.UPDATE, entity="sample")
    assert (entry.reason, entry.device, entry.via) == ("typing error", "tablet", "sync")


def test_a_record_comes_back_as_it_was_read(cast: Cast) -> None:
    sample, result = str(uuid4()), str(uuid4())
    pushed(
        cast.bob,
        item("sample", SAMPLE, id=sample),
        item("result", {**NITRATE, "sampleId": sample, "value": "<0.010"}, id=result),
    )
    entries, _cursor = drained(cast.bob)
    body = next(entry["data"] for entry in entries if entry["entity"] == "result")
    assert (body["value"], body["valueText"]) == (None, "<0.010")
    same = pushed(cast.bob, item("result", body, id=result, operation="updated", clientVersion=body["version"]))
    assert statuses(same) == ["unchanged"]
    other = pushed(cast.bob, item("result", {**body, "value": 5}, id=result, operation="updated", clientVersion=10**9))
    assert statuses(other) == ["updated"]


def test_a_push_costs_the_same_number_of_queries_for_many_items(
    cast: Cast, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    def batch(count: int) -> list[Any]:
        made = []
        for _n in range(count):
            sample = str(uuid4())
            made += [item("sample", SAMPLE, id=sample), item("result", {**NITRATE, "sampleId": sample})]
        return made

    pushed(cast.bob, *batch(2))
    with django_assert_max_num_queries(45) as few:
        pushed(cast.bob, *batch(2))
    with django_assert_max_num_queries(len(few.captured_queries)):
        pushed(cast.bob, *batch(100))


def test_versions_have_no_gap(cast: Cast) -> None:
    pushed(cast.bob, *(item("sample", SAMPLE) for _ in range(5)), item("sample", {}))
    pushed(cast.bob, item("sample", SAMPLE))
    with tenant(cast.a.pk):
        assert sorted(FeedRecord.objects.values_list("seq", flat=True)) == list(range(1, 7))
        assert Clock.objects.get().seq == 6


@pytest.mark.covers("004-SYNC-07")
def test_housekeeping_keeps_what_is_needed(cast: Cast) -> None:
    from portal.core.sync import jobs

    body = {
        "deviceId": "lab-pc-7",
        "changes": [item("sample", SAMPLE, id=(sample := str(uuid4())), idempotencyKey="k")],
    }
    cast.bob.post("/sync", body, Idempotency_Key="e")
    _entries, before = drained(cast.bob)
    pushed(cast.alice, item("sample", id=sample, operation="deleted", clientVersion=10**9))
    _entries, cursor = drained(cast.bob)
    with platform(), connection.cursor() as cursor_:
        cursor_.execute("UPDATE sync_record SET deleted_at = now() - interval '31 days', ts = deleted_at")
        jobs.purge_tombstones()
    [deletion], _cursor = drained(cast.bob, before)  # who was away for a month hears of it
    assert (deletion["entityId"], deletion["operation"]) == (sample, "deleted")
    with platform(), connection.cursor() as cursor_:
        cursor_.execute("UPDATE sync_idempotency SET created_at = now() - interval '73 hours'")
        cursor_.execute("UPDATE sync_item SET created_at = now() - interval '73 hours'")
        cursor_.execute(
            "UPDATE sync_record SET deleted_at = now() - interval '91 days', ts = now() - interval '91 days'"
        )
        jobs.purge_keys()
        jobs.purge_tombstones()
        assert not IdempotencyKey.objects.exists()
        assert not ItemKey.objects.exists()
        assert not FeedRecord.objects.exists()
    assert drained(cast.bob, cursor)[0] == []
    back = pushed(
        cast.alice, item("sample", {"location": "again"}, id=sample, operation="updated", clientVersion=10**9)
    )
    assert statuses(back) == ["updated"]
    [entry], _cursor = drained(cast.bob, cursor)
    assert entry["data"]["location"] == "again"


def test_an_id_is_the_clients_own_in_either_case(cast: Cast) -> None:
    sample = str(uuid4())
    pushed(cast.bob, item("sample", SAMPLE, id=sample.upper()))
    assert drained(cast.bob)[0][0]["entityId"] == sample
