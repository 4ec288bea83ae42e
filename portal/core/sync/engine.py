"""The one way in which synced records are written: pages, API, jobs, imports and both sync surfaces.

`apply(changes, …)` runs in the caller's transaction (`sync.md` section 4): validate set-based, lock the organisation's
clock, decide item by item, let the rooms derive what they compute, write each record once, keep the loser of every
conflict. Versions, feed and audit rows come from triggers.
"""

import hashlib
from collections import defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

import orjson
from django.db import connection
from django.utils.translation import gettext as _

from portal.core.accounts.models import Device
from portal.core.audit.models import Action
from portal.core.audit.services import Event, record_all
from portal.core.common import clock
from portal.core.common.ids import parse_uuid, uuid7
from portal.core.sync import registry
from portal.core.sync.models import Conflict, FeedRecord, ItemKey
from portal.core.sync.registry import Collection, Row
from portal.core.tenancy import scope

Operation = Literal["created", "updated", "deleted"]
# How a change is decided whose record got other content since the client's version: the later timestamp wins, a manager
# decides, or the client's change is refused.
Strategy = Literal["lww", "manual", "refuse"]
# A writer that holds the current record (a page, a REST call without `version`) never conflicts.
NO_VERSION_CHECK = 2**62


@dataclass(frozen=True, slots=True)
class ItemError:
    """Codes: VALIDATION_ERROR, RESOURCE_NOT_FOUND, PERMISSION_DENIED, LBAC_VIOLATION, DUPLICATE, IDEMPOTENCY_CONFLICT,
    ILLEGAL_TRANSITION (`allowed`: the states that the record may go to), PROJECT_CLOSED and those of the rooms. `rule`
    and `details` say more of what was wrong."""

    code: str
    message: str
    field: str | None = None
    allowed: tuple[str, ...] = ()
    rule: str = ""
    details: Mapping[str, Any] | None = None


@dataclass(slots=True)
class Change:
    """One item of a batch: what the client said, then what the engine made of it."""

    entity: str
    id: UUID
    operation: Operation
    data: dict[str, Any]
    client_version: int = 0
    client_timestamp: datetime | None = None
    key: str | None = None
    index: int = 0
    forced: bool = False  # gives the record a new version even where nothing differs
    # filled by the engine
    base: int = 0  # the version that was edited: `client_version` where the server gave it, else 0
    current: Row | None = None  # as stored, deleted or not
    feed: FeedRecord | None = None
    row: Row | None = None  # as it would be written
    errors: list[ItemError] = field(default_factory=list)
    status: str = ""  # created, updated, deleted, unchanged, skipped, conflict, error
    version: int | None = None
    conflict: "Lost | None" = None

    def refuse(
        self,
        code: str,
        message: object,
        field: str | None = None,
        allowed: tuple[str, ...] = (),
        *,
        rule: str = "",
        details: Mapping[str, Any] | None = None,
    ) -> None:
        self.errors.append(ItemError(code, str(message), field, allowed, rule, details))
        self.status, self.conflict = "error", None

    @property
    def open(self) -> bool:
        return not self.status

    @property
    def deleted_now(self) -> bool:
        return self.current is not None and self.current["deleted_at"] is not None


@dataclass(slots=True)
class Lost:
    """Two versions met: `lost` is the one that is not in force, None while a manager decides."""

    resolution: Conflict.Resolution
    client: dict[str, Any]
    server: Row
    lost: dict[str, Any] | None
    lost_by: UUID | None
    lost_by_device: str
    id: UUID = field(default_factory=uuid7)
    server_version: int = 0


@dataclass(slots=True)
class Batch:
    """The changes of one call and the rows that are to be written, per entity."""

    changes: list[Change]
    received: datetime
    user: UUID | None
    device: Device | None
    strategy: Strategy
    writes: dict[str, dict[UUID, Row]] = field(default_factory=lambda: defaultdict(dict))
    before: dict[str, dict[UUID, Row]] = field(default_factory=lambda: defaultdict(dict))
    versions: dict[str, dict[UUID, int]] = field(default_factory=lambda: defaultdict(dict))
    cache: dict[str, Any] = field(default_factory=dict)  # look-ups that a room shares between its steps

    def of(self, entity: str) -> list[Change]:
        return [change for change in self.changes if change.entity == entity]

    def write(self, entity: str, row: Row, before: Row | None) -> None:
        """Plan a row; computed changes of the server go through here too."""
        row["updated_at"] = self.received
        if before is not None:
            self.before[entity].setdefault(row["id"], before)
        self.writes[entity][row["id"]] = row

    def counts(self) -> dict[str, int]:
        names = {"conflict": "conflicts", "error": "errors"}
        counts = dict.fromkeys(("created", "updated", "deleted", "unchanged", "skipped", "conflicts", "errors"), 0)
        for change in self.changes:
            counts[names.get(change.status, change.status)] += 1
            if change.conflict and change.status != "conflict":
                counts["conflicts"] += 1
        return counts


