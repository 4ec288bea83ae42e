"""Ten thousand samples over a bad line to a server that is killed: everything arrives, each change once (001-EDGE-06).

A real program (`make run`) with a data folder of its own, and the client of `tests/client`. Six hundred samples by
default; ten thousand with HYPOTHESIS_PROFILE=full (`make test-full`), and then a server that asks to wait, too. Forms
and customers that are imported have to survive the same.
"""

import csv
import gzip
import itertools
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import httpx
import psutil
import psycopg
import pytest
from django.conf import settings

from tests import template
from tests.client.push import Client, Interrupted, chunked, read
from tests.lab.public_data import DATA

pytestmark = [pytest.mark.slow, pytest.mark.covers("001-EDGE-06", "001-FR-034")]
FULL = os.environ.get("HYPOTHESIS_PROFILE") == "full"
SAMPLES = 10_000 if FULL else 600
PASSWORD = "Marsad-demo-2026"
STEADY, SHAKEN = "technician@demo.marsad.test", "technician@other.marsad.test"


@dataclass
class Program:
    """`make run` with its own data, which can be killed and started again."""

    data: Path
    port: int
    rate_limits: str = "off"
    process: "subprocess.Popen[str] | None" = None
    output: list[str] = field(default_factory=list)
    reader: threading.Thread | None = None

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("MARSAD_", "DATABASE_"))}
        return kept | {
            "DJANGO_SETTINGS_MODULE": "portal.config.settings",
            "MARSAD_DATA": str(self.data),
            "MARSAD_ENV": "test",  # no demo of 2,500 samples
            "MARSAD_RATE_LIMITS": self.rate_limits,
            "MARSAD_PG_BINDIR": os.environ.get("MARSAD_PG_BINDIR", ""),
            "PORT": str(self.port),
        }

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "portal.config.supervise"],
            cwd=settings.BASE_DIR,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.output.append(line)
            if "ready at" in line:
                self.reader = threading.Thread(target=self.output.extend, args=[self.process.stdout])
                self.reader.start()  # a program whose words nobody reads stands still once the pipe is full
                return
        pytest.fail("it did not start:\n" + "".join(self.output))

    def kill(self) -> None:
        """SIGKILL to the whole program: supervisor, database and web server."""
        assert self.process is not None
        family = psutil.Process(self.process.pid).children(recursive=True)
        self.process.kill()  # first, or it would start again what dies
        for child in family:
            with suppress(psutil.NoSuchProcess):
                child.kill()
        psutil.wait_procs(family, timeout=20)
        self.ended()

    def kill_child(self, name: str) -> None:
        """SIGKILL to web server (`granian`) or worker (`procrastinate`) alone; the supervisor starts it again."""
        assert self.process is not None
        for child in psutil.Process(self.process.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):  # one dies with the other
                if name in " ".join(child.cmdline()):
                    child.kill()

    def stop(self) -> None:
        assert self.process is not None
        self.process.terminate()
        self.ended()

    def ended(self) -> None:
        assert self.process is not None
        assert self.process.stdout is not None
        assert self.reader is not None
        self.process.wait(timeout=60)
        self.reader.join()
        self.process.stdout.close()

    def manage(self, *arguments: str) -> None:
        command = [sys.executable, "manage.py", *arguments]
        subprocess.run(command, cwd=settings.BASE_DIR, env=self.environment, check=True, capture_output=True)

    def sql(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        folder = (self.data / "postgres" / "socket").read_text()
        with closing(psycopg.connect(host=folder, user="postgres", dbname="marsad", autocommit=True)) as connection:
            return connection.execute(statement, values).fetchall()  # type: ignore[call-overload]

    def do(self, statement: str, *values: Any) -> None:
        self.sql(f"WITH done AS ({statement} RETURNING 1) SELECT count(*) FROM done", *values)

    def client(self, email: str, **more: Any) -> Client:
        return Client(f"http://127.0.0.1:{self.port}", email, PASSWORD, **more)


@pytest.fixture(scope="module")
def program() -> Iterator[Program]:
    folder = Path(tempfile.mkdtemp(dir=settings.DATA_DIR))
    folder.chmod(0o755)  # as root, PostgreSQL runs under another account that has to pass through
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    running = Program(folder / "data", port)
    if not os.environ.get("DATABASE_URL"):  # with the tables made: tests/house sees a first start
        server = template.copied(running.data)
        with closing(psycopg.connect(host=str(server.socket), user="postgres", dbname="postgres")) as connection:
            connection.autocommit = True
            connection.execute(f"ALTER DATABASE {template.NAME} RENAME TO marsad")
        server.stop()
    running.start()
    running.manage("demo", "--bare", "--verbosity", "0")
    yield running
    running.stop()


@pytest.fixture(scope="module")
def water(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The public Estonian file where it is there, for the full size the larger American one, else one made here."""
    public = DATA / ("inl_groundwater.csv.gz" if FULL else "estonia_water.csv.gz")
    return public if public.exists() else made_up(tmp_path_factory.mktemp("water") / "made_up.csv.gz")


def made_up(path: Path) -> Path:
    rng = Random(11)
    levels = {"ph": 7.5, "iron": 0.15, "nitrates": 12.0, "chlorides": 60.0, "turbidity": 0.9, "ammonium": 0.2}
    with gzip.open(path, "wt", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["place", "domain", "lat", "lon", "sample_id", "sampled_at", "parameter", "value"])
        for number in range(SAMPLES):
            day = f"{rng.randint(2021, 2025)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}T08:00:00"
            sample = [f"Well {number % 97}", "veevark", "58.6", "25.7", f"{number}", day]
            for name, level in levels.items():
                table.writerow([*sample, name, f"{level * rng.lognormvariate(0, 0.15):.3f}"])
            table.writerow([*sample, "e_coli", rng.choice("00000000003")])
    return path


def load(path: Path, owner: str) -> list[list[dict[str, Any]]]:
    return list(chunked(itertools.islice(read(path, owner), SAMPLES)))


def state(program: Program, email: str) -> list[tuple[Any, ...]]:
    """What an organisation holds of the push, without what differs between two runs: ids, versions and times."""
    return program.sql(
        "SELECT s.location, s.collection_date, s.compliance_status, s.result_count, p.code, r.value_text, r.unit,"
        "       r.normalized_value, r.compliance_status, r.verdicts::text"
        " FROM lab_sample s JOIN accounts_user u ON u.organization_id = s.organization_id AND u.email = %s"
        " LEFT JOIN lab_result r ON r.sample_id = s.id LEFT JOIN lab_parameter p ON p.id = r.parameter_id"
        " WHERE s.collector_name IN ('USGS', 'Terviseamet') ORDER BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10",
        email,
    )


def audited(program: Program, ids: list[str]) -> dict[str, int]:
    rows = program.sql(
        "SELECT object_pk, count(*) FROM audit_auditentry WHERE object_pk = ANY(%s) GROUP BY object_pk", ids
    )
    return dict(rows)


def ids_of(chunks: list[list[dict[str, Any]]]) -> list[str]:
    return [item["entityId"] for chunk in chunks for item in chunk]


def clock(program: Program, email: str) -> int:
    statement = "SELECT c.seq FROM sync_clock c JOIN accounts_user u USING (organization_id) WHERE u.email = %s"
    return int(program.sql(statement, email)[0][0])


def test_a_quiet_push_and_its_repetition(program: Program, water: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chunks = load(water, STEADY)
    ids = ids_of(chunks)

    with program.client(STEADY) as first, program.client(STEADY) as second:
        first.push(chunks, upload=str(uuid.uuid4()))
        seq = clock(program, STEADY)
        held = first.reconcile(chunks)
        second.push(chunks, upload=str(uuid.uuid4()))

    refused = sum(first.tally.errors.values())
    assert first.tally.counts["created"] == len(ids) - refused
    assert refused < len(ids) / 500  # implausible values are in every real file
    assert len(held) == len(ids) - refused == len(set(held.values()))
    assert held == first.tally.versions
    assert second.tally.counts["skipped"] == len(ids) - refused
    assert clock(program, STEADY) == seq
    assert audited(program, ids) == dict.fromkeys(held, 1)
    with capsys.disabled():
        for name, tally in (("first", first.tally), ("again", second.tally)):
            rate = tally.records / tally.seconds
            print(f"\n{name}: {tally.records} records in {tally.seconds:.1f} s, {rate:.0f} a second", end="")
        print()


class Shaken(Client):
    """A client whose server dies while it works on certain requests."""

    def __init__(self, *arguments: Any, blows: dict[int, Any], **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.blows, self.sent, self.threads = blows, 0, list[threading.Thread]()

    def call(self, method: str, path: str, body: Any = None) -> Any:
        if path == "/sync":
            self.sent += 1
            blow = self.blows.pop(self.sent, None)
            if blow is not None:
                self.threads.append(threading.Thread(target=blow))
                self.threads[-1].start()
        return super().call(method, path, body)


@pytest.mark.covers("001-EDGE-01", "001-ASM-05")
def test_a_push_to_a_server_that_is_killed(program: Program, water: Path) -> None:
    chunks = load(water, SHAKEN)
    ids = ids_of(chunks)
    upload = str(uuid.uuid4())

    def die_and_come_back() -> None:
        time.sleep(0.25)  # a thousand records take about that long
        program.kill()
        program.start()

    def lose_the_web() -> None:
        time.sleep(0.15)
        program.kill_child("granian")

    def ask_too_much() -> None:
        """Use up what a person may ask in a minute, so that the next chunk is answered 429."""
        with program.client(SHAKEN, device="another", patience=0) as other, pytest.raises(TimeoutError):
            all(other.call("GET", "/sync/status") is not None for _ in itertools.count())

    blows = {2: lose_the_web, 3: die_and_come_back} | ({15: die_and_come_back, 25: lose_the_web} if FULL else {})
    lost = {number for number in range(len(chunks)) if number % 5 == 4} | {len(chunks) - 1}
    refused = 0
    for stop in (0, 30) if FULL else (0,):
        with program.client(SHAKEN) as before, pytest.raises(Interrupted):
            before.push(chunks, upload=upload, stop_after=stop)
        refused += sum(before.tally.errors.values())
    if FULL:
        program.kill()
        program.rate_limits = "on"
        program.start()
        ask_too_much()
    client = Shaken(f"http://127.0.0.1:{program.port}", SHAKEN, PASSWORD, blows=blows, lose=lost, patience=90)
    with client:
        client.push(chunks, upload=upload)
        for thread in client.threads:
            thread.join()
        refused += sum(client.tally.errors.values())
        held = client.reconcile(chunks)
        stands = client.call("GET", f"/sync/uploads/{upload}")

    assert not client.blows
    assert client.tally.retries > 0
    assert (client.tally.waits[429] > 0) == FULL
    assert client.sent == len(chunks) - (31 if FULL else 1)  # what had arrived was not sent again
    assert (stands["status"], stands["receivedChunks"]) == ("complete", [[0, len(chunks) - 1]])
    assert stands["receivedRecords"] == len(ids)
    assert len(held) == len(ids) - refused == len(set(held.values()))
    assert audited(program, ids) == dict.fromkeys(held, 1)
    assert state(program, SHAKEN) == state(program, STEADY)


@pytest.mark.covers("003-OFF-02", "E003-022", "003-WF-02", "003-TST-02")
def test_submissions_to_a_server_that_is_killed(program: Program) -> None:
    """What was acknowledged is stored; after a retry everything is, once."""
    batches, size = (40, 200) if FULL else (6, 50)
    schema = {"fields": [{"id": "depth", "type": "number", "label": "Depth", "required": True}]}
    with program.client("admin@demo.marsad.test") as admin:
        where = admin.call("POST", "/projects", {"name": "Wells", "status": "Active"})["id"]
        made = admin.call("POST", "/forms", {"projectId": where, "name": "Wells", "schema": schema})["id"]
    pushed = [
        [{"formId": made, "answers": {"depth": n}, "localSyncId": str(uuid.uuid4())} for n in range(size)]
        for _batch in range(batches)
    ]
    acknowledged: set[str] = set()

    def send(client: Client, chunk: list[dict[str, Any]]) -> None:
        answer = client.call("POST", "/submissions/bulk", {"submissions": chunk})
        assert answer["failed"] == 0
        acknowledged.update(result["localSyncId"] for result in answer["results"])

    with program.client("manager@demo.marsad.test", patience=0) as client:
        send(client, pushed[0])
        blow = threading.Timer(0.1, program.kill)
        blow.start()
        with suppress(TimeoutError):
            for chunk in itertools.cycle(pushed[1:]):
                send(client, chunk)
        blow.join()
    program.start()
    sent = [item["localSyncId"] for chunk in pushed for item in chunk]
    statement = "SELECT local_sync_id::text FROM collect_submission WHERE form_id = %s"
    stored = {id for (id,) in program.sql(statement, made)}
    assert acknowledged <= stored <= set(sent)
    before = len(acknowledged)
    with program.client("manager@demo.marsad.test") as client:
        known = client.call("POST", "/submissions/reconcile", {"localSyncIds": sent[:1000]})
        assert {entry["localSyncId"] for entry in known["known"]} == stored & set(sent[:1000])
        for chunk in pushed:
            send(client, chunk)
    assert size <= before <= len(sent)
    assert sorted(id for (id,) in program.sql(statement, made)) == sorted(sent)


# --- customers ----------------------------------------------------------------------------------------
CUSTOMERS = 50_000 if FULL else 1_000
HEADINGS = "Company;Contact;E-mail;Phone;City;Country;Tags"


def customers_csv(rows: int) -> bytes:
    """Of a hundred rows one repeats the row before it, one is a customer that is there, one names no country."""
    lines = [HEADINGS]
    for n in range(1, rows + 1):
        mail = {0: f"new{n - 1}", 50: f"old{n}"}.get(n % 100, f"new{n}")
        country = "Nowhere" if n % 100 == 75 else "Maroc"
        lines.append(f"Société {n};Amina {n};{mail}@x.example;07{n:08};Fès;{country};lot {n % 7}, VIP")
    return "\n".join(lines).encode()


def post(browser: httpx.Client, path: str, data: dict[str, str], **files: Any) -> str:
    """Send a form as a browser without JavaScript does; the address at which that ends."""
    if "csrftoken" not in browser.cookies:
        browser.get(path)
    token = {"X-CSRFToken": browser.cookies["csrftoken"], "Referer": str(browser.base_url)}
    answer = browser.post(path, data=data, files=files or None, headers=token)
    assert answer.status_code == 200, answer.text[:500]
    return answer.url.path


@pytest.fixture
def browser(program: Program) -> Iterator[httpx.Client]:
    """Signed in to the portal."""
    with httpx.Client(base_url=f"http://127.0.0.1:{program.port}", follow_redirects=True, timeout=60) as client:
        post(client, "/login", {"login": "admin@other.marsad.test", "password": PASSWORD})
        yield client


@pytest.mark.covers("E002-014")
def test_customers_are_imported_by_a_worker_that_is_killed(
    program: Program, browser: httpx.Client, capsys: pytest.CaptureFixture[str]
) -> None:
    """Tried, run, killed in the middle, taken up again, reverted: after each step there is exactly what was said."""
    some = CUSTOMERS // 100
    with program.client("admin@other.marsad.test") as client:
        for n in range(50, CUSTOMERS, 100):
            client.call("POST", "/customers", {"companyName": f"Old {n}", "email": f"old{n}@x.example", "city": "Taza"})

    def living() -> dict[str, int]:
        """Customers of the file by what they are, and how many of them have another city than Taza."""
        rows = program.sql(
            "SELECT left(email, 3), count(*) FROM crm_customer WHERE deleted_at IS NULL AND email LIKE '%%@x.example'"
            " GROUP BY 1 UNION ALL SELECT 'moved', count(*) FROM crm_customer WHERE email LIKE 'old%%' AND city = 'Fès'"
        )
        return dict(rows)

    def run() -> tuple[Any, ...]:
        columns = "status, total, position, checked, counts, job_id"
        return program.sql(f"SELECT {columns} FROM crm_customerimport ORDER BY created_at DESC LIMIT 1")[0]

    def until(status: str, *, at: int = 0) -> None:
        """Wait for a state, or for a row of the state in force."""
        patience = time.monotonic() + 90 + CUSTOMERS / 50
        while not (run()[0] == status or (at and run()[2] >= at)):
            assert time.monotonic() < patience, run()
            time.sleep(0.05)

    times = [time.monotonic()]
    address = post(browser, "/customers/imports/new", {}, file=("fifty.csv", customers_csv(CUSTOMERS)))
    fields = ("companyName", "contactName", "email", "phone", "city", "country", "tags")
    said = {f"column_{place}": name for place, name in enumerate(fields)}
    said |= {"mode": "upsert", "match_by": "email", "on_duplicate": "skip", "empty_cells": "keep"}
    address = post(browser, address, said | {"encoding": "utf-8", "delimiter": ";"})
    until("validated")
    times.append(time.monotonic())
    expected = {"created": 97 * some, "updated": some, "failed": some, "skipped": some, "dupInFile": some}
    assert run()[1:4] == (CUSTOMERS, CUSTOMERS, expected | {"dupInDb": some})
    assert living() == {"old": some, "moved": 0}

    post(browser, f"{address}/act", {"do": "run"})
    until("done", at=CUSTOMERS // 2)
    program.kill_child("procrastinate")
    time.sleep(0.5)  # what the database was told before the end
    status, _total, position, _checked, counts, job = run()
    assert (status, position % 500, CUSTOMERS // 2 <= position < CUSTOMERS) == ("running", 0, True)
    share = position // 100
    assert (counts["created"], counts["updated"], counts["failed"]) == (97 * share, share, share)
    assert living() == {"new": 97 * share, "old": some, "moved": share}

    if not FULL:  # else wait for the clock: half a minute without a sign of life, then the next full minute
        program.do("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 minute'")
        program.do(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, args) VALUES ('default', 'jobs.recover', %s)",
            '{"timestamp": 0}',
        )
    until("done")
    times.append(time.monotonic())
    assert run()[4] == expected | {"dupInDb": some}
    assert living() == {"new": 97 * some, "old": some, "moved": some}
    assert program.sql("SELECT status, attempt FROM jobs_job WHERE id = %s", job) == [("succeeded", 2)]
    made = [str(id) for (id,) in program.sql("SELECT id FROM crm_customer WHERE email LIKE 'new%%@x.example'")]
    assert audited(program, made) == dict.fromkeys(made, 1)

    post(browser, f"{address}/act", {"do": "revert"})
    until("reverted")
    times.append(time.monotonic())
    assert (run()[4]["removed"], run()[4]["restored"], run()[4].get("kept", 0)) == (97 * some, some, 0)
    assert living() == {"old": some, "moved": 0}
    with capsys.disabled():
        tried, done, back = (after - before for before, after in itertools.pairwise(times))
        print(f"\n{CUSTOMERS} customers: tried {tried:.1f} s, run and killed {done:.1f} s, reverted {back:.1f} s")
