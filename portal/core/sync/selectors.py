"""Reading the feed, and what the server knows of devices, uploads and conflicts."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Collection as Items
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import connection
from django.db.models import Count, F, Q, QuerySet
from django.utils.translation import gettext as _

from portal.core.accounts.models import Device, User
from portal.core.accounts.services import device_open
from portal.core.common import clock
from portal.core.common.errors import Conflict as ConflictError
from portal.core.common.errors import Denied, Invalid, NotFound
from portal.core.sync import cursor as cursors
from portal.core.sync import registry
from portal.core.sync.cursor import Cursor
from portal.core.sync.models import Clock, Conflict, DeviceState, FeedRecord, Upload
from portal.core.sync.registry import Collection
from portal.core.tenancy import scope

TOMBSTONES: Final = timedelta(days=90)

_FEED = """
SELECT c.epoch::text, c.seq, c.floor, r.entity, r.record_id, r.seq, r.first_seq, r.ts, r.deleted_at, r.deleted_by_id
FROM sync_clock c LEFT JOIN LATERAL (
    SELECT * FROM sync_record s
    WHERE s.organization_id = c.organization_id AND s.seq > %(after)s AND s.entity = ANY(%(entities)s)
    ORDER BY s.seq LIMIT %(limit)s
) r ON true
WHERE c.organization_id = %(organization)s ORDER BY r.seq
"""


@dataclass(frozen=True, slots=True)
class Changes:
    """One page of the feed. `seq` is where the reader stands after it."""

    entries: list[dict[str, Any]]
    more: bool
    cursor: str
    seq: int


def collections_named(names: Sequence[str], user: User) -> list[Collection]:
    """The collections with these names (singular or plural, C64), or all; those that the person may see.

    Raises VALIDATION_ERROR `entity` for an unknown name and PERMISSION_DENIED for one that is out of reach.
    """
    if not names:
        return [collection for collection in registry.in_order() if user.has_permission(collection.view)]
    found = []
    for name in names:
        collection = registry.named(name)
        if collection is None:
            known = ", ".join(c.entity for c in registry.in_order())
            raise Invalid.field("entity", _("Must be one of: %(allowed)s.") % {"allowed": known})
        if not user.has_permission(collection.view):
            raise Denied(_("You do not have the right to see these records."), meta={"permission": collection.view})
        found.append(collection)
    return found


def changes(*, user: User, device: Device, cursor: str, entities: Sequence[str], limit: int) -> Changes:
    """The changes after `cursor` ('' = from the start), ascending by version, one entry per record.

    Rows and head are read in one statement, so nothing that commits in between can be stepped over. Raises
    VALIDATION_ERROR for a cursor that is none, and SYNC_CONFLICT (409, `fullResyncRequired`) for one of another
    person, device or epoch, of other rights or entities, or older than the tombstones that are kept.
    """
    collections = collections_named(entities, user)
    reach = _reach(collections, user)
    place = _place(cursor, device, reach)
    found = _feed(place.seq if place else 0, collections, limit + 1)
    epoch = UUID(found[0][0])  # a text in each row, made a UUID once
    head, floor = found[0][1:3]
    if place and (place.epoch != epoch or place.seq > head or _outdated(place, floor)):
        raise _resync()
    rows = [row[3:] for row in found if row[3] is not None]
    more = len(rows) > limit
    rows = rows[:limit]
    seq = rows[-1][2] if more else head
    after = place.seq if place else 0
    rows = _narrowed(rows, after, user, collections)
    entries = _entries(rows, epoch, after, {c.entity: c for c in collections})
    started = place.started if place else clock.now()
    return Changes(entries, more, cursors.encode(Cursor(epoch, device.pk, seq, started, reach)), seq)


def _reach(collections: list[Collection], user: User) -> bytes:
    return cursors.reach_of([(collection.entity, collection.reach(user)) for collection in collections])


def _place(text: str, device: Device, reach: bytes | None) -> Cursor | None:
    if not text:
        return None
    place = cursors.decode(text)
    if place is None:
        raise Invalid.field("cursor", _("This is not a cursor that the server gave."))
    if place.device != device.pk or (reach is not None and place.reach != reach):
        raise _resync()
    return place


def _outdated(place: Cursor, floor: int) -> bool:
    """Whether a tombstone that this reader needs may be gone: one of a record that lived when it began to read."""
    return place.seq < floor and clock.now() - place.started > TOMBSTONES


def _resync() -> ConflictError:
    return ConflictError(
        _("This cursor can no longer be followed. Fetch everything again, without a cursor."),
        code="SYNC_CONFLICT",
        meta={"fullResyncRequired": True},
    )


def _feed(after: int, collections: list[Collection], limit: int) -> list[Any]:
    values: dict[str, Any] = {
        "after": after,
        "entities": [c.entity for c in collections],
        "limit": limit,
        "organization": scope.organization_id(),
    }
    with connection.cursor() as statement:
        statement.execute(_FEED, values)
        return list(statement.fetchall())


def _narrowed(rows: list[Any], after: int, user: User, collections: list[Collection]) -> list[Any]:
    """What the person may see of a page. A record that left their reach is deleted for them; one that came after their
    cursor and never was in it is not mentioned."""
    kept = rows
    for collection in collections:
        ids = [row[1] for row in rows if row[0] == collection.entity] if collection.visible else []
        hidden = set(ids) - collection.seen(user, ids)
        if hidden:
            kept = [
                (*row[:5], row[5] or row[4], row[6]) if row[0] == collection.entity and row[1] in hidden else row
                for row in kept
                if row[0] != collection.entity or row[1] not in hidden or row[3] <= after
            ]
    return kept


def _entries(rows: list[Any], epoch: UUID, after: int, collections: Mapping[str, Collection]) -> list[dict[str, Any]]:
    wanted = defaultdict(list)
    for entity, id, _seq, _first, _ts, deleted_at, _by in rows:
        if deleted_at is None:
            wanted[entity].append(id)
    data: dict[UUID, dict[str, Any]] = {}
    for entity, ids in wanted.items():
        stored = collections[entity].rows(ids, shown=True)
        data.update(zip(stored, collections[entity].wire(list(stored.values())), strict=True))
    entries, name = [], change_names(epoch)
    for entity, id, seq, first, ts, deleted_at, deleted_by in rows:
        if deleted_at is None:
            body = data.get(id)
            if body is None or body["version"] != seq:
                continue  # written again since the feed was read: it comes under its new version
            operation = "created" if first > after else "updated"
        else:
            body = {"id": id, "deletedAt": clock.wire(deleted_at), "deletedBy": deleted_by}
            operation = "deleted"
        entries.append(
            {
                "entity": entity,
                "entityId": id,
                "operation": operation,
                "data": body,
                "version": seq,
                "timestamp": ts,
                "changeId": name(seq),
            }
        )
    return entries


def change_names(epoch: UUID) -> Callable[[int], str]:
    """Names the change that gave a record a version, the same in every answer (C65): `uuid5`, at half of its price."""
    begun = hashlib.sha1(epoch.bytes, usedforsecurity=False)

    def name(version: int) -> str:
        digest = begun.copy()
        digest.update(b"%d" % version)
        raw = bytearray(digest.digest()[:16])
        raw[6], raw[8] = raw[6] & 0x0F | 0x50, raw[8] & 0x3F | 0x80  # version 5, RFC 9562
        text = raw.hex()
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

    return name


def epoch() -> UUID:
    return Clock.objects.get(organization=scope.organization_id()).epoch


def standing(*, user: User, device_id: str, cursor: str) -> str:
    """The cursor that a device sent, checked; for '' the one of a reader of everything that knows nothing."""
    device = device_open(user=user, device_id=device_id)
    place = _place(cursor, device, None)
    state = Clock.objects.get(organization=scope.organization_id())
    if place and (place.epoch != state.epoch or place.seq > state.seq or _outdated(place, state.floor)):
        raise _resync()
    if cursor:
        return cursor
    reach = _reach(collections_named([], user), user)
    return cursors.encode(Cursor(state.epoch, device.pk, 0, clock.now(), reach))


def last_cursor(*, user: User, device_id: str) -> str:
    """The cursor that a device came with when it pulled last, '' for one that never did or can follow it no more. Not
    the one that it was given then: that answer may have been lost."""
    device = device_open(user=user, device_id=device_id)
    cursor = DeviceState.objects.filter(device=device).values_list("pull_cursor", flat=True).first() or ""
    try:
        return standing(user=user, device_id=device_id, cursor=cursor) if cursor else ""
    except (ConflictError, Invalid):
        return ""


def open_conflicts(device: Device | None = None) -> int:
    found = Conflict.objects.filter(resolution=Conflict.Resolution.OPEN)
    return (found.filter(device=device) if device else found).count()


def held(*, user: User, entity: str, ids: Items[UUID]) -> tuple[list[dict[str, Any]], list[UUID]]:
    """Which of these records the server holds (deleted ones while their tombstone is kept), and which it does not."""
    collection = collections_named([entity], user)[0]
    found = {
        id: {"id": id, "version": version, "deletedAt": clock.wire(deleted)}
        for id, version, deleted in FeedRecord.objects.filter(
            entity=collection.entity, record_id__in=collection.seen(user, ids)
        ).values_list("record_id", "seq", "deleted_at")
    }
    return list(found.values()), [id for id in ids if id not in found]


def upload_get(*, user: User, id: UUID) -> Upload:
    """An upload of the person's own devices; a manager sees all. Raises RESOURCE_NOT_FOUND."""
    found = Upload.objects.select_related("device").filter(pk=id)
    if not user.has_permission("devices.view"):
        found = found.filter(device__user=user)
    upload = found.first()
    if upload is None:
        raise NotFound(_("There is no such upload."))
    return upload


