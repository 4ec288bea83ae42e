"""Two web processes and two workers that share a database, and Redis or PostgreSQL between them, as on two machines.

What happens on one reaches the sockets of the other, once; what ends a token ends its sockets there; who comes back
gets what was missed; lost database connections come back without a restart; and a server that is told to stop finishes
what it was asked.
"""

import os
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from typing import Any

import httpx
import orjson
import pytest
from django.conf import settings
from django.db import connection
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.notifications import services
from portal.core.notifications.models import Delivery, Notification
from portal.core.tenancy.scope import platform, tenant
from tests.core.people import Cast
from tests.live import server
from tests.redis import needs_redis, redis_server

pytestmark = pytest.mark.django_db(transaction=True)
FULL = os.environ.get("HYPOTHESIS_PROFILE") == "full"
PASSWORD = "a password of the tests"
WORKER = "import django; django.setup(); from portal.core.notifications import delivery; delivery.work()"


def hear(socket: ClientConnection, seconds: float = 30) -> dict[str, Any]:
    """The next event that is no ping."""
    while True:
        event = orjson.loads(socket.recv(seconds))
        if event["type"] != "ping":
            return dict(event)


@contextmanager
def listening(address: str, token: str, since: str = "") -> Iterator[ClientConnection]:
    query = f"?since={since}" if since else ""
    path = f"ws{address.removeprefix('http')}/ws/notifications/{query}"
    with connect(path, ping_interval=None, open_timeout=60) as socket:
        socket.send(orjson.dumps({"type": "auth", "token": token}).decode())
        assert hear(socket) == {"type": "auth.ok"}
        yield socket


def sign_in(address: str, user: User) -> dict[str, str]:
    answer = httpx.post(f"{address}/api/v1/auth/login", json={"email": user.email, "password": PASSWORD}, timeout=60)
    return {"Authorization": f"Bearer {answer.json()['data']['accessToken']}"}


def close_code(socket: ClientConnection) -> int:
    with pytest.raises(ConnectionClosed) as closed:  # noqa: PT012
        while True:
            hear(socket)
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code


def workers(url: str) -> None:
    """Two workers at once on what is due."""
    database = connection.settings_dict
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "tests.browser.settings",
        "MARSAD_BROWSER_DATABASE": str(database["NAME"]),
        "MARSAD_BROWSER_HOST": str(database["HOST"]),
        "MARSAD_MAIL": "file",
        "REDIS_URL": url,
    }
    command = [sys.executable, "-c", WORKER]
    running = [subprocess.Popen(command, cwd=settings.BASE_DIR, env=environment) for _turn in range(2)]
    assert [process.wait(120) for process in running] == [0, 0]


@pytest.mark.slow
@pytest.mark.covers("000-RT-01", "000-RT-02", "000-RT-03", "002-JOB-01", "002-SCAL-01", "002-SCAL-05")
@pytest.mark.parametrize(
    "by",
    [
        pytest.param("redis", marks=needs_redis),
        pytest.param("postgresql", marks=pytest.mark.skipif(not FULL, reason="HYPOTHESIS_PROFILE=full tries it, too")),
    ],
)
def test_what_happens_on_one_machine_reaches_the_other(by: str) -> None:
    cast = Cast()
    with ExitStack() as stack:
        url = stack.enter_context(redis_server()) if by == "redis" else ""
        (one, _first), (two, second) = (stack.enter_context(server(REDIS_URL=url)) for _turn in range(2))
        alice, bob = sign_in(one, cast.alice), sign_in(one, cast.bob)
        token = bob["Authorization"].removeprefix("Bearer ")
        socket = stack.enter_context(listening(two, token))
        said = {"title": "Pump 4", "recipients": [str(cast.bob.pk)], "channels": ["in_app"]}

        # made by a request on one, heard on the other
        times = []
        for _turn in range(5):
            began = time.perf_counter()
            answer = httpx.post(f"{one}/api/v1/notifications", json=said, headers=alice, timeout=60)
            assert answer.status_code == 201, answer.text
            answered = time.perf_counter()
            event = hear(socket)
            times.append(((time.perf_counter() - began) * 1000, (time.perf_counter() - answered) * 1000))
            assert (event["type"], event["id"]) == ("notification.created", answer.json()["data"]["id"])
        whole, after = (statistics.median(column) for column in zip(*times, strict=True))
        print(f"\n{by}: from the request to the other machine's socket {whole:.0f} ms, after its answer {after:.0f} ms")

        # sent by one of two workers, heard once
        with tenant(cast.a.pk):
            later = clock.now() + timedelta(hours=1)
            message = services.message_send(values=said | {"title": "Due", "scheduledAt": later}, by=cast.alice)
            Notification.objects.filter(pk=message.pk).update(scheduled_at=clock.now())
            Delivery.objects.filter(notification=message).update(due_at=clock.now())
        workers(url)
        heard = hear(socket)
        assert (heard["type"], heard["id"]) == ("notification.created", str(message.pk))
        with pytest.raises(TimeoutError):
            hear(socket, 0.5)

        # away for a while: what was missed comes first, once
        socket.close()
        httpx.post(f"{one}/api/v1/notifications", json=said | {"title": "Missed"}, headers=alice, timeout=60)
        socket = stack.enter_context(listening(two, token, since=heard["at"]))
        assert hear(socket)["type"] == "notification.created"

        # every database connection is lost, and nobody starts anything again
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()"
            )
        if by == "postgresql":  # the line itself was cut: the page is told to fetch again
            assert hear(socket)["type"] == "resync"
        for address in (one, two):
            assert httpx.get(f"{address}/health/ready", timeout=60).status_code == 200
            assert httpx.get(f"{address}/api/v1/auth/me", headers=alice, timeout=60).status_code == 200
        httpx.post(f"{one}/api/v1/notifications", json=said | {"title": "Back"}, headers=alice, timeout=60)
        assert hear(socket)["type"] == "notification.created"

        # signed out on one, closed on the other
        assert httpx.post(f"{one}/api/v1/auth/logout", headers=bob, timeout=60).status_code == 200
        assert close_code(socket) == 4401

        # told to stop in the middle of a request: it is answered, its sockets are told to come back
        mine = stack.enter_context(listening(two, alice["Authorization"].removeprefix("Bearer ")))
        answers: list[int] = []

        def ask() -> None:
            body = {"title": "In flight", "recipients": [str(cast.carol.pk)], "channels": ["in_app"]}
            answer = httpx.post(f"{two}/api/v1/notifications", json=body, headers=alice, timeout=60)
            answers.append(answer.status_code)

        asking = threading.Thread(target=ask)
        with platform(), connection.cursor() as cursor:
            cursor.execute("LOCK TABLE notifications_notification IN ACCESS EXCLUSIVE MODE")
            asking.start()
            waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
            while cursor.execute(waiting) and cursor.fetchone() == (0,):
                time.sleep(0.02)
            second.send_signal(signal.SIGTERM)
            time.sleep(0.5)
        asking.join(60)
        assert answers == [201]
        with pytest.raises(ConnectionClosed) as closed:  # noqa: PT012
            while True:
                hear(mine)
        assert closed.value.rcvd is None or closed.value.rcvd.code == 1012  # where the frame still gets out
        second.wait(30)
