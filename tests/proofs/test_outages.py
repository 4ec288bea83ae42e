"""What the installation may lack for a while: its database, room on a disk, Redis, a clock that is right. Nobody gets a
500, nothing is half done, and it goes on without a restart."""

import errno
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.core.cache import caches
from django.core.files.storage import storages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import InternalError, OperationalError
from django.test import Client, override_settings

from portal.core.common import clock
from portal.core.common.outages import outage
from portal.core.files.models import Blob, StoredFile
from portal.core.sync.models import Clock
from portal.core.tenancy.scope import platform, tenant
from tests.api.conftest import Cast

SAMPLE = {"type": "drinking_water", "location": "Tap 4", "collectionDate": "2026-11-20T09:15:00Z"}
SAMPLE |= {"collectorName": "Amina"}


def read_only() -> Exception:
    error = InternalError()
    error.__cause__ = psycopg.errors.ReadOnlySqlTransaction()
    return error


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (OperationalError("gone"), 503),
        (psycopg.errors.DiskFull(), 503),
        (psycopg.errors.CannotConnectNow(), 503),
        (read_only(), 503),
        (InternalError("something else"), None),
        (OSError(errno.ENOSPC, "no room"), 507),
        (OSError(errno.EIO, "broken"), None),
        (None, None),
    ],
)
def test_what_is_an_outage(error: Exception | None, status: int | None) -> None:
    lacking = outage(error)

    assert (lacking and lacking.status) == status
    assert lacking is None or lacking.meta["retryAfter"] > 0


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[None]:
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "marsad", str(folder)]
    done = subprocess.run(command, check=False, capture_output=True)
    if done.returncode:
        pytest.skip("only root may make a file system")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.django_db
@pytest.mark.covers("E002-130")
def test_a_full_disk_takes_no_half_file(cast: Cast, tmp_path: Path) -> None:
    def send() -> Any:
        file = SimpleUploadedFile("well.txt", b"0123456789" * 100_000, content_type="text/plain")
        headers = {**cast.bob.headers, "Idempotency-Key": "one"}
        return Client().post("/api/v1/files/upload", {"file": file}, headers=headers)

    kept = {"FILE_STAGING": tmp_path / "staging"}
    with small_disk(tmp_path, "512k"), override_settings(**kept):
        store = storages["files"]
        place, store._location = store._location, str(tmp_path / "store")  # type: ignore[attr-defined]
        store.__dict__.pop("base_location", None)
        store.__dict__.pop("location", None)
        try:
            refused = send()
            left = [path for path in tmp_path.rglob("*") if path.is_file()]
            with platform():
                rows = StoredFile.objects.count() + Blob.objects.count()
            subprocess.run(["mount", "-o", "remount,size=8m", str(tmp_path)], check=True)
            taken = send()
        finally:
            store._location = place  # type: ignore[attr-defined]
            store.__dict__.pop("base_location", None)
            store.__dict__.pop("location", None)

    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (507, "STORAGE_FULL")
    assert refused.headers["Retry-After"] == "60"
    assert (left, rows) == ([], 0)
    assert taken.status_code == 201


@pytest.mark.django_db
def test_clocks_that_are_wrong(cast: Cast) -> None:
    """A device ten years ahead wins nothing, and a server whose clock steps back goes on counting upwards."""
    id = str(uuid4())

    def push(device: str, location: str, stamp: str, seen: int = 0) -> dict[str, Any]:
        data = SAMPLE | {"location": location}
        item = {"entity": "sample", "entityId": id, "operation": "created", "clientVersion": seen, "data": data}
        body = {"deviceId": device, "changes": [item | {"clientTimestamp": stamp}]}
        answer = cast.bob.post("/sync", body)
        assert answer.status_code == 200, answer.content
        return dict(answer.json()["data"]["results"][0])

    ahead = clock.wire(clock.now() + timedelta(days=3650))
    made = push("ahead", "from the future", ahead)
    later = push("right", "from today", clock.wire(clock.now()))
    with tenant(cast.a.pk):
        Clock.objects.update(ts=clock.now() + timedelta(hours=1))  # as if the server had run an hour ahead until now
    last = push("right", "after the step", clock.wire(clock.now()), later["serverVersion"])
    feed = cast.bob.get("/sync/changes?deviceId=right").json()["data"]["changes"]

    assert (made["status"], later["status"], last["status"]) == ("created", "updated", "updated")
    assert made["serverVersion"] < later["serverVersion"] < last["serverVersion"]
    assert made["serverTimestamp"] < later["serverTimestamp"] < last["serverTimestamp"]
    assert [(change["version"], change["data"]["location"]) for change in feed] == [
        (last["serverVersion"], "after the step")
    ]


@pytest.mark.django_db
def test_redis_away_is_no_fault(settings: Any) -> None:
    """The cache is then the memory of the process; figures are made anew and requests go on being counted."""
    away = {
        "BACKEND": "portal.core.common.cache.SteadyRedisCache",
        "LOCATION": f"redis://127.0.0.1:{os.getpid() % 100 + 1}/0",
    }
    settings.CACHES = {**settings.CACHES, "away": away}
    cache = caches["away"]

    assert cache.add("rate", 0, 120) is True
    assert (cache.incr("rate"), cache.incr("rate"), cache.incr("never-made")) == (1, 2, 1)
    cache.set("figure", {"samples": 4}, 60)
    assert (cache.get("figure"), cache.get("none", "usual")) == ({"samples": 4}, "usual")
    assert cache.away
    assert cache.delete("figure") is True
