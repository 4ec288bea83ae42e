"""What devices ask of the server: push a batch, pull changes; and what managers decide about conflicts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.utils.translation import gettext as _

from portal.core.accounts.models import Device, User
from portal.core.accounts.services import device_open
from portal.core.audit.models import Action
from portal.core.audit.services import Event, record
from portal.core.common import clock
from portal.core.common.errors import Conflict as ConflictError
from portal.core.common.errors import Denied, FieldError, Invalid, NotFound, TooLarge
from portal.core.common.ids import parse_uuid
from portal.core.notifications.events import publish
from portal.core.sync import engine, registry, selectors
from portal.core.sync.engine import NO_VERSION_CHECK, Batch, Change, Strategy
from portal.core.sync.models import Conflict, DeviceState, Upload
from portal.core.tenancy import scope

ITEMS: Final = 1000  # of one push (C70), and ids of one reconciliation
UPLOAD_LIFE: Final = timedelta(days=7)
_OPERATIONS: Final = ("created", "updated", "deleted")
_KEY_LENGTH: Final = 200
_SEEN: Final = timedelta(seconds=10)  # a paging reader is noted this often


@dataclass(frozen=True, slots=True)
class Pushed:
    """What became of a push: the batch with its items in order, the upload it belongs to."""

    batch: Batch
    changes: list[Change]
    device: Device
    upload: Upload | None


def push(
    *,
    user: User,
    device_id: str,
    items: Any,
    strategy: Any = None,
    upload: Any = None,
    limit: int = ITEMS,
) -> Pushed:
    """Apply the items of one device (contract-lab-sync section 2), each for itself.

    Raises for what is wrong with the envelope alone: VALIDATION_ERROR naming the field, PAYLOAD_TOO_LARGE above
    `limit` items, DEVICE_NOT_REGISTERED (401) for a revoked device.
    """
    if not isinstance(items, list):
        raise Invalid.field("changes", _("Must be a list."))
    if len(items) > limit:
        message = _("Send at most %(limit)d changes at a time.") % {"limit": limit}
        raise TooLarge(message, meta={"limit": limit, "unit": "items"})
    chosen = _strategy(strategy)
    chunk = _Chunk.read(upload) if upload is not None else None
    device = device_open(user=user, device_id=device_id)
    with scope.acting(device=device.device_id, device_row=device.pk, via="sync"):
        changes = [_read(index, item) for index, item in enumerate(items)]
        batch = engine.apply(changes, user=user.pk, device=device, strategy=chosen, rights=user.permission_codes)
        progress = _note_chunk(chunk, device, batch) if chunk else None
        _note_push(device, batch, progress)
        _announce(device, batch, progress)
    return Pushed(batch, changes, device, progress)


def _strategy(value: Any) -> Strategy:
    if value is None:
        return "lww"
    if value not in ("lww", "manual", "refuse"):
        raise Invalid.field("conflictStrategy", _("Must be one of: %(allowed)s.") % {"allowed": "lww, manual, refuse"})
    return value  # type: ignore[no-any-return]


def _read(index: int, item: Any) -> Change:
    """One item as the client sent it; what is wrong with it becomes its own error."""
    said: Mapping[str, Any] = item if isinstance(item, dict) else {}
    collection = registry.named(said["entity"]) if isinstance(said.get("entity"), str) else None
    id, operation, data = parse_uuid(said.get("entityId")), said.get("operation"), said.get("data")
    version, key, stamp = said.get("clientVersion"), said.get("idempotencyKey"), said.get("clientTimestamp")
    change = Change(
        entity=collection.entity if collection else "",
        id=id or UUID(int=index),
        operation=operation if operation in _OPERATIONS else "updated",
        data=data if isinstance(data, dict) else {},
        client_timestamp=clock.parse_moment(stamp),
        key=key if isinstance(key, str) and key else None,
        index=index,
    )

    def refuse(field: str, message: str) -> None:
        change.refuse("VALIDATION_ERROR", message, field)

    if not isinstance(item, dict):
        change.refuse("VALIDATION_ERROR", _("A change is an object."))
        return change
    if collection is None:
        known = ", ".join(c.entity for c in registry.in_order())
        refuse("entity", _("Must be one of: %(allowed)s.") % {"allowed": known})
    if id is None:
        refuse("entityId", _("Must be a UUID."))
    if operation not in _OPERATIONS:
        refuse("operation", _("Must be one of: %(allowed)s.") % {"allowed": ", ".join(_OPERATIONS)})
    if not isinstance(data, dict) and (data is not None or operation != "deleted"):
        refuse("data", _("Must be an object."))
    if isinstance(version, int) and not isinstance(version, bool) and 0 <= version < NO_VERSION_CHECK:
        change.client_version = version
    elif version is not None:
        refuse("clientVersion", _("Must be a version that the server gave, or 0."))
    if stamp is not None and change.client_timestamp is None:
        refuse("clientTimestamp", _("Must be a date and time with its offset (2026-11-20T09:15:00Z)."))
    if key is not None and (not isinstance(key, str) or len(key) > _KEY_LENGTH or "\x00" in key):
        refuse("idempotencyKey", _("Must be text of at most %(limit)d characters.") % {"limit": _KEY_LENGTH})
        change.key = None
    return change


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Which part of which upload a push carries."""

    id: UUID
    chunk: int
    chunks: int
    records: int

    @classmethod
    def read(cls, value: Any) -> "_Chunk":
        said = value if isinstance(value, dict) else {}
        id = parse_uuid(said.get("id"))
        errors = [] if id else [FieldError("upload.id", _("Must be a UUID."))]
        numbers = {}
        for name, low, high in (("chunk", 0, 99_999), ("chunks", 1, 100_000), ("records", 0, 100_000_000)):
            number = said.get(name)
            if isinstance(number, bool) or not isinstance(number, int) or not low <= number <= high:
                message = _("Must be a whole number from %(low)d to %(high)d.") % {"low": low, "high": high}
                errors.append(FieldError(f"upload.{name}", message))
            else:
                numbers[name] = number
        if not errors and numbers["chunk"] >= numbers["chunks"]:
            errors.append(FieldError("upload.chunk", _("Chunks are counted from 0 to chunks - 1.")))
        if errors or id is None:
            raise Invalid(errors[0].message, errors=errors)
        return cls(id, **numbers)


