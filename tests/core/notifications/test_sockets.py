"""Who gets in, what reaches them, and how a socket ends (`contract-platform.md` section 5)."""

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from asgiref.sync import async_to_sync
from channels.db import database_sync_to_async
from channels.routing import URLRouter
from django.db import connection
from django.test import Client as DjangoClient

from portal.config.websockets import websocket_urlpatterns
from portal.core.accounts import tokens
from portal.core.accounts.models import Role, User
from portal.core.accounts.services import people, sessions
from portal.core.accounts.services import signin as services
from portal.core.common import clock
from portal.core.common.errors import DomainError
from portal.core.notifications import consumers, events
from portal.core.notifications.models import Event
from portal.core.notifications.services import message_send
from portal.core.projects import services as projects
from portal.core.projects.members import member_add, member_remove
from portal.core.tenancy.scope import Actor, platform, tenant
from tests.core.notifications.client import Client
from tests.core.people import Cast, session_of

pytestmark = pytest.mark.django_db(transaction=True)
ORIGIN = "http://testserver"


@pytest.fixture
def cast() -> Cast:
    return Cast()


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    async def whole() -> None:
        try:
            async with asyncio.timeout(30):
                await scenario()
        finally:
            await consumers.close_all()

    async_to_sync(whole)()


def socket(path: str, *, key: str = "", origin: str | None = ORIGIN) -> Client:
    headers = [(b"host", b"testserver")]
    headers += [(b"cookie", f"sessionid={key}".encode())] if key else []
    headers += [(b"origin", origin.encode())] if origin else []
    return Client(URLRouter(websocket_urlpatterns), path, headers)


async def opened(path: str, user: User, **more: Any) -> Client:
    key = await database_sync_to_async(session_of)(user)
    client = socket(path, key=key, **more)
    assert await client.connect()
    if client.scope["query_string"] == b"":
        await client.say({"type": "ping"})  # answered after the groups are joined
        assert await client.hear() == {"type": "pong"}
    return client


@database_sync_to_async  # type: ignore[untyped-decorator]
def publish(organization: UUID | None, kind: str, **more: Any) -> None:
    with tenant(organization) if organization else platform():
        events.publish(kind, **{"entity": "sample", "id": more.pop("id", uuid4())} | more)


def publish_now(organization: UUID, kind: str, **more: Any) -> None:
    with tenant(organization):
        events.publish(kind, entity="sample", id=uuid4(), **more)


def times() -> list[str]:
    with platform():
        return [clock.wire(event.at) or "" for event in Event.objects.order_by("at")]


# --- what reaches whom -----------------------------------------------------------------
def test_an_event_reaches_the_organisation_with_the_whole_envelope(cast: Cast) -> None:
    record = uuid4()

    async def scenario() -> None:
        mine, theirs = await opened("/ws/org/", cast.alice), await opened("/ws/org/", cast.mallory)

        await publish(cast.a.pk, "sample.changed", id=record, data={"status": "compliant"})

        got = await mine.hear()
        assert clock.parse_moment(got.pop("at")) is not None
        assert got == {
            "type": "sample.changed",
            "entity": "sample",
            "id": str(record),
            "organizationId": str(cast.a.pk),
            "data": {"status": "compliant"},
        }
        assert await theirs.receive_nothing(0.3)

    run(scenario)


def test_a_role_hears_only_what_it_may_see(cast: Cast) -> None:
    async def scenario() -> None:
        admin, agent, viewer = [await opened("/ws/org/", user) for user in (cast.alice, cast.bob, cast.carol)]

        await publish(cast.a.pk, "sync.conflict")
        await publish(cast.a.pk, "sample.changed")

        assert (await admin.hear())["type"] == "sync.conflict"
        assert (await admin.hear())["type"] == "sample.changed"
        assert (await viewer.hear())["type"] == "sample.changed"
        assert await agent.receive_nothing(0.3)

    run(scenario)


@pytest.mark.covers("E000-027", "C78")
def test_a_notification_reaches_its_person_alone(cast: Cast) -> None:
    async def scenario() -> None:
        alice, bob = await opened("/ws/notifications/", cast.alice), await opened("/ws/notifications/", cast.bob)

        await publish(cast.a.pk, "notification.created", users=[cast.bob.pk], data={"notice": "Hello"})

        assert (await bob.hear())["data"] == {"notice": "Hello"}
        assert await alice.receive_nothing(0.3)

    run(scenario)


