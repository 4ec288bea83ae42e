"""`make bench`: start the product as a person does, load data, measure it from a second process, print one table.

Each figure is the median of several runs and stands beside a reference taken in the same run: machines differ, the
ratio differs less. CPU is that of web server and database together. `var/bench/*.json` keeps every run.
Usage: python scripts/bench.py [--only P3,P8] [--samples N] [--records N] [--runs N] [--quick]
"""

import argparse
import json
import os
import platform
import statistics
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any
from uuid import uuid4

from bench_client import PASSWORD, Client, percentile, shares, timed
from program import ROOT, Program

CHUNK = 1000
RESULTS = (("NO3", "mg/L", "12.5"), ("PH", "pH units", "7.20"), ("NO2", "mg/L", "<0.01"), ("F", "mg/L", "0.7"))


class Table:
    """The figures, printed as they come."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.before: dict[str, float] = {}  # medians by work, while the same is measured on a grown database
        print(
            f"{'':4} {'work':58} {'median':>12} {'':12} {'reference':>12} {'ratio':>6} {'CPU ms':>8}  runs", flush=True
        )

    def add(
        self, key: str, work: str, runs: list[float], unit: str, *, reference: float = 0, cpu: float | None = None
    ) -> None:
        median = statistics.median(runs)
        if self.before:
            key, reference = "P14", self.before.get(work, 0)
        row = {"id": key, "work": work, "unit": unit, "median": median, "runs": runs}
        row |= {"reference": reference or None, "cpu_ms": cpu}
        self.rows.append(row)
        shown = f"{reference:12,.{2 if reference < 10 else 1}f} {median / reference:6.2f}" if reference else " " * 19
        spent = f"{cpu:8.2f}" if cpu is not None else " " * 8
        spread = " ".join(f"{run:,.0f}" if run >= 100 else f"{run:.{2 if run < 10 else 1}f}" for run in runs)
        print(
            f"{key:4} {work:58} {median:12,.{2 if median < 10 else 1}f} {unit:12} {shown} {spent}  {spread}", flush=True
        )


class Bench:
    def __init__(self, program: Program, options: argparse.Namespace) -> None:
        import django

        django.setup()
        self.program, self.options, self.table = program, options, Table()
        self.small = 2_000 if options.quick else 10_000
        self.people, self.made, self.failed = 0, dict[int, Any](), list[str]()

    # --- data --------------------------------------------------------------------------
    def organization(self) -> Any:
        """A new organisation with one administrator."""
        from portal.core.accounts.models import Role, User
        from portal.core.tenancy.models import Organization
        from portal.core.tenancy.scope import platform

        self.people += 1
        with platform():
            organization = Organization.objects.create(name=f"Benchmark {self.people}")
            role = Role.objects.get(key="Admin", organization=None)
            user = User(name="B", email=f"bench{self.people}@test.invalid", organization=organization, role=role)
            user.set_password(PASSWORD)
            user.save()
        return user

    def load_samples(self, user: Any, count: int) -> None:
        """Rows by SQL; versions, feed and audit entries come from the database itself."""
        from django.db import connection

        from portal.core.tenancy.scope import tenant

        for start in range(0, count, 20_000):
            with tenant(user.organization_id), connection.cursor() as cursor:
                cursor.execute(
                    "INSERT INTO lab_sample (id, organization_id, created_at, updated_at, version, code, type,"
                    " location, collection_date, collector_name, status, notes, compliance_status, verdicts,"
                    " result_count, search_text)"
                    " SELECT id, %s, now(), now(), 0, 'B-' || n, 'drinking_water', 'Tap ' || n %% 500,"
                    " now() - n * interval '7 minutes', 'Collector ' || n %% 40, 'completed', '',"
                    " (ARRAY['pass', 'warning', 'fail', 'pending'])[1 + n %% 4], '[]', 0,"
                    " concat_ws(E'\\n', 'b-' || n, id, 'tap ' || n %% 500, 'collector ' || n %% 40)"
                    " FROM (SELECT n, gen_random_uuid() AS id FROM generate_series(%s, %s) n) made",
                    [user.organization_id, start + 1, min(start + 20_000, count)],
                )
        with self.owner() as connection_:
            connection_.execute("VACUUM ANALYZE")

    def changes(self, count: int) -> list[dict[str, Any]]:
        """Samples with four results each, as a device would push them: `count` records in all."""
        made: list[dict[str, Any]] = []
        base = datetime(2026, 1, 1, 8, tzinfo=UTC)
        for number in range(count // 5):
            sample, at = str(uuid4()), base + timedelta(minutes=number)
            stamp = at.isoformat().replace("+00:00", "Z")
            common = {"operation": "created", "clientVersion": 0, "clientTimestamp": stamp}
            data = {"type": "drinking_water", "location": f"Tap {number % 200}", "collectionDate": stamp}
            data |= {"collectorName": "Amina", "latitude": 33.5, "longitude": -7.6}
            made.append({"entity": "sample", "entityId": sample, "data": data, **common})
            for parameter, unit, value in RESULTS:
                data = {"sampleId": sample, "parameterName": parameter, "unit": unit, "value": value, "testDate": stamp}
                if parameter == "NO3" and number % 10 == 0:
                    data["value"] = "80.5"
                made.append({"entity": "result", "entityId": str(uuid4()), "data": data, **common})
        return made

    @contextmanager
    def owner(self) -> Iterator[Any]:
        """The schema's owner on a connection of its own."""
        from django.conf import settings

        from portal.core.tenancy.management.commands.bootstrap import connect

        connection = connect(settings.DATABASES["owner"])
        try:
            connection.execute("SELECT set_config('marsad.scope', 'platform', false)")
            yield connection
        finally:
            connection.close()

    # --- the work ----------------------------------------------------------------------
    def run(self, keys: Sequence[str]) -> None:
        """A work that fails is told about and does not end the others."""
        for key in keys:
            for act in self.works()[key]:
                try:
                    act()
                except (Exception, SystemExit):  # noqa: BLE001
                    self.failed.append(key)
                    print(f"{key} failed\n{traceback.format_exc()}", file=sys.stderr, flush=True)

    def works(self) -> dict[str, tuple[Callable[[], None], ...]]:
        from bench_audit import Audit
        from bench_load import Load
        from bench_rooms import Reports, Submissions, Survey
        from bench_sockets import Sockets

        load = Load(self)
        return {
            "P1": (self.engine, self.push),
            "P2": (self.pull,),
            "P3": (lambda: Submissions(self).run(),),
            "P4": (self.lists,),
            "P5": (load.pages,),
            "P6": (load.crowd,),
            "P7": (lambda: Sockets(self).run(),),
            "P8": (lambda: Reports(self).run(),),
            "P9": (lambda: Audit(self).run(),),
            "P10": (self.login, self.rights),
            "P11": (lambda: Survey(self).run(),),
            "P12": (lambda: Submissions(self).exports(),),
            "P13": (self.start,),
            "P14": (load.growth,),
        }

    def forget(self) -> None:
        """Measure in fresh organisations from here on."""
        self.made.clear()
        self.__dict__.pop("pushed", None)
        self.__dict__.pop("select_rate", None)

    @cached_property
    def pushed(self) -> Any:
        """The administrator of an organisation with the records of a push, where none was measured before."""
        return self.with_results(self.options.records // 5)

    def client(self) -> Client:
        return Client(self.program.port)

    def start(self) -> None:
        def again() -> float:
            self.program.stop()
            return self.program.start()

        self.table.add("P13", "start of an installed product until the first page", [again() for _ in self.runs()], "s")
        client = Client(self.program.port)
        for _ in range(20):
            client.send("GET", "/login")
        for name, size in sorted(self.program.memory().items()):
            self.table.add("P13", f"memory at rest: {name}", [float(size)], "MB")

    def runs(self) -> range:
        return range(self.options.runs)

    def login(self) -> None:
        from django.contrib.auth.hashers import check_password

        user = self.organization()
        client = Client(self.program.port)
        check = statistics.median(timed(lambda: check_password(PASSWORD, user.password)) for _ in range(10))
        calls, cpu = self.repeat(lambda: client.sign_in(user.email), 30)
        self.table.add(
            "P10",
            "sign in, one client (reference: its password check)",
            shares(calls, 0.5),
            "ms p50",
            reference=1000 * check,
            cpu=cpu,
        )
        calls, cpu = self.repeat(lambda: client.send("GET", "/api/v1/auth/permissions"), 300)
        bare = self.bare(client, "/login")
        self.table.add(
            "P10", "smallest call with a token (reference: sign-in page)", shares(calls, 0.5), "ms p50",
            reference=bare, cpu=cpu,
        )  # fmt: skip

    def rights(self) -> None:
        """P10 in this process: what every request with a token pays before its own work begins."""
        import jwt
        from django.conf import settings

        from portal.core.accounts import selectors, tokens
        from portal.core.tenancy.scope import tenant

        user = self.organization()
        token = tokens.issue(user)[0]
        key = jwt.PyJWK(tokens.jwks()["keys"][-1])
        named = {"issuer": settings.JWT_ISSUER, "audience": settings.JWT_AUDIENCE}

        def check() -> None:
            holder = selectors.token_holder(tokens.read(token))
            assert holder.has_permission("samples.edit")

        def runs_of(act: Callable[[], object]) -> tuple[list[list[float]], float]:
            for _ in range(50):
                act()
            spent = self.program.cpu() + time.process_time()
            runs = [[1000 * timed(act) for _ in range(1000)] for _ in self.runs()]
            return runs, (self.program.cpu() + time.process_time() - spent) / len(runs)  # ms a call, 1,000 calls a run

        with tenant(user.organization_id):
            checks, cpu = runs_of(check)
        alone, _cpu = runs_of(lambda: jwt.decode(token, key, algorithms=["RS256"], **named))
        self.table.add(
            "P10",
            "token and right checked, person read anew (reference: jwt.decode)",
            shares(checks, 0.5),
            "ms p50",
            reference=statistics.median(shares(alone, 0.5)),
            cpu=cpu,
        )

    def repeat(self, act: Callable[[], object], count: int) -> tuple[list[list[float]], float]:
        """Milliseconds of each call, per run, and the server's CPU milliseconds per call."""
        for _ in range(5):
            act()
        spent = self.program.cpu()
        runs = [[1000 * timed(act) for _ in range(count)] for _ in self.runs()]
        return runs, 1000 * (self.program.cpu() - spent) / (count * len(runs))

    def engine(self) -> None:
        from portal.core.sync.engine import apply
        from portal.core.tenancy.scope import tenant

        count = self.options.records
        rates, cpu, user = [], 0.0, None
        for _ in self.runs():
            user = self.organization()
            items = self.as_changes(count)
            began, spent = time.perf_counter(), time.process_time() + self.program.cpu()
            for start in range(0, count, CHUNK):
                with tenant(user.organization_id, by=user.actor(via="bench")):
                    batch = apply(items[start : start + CHUNK], user=user.pk)
                    assert not batch.counts()["errors"], next(c.errors for c in batch.changes if c.errors)
            rates.append(count / (time.perf_counter() - began))
            cpu += time.process_time() + self.program.cpu() - spent
        assert user is not None
        self.pushed = user
        self.copied = self.copy_rate(user.organization_id, count)
        self.table.add(
            "P1", f"push {count:,} records through the engine (reference: COPY)", rates, "records/s",
            reference=self.copied, cpu=1000 * cpu / (count * len(rates)),
        )  # fmt: skip

    def copy_rate(self, organization: Any, count: int) -> float:
        """The same rows, copied into tables with the same indexes, their audit rows too: records per second."""
        tables = ("lab_sample", "lab_result", "audit_auditentry", "sync_record")
        with self.owner() as connection:
            rows: dict[str, list[bytes]] = {}
            for table in tables:
                connection.execute(f"CREATE TABLE bench_{table} (LIKE {table} INCLUDING ALL)")
                query = f"COPY (SELECT * FROM {table} WHERE organization_id = '{organization}') TO STDOUT"
                with connection.cursor().copy(query) as out:
                    rows[table] = [bytes(part) for part in out]

            def load() -> None:
                with connection.transaction():
                    for table in tables:
                        with connection.cursor().copy(f"COPY bench_{table} FROM STDIN") as into:
                            for part in rows[table]:
                                into.write(part)

            def once() -> float:
                connection.execute("TRUNCATE " + ", ".join(f"bench_{table}" for table in tables))
                return timed(load)

            seconds = statistics.median(once() for _ in range(3))
            connection.execute("DROP TABLE " + ", ".join(f"bench_{table}" for table in tables))
        return count / seconds

    def push(self) -> None:
        for clients in (1, 4):
            self.push_by(clients)

    def push_by(self, clients: int) -> None:
        count = self.options.records
        rates, cpu = [], 0.0
        for _ in self.runs():
            user = self.organization()
            items = self.changes(count)
            bodies = [
                json.dumps({"deviceId": f"bench-{start // CHUNK % clients}", "changes": items[start : start + CHUNK]})
                for start in range(0, count, CHUNK)
            ]
            signed = [Client(self.program.port).sign_in(user.email) for _ in range(clients)]

            def work(number: int, signed: list[Client] = signed, bodies: list[str] = bodies) -> None:
                for body in bodies[number::clients]:
                    counts = signed[number].data("POST", "/api/v1/sync", body.encode())["counts"]
                    assert not counts["errors"], counts

            spent = self.program.cpu()
            with ThreadPoolExecutor(clients) as threads:
                seconds = timed(lambda work=work, threads=threads: list(threads.map(work, range(clients))))  # type: ignore[misc]
            cpu += self.program.cpu() - spent
            rates.append(count / seconds)
            self.pushed = user
        work_name = f"push {count:,} records over HTTP, {clients} client{'s' * (clients > 1)} (reference: COPY)"
        self.table.add(
            "P1", work_name, rates, "records/s", reference=self.copied, cpu=1000 * cpu / (count * len(rates))
        )

    def pull(self) -> None:
        for clients, size in ((1, 200), (1, 1000), (4, 1000)):
            self.pull_by(clients, size)

    def pull_by(self, clients: int, size: int) -> None:
        signed = [Client(self.program.port).sign_in(self.pushed.email) for _ in range(clients)]
        for number, client in enumerate(signed):
            client.headers["X-Device-ID"] = f"bench-pull-{number}"
        pages: list[float] = []

        def drain(client: Client) -> int:
            cursor, more, seen = "", True, 0
            while more:
                asked = time.perf_counter()
                page = client.data("GET", f"/api/v1/sync/changes?limit={size}&cursor={cursor}")
                pages.append(1000 * (time.perf_counter() - asked))
                cursor, more = page["pagination"]["nextCursor"], page["pagination"]["hasMore"]
                seen += len(page["changes"])
            assert seen >= self.options.records, seen
            return seen

        rates, cpu = [], 0.0
        with ThreadPoolExecutor(clients) as threads:
            for _ in self.runs():
                began, spent = time.perf_counter(), self.program.cpu()
                seen = sum(threads.map(drain, signed))
                rates.append(seen / (time.perf_counter() - began))
                cpu += 1000 * (self.program.cpu() - spent) / seen
        work = f"pull the feed, pages of {size}, {clients} client{'s' * (clients > 1)} (reference: SELECT as JSON)"
        self.table.add("P2", work, rates, "changes/s", reference=self.select_rate, cpu=cpu / len(rates))
        self.table.add("P2", f"one page of {size}, {clients} at once", [percentile(pages, 0.95)], "ms p95")

    @cached_property
    def select_rate(self) -> float:
        """The same records as the database's own JSON: rows per second."""
        with self.owner() as connection:
            condition = f"WHERE organization_id = '{self.pushed.organization_id}'"

            def select() -> int:
                found = 0
                for table in ("lab_sample", "lab_result"):
                    query = f"COPY (SELECT to_json(t) FROM {table} t {condition}) TO STDOUT"
                    with connection.cursor().copy(query) as out:
                        found += sum(1 for _ in out)
                return found

            return float(self.options.records / statistics.median(timed(select) for _ in range(3)))

    def lists(self) -> None:
        """P4: the same lists in an organisation of 10,000 samples (the reference) and in a large one."""
        sizes = (self.small, self.options.samples)
        people = {size: self.listed(size) for size in sizes}
        clients = {size: Client(self.program.port).sign_in(user.email) for size, user in people.items()}
        for query in LISTS:
            found, cpu = {}, 0.0
            for size, client in clients.items():
                path = f"/api/v1/samples?limit=25&{query}"
                if "after=" in query:
                    path += self.deep(size)
                calls, cpu = self.repeat(lambda path=path, client=client: client.send("GET", path), 20)  # type: ignore[misc]
                found[size] = shares(calls, 0.95)
            work = f"samples, {query or 'newest'}, {sizes[1]:,} (reference: {sizes[0]:,})"
            self.table.add("P4", work, found[sizes[1]], "ms p95", reference=statistics.median(found[sizes[0]]), cpu=cpu)

    def deep(self, size: int) -> str:
        """The id of a sample nine tenths down its list."""
        with self.owner() as connection:
            row = connection.execute(
                "SELECT id FROM lab_sample WHERE organization_id = %s ORDER BY collection_date DESC, id DESC"
                " OFFSET %s LIMIT 1",
                [self.listed(size).organization_id, size * 9 // 10],
            ).fetchone()
        return str(row[0])

    def listed(self, count: int) -> Any:
        """The administrator of an organisation with so many samples, made once."""
        if count not in self.made:
            self.made[count] = self.organization()
            self.load_samples(self.made[count], count)
        return self.made[count]

    def with_results(self, samples: int) -> Any:
        """The administrator of an organisation with so many samples of four results; every tenth nitrate fails."""
        from portal.core.sync.engine import apply
        from portal.core.tenancy.scope import tenant

        user, items = self.organization(), self.as_changes(5 * samples)
        for start in range(0, len(items), CHUNK):
            with tenant(user.organization_id, by=user.actor(via="bench")):
                apply(items[start : start + CHUNK], user=user.pk)
        return user

    def as_changes(self, count: int) -> list[Any]:
        from portal.core.common import clock
        from portal.core.common.ids import parse_uuid
        from portal.core.sync.engine import Change

        return [
            Change(
                item["entity"],
                parse_uuid(item["entityId"]),  # type: ignore[arg-type]
                "created",
                item["data"],
                client_timestamp=clock.parse_moment(item["clientTimestamp"]),
            )
            for item in self.changes(count)
        ]

    def bare(self, client: Client, path: str) -> float:
        """Milliseconds of a page that reads next to nothing: the server's own share of any other."""
        calls, _ = self.repeat(lambda: client.send("GET", path), 50)
        return statistics.median(shares(calls, 0.5))


LISTS = (
    "", "sort=location", "sort=updatedAt", "type=groundwater", "complianceStatus=fail", "status=completed",
    "dateFrom=2026-01-01&dateTo=2026-01-31", "location=tap+17", "search=B-77", "search=tap+17", "search=collector",
    "search=qqqq", "page=40", "after=",
)  # fmt: skip
KEYS = tuple(f"P{number}" for number in range(1, 15))


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", default="", help="some of P1 to P14: P3,P8")
    parser.add_argument("--samples", type=int, default=1_000_000, help="samples in the large list (1,000,000)")
    parser.add_argument(
        "--records", type=int, default=10_000, help="records of a push, a fifth of them samples (10,000)"
    )
    parser.add_argument("--entries", type=int, default=1_000_000, help="audit entries to verify (1,000,000)")
    parser.add_argument("--runs", type=int, default=3, help="runs behind each median (3)")
    parser.add_argument("--quick", action="store_true", help="one run of everything at a tenth of its size or less")
    options = parser.parse_args()
    keys = [key.upper() for key in options.only.split(",") if key] or list(KEYS)
    if unknown := set(keys) - set(KEYS):
        parser.error(f"no such work: {', '.join(sorted(unknown))}")
    if options.quick:
        options.samples, options.records, options.entries, options.runs = 10_000, 5_000, 100_000, 1
    sys.path.insert(0, str(ROOT))
    program = Program(MARSAD_RATE_LIMITS="off", MARSAD_ENV="test")  # without the demo
    try:
        program.start()
        os.environ |= program.environment
        bench = Bench(program, options)
        bench.run(keys)
    finally:
        program.discard()
    folder = ROOT / "var" / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    machine = {
        "cores": os.cpu_count(),
        "processor": platform.processor() or platform.machine(),
        "load": os.getloadavg(),
    }
    report = {
        "at": stamp,
        **machine,
        "python": platform.python_version(),
        "options": vars(options),
        "figures": bench.table.rows,
    }
    (folder / f"{stamp}.json").write_text(json.dumps(report, indent=1) + "\n")
    print(f"kept in var/bench/{stamp}.json" + (f"; failed: {', '.join(bench.failed)}" if bench.failed else ""))
    return 1 if bench.failed else 0


if __name__ == "__main__":
    sys.exit(main())
