"""Three devices, two people, four records, and everything that networks, clocks and people do to them (sync.md 7).

The machine talks to the product over its HTTP API on the real database; every example has an organisation of its own,
so every step commits. After each commit `observe` reads the whole state in one statement and checks what must hold
whatever happened; `judge` checks each answer against the state that was in force when the batch took its turn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4, uuid5

import orjson
from django.db import DatabaseError, connection, connections
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from portal.core.accounts import tokens
from portal.core.accounts.models import Device as DeviceRow
from portal.core.accounts.models import Role, User
from portal.core.audit.models import Action
from portal.core.sync import cursor as cursors
from portal.core.sync import jobs, registry
from portal.core.sync.models import Clock, Conflict, IdempotencyKey, ItemKey
from portal.core.tenancy.models import Organization
from portal.core.tenancy.scope import platform, tenant
from portal.lab import services as lab
from portal.lab.rulebook import rulebook
from tests.api.conftest import Person

SAMPLE = {"type": "drinking_water", "collectionDate": "2026-03-20T09:15:00Z", "collectorName": "Amina"}
RESULT = {"parameterName": "NO3", "unit": "mg/L NO3"}
COLUMNS = {"notes": "notes", "location": "location", "value": "value_text", "sampleId": "sample_id"}
PATIENCE = 60  # seconds; whoever is let in beside a request never has to wait for it
LATER = timedelta(days=91)  # more than tombstones are kept
STATE = """
SELECT 'clock', to_jsonb(c) FROM sync_clock c WHERE organization_id = %(organization)s
UNION ALL SELECT 'sample', to_jsonb(s) FROM lab_sample s WHERE organization_id = %(organization)s
UNION ALL SELECT 'result', to_jsonb(r) FROM lab_result r WHERE organization_id = %(organization)s
UNION ALL SELECT 'feed', to_jsonb(f) FROM sync_record f WHERE organization_id = %(organization)s
UNION ALL SELECT 'conflict', to_jsonb(x) FROM sync_conflict x WHERE organization_id = %(organization)s
UNION ALL (SELECT 'audit', to_jsonb(a) FROM audit_auditentry a WHERE organization_id = %(organization)s
           AND entity IN ('sample', 'result') AND id > %(seen)s ORDER BY id)
