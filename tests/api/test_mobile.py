"""The surface for field apps: specification 004, its error body, device binding and delta synchronisation."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.cache import cache
from django.test import Client

from api.kit import throttle
from api.mobile.v1.api import api
from portal.core.accounts.models import Device
from portal.core.common import clock
from portal.core.common.errors import DomainError
from portal.core.sync import cursor as cursors
from portal.core.sync.models import Conflict
from portal.core.tenancy.scope import tenant
from tests.api.conftest import PASSWORD, Cast, Person
from tests.api.test_sync import NITRATE, SAMPLE, drained, item, pushed

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_counts() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


def call(method: str, path: str, body: Any = None, **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    options = {} if method == "get" else {"data": body or {}, "content_type": "application/json"}
    return getattr(Client(), method)(f"/api/mobile/v1{path}", headers=named, **options)


@dataclass
class App:
    """An app on a device, signed in."""

    device: str
    tokens: dict[str, Any]

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        mine = {"Authorization": f"Bearer {self.tokens['accessToken']}", "X_Device_ID": self.device}
        return call(method, path, body, **{**mine, **headers})

    def apply(self, *items: Any, key: str = "", **more: Any) -> Any:
        body = {"changes": list(items), **more}
        return self.call("post", "/sync/apply", body, X_Idempotency_Key=key or str(uuid4()))

    def applied(self, *items: Any, **more: Any) -> dict[str, Any]:
        response = self.apply(*items, **more)
        assert response.status_code == 200, response.content
        return response.json()["data"]  # type: ignore[no-any-return]


def sign_in(who: Person, device: str) -> App:
    body = {
        "username": who.user.email,
        "password": PASSWORD,
        "deviceInfo": {"deviceId": device, "deviceName": "Tablet 7", "appVersion": "2.1"},
    }
    response = call("post", "/auth/login", body)
    assert response.status_code == 200, response.content
    return App(device, response.json()["data"])


@pytest.fixture
def app(cast: Cast) -> App:
    return sign_in(cast.alice, "tablet")


def fault(response: Any) -> dict[str, Any]:
    body = response.json()
    assert body["success"] is False
    assert set(body) == {"success", "error"}
    assert {"code", "message", "details", "timestamp", "requestId", "validationErrors"} <= set(body["error"])
    return body["error"]  # type: ignore[no-any-return]


# --- devices and tokens -----------------------------------------------------------------------------
@pytest.mark.covers("E004-001")
def test_signing_in_registers_the_device(cast: Cast, app: App) -> None:
    assert set(app.tokens) == {"accessToken", "refreshToken", "expiresIn", "user", "device"}
    assert app.tokens["user"]["fullName"] == "Alice"
    assert app.tokens["device"]["status"] == "active"
    with tenant(cast.a.pk):
        device = Device.objects.get(device_id="tablet")
    assert str(device.pk) == app.tokens["device"]["deviceRegistrationId"]
    assert (device.device_name, device.app_version) == ("Tablet 7", "2.1")
    assert app.call("get", "/sync/changes").status_code == 200


def test_a_token_works_on_its_device_alone(app: App) -> None:
    for headers in ({"X_Device_ID": "phone"}, {"X_Device_ID": ""}):
        response = app.call("get", "/sync/changes", **headers)
        assert response.status_code == 401
        assert fault(response)["code"] == "DEVICE_NOT_REGISTERED"


def test_a_token_of_the_other_api_is_bound_to_no_device(cast: Cast) -> None:
    response = call("get", "/sync/changes", **cast.alice.headers, X_Device_ID="tablet")
    assert fault(response)["code"] == "DEVICE_NOT_REGISTERED"


@pytest.mark.covers("E004-002", "C37")
def test_a_device_is_registered_with_a_token_of_either_api(cast: Cast, app: App) -> None:
    by_v1 = call("post", "/auth/register-device", {"deviceId": "phone"}, **cast.alice.headers)
    assert by_v1.status_code == 201
    phone = App("phone", by_v1.json()["data"])
    assert phone.tokens["deviceStatus"] == "active"
    assert phone.call("get", "/sync/changes").status_code == 200
    again = app.call("post", "/auth/register-device", {"deviceId": "phone"})
    assert again.status_code == 201
    assert again.json()["data"]["deviceRegistrationId"] == phone.tokens["deviceRegistrationId"]
    assert fault(phone.call("get", "/sync/changes"))["code"] == "AUTHENTICATION_REQUIRED"


@pytest.mark.covers("E004-003", "004-AUTH-02", "004-AUTH-03")
def test_tokens_rotate_and_stay_on_the_device(app: App) -> None:
    body = {"refreshToken": app.tokens["refreshToken"]}
    assert fault(call("post", "/auth/refresh", body, X_Device_ID="phone"))["code"] == "REFRESH_TOKEN_INVALID"
    assert call("post", "/auth/refresh", body).status_code == 400
    renewed = call("post", "/auth/refresh", body, X_Device_ID="tablet")
    assert renewed.status_code == 200
    assert App("tablet", renewed.json()["data"]).call("get", "/sync/changes").status_code == 200
    assert fault(call("post", "/auth/refresh", body, X_Device_ID="tablet"))["code"] == "REFRESH_TOKEN_INVALID"


@pytest.mark.covers("E004-004")
def test_signing_out_ends_the_tokens(app: App) -> None:
    response = app.call("post", "/auth/logout")
    assert response.json()["success"] is True
    assert set(response.json()) == {"success", "message"}
    assert fault(app.call("get", "/sync/changes"))["code"] == "AUTHENTICATION_REQUIRED"
    body = {"refreshToken": app.tokens["refreshToken"]}
    assert call("post", "/auth/refresh", body, X_Device_ID="tablet").status_code == 401


@pytest.mark.covers("E004-005")
def test_a_revoked_device_is_out_until_its_person_signs_in_again(cast: Cast, app: App) -> None:
    assert app.call("post", "/auth/revoke-device").status_code == 200
    assert app.call("get", "/sync/changes").status_code == 401
    back = sign_in(cast.alice, "tablet")
    assert back.call("get", "/sync/changes").status_code == 200
    with tenant(cast.a.pk):
        Device.objects.update(status=Device.Status.BLOCKED)
    assert back.call("get", "/sync/changes").status_code == 401
    blocked = call(
        "post", "/auth/login", {"username": "alice", "password": PASSWORD, "deviceInfo": {"deviceId": "tablet"}}
    )
    assert fault(blocked)["code"] == "DEVICE_NOT_REGISTERED"


def test_a_failed_sign_in_speaks_the_language_of_specification_004(cast: Cast) -> None:
    body = {"username": "alice", "password": "wrong", "deviceInfo": {"deviceId": "tablet"}}
    arabic = call("post", "/auth/login", body)
    assert arabic.status_code == 401
    assert fault(arabic)["code"] == "AUTHENTICATION_REQUIRED"
    french = call("post", "/auth/login", body, Accept_Language="fr")
    assert french.headers["Content-Language"] == "fr"
    assert arabic.headers["Content-Language"] == "ar"
    assert (
        fault(call("post", "/auth/login", {**body, "deviceInfo": {}}))["validationErrors"][0]
        | {"field": "deviceInfo.deviceId"}
        == fault(call("post", "/auth/login", {**body, "deviceInfo": {}}))["validationErrors"][0]
    )


@pytest.mark.parametrize("path", ["/wine", "/sync/apply", "/", ""])
def test_refusals_have_one_body(app: App, path: str) -> None:
    response = app.call("get", path)
    assert response.status_code in (404, 405)
    assert fault(response)["code"] == "RESOURCE_NOT_FOUND"
    assert response.headers["API-Version"] == "1.0"
    assert "Supported-Versions" in response.headers
    assert "Deprecated-Versions" in response.headers


def test_calls_are_limited_by_device(app: App, cast: Cast) -> None:
    answers = [app.call("get", "/sync/changes") for _ in range(31)]
    assert [answer.status_code for answer in answers[-2:]] in ([200, 429], [200, 200])
    limits = [int(answer.headers["RateLimit-Remaining"]) for answer in answers[:2]]
    assert limits[0] - limits[1] == 1
    limited = next(
        answer for answer in (app.call("get", "/sync/changes") for _ in range(60)) if answer.status_code == 429
    )
    assert fault(limited)["code"] == "RATE_LIMIT_EXCEEDED"
    assert int(limited.headers["Retry-After"]) <= 60
    assert sign_in(cast.alice, "phone").call("get", "/sync/changes").status_code == 200


# --- synchronisation ----------------------------------------------------------------------------------
@pytest.mark.covers("E004-014")
def test_items_are_accepted_one_by_one(app: App) -> None:
    sample = str(uuid4())
    data = app.applied(
        item("sample", SAMPLE, id=sample, idempotencyKey="k1"),
        item("result", {**NITRATE, "sampleId": sample}),
        item("sample", {}, idempotencyKey="k3"),
    )
    assert [entry["idempotencyKey"] for entry in data["accepted"]] == ["k1", None]
    assert all(entry["serverVersion"] and UUID(entry["changeId"]) for entry in data["accepted"])
    [refused] = data["conflicts"]
    assert (refused["reason"], refused["serverVersion"], refused["idempotencyKey"]) == ("validation_error", None, "k3")
    assert refused["error"]["code"] == "VALIDATION_ERROR"


@pytest.mark.covers("E004-013")
def test_changes_are_pulled_and_a_push_moves_no_cursor(app: App, cast: Cast) -> None:
    pushed(cast.bob, *(item("sample", SAMPLE) for _ in range(3)))
    first = app.call("get", "/sync/changes?limit=2").json()["data"]
    assert first["pagination"]["hasMore"] is True
    mine = app.applied(item("sample", SAMPLE), syncCursor=first["syncMetadata"]["syncCursor"])
    assert mine["syncCursor"] == first["syncMetadata"]["syncCursor"]
    rest = app.call("get", f"/sync/changes?cursor={mine['syncCursor']}").json()["data"]
    assert len(rest["changes"]) == 2
    assert rest["changes"][-1]["changeId"] == mine["accepted"][0]["changeId"]
    assert app.call("get", "/sync/changes?limit=201").status_code == 400


def test_a_stale_version_is_refused_with_what_is_in_force(app: App, cast: Cast) -> None:
    sample = str(uuid4())
    version = app.applied(item("sample", SAMPLE, id=sample))["accepted"][0]["serverVersion"]
    edit = {"id": sample, "operation": "updated"}
    pushed(cast.bob, item("sample", {"location": "of bob"}, **edit, clientVersion=version))

    data = app.applied(item("sample", {"location": "of alice"}, **edit, clientVersion=version))

    [refused] = data["conflicts"]
    assert refused["reason"] == "version_conflict"
    assert refused["serverData"]["location"] == "of bob"
    with tenant(cast.a.pk):
        assert Conflict.objects.get().lost_data["location"] == "of alice"
    again = item("sample", {"location": "of alice"}, **edit, clientVersion=refused["serverVersion"])
    assert len(app.applied(again)["accepted"]) == 1
    assert drained(cast.bob)[0][-1]["data"]["location"] == "of alice"


def test_the_envelope_needs_a_key_and_repeats_its_answer(app: App) -> None:
    entry = item("sample", SAMPLE)
    missing = app.call("post", "/sync/apply", {"changes": [entry]})
    assert missing.status_code == 400
    assert fault(missing)["validationErrors"][0]["field"] == "X-Idempotency-Key"
    first = app.apply(entry, key="e1")
    again = app.apply(entry, key="e1")
    assert again.content == first.content
    assert again.headers["Idempotency-Replayed"] == "true"
    other = app.apply(item("sample", SAMPLE), key="e1")
    assert other.status_code == 409
    assert fault(other)["code"] == "IDEMPOTENCY_CONFLICT"
    assert fault(other)["originalResponse"] == {"status": 200, "data": first.json()["data"]}


def test_a_batch_has_at_most_200_items(app: App) -> None:
    response = app.apply(*[item("sample", SAMPLE)] * 201)
    assert response.status_code == 413
    assert fault(response)["details"] | {"limit": 200} == fault(response)["details"]
    large = app.apply(item("sample", {**SAMPLE, "notes": "x" * 1_100_000}))
    assert large.status_code == 413


def test_a_viewer_pushes_nothing(cast: Cast) -> None:
    data = sign_in(cast.carol, "phone").applied(item("sample", SAMPLE))
    assert data["conflicts"][0]["error"]["code"] == "PERMISSION_DENIED"


@pytest.mark.covers("004-SYNC-01", "004-SYNC-03", "004-SYNC-04", "004-SYNC-08", "004-PAGE-02")
def test_a_cursor_is_opaque_of_its_device_and_may_be_used_twice(app: App, cast: Cast) -> None:
    pushed(cast.bob, *(item("sample", SAMPLE) for _ in range(60)))

    def pull(who: App, cursor: str = "", limit: int | None = None) -> tuple[list[dict[str, Any]], str]:
        query = f"?cursor={cursor}" + (f"&limit={limit}" if limit else "")
        data = who.call("get", f"/sync/changes{query}").json()["data"]
        return data["changes"], data["syncMetadata"]["syncCursor"]

    first, after = pull(app)
    assert len(first) == 50
    phone = sign_in(cast.alice, "phone")
    everything, end = pull(phone, limit=200)
    assert len(everything) == 60
    assert [app.call("get", f"/sync/changes?limit={n}").status_code for n in (0, 201)] == [400, 400]

    rest, last = pull(app, after)  # the phone has moved nothing of the tablet
    assert pull(app, after)[0] == rest
    assert first + rest == everything
    assert pull(app, last)[0] == pull(phone, end)[0] == []
    assert app.call("get", f"/sync/changes?cursor={end}").status_code == 409

    inside = [cursors.decode(text) for text in (after, last)]
    assert all(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)) for text in (after, last))
    assert not any(sample["entityId"] in after for sample in first)
    assert inside[0] is not None
    assert inside[1] is not None
    assert inside[0].seq < inside[1].seq
    assert inside[0].started == inside[1].started <= clock.now()
    order = [(entry["timestamp"], entry["version"]) for entry in everything]
    assert order == sorted(order)


@pytest.mark.covers("004-RATE-01", "004-RATE-02", "004-RATE-05", "002-CACHE-04")
def test_each_call_is_counted_in_its_bucket_per_minute(rf: Any, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    buckets = {
        operation.path: operation.bucket  # type: ignore[attr-defined]
        for bound in api._get_bound_routers()
        for view in bound.path_operations.values()
        for operation in view.operations
    }
    for path, bucket in buckets.items():
        for begins, expected in (("/auth/", "m.auth"), ("/tasks", "m.read"), ("/sync/", "m.sync")):
            assert not path.startswith(begins) or bucket == expected, path
    settings.MARSAD_RATE_LIMITS = "mobile"
    minute = 29_000_000
    monkeypatch.setattr(throttle.time, "time", lambda: minute * 60 + 20.5)
    for bucket, limit in (("m.auth", 10), ("m.read", 100), ("m.sync", 30)):
        for _call in range(limit):
            throttle.count(rf.get("/"), bucket, "tablet")
        with pytest.raises(DomainError) as refused:
            throttle.count(rf.get("/"), bucket, "tablet")
        assert (refused.value.status, refused.value.code) == (429, "RATE_LIMIT_EXCEEDED")
        assert refused.value.meta == {"retryAfter": 40, "limit": limit}
        assert cache.get(f"rate:{bucket}:tablet:{minute}") == limit + 1
        throttle.count(rf.get("/"), bucket, "phone")
    minute += 1
    throttle.count(rf.get("/"), "m.auth", "tablet")


@pytest.mark.parametrize("body", [{"changes": 7}, {"changes": [], "syncCursor": 7}, {"changes": [], "syncCursor": "x"}])
def test_a_broken_envelope_is_refused(app: App, body: dict[str, Any]) -> None:
    response = app.call("post", "/sync/apply", body, X_Idempotency_Key="k")
    assert response.status_code == 400
    assert fault(response)["validationErrors"]


def test_the_document_describes_every_call() -> None:
    schema = call("get", "/openapi.json").json()
    assert set(schema["paths"]) == {
        f"/api/mobile/v1/{path}"
        for path in (
            "auth/login",
            "auth/register-device",
            "auth/refresh",
            "auth/logout",
            "auth/revoke-device",
            "tasks",
            "sessions",
            "sessions/{session_id}/submit",
            "sessions/{session_id}/points/batch",
            "sessions/{session_id}/geometries/batch",
            "sessions/{session_id}/attachments/upload-urls",
            "attachments/{attachment_id}/confirm",
            "sync/changes",
            "sync/apply",
        )
    }
    assert call("get", "/docs").status_code == 200
