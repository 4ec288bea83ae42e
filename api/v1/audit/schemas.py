"""Shapes of the audit log (C86, C87; `contract-platform.md` section 3)."""

from datetime import datetime
from typing import Any, ClassVar, Literal
from uuid import UUID

from pydantic import AliasChoices, BaseModel, Field

from api.kit import In, Listing, Out


class Dated(BaseModel):
    date_from: str = Field(
        "", alias="dateFrom", description="Date (in the organisation's zone) or date-time; alias from"
    )
    date_to: str = Field("", alias="dateTo", description="Inclusive; alias to")
    from_: str = Field("", validation_alias=AliasChoices("from"), alias="from", description="Alias of dateFrom")
    to: str = Field("", description="Alias of dateTo")

    model_config: ClassVar[Any] = {"populate_by_name": True}


class Filters(BaseModel):
    entity_type: str = Field("", max_length=40, alias="entityType", examples=["sample"], description="alias resource")
    resource: str = Field("", max_length=40, description="Alias of entityType")
    entity_id: str = Field("", max_length=255, alias="entityId")
    user_id: UUID | None = Field(None, alias="userId", description="Who acted; alias user")
    user: UUID | None = Field(None, description="Alias of userId")
    action: list[str] = Field(
        [], description="create, update, delete, restore, login, denied, conflict_lost … (repeatable)"
    )
    outcome: str = Field("", description="success, denied or failed")
    search: str = Field("", max_length=100, description="Words, or their beginnings, of label, person, reason, values")
    q: str = Field("", max_length=100, description="Alias of search")


class AuditQuery(Filters, Dated, Listing):
    pass


class TrailQuery(Dated, Listing):
    pass


class ExportQuery(Filters, Dated):
    format: Literal["csv", "jsonl", "json"] = "csv"
    bundle: Literal["", "zip"] = Field("", description="zip: with hashes, Merkle paths and a signed manifest")


class AuditOut(Out):
    id: int
    organization_id: UUID | None
    user_id: UUID | None
    user_name: str | None
    user_email: str | None
    user_role: str | None
    action: str
    entity_type: str
    resource: str = Field(description="Same as entityType")
    entity_id: str
    resource_id: str = Field(description="Same as entityId")
    label: str
    old_values: dict[str, Any] | None = Field(description="Before: changed fields of an update, all of a delete")
    new_values: dict[str, Any] | None = Field(description="After: changed fields of an update, all of a create")
    changes: dict[str, Any]
    reason: str | None
    outcome: str
    ip_address: str | None
    user_agent: str | None
    device_id: str | None
    via: str
    request_id: str | None
    latitude: float | None
    longitude: float | None
    timestamp: datetime
    created_at: datetime
    erased: bool = Field(description="Something was taken out by erasure or retention; the hashes stay")
    hash: str | None = Field(description="Leaf; null until sealed")
    previous_hash: str | None = Field(description="Chain before it")


class Stats(Out):
    total: int
    by_action: dict[str, int]
    by_resource: dict[str, int]
    by_user: list[dict[str, Any]]
    by_outcome: dict[str, int]
    by_day: list[dict[str, Any]]


class SecurityEventOut(Out):
    id: UUID
    organization_id: UUID | None
    type: str
    severity: Literal["low", "medium", "high", "critical"]
    status: Literal["open", "acknowledged", "resolved", "false_positive"]
    count: int
    first_at: datetime
    last_at: datetime
    subject: str
    details: dict[str, Any]
    resolution: str | None
    note: str | None
    acknowledged_by: UUID | None
    acknowledged_at: datetime | None
    resolved: bool
    resolved_by: UUID | None
    resolved_at: datetime | None


class SecurityQuery(Dated, Listing):
    severity: Literal["", "low", "medium", "high", "critical"] = ""
    status: list[Literal["open", "acknowledged", "resolved", "false_positive"]] = []
    resolved: bool | None = None
    type: str = Field("", max_length=40)