def test_a_page_gets_the_number_of_its_bell_with_the_event(cast: Cast) -> None:
    @database_sync_to_async  # type: ignore[untyped-decorator]
    def send() -> None:
        with tenant(cast.a.pk):
            message_send(values={"title": "Closed", "recipients": [str(cast.bob.pk)]}, by=cast.alice)

    async def scenario() -> None:
        page, app = (
            await opened("/ws/notifications/?format=html", cast.bob),
            await opened("/ws/notifications/", cast.bob),
        )
        await page.say({"type": "ping"})
        assert await page.hear() == {"type": "pong"}

        await send()

        drawn = await page.hear()
        assert 'id="bell-count"' in drawn["html"]
        assert ">1<" in drawn["html"]
        assert "html" not in await app.hear()

    run(scenario)


def test_the_platform_socket_is_the_superadmins(cast: Cast) -> None:
    async def scenario() -> None:
        refused, root = await opened_raw("/ws/platform/", cast.alice), await opened("/ws/platform/", cast.root)
        assert await refused.close_code() == 4403

        await publish(None, "health.changed")

        assert (await root.hear())["organizationId"] is None
        assert await (await opened_raw("/ws/org/", cast.root)).close_code() == 4403

    run(scenario)


async def opened_raw(path: str, user: User) -> Client:
    client = socket(path, key=await database_sync_to_async(session_of)(user))
    assert await client.connect()
    return client


@pytest.mark.parametrize("path", ["/ws/nothing/", "/ws/org", "/"])
def test_an_unknown_path_is_refused_with_a_code(path: str) -> None:
    async def scenario() -> None:
        client = socket(path)
        assert await client.connect()
        assert await client.close_code() == 4404

    run(scenario)


# --- who gets in --------------------------------------------------------------------------
@pytest.mark.parametrize(
    "origin", ["http://evil.test", "null", "http://testserver.evil.test", "http://testserver:81", "ftp://testserver"]
)
def test_a_page_from_elsewhere_is_refused(cast: Cast, origin: str) -> None:
    async def scenario() -> None:
        key = await database_sync_to_async(session_of)(cast.alice)
        client = socket("/ws/org/", key=key, origin=origin)
        assert await client.connect()
        assert await client.close_code() == 4403

    run(scenario)


def test_a_dead_session_is_refused_at_once(cast: Cast) -> None:
    async def scenario() -> None:
        client = socket("/ws/org/", key="f" * 32)
        assert await client.connect()
        assert await client.close_code() == 4401

    run(scenario)


def test_without_an_origin_a_cookie_does_not_count_and_the_token_may_come_too_late(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "AUTH_SECONDS", 0.2)

    async def scenario() -> None:
        key = await database_sync_to_async(session_of)(cast.alice)
        client = socket("/ws/org/", key=key, origin=None)
        assert await client.connect()
        assert await client.close_code() == 4408

    run(scenario)


def test_an_app_signs_in_with_its_first_message(cast: Cast) -> None:
    token, _jti, _seconds = tokens.issue(cast.alice)

    @database_sync_to_async  # type: ignore[untyped-decorator]
    def sign_out_everywhere() -> None:
        with tenant(cast.a.pk):
            User.objects.filter(pk=cast.alice.pk).update(token_epoch=cast.alice.token_epoch + 1)

    async def scenario() -> None:
        client = socket("/ws/org/", origin=None)
        assert await client.connect()

        await client.say({"type": "auth", "token": token})

        assert await client.hear() == {"type": "auth.ok"}
        await publish(cast.a.pk, "sample.changed")
        assert (await client.hear())["type"] == "sample.changed"

        await sign_out_everywhere()
        await publish(cast.a.pk, "user.revoked", users=[cast.alice.pk])
        assert await client.close_code() == 4401

    run(scenario)


@pytest.mark.parametrize(
    "text", ['{"type":"auth","token":"bad"}', '{"type":"auth"}', '{"type":"ping"}', "[", "[]", '"x"']
)
def test_a_first_message_that_signs_nobody_in_ends_the_socket(cast: Cast, text: str) -> None:
    async def scenario() -> None:
        client = socket("/ws/org/", origin=None)
        await client.connect()
        await client.say(text)
        assert await client.close_code() == 4401

    run(scenario)


