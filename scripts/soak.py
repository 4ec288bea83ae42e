"""`make soak`: mixed work against the product while its processes are killed; at the end nothing may be wrong.

The product runs as a person starts it (embedded PostgreSQL with fsync on, web server, worker) with a Redis beside it.
Clients push samples with results, pull, submit forms, survey, upload files and images, write tickets and comments, have
reports made, read pages and listen on sockets. Web process, worker, PostgreSQL and Redis are each killed (SIGKILL) so
many times at moments that the seed decides. Each client keeps a journal of what was acknowledged, and sends what was
not again under the same key. Then journal and database are compared as sets, verdicts are computed anew from the
limits, the copies of the devices are compared with the server, and the audit log is verified.
Ends with 1 where anything is wrong. Usage: python scripts/soak.py [--minutes 60] [--kills 5] [--seed 1] [--think 0.5]
"""

import argparse
import asyncio
import hashlib
import io
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
import traceback
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import httpx
import psutil
import psycopg
from PIL import Image
from program import ROOT, Program
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

PASSWORD = "Marsad-demo-2026"
DEMO = "demo.marsad.test"
PARAMETERS = ("NO3", "F", "AS", "MN", "PH", "CL")
SHARES, ACIDITY = ("0.4", "0.95", "1", "1.001", "1.7"), ("0.95", "0.999", "1", "1.001")  # of a limit; a pH ends at 14
PATIENCE = 180  # seconds in which an answer has to come, whatever dies
MEASURED = ("web", "worker")
ENVIRONMENT = {"MARSAD_RATE_LIMITS": "off", "MARSAD_ENV": "test", "MARSAD_MAIL": "file"}
REDIS_AWAY = 2.0  # seconds after which whoever watches over Redis starts it again
GROWTH = 1.15  # memory of the last minutes against the first ones


