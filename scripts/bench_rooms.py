"""P3 submissions, P8 compliance reports, P11 surveys, P12 exports and imports: each over HTTP but for the surveys."""

import json
import math
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from random import Random
from typing import Any
from uuid import uuid4

import shapely
from bench_client import Client, timed

SINGLE, BULK = 16, 200  # connections that send one at a time, and submissions of one call
PATIENCE = 900  # seconds for what a worker makes
QUESTIONS = [
    {"id": "village", "type": "text", "label": "Village", "required": True},
    {"id": "source", "type": "select", "label": "Source", "options": ["well", "spring", "network", "river"]},
    {"id": "people", "type": "number", "label": "People", "required": True, "min": 0},
    {"id": "litres", "type": "number", "label": "Litres"},
    {"id": "treated", "type": "boolean", "label": "Treated"},
    {"id": "visited", "type": "date", "label": "Visited"},
    {"id": "depth", "type": "number", "label": "Depth"},
    {"id": "note", "type": "text", "label": "Note"},
    {"id": "turbid", "type": "boolean", "label": "Turbid"},
    {"id": "contact", "type": "text", "label": "Contact"},
]
# Every column of a submission as the one that it is copied from, but what has to differ.
MULTIPLIED = (
    "INSERT INTO collect_submission ({names}) SELECT {values} FROM (SELECT * FROM collect_submission"
    " WHERE organization_id = %s AND form_id = %s ORDER BY id LIMIT 200) s, generate_series(1, %s) n"
)
DIFFERING = {
    "id": "gen_random_uuid()",
    "local_sync_id": "gen_random_uuid()",
    "created_at": "s.created_at - n * interval '1 minute'",
    "answers": "s.answers || jsonb_build_object('depth', mod(n, 90))",
}


