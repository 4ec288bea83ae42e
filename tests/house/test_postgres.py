"""The private PostgreSQL: it starts, is reused, survives being killed, and leaves nothing behind."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psutil
import psycopg
import pytest

from portal.config import env, postgres
from portal.core.tenancy.management.commands import bootstrap

Start = Callable[..., postgres.Handle]


def connect(handle: postgres.Handle, user: str = "postgres", **options: str) -> psycopg.Connection:
    return psycopg.connect(host=str(handle.socket), user=user, dbname="postgres", autocommit=True, **options)


@pytest.fixture
def start(data: Path) -> Iterator[Start]:
    handles: list[postgres.Handle] = []

    def started(*, fsync: bool = False) -> postgres.Handle:
        handles.append(postgres.start(data, fsync=fsync))
        return handles[-1]

    yield started
    for handle in handles:
        handle.stop()


def test_it_keeps_its_data_and_listens_on_no_port(start: Start) -> None:
    first = start()
    with closing(connect(first)) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
        assert connection.execute("SHOW server_encoding").fetchone() == ("UTF8",)
        assert connection.execute("SELECT datcollate FROM pg_database LIMIT 1").fetchone() == ("C.UTF-8",)
    first.stop()
    assert not first.alive()

    with closing(connect(start())) as connection:
        assert connection.execute("SELECT number FROM kept").fetchone() == (7,)


def test_a_running_cluster_is_reused_and_only_its_starter_stops_it(start: Start) -> None:
    first, second = start(), start()

    assert (second.socket, second.process) == (first.socket, None)
    second.stop()
    assert first.alive()
    assert second.alive()


def test_it_starts_again_after_kill_9(start: Start) -> None:
    first = start(fsync=True)  # without it a server may lose its last commits when it is killed
    assert first.process is not None
    with closing(connect(first)) as connection:
        connection.execute("CREATE TABLE kept ()")
    os.kill(first.process.pid, signal.SIGKILL)
    first.process.wait()

    with closing(connect(start())) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)


def test_it_ends_with_a_starter_that_is_killed(start: Start, data: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from portal.config import postgres;"
        "print(postgres.start(Path(sys.argv[1])).process.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program, str(data)], stdout=subprocess.PIPE) as starter:
        assert starter.stdout is not None
        server = psutil.Process(int(starter.stdout.readline()))
        starter.kill()

    psutil.wait_procs([server], timeout=10)
    assert not server.is_running()
    assert start().alive()


def test_a_long_path_gets_a_short_socket(data: Path) -> None:
    far = data / ("d" * 100)
    handle = postgres.start(far, fsync=False)
    try:
        assert len(str(handle.socket)) < 60
        assert (far / "postgres" / "socket").read_text() == str(handle.socket)
        connect(handle).close()
    finally:
        handle.stop()
        handle.socket.rmdir()


def test_only_the_starter_is_superuser_and_the_application_needs_its_password(start: Start, data: Path) -> None:
    handle = start()
    with closing(connect(handle)) as connection:
        connection.execute("CREATE ROLE app LOGIN PASSWORD 'right'")

    connect(handle, "app", password="right").close()
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        connect(handle, "app", password="wrong")
    assert (data / "postgres").stat().st_mode & 0o077 == 0


def test_bad_binaries_are_one_clear_line(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARSAD_PG_BINDIR", "/nowhere")

    with pytest.raises(postgres.PostgresError, match="there is no PostgreSQL in /nowhere"):
        postgres.start(data)


def test_a_cluster_of_another_version_is_refused(start: Start, data: Path) -> None:
    start().stop()
    (data / "postgres" / "data" / "PG_VERSION").write_text("9\n")

    with pytest.raises(postgres.PostgresError, match="made by PostgreSQL 9"):
        start()


def settings_of(handle: postgres.Handle, name: str) -> tuple[dict[str, object], dict[str, object]]:
    owner = env.database(f"postgresql://postgres@/{name}?host={handle.socket}", source="test")
    return owner, owner | {"USER": "marsad_app", "PASSWORD": "first"}


def test_bootstrap_makes_roles_and_keeps_the_password_in_step(start: Start) -> None:
    owner, app = settings_of(start(), "shop")

    assert bootstrap.create_database(owner) is True
    assert bootstrap.create_database(owner) is False
    for password in ("first", "first", "second"):
        bootstrap.prepare_database(owner, app | {"PASSWORD": password})

    with closing(bootstrap.connect(owner)) as connection:
        connection.execute("CREATE TABLE thing (number int)")
        roles = connection.execute(
            "SELECT rolname, rolcanlogin, rolsuper, rolbypassrls FROM pg_roles WHERE rolname LIKE 'marsad%' ORDER BY 1"
        ).fetchall()
    assert roles == [("marsad_app", True, False, False), ("marsad_audit", False, False, False)]
    with closing(bootstrap.connect(app, password="second")) as connection:
        connection.execute("INSERT INTO thing VALUES (1)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("TRUNCATE thing")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("CREATE TABLE other ()")


def test_eight_bootstraps_at_once_agree(start: Start) -> None:
    owner, _ = settings_of(start(), "shop")
    program = (
        "import sys; from portal.config import env; from portal.core.tenancy.management.commands import bootstrap as b;"
        "owner = env.database(sys.argv[1], source='test'); b.create_database(owner);"
        "b.prepare_database(owner, owner | {'USER': 'marsad_app', 'PASSWORD': 'same'})"
    )
    url = f"postgresql://postgres@/shop?host={owner['HOST']}"
    running = [subprocess.Popen([sys.executable, "-c", program, url], stderr=subprocess.PIPE) for _ in range(8)]
    results = [(process.communicate()[1].decode(), process.returncode) for process in running]

    assert results == [("", 0)] * 8
    bootstrap.connect(owner, user="marsad_app", password="same").close()


def test_a_role_that_passes_by_row_security_is_refused(start: Start) -> None:
    owner, app = settings_of(start(), "shop")
    bootstrap.create_database(owner)
    with closing(bootstrap.connect(owner)) as connection:
        connection.execute("CREATE ROLE marsad_app LOGIN BYPASSRLS PASSWORD 'first'")

    with pytest.raises(bootstrap.ImproperlyConfigured, match="marsad_app"):
        bootstrap.prepare_database(owner, app)
