"""The sockets: who is at the other end, and which events reach them.

Close codes (`contract-platform.md` section 5): 4401 not authenticated or no longer, 4403 not allowed, 4404 no socket
has this address, 4408 no token in time, 4429 more messages than a client has to say, 1012 the server restarts or has
no database. A socket is accepted before it is refused, since a browser learns the code of an accepted one only.
"""

import asyncio
import contextlib
import logging
import random
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from importlib import import_module
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit
from uuid import UUID
from weakref import WeakKeyDictionary

import orjson
from channels.consumer import get_handler_name
from channels.db import database_sync_to_async
from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.contrib.auth import get_user
from django.db import DatabaseError
from django.http import HttpRequest, parse_cookie
from django.http.request import split_domain_port, validate_host

from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.common.errors import DomainError
from portal.core.monitoring.prometheus import socket_opened
from portal.core.notifications import events
from portal.core.notifications.layer import RESYNC, Line

NOT_AUTHENTICATED: Final = 4401
NOT_ALLOWED: Final = 4403
NOT_FOUND: Final = 4404
TOO_LATE: Final = 4408
RESTART: Final = 1012
TOO_BIG: Final = 1009
TOO_MANY: Final = 4429
AUTH_SECONDS: Final = 5.0
PING_SECONDS: Final = 30.0  # every second ping also asks whether the person is still who they were
MAX_MESSAGE: Final = 8192  # characters; the only long message is a token
MESSAGES_PER_MINUTE: Final = 120  # of one client, which has little to say but `ping`
SOCKETS_PER_PERSON: Final = 20  # in one process
MOST_WAITING: Final = 1000  # messages that wait to be drawn

logger = logging.getLogger(__name__)

CAPACITY: Final = 100  # messages that wait for a slow client before it loses them and is told so

_open: set["LiveSocket"] = set()
_per_person: Counter[UUID] = Counter()


class FanOut:
    """The sockets of one event loop by the group that they follow, and the one task that tells them what comes.

    A message is checked and drawn once for all of them: no query and no channel for a socket of its own.
    """

    def __init__(self) -> None:
        self.line = Line()
        self.groups: defaultdict[str, set[LiveSocket]] = defaultdict(set)
        self.waiting: deque[tuple[Sequence[str] | None, Mapping[str, Any]]] = deque()
        self.filled = asyncio.Event()
        self.task: asyncio.Task[None] | None = None
        self.looking: set[asyncio.Task[None]] = set()

    async def join(self, socket: "LiveSocket", groups: Iterable[str]) -> None:
        """Returns once the process listens: what commits after that is not missed."""
        for group in groups:
            self.groups[group].add(socket)
            socket.follows.append(group)
        if self.task is None or self.task.done():
            self.task = asyncio.create_task(self.run(), name="live-fan-out")
        await self.line.follow(self.hear)

    def leave(self, socket: "LiveSocket") -> None:
        for group in socket.follows:
            self.groups[group].discard(socket)
            if not self.groups[group]:
                del self.groups[group]
        socket.follows.clear()

    def hear(self, names: Sequence[str] | None, message: Mapping[str, Any]) -> None:
        if names is not None and not any(name in self.groups for name in names):
            return
        if len(self.waiting) >= MOST_WAITING:  # the database does not draw: fetch again later
            self.waiting.clear()
            names, message = None, RESYNC
        self.waiting.append((names, message))
        self.filled.set()

    async def run(self) -> None:
        while True:
            while not self.waiting:
                self.filled.clear()
                await self.filled.wait()
            names, message = self.waiting.popleft()
            every = self.groups.values() if names is None else [self.groups[n] for n in names if n in self.groups]
            sockets = {socket for some in every for socket in some}
            try:
                await self.tell([socket for socket in sockets if not socket.holds(message)], message)
            except Exception:  # the next message is somebody else's
                logger.exception("a live message reached nobody")

    async def tell(self, sockets: Sequence["LiveSocket"], message: Mapping[str, Any]) -> None:
        match message["type"]:
            case "live.resync":
                for socket in sockets:
                    socket.resync()
            case "live.recheck":
                for socket in sockets:  # what comes next waits: the person may no longer see it
                    socket.held = deque([message])
                    task = asyncio.create_task(self.release(socket))
                    self.looking.add(task)
                    task.add_done_callback(self.looking.discard)
            case "live.event":
                text = message["text"]
                wanting = [socket for socket in sockets if socket.wants(message)]
                drawing = events.has_fragment(text) and [socket for socket in wanting if socket.language]
                for socket in wanting:
                    if not drawing or not socket.language:
                        socket.post(text)
                if drawing:
                    await self.tell_drawn(drawing, text)

    async def release(self, socket: "LiveSocket") -> None:
        """Tell a socket what was held back for it, in order; who they are is read anew where a message asks for it."""
        while socket.held:
            message = socket.held.popleft()
            if message["type"] != "live.recheck":
                await self.tell([socket], message)
                continue
            try:
                await socket.recheck()
            except DatabaseError:
                await socket.close(RESTART)
        socket.held = None

    async def tell_drawn(self, sockets: Sequence["LiveSocket"], text: str) -> None:
        """The event with its fragment, without it where the database is away."""
        readers = {(socket.user, socket.reads) for socket in sockets if socket.user is not None}
        try:
            texts = await database_sync_to_async(partial(events.drawn, text, readers=readers))()
        except DatabaseError:
            texts = {}
        for socket in sockets:
            if socket.user is not None:
                socket.post(texts.get((socket.user.pk, socket.reads), text))

    async def close(self) -> None:
        await self.line.close()
        for task in (self.task, *self.looking):
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
        self.task = None