def upload_card(upload: Upload) -> dict[str, Any]:
    """Where an upload stands; `nextChunk` is the lowest one missing, null when none is."""
    expired = upload.status == Upload.Status.OPEN and upload.expires_at < clock.now()
    return {
        "id": upload.pk,
        "status": Upload.Status.EXPIRED.value if expired else upload.status,
        "receivedChunks": upload.received,
        "nextChunk": next_chunk(upload.received, upload.chunks),
        "receivedRecords": upload.received_records,
        "expiresAt": clock.wire(upload.expires_at),
        "chunks": upload.chunks,
        "records": upload.records,
        "counts": upload.counts,
        "deviceId": upload.device.device_id,
    }


def next_chunk(received: list[list[int]], chunks: int) -> int | None:
    first = received[0][1] + 1 if received and received[0][0] == 0 else 0
    return first if first < chunks else None


def device_states(*, user: User, device_id: str = "") -> QuerySet[Device]:
    """Devices with their state: own ones, and all for whoever may see devices."""
    found = Device.objects.select_related("sync_state", "user").annotate(
        open_conflicts=Count("conflicts", filter=Q(conflicts__resolution=Conflict.Resolution.OPEN))
    )
    if not user.has_permission("devices.view"):
        found = found.filter(user=user)
    found = found.order_by(F("last_seen_at").desc(nulls_last=True), "pk")
    return found.filter(device_id=device_id) if device_id else found


