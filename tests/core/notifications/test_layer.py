"""The channel layer over LISTEN and NOTIFY."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from channels.db import database_sync_to_async
from django.db import connection, transaction

from portal.core.notifications.layer import MAX_BYTES, RESYNC, MessageTooLarge, PostgresChannelLayer, notify, pack

pytestmark = pytest.mark.django_db(transaction=True)
HELLO = {"type": "live.event", "n": 1}


def run(scenario: Callable[..., Awaitable[None]], *layers: PostgresChannelLayer) -> None:
    async def whole() -> None:
        try:
            async with asyncio.timeout(20):
                await scenario(*layers)
        finally:
            for layer in layers:
                await layer.close()

    async_to_sync(whole)()


async def silent(layer: PostgresChannelLayer, channel: str) -> bool:
    waiting = asyncio.ensure_future(layer.receive(channel))
    done, _ = await asyncio.wait([waiting], timeout=0.3)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    return not done


def test_a_group_message_reaches_the_members_in_every_process() -> None:
    async def scenario(here: PostgresChannelLayer, there: PostgresChannelLayer) -> None:
        first, second, other = await here.new_channel(), await there.new_channel(), await there.new_channel()
        await here.group_add("org.1", first)
        await there.group_add("org.1", second)
        await there.group_add("org.2", other)

        await here.group_send("org.1", HELLO)

        assert await here.receive(first) == HELLO
        assert await there.receive(second) == HELLO
        assert await silent(there, other)

    run(scenario, PostgresChannelLayer(), PostgresChannelLayer())


def test_a_message_to_a_channel_of_another_process_arrives() -> None:
    async def scenario(here: PostgresChannelLayer, there: PostgresChannelLayer) -> None:
        name = await there.new_channel()
        await there.group_add("any", name)

        await here.send(name, HELLO)

        assert await there.receive(name) == HELLO

    run(scenario, PostgresChannelLayer(), PostgresChannelLayer())


def test_who_left_the_group_hears_nothing() -> None:
    async def scenario(layer: PostgresChannelLayer) -> None:
        name = await layer.new_channel()
        await layer.group_add("org.1", name)
        await layer.group_discard("org.1", name)

        await layer.group_send("org.1", HELLO)

        assert await silent(layer, name)

    run(scenario, PostgresChannelLayer())


def test_a_message_in_a_transaction_leaves_at_its_commit_or_never() -> None:
    def commit_late(payload: str) -> None:
        with transaction.atomic():
            notify(pack(["org.1"], {"type": "live.event", "n": 2}))
            transaction.set_rollback(True)
        with transaction.atomic():
            notify(payload)
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_sleep(0.2)")

    async def scenario(layer: PostgresChannelLayer) -> None:
        name = await layer.new_channel()
        await layer.group_add("org.1", name)

        await database_sync_to_async(commit_late)(pack(["org.1"], HELLO))

        assert await layer.receive(name) == HELLO
        assert await silent(layer, name)

    run(scenario, PostgresChannelLayer())


def test_a_message_that_postgresql_would_refuse_is_refused_with_the_reason() -> None:
    fits = MAX_BYTES - len(pack(["g"], {"text": ""}))

    assert len(pack(["g"], {"text": "x" * fits})) == MAX_BYTES
    notify(pack(["g"], {"text": "x" * fits}))
    with pytest.raises(MessageTooLarge, match="8000 bytes"):
        pack(["g"], {"text": "x" * (fits + 1)})


def test_a_slow_reader_loses_the_backlog_and_is_told() -> None:
    async def scenario(layer: PostgresChannelLayer) -> None:
        name, last = await layer.new_channel(), await layer.new_channel()
        await layer.group_add("org.1", name)
        await layer.group_add("end", last)

        for n in range(4):
            await layer.group_send("org.1", {"type": "live.event", "n": n})
        await layer.group_send("end", HELLO)
        await layer.receive(last)

        assert [await layer.receive(name) for _ in range(2)] == [RESYNC, {"type": "live.event", "n": 3}]

    run(scenario, PostgresChannelLayer(capacity=3))


def test_after_a_lost_connection_it_listens_again_and_says_that_something_may_be_missing() -> None:
    def cut() -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'marsad live' AND datname = current_database()"
            )

    async def scenario(layer: PostgresChannelLayer) -> None:
        name = await layer.new_channel()
        await layer.group_add("org.1", name)

        await database_sync_to_async(cut)()

        assert await layer.receive(name) == RESYNC
        await layer.group_send("org.1", HELLO)
        assert await layer.receive(name) == HELLO

    run(scenario, PostgresChannelLayer())


def test_a_gone_consumer_leaves_nothing_behind() -> None:
    async def scenario(layer: PostgresChannelLayer) -> None:
        name = await layer.new_channel()
        await layer.group_add("org.1", name)

        assert await silent(layer, name)

        hub: Any = layer._hub
        assert (hub.channels, dict(hub.groups)) == ({}, {})

    run(scenario, PostgresChannelLayer())