_fan_outs: WeakKeyDictionary[asyncio.AbstractEventLoop, FanOut] = WeakKeyDictionary()


def fan_out() -> FanOut:
    """That of the running event loop."""
    return _fan_outs.setdefault(asyncio.get_running_loop(), FanOut())


class LiveSocket(AsyncWebsocketConsumer):
    """One client. Subclasses name the group that it follows and who may."""

    user: User | None = None
    identify: Callable[[], User | None]
    background: asyncio.Task[None] | None = None
    closed = False
    replayed: frozenset[str] = frozenset()
    language = ""  # of the fragments that the client wants with events; "" wants none
    held: deque[Mapping[str, Any]] | None = None  # what came before the client had what it missed
    sending: asyncio.Task[None] | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.follows: list[str] = []
        self.outbox: deque[str] = deque()
        self.heard = (0, 0)  # the running minute and its messages

    def group(self, user: User) -> str | None:
        """The group that `user` follows here, or None when they may not."""
        raise NotImplementedError

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        loop = asyncio.get_running_loop()
        self.ending: asyncio.Future[int | None] = loop.create_future()
        self.ended: asyncio.Future[None] = loop.create_future()

        async def receive_or_end() -> Any:
            # The only place that closes: Granian holds a close frame back for as long as someone waits for the client.
            if not self.ending.done():
                message = asyncio.ensure_future(receive())
                try:
                    await asyncio.wait({message, self.ending}, return_when=asyncio.FIRST_COMPLETED)
                    if message.done():
                        return message.result()
                finally:
                    message.cancel()
                await asyncio.wait({message}, timeout=0.5)  # a server that stops may never answer
            code = self.ending.result()
            await send({"type": "websocket.close", "code": code})
            return {"type": "websocket.disconnect", "code": code}

        self.scope, self.base_send = scope, send
        try:
            while True:  # without the channel of its own that Channels would give each consumer
                message = await receive_or_end()
                await getattr(self, get_handler_name(message))(message)
        except StopConsumer:
            pass
        finally:
            _leave(self)
            self.ended.set_result(None)

    # --- who is there --------------------------------------------------------------
    async def connect(self) -> None:
        await self.accept()
        headers = dict(self.scope["headers"])
        cookies = headers.get(b"cookie", b"").decode("latin1")
        if b"format=html" in self.scope["query_string"].split(b"&"):
            self.language = parse_cookie(cookies).get(settings.LANGUAGE_COOKIE_NAME) or settings.LANGUAGE_CODE
        origin = headers.get(b"origin")
        if origin is not None and not origin_allowed(
            origin.decode("latin1"), headers.get(b"host", b"").decode("latin1")
        ):
            await self.close(NOT_ALLOWED)
            return
        # A cookie counts only where a browser vouches for the page that opened the socket.
        key = session_key(cookies) if origin is not None else ""
        if key:
            await self.begin(partial(session_user, key))
        else:
            self.background = asyncio.create_task(self.expect_token())

    async def expect_token(self) -> None:
        await asyncio.sleep(AUTH_SECONDS)
        await self.close(TOO_LATE)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if text_data is None or len(text_data) > MAX_MESSAGE:
            await self.close(TOO_BIG)
            return
        minute = int(asyncio.get_running_loop().time() // 60)
        self.heard = (minute, self.heard[1] + 1 if self.heard[0] == minute else 1)
        if self.heard[1] > MESSAGES_PER_MINUTE:
            await self.close(TOO_MANY)
            return
        try:
            message = orjson.loads(text_data)
        except orjson.JSONDecodeError:
            message = None
        kind = message.get("type") if isinstance(message, dict) else None
        if self.user is not None:
            if kind == "ping":
                await self.send('{"type":"pong"}')
        elif kind == "auth" and isinstance(message.get("token"), str):
            self.rest()
            await self.begin(partial(token_user, message["token"]), greet=True)
        else:
            await self.close(NOT_AUTHENTICATED)

    async def begin(self, identify: Callable[[], User | None], *, greet: bool = False) -> None:
        """Let the person in: join the groups, then send what they missed, then what comes."""
        self.identify = identify
        user = await database_sync_to_async(identify)()
        if user is None:
            await self.close(NOT_AUTHENTICATED)
            return
        group = self.group(user)
        if group is None or _per_person[user.pk] >= SOCKETS_PER_PERSON:
            await self.close(NOT_ALLOWED)
            return
        self.user, self.held = user, deque()
        _enter(self)
        try:
            async with asyncio.timeout(10):
                await fan_out().join(self, [group, f"auth.{user.pk}"])
        except TimeoutError:
            await self.close(RESTART)
            return
        if greet:
            await self.send('{"type":"auth.ok"}')
        await self.catch_up(user, group)
        await fan_out().release(self)
        self.background = asyncio.create_task(self.tend())

    async def catch_up(self, user: User, group: str) -> None:
        wish = parse_qs(self.scope["query_string"].decode("latin1")).get("since")
        if not wish:
            return
        since = clock.parse_moment(wish[0])
        found = None
        if since is not None:
            found = await database_sync_to_async(events.missed)(user=user, groups=[group], since=since)
        if found is None:
            self.resync()
            return
        for _id, text in found:
            if self.language and events.has_fragment(text):
                await fan_out().tell_drawn([self], text)
            else:
                self.post(text)
        self.replayed = frozenset(str(event) for event, _text in found)

    async def tend(self) -> None:
        while True:
            for _turn in range(2):
                await asyncio.sleep(PING_SECONDS * random.uniform(0.9, 1.1))  # noqa: S311  (spreads the load)
                await self.send('{"type":"ping"}')
            await self.recheck()

    # --- what comes from the fan-out -----------------------------------------------------
    @property
    def reads(self) -> str:
        """The language of fragments: that of the person before that of the cookie."""
        return (self.user.language if self.user else "") or self.language

    def holds(self, message: Mapping[str, Any]) -> bool:
        """Keep the message for later, while the client is still being told what it missed."""
        if self.held is not None:
            self.held.append(message)
        return self.held is not None

    def wants(self, message: Mapping[str, Any]) -> bool:
        wanted = message["permission"]
        allowed = self.user is not None and (not wanted or wanted in self.user.permission_codes)
        return allowed and message["event"] not in self.replayed

    def post(self, text: str) -> None:
        """Send when the client can take it. One too slow loses what waits and is told to fetch again."""
        if len(self.outbox) >= CAPACITY:
            self.outbox.clear()
            self.outbox.append(self._resync_text())
        self.outbox.append(text)
        if self.sending is None and not self.closed:
            self.sending = asyncio.create_task(self._send_on())

    async def _send_on(self) -> None:
        try:
            while self.outbox and not self.closed:
                await self.send(self.outbox.popleft())
        finally:
            self.sending = None

    def resync(self) -> None:
        """Events were lost on the way here: the client fetches what it shows."""
        self.post(self._resync_text())

    def _resync_text(self) -> str:
        organization = self.user.organization_id if self.user else None
        return orjson.dumps(events.envelope("resync", organization=organization)).decode()

    async def recheck(self) -> None:
        """Read the person anew; a changed role takes effect here."""
        user = await database_sync_to_async(self.identify)()
        if user is None or self.user is None or user.pk != self.user.pk:
            await self.close(NOT_AUTHENTICATED)
        elif self.group(user) != self.group(self.user):
            await self.close(NOT_ALLOWED)
        else:
            self.user = user

    # --- the end ---------------------------------------------------------------------
    async def send(self, text_data: str | None = None, bytes_data: bytes | None = None, close: bool = False) -> None:
        if not self.closed:
            await super().send(text_data=text_data, bytes_data=bytes_data, close=close)

    async def close(self, code: int | None = None, reason: str | None = None) -> None:
        if not self.closed:
            self.closed = True
            self.rest()
            _leave(self)
            self.ending.set_result(code)

    async def disconnect(self, code: int) -> None:
        self.closed = True

    def rest(self) -> None:
        if self.background is not None and self.background is not asyncio.current_task():
            self.background.cancel()
        self.background = None


class NotificationsSocket(LiveSocket):
    """`/ws/notifications/`: what concerns one person."""

    def group(self, user: User) -> str | None:
        return f"user.{user.pk}"


class OrganizationSocket(LiveSocket):
    """`/ws/org/`: what happens in the person's organisation, as far as their role may see it."""

    def group(self, user: User) -> str | None:
        return f"org.{user.organization_id}" if user.organization_id else None


class PlatformSocket(LiveSocket):
    """`/ws/platform/`: health and jobs, for the superadmin."""

    def group(self, user: User) -> str | None:
        return "platform" if user.is_superadmin else None


async def close_all() -> None:
    """Tell every client of this process to come back: the server restarts. Waits for them at most 3 s."""
    sockets = list(_open)
    for socket in sockets:
        await socket.close(RESTART)
    if sockets:
        await asyncio.wait([socket.ended for socket in sockets], timeout=3)
    if (fan := _fan_outs.pop(asyncio.get_running_loop(), None)) is not None:
        await fan.close()


def _enter(socket: LiveSocket) -> None:
    _open.add(socket)
    socket_opened(1)
    if socket.user is not None:
        _per_person[socket.user.pk] += 1


def _leave(socket: LiveSocket) -> None:
    socket.rest()
    if socket in _open and socket.user is not None:
        _open.discard(socket)
        fan_out().leave(socket)
        socket_opened(-1)
        _per_person[socket.user.pk] -= 1
        if not _per_person[socket.user.pk]:
            del _per_person[socket.user.pk]


def origin_allowed(origin: str, host: str) -> bool:
    """Is a page of `origin` ours? The same host and port as the socket's, or one that the settings name."""
    if origin in settings.CSRF_TRUSTED_ORIGINS or origin == settings.PUBLIC_URL:
        return True
    try:
        page = urlsplit(origin)
    except ValueError:
        return False
    hosts = settings.ALLOWED_HOSTS
    return page.scheme in ("http", "https") and page.netloc == host and validate_host(split_domain_port(host)[0], hosts)


def session_key(cookies: str) -> str:
    return str(parse_cookie(cookies).get(settings.SESSION_COOKIE_NAME, ""))


def session_user(key: str) -> User | None:
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(key)
    user = get_user(request)
    return user if isinstance(user, User) else None


def token_user(token: str) -> User | None:
    from portal.core.accounts.selectors import user_for_access_token

    try:
        return user_for_access_token(token)
    except DomainError:
        return None
