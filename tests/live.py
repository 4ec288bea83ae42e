"""The real server, granian with the whole ASGI application, on the database of the test that starts it."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection

from django.conf import settings
from django.db import connection

START_SECONDS = 120


@contextmanager
def serving() -> Iterator[str]:
    """The address of a server that works as the application role; it ends with the block."""
    with server() as (address, _process):
        yield address


@contextmanager
def server(**settings_of_it: str) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """The same with its process; the keywords are variables of its environment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    database = connection.settings_dict
    environment = (
        os.environ
        | settings_of_it
        | {
            "DJANGO_SETTINGS_MODULE": "tests.browser.settings",
            "MARSAD_BROWSER_DATABASE": str(database["NAME"]),
            "MARSAD_BROWSER_HOST": str(database["HOST"]),
        }
    )
    command = [sys.executable, "-m", "granian", "--interface", "asgi", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--workers-kill-timeout", "8", "--no-log", "portal.config.asgi:application"]
    process = subprocess.Popen(command, cwd=settings.BASE_DIR, env=environment, start_new_session=True)
    try:
        _wait_for(port, process)
        yield f"http://127.0.0.1:{port}", process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        assert process.poll() is None, "the server ended at its start"
        try:
            with closing(HTTPConnection("127.0.0.1", port, timeout=5)) as client:
                client.request("GET", "/login")
                with client.getresponse() as response:
                    if response.status == 200:
                        return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"the server did not answer within {START_SECONDS} s")
