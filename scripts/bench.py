"""`make bench`: start the product as a person does, load data, measure it from a second process, print one table.

Each figure is the median of several runs and stands beside a reference taken in the same run: machines differ, the
ratio differs less. CPU is that of web server and database together. `var/bench/*.json` keeps every run.
Usage: python scripts/bench.py [--samples N] [--records N] [--runs N] [--quick] [work …]
"""

import argparse
import http.client
import json
import os
import re
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property
from typing import Any
from uuid import uuid4

import orjson
from program import ROOT, Program

PASSWORD = "a password of the benchmark"
CHUNK = 1000
RESULTS = (("NO3", "mg/L", "12.5"), ("PH", "pH units", "7.20"), ("NO2", "mg/L", "<0.01"), ("F", "mg/L", "0.7"))


class Client:
    """One connection that stays open; every answer that is not the expected one ends the benchmark."""

    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self.headers: dict[str, str] = {}

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[Any, http.client.HTTPMessage]:
        raw = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        kind = {} if body is None else {"Content-Type": "application/json"}
        self.connection.request(method, path, raw, kind | self.headers | headers)
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status not in (200, 302):
            raise SystemExit(f"{method} {path} answered {answer.status}: {text[:300]!r}")
        return text, answer.headers

    def data(self, method: str, path: str, body: Any = None) -> Any:
        return orjson.loads(self.send(method, path, body)[0])["data"]  # what a client does with it shall cost little

    def sign_in(self, email: str) -> "Client":
        handed = self.data("POST", "/api/v1/auth/login", {"email": email, "password": PASSWORD})
        self.headers = {"Authorization": f"Bearer {handed['accessToken']}"}
        return self

    def open_session(self, email: str) -> "Client":
        """Sign in at the portal as a browser does."""
        page, headers = self.send("GET", "/login")
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.decode())
        assert token is not None
        cookies = cookie(headers)
        form = f"csrfmiddlewaretoken={token[1]}&login={email}&password={PASSWORD.replace(' ', '+')}".encode()
        _, headers = self.send("POST", "/login", form, Cookie=cookies, **{"Content-Type": FORM})
        self.headers = {"Cookie": f"{cookies}; {cookie(headers)}"}
        return self


FORM = "application/x-www-form-urlencoded"


def cookie(headers: http.client.HTTPMessage) -> str:
    return "; ".join(line.split(";")[0] for line in headers.get_all("Set-Cookie") or [])


