"""Two workers on one queue, one of them killed in the middle: everything leaves once, or says that it did not.

The workers are programs of their own that talk HTTP to a provider (SMS) and write e-mails into a folder. The provider
counts; nobody else knows what really left.
"""

import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import orjson
import pytest
from django.conf import settings
from django.db import connection

from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.notifications import services
from portal.core.notifications.models import Delivery
from portal.core.tenancy.scope import platform, tenant
from tests.core.people import Cast

pytestmark = pytest.mark.django_db(transaction=True)
FULL = os.environ.get("HYPOTHESIS_PROFILE") == "full"
MESSAGES = 500 if FULL else 40  # each by e-mail and by SMS
_NUMBER = re.compile(r"^Message-ID:\s+<([0-9a-f-]{36})@", re.MULTILINE)
WORKER = "import django; django.setup(); from portal.core.notifications import delivery; print(delivery.work(batch=10))"


class Provider(BaseHTTPRequestHandler):
    taken: Counter[str] = Counter()
    lock = threading.Lock()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        with self.lock:
            self.taken[self.headers["Idempotency-Key"]] += 1
        body = orjson.dumps({"id": self.headers["Idempotency-Key"]})
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def provider() -> Iterator[str]:
    Provider.taken = Counter()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def worker(provider: str) -> "subprocess.Popen[bytes]":
    database = connection.settings_dict
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "tests.browser.settings",
        "MARSAD_BROWSER_DATABASE": str(database["NAME"]),
        "MARSAD_BROWSER_HOST": str(database["HOST"]),
        "MARSAD_SMS_URL": provider,
        "MARSAD_MAIL": "file",
    }
    command = [sys.executable, "-c", WORKER]
    return subprocess.Popen(command, cwd=settings.BASE_DIR, env=environment, stdout=subprocess.DEVNULL)


@pytest.fixture
def letters() -> Iterator[Path]:
    """The folder of the e-mails, empty."""
    folder = Path(settings.DATA_DIR) / "mail"
    shutil.rmtree(folder, ignore_errors=True)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def numbers(folder: Path) -> Counter[str]:
    """Message-IDs of all e-mails that were written, whole ones and those that a kill cut off."""
    return Counter(number for path in folder.iterdir() for number in _NUMBER.findall(path.read_text()))


@pytest.mark.covers("002-JOB-01")
def test_a_killed_worker_costs_no_delivery_and_doubles_none(provider: str, letters: Path) -> None:
    cast = Cast()
    with tenant(cast.a.pk):
        User.objects.filter(pk=cast.bob.pk).update(phone="+967 1 234 567")
        for number in range(MESSAGES):
            said = {"title": f"Pump {number}", "recipients": [str(cast.bob.pk)], "channels": ["email", "sms"]}
            services.message_send(values=said, by=cast.alice)

    first, second = worker(provider), worker(provider)
    while sum(Provider.taken.values()) < MESSAGES // 4:
        assert first.poll() is None, "the worker ended before it was killed"
        time.sleep(0.002)
    first.kill()
    assert first.wait(10) == -9
    assert second.wait(60) == 0
    with platform():  # what the killed one held: nobody waits for its lease here
        waiting = Delivery.objects.filter(status="queued").count()
        under_way = Delivery.objects.filter(status="sending").count()
        Delivery.objects.filter(status="queued").update(leased_until=clock.now())
        Delivery.objects.filter(status="sending").update(handed_at=clock.now() - timedelta(minutes=2))
    assert waiting <= 20
    assert under_way <= 1
    assert worker(provider).wait(60) == 0

    with platform():
        rows = {str(row.pk): row for row in Delivery.objects.all()}
    written = numbers(letters)
    assert max(written.values()) == 1
    assert max(Provider.taken.values()) <= 2
    assert sum(count - 1 for count in Provider.taken.values()) <= under_way  # under the key that the provider knows
    for key, row in rows.items():
        if row.status == "sent":
            assert key in (written if row.channel == "email" else Provider.taken)
        else:
            assert (row.channel, row.status, row.reason) == ("email", "failed", "uncertain")
    assert sum(row.status != "sent" for row in rows.values()) <= under_way
    assert len(rows) == 2 * MESSAGES