class ResolveIn(In):
    aliases: ClassVar = {"notes": "note", "comment": "note"}

    resolution: str = Field("resolved", description="resolved or false_positive")
    note: str = Field("", max_length=2000, description="Required: how it was settled")


class PolicyOut(Out):
    id: UUID
    resource: str = Field(description="Kind of record; empty for all that have no policy of their own")
    keep_days: int
    retention_days: int = Field(description="Same as keepDays")
    action: Literal["erase_payload", "archive"]
    legal_hold: bool
    is_active: bool


class PolicyIn(In):
    aliases: ClassVar = {"retentionDays": "keep_days"}

    resource: str = Field("", max_length=40)
    keep_days: int = Field(3650, description="At least 365")
    action: str = Field("archive", description="erase_payload, or archive (a signed bundle is kept first)")
    legal_hold: bool = False
    is_active: bool = False


class ApplyIn(In):
    dry_run: bool = True


class Applied(Out):
    dry_run: bool
    affected: int
    oldest: datetime | None
    held: int = Field(description="Entries that a legal hold keeps")
    archived: int
    deleted: int = Field(description="Entries whose content was taken out")


class VerifyIn(In):
    aliases: ClassVar = {"dateFrom": "from_", "dateTo": "to", "from": "from_"}

    from_: str = Field("", description="Date or date-time; alias dateFrom")
    to: str = Field("", description="Inclusive; alias dateTo")
    mode: Literal["incremental", "full", "sample"] = "incremental"


class Verified(Out):
    status: Literal["ok", "tampered", "missing", "unsealed_lag"]
    valid: bool
    mode: str
    checked: int
    erased: int
    first_bad: dict[str, Any] | None
    first_broken: dict[str, Any] | None = Field(description="Same as firstBad")
    findings: list[dict[str, Any]]
    checkpoints: int
    signature_ok: bool
    duration_ms: int
    at: datetime


class RuleIn(In):
    aliases: ClassVar = {"condition": "filter"}

    name: str = Field("", max_length=120)
    filter: dict[str, Any] = Field(
        {}, examples=[{"action": "export"}], description="action, resource, userId, outcome, ip; alias condition"
    )
    threshold: int = 1
    window_minutes: int = 60
    group_by: str = Field("", description="userId, ip, resource, or empty")
    severity: str = "medium"
    channels: list[str] = Field([], description="in_app, email")
    recipients: list[str] = Field([], description="E-mail addresses")
    throttle_minutes: int = 60
    is_active: bool = True


class RuleOut(Out):
    id: UUID
    name: str
    filter: dict[str, Any]
    threshold: int
    window_minutes: int
    group_by: str
    severity: str
    channels: list[str]
    recipients: list[str]
    throttle_minutes: int
    is_active: bool
    created_at: datetime


class DryRunIn(In):
    days: int = Field(30, ge=1, le=30)


class DryRun(Out):
    days: int
    matched: int
    alerts: int
    firings: list[dict[str, Any]]


class ErasureIn(In):
    aliases: ClassVar = {"entityType": "resource", "entityId": "id"}

    resource: str = Field("user", max_length=40)
    id: str = Field(max_length=255, description="Of the person's record")
    reason: str = Field("", max_length=2000, description="Required")


class Erased(Out):
    entries: int
    records: list[int] = Field(description="Entries that tell of the erasure")


class CheckpointOut(Out):
    organization_id: str
    first: int
    count: int
    head: str
    root: str
    at: str
    previous: str
    cause: str
    key_id: str
    signature: str


class ReportIn(In):
    aliases: ClassVar = {"from": "date_from", "to": "date_to"}

    date_from: str = ""
    date_to: str = ""
    language: Literal["ar", "fr", "en"] | None = None


class ReportHead(Out):
    id: UUID
    number: str
    date_from: datetime
    date_to: datetime
    language: str
    generated_at: datetime
    generated_by: UUID | None
    snapshot_hash: str
    verify_url: str
