"""What the installation may lack for a while: its database, room on a disk, Redis, a clock that is right. Nobody gets a
500, nothing is half done, and it goes on without a restart."""

import asyncio
import errno
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import orjson
import psycopg
import pytest
from django.core.cache import caches
from django.core.files.storage import storages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import InternalError, OperationalError, connection
from django.test import Client, override_settings
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from portal.core.common import clock
from portal.core.common.outages import outage
from portal.core.files.models import Blob, StoredFile
from portal.core.sync.models import Clock
from portal.core.tenancy.scope import platform, tenant
from portal.lab.models import Sample
from tests.api.conftest import PASSWORD, Cast
from tests.live import serving

SAMPLE = {"type": "drinking_water", "location": "Tap 4", "collectionDate": "2026-11-20T09:15:00Z"}
SAMPLE |= {"collectorName": "Amina"}


class Wire:
    """A PostgreSQL socket that leads to the real one and can be cut."""

    def __init__(self, target: str) -> None:
        self.target = f"{target}/.s.PGSQL.5432"
        self.folder = Path(tempfile.mkdtemp(prefix="wire-", dir="/tmp"))
        self.loop = asyncio.new_event_loop()
        self.open: set[asyncio.StreamWriter] = set()
        self.whole = threading.Event()
        self.whole.set()

    async def lead(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self.whole.is_set():
            writer.close()
            return
        there, back = await asyncio.open_unix_connection(self.target)
        self.open |= {writer, back}
        await asyncio.gather(self.pour(reader, back), self.pour(there, writer))

    async def pour(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while piece := await source.read(65536):
                target.write(piece)
                await target.drain()
        target.close()
        self.open.discard(target)

    def cut(self) -> None:
        self.whole.clear()
        self.loop.call_soon_threadsafe(lambda: [writer.transport.abort() for writer in list(self.open)])

    def mend(self) -> None:
        self.whole.set()

    async def end(self) -> None:
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)


@contextmanager
def wired(target: str) -> Iterator[Wire]:
    wire = Wire(target)
    place = wire.folder / ".s.PGSQL.5432"
    server = wire.loop.run_until_complete(asyncio.start_unix_server(wire.lead, place))
    wire.folder.chmod(0o755)
    place.chmod(0o777)
    thread = threading.Thread(target=wire.loop.run_forever)
    thread.start()
    yield wire
    wire.loop.call_soon_threadsafe(server.close)
    wire.cut()
    wire.loop.call_soon_threadsafe(wire.loop.stop)
    thread.join()
    wire.loop.run_until_complete(wire.end())
    wire.loop.close()
    place.unlink(missing_ok=True)
    wire.folder.rmdir()


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.covers("001-FR-034")
def test_the_database_goes_away_and_comes_back(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """503 with Retry-After everywhere, on pages too; a socket comes back; the repeated write is done once."""
    key = {"Idempotency-Key": "one", "X-Device-ID": "tablet"}
    with wired(str(connection.settings_dict["HOST"])) as wire:
        monkeypatch.setitem(connection.settings_dict, "HOST", str(wire.folder))
        with (
            serving() as address,
            httpx.Client(base_url=address, timeout=60) as line,
            httpx.Client(base_url=f"{address}/api/v1", headers=cast.alice.headers, timeout=60) as api,
        ):
            monkeypatch.undo()
            line.get("/login")
            form = {"csrfmiddlewaretoken": line.cookies["csrftoken"], "login": cast.alice.user.email}
            page = line.post("/login", data=form | {"password": PASSWORD}, follow_redirects=True)
            assert page.status_code == 200
            with connect(f"ws{address.removeprefix('http')}/ws/org/", ping_interval=None) as socket:
                socket.send(orjson.dumps({"type": "auth", "token": cast.alice.headers["Authorization"][7:]}).decode())
                assert orjson.loads(socket.recv(30))["type"] == "auth.ok"

                wire.cut()
                answers = [api.get("/samples") for _ in range(10)]
                answers += [api.post("/samples", json=SAMPLE, headers=key)]
                answers += [line.get("/api/v1/samples", headers=cast.alice.headers)]  # with the cookie of a session
                pages = [line.get(path) for path in ("/", "/samples", "/login")]
                states = [httpx.get(f"{address}/health/{name}", timeout=60).status_code for name in ("live", "ready")]
                wire.mend()

                assert {answer.status_code for answer in answers} == {503}
                assert {answer.json()["errors"][0]["code"] for answer in answers} == {"SERVICE_UNAVAILABLE"}
                assert {answer.headers["Retry-After"] for answer in answers} == {"1"}
                assert [(page.status_code, page.headers.get("Retry-After")) for page in pages[:2]] == [(503, "1")] * 2
                assert pages[2].status_code in (200, 503)
                assert states == [200, 503]
                made = [api.post("/samples", json=SAMPLE, headers=key) for _ in range(2)]
                assert [answer.status_code for answer in made] == [201, 201]
                assert made[1].headers["Idempotency-Replayed"] == "true"
                assert line.get("/samples").status_code == 200
                told = set()
                with suppress(ConnectionClosed):  # closed, or told that it may have missed something
                    while not told & {"resync"}:
                        told.add(orjson.loads(socket.recv(60))["type"])
    with tenant(cast.a.pk):
        assert Sample.objects.count() == 1


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


COUNTS = """
import os, sys
from pathlib import Path
from portal.core.monitoring.shared import Counter
counter = Counter("wells", "Wells", ["name"])
for number in range(300):  # some pages
    counter.labels(f"well {number}").inc()
ballast = Path(sys.argv[1], "ballast")
with ballast.open("wb") as file:
    try:
        while True:
            file.write(bytes(4096))
            file.flush()
    except OSError:
        pass
for number in range(300, 3000):  # longer than the file
    counter.labels(f"well {number}").inc()
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
registry = CollectorRegistry()
MultiProcessCollector(registry)
print(generate_latest(registry).decode().count("wells_total{"))
"""


@pytest.mark.parametrize("before", [0, 1], ids=["full from the start", "full later"])
def test_a_full_disk_ends_no_process_that_counts(tmp_path: Path, before: int) -> None:
    """Counters lie in a file mapped into memory, and a page of it that finds no room is SIGBUS."""
    with small_disk(tmp_path, "256k"):
        if not before:
            with suppress(OSError):
                (tmp_path / "ballast").write_bytes(bytes(1_000_000))
        done = subprocess.run(
            [sys.executable, "-c", COUNTS, str(tmp_path)],
            env=os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )

    assert (done.returncode, done.stderr) == (0, "")
    assert int(done.stdout) >= 300 * before


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
