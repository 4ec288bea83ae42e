"""The acceptance scenarios of user stories 1 and 2 of specification 001, one test each, in its own words."""

from typing import Any
from uuid import uuid4

import pytest

from portal.core.audit.models import Action, AuditEntry
from portal.core.tenancy.scope import tenant
from portal.lab.models import Result, Sample
from tests.api.conftest import Cast
from tests.api.test_sync import NITRATE, SAMPLE, drained, item, push, pushed, statuses

pytestmark = pytest.mark.django_db


def offline(count: int) -> list[Any]:
    """Samples with a result each, made without a connection."""
    items = []
    for number in range(count):
        id = str(uuid4())
        items.append(item("sample", SAMPLE | {"location": f"Anfa, tap {number}"}, id=id, idempotencyKey=f"s{number}"))
        items.append(item("result", NITRATE | {"sampleId": id}, idempotencyKey=f"r{number}"))
    return items


def edited(cast: Cast) -> tuple[str, int]:
    """A sample that desktop and mobile both know; its id and version."""
    id = str(uuid4())
    made = pushed(cast.bob, item("sample", SAMPLE, id=id))
    return id, made["results"][0]["serverVersion"]


def edit(id: str, version: int, at: str, notes: str) -> Any:
    return item("sample", {"notes": notes}, id=id, operation="updated", clientVersion=version, clientTimestamp=at)


@pytest.mark.covers("001-US1-AS1")
def test_us1_as1_sync_now_sends_what_was_made_offline(cast: Cast) -> None:
    data = pushed(cast.bob, *offline(3))

    assert statuses(data) == ["created"] * 6


@pytest.mark.covers("001-US1-AS2")
def test_us1_as2_the_backend_validates_and_stores(cast: Cast) -> None:
    good = offline(2)
    bad = item("sample", SAMPLE | {"type": "lemonade"})
    impossible = item("result", NITRATE | {"sampleId": good[0]["entityId"], "value": "-3"})

    data = pushed(cast.bob, *good, bad, impossible)

    assert statuses(data) == ["created"] * 4 + ["error"] * 2
    assert [data["results"][n]["error"]["field"] for n in (4, 5)] == ["type", "value"]
    with tenant(cast.a.pk):
        assert (Sample.objects.count(), Result.objects.count()) == (2, 2)
        assert set(Sample.objects.values_list("compliance_status", flat=True)) == {"fail"}


@pytest.mark.covers("001-US1-AS3")
def test_us1_as3_all_data_is_visible_and_searchable(cast: Cast) -> None:
    items = offline(3)
    pushed(cast.bob, *items)

    listed = cast.carol.get("/samples").json()
    found = cast.carol.get("/samples?search=tap 2&type=drinking_water&complianceStatus=fail").json()["data"]

    assert listed["meta"]["total"] == 3
    assert [card["id"] for card in found] == [items[4]["entityId"]]
    assert len(cast.carol.get(f"/samples/{found[0]['id']}/results").json()["data"]) == 1


@pytest.mark.covers("001-US1-AS4", "001-EDGE-01", "001-ASM-05")
def test_us1_as4_a_retry_resumes_without_duplicates(cast: Cast) -> None:
    items = offline(4)
    upload = {"id": str(uuid4()), "chunks": 2, "records": len(items)}
    chunks = [items[:4], items[4:]]
    pushed(cast.bob, *chunks[0], upload=upload | {"chunk": 0})  # the answer is lost on the way

    state = cast.bob.get(f"/sync/uploads/{upload['id']}").json()["data"]
    again = pushed(cast.bob, *chunks[0], upload=upload | {"chunk": 0})
    rest = pushed(cast.bob, *chunks[state["nextChunk"]], upload=upload | {"chunk": state["nextChunk"]})

    assert (state["status"], state["nextChunk"], state["receivedRecords"]) == ("open", 1, 4)
    assert statuses(again) == ["skipped"] * 4
    assert statuses(rest) == ["created"] * 4
    assert cast.bob.get(f"/sync/uploads/{upload['id']}").json()["data"]["status"] == "complete"
    with tenant(cast.a.pk):
        assert (Sample.objects.count(), Result.objects.count()) == (4, 4)


@pytest.mark.covers("001-US2-AS1")
def test_us2_as1_edits_on_desktop_and_mobile_are_found_to_conflict(cast: Cast) -> None:
    id, version = edited(cast)
    first = pushed(cast.bob, edit(id, version, "2026-03-21T08:00:00Z", "desktop"), device="desktop")

    second = pushed(cast.alice, edit(id, version, "2026-03-21T07:00:00Z", "mobile"), device="mobile")

    assert first["conflicts"] == []
    (conflict,) = second["conflicts"]
    assert (conflict["entityId"], conflict["reason"]) == (id, "version_conflict")


@pytest.mark.covers("001-US2-AS2", "001-ASM-03")
@pytest.mark.parametrize(
    ("at", "strategy", "resolution", "notes"),
    [
        ("2026-03-21T09:00:00Z", "lww", "client", "mobile"),
        ("2026-03-21T07:00:00Z", "lww", "server", "desktop"),
        ("2026-03-21T09:00:00Z", "manual", "open", "desktop"),
    ],
)
def test_us2_as2_the_last_write_wins_or_somebody_chooses(
    cast: Cast, at: str, strategy: str, resolution: str, notes: str
) -> None:
    id, version = edited(cast)
    pushed(cast.bob, edit(id, version, "2026-03-21T08:00:00Z", "desktop"), device="desktop")

    data = pushed(cast.alice, edit(id, version, at, "mobile"), device="mobile", conflictStrategy=strategy)

    (conflict,) = data["conflicts"]
    assert conflict["resolution"] == resolution
    assert cast.bob.get(f"/samples/{id}").json()["data"]["notes"] == notes
    if strategy == "manual":
        choice = {"choice": "client", "reason": "The mobile one was there later"}
        assert cast.alice.post(f"/sync/conflicts/{conflict['conflictId']}/resolve", choice).status_code == 200
        assert cast.bob.get(f"/samples/{id}").json()["data"]["notes"] == "mobile"


@pytest.mark.covers("001-US2-AS3")
def test_us2_as3_the_other_version_is_kept_in_the_audit_log(cast: Cast) -> None:
    id, version = edited(cast)
    pushed(cast.bob, edit(id, version, "2026-03-21T08:00:00Z", "desktop"), device="desktop")
    pushed(cast.alice, edit(id, version, "2026-03-21T07:00:00Z", "mobile"), device="mobile")

    assert cast.bob.get(f"/samples/{id}").json()["data"]["notes"] == "desktop"
    with tenant(cast.a.pk):
        lost = AuditEntry.objects.get(entity="sample", object_pk=id, action=Action.CONFLICT_LOST)
        assert lost.changes["notes"] in ("mobile", ["mobile", None])


@pytest.mark.covers("001-US2-AS4")
def test_us2_as4_the_next_sync_brings_the_resolved_data_to_all(cast: Cast) -> None:
    id, version = edited(cast)
    cursors = {device: drained(cast.bob, device=device)[1] for device in ("desktop", "mobile", "third")}
    pushed(cast.bob, edit(id, version, "2026-03-21T08:00:00Z", "desktop"), device="desktop")
    assert push(cast.bob, edit(id, version, "2026-03-21T09:00:00Z", "mobile"), device="mobile").status_code == 200

    for device, cursor in cursors.items():
        changes, _cursor = drained(cast.bob, cursor, device=device)
        assert [(change["entityId"], change["data"]["notes"]) for change in changes] == [(id, "mobile")]
