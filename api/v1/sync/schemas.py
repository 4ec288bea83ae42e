"""Shapes of synchronisation (contract: docs/api.md)."""

from datetime import datetime
from typing import Any, ClassVar, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from api.kit import In, Listing, Out

_SAMPLE = {
    "type": "drinking_water",
    "location": "Anfa, tap 4",
    "collectionDate": "2026-11-20T09:15:00Z",
    "collectorName": "Amina",
}


class ChangeIn(In):
    entity: str = Field(description="`sample` or `result`", examples=["sample"])
    entity_id: UUID = Field(description="Chosen by the client when it creates the record")
    operation: Literal["created", "updated", "deleted"]
    client_version: int = Field(0, description="The version that the client edited; 0 or absent: none")
    client_timestamp: datetime | None = Field(None, description="When the person made the change, with offset")
    idempotency_key: str | None = Field(None, description="The device's own key of this change")
    data: dict[str, Any] = Field({}, description="The writable fields; an update may send some", examples=[_SAMPLE])


class UploadIn(In):
    id: UUID = Field(description="Chosen by the client; lives 7 days")
    chunk: int = Field(description="From 0")
    chunks: int
    records: int = Field(description="Of all chunks together")


class SyncIn(In):
    device_id: str = Field("", description="Or the `X-Device-ID` header", examples=["lab-pc-7"])
    conflict_strategy: Literal["lww", "manual", "refuse"] = Field(
        "lww",
        description="Where others changed the record since: the later timestamp wins, a manager decides, or the change"
        " is refused and what is in force comes back",
    )
    sync_cursor: str | None = Field(None, description="Where present, the answer carries the changes since it")
    pull_limit: int = Field(200, ge=1, le=1000)
    upload: UploadIn | None = None
    aliases: ClassVar[dict[str, str]] = {"changes": "items"}

    items: list[ChangeIn] = Field(alias="changes", description="At most 1,000")


class ItemFault(Out):
    code: str
    message: str
    field: str | None


class ItemOut(Out):
    index: int
    entity: str
    entity_id: str | None
    idempotency_key: str | None
    status: Literal["created", "updated", "deleted", "unchanged", "skipped", "conflict", "error"]
    server_version: int | None
    server_timestamp: datetime | None
    error: ItemFault | None
    errors: list[ItemFault] = Field(description="All that is wrong with the item; `error` is the first")
    conflict_id: UUID | None


class Counts(Out):
    created: int
    updated: int
    deleted: int
    unchanged: int
    skipped: int
    conflicts: int
    errors: int


class LostBy(Out):
    user_id: UUID | None
    device_id: str | None


class ConflictOut(Out):
    conflict_id: UUID
    index: int
    entity: str
    entity_id: UUID
    reason: str
    resolution: Literal["client", "server", "open"]
    server_version: int
    server_data: dict[str, Any] = Field(description="The record in force; of a deleted one its tombstone")
    lost_data: dict[str, Any] | None
    lost_by: LostBy | None


class UploadOut(Out):
    id: UUID
    status: Literal["open", "complete", "expired"]
    received_chunks: list[list[int]] = Field(description="Closed ranges", examples=[[[0, 3]]])
    next_chunk: int | None
    received_records: int
    expires_at: datetime
    chunks: int
    records: int
    counts: dict[str, int]
    device_id: str


class FeedEntry(Out):
    entity: str
    entity_id: UUID
    operation: Literal["created", "updated", "deleted"]
    data: dict[str, Any]
    version: int
    timestamp: datetime
    change_id: UUID


class Pagination(Out):
    has_more: bool
    next_cursor: str


class SyncMetadata(Out):
    server_timestamp: datetime
    sync_cursor: str
    conflicts_count: int = Field(description="Conflicts of this device that wait for a decision")


class ChangesOut(Out):
    changes: list[FeedEntry]
    pagination: Pagination
    sync_metadata: SyncMetadata


class SyncOut(Out):
    results: list[ItemOut]
    counts: Counts
    conflicts: list[ConflictOut]
    upload: UploadOut | None
    changes: list[FeedEntry] | None = Field(description="Where `syncCursor` was sent")
    pagination: Pagination | None
    sync_metadata: SyncMetadata | None


class _Query(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    device_id: str = Field("", max_length=200, description="Or the `X-Device-ID` header")


class ChangesQuery(_Query):
    cursor: str = Field("", max_length=500, description="`nextCursor` of the last answer; absent: from the start")
    entity: list[str] = Field([], description="`sample`, `result` (repeatable; plural too); absent: all")
    limit: int = Field(200, ge=1, le=1000)


class StatusQuery(_Query):
    device_id: str = Field("", max_length=200, description="One device; absent: a list")


class ReconcileIn(In):
    entity: str = Field(examples=["sample"])
    ids: list[UUID] = Field(description="At most 1,000")


class HeldOut(Out):
    id: UUID
    version: int
    deleted_at: datetime | None


class ReconcileOut(Out):
    held: list[HeldOut]
    missing: list[UUID]


class DeviceOut(Out):
    device_id: str
    device_name: str
    user_id: UUID
    user_name: str
    device_status: Literal["active", "revoked", "blocked"]
    status: Literal["never", "ok", "syncing", "error"]
    last_sync_timestamp: datetime | None
    last_push_at: datetime | None
    last_pull_at: datetime | None
    error_message: str | None
    open_conflicts: int
    uploads: list[UploadOut]


class InboxQuery(Listing):
    status: Literal["open", "resolved", ""] = ""
    entity: str = Field("", max_length=40)
    entity_id: UUID | None = None


class InboxEntry(Out):
    conflict_id: UUID
    entity: str
    entity_id: UUID
    reason: str
    resolution: Literal["client", "server", "merge", "open"]
    server_version: int
    client_version: int
    client_timestamp: datetime | None
    server_data: dict[str, Any]
    client_data: dict[str, Any]
    lost_data: dict[str, Any] | None
    lost_by: LostBy | None
    device_id: str | None
    created_at: datetime
    resolved_by: UUID | None
    resolved_at: datetime | None
    resolution_reason: str | None


class ResolveIn(In):
    choice: Literal["client", "server", "merge"]
    data: dict[str, Any] | None = Field(None, description="The merged fields, for `merge`")
    reason: str = Field(description="Kept with the decision")


class ResolvedOut(Out):
    conflict: InboxEntry
    record: dict[str, Any] = Field(description="The record after the decision; of a deleted one its tombstone")
