"""What `make run` runs: database, web server and worker as one program that Ctrl-C stops."""

import contextlib
import fcntl
import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from portal.config import env, postgres
from portal.core.monitoring import prometheus
from portal.desk import cast

PATIENCE = 10  # seconds that a child has to end after SIGTERM


class StartError(Exception):
    """Why the program does not start, as one line for the person at the keyboard."""


@dataclass
class Child:
    """A process that is started again when it ends, later each time (1 to 30 s) until it lasted a minute."""

    name: str
    command: list[str]
    process: subprocess.Popen[bytes] | None = None
    began: float = 0.0
    due: float = 0.0
    delay: float = field(default=1.0)

    def start(self) -> None:
        self.process = spawn(self.command)
        self.began = time.monotonic()

    def watch(self) -> None:
        now = time.monotonic()
        if self.process is None:
            if now >= self.due:
                self.start()
        elif (code := self.process.poll()) is not None:
            if now - self.began > 60:
                self.delay = 1.0
            say(f"{self.name} ended with {code}; it starts again in {self.delay:.0f} s")
            end_group(self.process, patience=0)  # its own children may still hold the port
            self.process, self.due, self.delay = None, now + self.delay, min(self.delay * 2, 30)

    def stop(self) -> None:
        if self.process is not None:
            end_group(self.process, patience=PATIENCE)


def main() -> int:
    """Run until a signal comes. Returns 0 after a clean stop, 1 after a refusal or a failed preparation."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())
    try:
        with contextlib.ExitStack() as stack:
            serve(stop, stack)
    except (StartError, ImproperlyConfigured, postgres.PostgresError) as error:
        print(f"marsad: {error}", file=sys.stderr)
        return 1
    return 0


def serve(stop: threading.Event, stack: contextlib.ExitStack) -> None:
    """Start everything, watch it until `stop` is set; `stack` then undoes it in the opposite order."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.config.settings")
    from django.conf import settings  # here, so that a bad value is refused in one line

    data: Path = settings.DATA_DIR
    port = env.number("PORT", 8000, low=1, high=65535)
    host = env.text("MARSAD_BIND", "127.0.0.1")
    workers = env.number("MARSAD_WORKERS", 1, low=1, high=64)
    jobs = env.number("MARSAD_JOBS", 2, low=1, high=64)
    stack.enter_context(only_one(data))
    check_port(host, port)
    database = None if env.text("DATABASE_URL") else postgres.start(data)
    stack.callback(lambda: database.stop() if database else None)
    manage = [sys.executable, str(settings.BASE_DIR / "manage.py")]
    prometheus.start_afresh(settings.METRICS_DIR)
    say("preparing the database and files")
    if not run([*manage, "prepare", "--verbosity", "0"], stop):
        return
    granian = [sys.executable, "-m", "granian", "--interface", "asgi", "--host", host, "--port", str(port)]
    granian += ["--workers", str(workers), "--workers-kill-timeout", "8", "--no-log", "portal.config.child:application"]
    children = [
        # `prepare` has made the checks, which load the addresses and both APIs: 3 s and 70 MB that no job needs
        Child("worker", [*manage, "procrastinate", "--skip-checks", "worker", "--concurrency", str(jobs)]),
        Child("web", granian),
    ]
    for child in children:
        stack.callback(child.stop)
        child.start()
    announced, due = False, 0.0
    while not stop.wait(0.2):
        if database is not None and time.monotonic() >= due and not database.alive():
            say("PostgreSQL ended; it starts again")
            try:
                database = postgres.start(data)
            except (postgres.PostgresError, OSError) as error:  # no room on the disk, say: it may come back
                due = time.monotonic() + PATIENCE
                say(f"{error}; next try in {PATIENCE} s")
        for child in children:
            child.watch()
        if not announced and answers(host, port):
            announce(settings.MARSAD_ENV, f"http://{host_in_url(host)}:{port}")
            announced = True
    say("stopping")


@contextlib.contextmanager
def only_one(data: Path) -> Iterator[None]:
    data.mkdir(parents=True, exist_ok=True)
    with (data / "run.lock").open("w") as file:  # the lock ends with this process, however it ends
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StartError(
                f"Marsad already runs with the data in {data}; MARSAD_DATA chooses another folder"
            ) from None
        yield


def check_port(host: str, port: int) -> None:
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        reason = f"cannot listen on {host} port {port}: {error.strerror} (PORT and MARSAD_BIND change it)"
        raise StartError(reason) from None


def spawn(command: list[str]) -> subprocess.Popen[bytes]:
    """Start a process in a group of its own: Ctrl-C comes to us alone, and its children can be ended with it.

    It is killed when we are: the database goes at that moment too, so there is nothing to finish.
    """
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        # glibc keeps freed memory apart for each of up to 8 threads a core, and a process of many threads grows by it
        env={"MALLOC_ARENA_MAX": "2"} | os.environ,
        start_new_session=True,
        preexec_fn=postgres.die_with_parent(signal.SIGKILL),  # noqa: PLW1509  (this program has one thread)
    )


def run(command: list[str], stop: threading.Event) -> bool:
    """Run to the end; False when a signal came first. Raises StartError when it fails."""
    process = spawn(command)
    while process.poll() is None:
        if stop.wait(0.05):
            end_group(process, patience=PATIENCE)
            return False
    if process.returncode:
        raise StartError(f"`{' '.join(command[1:])}` failed; the reason stands above")
    return not stop.is_set()


def end_group(process: subprocess.Popen[bytes], *, patience: float) -> None:
    """SIGTERM to the process, SIGKILL to what is left of its group after `patience` seconds."""
    if process.poll() is None:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def answers(host: str, port: int) -> bool:
    connection = http.client.HTTPConnection(host_in_url(host).strip("[]"), port, timeout=2)
    try:
        connection.request("HEAD", "/")
        connection.getresponse()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True


def host_in_url(host: str) -> str:
    if host in ("0.0.0.0", "::"):  # noqa: S104  (read, not bound)
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def announce(mode: str, address: str) -> None:
    say(f"ready at {address} (Ctrl-C stops it)")
    if mode in ("demo", "dev"):
        say(f"sign in as manager@{cast.DEMO} or technician@{cast.DEMO}, password {cast.PASSWORD}")
        say(f"others with that password: {', '.join(cast.LOGINS)}")


def say(text: str) -> None:
    print(f"marsad: {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
