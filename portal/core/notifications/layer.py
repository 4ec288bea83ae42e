"""The Channels layer over PostgreSQL's LISTEN and NOTIFY.

Each process holds one listening connection and fans out to its own members, so a group message costs one statement
whatever the number of sockets. NOTIFY belongs to the transaction: what is published in one that rolls back is never
sent, and messages arrive in the order of the commits.
"""

import asyncio
import contextlib
import logging
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from typing import Any
from weakref import WeakKeyDictionary

import orjson
import psycopg
from channels.db import database_sync_to_async
from channels.layers import BaseChannelLayer
from django.db import connections

from portal.core.common.ids import uuid7

PG_CHANNEL = "marsad_live"
MAX_BYTES = 7999  # PostgreSQL refuses a payload of 8,000 bytes
RESYNC = {"type": "live.resync"}
_PROBE_SECONDS = 30.0
_LONGEST_WAIT = 10.0

logger = logging.getLogger(__name__)


class MessageTooLarge(ValueError):
    """A message is 8,000 bytes or more as JSON: send ids, not bodies."""


def pack(names: Iterable[str], message: Mapping[str, Any]) -> str:
    """The NOTIFY payload for groups or channels. Raises MessageTooLarge, and TypeError for what is not JSON."""
    payload = orjson.dumps({"to": list(names), "message": message})
    if len(payload) > MAX_BYTES:
        raise MessageTooLarge(f"a live message of {len(payload)} bytes (at most {MAX_BYTES}): send ids, not bodies")
    return payload.decode()


def notify(payload: str) -> None:
    """Send on Django's own connection: at the commit of the transaction in force, or at once outside of one."""
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [PG_CHANNEL, payload])


class _Queue:
    """The waiting messages of one channel. A reader too slow for `capacity` loses them all and is told so."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.items: deque[Mapping[str, Any]] = deque()
        self.filled = asyncio.Event()

    def put(self, message: Mapping[str, Any]) -> None:
        if len(self.items) >= self.capacity:
            self.items.clear()
            self.items.append(RESYNC)
        self.items.append(message)
        self.filled.set()

    async def get(self) -> Mapping[str, Any]:
        while not self.items:
            self.filled.clear()
            await self.filled.wait()
        return self.items.popleft()


class _Hub:
    """Channels, groups and the listening connection of one event loop."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.channels: dict[str, _Queue] = {}
        self.groups: defaultdict[str, set[str]] = defaultdict(set)
        self.ready = asyncio.Event()
        self.task: asyncio.Task[None] | None = None

    def start(self) -> None:
        if self.task is None or self.task.done():
            self.task = asyncio.create_task(self.listen(), name="live-listener")

    def channel(self, name: str) -> _Queue:
        if name not in self.channels:
            self.channels[name] = _Queue(self.capacity)
        return self.channels[name]

    def forget(self, name: str) -> None:
        self.channels.pop(name, None)
        for group in [group for group, members in self.groups.items() if name in members]:
            self.leave(group, name)

    def leave(self, group: str, name: str) -> None:
        self.groups[group].discard(name)
        if not self.groups[group]:
            del self.groups[group]

    def deliver(self, payload: str) -> None:
        note = orjson.loads(payload)
        names: set[str] = set()
        for name in note["to"]:
            names |= self.groups.get(name) or {name}
        for name in names & self.channels.keys():
            self.channels[name].put(note["message"])

    async def listen(self) -> None:
        """Listen for ever; after a lost connection every channel is told to fetch again."""
        wait, lost = 0.1, False
        while True:
            try:
                async with await self.connect() as connection:
                    await connection.execute(f"LISTEN {PG_CHANNEL}")
                    self.ready.set()
                    if lost:
                        for queue in self.channels.values():
                            queue.put(RESYNC)
                    wait, lost = 0.1, False
                    while True:  # the probe finds a connection that died without a word
                        async for note in connection.notifies(timeout=_PROBE_SECONDS):
                            self.deliver(note.payload)
                        await connection.execute("SELECT 1")
            except (psycopg.Error, OSError) as error:
                logger.warning("live events: no database (%s), next try in %.1f s", error, wait)
                lost = True
            self.ready.clear()
            await asyncio.sleep(wait)
            wait = min(wait * 2, _LONGEST_WAIT)

    async def connect(self) -> "psycopg.AsyncConnection[Any]":
        params = connections["default"].get_connection_params()
        for name in ("cursor_factory", "context"):  # Django's own, for its synchronous connection
            params.pop(name, None)
        return await psycopg.AsyncConnection.connect(
            **params | {"autocommit": True, "application_name": "marsad live", "connect_timeout": 5}
        )


class PostgresChannelLayer(BaseChannelLayer):
    """Sends and group sends go through the database, channels and memberships live in this process."""

    def __init__(self, capacity: int = 100) -> None:
        super().__init__(capacity=capacity)
        self._hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, _Hub] = WeakKeyDictionary()

    @property
    def _hub(self) -> _Hub:
        loop = asyncio.get_running_loop()
        if loop not in self._hubs:
            self._hubs[loop] = _Hub(self.capacity)
        return self._hubs[loop]

    async def new_channel(self, prefix: str = "live") -> str:
        name = f"{prefix}!{uuid7().hex}"
        hub = self._hub
        hub.start()
        hub.channel(name)
        return name

    async def receive(self, channel: str) -> Mapping[str, Any]:
        """The next message of a channel. A cancelled receive ends the channel: its consumer is gone."""
        hub = self._hub
        try:
            return await hub.channel(channel).get()
        except asyncio.CancelledError:
            hub.forget(channel)
            raise

    async def send(self, channel: str, message: Mapping[str, Any]) -> None:
        await self._send(channel, message)

    async def group_send(self, group: str, message: Mapping[str, Any]) -> None:
        await self._send(group, message)

    async def _send(self, name: str, message: Mapping[str, Any]) -> None:
        payload = pack([name], message)
        await database_sync_to_async(notify)(payload)

    async def group_add(self, group: str, channel: str) -> None:
        """Join, and return once the process listens: what commits after that is not missed."""
        self.require_valid_group_name(group)
        hub = self._hub
        hub.start()
        hub.channel(channel)
        hub.groups[group].add(channel)
        await hub.ready.wait()

    async def group_discard(self, group: str, channel: str) -> None:
        self._hub.leave(group, channel)

    async def close(self) -> None:
        """Stop listening in this event loop."""
        hub = self._hubs.pop(asyncio.get_running_loop(), None)
        if hub is not None and hub.task is not None:
            hub.task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await hub.task