def _note_chunk(chunk: _Chunk, device: Device, batch: Batch) -> Upload:
    """Note a chunk as arrived, in the transaction that applied it: both are kept, or neither. The clock's lock, which
    the batch holds, serialises the chunks of one upload."""
    new = Upload(
        id=chunk.id,
        organization_id=scope.organization_id(),
        device=device,
        chunks=chunk.chunks,
        records=chunk.records,
        expires_at=clock.now() + UPLOAD_LIFE,
    )
    Upload.objects.bulk_create([new], ignore_conflicts=True)
    upload = Upload.objects.select_related("device").filter(pk=chunk.id, device=device).first()
    if upload is None:
        raise NotFound(_("There is no such upload."))
    if upload.expires_at < clock.now():
        upload.received, upload.received_records, upload.counts = [], 0, {}
        upload.chunks, upload.records, upload.expires_at = chunk.chunks, chunk.records, new.expires_at
    if (upload.chunks, upload.records) != (chunk.chunks, chunk.records):
        raise Invalid.field("upload.chunks", _("This upload was begun with other numbers of chunks and records."))
    if not any(first <= chunk.chunk <= last for first, last in upload.received):
        upload.received = _with(upload.received, chunk.chunk)
        upload.received_records += len(batch.changes)
        counts = batch.counts()
        upload.counts = {name: upload.counts.get(name, 0) + count for name, count in counts.items()}
    upload.status = Upload.Status.COMPLETE if upload.received == [[0, upload.chunks - 1]] else Upload.Status.OPEN
    upload.save()
    return upload


def _with(ranges: Sequence[Sequence[int]], number: int) -> list[list[int]]:
    """Closed ranges with one more number, neighbours joined."""
    merged: list[list[int]] = []
    for first, last in sorted([*map(list, ranges), [number, number]]):
        if merged and first <= merged[-1][1] + 1:
            merged[-1][1] = max(merged[-1][1], last)
        else:
            merged.append([first, last])
    return merged


def _note_push(device: Device, batch: Batch, upload: Upload | None) -> None:
    refused = [change for change in batch.changes if change.errors]
    state, _made = DeviceState.objects.get_or_create(device=device, organization_id=device.organization_id)
    state.last_push_at = batch.received
    state.pushed += len(batch.changes)
    if refused:
        state.status = DeviceState.Status.ERROR
        first = refused[0].errors[0]
        state.error_message = f"{len(refused)} / {len(batch.changes)}: {first.code} {first.field or ''} {first.message}"
    else:
        running = upload is not None and upload.status == Upload.Status.OPEN
        state.status = DeviceState.Status.SYNCING if running else DeviceState.Status.OK
        state.error_message = ""
        state.last_success_at = batch.received
    state.save()


