"""The real server, granian with the whole ASGI application, on the database of the test that starts it."""

import multiprocessing
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection

from django.conf import settings
from django.db import connection

START_SECONDS = 120
_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(["tests.served"])  # loads the program once: that takes 5 s, a fork of it 0.05 s


@contextmanager
def serving() -> Iterator[str]:
    """The address of a server that works as the application role; it ends with the block."""
    port, (name, host) = _free_port(), _place()
    process = _forks.Process(target=_serve, args=(port, name, host))
    process.start()
    try:
        _wait_for(port, process.is_alive)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.join(10)
        if process.is_alive():
            process.kill()
            process.join()
        process.close()


def _serve(port: int, name: str, host: str) -> None:
    from tests.served import serve  # not before: in the process of the tests it would be loaded for nothing

    serve(port, name, host)


@contextmanager
def server(**settings_of_it: str) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """One with settings of its own and its process; the keywords are variables of its environment."""
    port, (name, host) = _free_port(), _place()
    environment = (
        os.environ
        | settings_of_it
        | {
            "DJANGO_SETTINGS_MODULE": "tests.browser.settings",
            "MARSAD_BROWSER_DATABASE": name,
            "MARSAD_BROWSER_HOST": host,
        }
    )
    command = [sys.executable, "-m", "granian", "--interface", "asgi", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--workers-kill-timeout", "8", "--no-log", "portal.config.asgi:application"]
    process = subprocess.Popen(command, cwd=settings.BASE_DIR, env=environment, start_new_session=True)
    try:
        _wait_for(port, lambda: process.poll() is None)
        yield f"http://127.0.0.1:{port}", process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _place() -> tuple[str, str]:
    database = connection.settings_dict
    return str(database["NAME"]), str(database["HOST"])


def _wait_for(port: int, alive: Callable[[], bool]) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        assert alive(), "the server ended at its start"
        try:
            with closing(HTTPConnection("127.0.0.1", port, timeout=5)) as client:
                client.request("GET", "/login")
                with client.getresponse() as response:
                    if response.status == 200:
                        return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"the server did not answer within {START_SECONDS} s")