class Product(Program):
    """The program with Redis, whose processes can be killed one kind at a time."""

    def __init__(self, copy_of: Path | None = None, **environment: str) -> None:
        super().__init__(**environment)
        if copy_of is not None:
            subprocess.run(["/bin/cp", "-a", f"{copy_of}/.", str(self.data)], check=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.redis_port = int(probe.getsockname()[1])
        self.environment["REDIS_URL"] = f"redis://127.0.0.1:{self.redis_port}/0"
        self.redis: subprocess.Popen[bytes] | None = None
        self.log = self.data / "soak.log"

    def start_redis(self) -> None:
        command = ["redis-server", "--port", str(self.redis_port), "--bind", "127.0.0.1", "--save", ""]
        self.redis = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)

    def start(self) -> float:
        began = time.monotonic()
        self.start_redis()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(  # type: ignore[assignment]
                [sys.executable, "-m", "portal.config.supervise"],
                cwd=ROOT,
                env=os.environ | self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        while "ready at" not in self.log.read_text(errors="replace"):
            if self.process.poll() is not None:
                raise SystemExit(self.log.read_text(errors="replace")[-2000:])
            time.sleep(0.2)
        return time.monotonic() - began

    def discard(self) -> None:
        super().discard()
        if self.redis is not None:
            self.redis.kill()
            self.redis.wait()

    def processes(self, kind: str) -> list[psutil.Process]:
        """Of the web server its process that answers (not granian's own), of PostgreSQL its postmaster."""
        found = []
        for child in self.family():
            with suppress(psutil.NoSuchProcess):
                line, parent = " ".join(child.cmdline()), child.ppid()
                if kind == "web" and "multiprocessing" not in line and "granian" in line:
                    found += [kid for kid in child.children() if "resource_tracker" not in " ".join(kid.cmdline())]
                if kind == "worker" and "procrastinate" in line:
                    found.append(child)
                if kind == "postgres" and parent == self.process.pid and "postgres" in child.name():
                    found.append(child)
        return found

    def kill(self, kind: str) -> None:
        if kind == "redis":
            assert self.redis is not None
            self.redis.kill()
            self.redis.wait()
            return
        for process in self.processes(kind):
            with suppress(psutil.NoSuchProcess):
                process.kill()

    def sql(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        folder = (self.data / "postgres" / "socket").read_text()
        with closing(psycopg.connect(host=folder, user="postgres", dbname="marsad", autocommit=True)) as connection:
            return connection.execute(statement, values or None).fetchall()  # type: ignore[arg-type]

    def manage(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=os.environ | self.environment,
            check=False,
            capture_output=True,
            text=True,
        )


@dataclass
class Journal:
    """What the server acknowledged, by kind and by the mark that the client gave it."""

    path: Path
    rows: defaultdict[str, dict[str, Any]] = field(default_factory=lambda: defaultdict(dict))
    answers: Counter[str] = field(default_factory=Counter)
    waits: list[float] = field(default_factory=list)  # seconds until an acknowledgement, retries included
    faults: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def keep(self, kind: str, mark: str, content: Any) -> None:
        with self.lock, self.path.open("a") as file:
            self.rows[kind][mark] = content
            file.write(json.dumps([kind, mark, content], default=str) + "\n")

    def answered(self, what: str, *, waited: float | None = None) -> None:
        with self.lock:
            self.answers[what] += 1
            if waited is not None:
                self.waits.append(waited)

    def fault(self, text: str) -> None:
        with self.lock:
            self.faults.append(text)
        print("WRONG:", text, flush=True)


class Line:
    """One signed-in device; what is not acknowledged is sent again, the same and under the same key."""

    def __init__(
        self, soak: "Soak", login: str, device: str, *, mobile: bool = False, product: Product | None = None
    ) -> None:
        self.soak, self.login, self.device, self.mobile = soak, f"{login}@{DEMO}", device, mobile
        self.prefix = "/api/mobile/v1" if mobile else "/api/v1"
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{(product or soak.product).port}", timeout=60)
        self.token = ""

    def sign_in(self) -> None:
        if self.mobile:
            about = {"deviceId": self.device, "deviceName": self.device, "appVersion": "2.1"}
            body: Any = {"username": self.login, "password": PASSWORD, "deviceInfo": about}
        else:
            body = {"email": self.login, "password": PASSWORD}
        answer = self.http.post(f"{self.prefix}/auth/login", json=body)
        if answer.status_code == 200:
            self.token = answer.json()["data"]["accessToken"]
        else:
            self.soak.journal.answered(f"sign in {answer.status_code}")

    def call(self, method: str, path: str, body: Any = None, *, keyed: bool = False, **more: Any) -> Any:
        """The `data` of the answer. Raises Refused for an answer that a repeat would not change."""
        key, began, name = str(uuid4()) if keyed else "", time.monotonic(), shape(f"{method} {path}")
        journal = self.soak.journal
        while time.monotonic() - began < PATIENCE:
            try:
                if not self.token:
                    self.sign_in()
                    if not self.token:
                        time.sleep(0.5)
                        continue
                headers = {"Authorization": f"Bearer {self.token}", "X-Device-ID": self.device}
                headers |= {"Idempotency-Key": key, "X-Idempotency-Key": key} if key else {}
                sent = more or ({} if body is None else {"json": body})
                answer = self.http.request(method, f"{self.prefix}{path}", headers=headers, **sent)
            except httpx.TransportError as error:
                journal.answered(f"{name}: {type(error).__name__}")
                time.sleep(0.3)
                continue
            if answer.status_code in (200, 201, 202):
                journal.answered(f"{name}: {answer.status_code}", waited=time.monotonic() - began)
                return answer.json()["data"]
            code = re.search(r'"code": ?"(\w+)"', answer.text)
            journal.answered(f"{name}: {answer.status_code} {code[1] if code else ''}")
            if answer.status_code == 401:
                self.token = ""
            elif answer.status_code not in (429, 502, 503) and (code is None or code[1] != "DUPLICATE_REQUEST"):
                journal.fault(f"{name} answered {answer.status_code}: {answer.text[:300]}")
                if answer.status_code < 500:
                    raise Refused(answer.text)
            elif "retry-after" not in answer.headers:
                journal.fault(f"{name}: {answer.status_code} without Retry-After")
            time.sleep(float(answer.headers.get("retry-after", "0.3")))
        journal.fault(f"{name}: no answer within {PATIENCE} s")
        raise Refused(path)


class Refused(Exception):
    """The server will not take it."""


def shape(path: str) -> str:
    return re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "{id}", path.partition("?")[0])


def stamp(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def guarded(journal: Journal, name: str, act: Callable[[], None]) -> None:
    try:
        act()
    except Refused:
        pass
    except Exception:  # noqa: BLE001  whatever it is, it is a finding
        journal.fault(f"{name}: {traceback.format_exc(limit=-4)}")


# --- the work ------------------------------------------------------------------------------------------
class Work:
    """A client that does its step again and again until the time is over."""

    login, device, mobile, pause = "admin", "", False, 1.0

    def __init__(self, soak: "Soak", number: int) -> None:
        self.soak, self.journal = soak, soak.journal
        self.random = Random(soak.options.seed * 1000 + number)
        self.name = f"{type(self).__name__.lower()}-{number}"
        self.line = Line(soak, self.login, self.device or self.name, mobile=self.mobile)
        self.count = 0

    def run(self) -> None:
        self.guarded(self.begin)
        while not self.soak.over.is_set():
            self.count += 1
            self.guarded(self.step)
            self.soak.over.wait(self.random.uniform(0.5, 1.5) * self.pause * self.soak.options.think)

    def guarded(self, act: Callable[[], None]) -> None:
        guarded(self.journal, self.name, act)

    def begin(self) -> None: ...

    def step(self) -> None:
        raise NotImplementedError

    def mark(self) -> str:
        return f"{self.name}-{self.count}"


class Push(Work):
    """Samples with results whose verdicts are known, corrections and deletions."""

    login = "manager"

    def begin(self) -> None:
        self.versions: dict[str, int] = {}

    def value(self, code: str) -> str:
        limit, shares = Decimal(self.random.choice(self.soak.limits[code])), SHARES if code != "PH" else ACIDITY
        return f"{(limit * Decimal(self.random.choice(shares))).quantize(Decimal('0.0001')).normalize():f}"

    def step(self) -> None:
        own = [id for id in self.versions if id in self.journal.rows["result"]]
        changes = [item for _ in range(self.random.randint(1, 4)) for item in self.sample()]
        for id in self.random.sample(own, min(len(own), self.random.randint(0, 3))):
            held = self.journal.rows["result"][id]
            if held["deleted"]:
                continue
            value = self.value(held["code"])
            changes.append(self.item("result", id, "updated", {"value": value, "reason": "typing error"}))
        if self.random.random() < 0.1 and own:
            id = self.random.choice(own)
            if id not in {item["entityId"] for item in changes} and not self.journal.rows["result"][id]["deleted"]:
                changes.append(self.item("result", id, "deleted", {}))
        body = {"deviceId": self.line.device, "changes": changes}
        answer = self.line.call("POST", "/sync", body, keyed=True)
        for item, result in zip(changes, answer["results"], strict=True):
            if result["error"] or result["conflictId"]:
                self.journal.fault(f"{self.name}: {result}")
            else:
                self.versions[item["entityId"]] = result["serverVersion"]
                self.note(item)

    def sample(self) -> list[dict[str, Any]]:
        parent, taken = str(uuid4()), datetime.now(UTC) - timedelta(minutes=self.random.randint(5, 5000))
        data = {
            "type": "drinking_water", "location": f"Tap {self.random.randint(1, 300)}", "collectionDate": stamp(taken),
            "collectorName": "Soak", "notes": self.mark(),
        }  # fmt: skip
        made = [self.item("sample", parent, "created", data)]
        for code in self.random.sample(PARAMETERS, self.random.randint(1, 4)):
            unit = self.soak.units[code]
            data = {"sampleId": parent, "parameterName": code, "unit": unit, "value": self.value(code)}
            made.append(self.item("result", str(uuid4()), "created", data))
        return made

    def item(self, entity: str, id: str, operation: str, data: dict[str, Any]) -> dict[str, Any]:
        return {
            "entity": entity, "entityId": id, "operation": operation, "clientVersion": self.versions.get(id, 0),
            "clientTimestamp": stamp(datetime.now(UTC)), "idempotencyKey": str(uuid4()), "data": data,
        }  # fmt: skip

    def note(self, item: dict[str, Any]) -> None:
        data, held = item["data"], self.journal.rows[item["entity"]].get(item["entityId"], {})
        if item["entity"] == "sample":
            content = {"location": data["location"], "notes": data["notes"], "deleted": False}
        else:
            content = {
                "sample": data.get("sampleId", held.get("sample")), "code": data.get("parameterName", held.get("code")),
                "value": data.get("value", held.get("value")), "deleted": item["operation"] == "deleted",
            }  # fmt: skip
        self.journal.keep(item["entity"], item["entityId"], content)


class Pull(Work):
    """A device that keeps a copy from the feed alone."""

    login, pause = "manager", 2.0

    def begin(self) -> None:
        self.cursor, self.copy, self.place = "", dict[str, dict[str, Any]](), 0

    def step(self) -> None:
        more = True
        while more:
            query = f"?limit=200&deviceId={self.line.device}&cursor={self.cursor}&entity=sample&entity=result"
            answer = self.line.call("GET", f"/sync/changes{query}")
            for change in answer["changes"]:
                if change["version"] <= self.place:
                    self.journal.fault(f"{self.name}: version {change['version']} came after {self.place}")
                self.place = change["version"]
                self.copy[change["entityId"]] = change["data"]
            self.cursor, more = answer["pagination"]["nextCursor"], answer["pagination"]["hasMore"]


class Submit(Work):
    """Forms, one by one and in bulk."""

    login = "manager"

    def step(self) -> None:
        if self.count % 4:
            self.journal.keep("submission", *self.sent(self.made()))
            return
        batch = [self.made() for _ in range(self.random.randint(2, 20))]
        answer = self.line.call("POST", "/submissions/bulk", {"submissions": batch}, keyed=True)
        if answer["failed"]:
            self.journal.fault(f"{self.name}: {answer}")
        for item in batch:
            self.journal.keep("submission", item["localSyncId"], item["answers"]["depth"])

    def made(self) -> dict[str, Any]:
        return {
            "formId": self.soak.form, "answers": {"depth": self.random.randint(1, 10_000)},
            "localSyncId": str(uuid4()),
        }  # fmt: skip

    def sent(self, item: dict[str, Any]) -> tuple[str, int]:
        self.line.call("POST", "/submissions", item, keyed=True)
        return item["localSyncId"], item["answers"]["depth"]


class Survey(Work):
    """Batches of points and parcels of one session after the other."""

    login, mobile, pause = "j.lambert", True, 2.0

    def begin(self) -> None:
        self.session, self.number = "", 0

    def step(self) -> None:
        if not self.session or self.number > 900:
            self.start()
        first = self.number + 1
        self.number += self.random.randint(1, 20)
        points = [self.point(n) for n in range(first, self.number + 1)]
        path = f"/sessions/{self.session}/points/batch"
        answer = self.line.call("POST", path, {"points": points}, keyed=True)
        for point, result in zip(points, answer["results"], strict=True):
            if result["status"] not in ("created", "accepted", "ok", "unchanged", "skipped"):
                self.journal.fault(f"{self.name}: {result}")
            mark = f"{self.session}/{point['pointNumber']}"
            self.journal.keep("point", mark, [point["longitude"], point["latitude"]])

    def start(self) -> None:
        body = {
            "applicationId": self.soak.application(), "surveyType": "building_permit",
            "startLocation": {"lat": 15.2, "lng": 44.0, "accuracy": 4.0, "timestamp": stamp(datetime.now(UTC))},
        }  # fmt: skip
        self.session = self.line.call("POST", "/sessions", body, keyed=True)["sessionId"]
        self.journal.keep("session", self.session, body["applicationId"])
        self.number = 0

    def point(self, number: int) -> dict[str, Any]:
        return {
            "idempotencyKey": str(uuid4()), "pointNumber": number, "latitude": 15.2,
            "longitude": round(44.0 + number * 1e-5, 7), "horizontalAccuracy": 2.5, "gpsSource": "device",
            "pointType": "corner", "featureCode": "BC", "capturedAt": stamp(datetime.now(UTC)), "isVerified": True,
        }  # fmt: skip


class Upload(Work):
    """Files and images; the worker makes copies of each image."""

    login, pause = "manager", 3.0

    def step(self) -> None:
        if self.count % 2:
            content = self.random.randbytes(self.random.randint(1_000, 200_000)).hex().encode()
            files = {"file": (f"{self.mark()}.txt", content, "text/plain")}
            made = self.line.call("POST", "/files/upload", keyed=True, files=files)
        else:
            out = io.BytesIO()
            Image.frombytes("RGB", (64, 64), self.random.randbytes(64 * 64 * 3)).resize((640, 480)).save(out, "JPEG")
            content = out.getvalue()
            files = {"file": (f"{self.mark()}.jpg", content, "image/jpeg")}
            data = {"projectId": self.soak.project, "localSyncId": str(uuid4())}
            made = self.line.call("POST", "/images/upload", keyed=True, data=data, files=files)
        kind = "file" if self.count % 2 else "image"
        self.journal.keep(kind, made["id"], [f"{self.mark()}", hashlib.sha256(content).hexdigest()])


class Talk(Work):
    """Tickets and what is said of them."""

    login = "manager"

    def step(self) -> None:
        mark = self.mark()
        open_ones = list(self.journal.rows["ticket"].values())
        if self.count % 3 == 1 or not open_ones:
            body = {"title": mark, "description": "Leak at the well", "priority": "high", "category": "technical"}
            self.journal.keep("ticket", mark, self.line.call("POST", "/tickets", body, keyed=True)["id"])
            return
        ticket = self.random.choice(open_ones)
        self.line.call("POST", f"/tickets/{ticket}/comments", {"content": mark}, keyed=True)
        self.journal.keep("comment", mark, ticket)


class Report(Work):
    """Compliance reports, whose PDF the worker makes."""

    login, pause = "manager", 60.0

    def step(self) -> None:
        body = {"title": self.mark(), "location": "Tap 77"}  # as long at the end as at the beginning, more or less
        made = self.line.call("POST", "/reports/compliance", body, keyed=True)
        self.journal.keep("report", made["id"], made["number"])
        with suppress(httpx.TransportError):  # asked for: the worker makes it whether the answer arrives or not
            self.line.http.get(
                f"/api/v1/reports/compliance/{made['id']}/pdf?language=fr",
                headers={"Authorization": f"Bearer {self.line.token}"},
            )


class Read(Work):
    """A person at the portal, who follows the menu."""

    pause = 1.5

    def begin(self) -> None:
        self.paths = ["/"]

    def step(self) -> None:
        http = self.line.http
        path = self.paths[self.count % len(self.paths)]
        try:
            answer = http.get(path, follow_redirects=True)
            self.journal.answered(f"page: {answer.status_code}")
            if answer.status_code == 503 and "retry-after" not in answer.headers:
                self.journal.fault(f"page {path}: 503 without Retry-After")
            if answer.status_code not in (200, 502, 503):
                self.journal.fault(f"page {path} answered {answer.status_code}")
            if answer.url.path == "/login":
                token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', answer.text)
                form = {"csrfmiddlewaretoken": token[1] if token else "", "login": self.line.login}
                answer = http.post("/login", data=form | {"password": PASSWORD}, follow_redirects=True)
                self.journal.answered(f"page sign in: {answer.status_code}")
                if answer.status_code == 200:
                    found = re.findall(r'href="(/[a-z][a-z/-]*)"', answer.text)
                    skipped = ("/logout", "/static", "/login", "/api", "/s/")
                    self.paths = sorted({"/", *(one for one in found if not one.startswith(skipped))})
        except httpx.TransportError as error:
            self.journal.answered(f"page: {type(error).__name__}")


class Listen:
    """Sockets of apps, all in one event loop; they come back whenever they are closed."""

    def __init__(self, soak: "Soak", sockets: int) -> None:
        self.soak, self.sockets = soak, sockets
        self.heard: Counter[int] = Counter()
        self.closed: Counter[str] = Counter()
        self.resyncs: list[float] = []
        self.last: dict[int, float] = {}

    def run(self) -> None:
        asyncio.run(self.all())

    async def all(self) -> None:
        tasks = [asyncio.create_task(self.one(number)) for number in range(self.sockets)]
        while not self.soak.deaf.is_set():
            await asyncio.sleep(0.2)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def one(self, number: int) -> None:
        line = Line(self.soak, "manager", f"listener-{number}")
        place = ("org", "notifications")[number % 2]
        while True:
            try:
                if not line.token:
                    await asyncio.to_thread(line.sign_in)
                address = f"ws://127.0.0.1:{self.soak.product.port}/ws/{place}/"
                async with connect(address, open_timeout=30, ping_interval=None) as wire:
                    await wire.send(json.dumps({"type": "auth", "token": line.token}))
                    async for text in wire:
                        message = json.loads(text)
                        self.heard[number] += 1
                        self.last[number] = time.monotonic()
                        if message["type"] == "resync":
                            self.resyncs.append(time.monotonic())
                    self.closed[str(wire.close_code)] += 1
            except ConnectionClosed as error:
                self.closed[str(error.rcvd.code if error.rcvd else "cut")] += 1
            except (OSError, InvalidHandshake, TimeoutError, httpx.TransportError) as error:
                self.closed[type(error).__name__] += 1
            except Exception:  # noqa: BLE001  whatever it is, it is a finding
                self.soak.journal.fault(f"listener {number}: {traceback.format_exc(limit=-4)}")
            await asyncio.sleep(0.5)


# --- blows and what they cost ----------------------------------------------------------------------------
@dataclass
class Blow:
    kind: str
    at: float  # seconds after the beginning
    recovered: float | None = None


class Soak:
    def __init__(self, product: Product, options: argparse.Namespace) -> None:
        self.product, self.options = product, options
        self.journal = Journal(product.data / "journal.jsonl")
        self.over, self.deaf = threading.Event(), threading.Event()
        self.memory: list[tuple[float, str, int, int]] = []  # seconds, kind, process id, bytes
        self.limits: dict[str, list[str]] = {}
        self.units: dict[str, str] = {}
        self.found: list[str] = []
        self.before: dict[str, set[str]] = {}
        self.archive = product.data / "soak.tar"
        self.elsewhere = Product(**ENVIRONMENT)  # where the backup is taken back
        random, span = Random(options.seed), options.minutes * 60
        self.blows = sorted(
            (
                Blow(kind, (0.08 + 0.72 * (turn + random.random()) / options.kills) * span)
                for kind in ("web", "worker", "postgres", "redis")
                for turn in range(options.kills)
            ),
            key=lambda blow: blow.at,
        )  # fmt: skip

    # --- preparation -------------------------------------------------------------------------
    def prepare(self) -> None:
        if self.options.data is None:
            done = self.product.manage("demo", "--samples", "40", "--verbosity", "0")
            if done.returncode:
                raise SystemExit(done.stderr)
        self.admin = Line(self, "admin", "soak-admin")
        self.project = self.admin.call("GET", "/projects?status=Active")[0]["id"]
        schema = {"fields": [{"id": "depth", "type": "number", "label": "Depth", "required": True}]}
        body = {"projectId": self.project, "name": "Wells", "schema": schema}
        self.form = self.admin.call("POST", "/forms", body)["id"]
        found = self.product.sql("SELECT id FROM accounts_user WHERE email = %s", f"{Survey.login}@{DEMO}")
        self.surveyor = str(found[0][0])
        rows = self.product.sql(
            "SELECT p.code, l.unit, l.lower, l.upper FROM lab_limit l JOIN lab_parameter p ON p.id = l.parameter_id"
            " JOIN lab_standard s ON s.id = l.standard_id WHERE s.key = 'MA' AND l.matrix = 'drinking'"
            " AND p.code = ANY(%s)",
            list(PARAMETERS),
        )
        for code, unit, lower, upper in rows:
            self.units[code] = unit
            self.limits[code] = [str(number) for number in (lower, upper) if number is not None]
        if set(self.limits) != set(PARAMETERS):
            raise SystemExit(f"no limits of {set(PARAMETERS) - set(self.limits)}")

    def application(self) -> str:
        """Another application for the surveyor."""
        body = {
            "applicantName": "أحمد صالح الحكيمي", "serviceType": "building_permit", "plotNumber": "214/7",
            "applicantPhone": "+967 711 000 111", "coordinates": {"lat": 15.2, "lng": 44.0, "accuracy": 5},
        }  # fmt: skip
        made = str(self.admin.call("POST", "/applications", body, keyed=True)["id"])
        self.admin.call("POST", "/tasks", {"applicationId": made, "assignedTo": self.surveyor}, keyed=True)
        return made

    # --- the run -------------------------------------------------------------------------------
    def run(self) -> bool:
        self.prepare()
        self.listen = Listen(self, 6)
        kinds = [Push, Push, Pull, Pull, Submit, Survey, Upload, Talk, Report, Read, Read]
        self.works = [kind(self, number) for number, kind in enumerate(kinds)]
        threads = [threading.Thread(target=work.run, name=work.name, daemon=True) for work in self.works]
        others = [
            threading.Thread(target=guarded, args=(self.journal, act.__name__, act), daemon=True)
            for act in (self.listen.run, self.watch, self.back_up)
        ]
        self.began, began_at = time.monotonic(), datetime.now(UTC)
        for thread in (*threads, *others):
            thread.start()
        self.strike()
        self.over.wait(max(0.0, self.options.minutes * 60 - self.clock()))
        self.over.set()
        for thread in threads:
            thread.join()
        print(f"the work ended after {self.clock():.0f} s", flush=True)
        self.settle(began_at)
        self.compare()
        self.deaf.set()
        for thread in others:
            thread.join()
        self.elsewhere.discard()
        return self.tell(began_at)

    def clock(self) -> float:
        return time.monotonic() - self.began

    def back_up(self) -> None:
        """In the middle of the work; what was acknowledged before has to be in it."""
        self.over.wait(self.options.minutes * 30)
        with self.journal.lock:
            self.before = {kind: set(marks) for kind, marks in self.journal.rows.items()}
        began = time.monotonic()
        while (done := self.product.manage("backup", str(self.archive))).returncode:  # PostgreSQL may be away just then
            self.journal.answered(f"backup refused: {done.stderr.strip()[-80:]}")
            if time.monotonic() - began > PATIENCE:
                self.journal.fault(f"no backup: {done.stderr}")
                return
            time.sleep(1)
        took, size = time.monotonic() - began, self.archive.stat().st_size / 2**20
        self.found.append(f"backup of {size:.0f} MB made under load in {took:.1f} s")
        self.restore()

    def restore(self) -> None:
        """Elsewhere, with every copy that devices hold newer than what comes back."""
        elsewhere = self.elsewhere
        try:
            began = time.monotonic()
            done = elsewhere.manage("restore", str(self.archive))
            if done.returncode:
                self.journal.fault(f"restore: {done.stderr}")
                return
            took = time.monotonic() - began
            elsewhere.start()
            self.whole(elsewhere)
            self.fetch_again(elsewhere)
            self.verified(elsewhere, "restored")
            self.found.append(f"restored elsewhere in {took:.1f} s")
        finally:
            elsewhere.discard()

    def whole(self, elsewhere: Product) -> None:
        """Every row that was acknowledged before the backup began, with a content that it had, and its files."""
        said = defaultdict[tuple[str, str], list[Any]](list)
        for line in self.journal.path.read_text().splitlines():
            kind, mark, content = json.loads(line)
            said[kind, mark].append(content)
        counts = []
        for kind, held in self.stored(elsewhere).items():
            lost = self.before.get(kind, set()) - held.keys()
            other = [mark for mark, content in held.items() if content not in said[kind, mark]]
            counts.append(f"{kind} {len(held)}")
            for mark in [*sorted(lost)[:3], *other[:3]]:
                self.journal.fault(f"restored {kind} {mark} is {held.get(mark)}, said was {said[kind, mark]}")
        store, blobs = elsewhere.data / "files" / "store", elsewhere.sql("SELECT key, sha256 FROM files_blob")
        for key, digest in blobs:
            path = store / key
            if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != digest:
                self.journal.fault(f"restored file {key} is missing or changed")
        self.found.append(
            f"restored: {', '.join(counts)}, {len(blobs)} contents of files; each acknowledged one is there"
        )

    def fetch_again(self, elsewhere: Product) -> None:
        """A device is told that the server is another one, starts from nothing, and then holds what the server does."""
        former = next(work for work in self.works if isinstance(work, Pull))
        device, cursor = Pull(self, 98), former.cursor
        device.line = Line(self, "manager", former.line.device, product=elsewhere)
        while not device.line.token:
            device.line.sign_in()
        headers = {"Authorization": f"Bearer {device.line.token}", "X-Device-ID": device.line.device}
        answer = device.line.http.get(f"/api/v1/sync/changes?cursor={cursor}", headers=headers)
        if answer.status_code != 409 or not answer.json()["meta"].get("fullResyncRequired"):
            self.journal.fault(f"an old cursor was answered {answer.status_code} {answer.text[:300]}")
        device.begin()
        device.step()
        held = elsewhere.sql(
            "SELECT record_id::text, r.deleted_at IS NOT NULL FROM sync_record r JOIN accounts_user u"
            " USING (organization_id) WHERE u.email = %s AND entity IN ('sample', 'result')", device.line.login,
        )  # fmt: skip
        mine = {id: bool(data.get("deletedAt")) for id, data in device.copy.items()}
        differ = {id for id, deleted in held if mine.get(id) != deleted} | (mine.keys() - {id for id, _deleted in held})
        for id in sorted(differ)[:3]:
            self.journal.fault(f"after the restore the device holds {device.copy.get(id)} of {id}")
        self.found.append(f"a device fetched {len(mine)} records again, {len(differ)} differ")

    def strike(self) -> None:
        for blow in self.blows:
            self.over.wait(max(0.0, blow.at - self.clock()))
            began, blow.at = time.monotonic(), self.clock()
            before = self.generation(blow.kind)
            self.product.kill(blow.kind)
            if blow.kind == "redis":
                time.sleep(REDIS_AWAY)
                self.product.start_redis()
            while time.monotonic() - began < 120 and not self.back(blow.kind, before, began):
                time.sleep(0.05)
            blow.recovered = time.monotonic() - began
            if blow.recovered > 120:
                self.journal.fault(f"{blow.kind} did not come back after the blow at {blow.at:.0f} s")
            print(f"{blow.at:6.0f} s: {blow.kind} killed, back after {blow.recovered:.1f} s", flush=True)

    def generation(self, kind: str) -> Any:
        if kind == "worker":
            return self.product.sql("SELECT coalesce(max(id), 0) FROM procrastinate_workers")[0][0]
        return {process.pid for process in self.product.processes(kind)}

    def back(self, kind: str, before: Any, since: float) -> bool:
        """Does what was killed do its work again?"""
        try:
            if kind == "worker":
                return bool(self.generation(kind) > before)
            if kind == "redis":
                return any(moment > since for moment in self.listen.resyncs)
            if not self.generation(kind) - before:
                return False
            return httpx.get(f"http://127.0.0.1:{self.product.port}/health/ready", timeout=2).status_code == 200
        except (psycopg.Error, httpx.TransportError):
            return False

    def watch(self) -> None:
        """Memory of web process and worker every few seconds."""
        while not self.deaf.wait(5):
            for kind in MEASURED:
                with suppress(psutil.Error):
                    for process in self.product.processes(kind):
                        self.memory.append((self.clock(), kind, process.pid, process.memory_full_info().uss))

    def settle(self, began_at: datetime) -> None:
        """Wait until no job waits or runs that was queued during the work."""
        statement = (
            "SELECT id, task_name, status, attempts, worker_id FROM procrastinate_jobs"
            " WHERE status IN ('todo', 'doing') AND (scheduled_at IS NULL OR scheduled_at < now())"
            " AND task_name LIKE ANY (ARRAY['fieldwork.%', 'lab.%', 'files.%', 'survey.attach%', 'desk.%'])"
        )
        left, moved = self.product.sql(statement), time.monotonic()
        while left and time.monotonic() - moved < PATIENCE:
            time.sleep(2)
            left, earlier = self.product.sql(statement), left
            moved = moved if left == earlier else time.monotonic()
        for row in left:
            self.journal.fault(f"a job did not end: {row}")
        if left:
            print("workers:", self.product.sql("SELECT id, last_heartbeat, now() FROM procrastinate_workers"))
        states = "SELECT kind, status, count(*), max(attempt) FROM jobs_job WHERE created_at > %s GROUP BY 1, 2"
        self.jobs = self.product.sql(states, began_at)
        for kind, status, count, attempt in self.jobs:
            if status != "succeeded":
                self.journal.fault(f"{count} jobs {kind} are {status} after {attempt} starts")

    # --- the comparison --------------------------------------------------------------------------
    def stored(self, product: Product) -> dict[str, dict[str, Any]]:
        """What the database holds, in the form of the journal."""
        sql, rows = product.sql, self.journal.rows
        sessions = [UUID(id) for id in rows["session"]]
        found: dict[str, list[tuple[Any, Any]]] = {
            "sample": [
                (id, {"location": location, "notes": notes, "deleted": deleted})
                for id, location, notes, deleted in sql(
                    "SELECT id::text, location, notes, deleted_at IS NOT NULL FROM lab_sample"
                    " WHERE collector_name = 'Soak'"
                )
            ],
            "result": [
                (id, {"sample": sample, "code": code, "value": value, "deleted": deleted})
                for id, sample, code, value, deleted in sql(
                    "SELECT r.id::text, sample_id::text, p.code, value_text, r.deleted_at IS NOT NULL FROM lab_result r"
                    " JOIN lab_sample s ON s.id = sample_id JOIN lab_parameter p ON p.id = parameter_id"
                    " WHERE s.collector_name = 'Soak'"
                )
            ],
            "submission": sql(
                "SELECT local_sync_id::text, (answers->>'depth')::int FROM collect_submission WHERE form_id = %s",
                self.form,
            ),
            "ticket": sql("SELECT title, id::text FROM crm_ticket WHERE title LIKE 'talk-%%'"),
            "comment": sql("SELECT content, ticket_id::text FROM crm_ticketcomment WHERE content LIKE 'talk-%%'"),
            "session": sql(
                "SELECT id::text, application_id::text FROM survey_surveysession WHERE id = ANY(%s)", sessions
            ),
            "point": [
                (f"{session}/{number}", [lng, lat])
                for session, number, lng, lat in sql(
                    "SELECT session_id, number, longitude, latitude FROM survey_surveypoint"
                    " WHERE session_id = ANY(%s) AND deleted_at IS NULL",
                    sessions,
                )
            ],
            "report": sql("SELECT id::text, number FROM lab_compliancereport WHERE title LIKE 'report-%%'"),
            "file": [
                (id, [name.removesuffix(".txt"), digest])
                for id, name, digest in sql(
                    "SELECT f.id::text, f.filename, b.sha256 FROM files_storedfile f JOIN files_fileversion v"
                    " ON v.file_id = f.id JOIN files_blob b ON b.id = v.blob_id WHERE f.filename LIKE 'upload-%%.txt'"
                )
            ],
            "image": [
                (id, [name.removesuffix(".jpg"), digest])
                for id, name, digest in sql(
                    "SELECT i.id::text, f.filename, i.sha256 FROM fieldwork_image i JOIN files_storedfile f"
                    " ON f.id = i.file_id WHERE f.filename LIKE 'upload-%%'"
                )
            ],
        }
        for kind, several in found.items():
            for mark, count in Counter(mark for mark, _content in several).items():
                if count > 1:
                    self.journal.fault(f"{kind} {mark} is there {count} times")
        return {kind: dict(several) for kind, several in found.items()}

    def compare(self) -> None:
        for kind, held in self.stored(self.product).items():
            self.same(kind, self.journal.rows[kind], held)
        self.judge()
        self.files()
        self.audit()
        self.devices()

    def same(self, kind: str, told: dict[str, Any], held: dict[str, Any]) -> None:
        lost, more = told.keys() - held.keys(), held.keys() - told.keys()
        changed = [mark for mark in told.keys() & held.keys() if told[mark] != held[mark]]
        for name, marks in (("lost", lost), ("never acknowledged, yet there", more), ("changed", changed)):
            for mark in sorted(marks)[:5]:
                self.journal.fault(f"{kind} {mark} {name}: {told.get(mark)} {held.get(mark)}")
        said = f"{kind}: {len(told)} acknowledged, {len(lost)} lost, {len(more)} too many, {len(changed)} changed"
        self.found.append(said)

    def judge(self) -> None:
        """Verdicts anew, from the limits alone (clause FR-025 of specification 001)."""
        results = self.product.sql(
            "SELECT r.id, r.sample_id, p.code, r.value_text, r.compliance_status, r.verdicts, s.compliance_status"
            " FROM lab_result r JOIN lab_sample s ON s.id = r.sample_id JOIN lab_parameter p ON p.id = r.parameter_id"
            " WHERE s.collector_name = 'Soak' AND r.deleted_at IS NULL"
        )
        limits: defaultdict[str, list[tuple[Any, ...]]] = defaultdict(list)
        for code, *limit in self.product.sql(
            "SELECT p.code, s.key, s.edition, s.role, l.kind, l.lower, l.upper, l.guidance, l.strict FROM lab_limit l"
            " JOIN lab_standard s ON s.id = l.standard_id JOIN lab_parameter p ON p.id = l.parameter_id"
            " WHERE l.matrix = 'drinking' AND p.code = ANY(%s) AND l.unit = p.unit", list(PARAMETERS),
        ):  # fmt: skip
            limits[code].append(tuple(limit))
        wrong, count, samples = 0, 0, dict[Any, tuple[str, list[dict[str, tuple[str, str]]]]]()
        for id, sample, code, text, status, verdicts, whole in results:
            count += 1
            mine = {}
            stored = {entry["standard"]: entry for entry in verdicts}
            for key, edition, role, kind, lower, upper, guidance, strict in limits[code]:
                entry = stored.get(key)
                if entry is None or entry["edition"] != edition:
                    continue
                mine[key] = (entry["role"], verdict(Decimal(text), kind, lower, upper, guidance, strict=strict))
                if entry["role"] != role:
                    self.journal.fault(f"result {id}: {key} counts as {entry['role']}, not {role}")
                if entry["verdict"] != mine[key][1]:
                    wrong += 1
                    self.journal.fault(f"result {id}: {code} {text} is {mine[key]} under {key}, stored {entry}")
            if status != compliance([mine]):
                wrong += 1
                self.journal.fault(f"result {id}: {code} {text} is {compliance([mine])}, stored {status}")
            samples.setdefault(sample, (whole, []))[1].append(mine)
        for id, (whole, each) in samples.items():
            if whole != compliance(each):
                wrong += 1
                self.journal.fault(f"sample {id} is {compliance(each)}, stored {whole}")
        self.found.append(f"verdicts: {count} results and {len(samples)} samples judged anew, {wrong} wrong")

    def files(self) -> None:
        rows = self.journal.rows
        self.admin.sign_in()  # the token of the beginning may have expired
        unready = self.product.sql(
            "SELECT i.id, f.filename, i.status FROM fieldwork_image i JOIN files_storedfile f ON f.id = i.file_id"
            " WHERE f.filename LIKE 'upload-%%' AND i.status <> 'available'"
        )
        for row in unready:
            self.journal.fault(f"image {row} was not prepared")
        for id, (_name, digest) in rows["file"].items():
            path = f"/api/v1/files/download/{id}"
            answer = self.admin.http.get(path, headers={"Authorization": f"Bearer {self.admin.token}"})
            if hashlib.sha256(answer.content).hexdigest() != digest:
                self.journal.fault(f"file {id}: other bytes come back ({answer.status_code})")
        for id, (_name, digest) in rows["image"].items():
            address = urlsplit(self.admin.call("GET", f"/images/{id}/original-url")["url"])
            answer = self.admin.http.get(f"{address.path}?{address.query}")
            if hashlib.sha256(answer.content).hexdigest() != digest:
                self.journal.fault(f"image {id}: other bytes come back ({answer.status_code})")

    def audit(self) -> None:
        ids = [id for kind in ("sample", "result", "file", "image", "session") for id in self.journal.rows[kind]]
        counted = dict(self.product.sql(
            "SELECT object_pk, count(*) FROM audit_auditentry WHERE object_pk = ANY(%s) AND action = 0 GROUP BY 1", ids,
        ))  # fmt: skip
        for id in ids:
            if counted.get(id) != 1:
                self.journal.fault(f"{id} was recorded as made {counted.get(id, 0)} times")
        self.found.append(f"made once in the audit log: {len(ids)}")
        self.verified(self.product, "audit log")

    def verified(self, product: Product, name: str) -> None:
        done = product.manage("audit_verify")
        if done.returncode:
            self.journal.fault(f"{name}: {done.stdout} {done.stderr[-500:]}")
        self.found += [f"{name}: {line}" for line in done.stdout.splitlines()]

    def devices(self) -> None:
        fresh = Pull(self, 99)
        fresh.begin()
        fresh.step()
        for work in self.works:
            if isinstance(work, Pull):
                work.step()
                differ = [id for id in {*work.copy, *fresh.copy} if view(work.copy.get(id)) != view(fresh.copy.get(id))]
                for id in differ[:3]:
                    self.journal.fault(f"{work.name} holds {work.copy.get(id)}, the server {fresh.copy.get(id)}")
                self.found.append(f"{work.name}: {len(work.copy)} records, {len(differ)} differ from the server")
        held = self.product.sql(
            "SELECT id::text, version, deleted_at IS NOT NULL FROM lab_sample WHERE collector_name = 'Soak'"
            " UNION ALL SELECT r.id::text, r.version, r.deleted_at IS NOT NULL FROM lab_result r"
            " JOIN lab_sample s ON s.id = r.sample_id WHERE s.collector_name = 'Soak'"
        )
        for id, version, deleted in held:
            data = fresh.copy.get(id)
            if data is None or ("deletedAt" in data and bool(data["deletedAt"])) != deleted:
                self.journal.fault(f"{id}, version {version}, is {data} in the feed")

    # --- the end -----------------------------------------------------------------------------
    def tell(self, began_at: datetime) -> bool:
        journal, span = self.journal, self.options.minutes * 60
        out = ["", f"{self.options.minutes} minutes, begun {began_at:%Y-%m-%d %H:%M} UTC, seed {self.options.seed}"]
        out += self.found
        out += [f"jobs: {kind} {status} {count} (at most {starts} starts)" for kind, status, count, starts in self.jobs]
        for kind in ("web", "worker", "postgres", "redis"):
            times = [blow.recovered for blow in self.blows if blow.kind == kind and blow.recovered is not None]
            out.append(f"{kind} killed {len(times)} times, back after " + ", ".join(f"{t:.1f}" for t in times) + " s")
        window = min(600.0, span / 3)
        for kind in MEASURED:
            first, last = self.level(kind, 0, window), self.level(kind, span - window, span)
            out.append(f"memory of the {kind}: {first:.0f} MB in the first {window:.0f} s, {last:.0f} MB in the last")
            if last > first * GROWTH:
                journal.fault(f"the memory of the {kind} grew from {first:.0f} to {last:.0f} MB")
        out.append(f"sockets: {sum(self.listen.heard.values())} messages, {len(self.listen.resyncs)} resyncs, "
                   f"closed {dict(self.listen.closed)}")  # fmt: skip
        waits = sorted(journal.waits)
        if waits:
            at = [waits[min(len(waits) - 1, int(share * len(waits)))] for share in (0.5, 0.95, 0.99, 1)]
            out.append(
                "{} acknowledgements after {:.2f} s p50, {:.2f} p95, {:.2f} p99, {:.1f} max".format(len(waits), *at)
            )
        out += [f"  {count:7} {name}" for name, count in sorted(journal.answers.items())]
        out.append(f"{len(journal.faults)} faults" if journal.faults else "nothing was lost, doubled or wrong")
        text = "\n".join(out)
        print(text, flush=True)
        kept = ROOT / "var" / "soak"
        kept.mkdir(parents=True, exist_ok=True)
        name = kept / f"{began_at:%Y%m%dT%H%M%S}"
        name.with_suffix(".txt").write_text(text + "\n" + "\n".join(journal.faults) + "\n")
        shutil.copy(self.product.log, name.with_suffix(".log"))
        series = [f"{at:.0f},{kind},{pid},{size // 1024}" for at, kind, pid, size in self.memory]
        name.with_suffix(".csv").write_text("\n".join(["second,kind,pid,kB", *series]) + "\n")
        return not journal.faults

    def level(self, kind: str, begin: float, end: float) -> float:
        """The median of what processes of this kind held between two moments, in MB, their first minute left out."""
        born: dict[int, float] = {}
        for at, of, pid, _size in self.memory:
            if of == kind:
                born.setdefault(pid, at)
        warm = min(60.0, (end - begin) / 4)
        sizes = [
            size for at, of, pid, size in self.memory if of == kind and begin <= at <= end and at - born[pid] >= warm
        ]
        return statistics.median(sizes) / 2**20 if sizes else 0.0


def view(data: dict[str, Any] | None) -> Any:
    """What two devices must agree on: a tombstone has its time alone."""
    return data and ({"deleted": data["id"]} if data.get("deletedAt") else data)


def verdict(number: Decimal, kind: str, lower: Any, upper: Any, guidance: Any, *, strict: bool) -> str:
    if lower is None and upper is None:
        return "NOT_EVALUATED"
    if upper is not None and (number > upper or (strict and number == upper)):
        return "FAIL"
    if lower is not None and number < lower:
        return "WARNING" if kind == "maximum" else "FAIL"
    if kind == "maximum" and guidance is not None:
        return "WARNING" if number > guidance else "PASS"
    if kind == "maximum" and upper and number >= upper * Decimal("0.9"):
        return "WARNING"
    return "PASS"


def compliance(results: list[dict[str, tuple[str, str]]]) -> str:
    order = ("FAIL", "INDETERMINATE", "INVESTIGATE", "WARNING", "PASS", "NOT_EVALUATED")
    worst: dict[tuple[str, str], str] = {}
    for result in results:
        for key, (role, said) in result.items():
            worst[key, role] = min(worst.get((key, role), "NOT_EVALUATED"), said, key=order.index)
    legal = {said for (_key, role), said in worst.items() if role == "legal"} - {"NOT_EVALUATED"}
    advised = {said for (_key, role), said in worst.items() if role == "guideline"} - {"NOT_EVALUATED"}
    if "FAIL" in legal:
        return "fail"
    if legal & {"INDETERMINATE", "INVESTIGATE", "WARNING"} or advised & {"FAIL", "INDETERMINATE"}:
        return "warning"
    return "pass" if "PASS" in legal or (not legal and advised & {"PASS", "WARNING"}) else "pending"


def main() -> int:
    parser = argparse.ArgumentParser(description="Mixed work while processes are killed")
    parser.add_argument("--minutes", type=float, default=3)
    parser.add_argument("--kills", type=int, help="of each kind of process (5; in less than ten minutes 1)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--think", type=float, default=0.5, help="seconds between a client's requests, about (0.5)")
    parser.add_argument("--data", type=Path, help="begin with a copy of this data folder, whose program is stopped")
    parser.add_argument("--keep", action="store_true", help="leave the data folder where it is")
    options = parser.parse_args()
    options.kills = options.kills if options.kills is not None else 5 if options.minutes >= 10 else 1
    if shutil.which("redis-server") is None:
        raise SystemExit("redis-server is not installed")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    product = Product(options.data, **ENVIRONMENT)
    try:
        print(f"started in {product.start():.1f} s, data in {product.data}", flush=True)
        return 0 if Soak(product, options).run() else 1
    finally:
        if options.keep:
            product.stop()
            if product.redis is not None:
                product.redis.kill()
        else:
            product.discard()


if __name__ == "__main__":
    sys.exit(main())