class Table:
    """The figures, printed as they come."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        print(
            f"{'':4} {'work':58} {'median':>12} {'':12} {'reference':>12} {'ratio':>6} {'CPU ms':>8}  runs", flush=True
        )

    def add(
        self, key: str, work: str, runs: list[float], unit: str, *, reference: float = 0, cpu: float | None = None
    ) -> None:
        median = statistics.median(runs)
        row = {"id": key, "work": work, "unit": unit, "median": median, "runs": runs}
        row |= {"reference": reference or None, "cpu_ms": cpu}
        self.rows.append(row)
        shown = f"{reference:12,.{2 if reference < 10 else 1}f} {median / reference:6.2f}" if reference else " " * 19
        spent = f"{cpu:8.2f}" if cpu is not None else " " * 8
        spread = " ".join(f"{run:,.0f}" if run >= 100 else f"{run:.{2 if run < 10 else 1}f}" for run in runs)
        print(
            f"{key:4} {work:58} {median:12,.{2 if median < 10 else 1}f} {unit:12} {shown} {spent}  {spread}", flush=True
        )


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def shares(runs: list[list[float]], share: float) -> list[float]:
    """This percentile of each run."""
    return [percentile(run, share) for run in runs]


def timed(act: Callable[[], object]) -> float:
    """Seconds."""
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


class Bench:
    def __init__(self, program: Program, options: argparse.Namespace) -> None:
        import django

        django.setup()
        self.program, self.options, self.table = program, options, Table()
        self.people = 0

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
                    " SELECT gen_random_uuid(), %s, now(), now(), 0, 'B-' || n, 'drinking_water', 'Tap ' || n %% 500,"
                    " now() - n * interval '7 minutes', 'Collector ' || n %% 40, 'completed', '',"
                    " (ARRAY['pass', 'warning', 'fail', 'pending'])[1 + n %% 4], '[]', 0,"
                    " lower('B-' || n || ' tap ' || n %% 500 || ' collector ' || n %% 40)"
                    " FROM generate_series(%s, %s) n",
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
    def run(self) -> None:
        for name in self.options.works or WORKS:
            getattr(self, name)()

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
        from portal.core.common import clock
        from portal.core.common.ids import parse_uuid
        from portal.core.sync.engine import Change, apply
        from portal.core.tenancy.scope import tenant

        count = self.options.records
        rates, cpu, user = [], 0.0, None
        for _ in self.runs():
            user = self.organization()
            items = [
                Change(
                    item["entity"],
                    parse_uuid(item["entityId"]),  # type: ignore[arg-type]
                    "created",
                    item["data"],
                    client_timestamp=clock.parse_moment(item["clientTimestamp"]),
                )
                for item in self.changes(count)
            ]
            began, spent = time.perf_counter(), time.process_time() + self.program.cpu()
            for start in range(0, count, CHUNK):
                with tenant(user.organization_id, by=user.actor(via="bench")):
                    batch = apply(items[start : start + CHUNK], user=user.pk)
                    assert not batch.counts()["errors"], next(c.errors for c in batch.changes if c.errors)
            rates.append(count / (time.perf_counter() - began))
            cpu += time.process_time() + self.program.cpu() - spent
        assert user is not None
        self.pushed, self.copied = user, self.copy_rate(user.organization_id, count)
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

    def api(self) -> None:
        user = self.listed()
        client = Client(self.program.port).sign_in(user.email)
        bare = self.bare(client, "/api/v1/auth/permissions")
        for query in ("", "complianceStatus=fail", "search=tap+17", "sort=location&page=20"):
            self.list_times("P4", client, "/api/v1/samples", query, bare)

    def pages(self) -> None:
        user = self.listed()
        browser = Client(self.program.port).open_session(user.email)
        bare = self.bare(Client(self.program.port), "/login")
        for query in ("", "q=tap+17", "sort=location&page=20"):
            self.list_times("P5", browser, "/samples", query, bare)

    def audit(self) -> None:
        from bench_audit import Audit

        Audit(self).run()

    def sockets(self) -> None:
        from bench_sockets import Sockets

        Sockets(self).run()

    @cache  # noqa: B019  (one organisation serves both)
    def listed(self) -> Any:
        user = self.organization()
        self.load_samples(user, self.options.samples)
        return user

    def list_times(self, key: str, client: Client, path: str, query: str, reference: float) -> None:
        calls, cpu = self.repeat(lambda: client.send("GET", f"{path}?{query}"), 40)
        for share, unit in ((0.5, "ms p50"), (0.95, "ms p95")):
            work = f"{path}?{query} of {self.options.samples:,}"
            self.table.add(key, work, shares(calls, share), unit, reference=reference, cpu=cpu)

    def bare(self, client: Client, path: str) -> float:
        """Milliseconds of a page that reads next to nothing: the server's own share of any other."""
        calls, _ = self.repeat(lambda: client.send("GET", path), 50)
        return statistics.median(shares(calls, 0.5))


WORKS = ("start", "login", "rights", "engine", "push", "pull", "api", "pages", "audit", "sockets")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--samples", type=int, default=100_000, help="samples in the list (100,000)")
    parser.add_argument(
        "--records", type=int, default=10_000, help="records of a push, a fifth of them samples (10,000)"
    )
    parser.add_argument("--entries", type=int, default=1_000_000, help="audit entries to verify (1,000,000)")
    parser.add_argument("--runs", type=int, default=3, help="runs behind each median (3)")
    parser.add_argument("--quick", action="store_true", help="10,000 samples, 5,000 records, 100,000 entries, one run")
    parser.add_argument("works", nargs="*", metavar="work", help=f"{', '.join(WORKS)} (all; push and pull need engine)")
    options = parser.parse_args()
    if unknown := set(options.works) - set(WORKS):
        parser.error(f"no such work: {', '.join(sorted(unknown))}")
    if options.quick:
        options.samples, options.records, options.entries, options.runs = 10_000, 5_000, 100_000, 1
    sys.path.insert(0, str(ROOT))
    program = Program(MARSAD_RATE_LIMITS="off")
    try:
        program.start()
        os.environ |= program.environment
        bench = Bench(program, options)
        bench.run()
    finally:
        program.discard()
    folder = ROOT / "var" / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    report = {"at": stamp, "cores": os.cpu_count(), "options": vars(options), "figures": bench.table.rows}
    (folder / f"{stamp}.json").write_text(json.dumps(report, indent=1) + "\n")
    print(f"kept in var/bench/{stamp}.json")
    return 0


if __name__ == "__main__":
    sys.exit(main())
