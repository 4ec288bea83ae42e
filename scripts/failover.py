"""`make failover`: the primary database dies under load, its replica takes over, and nothing acknowledged is lost.

Primary and synchronous streaming replica, an archive of the log of changes, PgBouncer in transaction mode in front, and
the load of `scripts/soak.py`. In the middle the primary is killed (SIGKILL) and the replica promoted; then journal and
database are compared. At last base backup and archive bring back the state of an earlier moment (point in time
recovery), which is compared too, and a device fetches everything again. Ends with 1 where anything is wrong. Needs
PgBouncer, Redis and a PostgreSQL of the system (15 or newer), or `--data`, a stopped data folder whose embedded cluster
it begins with a copy of. Usage: python scripts/failover.py [--minutes 3] [--seed 1] [--think 0.5] [--data FOLDER]
"""

import argparse
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import psycopg
from program import ROOT
from soak import ENVIRONMENT, Product, Soak

sys.path.insert(0, str(ROOT))
from portal.config import postgres

PASSWORD = "of-the-failover"  # of a cluster that is thrown away
REPLICA = "marsad_replica"
ACCOUNT: dict[str, Any] = (
    {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
)  # PostgreSQL and PgBouncer refuse root
POOLS = """\
[databases]
marsad = host=127.0.0.1 port={port} dbname=marsad

[users]
{owner} = pool_mode=session

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {own}
unix_socket_dir =
pool_mode = transaction
auth_type = trust
auth_file = {folder}/users.txt
default_pool_size = 20
max_client_conn = 200
server_login_retry = 1
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def newest() -> Path:
    """The programs of the newest PostgreSQL of the system, or those that MARSAD_PG_BINDIR names."""
    named = os.environ.get("MARSAD_PG_BINDIR")
    found = [Path(named)] if named else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not found:
        raise SystemExit("there is no PostgreSQL on this machine: set MARSAD_PG_BINDIR")
    return found[-1]


class Server:
    """One PostgreSQL in a folder of its own."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self.folder, self.port, self.programs = folder, free_port(), programs
        self.process: subprocess.Popen[bytes] | None = None

    def run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [str(self.programs / program), *arguments], check=False, capture_output=True, text=True, cwd="/", **ACCOUNT
        )
        if done.returncode:
            raise SystemExit(f"{program}: {done.stderr}")

    def start(self, **settings: str) -> None:
        values = {"listen_addresses": "127.0.0.1", "port": str(self.port), "unix_socket_directories": ""}
        values |= {"wal_level": "replica", "hot_standby": "on", "max_connections": "150"} | settings
        command = [str(self.programs / "postgres"), "-D", str(self.folder)]
        command += [part for name, value in values.items() for part in ("-c", f"{name}={value}")]
        with (self.folder.parent / f"{self.folder.name}.log").open("ab") as log:
            self.process = subprocess.Popen(command, cwd="/", stdout=log, stderr=log, start_new_session=True, **ACCOUNT)
        for _ in range(600):
            with contextlib.suppress(psycopg.OperationalError):
                self.sql("SELECT 1")
                return
            time.sleep(0.1)
        raise SystemExit(f"PostgreSQL in {self.folder} does not start")

    def sql(self, statement: str, *values: Any, database: str = "postgres") -> list[tuple[Any, ...]]:
        with closing(
            psycopg.connect(host="127.0.0.1", port=self.port, user="postgres", dbname=database, autocommit=True)
        ) as connection:
            cursor = connection.execute(statement, values or None)  # type: ignore[arg-type]
            return cursor.fetchall() if cursor.description else []

    def kill(self) -> None:
        """SIGKILL to the postmaster and everything that it started."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


class House:
    """Primary, replica, archive, pooler."""

    def __init__(self, data: Path | None) -> None:
        self.folder = folder = Path(tempfile.mkdtemp(prefix="marsad-house-"))
        self.data, self.owner = data, "postgres" if data else "marsad_owner"
        programs = postgres.programs() if data else newest()
        self.primary, self.replica, self.past = (
            Server(folder / name, programs) for name in ("primary", "replica", "past")
        )
        self.base, self.archive, self.pool_port = folder / "base", folder / "archive", free_port()
        self.pool: subprocess.Popen[bytes] | None = None
        self.front = self.primary

    def build(self) -> None:
        self.folder.chmod(0o755)
        self.archive.mkdir()
        if ACCOUNT:
            shutil.chown(self.folder, "postgres")
            shutil.chown(self.archive, "postgres")
        primary = self.primary
        if self.data:
            self.copy(self.data / "postgres" / "data", primary.folder)
            trusted = ("local all all", "host all all 127.0.0.1/32", "host replication all 127.0.0.1/32")
            (primary.folder / "pg_hba.conf").write_text("".join(f"{who} trust\n" for who in trusted))
        else:
            primary.run("initdb", "-D", str(primary.folder), "-U", "postgres", "--locale=C.UTF-8", "--auth=trust")
        archiving = f"test ! -f {self.archive}/%f && cp %p {self.archive}/%f"
        primary.start(archive_mode="on", archive_command=archiving)
        if not self.data:
            for name, right in (("marsad_owner", "CREATEROLE"), ("marsad_app", "NOSUPERUSER NOBYPASSRLS")):
                primary.sql(f"CREATE ROLE {name} LOGIN {right} PASSWORD '{PASSWORD}'")
            primary.sql("CREATE ROLE marsad_audit NOLOGIN")
            primary.sql("GRANT marsad_audit TO marsad_owner WITH ADMIN OPTION")
            primary.sql("CREATE DATABASE marsad OWNER marsad_owner")
        where = ("-h", "127.0.0.1", "-p", str(primary.port), "-U", "postgres")
        primary.run("pg_basebackup", *where, "-D", str(self.base), "-X", "stream", "-c", "fast")
        self.copy(self.base, self.replica.folder)
        conninfo = f"host=127.0.0.1 port={primary.port} user=postgres application_name={REPLICA}"
        (self.replica.folder / "postgresql.auto.conf").write_text(f"primary_conninfo = '{conninfo}'\n")
        (self.replica.folder / "standby.signal").touch()
        self.replica.start(archive_mode="on", archive_command=archiving, restore_command=f"cp {self.archive}/%f %p")
        while not primary.sql("SELECT 1 FROM pg_stat_replication WHERE state = 'streaming'"):
            time.sleep(0.1)
        primary.sql(f"ALTER SYSTEM SET synchronous_standby_names = '{REPLICA}'")
        primary.sql("SELECT pg_reload_conf()")
        users = "".join(f'"{name}" "{PASSWORD}"\n' for name in (self.owner, "marsad_app"))
        (self.folder / "users.txt").write_text(users)
        self.point(primary)
        with (self.folder / "pgbouncer.log").open("ab") as log:
            self.pool = subprocess.Popen(
                ["pgbouncer", str(self.folder / "pgbouncer.ini")], cwd="/", stdout=log, stderr=log, **ACCOUNT
            )

    def copy(self, source: Path, target: Path) -> None:
        subprocess.run(["/bin/cp", "-a", str(source), str(target)], check=True)

    def point(self, server: Server) -> None:
        """Have PgBouncer lead to this server."""
        self.front = server
        ini = POOLS.format(port=server.port, own=self.pool_port, folder=self.folder, owner=self.owner)
        (self.folder / "pgbouncer.ini").write_text(ini)
        if self.pool is not None:
            self.pool.send_signal(signal.SIGHUP)

    def fail_over(self) -> None:
        """What an operator or Patroni does: the replica becomes the primary, and waits for no other replica."""
        self.primary.kill()
        self.replica.sql("ALTER SYSTEM SET synchronous_standby_names = ''")
        self.replica.sql("SELECT pg_reload_conf()")
        self.replica.sql("SELECT pg_promote(true)")
        self.point(self.replica)

    def return_to(self, moment: Any) -> None:
        """Base backup and archive make the state of that moment."""
        self.copy(self.base, self.past.folder)
        (self.past.folder / "recovery.signal").touch()
        self.past.start(
            restore_command=f"cp {self.archive}/%f %p",
            recovery_target_time=moment.isoformat(sep=" "),
            recovery_target_action="promote",
            recovery_target_timeline="current",
        )
        while self.past.sql("SELECT pg_is_in_recovery()")[0][0]:
            time.sleep(0.1)

    def close(self) -> None:
        for server in (self.primary, self.replica, self.past):
            server.kill()
        if self.pool is not None:
            self.pool.kill()
            self.pool.wait()
        shutil.rmtree(self.folder)


class Housed(Product):
    """The program with its database elsewhere."""

    def __init__(self, house: House) -> None:
        owner, app = (
            f"postgresql://{who}:{PASSWORD}@127.0.0.1:{house.pool_port}/marsad" for who in (house.owner, "marsad_app")
        )
        database = {"DATABASE_URL": owner, "MARSAD_APP_DATABASE_URL": app, "MARSAD_CONN_MAX_AGE": "0"}
        super().__init__(**ENVIRONMENT, **database)
        self.house = house
        if house.data:
            for folder in ("keys", "audit", "files", "static"):
                house.copy(house.data / folder, self.data / folder)

    def sql(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        return self.house.front.sql(statement, *values, database="marsad")


class Failover(Soak):
    def __init__(self, product: Housed, options: argparse.Namespace, house: House) -> None:
        super().__init__(product, options)
        self.house = house

    def strike(self) -> None:
        """A third of the time later a moment to return to; at the half the primary dies."""
        third = self.options.minutes * 20
        self.over.wait(third)
        (self.product.data / "audit").mkdir(exist_ok=True)
        self.house.copy(self.product.data / "audit", self.house.folder / "audit")  # first: it names no later state
        with self.journal.lock:
            self.before = {kind: set(marks) for kind, marks in self.journal.rows.items()}
        self.moment = self.house.primary.sql("SELECT clock_timestamp()")[0][0]
        self.over.wait(5)
        self.house.primary.sql("SELECT pg_switch_wal()")
        self.over.wait(third / 2)
        began, acknowledged = time.monotonic(), len(self.journal.waits)
        self.house.fail_over()
        promoted = time.monotonic() - began
        while not self.back("", None, began):
            time.sleep(0.05)
        ready = time.monotonic() - began
        while len(self.journal.waits) < acknowledged + 20:
            time.sleep(0.05)
        took = time.monotonic() - began
        said = f"promoted after {promoted:.1f} s, ready after {ready:.1f} s, twenty writes or reads after {took:.1f} s"
        print(said, flush=True)
        self.found.append(f"primary killed: {said}")

    def back(self, kind: str, before: Any, since: float) -> bool:
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(f"http://127.0.0.1:{self.product.port}/health/ready", timeout=2).status_code == 200
        return False

    def back_up(self) -> None:
        """The base backup and the archive are the backup."""

    def compare(self) -> None:
        super().compare()
        self.deaf.set()
        self.product.stop()
        began = time.monotonic()
        self.house.return_to(self.moment)
        self.found.append(f"returned to {self.moment:%H:%M:%S} in {time.monotonic() - began:.1f} s")
        self.house.point(self.house.past)
        elsewhere = Housed(self.house)
        try:
            sources = {"keys": self.product.data, "files": self.product.data, "audit": self.house.folder}
            for folder, source in sources.items():
                shutil.rmtree(elsewhere.data / folder, ignore_errors=True)
                self.house.copy(source / folder, elsewhere.data / folder)
            for command in ("bootstrap", "new_epoch"):
                done = elsewhere.manage(command)
                if done.returncode:
                    self.journal.fault(f"{command}: {done.stderr}")
            elsewhere.start()
            later = elsewhere.sql("SELECT count(*) FROM sync_record WHERE ts > %s", self.moment)[0][0]
            if later:
                self.journal.fault(f"{later} records of after the moment are there")
            self.whole(elsewhere)
            self.fetch_again(elsewhere)
            self.verified(elsewhere, "returned in time")
        finally:
            elsewhere.discard()


def main() -> int:
    parser = argparse.ArgumentParser(description="A replica is promoted under load, and an older moment brought back")
    parser.add_argument("--minutes", type=float, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--think", type=float, default=0.5)
    parser.add_argument("--data", type=Path)
    options = parser.parse_args()
    options.kills = 0
    for program in ("redis-server", "pgbouncer"):
        if shutil.which(program) is None:
            raise SystemExit(f"{program} is not installed")
    house = House(options.data)
    product = Housed(house)
    try:
        house.build()
        print(f"started in {product.start():.1f} s, data in {product.data}", flush=True)
        return 0 if Failover(product, options, house).run() else 1
    finally:
        product.discard()
        house.close()


if __name__ == "__main__":
    sys.exit(main())
