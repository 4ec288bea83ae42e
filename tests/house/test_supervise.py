"""`make run` as a person uses it: it starts, Ctrl-C stops all of it, and being killed leaves nothing in the way."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from importlib import import_module
from pathlib import Path

import psutil
import psycopg
import pytest
from procrastinate.contrib.django import app

from portal.config import supervise

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def start(lasting_data: Path, port: int, repository: Path) -> Iterator[Start]:
    running: list[subprocess.Popen[str]] = []

    def started(**changes: str) -> subprocess.Popen[str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("MARSAD_", "DATABASE_"))}
        ours = {
            "DJANGO_SETTINGS_MODULE": "portal.config.settings",
            "MARSAD_DATA": str(lasting_data),
            "MARSAD_ENV": "test",  # without the demo, which takes longer than all starts together
            "MARSAD_PG_BINDIR": os.environ.get("MARSAD_PG_BINDIR", ""),
            "PORT": str(port),
        }
        running.append(
            subprocess.Popen(
                [sys.executable, "-m", "portal.config.supervise"],
                cwd=repository,
                env=kept | ours | changes,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
        return running[-1]

    yield started
    for process in running:
        process.terminate()
        process.communicate(timeout=120)


class Program:
    """The one that runs with the lasting data; a start costs ten seconds, so a test takes what the last one left."""

    def __init__(self, start: Start) -> None:
        self.start = start
        self.process: subprocess.Popen[str] | None = None
        self.children: list[psutil.Process] = []

    def running(self) -> "subprocess.Popen[str]":
        """It and, as `children`, the processes under it."""
        if self.process is None or self.process.poll() is not None:
            self.process = self.start()
            self.children = wait_until_ready(self.process)
        return self.process


@pytest.fixture(scope="module")
def program(start: Start) -> Program:
    return Program(start)


def wait_until_ready(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """Wait for the announcement; the processes that then stand under the supervisor."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if "ready at" in line:
            return psutil.Process(process.pid).children(recursive=True)
    pytest.fail("it did not start:\n" + "".join(lines))


def status(port: int) -> int:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.request("GET", "/")
        return connection.getresponse().status


def sql(data: Path, statement: str) -> list[tuple[object, ...]]:
    folder = (data / "postgres" / "socket").read_text()
    with closing(psycopg.connect(host=folder, user="postgres", dbname="marsad", autocommit=True)) as connection:
        cursor = connection.execute(statement)  # type: ignore[call-overload]
        return cursor.fetchall() if cursor.description else []


@pytest.mark.slow
@pytest.mark.covers("001-OOS-04")
def test_ctrl_c_stops_everything_and_the_next_run_keeps_the_data(
    program: Program, lasting_data: Path, port: int
) -> None:
    first = program.running()
    commands = " ".join(" ".join(child.cmdline()) for child in program.children)
    assert all(part in commands for part in ("bin/postgres", "granian", "procrastinate --skip-checks worker"))
    assert status(port) < 500
    sql(lasting_data, "CREATE TABLE kept AS SELECT 7 AS number")

    first.send_signal(signal.SIGINT)
    output = first.communicate(timeout=120)[0]

    assert first.returncode == 0, output
    assert psutil.wait_procs(program.children, timeout=0)[1] == []
    program.running()
    assert sql(lasting_data, "SELECT number FROM kept") == [(7,)]


@pytest.mark.slow
def test_a_killed_supervisor_leaves_nothing_in_the_way(program: Program, port: int) -> None:
    program.running().kill()
    assert program.process is not None
    program.process.wait()

    assert psutil.wait_procs(program.children, timeout=60)[1] == []
    program.running()
    assert status(port) < 500


@pytest.mark.slow
def test_a_killed_child_comes_back_and_a_second_program_is_refused(program: Program, start: Start, port: int) -> None:
    first = program.running()
    before = {child.pid for child in program.children}

    refused = start()
    assert "already runs with the data" in refused.communicate(timeout=120)[0]
    assert refused.returncode == 1
    for child in program.children:
        if child.is_running():
            child.kill()

    deadline = time.monotonic() + 120  # patience only: the machine may be busy
    names: set[str] = set()
    while time.monotonic() < deadline and len(names) < 3:
        time.sleep(0.2)
        commands = []
        for child in psutil.Process(first.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):  # one of PostgreSQL's that just ended
                commands += [" ".join(child.cmdline())] if child.pid not in before else []
        names = {part for part in ("bin/postgres", "granian", "procrastinate") if any(part in c for c in commands)}
    assert names == {"bin/postgres", "granian", "procrastinate"}
    while not supervise.answers("127.0.0.1", port):
        assert time.monotonic() < deadline + 60
    assert status(port) < 500


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"PORT": "many"}, "PORT='many' is not a whole number"),
        ({"MARSAD_ENV": "live"}, "MARSAD_ENV='live' is not one of"),
        ({"MARSAD_THREADS": "0"}, "MARSAD_THREADS=0 is outside 1 to 256"),
        ({"MARSAD_ENV": "production"}, "MARSAD_SECRET_KEY must be set in production"),
        ({"MARSAD_PG_BINDIR": "/nowhere"}, "there is no PostgreSQL in /nowhere"),
        ({"MARSAD_BIND": "192.0.2.1"}, "cannot listen on 192.0.2.1"),
    ],
)
def test_a_bad_setting_is_one_clear_line(start: Start, changes: dict[str, str], reason: str, data: Path) -> None:
    process = start(**{"PORT": str(free_port()), "MARSAD_DATA": str(data)} | changes)

    output = process.communicate(timeout=120)[0]

    assert (process.returncode, output.count("\n")) == (1, 1), output
    assert output.startswith("marsad: ")
    assert reason in output


def test_a_port_in_use_is_one_clear_line(start: Start, data: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        number = taken.getsockname()[1]
        process = start(PORT=str(number), MARSAD_DATA=str(data))
        output = process.communicate(timeout=120)[0]

    assert (process.returncode, output.count("\n")) == (1, 1), output
    assert f"cannot listen on 127.0.0.1 port {number}" in output


def test_a_child_that_ignores_sigterm_is_killed_with_its_own_children() -> None:
    inner = "import time; print('up', flush=True); time.sleep(60)"
    outer = (
        "import signal, subprocess, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        f"subprocess.run([sys.executable, '-c', {inner!r}])"
    )
    process = supervise.spawn([sys.executable, "-c", outer])
    family = psutil.Process(process.pid)
    deadline = time.monotonic() + 20
    while not (grandchildren := family.children()) and time.monotonic() < deadline:
        time.sleep(0.05)

    supervise.end_group(process, patience=0.5)

    assert process.returncode == -signal.SIGKILL
    assert psutil.wait_procs(grandchildren, timeout=5)[1] == []


def test_the_worker_knows_every_job_without_the_checks(repository: Path) -> None:
    """It starts with --skip-checks, and so without the addresses, whose modules might have been the ones to name it."""
    program = (
        "import sys, django; django.setup(); from procrastinate.contrib.django import app;"
        "assert 'portal.config.urls' not in sys.modules; print(*app.tasks)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=repository, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    import_module("portal.config.urls")
    everything = {name for name in app.tasks if not name.startswith("tests.")}
    assert set(done.stdout.split()) == everything != set()
