"""What the machine found, each in its smallest form."""

from typing import Any
from uuid import uuid4

import pytest

from portal.core.sync.models import FeedRecord, ItemKey
from portal.core.tenancy.scope import tenant
from portal.lab.models import Result, Sample
from tests.api.conftest import Cast
from tests.api.test_sync import NITRATE, SAMPLE, item, pushed, statuses

pytestmark = pytest.mark.django_db


def edited(sample: str, stamp: str, **more: Any) -> Any:
    return item("sample", {"notes": stamp}, id=sample, operation="updated", clientTimestamp=stamp, **more)


def test_a_version_that_never_was_may_be_sent_twice(cast: Cast) -> None:
    entry = item("sample", SAMPLE, clientVersion=10**6, idempotencyKey="k")
    assert [statuses(pushed(cast.bob, entry)) for _ in range(2)] == [["created"], ["skipped"]]


def test_two_edits_of_one_moment_keep_that_moment(cast: Cast) -> None:
    sample = str(uuid4())
    first = pushed(cast.bob, item("sample", SAMPLE, id=sample))["results"][0]["serverVersion"]
    for _n in range(2):
        noon = edited(sample, "2026-03-21T12:00:00Z", clientVersion=first)
        pushed(cast.bob, noon | {"data": {"notes": str(uuid4())}})
    with tenant(cast.a.pk):
        assert FeedRecord.objects.get(record_id=sample).client_ts.isoformat() == "2026-03-21T12:00:00+00:00"
    later = pushed(cast.alice, edited(sample, "2026-03-21T13:00:00Z", clientVersion=first), device="phone")
    assert statuses(later) == ["updated"]


def test_an_old_request_of_the_device_itself_undoes_nothing(cast: Cast) -> None:
    """Its keys are forgotten after 72 hours; then version and time tell."""
    sample = str(uuid4())
    [made] = pushed(cast.bob, item("sample", SAMPLE, id=sample, clientTimestamp="2026-03-21T11:00:00Z"))["results"]
    older, newer = (
        edited(sample, f"2026-03-21T{hour}:00:00Z", clientVersion=made["serverVersion"]) for hour in (12, 13)
    )
    assert [statuses(pushed(cast.bob, entry)) for entry in (older, newer)] == [["updated"], ["updated"]]
    with tenant(cast.a.pk):
        ItemKey.objects.all().delete()
    data = pushed(cast.bob, older)
    assert statuses(data) == ["conflict"]
    assert data["conflicts"][0]["resolution"] == "server"
    assert data["conflicts"][0]["lostData"]["notes"] == "2026-03-21T12:00:00Z"
    with tenant(cast.a.pk):
        assert Sample.objects.get(pk=sample).notes == "2026-03-21T13:00:00Z"


def living(cast: Cast) -> list[Any]:
    with tenant(cast.a.pk):
        return list(Result.objects.filter(deleted_at=None, sample__in=Sample.objects.exclude(deleted_at=None)))


def test_a_result_that_comes_with_the_deletion_of_its_sample_is_refused(cast: Cast) -> None:
    sample, moved = str(uuid4()), str(uuid4())
    other = item("sample", SAMPLE)
    pushed(cast.alice, item("sample", SAMPLE, id=sample), other)
    pushed(cast.alice, item("result", {**NITRATE, "sampleId": other["entityId"]}, id=moved))
    data = pushed(
        cast.alice,
        item("sample", id=sample, operation="deleted", clientVersion=10**9),
        item("result", {**NITRATE, "sampleId": sample}),
        item("result", {"sampleId": sample}, id=moved, operation="updated"),
    )
    assert statuses(data) == ["deleted", "error", "error"]
    assert {result["error"]["field"] for result in data["results"][1:]} == {"sampleId"}
    assert not living(cast)


def test_a_result_is_refused_whose_sample_comes_back_in_vain(cast: Cast) -> None:
    sample = str(uuid4())
    version = pushed(cast.bob, item("sample", SAMPLE, id=sample))["results"][0]["serverVersion"]
    pushed(cast.alice, item("sample", id=sample, operation="deleted"), device="phone")
    data = pushed(
        cast.bob,
        edited(sample, "2026-03-21T13:00:00Z", clientVersion=version),
        item("result", {**NITRATE, "sampleId": sample}),
        conflictStrategy="manual",
    )
    assert statuses(data) == ["conflict", "error"]
    assert data["results"][1]["error"]["field"] == "sampleId"
    assert not living(cast)
