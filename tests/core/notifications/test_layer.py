"""Live messages from process to process: LISTEN and NOTIFY, or Redis; and the fan-out to the sockets of one."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
import redis
from asgiref.sync import async_to_sync
from channels.db import database_sync_to_async
from django.db import connection, transaction

from portal.core.notifications import consumers, layer
from portal.core.notifications.layer import MAX_BYTES, RESYNC, Line, MessageTooLarge, notify, notify_redis, pack
from tests.redis import needs_redis, redis_server

pytestmark = pytest.mark.django_db(transaction=True)
HELLO = {"type": "live.event", "n": 1}


class Ear:
    """A process that listens: what came, in order."""

    def __init__(self) -> None:
        self.line = Line()
        self.came: asyncio.Queue[Any] = asyncio.Queue()

    async def open(self) -> None:
        await self.line.follow(lambda names, message: self.came.put_nowait((names, message)))

    async def hear(self) -> Any:
        return await self.came.get()

    async def silent(self) -> bool:
        await asyncio.sleep(0.3)
        return self.came.empty()


def run(scenario: Callable[..., Awaitable[None]], *ears: Ear) -> None:
    async def whole() -> None:
        try:
            async with asyncio.timeout(20):
                for ear in ears:
                    await ear.open()
                await scenario(*ears)
        finally:
            for ear in ears:
                await ear.line.close()

    async_to_sync(whole)()


def test_a_message_in_a_transaction_reaches_every_process_at_its_commit_or_never() -> None:
    def commit_late() -> None:
        with transaction.atomic():
            notify(pack(["org.1"], {"type": "live.event", "n": 2}))
            transaction.set_rollback(True)
        with transaction.atomic():
            notify(pack(["org.1", "user.2"], HELLO))
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_sleep(0.2)")

    async def scenario(here: Ear, there: Ear) -> None:
        await database_sync_to_async(commit_late)()

        assert await here.hear() == (["org.1", "user.2"], HELLO)
        assert await there.hear() == (["org.1", "user.2"], HELLO)
        assert await here.silent()

    run(scenario, Ear(), Ear())


def test_a_message_that_postgresql_would_refuse_is_refused_with_the_reason() -> None:
    fits = MAX_BYTES - len(pack(["g"], {"text": ""}))

    assert len(pack(["g"], {"text": "x" * fits})) == MAX_BYTES
    notify(pack(["g"], {"text": "x" * fits}))
    with pytest.raises(MessageTooLarge, match="8000 bytes"):
        pack(["g"], {"text": "x" * (fits + 1)})


def test_after_a_lost_connection_it_listens_again_and_says_that_something_may_be_missing() -> None:
    def cut() -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'marsad live' AND datname = current_database()"
            )

    async def scenario(ear: Ear) -> None:
        await database_sync_to_async(cut)()

        assert await ear.hear() == (None, RESYNC)
        await database_sync_to_async(notify)(pack(["org.1"], HELLO))
        assert await ear.hear() == (["org.1"], HELLO)

    run(scenario, Ear())


@pytest.fixture
def through_redis(settings: Any) -> Iterator[str]:
    with redis_server() as url:
        settings.REDIS_URL = url
        layer._redis.cache_clear()
        yield url
        layer._redis().close()
        layer._redis.cache_clear()


@needs_redis
def test_redis_carries_the_same_and_its_loss_is_told(through_redis: str) -> None:
    async def scenario(here: Ear, there: Ear) -> None:
        await asyncio.to_thread(notify_redis, pack(["org.1"], HELLO))
        assert await here.hear() == await there.hear() == (["org.1"], HELLO)

        def cut() -> None:
            with redis.Redis.from_url(through_redis) as client:
                client.client_kill_filter(_type="pubsub")

        await asyncio.to_thread(cut)
        assert await here.hear() == await there.hear() == (None, RESYNC)
        await asyncio.to_thread(notify_redis, pack(["org.1"], HELLO))
        assert await here.hear() == (["org.1"], HELLO)

    run(scenario, Ear(), Ear())


class Socket:
    """As much of a socket as the fan-out and the way out of it need."""

    def __init__(self, slow: bool = False) -> None:
        self.got: list[str] = []
        self.gate = asyncio.Event()
        if not slow:
            self.gate.set()

    async def send(self, message: Any) -> None:
        await self.gate.wait()
        self.got.append(message["text"])

    def live(self) -> consumers.LiveSocket:
        socket = consumers.OrganizationSocket()
        socket.base_send, socket.user = self.send, object()  # type: ignore[assignment]
        socket.wants = lambda message: True  # type: ignore[method-assign]
        socket._resync_text = lambda: "resync"  # type: ignore[method-assign]
        return socket


def test_a_slow_client_loses_its_backlog_alone_and_nothing_stays_of_who_left() -> None:
    async def scenario() -> None:
        fan, quick, slow = consumers.fan_out(), Socket(), Socket(slow=True)
        sockets = [quick.live(), slow.live()]
        for socket in sockets:
            await fan.join(socket, ["org.1"])
        for n in range(consumers.CAPACITY + 5):
            fan.hear(["org.1", "org.2"], {"type": "live.event", "text": f'{{"type":"x","n":{n}}}'})
            fan.hear(["org.2"], {"type": "live.event", "text": "{}"})
            await asyncio.sleep(0)
        while len(quick.got) < consumers.CAPACITY + 5:
            await asyncio.sleep(0.01)

        slow.gate.set()
        while len(slow.got) < 5:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0)

        assert [n.count('"n"') for n in quick.got] == [1] * (consumers.CAPACITY + 5)
        assert slow.got[0].endswith('"n":0}')  # was on its way already
        assert slow.got[1] == "resync"
        assert slow.got[-1].endswith(f'"n":{consumers.CAPACITY + 4}}}')
        assert len(slow.got) < 10
        for socket in sockets:
            fan.leave(socket)
        assert dict(fan.groups) == {}
        await consumers.close_all()

    async_to_sync(scenario)()