def apply(
    changes: Sequence[Change],
    *,
    user: UUID | None,
    device: Device | None = None,
    strategy: Strategy = "lww",
    rights: Container[str] | None = None,
) -> Batch:
    """Apply changes in the transaction in force; every change leaves with a status, none raises for another's sake.

    `rights`: what the person may do, checked for each item; None where the caller has checked.
    """
    batch = Batch(list(changes), clock.now(), user, device, strategy)
    _refuse_twins(batch)
    if rights is not None:
        _refuse_without_right(batch, rights)
    _skip_known_keys(batch)
    _refuse_foreign_ids(batch)
    _validate(batch, [change for change in batch.changes if change.open])
    newest = lock_clock()
    _skip_known_keys(batch)  # again: a twin of this batch may have committed in the meantime
    for change in batch.changes:
        # a version that never was, or that a restored backup does not know, is none
        change.base = 0 if newest < change.client_version < NO_VERSION_CHECK else change.client_version
    moved = _reread(batch)
    if moved:
        _validate(batch, moved)
    for change in batch.changes:
        if change.open:
            _decide(batch, change)
    for collection in registry.in_order():
        collection.derive(batch)
    _state_reasons(batch)
    for collection in registry.in_order():
        _write(batch, collection)
    _keep_conflicts(batch)
    _keep_keys(batch)
    for collection in registry.in_order():
        collection.announce(batch)
    return batch


def restate(entity: str, rows: Sequence[Row]) -> dict[UUID, int]:
    """Write what the server computes of existing records and nothing else, in the transaction in force; returns the new
    versions. Each row carries `id` and the same ones of the model's `sync_derived` columns. For rules that change under
    many records: a narrow statement instead of `apply`, with the same versions, feed and audit rows."""
    if not rows:
        return {}
    collection = registry.get(entity)
    table = collection.model._meta.db_table
    settings = ", ".join(f'"{name}" = r."{name}"' for name in collection.model.sync_derived if name in rows[0])
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('marsad.computed', 'on', true)")
        cursor.execute(
            f'UPDATE "{table}" t SET {settings}, updated_at = %s'
            f' FROM jsonb_populate_recordset(NULL::"{table}", %s::jsonb) r WHERE t.id = r.id RETURNING t.id, t.version',
            [clock.now(), orjson.dumps(rows, default=_json_default).decode()],
        )
        versions = dict(cursor.fetchall())
        cursor.execute("SELECT set_config('marsad.computed', '', true)")
    return versions