class Submissions:
    """An organisation with a project and a form of ten questions."""

    def __init__(self, bench: Any) -> None:
        self.bench, self.table, self.program, self.dice = bench, bench.table, bench.program, Random(1)
        self.user = bench.organization()
        self.client = bench.client().sign_in(self.user.email)
        self.project = self.client.data("POST", "/api/v1/projects", {"name": "Benchmark", "status": "active"})["id"]
        body = {"projectId": self.project, "name": "Wells", "schema": {"fields": QUESTIONS}}
        self.form = self.client.data("POST", "/api/v1/forms", body)["id"]

    def signed(self) -> Client:
        """A connection of its own with the same token."""
        client: Client = self.bench.client()
        client.headers = dict(self.client.headers)
        return client

    def one(self) -> dict[str, Any]:
        answers = {
            "village": f"Douar {self.dice.randrange(500)}", "source": "well", "people": self.dice.randrange(40),
            "litres": 306.5, "treated": False, "visited": "2026-11-20", "depth": 12, "note": "حي السلام",
            "turbid": True, "contact": "Fatima Alaoui",
        }  # fmt: skip
        place = {"latitude": 33 + self.dice.random(), "longitude": -7 - self.dice.random()}
        return {"formId": self.form, "localSyncId": str(uuid4()), "answers": answers, **place}

    def send(self, path: str, connections: int, bodies: list[Any]) -> tuple[float, dict[str, float]]:
        """Seconds that it took to send all, and the CPU seconds of each kind of process."""
        signed = [self.signed() for _ in range(connections)]
        raw = [json.dumps(body).encode() for body in bodies]

        def work(number: int) -> None:
            for body in raw[number::connections]:
                signed[number].send("POST", path, body)

        spent, began = self.program.spent(), time.perf_counter()
        with ThreadPoolExecutor(connections) as threads:
            list(threads.map(work, range(connections)))
        seconds, now = time.perf_counter() - began, self.program.spent()
        return seconds, {kind: now[kind] - spent[kind] for kind in now}

    def run(self) -> None:
        """P3."""
        count = 320 if self.bench.options.quick else 1600
        reference = self.committed()
        rates, web, database = [], [], []
        for _ in self.bench.runs():
            seconds, cpu = self.send("/api/v1/submissions", SINGLE, [self.one() for _ in range(count)])
            rates.append(count / seconds)
            web.append(1000 * cpu["web"] / count)
            database.append(1000 * cpu["database"] / count)
        work = f"a submission each, {SINGLE} connections"
        total = statistics.median(web) + statistics.median(database)
        self.table.add("P3", f"{work} (reference: INSERT)", rates, "a second", reference=reference, cpu=total)
        self.table.add("P3", f"{work}: CPU of the web server (reference: target)", web, "ms", reference=3)
        self.table.add("P3", f"{work}: CPU of the database (reference: target)", database, "ms", reference=3)
        for connections in (1, 4):
            rates, spent = [], 0.0
            for _ in self.bench.runs():
                bodies = [{"submissions": [self.one() for _ in range(BULK)]} for _ in range(8)]
                seconds, cpu = self.send("/api/v1/submissions/bulk", connections, bodies)
                rates.append(8 * BULK / seconds)
                spent += sum(cpu.values())
            cpu_ms = 1000 * spent / (8 * BULK * len(rates))
            work = (
                f"submissions in calls of {BULK}, {connections} connection{'s' * (connections > 1)} (reference: target)"
            )
            self.table.add("P3", work, rates, "a second", reference=3000, cpu=cpu_ms)

    def committed(self) -> float:
        """Rows of that size inserted singly into a table with those indexes, each committed: per second."""
        self.send("/api/v1/submissions/bulk", 1, [{"submissions": [self.one() for _ in range(BULK)]}])
        with self.bench.owner() as connection:
            connection.execute("CREATE TABLE bench_submission (LIKE collect_submission INCLUDING ALL)")
            columns = self.columns(connection)
            names, values = ", ".join(columns), ", ".join(columns.values())
            began = time.perf_counter()
            for _ in range(300):
                connection.execute(
                    f"INSERT INTO bench_submission ({names}) SELECT {values} FROM (SELECT * FROM collect_submission"
                    " WHERE form_id = %s LIMIT 1) s, (VALUES (1)) k (n)",
                    [self.form],
                )
            rate = 300 / (time.perf_counter() - began)
            connection.execute("DROP TABLE bench_submission")
        return rate

    def columns(self, connection: Any) -> dict[str, str]:
        found = connection.execute(
            "SELECT column_name FROM information_schema.columns"
            " WHERE table_name = 'collect_submission' AND is_generated = 'NEVER'"
        )
        return {name: DIFFERING.get(name, f"s.{name}") for (name,) in found}

    def multiply(self, count: int) -> None:
        """Rows by SQL, with the triggers of the table."""
        self.send("/api/v1/submissions/bulk", 1, [{"submissions": [self.one() for _ in range(BULK)]}])
        with self.bench.owner() as connection:
            connection.execute("SELECT set_config('marsad.organization', %s, false)", [str(self.user.organization_id)])
            columns = self.columns(connection)
            made = MULTIPLIED.format(names=", ".join(columns), values=", ".join(columns.values()))
            connection.execute(made, [self.user.organization_id, self.form, count // BULK])
            connection.execute("VACUUM ANALYZE collect_submission")

    def exports(self) -> None:
        """P12."""
        count = 10_000 if self.bench.options.quick else 100_000
        self.multiply(count)
        with self.bench.owner() as connection:
            found = []
            for _ in self.bench.runs():
                began = time.perf_counter()
                query = f"COPY (SELECT * FROM collect_submission WHERE form_id = '{self.form}') TO STDOUT"
                with connection.cursor().copy(query) as out:
                    rows = sum(bytes(part).count(b"\n") for part in out)
                found.append(rows / (time.perf_counter() - began))
        path = f"/api/v1/submissions/export?formId={self.form}&format="
        rates, base = [], self.program.memory()["web"]
        with peak(self.program) as seen:
            for _ in self.bench.runs():
                began = time.perf_counter()
                text, _headers = self.client.send("GET", f"{path}csv")
                rates.append(text.count(b"\n") / (time.perf_counter() - began))
        self.table.add("P12", f"{rows:,} submissions as CSV (reference: COPY TO)", rates, "rows/s", reference=found[0])
        self.table.add("P12", "the web server grew by (reference: target)", [seen[0] - base], "MB", reference=150)
        seconds = self.job(self.client.data("GET", f"{path}xlsx"))
        self.table.add(
            "P12", f"{rows:,} submissions as XLSX by a job (reference: target)", [seconds], "s", reference=60
        )
        self.dry_run(count)

    def dry_run(self, count: int) -> None:
        """Customers from a file, looked through without being written."""
        lines = "".join(f"Eaux {n} SARL;Amina {n};a{n}@bench.example;0535{n:06d};Fès\n" for n in range(count))
        edge = "marsad-bench"
        parts = {'name="options"': '{"dryRun": true}'}
        parts['name="file"; filename="customers.csv"\r\nContent-Type: text/csv'] = (
            "Société;Contact;E-mail;Téléphone;Ville\n" + lines
        )
        body = "".join(
            f"--{edge}\r\nContent-Disposition: form-data; {name}\r\n\r\n{part}\r\n" for name, part in parts.items()
        )
        kind = {"Content-Type": f"multipart/form-data; boundary={edge}"}
        began = time.perf_counter()
        text, _headers = self.client.send("POST", "/api/v1/customers/import", f"{body}--{edge}--\r\n".encode(), **kind)
        made = json.loads(text)["data"]
        while made["status"] not in ("validated", "failed"):
            waited(began)
            made = self.client.data("GET", f"/api/v1/customers/imports/{made['importId']}")
        seconds = time.perf_counter() - began
        self.table.add("P12", f"import of {count:,} customers tried", [count / seconds], "rows/s")

    def job(self, made: dict[str, Any]) -> float:
        """Seconds until a worker has done it."""
        began = time.perf_counter()
        while made["status"] in ("queued", "running"):
            waited(began)
            made = self.client.data("GET", f"/api/v1/jobs/{made['id']}")
        assert made["status"] != "failed", made
        return time.perf_counter() - began


def waited(began: float) -> None:
    """Wait a little for a worker, and not for ever."""
    if time.perf_counter() - began > PATIENCE:
        raise TimeoutError(f"the worker was not done after {PATIENCE} s")
    time.sleep(0.2)


@contextmanager
def peak(program: Any, kind: str = "web") -> Iterator[list[int]]:
    """The most memory in MB that processes of a kind had meanwhile, watched five times a second."""
    seen, going = [0], [True]

    def watch() -> None:
        while going:
            seen[0] = max(seen[0], program.memory()[kind])
            time.sleep(0.2)

    with ThreadPoolExecutor(1) as pool:
        pool.submit(watch)
        try:
            yield seen
        finally:
            going.clear()


class Reports:
    """P8."""

    def __init__(self, bench: Any) -> None:
        self.bench, self.table = bench, bench.table

    def run(self) -> None:
        user = self.bench.with_results(2_000 if self.bench.options.quick else 10_000)
        client = self.bench.client().sign_in(user.email)
        with self.bench.owner() as connection:
            counted = (
                "SELECT count(*) FROM lab_result r CROSS JOIN LATERAL"
                " jsonb_to_recordset(r.verdicts) v (standard text, verdict text) WHERE r.organization_id = %s"
            )
            alone = [timed(lambda: connection.execute(counted, [user.organization_id])) for _ in range(3)]
        seconds, spent, report = [], self.bench.program.cpu(), {}
        for _ in self.bench.runs():
            began = time.perf_counter()
            report = client.data("POST", "/api/v1/reports/compliance", {"language": "ar"})
            seconds.append(time.perf_counter() - began)
        cpu = 1000 * (self.bench.program.cpu() - spent) / len(seconds)
        work = f"report over {report['summary']['samples']:,} samples, issued (reference: verdicts unfolded)"
        self.table.add("P8", work, seconds, "s", reference=statistics.median(alone), cpu=cpu)
        self.pdf(client, report)

    def pdf(self, client: Client, report: dict[str, Any]) -> None:
        rows = len(report["exceedances"])
        base = self.bench.program.memory()["worker"]
        with peak(self.bench.program, "worker") as seen:
            began = time.perf_counter()
            while not client.get(f"/api/v1/reports/compliance/{report['id']}/pdf?language=ar").startswith(b"%PDF"):
                waited(began)
            seconds = time.perf_counter() - began
        self.table.add("P8", f"its PDF in Arabic, {rows:,} rows (reference: target)", [seconds], "s", reference=10)
        work = "memory of the worker at most, with its base (reference: target)"
        self.table.add("P8", work, [float(max(seen[0], base))], "MB", reference=400)


class Survey:
    """P11: batches of one surveyor's session through the service, areas, topology and audit on."""

    def __init__(self, bench: Any) -> None:
        self.bench, self.table, self.dice = bench, bench.table, Random(2)

    def run(self) -> None:
        from portal.core.accounts.models import Device, Role, User
        from portal.core.geo.models import GeoUnit
        from portal.core.tenancy.scope import platform, tenant
        from portal.survey.applications import services as applications
        from portal.survey.areas import services as areas
        from portal.survey.sessions import services

        admin = self.bench.organization()
        with platform():
            role = Role.objects.get(key="Technician", organization=None)
            worker = User(name="S", email="surveyor@test.invalid", organization=admin.organization, role=role)
            worker.save()
        with tenant(admin.organization_id, by=admin.actor()):
            units = {code: str(GeoUnit.objects.get(code=code, dataset__active=True).pk) for code in ("XY11", "XY1101")}
            place = {"userId": str(worker.pk), "governorateId": units["XY11"], "districtId": units["XY1101"]}
            areas.assignment_create(data=place, by=admin)
            at = {"lat": 15.2, "lng": 44.0, "accuracy": 3}
            wanted = {"applicantName": "B", "serviceType": "building_permit", "coordinates": at}
            application = applications.application_create(data=wanted, by=admin)
            Device.objects.create(user=worker, device_id="bench", organization_id=admin.organization_id)
        with tenant(admin.organization_id, by=worker.actor()):
            start = {"startLocation": at | {"timestamp": "2026-11-20T09:00:00Z"}, "surveyType": "building_permit"}
            begun = {"applicationId": str(application.pk), **start}
            session = services.session_start(user=worker, device_id="bench", data=begun)["id"]

        def upload(entity: str, items: list[Any]) -> float:
            began = time.perf_counter()
            with tenant(admin.organization_id, by=worker.actor()):
                done = services.items_upload(
                    entity=entity, user=worker, device_id="bench", session=session, items=items
                )
            assert not any(item.error for item in done), next(item.error for item in done if item.error)
            return 1000 * (time.perf_counter() - began)

        for entity, made, target in (("point", self.point, 150), ("geometry", self.polygon, 600)):
            upload(entity, [made(n) for n in range(200)])
            spent = self.bench.program.cpu() + time.process_time()
            times = [upload(entity, [made(1000 * (run + 1) + n) for n in range(200)]) for run in self.bench.runs()]
            cpu = 1000 * (self.bench.program.cpu() + time.process_time() - spent) / len(times)
            alone = timed(lambda made=made: self.shapes([made(n) for n in range(200)]))
            kind = "points" if entity == "point" else "polygons of 50 vertices"
            self.table.add(
                "P11", f"200 {kind} (reference: shapely alone)", times, "ms", reference=1000 * alone, cpu=cpu
            )
            self.table.add("P11", f"200 {kind} (reference: target)", times, "ms", reference=target)

    def shapes(self, items: list[dict[str, Any]]) -> None:
        found = [
            shapely.Polygon(item["coordinates"][0])
            if "coordinates" in item
            else shapely.Point(item["longitude"], item["latitude"])
            for item in items
        ]
        shapely.STRtree(found).query(found, predicate="intersects")
        shapely.is_valid(found)

    def point(self, number: int) -> dict[str, Any]:
        return {
            "idempotencyKey": f"k{number}", "pointNumber": number + 1, "latitude": 15.2 + self.dice.random() / 100,
            "longitude": 44.0 + self.dice.random() / 100, "elevation": 2200.5, "horizontalAccuracy": 2.5,
            "verticalAccuracy": 4.0, "gpsSource": "device", "pointType": "corner", "featureCode": "BC",
            "description": "ركن", "capturedAt": "2026-11-20T09:15:00Z", "qualityFlags": [], "isVerified": True,
        }  # fmt: skip

    def polygon(self, number: int) -> dict[str, Any]:
        east, north = 43.95 + self.dice.random() * 0.1, 15.15 + self.dice.random() * 0.05
        ring = [
            [round(east + 0.00012 * math.cos(turn), 7), round(north + 0.00012 * math.sin(turn), 7)]
            for turn in (math.tau * n / 50 for n in range(50))
        ]  # fmt: skip
        return {
            "idempotencyKey": f"g{number}", "geometryNumber": number + 1, "geometryType": "Polygon",
            "coordinates": [[*ring, ring[0]]], "properties": {}, "featureType": "boundary", "featureCode": "PB",
            "description": "", "area": 700, "isComplete": True, "isClosed": True, "validationFlags": [],
            "startedAt": "2026-11-20T09:15:00Z",
        }  # fmt: skip