"""
NOT_AUDITED = {"id", "organization_id", "created_at", "updated_at", "version", "search_text"}


@dataclass
class State:
    """What the database held at one moment; rows by record id."""

    seq: int = 0
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    feed: dict[str, dict[str, Any]] = field(default_factory=dict)
    conflicts: dict[str, dict[str, Any]] = field(default_factory=dict)
    audit: list[dict[str, Any]] = field(default_factory=list)  # what was new
    entity: dict[str, str] = field(default_factory=dict)

    def live(self, id: str) -> bool:
        return id in self.rows and self.rows[id]["deleted_at"] is None

    def content(self, id: str) -> Any:
        row = self.rows.get(id)
        return row and (row["deleted_at"], [row[column] for column in registry.get(self.entity[id]).content])


@dataclass
class Sent:
    """A request that was answered, to be sent again."""

    body: dict[str, Any]
    envelope: str
    answer: bytes


@dataclass
class Device:
    name: str
    person: Person
    row: str = ""  # the id of the server's row of it
    cursor: str = ""
    place: int = 0  # the highest version that the feed gave since the last start from nothing
    local: dict[str, dict[str, Any]] = field(default_factory=dict)  # from the feed alone
    versions: dict[str, int] = field(default_factory=dict)  # from the feed and the answers
    outbox: dict[str, dict[str, Any]] = field(default_factory=dict)
    sent: list[Sent] = field(default_factory=list)


def stripped(value: Any) -> Any:
    """Without nulls in objects, as the audit log stores a whole row."""
    if isinstance(value, dict):
        return {key: stripped(item) for key, item in value.items() if item is not None}
    return [stripped(item) for item in value] if isinstance(value, list) else value


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


class Crash(DatabaseError):
    """The connection is gone."""


devices = st.integers(0, 2)
records = st.integers(0, 3)
counts = st.integers(0, 40)
stamps = st.none() | st.integers(0, 5).map(lambda n: f"2020-01-01T00:00:0{n}Z")
strategies = st.sampled_from(["lww", "lww", "manual", "refuse"])
values = st.sampled_from(["12", "12.0", "70", "<5"])  # two that pass, one that fails, one below a limit
# What a person does to one record: everything, one field, saving it as it is, deleting it.
edits = st.lists(
    st.tuples(records, st.sampled_from(["all", "all", "some", "same", "delete"]), values, st.integers(0, 1), stamps),
    min_size=1,
    max_size=4,
)
beside = st.sampled_from(["twin", "device", "portal", "erase"])
Edits = list[tuple[int, str, str, int, str | None]]


class Machine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.organization = uuid4()
        with platform():
            Organization.objects.create(id=self.organization, name="Proof", time_zone="Africa/Casablanca")
            role = Role.objects.get(organization=None, key="Admin")
            people = [self._person(name, role) for name in ("alice", "bob")]
        self.devices = [Device("lab-pc", people[0]), Device("tablet", people[0]), Device("lab-pc", people[1])]
        self.records = [str(uuid5(self.organization, str(n))) for n in range(4)]  # two samples, two results
        self.state = self.earlier = State()  # now, and when the last push began
        self.seen = 0  # the last audit entry
        self.fold: dict[str, dict[str, Any] | None] = {}  # by record id, from the audit log; None = deleted
        self.content: dict[str, tuple[int, str]] = {}  # version and device of the last change of content
        self.keys: dict[tuple[str, str], tuple[bytes, int]] = {}  # of the items that the server knows
        self.marks: set[str] = set()  # every payload that the server took
        self.purged: set[str] = set()
        self.made = 0
        self.elsewhere = ThreadPoolExecutor(1)
        self._register()
        with tenant(self.organization):
            rulebook()  # made under a lock of the process, which must not be held when another thread is let in

    def _person(self, name: str, role: Role) -> Person:
        user = User(
            email=f"{name}@{self.organization}.test",
            name=name,
            organization_id=self.organization,
            role=role,
            password="!",
        )
        user.save()
        return Person(user, {"Authorization": f"Bearer {tokens.issue(user)[0]}"})

    def _register(self) -> None:
        for device in self.devices:
            with tenant(self.organization):
                row = DeviceRow.objects.create(
                    organization_id=self.organization,
                    user=device.person.user,
                    device_id=device.name,
                    device_name=device.name,
                    last_seen_at=datetime.now(UTC),
                )
            device.row = str(row.pk)

    def teardown(self) -> None:
        try:
            for device in self.devices:
                self._allow(device.person, allowed=True)
                self._drain(device, 200)
            self._nothing_vanished()
        finally:
            self.elsewhere.submit(connections.close_all).result()
            self.elsewhere.shutdown()

    # --- what must hold after every commit ---------------------------------------------------------
    def observe(self, device: str = "") -> State:
        """Read everything; check versions, feed and audit log; `device` is the row id of the one that wrote."""
        before, now = self.state, State()
        with tenant(self.organization), connection.cursor() as cursor:
            cursor.execute(STATE, {"organization": self.organization, "seen": self.seen})
            for kind, text in cursor.fetchall():
                self._sort(now, kind, orjson.loads(text))
        changed = [id for id, row in now.rows.items() if row["version"] != before.rows.get(id, {}).get("version")]
        given = sorted(now.rows[id]["version"] for id in changed)
        assert given == list(range(before.seq + 1, now.seq + 1)), "versions have no gap and end at the clock"
        for id, row in now.rows.items():
            if id not in changed:
                assert row == before.rows[id], "a change gives a version"
            elif now.content(id) != before.content(id):
                self.content[id] = (row["version"], device)
            self._check_feed(now, id)
            if now.entity[id] == "result" and now.live(id):
                assert now.live(row["sample_id"]), "a result lives with its sample"
        self.purged -= set(changed)
        self._fold(now)
        self.state = now
        return now

    def _sort(self, now: State, kind: str, row: dict[str, Any]) -> None:
        if kind == "clock":
            now.seq = row["seq"]
        elif kind == "feed":
            now.feed[row["record_id"]] = row
        elif kind == "conflict":
            now.conflicts[row["id"]] = row
        elif kind == "audit":
            now.audit.append(row)
        else:
            now.rows[row["id"]] = row
            now.entity[row["id"]] = kind

    def _check_feed(self, now: State, id: str) -> None:
        row, entry = now.rows[id], now.feed.get(id)
        if entry is None:
            assert id in self.purged, "every record has its place in the feed"
            return
        assert (entry["seq"], entry["deleted_at"]) == (row["version"], row["deleted_at"])
        assert (entry["content_seq"], entry["content_device"]) == self.content[id], "content moves by content alone"

    def _fold(self, now: State) -> None:
        """The rows follow from the audit log alone."""
        for entry in now.audit:
            self.seen, id, said = max(self.seen, entry["id"]), entry["object_pk"], entry["changes"]
            held = self.fold.get(id)
            if entry["action"] in (Action.CREATE, Action.RESTORE):
                assert held is None
                self.fold[id] = stripped(said)
            elif entry["action"] == Action.DELETE:
                assert held == stripped(said)
                self.fold[id] = None
            elif entry["action"] == Action.UPDATE and held is not None:
                for column, (old, new) in said.items():
                    assert held.get(column) == stripped(old), "the log says what was there before"
                    held[column] = stripped(new)
                self.fold[id] = stripped(held)
        for id, row in now.rows.items():
            kept = stripped({column: value for column, value in row.items() if column not in NOT_AUDITED})
            if row["deleted_at"] is None:
                assert self.fold[id] == kept, "the row is the fold of its audit entries"
            else:
                assert self.fold[id] is None

    # --- sending ------------------------------------------------------------------------------------
    def _send(
        self,
        device: Device,
        items: list[dict[str, Any]],
        *,
        envelope: str = "",
        beside: Callable[[], Any] | None = None,
        at: int = 0,
        **more: Any,
    ) -> tuple[Sent, State]:
        """Push, check the answer, and return it with the state on which the server decided."""
        body = {"deviceId": device.name, "changes": items, **more}
        envelope, self.earlier = envelope or str(uuid4()), self.state
        with self._beside(beside, at, before="marsad_clock") if beside else ExitStack():
            response = device.person.post("/sync", body, Idempotency_Key=envelope)
        assert response.status_code == 200, response.content
        sent, before = Sent(body, envelope, response.content), self.state
        self.observe(device.row)
        self._judge(device, sent, before)
        device.sent.append(sent)
        return sent, before

    @contextmanager
    def _beside(self, action: Callable[[], Any], at: int, *, before: str = "", after: str = "") -> Iterator[None]:
        """Run `action` on another connection before statement `at` of what happens inside, or right after the first
        statement that contains `after`; at the latest before the first one that contains `before`: from there on the
        organisation's writers wait for each other."""
        count, done, passed = 0, None, False

        def watch(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
            nonlocal count, done, passed
            count += 1
            if done is None and (passed or (not after and count > at) or (before and before in str(sql))):
                done = self.elsewhere.submit(action)
                done.exception(PATIENCE)  # only waits: the product would take it for its own
            passed = passed or bool(after and after in str(sql))
            return execute(sql, params, many, context)

        with connection.execute_wrapper(watch):
            yield
        if done is not None:
            done.result()

    def _judge(self, device: Device, sent: Sent, before: State) -> None:
        answer = orjson.loads(sent.answer)["data"]
        items, results, now = sent.body["changes"], answer["results"], self.state
        assert [result["index"] for result in results] == list(range(len(items))), "every item has a result, in order"
        conflicts = {conflict["conflictId"]: conflict for conflict in answer["conflicts"]}
        assert len(conflicts) == len(answer["conflicts"]) == len(now.conflicts) - len(before.conflicts)
        assert {result["conflictId"] for result in results} - {None} == set(conflicts)
        decided = {id for id, conflict in conflicts.items() if conflict["resolution"] != "open"}
        lost = [entry for entry in now.audit if entry["action"] == Action.CONFLICT_LOST]
        assert len(lost) == len(decided), "exactly one audited loser for each concurrent edit"
        for item, result in zip(items, results, strict=True):
            self._judge_item(device, item, result, sent.body.get("conflictStrategy", "lww"), before)
            if result["conflictId"] in conflicts:
                self._judge_conflict(item, conflicts[result["conflictId"]], lost, before)

    def _judge_item(
        self, device: Device, item: dict[str, Any], result: dict[str, Any], strategy: str, before: State
    ) -> None:
        id, status, now = item["entityId"], result["status"], self.state
        mark = (device.row, item["idempotencyKey"])
        print_ = orjson.dumps(item, option=orjson.OPT_SORT_KEYS)
        if mark in self.keys:
            known, version = self.keys[mark]
            if known == print_:
                assert (status, result["serverVersion"]) == ("skipped", version), "a key counts once"
            else:
                assert status == "error"
                assert result["error"]["code"] == "IDEMPOTENCY_CONFLICT"
            return
        if status == "error":
            parent = item["data"].get("sampleId") or before.rows.get(id, {}).get("sample_id")
            there = before.live(parent) and self.earlier.live(parent) and now.live(parent)
            orphan = item["entity"] == "result" and not there
            assert result["error"]["code"] == "RESOURCE_NOT_FOUND"
            assert orphan or (id not in before.rows and item["operation"] != "created")
            return
        self.keys[mark] = (print_, result["serverVersion"])
        self.marks |= {text for name in ("notes",) if (text := item["data"].get(name))}
        entry = before.feed.get(id)
        stamp = min(moment(item["clientTimestamp"] or result["serverTimestamp"]), moment(result["serverTimestamp"]))
        version = item["clientVersion"] if item["clientVersion"] <= before.seq else 0
        met = (
            entry is not None
            and entry["content_seq"] > version
            and (entry["content_device"] != device.row or stamp < moment(entry["client_ts"]))
        )
        if self._same(item, before):
            assert (status, result["serverVersion"]) == ("unchanged", before.rows[id]["version"])
            assert result["conflictId"] is None
        elif status == "conflict":
            assert met
            assert strategy != "lww" or stamp < moment(entry["client_ts"])  # type: ignore[index]
            assert result["serverVersion"] == entry["seq"]  # type: ignore[index]
        else:
            assert status in ("created", "updated", "deleted")
            assert bool(result["conflictId"]) == met
            assert not met or (strategy == "lww" and stamp >= moment(entry["client_ts"]))  # type: ignore[index]
            assert result["serverVersion"] == now.rows[id]["version"] > before.seq
            assert self._same(item, now), "what was taken is in force"
            assert moment(now.feed[id]["client_ts"]) == stamp, "the row in force has the writer's time"

    def _same(self, item: dict[str, Any], state: State) -> bool:
        """Whether the record already is as the item wishes."""
        row = state.rows.get(item["entityId"])
        if item["operation"] == "deleted":
            return row is not None and not state.live(item["entityId"])
        return (
            row is not None
            and state.live(item["entityId"])
            and all(row[COLUMNS[name]] == value for name, value in item["data"].items() if name in COLUMNS)
        )

    def _judge_conflict(
        self, item: dict[str, Any], conflict: dict[str, Any], lost: list[dict[str, Any]], before: State
    ) -> None:
        id, data = item["entityId"], conflict["lostData"]
        row = self.state.conflicts[conflict["conflictId"]]
        if conflict["resolution"] == "open":
            assert data is None
            kept, loser = row["client_data"], item["data"]
        else:
            [entry] = [entry for entry in lost if entry["object_pk"] == id]
            assert entry["changes"] == data == row["lost_data"]
            kept = data
            loser = before.rows[id] if conflict["resolution"] == "client" else item["data"]
            if conflict["resolution"] == "client" and not before.live(id):
                assert data["deleted"]
                return
        if conflict["resolution"] != "client" and item["operation"] == "deleted":
            assert kept == {"deleted": True}
        elif "notes" in loser:
            assert kept.get("notes") == loser["notes"], "the loser is kept, not the winner"

    def _receive(self, device: Device, sent: Sent) -> None:
        """What the device makes of the answer: an error stays in the outbox where a later try can mend it."""
        for item, result in zip(sent.body["changes"], orjson.loads(sent.answer)["data"]["results"], strict=True):
            id = item["entityId"]
            if result["status"] == "error" and item["operation"] == "created":
                continue
            if device.outbox.get(id) == item:
                del device.outbox[id]
            if result["serverVersion"]:
                device.versions[id] = max(device.versions.get(id, 0), result["serverVersion"])

    # --- rules: what the person at the device does ----------------------------------------------------
    def _item(self, device: Device, n: int, operation: str, data: dict[str, Any], stamp: str | None) -> None:
        id = self.records[n]
        self.made += 1
        device.outbox[id] = {
            "entity": "sample" if n < 2 else "result",
            "entityId": id,
            "operation": operation,
            "data": data,
            "clientVersion": device.versions.get(id, 0),
            "clientTimestamp": stamp,
            "idempotencyKey": f"{device.name}-{self.made}",
        }

    def _mark(self) -> str:
        self.made += 1
        return f"<{self.organization.hex[:6]}-{self.made}>"

    def _data(self, n: int, value: str, sample: int = 0) -> dict[str, Any]:
        if n < 2:
            return {**SAMPLE, "location": f"Anfa, tap {value}", "notes": self._mark()}
        return {**RESULT, "sampleId": self.records[sample], "value": value, "notes": self._mark()}

    def _edit(self, device: Device, edits: Edits) -> None:
        for n, what, value, sample, stamp in edits:
            id = self.records[n]
            known = id in device.versions
            if what == "all" or not known:
                self._item(device, n, "updated" if known else "created", self._data(n, value, sample), stamp)
            elif what == "some":  # of a version that the server never gave, as after the restore of a backup
                self._item(device, n, "updated", {"notes": self._mark()}, stamp)
                device.outbox[id]["clientVersion"] += 10**6
            elif what == "delete":
                self._item(device, n, "deleted", {}, stamp)
            elif id in device.local:
                self._item(device, n, "updated", {"notes": device.local[id]["notes"]}, stamp)

    @initialize(everything=st.booleans(), away=st.integers(0, 2))
    def begin(self, everything: bool, away: int) -> None:
        """Mostly all records are there and known to two devices."""
        if everything:
            self._edit(self.devices[0], [(n, "all", "12", 0, None) for n in range(4)])
            self._receive(self.devices[0], self._send(self.devices[0], list(self.devices[0].outbox.values()))[0])
            for d in {0, 1, 2} - {away}:
                self._drain(self.devices[d], 3)

    @rule(d=devices, edits=edits)
    def offline(self, d: int, edits: Edits) -> None:
        self._edit(self.devices[d], edits)

    # --- rules: what the network and the server do -----------------------------------------------------
    @rule(d=devices, edits=edits, strategy=strategies, lost=st.booleans(), limit=st.none() | st.integers(1, 3))
    def push(self, d: int, edits: Edits, strategy: str, lost: bool, limit: int | None) -> None:
        device = self.devices[d]
        self._edit(device, edits)
        more = {} if limit is None else {"syncCursor": device.cursor or None, "pullLimit": limit}
        if limit is not None and not self._will_be_served(device):
            more = {}
        sent, _before = self._send(device, list(device.outbox.values()), conflictStrategy=strategy, **more)
        if not lost:
            self._receive(device, sent)
            if more:
                self._take(device, orjson.loads(sent.answer)["data"])

    @rule(d=devices, edits=edits, e=devices, others=edits, at=counts, what=beside)
    def push_beside(self, d: int, edits: Edits, e: int, others: Edits, at: int, what: str) -> None:
        """Somebody commits while this push is under way: the push itself once more, another device, the portal."""
        device, other, n = self.devices[d], self.devices[e], others[0][0]
        self._edit(device, edits)
        if what == "device" and d != e:
            self._edit(other, others)
        items = list(device.outbox.values())

        def twin() -> None:
            self._send(device, items)

        def push() -> None:
            self._send(other, list(other.outbox.values()))

        offices = {"portal": lambda: self._portal(n), "erase": lambda: self._portal(n, erase=True), "twin": twin}
        action = offices.get(what, push if d != e else twin)
        sent, _before = self._send(device, items, beside=action, at=at)
        self._receive(device, sent)

    @rule(d=devices, edits=edits, at=counts)
    def crash(self, d: int, edits: Edits, at: int) -> None:
        """The server dies at some statement before the commit: as if nothing had been sent."""
        device, count = self.devices[d], 0
        self._edit(device, edits)

        def die(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
            nonlocal count
            count += 1
            if count > at + 5:
                raise Crash
            return execute(sql, params, many, context)

        envelope, items, before = str(uuid4()), list(device.outbox.values()), self.state
        body = {"deviceId": device.name, "changes": items}
        with connection.execute_wrapper(die):
            response = device.person.post("/sync", body, Idempotency_Key=envelope)
        if response.status_code == 500:
            now = self.observe()
            assert (now.seq, now.audit, now.conflicts) == (before.seq, [], before.conflicts)
        else:
            sent = Sent(body, envelope, response.content)
            self.observe(device.row)
            self._judge(device, sent, before)
            device.sent.append(sent)
            self._receive(device, sent)
            return
        sent, _before = self._send(device, items, envelope=envelope)
        self._receive(device, sent)

    @rule(d=devices, n=counts, how=st.sampled_from(["same", "new", "purged"]))
    @precondition(lambda self: any(device.sent for device in self.devices))
    def replay(self, d: int, n: int, how: str) -> None:
        device = self.devices[d]
        if not device.sent:
            return
        old = device.sent[n % len(device.sent)]
        body = {name: value for name, value in old.body.items() if name != "syncCursor"}
        if how == "purged":
            self._purge_keys()
        if how == "same":
            response = device.person.post("/sync", old.body, Idempotency_Key=old.envelope)
            if "Idempotency-Replayed" in response.headers:
                before = self.state
                now = self.observe()
                assert response.content == old.answer, "a replay gives the same answer"
                assert (now.seq, now.audit, now.conflicts) == (before.seq, [], before.conflicts)
                return
            before = self.state
            self.observe(device.row)
            if response.status_code == 200:
                old.answer = response.content  # its keys were purged: it ran again
                self._judge(device, old, before)
            else:  # its cursor is no longer followed: nothing of it is done
                assert (response.status_code, self.state.seq) == (409, before.seq)
            return
        first = {
            result["entityId"]: result["serverVersion"]
            for result in orjson.loads(old.answer)["data"]["results"]
            if result["status"] in ("created", "updated", "deleted")
        }
        sent, before = self._send(device, body.pop("changes"), **{k: v for k, v in body.items() if k != "deviceId"})
        for result in orjson.loads(sent.answer)["data"]["results"]:
            id = result["entityId"]
            if self.content.get(id, (0, ""))[0] == first.get(id) is not None:
                assert result["status"] in ("skipped", "unchanged"), "a replay of what is in force changes nothing"

    def _purge_keys(self) -> None:
        with tenant(self.organization):
            ItemKey.objects.all().delete()
            IdempotencyKey.objects.all().delete()
        self.keys.clear()

    @rule(d=devices, n=counts, value=values)
    def use_a_key_again(self, d: int, n: int, value: str) -> None:
        """Another payload under a key that was used: refused, without effect."""
        device, before = self.devices[d], self.state
        known = [sent for sent in device.sent if sent.body["changes"]]
        if not known:
            return
        old = known[n % len(known)]
        other = [item | {"data": item["data"] | {"notes": self._mark()}} for item in old.body["changes"]]
        with tenant(self.organization):
            kept = IdempotencyKey.objects.filter(key=old.envelope).exists()
        if kept:
            response = device.person.post("/sync", old.body | {"changes": other}, Idempotency_Key=old.envelope)
            assert response.status_code == 409
            assert response.json()["errors"][0]["code"] == "IDEMPOTENCY_CONFLICT"
        keyed = [item for item in other if (device.row, item["idempotencyKey"]) in self.keys]
        sent, before = self._send(device, keyed)
        assert self.state.seq == before.seq
        assert {result["status"] for result in orjson.loads(sent.answer)["data"]["results"]} <= {"error"}

    # --- rules: reading --------------------------------------------------------------------------------
    def _may_see(self, device: Device) -> bool:
        with tenant(self.organization):
            return User.objects.select_related("role").get(pk=device.person.user.pk).has_permission("samples.view")

    def _will_be_served(self, device: Device) -> bool:
        """Ask once; a device that is told to start again, starts again."""
        response = device.person.get(f"/sync/changes?deviceId={device.name}&limit=1&cursor={device.cursor}")
        if response.status_code == 409:
            self._restart(device, response)
            return False
        assert response.status_code == 200, response.content
        return True

    def _restart(self, device: Device, response: Any) -> None:
        assert response.json()["meta"]["fullResyncRequired"] is True
        assert device.cursor
        device.cursor, device.place, device.local, device.versions = "", 0, {}, {}

    def _page(self, device: Device, limit: int) -> bool:
        """Fetch a page; whether more pages follow."""
        path = f"/sync/changes?deviceId={device.name}&limit={limit}&cursor={device.cursor}"
        response = device.person.get(path)
        if response.status_code == 409:
            self._restart(device, response)
            return True
        assert response.status_code == 200, response.content
        return self._take(device, response.json()["data"])

    def _take(self, device: Device, data: dict[str, Any]) -> bool:
        for entry in data["changes"]:
            id = entry["entityId"]
            assert entry["version"] > device.place, "the feed strictly increases"
            device.place = device.versions[id] = entry["version"]
            if entry["operation"] == "deleted":
                device.local.pop(id, None)
            else:
                device.local[id] = entry["data"]
        device.cursor = data["pagination"]["nextCursor"]
        assert data["syncMetadata"]["syncCursor"] == device.cursor
        return bool(data["pagination"]["hasMore"])

    @rule(d=devices, limit=st.integers(1, 3))
    def pull(self, d: int, limit: int) -> None:
        self._page(self.devices[d], limit)

    @rule(d=devices, limit=st.integers(1, 3), at=counts, e=devices, edits=edits)
    def pull_beside(self, d: int, limit: int, at: int, e: int, edits: Edits) -> None:
        """Somebody commits while a page is being read."""
        other = self.devices[e]
        if d != e:
            self._edit(other, edits)

        def push() -> None:
            self._send(other, list(other.outbox.values()))

        action = (lambda: self._portal(edits[0][0])) if d == e else push
        with self._beside(action, at, after="sync_clock c" if at > 12 else ""):
            self._page(self.devices[d], limit)
        self._drain(self.devices[d], limit)

    @rule(d=devices, limit=st.integers(1, 3))
    def drain(self, d: int, limit: int) -> None:
        self._drain(self.devices[d], limit)

    def _drain(self, device: Device, limit: int) -> None:
        for _page in range(50):
            if not self._page(device, limit):
                break
        else:
            raise AssertionError("the feed ends")
        there = {id: row["version"] for id, row in self.state.rows.items() if self.state.live(id)}
        held = {id: body["version"] for id, body in device.local.items()}
        assert held == (there if self._may_see(device) else {}), "a drained device holds what the server holds"
        for id, body in device.local.items():
            row = self.state.rows[id]
            assert (body["notes"], body["complianceStatus"]) == (row["notes"], row["compliance_status"])

    # --- rules: what happens at the office ---------------------------------------------------------------
    @rule(n=records, erase=st.booleans())
    def office(self, n: int, erase: bool) -> None:
        self._portal(n, erase=erase)

    def _portal(self, n: int, *, erase: bool = False) -> None:
        if not self.state.live(id := self.records[n]):
            return
        by, mark = self.devices[0].person.user, self._mark()
        with tenant(self.organization, by=by.actor(via="portal")):
            if erase:
                (lab.sample_delete if n < 2 else lab.result_delete)(id=UUID(id), by=by)
            else:
                (lab.sample_update if n < 2 else lab.result_update)(id=UUID(id), data={"notes": mark}, by=by)
                self.marks.add(mark)
        now = self.observe()
        assert now.live(id) != erase

    @rule(choice=st.sampled_from(["client", "server", "merge"]), n=counts)
    @precondition(lambda self: any(c["resolved_by_id"] is None for c in self.state.conflicts.values()))
    def resolve(self, choice: str, n: int) -> None:
        """A manager decides; the decision is a version that every device gets."""
        waiting = sorted(id for id, c in self.state.conflicts.items() if c["resolved_by_id"] is None)
        conflict = self.state.conflicts[waiting[n % len(waiting)]]
        mark, before = self._mark(), self.state
        body = {"choice": choice, "reason": "seen", "data": {"notes": mark} if choice == "merge" else None}
        response = self.devices[2].person.post(f"/sync/conflicts/{conflict['id']}/resolve", body)
        now = self.observe()
        if response.status_code == 200:
            assert now.rows[conflict["record_id"]]["version"] > before.seq
            assert response.json()["data"]["record"]["version"] == now.rows[conflict["record_id"]]["version"]
            self.marks |= {mark} if choice == "merge" else set()
        else:  # a result whose sample is gone
            assert response.status_code == 400, response.content
            assert (now.seq, now.conflicts) == (before.seq, before.conflicts)

    @rule(d=devices, what=st.sampled_from(["rights", "rights", "backup", "months", "months"]))
    def upheaval(self, d: int, what: str) -> None:
        self._drain(self.devices[d], 3)
        {"rights": self._change_rights, "backup": self._restore_a_backup, "months": self._three_months_pass}[what](d)
        self._drain(self.devices[d], 2)

    def _change_rights(self, d: int) -> None:
        person = self.devices[d].person
        self._allow(person, allowed=not self._may_see(self.devices[d]))

    def _allow(self, person: Person, *, allowed: bool) -> None:
        with platform():
            User.objects.filter(pk=person.user.pk).update(denied_permissions=[] if allowed else ["samples.view"])

    def _restore_a_backup(self, d: int) -> None:
        """The epoch moves: no cursor of before is followed."""
        with tenant(self.organization):
            Clock.objects.update(epoch=uuid4())
        for device in self.devices:
            if device.cursor:
                path = f"/sync/changes?deviceId={device.name}&cursor={device.cursor}"
                assert device.person.get(path).status_code == 409

    def _three_months_pass(self, d: int) -> None:
        """Something is deleted; tombstones and the places of readers grow old; the old tombstones are forgotten."""
        self._portal(d + 1, erase=True)
        with tenant(self.organization), connection.cursor() as cursor:
            cursor.execute("UPDATE sync_record SET ts = ts - %s, deleted_at = deleted_at - %s", [LATER, LATER])
        for device in self.devices:
            if device.cursor and (place := cursors.decode(device.cursor)):
                device.cursor = cursors.encode(replace(place, started=place.started - LATER))
        with platform():
            jobs.purge_tombstones()
        self.purged |= {id for id in self.state.rows if not self.state.live(id)}
        self.observe()

    # --- at the end ------------------------------------------------------------------------------------
    def _nothing_vanished(self) -> None:
        with tenant(self.organization), connection.cursor() as cursor:
            cursor.execute(
                "SELECT coalesce(string_agg(t, ' '), '') FROM ("
                " SELECT notes AS t FROM lab_sample UNION ALL SELECT notes FROM lab_result"
                " UNION ALL SELECT changes::text FROM audit_auditentry"
                " UNION ALL SELECT client_data::text FROM sync_conflict) x"
            )
            text = cursor.fetchone()[0]
        gone = {mark for mark in self.marks if mark not in text}
        assert not gone, "every payload is in force, in the audit log, or in a conflict"
        assert {str(c.pk) for c in self._conflicts()} == set(self.state.conflicts)

    def _conflicts(self) -> list[Conflict]:
        with tenant(self.organization):
            return list(Conflict.objects.all())
