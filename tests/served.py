"""What `tests.live` forks its servers from: the loaded program, without threads and connections."""

import multiprocessing
import os

os.environ |= {
    "DJANGO_SETTINGS_MODULE": "tests.browser.settings",
    "MARSAD_BROWSER_DATABASE": "",  # each server has its own
    "MARSAD_BROWSER_HOST": "",
}

from django.db import connections
from django.urls import get_resolver
from granian import Granian
from granian.constants import Interfaces

from portal.config.asgi import application

assert get_resolver().url_patterns
assert application is not None


def serve(port: int, name: str, host: str) -> None:
    os.setsid()  # Ctrl-C comes to the tests alone
    multiprocessing.set_start_method("fork", force=True)  # granian's worker has what is loaded here
    for entry in connections.settings.values():
        entry["NAME"], entry["HOST"] = name, host
    server = Granian(
        "portal.config.asgi:application",
        port=port,
        interface=Interfaces.ASGI,
        workers_kill_timeout=8,
        log_enabled=False,
    )
    server.serve()
