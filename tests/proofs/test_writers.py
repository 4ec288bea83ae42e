"""Eight writers and a poller on connections of their own: a reader that follows the cursor skips nothing (sync.md 2).

The same race is run with faults that are known to lose changes, which shows that it could tell.
"""

import os
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import uuid4

import pytest
from django.db import connection, connections

from portal.core.sync import registry, selectors, services
from portal.core.sync.models import Clock, FeedRecord
from portal.core.tenancy import scope
from portal.core.tenancy.scope import tenant
from tests.api.conftest import Cast

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])
FULL = os.environ.get("HYPOTHESIS_PROFILE") == "full"
WRITERS = 8
BATCHES = 60 if FULL else 6
PAUSE = 0.02  # seconds, the longest one between write and commit
SAMPLE = {
    "type": "drinking_water",
    "location": "Anfa, tap 4",
    "collectionDate": "2026-03-20T09:15:00Z",
    "collectorName": "Amina",
}


class Store(Protocol):
    def write(self, writer: int, pause: Callable[[], None]) -> list[int]:
        """Commit one batch, resting between write and commit; the versions that it got."""

    def read(self, place: Any) -> tuple[list[int], Any]:
        """The versions of one page after `place`, and the next place."""


@dataclass
class Outcome:
    written: list[int] = field(default_factory=list)
    seen: list[int] = field(default_factory=list)

    @property
    def lost(self) -> int:
        return len(set(self.written) - set(self.seen))


def race(store: Store) -> Outcome:
    outcome, running = Outcome(), threading.Event()
    running.set()

    def writing(writer: int) -> list[int]:
        dice = random.Random(writer)
        try:
            return [
                version
                for _batch in range(BATCHES)
                for version in store.write(writer, lambda: time.sleep(dice.uniform(0, PAUSE)))
            ]
        finally:
            connections.close_all()

    def polling() -> list[int]:
        seen, place = [], None
        try:
            while True:
                last = not running.is_set()
                found, place = store.read(place)
                seen += found
                if last and not found:
                    return seen
        finally:
            connections.close_all()

    with ThreadPoolExecutor(WRITERS + 1) as pool:
        poller = pool.submit(polling)
        for done in [pool.submit(writing, n) for n in range(WRITERS)]:
            outcome.written += done.result()
        running.clear()
        outcome.seen = poller.result()
    return outcome


@dataclass
class Engine:
    """The product: pushes of one to three samples, pages of the feed."""

    cast: Cast

    def write(self, writer: int, pause: Callable[[], None]) -> list[int]:
        user = self.cast.bob.user
        items = [
            {"entity": "sample", "entityId": str(uuid4()), "operation": "created", "data": SAMPLE}
            for _ in range(1 + writer % 3)
        ]
        with tenant(self.cast.a.pk, by=user.actor()):
            pushed = services.push(user=user, device_id=f"writer-{writer}", items=items)
            pause()
        assert all(change.status == "created" for change in pushed.changes)
        return [change.version for change in pushed.changes if change.version]

    def read(self, place: Any) -> tuple[list[int], Any]:
        user = self.cast.carol.user
        with tenant(self.cast.a.pk, by=user.actor()):
            page, _device = services.pull(user=user, device_id="poller", cursor=place or "", entities=[], limit=7)
        return [entry["version"] for entry in page.entries], page.cursor


class Serial:
    """What everybody builds first: an identity column, and readers that ask for `id > last`."""

    def __init__(self) -> None:
        with connections["owner"].cursor() as cursor:
            cursor.execute("CREATE TABLE naive (id bigserial PRIMARY KEY)")
            cursor.execute("GRANT ALL ON naive, naive_id_seq TO marsad_app")

    def write(self, writer: int, pause: Callable[[], None]) -> list[int]:
        with scope.platform(), connection.cursor() as cursor:
            cursor.execute("INSERT INTO naive DEFAULT VALUES RETURNING id")
            (version,) = cursor.fetchone()
            pause()
        return [version]

    def read(self, place: Any) -> tuple[list[int], Any]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT id FROM naive WHERE id > %s ORDER BY id LIMIT 7", [place or 0])
            found = [id for (id,) in cursor.fetchall()]
        return found, found[-1] if found else place


@pytest.mark.covers("001-FR-030", "004-SYNC-02", "004-SYNC-05", "004-SYNC-06", "004-SYNC-11")
def test_a_reader_beside_eight_writers_misses_nothing(cast: Cast) -> None:
    outcome = race(Engine(cast))

    assert outcome.lost == 0
    assert outcome.seen == sorted(set(outcome.seen)), "each change once, in the order of versions"
    assert sorted(outcome.written) == list(range(1, len(outcome.written) + 1)), "no version is missing or given twice"
    with tenant(cast.a.pk):
        assert Clock.objects.get().seq == len(outcome.written) == FeedRecord.objects.count()


def test_the_same_race_with_a_serial_column_loses(cast: Cast) -> None:
    outcome = race(Serial())

    assert outcome.lost > 0
    assert set(outcome.seen) < set(outcome.written)


def test_the_same_race_with_the_head_read_apart_loses(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = selectors._feed

    def in_two_statements(after: int, collections: list[registry.Collection], *more: Any) -> list[Any]:
        rows = [row[3:] for row in whole(after, collections, *more)]
        time.sleep(PAUSE)
        clock = Clock.objects.get()
        return [(str(clock.epoch), clock.seq, clock.floor, *row) for row in rows]

    monkeypatch.setattr(selectors, "_feed", in_two_statements)
    assert race(Engine(cast)).lost > 0