def device_cards(devices: Items[Device]) -> list[dict[str, Any]]:
    """`SyncLog` of specification 001: where each device stands."""
    uploads: dict[UUID, list[dict[str, Any]]] = defaultdict(list)
    running = Upload.objects.filter(
        device__in=[device.pk for device in devices], status=Upload.Status.OPEN, expires_at__gt=clock.now()
    )
    for upload in running.select_related("device").order_by("created_at"):
        uploads[upload.device_id].append(upload_card(upload))
    return [_device_card(device, uploads[device.pk]) for device in devices]


def unknown_device(user: User, device_id: str) -> dict[str, Any]:
    device = Device(user=user, device_id=device_id)
    device.open_conflicts = 0  # type: ignore[attr-defined]
    return _device_card(device, [])


def _device_card(device: Device, uploads: list[dict[str, Any]]) -> dict[str, Any]:
    state: DeviceState | None = getattr(device, "sync_state", None)
    return {
        "deviceId": device.device_id,
        "deviceName": device.device_name or device.device_id,
        "userId": device.user_id,
        "userName": device.user.name,
        "deviceStatus": device.status,
        "status": state.status if state else DeviceState.Status.NEVER.value,
        "lastSyncTimestamp": clock.wire(state.last_success_at) if state else None,
        "lastPushAt": clock.wire(state.last_push_at) if state else None,
        "lastPullAt": clock.wire(state.last_pull_at) if state else None,
        "errorMessage": (state.error_message or None) if state else None,
        "openConflicts": device.open_conflicts,  # type: ignore[attr-defined]
        "uploads": uploads,
    }


