"""Whatever devices, networks and people do, nothing is lost and nothing is done twice; and seeded faults are caught."""

import os
import warnings
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections
from hypothesis import HealthCheck, Phase, settings
from hypothesis.errors import Flaky
from hypothesis.stateful import run_state_machine_as_test

from portal.core.sync import cursor as cursors
from portal.core.sync import engine, selectors, services, triggers
from portal.core.sync.models import Clock
from tests.proofs.machine import Machine

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])
FULL = os.environ.get("HYPOTHESIS_PROFILE") == "full"
USUAL = {
    "deadline": None,
    "database": None,
    "suppress_health_check": list(HealthCheck),
    "phases": [Phase.generate],  # each example takes a second: to make a failing one smaller would take minutes
    "print_blob": False,
}


@pytest.mark.slow
def test_nothing_is_lost_and_nothing_is_done_twice(db: None) -> None:
    run_state_machine_as_test(
        Machine, settings=settings(**USUAL, max_examples=300 if FULL else 12, stateful_step_count=50 if FULL else 25)
    )


# --- seeded faults -----------------------------------------------------------------------------------
Patch = pytest.MonkeyPatch


def forgotten_tombstone(patch: Patch) -> None:
    patch.setattr(
        selectors, "_FEED", selectors._FEED.replace("ORDER BY s.seq", "AND s.deleted_at IS NULL ORDER BY s.seq")
    )


def push_moves_the_cursor(patch: Patch) -> None:
    pushed, pulled, last = services.push, services.pull, [0]

    def push(**said: Any) -> services.Pushed:
        done = pushed(**said)
        last[0] = max([change.version or 0 for change in done.changes], default=0)
        return done

    def pull(**said: Any) -> Any:
        place = cursors.decode(said["cursor"])
        if place and last[0] > place.seq:
            moved = cursors.Cursor(place.epoch, place.device, last[0], place.started, place.reach)
            said["cursor"] = cursors.encode(moved)
        last[0] = 0
        return pulled(**said)

    patch.setattr(services, "push", push)
    patch.setattr(services, "pull", pull)


def no_second_look_at_the_keys(patch: Patch) -> None:
    look = engine._skip_known_keys
    looked: list[engine.Batch] = []

    def once(batch: engine.Batch) -> None:
        if not any(batch is other for other in looked):
            looked.append(batch)
            look(batch)

    patch.setattr(engine, "_skip_known_keys", once)


def no_second_look_at_the_rows(patch: Patch) -> None:
    patch.setattr(engine, "_reread", lambda batch: [])


def head_read_apart(patch: Patch) -> None:
    whole = selectors._feed

    def apart(*said: Any) -> list[Any]:
        rows = [row[3:] for row in whole(*said)]
        clock = Clock.objects.get()
        return [(clock.epoch, clock.seq, clock.floor, *row) for row in rows]

    patch.setattr(selectors, "_feed", apart)


def cursor_at_the_head_in_midway(patch: Patch) -> None:
    read = selectors.changes

    def changes(**said: Any) -> selectors.Changes:
        page = read(**said)
        place = cursors.decode(page.cursor)
        assert place is not None
        head = cursors.Cursor(place.epoch, place.device, Clock.objects.get().seq, place.started, place.reach)
        return selectors.Changes(page.entries, page.more, cursors.encode(head), page.seq)

    patch.setattr(selectors, "changes", changes)


def old_tombstones_are_not_missed(patch: Patch) -> None:
    patch.setattr(selectors, "_outdated", lambda place, floor: False)


def rights_are_not_in_the_cursor(patch: Patch) -> None:
    patch.setattr(cursors, "reach_of", lambda parts: b"\0" * 8)


def loser_is_not_audited(patch: Patch) -> None:
    patch.setattr(engine, "record_all", lambda events: None)


def loser_is_the_winner(patch: Patch) -> None:
    meet = engine._meet

    def swapped(*said: Any) -> engine.Lost | None:
        conflict = meet(*said)
        if conflict and conflict.lost is not None:
            conflict.lost = engine.shown(said[2], said[3])
        return conflict

    patch.setattr(engine, "_meet", swapped)


def every_edit_writes(patch: Patch) -> None:
    decide = engine._decide

    def forced(batch: engine.Batch, change: engine.Change) -> None:
        change.forced = True
        decide(batch, change)

    patch.setattr(engine, "_decide", forced)


def a_version_to_come_is_believed(patch: Patch) -> None:
    lock = engine.lock_clock
    patch.setattr(engine, "lock_clock", lambda: lock() + 10**9)


def a_key_is_believed_whatever_it_brings(patch: Patch) -> None:
    patch.setattr(engine, "_item_fingerprint", lambda change: b"")


def own_edits_are_conflicts(patch: Patch) -> None:
    meet = engine._meet

    def alone(batch: engine.Batch, *said: Any) -> engine.Lost | None:
        device, batch.device = batch.device, None
        try:
            return meet(batch, *said)
        finally:
            batch.device = device

    patch.setattr(engine, "_meet", alone)


def in_database(old: str, new: str) -> Callable[[Patch], None]:
    """A fault in the triggers; the test's database is thrown away afterwards."""

    def plant(patch: Patch) -> None:
        found = [part for part in triggers.FUNCTIONS.split("CREATE FUNCTION ") if old in part]
        with connections["owner"].cursor() as cursor:
            for part in found:
                body = part.split("END $body$;")[0] + "END $body$;"
                cursor.execute("CREATE OR REPLACE FUNCTION " + body.replace(old, new))
        assert found

    return plant


FAULTS: dict[str, Callable[[Patch], None]] = {
    plant.__name__: plant
    for plant in (
        forgotten_tombstone,
        push_moves_the_cursor,
        no_second_look_at_the_keys,
        no_second_look_at_the_rows,
        head_read_apart,
        cursor_at_the_head_in_midway,
        old_tombstones_are_not_missed,
        rights_are_not_in_the_cursor,
        loser_is_not_audited,
        loser_is_the_winner,
        every_edit_writes,
        a_version_to_come_is_believed,
        a_key_is_believed_whatever_it_brings,
        own_edits_are_conflicts,
    )
} | {
    "verdicts_are_content": in_database("to_jsonb(n) - hidden IS DISTINCT FROM to_jsonb(o) - hidden", "true"),
    "versions_skip_one": in_database("n := 1 + CASE", "n := 2 + CASE"),
    "the_feed_forgets_edits": in_database("seq = c.version, ts = moment", "ts = moment"),
}


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_a_seeded_fault_is_caught(db: None, monkeypatch: Patch, fault: str) -> None:
    FAULTS[fault](monkeypatch)
    hunt = settings(
        **USUAL,
        max_examples=60,
        stateful_step_count=25,
        derandomize=True,
        report_multiple_bugs=False,
    )
    with warnings.catch_warnings(), pytest.raises((AssertionError, Flaky)):
        run_state_machine_as_test(Machine, settings=hunt)
