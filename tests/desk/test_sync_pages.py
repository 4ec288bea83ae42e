"""Pages of synchronisation: devices, transfers, the conflict inbox."""

from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from portal.core.accounts.models import Device
from portal.core.sync.models import Conflict
from portal.core.tenancy.scope import tenant
from tests.api.conftest import Cast, cast
from tests.api.test_sync import NITRATE, SAMPLE, drained, item, pushed
from tests.core.people import session_of

__all__ = ["cast"]
pytestmark = pytest.mark.django_db


def browser(person: Any) -> Client:
    client = Client()
    client.cookies["sessionid"] = session_of(person.user)
    return client


def meet(cast: Cast, strategy: str = "manual", *, delete: bool = False) -> tuple[str, str]:
    """A sample that a tablet and a phone changed without knowing of each other, and their conflict."""
    sample = str(uuid4())
    made = pushed(cast.bob, item("sample", SAMPLE, id=sample), device="tablet")
    version = made["results"][0]["serverVersion"]
    edit = {"id": sample, "operation": "updated", "clientVersion": version}
    pushed(
        cast.bob,
        item("sample", {"location": "Tablet", "notes": "old"}, **edit, clientTimestamp="2026-03-21T10:00:00Z"),
        device="tablet",
    )
    theirs = item("sample", {"location": "Phone", "notes": "new"}, **edit, clientTimestamp="2026-03-21T11:00:00Z")
    if delete:
        theirs |= {"operation": "deleted", "data": {}}
    data = pushed(cast.alice, theirs, device="phone", conflictStrategy=strategy)
    return sample, data["conflicts"][0]["conflictId"]


def decide(client: Client, conflict: str, **fields: str) -> Any:
    page = client.get(f"/sync/conflicts/{conflict}")
    assert page.status_code == 200
    version = page.context["found"].version
    return client.post(f"/sync/conflicts/{conflict}", {"version": version, "reason": "asked both", **fields})


def stored(cast: Cast, sample: str) -> dict[str, Any]:
    entry: dict[str, Any] = next(e for e in reversed(drained(cast.alice)[0]) if e["entityId"] == sample)
    return entry


@pytest.mark.parametrize("path", ["/sync", "/devices", "/sync/conflicts"])
def test_the_lists_open_for_who_may_see_them(cast: Cast, path: str) -> None:
    assert browser(cast.alice).get(path).status_code == 200  # empty
    meet(cast)
    pushed(cast.bob, item("sample", SAMPLE), upload={"id": str(uuid4()), "chunk": 0, "chunks": 3, "records": 9})
    page = browser(cast.alice).get(path)
    assert page.status_code == 200
    assert b"tablet" in page.content or b"phone" in page.content or b"lab-pc-7" in page.content
    assert browser(cast.bob).get(path).status_code == 403
    other = browser(cast.mallory).get(path)
    assert b"tablet" not in other.content


@pytest.mark.parametrize(
    "query",
    ["q=tab", "status=active", "sync=ok", "sync=never", "sync=error", "sort=-pushed", "sort=open_conflicts", "page=9"],
)
def test_devices_are_filtered_and_sorted(cast: Cast, query: str) -> None:
    meet(cast)
    assert browser(cast.alice).get(f"/devices?{query}").status_code == 200


def test_a_manager_picks_field_by_field(cast: Cast) -> None:
    sample, conflict = meet(cast)
    client = browser(cast.alice)
    page = client.get(f"/sync/conflicts/{conflict}")
    assert {side.name for side in page.context["found"].differing} == {"location", "notes"}

    response = decide(client, conflict, **{"pick.location": "keep", "pick.notes": "take"})

    assert response.status_code == 302
    data = stored(cast, sample)["data"]
    assert (data["location"], data["notes"]) == ("Tablet", "new")
    with tenant(cast.a.pk):
        kept = Conflict.objects.get(pk=conflict)
    assert (kept.resolution, kept.resolution_reason, kept.resolved_by_id) == ("merge", "asked both", cast.alice.user.pk)


@pytest.mark.parametrize(
    ("pick", "location", "resolution"), [("take", "Phone", "client"), ("keep", "Tablet", "server")]
)
def test_a_manager_picks_one_version(cast: Cast, pick: str, location: str, resolution: str) -> None:
    sample, conflict = meet(cast)
    decide(browser(cast.alice), conflict, **{"pick.location": pick, "pick.notes": pick})
    assert stored(cast, sample)["data"]["location"] == location
    with tenant(cast.a.pk):
        assert Conflict.objects.get(pk=conflict).resolution == resolution


def test_what_the_clocks_decided_is_turned_round(cast: Cast) -> None:
    sample, conflict = meet(cast, "lww")
    assert stored(cast, sample)["data"]["location"] == "Phone"
    decide(browser(cast.alice), conflict, **{"pick.location": "take", "pick.notes": "take"})
    assert stored(cast, sample)["data"]["location"] == "Tablet"
    assert b'type="radio"' not in browser(cast.alice).get(f"/sync/conflicts/{conflict}").content


def test_a_deletion_and_an_edit_meet(cast: Cast) -> None:
    sample, conflict = meet(cast, delete=True)
    decide(browser(cast.alice), conflict, **{"pick.*": "take"})
    assert stored(cast, sample)["operation"] == "deleted"


def test_a_decision_without_reason_or_on_old_sight_is_not_taken(cast: Cast) -> None:
    sample, conflict = meet(cast)
    client = browser(cast.alice)
    assert decide(client, conflict, reason=" ", **{"pick.location": "take"}).status_code == 422
    pushed(cast.bob, item("result", {**NITRATE, "sampleId": sample}), device="tablet")
    stale = client.post(f"/sync/conflicts/{conflict}", {"version": "1", "reason": "r", "pick.location": "take"})
    assert stale.status_code == 422
    assert stored(cast, sample)["data"]["location"] == "Tablet"


def test_a_device_is_signed_out_blocked_and_allowed_again(cast: Cast) -> None:
    meet(cast)
    with tenant(cast.a.pk):
        device = Device.objects.get(device_id="tablet")
    client = browser(cast.alice)
    assert client.get(f"/devices/{device.pk}").status_code == 200

    def status(value: str) -> str:
        assert client.post(f"/devices/{device.pk}/status", {"status": value}).status_code == 302
        with tenant(cast.a.pk):
            return str(Device.objects.get(pk=device.pk).status)

    assert status("revoked") == "revoked"
    assert cast.bob.post("/sync", {"deviceId": "tablet", "changes": []}).status_code == 401
    assert status("blocked") == "blocked"
    assert status("active") == "active"
    assert status("eaten") == "active"
    assert cast.bob.post("/sync", {"deviceId": "tablet", "changes": []}).status_code == 200
    assert browser(cast.carol).post(f"/devices/{device.pk}/status", {"status": "blocked"}).status_code == 403
    assert browser(cast.mallory).get(f"/devices/{device.pk}").status_code == 404
    assert browser(cast.mallory).post(f"/devices/{device.pk}/status", {"status": "blocked"}).status_code == 404
    assert browser(cast.mallory).get(f"/sync/conflicts/{uuid4()}").status_code == 404