@dataclass(frozen=True, slots=True)
class Figures:
    """What a manager looks at first."""

    devices: int
    seen_today: int
    failing: int
    running: int
    conflicts: int


def figures() -> Figures:
    now = clock.now()
    devices = Device.objects.filter(status=Device.Status.ACTIVE).aggregate(
        all=Count("pk"), seen=Count("pk", filter=Q(last_seen_at__gt=now - timedelta(days=1)))
    )
    return Figures(
        devices=devices["all"],
        seen_today=devices["seen"],
        failing=DeviceState.objects.filter(status=DeviceState.Status.ERROR).count(),
        running=Upload.objects.filter(status=Upload.Status.OPEN, expires_at__gt=now).count(),
        conflicts=open_conflicts(),
    )


def conflict_list(
    *, status: str = "", entity: str = "", record: UUID | None = None, since: datetime | None = None
) -> QuerySet[Conflict]:
    """The inbox, newest first. `status`: open, resolved or '' for both."""
    found = Conflict.objects.select_related("device", "lost_by", "resolved_by", "device__user").order_by(
        "-created_at", "-id"
    )
    if status == "open":
        found = found.filter(resolution=Conflict.Resolution.OPEN)
    elif status == "resolved":
        found = found.exclude(resolution=Conflict.Resolution.OPEN)
    if entity:
        found = found.filter(entity=entity)
    if record:
        found = found.filter(record_id=record)
    return found.filter(created_at__gte=since) if since else found


def conflict_card(conflict: Conflict) -> dict[str, Any]:
    return {
        "conflictId": conflict.pk,
        "entity": conflict.entity,
        "entityId": conflict.record_id,
        "reason": conflict.reason,
        "resolution": conflict.resolution,
        "serverVersion": conflict.server_version,
        "clientVersion": conflict.client_version,
        "clientTimestamp": clock.wire(conflict.client_timestamp),
        "serverData": conflict.server_data,
        "clientData": conflict.client_data,
        "lostData": conflict.lost_data,
        "lostBy": _lost_by(conflict.lost_by_id, conflict.lost_by_device),
        "deviceId": conflict.device.device_id if conflict.device else None,
        "createdAt": clock.wire(conflict.created_at),
        "resolvedBy": conflict.resolved_by_id,
        "resolvedAt": clock.wire(conflict.resolved_at),
        "resolutionReason": conflict.resolution_reason or None,
    }


def _lost_by(user: UUID | None, device: str) -> dict[str, Any] | None:
    return {"userId": user, "deviceId": device or None} if user or device else None