def test_a_long_message_ends_the_socket(cast: Cast) -> None:
    async def scenario() -> None:
        client = await opened("/ws/org/", cast.alice)
        await client.say("x" * 8193)
        assert await client.close_code() == 1009

    run(scenario)


def test_a_person_has_twenty_sockets(cast: Cast) -> None:
    async def scenario() -> None:
        held = [await opened("/ws/org/", cast.alice) for _ in range(20)]
        assert await (await opened_raw("/ws/org/", cast.alice)).close_code() == 4403

        await held.pop().leave()

        await opened("/ws/org/", cast.alice)

    run(scenario)


# --- how it ends -------------------------------------------------------------------------------
def test_a_deactivated_persons_sockets_close(cast: Cast) -> None:
    @database_sync_to_async  # type: ignore[untyped-decorator]
    def deactivate() -> None:
        with tenant(cast.a.pk):
            User.objects.filter(pk=cast.alice.pk).update(is_active=False)
            events.publish("user.revoked", entity="user", id=cast.alice.pk, users=[cast.alice.pk])

    async def scenario() -> None:
        sockets = [await opened(path, cast.alice) for path in ("/ws/org/", "/ws/notifications/")]
        carol = await opened("/ws/org/", cast.carol)

        await deactivate()

        assert [await client.close_code() for client in sockets] == [4401, 4401]
        assert await carol.receive_nothing(0.2)

    run(scenario)


@pytest.mark.parametrize("how", ["switched off", "removed", "new password", "signed out everywhere", "signed out here"])
def test_what_ends_a_session_ends_its_sockets_at_once(cast: Cast, how: str) -> None:
    """Through the services, without a word to the sockets from this test."""

    @database_sync_to_async  # type: ignore[untyped-decorator]
    def end(key: str) -> None:
        with tenant(cast.a.pk, by=cast.alice.actor()):
            bob = User.objects.select_related("role", "organization").get(pk=cast.bob.pk)
            match how:
                case "switched off":
                    people.user_set_active(user=bob, active=False, by=cast.alice)
                case "removed":
                    people.user_delete(user=bob, by=cast.alice)
                case "new password":
                    people.user_update(user=bob, changes={"password": "another one"}, by=cast.alice)
                case "signed out everywhere":
                    sessions.sessions_end(user=bob, by=bob)
        if how == "signed out here":
            page = DjangoClient()
            page.cookies["sessionid"] = key
            assert page.post("/logout").status_code == 302

    async def scenario() -> None:
        key = await database_sync_to_async(session_of)(cast.bob)
        client, other = socket("/ws/notifications/", key=key), await opened("/ws/notifications/", cast.alice)
        assert await client.connect()
        await client.say({"type": "ping"})
        assert await client.hear() == {"type": "pong"}

        await end(key)

        assert await client.close_code() == consumers.NOT_AUTHENTICATED
        assert await other.receive_nothing(0.2)

    run(scenario)


@pytest.mark.parametrize("how", ["logout", "reuse", "device"])
def test_what_ends_a_token_ends_its_sockets_at_once(cast: Cast, how: str) -> None:
    with platform():
        device = {"device_id": "t-1"} if how == "device" else None
        handed = services.finish_login(user=cast.bob, by=Actor(), remember=False, device=device)

    @database_sync_to_async  # type: ignore[untyped-decorator]
    def end() -> None:
        if how == "reuse":
            services.refresh(token=handed.refresh, by=Actor())
            with pytest.raises(DomainError):
                services.refresh(token=handed.refresh, by=Actor())
            return
        with tenant(cast.a.pk):
            if handed.device is not None:
                services.device_revoke(device=handed.device)
            else:
                services.logout(user=cast.bob, claims=tokens.read(handed.access), refresh_token=None)

    async def scenario() -> None:
        client = socket("/ws/notifications/", origin=None)
        assert await client.connect()
        await client.say({"type": "auth", "token": handed.access})
        assert await client.hear() == {"type": "auth.ok"}

        await end()

        assert await client.close_code() == consumers.NOT_AUTHENTICATED

    run(scenario)


