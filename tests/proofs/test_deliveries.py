"""Two workers on one queue, one of them killed in the middle: everything leaves once, or says that it did not.

The workers are programs of their own that talk HTTP to a provider (SMS) and SMTP to a mail server. Those count; nobody
else knows what really left.
"""

import os
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


def worker(provider: str, mail: str) -> "subprocess.Popen[bytes]":
    database = connection.settings_dict
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "tests.browser.settings",
        "MARSAD_BROWSER_DATABASE": str(database["NAME"]),
        "MARSAD_BROWSER_HOST": str(database["HOST"]),
        "MARSAD_SMS_URL": provider,
        "MARSAD_SMTP_URL": mail,
    }
    command = [sys.executable, "-c", WORKER]
    return subprocess.Popen(command, cwd=settings.BASE_DIR, env=environment, stdout=subprocess.DEVNULL)


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The address of a mail server, a process of its own, and the file of the Message-IDs that it took."""
    noted = tmp_path / "taken"
    noted.touch()
    command = [sys.executable, "tests/smtp_sink.py", str(noted)]
    process = subprocess.Popen(command, cwd=settings.BASE_DIR, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process.stdout:
        yield f"smtp+plain://127.0.0.1:{process.stdout.readline().strip()}", noted
        process.terminate()
        process.wait(10)


@pytest.mark.covers("002-JOB-01", "000-JOB-01")
def test_a_killed_worker_costs_no_delivery_and_doubles_none(provider: str, sink: tuple[str, Path]) -> None:
    mail, noted = sink
    cast = Cast()
    with tenant(cast.a.pk):
        User.objects.filter(pk=cast.bob.pk).update(phone="+967 1 234 567")
        for number in range(MESSAGES):
            said = {"title": f"Pump {number}", "recipients": [str(cast.bob.pk)], "channels": ["email", "sms"]}
            services.message_send(values=said, by=cast.alice)

    first, second = worker(provider, mail), worker(provider, mail)
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
    assert worker(provider, mail).wait(60) == 0

    with platform():
        rows = {str(row.pk): row for row in Delivery.objects.all()}
    written = Counter(noted.read_text().split())
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