def _announce(device: Device, batch: Batch, upload: Upload | None) -> None:
    counts = batch.counts()
    data: dict[str, Any] = {
        "deviceId": device.device_id,
        "deviceName": device.device_name or device.device_id,
        "counts": counts,
    }
    if upload is not None:
        data |= {"uploadId": str(upload.pk), "received": upload.received_records, "records": upload.records}
    publish("sync.progress", entity="device", id=device.pk, data=data)
    if counts["conflicts"]:
        publish("sync.conflict", entity="device", id=device.pk, data={"count": counts["conflicts"]})


def pull(
    *, user: User, device_id: str, cursor: str, entities: Sequence[str], limit: int
) -> tuple[selectors.Changes, Device]:
    """One page of the feed for a device (`selectors.changes`), noted in the device's state."""
    device = device_open(user=user, device_id=device_id)
    page = selectors.changes(user=user, device=device, cursor=cursor, entities=entities, limit=limit)
    state = DeviceState.objects.filter(device=device).first()
    now = clock.now()
    if state is None:
        state = DeviceState(organization_id=device.organization_id, device=device)
    if not page.more or state.last_pull_at is None or now - state.last_pull_at > _SEEN:
        state.last_pull_at, state.pull_seq, state.pull_cursor = now, page.seq, cursor
        state.pulled += len(page.entries)
        if not page.more:
            state.last_success_at = now
            if state.status == DeviceState.Status.NEVER:
                state.status = DeviceState.Status.OK
        state.save()
    return page, device


def conflict_resolve(
    *,
    user: User,
    id: UUID,
    choice: str,
    reason: str,
    data: Mapping[str, Any] | None = None,
) -> Conflict:
    """Decide a conflict: `client` writes the device's version, `server` keeps the row, `merge` writes `data`.

    Whatever is chosen gives the record a new version, so that every device receives it. A conflict that the
    timestamps decided may be decided otherwise once. Raises RESOURCE_NOT_FOUND, VALIDATION_ERROR, and
    VERSION_CONFLICT (409) for one that a person has decided already.
    """
    if choice not in (Conflict.Resolution.CLIENT, Conflict.Resolution.SERVER, Conflict.Resolution.MERGE):
        raise Invalid.field("choice", _("Must be one of: %(allowed)s.") % {"allowed": "client, server, merge"})
    if not isinstance(reason, str) or not reason.strip():
        raise Invalid.field("reason", _("Say why: the reason is kept with the decision."))
    if choice == Conflict.Resolution.MERGE and not isinstance(data, Mapping):
        raise Invalid.field("data", _("A merge needs the merged fields."))
    engine.lock_clock()
    conflict = selectors.conflict_list().filter(pk=id).first()
    if conflict is None:
        raise NotFound(_("There is no such conflict."))
    if conflict.resolved_by_id is not None:
        raise ConflictError(_("This conflict has been decided already."), meta={"resolution": conflict.resolution})
    collection = registry.get(conflict.entity)
    if not user.has_permission(collection.edit):
        raise Denied(_("You do not have the right to do this."), meta={"permission": collection.edit})
    stored = collection.rows([conflict.record_id]).get(conflict.record_id)
    written = data if choice == Conflict.Resolution.MERGE else conflict.client_data
    if choice == Conflict.Resolution.SERVER:
        # a conflict decided for the device is turned round: what the server had, comes back
        turned = conflict.resolution == Conflict.Resolution.CLIENT
        written = (conflict.lost_data or {}) if turned else {"deleted": bool(stored and stored["deleted_at"])}
    assert written is not None
    gone = bool(written.get("deleted"))
    change = Change(
        entity=conflict.entity,
        id=conflict.record_id,
        operation="deleted" if gone else "updated",
        data={**written, "reason": reason.strip()},
        client_version=NO_VERSION_CHECK,
        forced=True,
    )
    engine.apply([change], user=user.pk)
    if change.errors:
        first = change.errors[0]
        raise Invalid(first.message, errors=[FieldError(e.field or "data", e.message) for e in change.errors])
    before = conflict.resolution
    conflict.resolution = Conflict.Resolution(choice)
    conflict.resolved_by, conflict.resolved_at = user, clock.now()
    conflict.resolution_reason = reason.strip()
    conflict.save()
    record(
        Event(
            Action.CONFLICT_RESOLVED,
            conflict.entity,
            str(conflict.record_id),
            {"resolution": [before, choice], "version": [conflict.server_version, change.version]},
            label=str((stored or {}).get(getattr(collection.model, "audit_label", "name")) or conflict.record_id),
            reason=reason.strip(),
        )
    )
    publish("sync.conflict", entity=conflict.entity, id=conflict.record_id, data={"resolved": str(conflict.pk)})
    return conflict