def test_another_role_takes_effect_on_an_open_socket(cast: Cast) -> None:
    @database_sync_to_async  # type: ignore[untyped-decorator]
    def demote() -> None:
        with tenant(cast.a.pk):
            role = Role.objects.get(key="Agent", organization=None)
            User.objects.filter(pk=cast.carol.pk).update(role=role)
            events.publish("user.revoked", entity="user", id=cast.carol.pk, users=[cast.carol.pk])

    async def scenario() -> None:
        carol = await opened("/ws/org/", cast.carol)
        await demote()
        await publish(cast.a.pk, "sample.changed")
        assert await carol.receive_nothing(0.4)

    run(scenario)


def test_without_a_word_the_session_is_looked_at_again(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumers, "PING_SECONDS", 0.1)

    @database_sync_to_async  # type: ignore[untyped-decorator]
    def sign_out() -> None:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM django_session")

    async def scenario() -> None:
        client = await opened("/ws/org/", cast.alice)
        assert await client.hear() == {"type": "ping"}

        await sign_out()

        while (message := await client.receive_output(3))["type"] == "websocket.send":
            assert message["text"] == '{"type":"ping"}'
        assert message["code"] == 4401

    run(scenario)


def test_a_client_that_says_too_much_is_closed(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumers, "MESSAGES_PER_MINUTE", 3)

    async def scenario() -> None:
        clients = [await opened("/ws/org/", cast.alice), socket("/ws/org/", origin=None)]
        assert await clients[1].connect()  # who has not said who it is may not guess tokens either
        for turn in range(2):
            await clients[0].say({"type": "ping"})
            assert await clients[0].hear() == {"type": "pong"}, turn
        await clients[0].say({"type": "ping"})
        assert await clients[0].close_code() == 4429
        await clients[1].say({"type": "auth", "token": "x"})
        assert await clients[1].close_code() == 4401

    run(scenario)


def test_a_restart_says_so(cast: Cast) -> None:
    async def scenario() -> None:
        client = await opened("/ws/org/", cast.alice)
        await consumers.close_all()
        assert await client.close_code() == 1012

    run(scenario)


# --- what was missed ------------------------------------------------------------------------
def test_a_client_that_comes_back_gets_what_it_missed_and_may_see(cast: Cast) -> None:
    for kind in ("sample.changed", "result.changed", "sync.conflict", "compliance.changed"):
        publish_now(cast.a.pk, kind)
    publish_now(cast.b.pk, "sample.changed")
    last_seen = times()[0]

    async def scenario() -> None:
        carol = await opened(f"/ws/org/?since={last_seen}", cast.carol)

        assert [(await carol.hear())["type"] for _ in range(2)] == ["result.changed", "compliance.changed"]
        assert await carol.receive_nothing(0.2)
        await publish(cast.a.pk, "sample.changed")
        assert (await carol.hear())["type"] == "sample.changed"

    run(scenario)


def test_an_event_that_committed_late_is_not_skipped(cast: Cast) -> None:
    with slow_event(cast.a.pk, "result.changed"):
        publish_now(cast.a.pk, "sample.changed")
        last_seen = times()[-1]
    assert times().index(last_seen) == 1  # the slow one carries the earlier time

    async def scenario() -> None:
        client = await opened(f"/ws/org/?since={last_seen}", cast.alice)
        assert (await client.hear())["type"] == "result.changed"
        assert await client.receive_nothing(0.2)

    run(scenario)


@contextmanager
def slow_event(organization: UUID, kind: str) -> Any:
    """An event that another connection publishes at the start of the block and commits at its end."""
    published, go_on = threading.Event(), threading.Event()

    def work() -> None:
        try:
            with tenant(organization):
                events.publish(kind, entity="sample", id=uuid4())
                published.set()
                go_on.wait(10)
        finally:
            connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    assert published.wait(10)
    yield
    go_on.set()
    thread.join()


@pytest.mark.parametrize("away", [None, timedelta(hours=25)])
def test_who_was_away_too_long_fetches_everything(cast: Cast, away: timedelta | None) -> None:
    since = clock.wire(clock.now() - away) if away else "yesterday"

    publish_now(cast.a.pk, "sample.changed")

    async def scenario() -> None:
        client = await opened(f"/ws/org/?since={since}", cast.alice)
        got = await client.hear()
        assert (got["type"], got["organizationId"]) == ("resync", str(cast.a.pk))
        assert await client.receive_nothing(0.2)

    run(scenario)