def lock_clock() -> int:
    """Serialise the organisation's writers from here to the commit; returns the last version given."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT marsad_clock(%s)", [scope.organization_id()])
        return int(cursor.fetchone()[0])


def fingerprint(value: Any) -> bytes:
    """SHA-256 of the canonical JSON (sorted keys) of a request body or an item."""
    return hashlib.sha256(
        orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS, default=str)
    ).digest()


def _item_fingerprint(change: Change) -> bytes:
    return fingerprint(
        [
            change.entity,
            str(change.id),
            change.operation,
            change.client_version,
            clock.wire(change.client_timestamp),
            change.data,
        ]
    )


def _refuse_twins(batch: Batch) -> None:
    seen: set[tuple[str, Any]] = set()
    for change in batch.changes:
        marks = {("id", (change.entity, change.id))} | ({("key", change.key)} if change.key else set())
        if change.open:
            if marks & seen:
                change.refuse("DUPLICATE", _("This record or key stands twice in the batch; the first one counts."))
            else:
                seen |= marks


def _refuse_without_right(batch: Batch, rights: Container[str]) -> None:
    for change in batch.changes:
        if change.open:
            collection = registry.get(change.entity)
            if (collection.delete if change.operation == "deleted" else collection.edit) not in rights:
                change.refuse("PERMISSION_DENIED", _("You do not have the right to do this."))


def _skip_known_keys(batch: Batch) -> None:
    keyed = {change.key: change for change in batch.changes if change.open and change.key}
    if not keyed or batch.device is None:
        return
    for known in ItemKey.objects.filter(device=str(batch.device.pk), key__in=list(keyed)):
        change = keyed[known.key]
        if bytes(known.fingerprint) == _item_fingerprint(change):
            change.status, change.version = "skipped", known.version
        else:
            change.refuse("IDEMPOTENCY_CONFLICT", _("This key was used before with other data."), "idempotencyKey")


def _refuse_foreign_ids(batch: Batch) -> None:
    """An id of another organisation is answered like an unknown one."""
    for collection in registry.in_order():
        ids = {change.id: change for change in batch.of(collection.entity) if change.open}
        if not ids:
            continue
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT marsad_ids_elsewhere(%s, %s, %s)",
                [collection.model._meta.db_table, scope.organization_id(), list(ids)],
            )
            for (found,) in cursor.fetchall():
                ids[found].refuse("RESOURCE_NOT_FOUND", _("There is no such record."), "entityId")


def _read(collection: Collection, changes: Iterable[Change]) -> None:
    wanted = {change.id: change for change in changes}
    rows = collection.rows(wanted)
    feed = {
        record.record_id: record
        for record in FeedRecord.objects.filter(entity=collection.entity, record_id__in=list(rows))
    }
    for change in wanted.values():
        change.current, change.feed, change.row = rows.get(change.id), feed.get(change.id), None


def _validate(batch: Batch, changes: Sequence[Change]) -> None:
    grouped = defaultdict(list)
    for change in changes:
        grouped[change.entity].append(change)
    for collection in registry.in_order():
        group = grouped.get(collection.entity)
        if not group:
            continue
        _read(collection, group)
        for change in group:
            if change.current is None and change.operation != "created":
                change.refuse("RESOURCE_NOT_FOUND", _("There is no such record."), "entityId")
        edits = [change for change in group if change.open and change.operation != "deleted"]
        if edits:
            collection.validate(batch, edits)
        deletions = [change for change in group if change.open and change.operation == "deleted"]
        if deletions and collection.validate_deletions is not None:
            collection.validate_deletions(batch, deletions)


def _reread(batch: Batch) -> list[Change]:
    """Changes whose record was written by somebody else between the first look and the lock."""
    grouped = defaultdict(list)
    for change in batch.changes:
        if change.open:
            grouped[change.entity].append(change)
    moved = []
    for entity, group in grouped.items():
        now = dict(
            FeedRecord.objects.filter(entity=entity, record_id__in=[change.id for change in group]).values_list(
                "record_id", "seq"
            )
        )
        moved += [change for change in group if now.get(change.id) != (change.feed.seq if change.feed else None)]
    return moved


def _decide(batch: Batch, change: Change) -> None:
    collection = registry.get(change.entity)
    current = change.current
    stamp = min(change.client_timestamp or batch.received, batch.received)
    if change.operation == "deleted":
        assert current is not None
        same = change.deleted_now
        row = current | {"deleted_at": batch.received, "deleted_by_id": batch.user}
    else:
        assert change.row is not None
        row = change.row | {"deleted_at": None, "deleted_by_id": None}
        same = (
            current is not None
            and not change.deleted_now
            and all(row[column] == current[column] for column in collection.content)
        )
    if same and current is not None and not change.forced:
        change.status, change.version = "unchanged", current["version"]
        return
    row |= {"client_updated_at": stamp, "updated_by_id": batch.user}
    if current is None:
        row |= {"organization_id": scope.organization_id(), "created_by_id": batch.user, "created_at": batch.received}
        change.status = "created"
    else:
        change.conflict = _meet(batch, change, collection, current, row, stamp)
        if change.conflict and change.conflict.resolution != Conflict.Resolution.CLIENT:
            assert change.feed is not None
            change.status, change.version = "conflict", change.feed.seq
            return
        change.status = "deleted" if change.operation == "deleted" else "updated"
    change.row = row
    batch.write(change.entity, row, current)


def _meet(
    batch: Batch, change: Change, collection: Collection, current: Row, row: Row, stamp: datetime
) -> "Lost | None":
    """The conflict, where the record got other content since the version that the client had: from somebody else, or
    later from the device itself, whose old request came again after its keys were forgotten."""
    feed = change.feed
    if feed is None or feed.content_seq <= change.base:
        return None
    if batch.device and feed.content_device == str(batch.device.pk) and stamp >= feed.client_ts:
        return None
    client = {"deleted": True} if change.operation == "deleted" else collection.wire([row])[0]
    if batch.strategy == "manual":
        return Lost(Conflict.Resolution.OPEN, client, current, None, None, "")
    if batch.strategy == "lww" and stamp >= feed.client_ts:
        former = shown(collection, current)
        return Lost(Conflict.Resolution.CLIENT, client, current, former, current["updated_by_id"], feed.content_device)
    device = str(batch.device.pk) if batch.device else ""
    return Lost(Conflict.Resolution.SERVER, client, current, client, batch.user, device)


def shown(collection: Collection, row: Row) -> dict[str, Any]:
    """A row on the wire; of a deleted one its tombstone."""
    if row["deleted_at"] is None:
        return collection.wire([row])[0]
    return {
        "id": row["id"],
        "deleted": True,
        "deletedAt": clock.wire(row["deleted_at"]),
        "deletedBy": row["deleted_by_id"],
        "version": row["version"],
    }


def plain(value: Any) -> Any:
    """A wire resource as it reads after its way through JSON."""
    return orjson.loads(orjson.dumps(value, option=orjson.OPT_UTC_Z))


def _state_reasons(batch: Batch) -> None:
    """Tell the audit triggers why: the reason of each item that gave one, by the id of its record."""
    reasons = {
        str(change.id): reason[:1000]
        for change in batch.changes
        if change.status in ("created", "updated", "deleted") and isinstance(reason := change.data.get("reason"), str)
    }
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('marsad.reasons', %s, true)", [orjson.dumps(reasons).decode() if reasons else ""]
        )


def _json_default(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format(value, "f")
    raise TypeError


def _write(batch: Batch, collection: Collection) -> None:
    planned = batch.writes.get(collection.entity)
    if not planned:
        return
    table = collection.model._meta.db_table
    old = batch.before[collection.entity]
    new_rows = [row for id, row in planned.items() if id not in old]
    changed_rows = [row for id, row in planned.items() if id in old]
    columns = [column for column in collection.columns if column != "version"]
    names = ", ".join(f'"{column}"' for column in columns)
    versions = batch.versions[collection.entity]
    with connection.cursor() as cursor:
        if new_rows:
            values = ", ".join(f'r."{column}"' for column in columns)
            cursor.execute(
                f'INSERT INTO "{table}" ({names}, version) SELECT {values}, 0'
                f' FROM jsonb_populate_recordset(NULL::"{table}", %s::jsonb) r RETURNING id, version',
                [orjson.dumps(new_rows, default=_json_default).decode()],
            )
            versions.update(cursor.fetchall())
        if changed_rows:
            fixed = {"id", "organization_id", "created_at", "created_by_id"}
            settings = ", ".join(f'"{c}" = r."{c}"' for c in columns if c not in fixed)
            cursor.execute(
                f'UPDATE "{table}" t SET {settings} FROM jsonb_populate_recordset(NULL::"{table}", %s::jsonb) r'
                " WHERE t.id = r.id RETURNING t.id, t.version",
                [orjson.dumps(changed_rows, default=_json_default).decode()],
            )
            versions.update(cursor.fetchall())
    for id, version in versions.items():
        planned[id]["version"] = version
    for change in batch.of(collection.entity):
        if change.status in ("created", "updated", "deleted"):
            change.version = versions[change.id]


def _keep_conflicts(batch: Batch) -> None:
    lost = [(change, change.conflict) for change in batch.changes if change.conflict]
    if not lost:
        return
    names = _device_names([conflict.lost_by_device for _change, conflict in lost])
    rows, events = [], []
    for change, conflict in lost:
        collection = registry.get(change.entity)
        in_force = batch.writes[change.entity].get(change.id) or conflict.server
        conflict.server = in_force
        conflict.server_version = in_force["version"]
        conflict.lost_by_device = names.get(conflict.lost_by_device, "")
        decided = conflict.resolution != Conflict.Resolution.OPEN
        rows.append(
            Conflict(
                id=conflict.id,
                organization_id=scope.organization_id(),
                entity=change.entity,
                record_id=change.id,
                resolution=conflict.resolution,
                client_version=min(change.base, 2**53),
                server_version=conflict.server_version,
                client_data=plain(conflict.client),
                server_data=plain(shown(collection, in_force)),
                lost_data=plain(conflict.lost),
                lost_by_id=conflict.lost_by,
                lost_by_device=conflict.lost_by_device,
                device=batch.device,
                client_timestamp=change.client_timestamp,
                resolved_at=batch.received if decided else None,
            )
        )
        if decided:
            events.append(
                Event(
                    Action.CONFLICT_LOST,
                    change.entity,
                    str(change.id),
                    plain(conflict.lost or {}),
                    label=str(in_force.get(getattr(collection.model, "audit_label", "name")) or change.id),
                )
            )
    Conflict.objects.bulk_create(rows)
    record_all(events)


def _device_names(ids: Sequence[str]) -> dict[str, str]:
    """The devices' own names by the id of our rows."""
    rows = [id for text in ids if (id := parse_uuid(text))]
    return {str(id): name for id, name in Device.objects.filter(pk__in=rows).values_list("pk", "device_id")}


def _keep_keys(batch: Batch) -> None:
    known = [
        change
        for change in batch.changes
        if change.key and change.status in ("created", "updated", "deleted", "unchanged", "conflict")
    ]
    if batch.device is None or not known:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO sync_item (organization_id, device, key, fingerprint, version, created_at)"
            " SELECT %s, %s, k.key, k.fingerprint, k.version, %s"
            " FROM unnest(%s::text[], %s::bytea[], %s::bigint[]) k (key, fingerprint, version) ON CONFLICT DO NOTHING",
            [
                scope.organization_id(),
                str(batch.device.pk),
                batch.received,
                [change.key for change in known],
                [_item_fingerprint(change) for change in known],
                [change.version for change in known],
            ],
        )
