"""Live messages between processes: over PostgreSQL's LISTEN and NOTIFY, or over Redis where `REDIS_URL` names one.

Each process holds one listening connection and fans out to its own sockets, so a message to a group costs one
statement whatever their number. NOTIFY belongs to the transaction: what is published in one that rolls back is never
sent, and messages arrive in the order of the commits; over Redis it is sent after the commit. Either way a process
whose connection was lost knows that it may have missed something, and says so.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import orjson
import psycopg
from django.conf import settings
from django.db import connections

if TYPE_CHECKING:  # a tenth of what a start loads, and needed only with `REDIS_URL`
    import redis

PG_CHANNEL = "marsad_live"
MAX_BYTES = 7999  # PostgreSQL refuses a payload of 8,000 bytes
RESYNC = {"type": "live.resync"}
_PROBE_SECONDS = 30.0
_LONGEST_WAIT = 10.0
# Called in the event loop for each message: the groups that it is for (None: everybody), and the message.
Follower = Callable[[Sequence[str] | None, Mapping[str, Any]], None]

logger = logging.getLogger(__name__)


class MessageTooLarge(ValueError):
    """A message is 8,000 bytes or more as JSON: send ids, not bodies."""


def pack(names: Iterable[str], message: Mapping[str, Any]) -> str:
    """The payload for groups. Raises MessageTooLarge, and TypeError for what is not JSON."""
    payload = orjson.dumps({"to": list(names), "message": message})
    if len(payload) > MAX_BYTES:
        raise MessageTooLarge(f"a live message of {len(payload)} bytes (at most {MAX_BYTES}): send ids, not bodies")
    return payload.decode()


def notify(payload: str) -> None:
    """Send on Django's own connection: at the commit of the transaction in force, or at once outside of one."""
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [PG_CHANNEL, payload])


def notify_redis(payload: str) -> None:
    """Send by Redis, at once: what belongs to a transaction calls it after the commit. While Redis is away nothing is
    sent: every socket is told to fetch again when it is back."""
    try:
        _redis().publish(PG_CHANNEL, payload)
    except redis.RedisError as error:
        logger.warning("a live event was not sent (%s)", error)


@cache
def _redis() -> "redis.Redis":
    import redis

    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=5, socket_connect_timeout=5)


class Line:
    """The listening connection of one event loop and who follows it."""

    def __init__(self) -> None:
        self.follower: Follower | None = None
        self.ready = asyncio.Event()
        self.task: asyncio.Task[None] | None = None

    async def follow(self, follower: Follower) -> None:
        """Have every message told to `follower`; returns once the process listens: what commits after that is not
        missed."""
        self.follower = follower
        if self.task is None or self.task.done():
            self.task = asyncio.create_task(self._listen(), name="live-listener")
        await self.ready.wait()

    async def close(self) -> None:
        self.follower = None
        if self.task is not None:
            self.task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self.task
            self.task = None

    def _tell(self, names: Sequence[str] | None, message: Mapping[str, Any]) -> None:
        if self.follower is not None:
            self.follower(names, message)

    async def _listen(self) -> None:
        """Listen for ever; after a lost connection everybody is told to fetch again."""
        wait, lost = 0.1, False
        source = _from_redis if settings.REDIS_URL else _from_postgres
        faults: tuple[type[Exception], ...] = (psycopg.Error, OSError)
        if settings.REDIS_URL:
            from redis import RedisError

            faults += (RedisError,)
        while True:
            try:
                async with source() as payloads:
                    self.ready.set()
                    if lost:
                        self._tell(None, RESYNC)
                    wait, lost = 0.1, False
                    async for payload in payloads:
                        note = orjson.loads(payload)
                        self._tell(note["to"], note["message"])
            except faults as error:
                logger.warning("live events: not connected (%s), next try in %.1f s", error, wait)
                lost = True
            self.ready.clear()
            await asyncio.sleep(wait)
            wait = min(wait * 2, _LONGEST_WAIT)


@contextlib.asynccontextmanager
async def _from_postgres() -> AsyncIterator[AsyncIterator[str]]:
    params = connections["default"].get_connection_params()
    for name in ("cursor_factory", "context"):  # Django's own, for its synchronous connection
        params.pop(name, None)
    params |= {"autocommit": True, "application_name": "marsad live", "connect_timeout": 5}
    async with await psycopg.AsyncConnection.connect(**params) as connection:
        await connection.execute(f"LISTEN {PG_CHANNEL}")

        async def payloads() -> AsyncIterator[str]:
            while True:  # the probe finds a connection that died without a word
                async for note in connection.notifies(timeout=_PROBE_SECONDS):
                    yield note.payload
                await connection.execute("SELECT 1")

        yield payloads()


@contextlib.asynccontextmanager
async def _from_redis() -> AsyncIterator[AsyncIterator[bytes]]:
    from redis.asyncio import Redis
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff

    # No retries of the library's own: it would subscribe again without a word about what was missed.
    retry = Retry(NoBackoff(), 0)
    async with (
        Redis.from_url(settings.REDIS_URL, socket_connect_timeout=5, retry=retry) as client,
        client.pubsub() as subscription,
    ):
        await subscription.subscribe(PG_CHANNEL)

        async def payloads() -> AsyncIterator[bytes]:
            while True:
                note = await subscription.get_message(ignore_subscribe_messages=True, timeout=_PROBE_SECONDS)
                if note is None:
                    await subscription.ping()
                elif note["type"] == "message":
                    yield note["data"]

        yield payloads()