# --- publishing ---------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "mistake",
    [
        {"type": "sample.eaten"},
        {"organization": uuid4()},
        {"data": {"when": object()}},
        {"type": "notification.created"},
    ],
    ids=["unknown type", "another organisation", "not JSON", "for nobody"],
)
def test_a_mistake_is_logged_and_the_work_goes_on(
    cast: Cast, mistake: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    with tenant(cast.a.pk):
        events.publish(**{"type": "sample.changed", "entity": "sample", "id": uuid4()} | mistake)
        User.objects.filter(pk=cast.bob.pk).update(department="Water")

    assert times() == []
    with platform():
        assert User.objects.get(pk=cast.bob.pk).department == "Water"
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


def test_data_too_large_for_a_message_is_left_out(cast: Cast) -> None:
    publish_now(cast.a.pk, "sample.changed", data={"text": "x" * 9000})

    with platform():
        (event,) = Event.objects.all()
    assert '"data":{}' in event.text


def test_publishing_costs_one_statement(cast: Cast, django_assert_num_queries: Any) -> None:
    with tenant(cast.a.pk), django_assert_num_queries(1):
        events.publish("sample.changed", entity="sample", id=uuid4())


def test_one_organisation_cannot_read_the_kept_events_of_another(cast: Cast) -> None:
    publish_now(cast.a.pk, "sample.changed")

    with tenant(cast.b.pk), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM notifications_event")
        assert cursor.fetchone() == (0,)


def test_nobody_waits_for_the_client_when_a_socket_is_closed(cast: Cast) -> None:
    """Granian sends a close frame only then; a revoked person's socket would stay open."""
    waiting, at_close = 0, []

    async def watched(scope: Any, receive: Any, send: Any) -> None:
        async def receive_counted() -> Any:
            nonlocal waiting
            waiting += 1
            try:
                return await receive()
            finally:
                waiting -= 1

        async def send_watched(message: dict[str, Any]) -> None:
            if message["type"] == "websocket.close":
                at_close.append(waiting)
            await send(message)

        await URLRouter(websocket_urlpatterns)(scope, receive_counted, send_watched)

    async def scenario() -> None:
        key = await database_sync_to_async(session_of)(cast.alice)
        headers = [(b"host", b"testserver"), (b"cookie", f"sessionid={key}".encode()), (b"origin", ORIGIN.encode())]
        client = Client(watched, "/ws/org/", headers)
        await client.connect()
        await client.say({"type": "ping"})
        await client.hear()

        await consumers.close_all()

        assert await client.close_code() == 1012
        assert at_close == [0]

    run(scenario)


@pytest.mark.covers("E000-026", "000-RT-02", "000-RT-03")
def test_a_project_is_followed_by_those_who_see_it(cast: Cast) -> None:
    with tenant(cast.a.pk, by=cast.alice.actor()):
        row, _new = projects.project_create(data={"name": "P"}, by=cast.alice)
        User.objects.filter(pk=cast.bob.pk).update(all_projects=False)
        member_add(project=row["id"], user=cast.bob.pk, by=cast.alice)
    path = f"/ws/projects/{row['id']}/"

    @database_sync_to_async  # type: ignore[untyped-decorator]
    def take_out() -> None:
        with tenant(cast.a.pk, by=cast.alice.actor()):
            projects.project_update(id=row["id"], data={"status": "Active"}, by=cast.alice)
            member_remove(project=row["id"], user=cast.bob.pk, by=cast.alice)

    async def scenario() -> None:
        bob, carol = await opened(path, cast.bob), await opened(path, cast.carol)
        for user, other in ((cast.mallory, path), (cast.carol, f"/ws/projects/{uuid4()}/"), (cast.root, path)):
            key = await database_sync_to_async(session_of)(user)
            stranger = socket(other, key=key)
            assert await stranger.connect()
            assert await stranger.close_code() == 4403

        await take_out()

        assert (await carol.hear())["data"] == {"status": "Active", "former": "Draft", "name": "P"}
        assert (await bob.hear())["type"] == "project.status"
        assert (await bob.hear())["type"] == "project.updated"
        assert await bob.close_code() == 4403

    run(scenario)
